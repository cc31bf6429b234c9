package main

import "github.com/hearthfps/hearth/pkg/growth"

// plot draws how a question's time grows with the population.
func plot(all []figures) []byte {
	of := func(value func(figures) float64) (out []growth.Point) {
		for _, f := range all {
			out = append(out, growth.Point{Size: float64(f.Persons), Figure: max(value(f), 0.01)})
		}
		return out
	}
	return growth.Plot{Sizes: "persons in the index", Unit: " ms", Curves: []growth.Curve{
		{Name: "in process p50", Colour: "#1b6ca8", Points: of(func(f figures) float64 { return f.InProcess.P50 })},
		{Name: "in process p99", Colour: "#7fb3d5", Points: of(func(f figures) float64 { return f.InProcess.P99 })},
		{Name: "CPU a question", Colour: "#2e8b57", Points: of(func(f figures) float64 { return f.InProcess.CPU })},
		{Name: "by HTTP p99", Colour: "#b03a2e", Points: of(func(f figures) float64 { return f.HTTP.P99 })},
	}}.SVG()
}
