package bench

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
)

// Print writes the report as a table, and what each figure means below it.
func (r Report) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\tmeasured\tlimit\tratio\tof CPU\taim\t")
	for _, f := range r.Figures {
		limit, ratio, cpu, aim, met := "", "", "", "", ""
		if f.Limit > 0 {
			limit, ratio = number(f.Limit), strconv.FormatFloat(f.Ratio, 'f', 2, 64)
		}
		if f.CPURatio > 0 {
			cpu = strconv.FormatFloat(f.CPURatio, 'f', 2, 64)
		}
		switch {
		case f.Aim > 0 && f.Limit > 0:
			aim = "at least " + strconv.FormatFloat(f.Aim, 'g', -1, 64)
		case f.Aim > 0:
			aim = "at most " + strconv.FormatFloat(f.Aim, 'g', -1, 64) + " " + f.Unit
		}
		if f.Met != nil {
			met = map[bool]string{true: "met", false: "not met"}[*f.Met]
		}
		fmt.Fprintf(t, "%s\t%s %s\t%s\t%s\t%s\t%s\t%s\n", f.Name, number(f.Measured), f.Unit, limit, ratio, cpu, aim, met)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, f := range r.Figures {
		fmt.Fprintf(w, "%s: %s", f.Name, f.What)
		if f.Note != "" {
			fmt.Fprintf(w, "; %s", f.Note)
		}
		fmt.Fprintln(w)
	}
	_, err := fmt.Fprintf(w, "\n%d processors, %s, %s, PostgreSQL %s, load average %.1f before and %.1f after, %.0f s\n",
		r.Machine.CPUs, r.Machine.System, r.Machine.Go, r.Machine.PostgreSQL, r.Machine.Load[0], r.Machine.Load[1], r.Machine.Seconds)
	return err
}

// number shows three digits that count.
func number(v float64) string {
	switch {
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}
