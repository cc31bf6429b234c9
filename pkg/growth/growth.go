// Package growth draws how measured figures grow with a size, for the benchmarks.
package growth

import (
	"bytes"
	"fmt"
	"html"
	"math"
)

// Point is a figure at a size. Both are above zero: there is no place for others.
type Point struct{ Size, Figure float64 }

// Curve is one figure over sizes, drawn in a colour of SVG.
type Curve struct {
	Name, Colour string
	Points       []Point
}

// Plot is curves over one axis of sizes: both axes by powers of ten.
type Plot struct {
	Sizes  string // what the sizes are of
	Unit   string // written behind figures of the upright axis; "" when each curve has its own
	Curves []Curve
}

// SVG draws the plot as a document of its own, 640 by 400. Without a point it is
// the axes alone.
func (p Plot) SVG() []byte {
	const width, height, left, bottom, top, right = 640, 400, 60, 50, 50, 20
	low, high := Point{math.Inf(1), math.Inf(1)}, Point{math.Inf(-1), math.Inf(-1)}
	for _, c := range p.Curves {
		for _, at := range c.Points {
			low = Point{min(low.Size, at.Size), min(low.Figure, at.Figure)}
			high = Point{max(high.Size, at.Size), max(high.Figure, at.Figure)}
		}
	}
	if low.Size > high.Size {
		low, high = Point{1, 1}, Point{10, 10}
	}
	floor := func(v float64) float64 { return math.Floor(math.Log10(v)) }
	ceil := func(v, from float64) float64 { return max(from+1, math.Ceil(math.Log10(v))) }
	x0, y0 := floor(low.Size), floor(low.Figure)
	x1, y1 := ceil(high.Size, x0), ceil(high.Figure, y0)
	x := func(v float64) float64 { return left + (math.Log10(v)-x0)/(x1-x0)*(width-left-right) }
	y := func(v float64) float64 { return height - bottom - (math.Log10(v)-y0)/(y1-y0)*(height-top-bottom) }
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", width, height)
	for e := x0; e <= x1; e++ {
		at := x(math.Pow(10, e))
		fmt.Fprintf(&b, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#dddddd"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", at, top, at, height-bottom, at, height-bottom+18, power(e))
	}
	for e := y0; e <= y1; e++ {
		at := y(math.Pow(10, e))
		fmt.Fprintf(&b, `<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="#dddddd"/><text x="%d" y="%.1f" text-anchor="end">%g%s</text>`+"\n", left, at, width-right, at, left-6, at+4, math.Pow(10, e), html.EscapeString(p.Unit))
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", (width+left)/2, height-12, html.EscapeString(p.Sizes))
	for i, c := range p.Curves {
		if len(c.Points) == 0 {
			continue
		}
		fmt.Fprintf(&b, `<polyline fill="none" stroke="%s" stroke-width="2" points="`, c.Colour)
		for _, at := range c.Points {
			fmt.Fprintf(&b, "%.1f,%.1f ", x(at.Size), y(at.Figure))
		}
		fmt.Fprint(&b, `"/>`+"\n")
		for _, at := range c.Points {
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", x(at.Size), y(at.Figure), c.Colour)
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d" fill="%s">%s</text>`+"\n", left+i%2*280, top-30+i/2*16, c.Colour, html.EscapeString(c.Name))
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// power writes ten to the power of e.
func power(e float64) string {
	switch {
	case e >= 6:
		return fmt.Sprintf("%g M", math.Pow(10, e-6))
	case e >= 3:
		return fmt.Sprintf("%g,000", math.Pow(10, e-3))
	}
	return fmt.Sprintf("%g", math.Pow(10, e))
}
