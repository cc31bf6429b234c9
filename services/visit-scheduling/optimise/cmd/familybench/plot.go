package main

import (
	"bytes"
	"fmt"
	"math"
)

// plot draws how the week's figures grow with its visits: both axes by powers of
// ten, the upright one in each curve's own unit.
func plot(all []line) []byte {
	const width, height, left, bottom, top, right = 640, 400, 60, 50, 50, 20
	type point struct{ x, y float64 }
	of := func(run string, value func(line) float64) (out []point) {
		for _, l := range all {
			if v := value(l); l.Run == run && v > 0 {
				out = append(out, point{float64(l.Visits), v})
			}
		}
		return out
	}
	curves := []struct {
		name, colour string
		points       []point
	}{
		{"first week, CPU s", "#1b6ca8", of("first", func(l line) float64 { return l.CPU })},
		{"first week, memory in MB", "#7fb3d5", of("first", func(l line) float64 { return float64(l.MemoryMB) })},
		{"search, memory in MB", "#2e8b57", of("search", func(l line) float64 { return float64(l.MemoryMB) })},
		{"search, points a visit", "#b03a2e", of("search", func(l line) float64 { return float64(l.Without) / float64(l.Visits) })},
	}
	low, high := point{math.Inf(1), math.Inf(1)}, point{math.Inf(-1), math.Inf(-1)}
	for _, c := range curves {
		for _, p := range c.points {
			low = point{min(low.x, p.x), min(low.y, p.y)}
			high = point{max(high.x, p.x), max(high.y, p.y)}
		}
	}
	if low.x > high.x {
		low, high = point{1, 1}, point{10, 10} // nothing to draw but the axes
	}
	floor := func(v float64) float64 { return math.Floor(math.Log10(v)) }
	ceil := func(v, from float64) float64 { return max(from+1, math.Ceil(math.Log10(v))) }
	x0, y0 := floor(low.x), floor(low.y)
	x1, y1 := ceil(high.x, x0), ceil(high.y, y0)
	x := func(v float64) float64 { return left + (math.Log10(v)-x0)/(x1-x0)*(width-left-right) }
	y := func(v float64) float64 { return height - bottom - (math.Log10(v)-y0)/(y1-y0)*(height-top-bottom) }
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", width, height)
	for e := x0; e <= x1; e++ {
		at := x(math.Pow(10, e))
		fmt.Fprintf(&b, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#dddddd"/><text x="%.1f" y="%d" text-anchor="middle">%.0f</text>`+"\n", at, top, at, height-bottom, at, height-bottom+18, math.Pow(10, e))
	}
	for e := y0; e <= y1; e++ {
		at := y(math.Pow(10, e))
		fmt.Fprintf(&b, `<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="#dddddd"/><text x="%d" y="%.1f" text-anchor="end">%g</text>`+"\n", left, at, width-right, at, left-6, at+4, math.Pow(10, e))
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">visits in the week</text>`+"\n", (width+left)/2, height-12)
	for i, c := range curves {
		if len(c.points) == 0 {
			continue
		}
		fmt.Fprintf(&b, `<polyline fill="none" stroke="%s" stroke-width="2" points="`, c.colour)
		for _, p := range c.points {
			fmt.Fprintf(&b, "%.1f,%.1f ", x(p.x), y(p.y))
		}
		fmt.Fprint(&b, `"/>`+"\n")
		for _, p := range c.points {
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", x(p.x), y(p.y), c.colour)
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d" fill="%s">%s</text>`+"\n", left+i%2*280, top-30+i/2*16, c.colour, c.name)
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}
