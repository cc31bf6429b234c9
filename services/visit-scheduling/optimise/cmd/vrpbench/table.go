package main

import (
	"fmt"
	"io"
	"regexp"
	"strconv"
	"text/tabwriter"
)

// A figure is one solver's mean gap in per cent, printed beside ours. They were
// measured on one thread: routes over all 56 of Solomon's files, home care
// against the published solutions.
type figure struct{ solver, budget, gap string }

var published = map[string][]figure{
	"solomon": {
		{"PyVRP 0.13", "1 s", "2.5"},
		{"PyVRP 0.13", "4 s", "0.21-0.27 (R1 0.44, RC1 0.52, class 2 0.29)"},
		{"PyVRP 0.13", "10 s", "0.16"},
		{"VROOM, deepest setting", "3.9 s", "1.6 (R1 0.81, RC1 1.33, class 2 3.6)"},
		{"plain ruin and recreate", "4 s", "0.7-0.8 (R1 0.14, RC1 0.16, class 2 1.4-1.7)"},
	},
	"hhcrsp": {
		{"BRKGA (Kummer), best of 15 runs", "minutes, 4 cores", "3.5"},
		{"simulated annealing, greedy decoder", "10 s", "0.76 over 70 files"},
		{"simulated annealing, greedy decoder", "30 s", "0.0"},
	},
}

var (
	routeClass = regexp.MustCompile(`^(?i)(c|r|rc)([12])(_?)[0-9]`)
	careClass  = regexp.MustCompile(`_([0-9]+)_[0-9]+$`)
)

// classOf names the group a file's figures are summed in.
func classOf(format, file string) string {
	if format == "hhcrsp" {
		if m := careClass.FindStringSubmatch(file); m != nil {
			return m[1] + " visits"
		}
		return "other"
	}
	m := routeClass.FindStringSubmatch(file)
	if m == nil {
		return "other"
	}
	name := map[string]string{"c": "C", "C": "C", "r": "R", "R": "R", "rc": "RC", "RC": "RC"}[m[1]] + m[2]
	if m[3] != "" {
		name += ", Gehring-Homberger"
	}
	return name
}

type sum struct {
	files, known, better, infeasible int
	gap, worst                       float64
	vehicles, bestVehicles           float64
	cpu                              float64
}

func (s *sum) add(l *line) {
	s.files++
	s.cpu += l.CPU
	if !l.Feasible {
		s.infeasible++
	}
	if l.Gap == nil {
		return
	}
	if s.known++; s.known == 1 || *l.Gap > s.worst {
		s.worst = *l.Gap
	}
	s.gap += *l.Gap
	// published values are cut to three decimals at most
	if *l.Gap/100**l.Best < -1e-3 {
		s.better++
	}
	if l.BestVehicles != nil {
		s.vehicles += float64(l.Vehicles)
		s.bestVehicles += *l.BestVehicles
	}
}

// printTable sums the files up by class, and sets what others reach beside it.
func printTable(out io.Writer, s settings, all []*line) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	var order []string
	sums, total := map[string]*sum{}, &sum{}
	for _, l := range all {
		c := classOf(s.format, l.File)
		if sums[c] == nil {
			sums[c] = &sum{}
			order = append(order, c)
		}
		sums[c].add(l)
		total.add(l)
	}
	limit := strconv.FormatFloat(s.seconds, 'f', -1, 64) + " s"
	if s.work > 0 {
		limit = fmt.Sprintf("%d units", s.work)
	}
	fmt.Fprintf(w, "solver\tbudget a file\tfiles\tgap to the best known %%\tworst %%\tbetter\tinfeasible\tvehicles, theirs\tCPU s\n")
	row := func(name string, x *sum) {
		gap, worst, fleet := "-", "-", "-"
		if x.known > 0 {
			gap, worst = fmt.Sprintf("%.3f", x.gap/float64(x.known)), fmt.Sprintf("%.2f", x.worst)
		}
		if x.bestVehicles > 0 {
			fleet = fmt.Sprintf("%.0f, %.0f", x.vehicles, x.bestVehicles)
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%d\t%d\t%s\t%.1f\n", name, limit, x.files, gap, worst, x.better, x.infeasible, fleet, x.cpu)
	}
	row("here", total)
	for _, c := range order {
		row("  "+c, sums[c])
	}
	if total.bestVehicles == 0 { // theirs are of the 100-customer files
		for _, f := range published[s.format] {
			fmt.Fprintf(w, "%s\t%s\t\t%s\n", f.solver, f.budget, f.gap)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}
