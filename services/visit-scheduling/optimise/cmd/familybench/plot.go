package main

import "github.com/hearthfps/hearth/pkg/growth"

// plot draws how the week's figures grow with its visits, each in its own unit.
func plot(all []line) []byte {
	of := func(run string, value func(line) float64) (out []growth.Point) {
		for _, l := range all {
			if v := value(l); l.Run == run && v > 0 {
				out = append(out, growth.Point{Size: float64(l.Visits), Figure: v})
			}
		}
		return out
	}
	return growth.Plot{Sizes: "visits in the week", Curves: []growth.Curve{
		{Name: "first week, CPU s", Colour: "#1b6ca8", Points: of("first", func(l line) float64 { return l.CPU })},
		{Name: "first week, memory in MB", Colour: "#7fb3d5", Points: of("first", func(l line) float64 { return float64(l.MemoryMB) })},
		{Name: "search, memory in MB", Colour: "#2e8b57", Points: of("search", func(l line) float64 { return float64(l.MemoryMB) })},
		{Name: "search, points a visit", Colour: "#b03a2e", Points: of("search", func(l line) float64 { return float64(l.Without) / float64(l.Visits) })},
	}}.SVG()
}
