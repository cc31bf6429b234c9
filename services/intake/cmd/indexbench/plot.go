package main

import (
	"bytes"
	"fmt"
	"math"
)

// plot draws how a question's time grows with the population: both axes by powers
// of ten.
func plot(all []figures) []byte {
	const width, height, left, bottom, top, right = 640, 360, 60, 50, 30, 20
	series := []struct {
		name, colour string
		of           func(figures) float64
	}{
		{"in process p50", "#1b6ca8", func(f figures) float64 { return f.InProcess.P50 }},
		{"in process p99", "#7fb3d5", func(f figures) float64 { return f.InProcess.P99 }},
		{"CPU a question", "#2e8b57", func(f figures) float64 { return f.InProcess.CPU }},
		{"by HTTP p99", "#b03a2e", func(f figures) float64 { return f.HTTP.P99 }},
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, s := range series {
		for _, f := range all {
			low, high = math.Min(low, s.of(f)), math.Max(high, s.of(f))
		}
	}
	y0, y1 := math.Floor(math.Log10(math.Max(low, 0.01))), math.Ceil(math.Log10(math.Max(high, 0.1)))
	x0, x1 := math.Floor(math.Log10(float64(all[0].Persons))), math.Ceil(math.Log10(float64(all[len(all)-1].Persons)))
	if x1 == x0 {
		x1++
	}
	x := func(v float64) float64 { return left + (math.Log10(v)-x0)/(x1-x0)*(width-left-right) }
	y := func(v float64) float64 { return height - bottom - (math.Log10(v)-y0)/(y1-y0)*(height-top-bottom) }
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", width, height)
	for e := x0; e <= x1; e++ {
		at := x(math.Pow(10, e))
		fmt.Fprintf(&b, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#dddddd"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", at, top, at, height-bottom, at, height-bottom+18, number10(e))
	}
	for e := y0; e <= y1; e++ {
		at := y(math.Pow(10, e))
		fmt.Fprintf(&b, `<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="#dddddd"/><text x="%d" y="%.1f" text-anchor="end">%g ms</text>`+"\n", left, at, width-right, at, left-6, at+4, math.Pow(10, e))
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">persons in the index</text>`+"\n", (width+left)/2, height-12)
	for i, s := range series {
		fmt.Fprintf(&b, `<polyline fill="none" stroke="%s" stroke-width="2" points="`, s.colour)
		for _, f := range all {
			fmt.Fprintf(&b, "%.1f,%.1f ", x(float64(f.Persons)), y(math.Max(s.of(f), 0.01)))
		}
		fmt.Fprint(&b, `"/>`+"\n")
		for _, f := range all {
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", x(float64(f.Persons)), y(math.Max(s.of(f), 0.01)), s.colour)
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d" fill="%s">%s</text>`+"\n", left+10+i*130, top-10, s.colour, s.name)
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func number10(e float64) string {
	switch {
	case e >= 6:
		return fmt.Sprintf("%g M", math.Pow(10, e-6))
	case e >= 3:
		return fmt.Sprintf("%g,000", math.Pow(10, e-3))
	}
	return fmt.Sprintf("%g", math.Pow(10, e))
}
