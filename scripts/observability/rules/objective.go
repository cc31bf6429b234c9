package rules

import (
	"fmt"
	"strings"
)

// Objective is a service level objective.
type Objective struct {
	// Name is the value of label slo; Alert is what its alerts' names begin with.
	Name, Alert string
	// Target is the share that is good, 0.999.
	Target float64
	// By are the labels each of whose values has an objective of its own.
	By []string
	// Bad and All are expressions of counts over a window, written $w; Good may be
	// given instead of All. When Slice
	// is set they are not: then it is an expression that is 1 while the service is
	// bad and 0 while it is good, and the share of time is what counts.
	Bad, All, Good, Slice string
	// AtLeast is how many bad ones there must be in the long window before anybody
	// is alerted: with few events one of them is a large share. 0 asks for none.
	AtLeast int
	// Summary says what is wrong, for a person; it may use {{ $labels.… }}.
	Summary string
}

// windows are those of the alerts: pairs of a long one and its confirmation.
var windows = []struct {
	name    string
	seconds int
}{{"5m", 300}, {"30m", 1800}, {"1h", 3600}, {"2h", 7200}, {"6h", 21600}, {"1d", 86400}, {"3d", 259200}}

// every is how often rules are evaluated, in seconds.
const every = 30

// burn is one condition of an alert.
type burn struct {
	factor      float64
	long, short string
}

var (
	fast = []burn{{14.4, "1h", "5m"}, {6, "6h", "30m"}}
	slow = []burn{{3, "1d", "2h"}, {1, "3d", "6h"}}
)

func (o Objective) by() string { return "by (" + strings.Join(o.By, ", ") + ")" }

func (o Objective) sum(expr, window string) string {
	return fmt.Sprintf("sum %s (%s)", o.by(), strings.ReplaceAll(expr, "$w", window))
}

// share divides. Of no bad ones there is no series: then nothing is bad.
func share(bad, all string) string {
	return fmt.Sprintf("(%s or 0 * %s)\n/\n%s", bad, all, all)
}

func (o Objective) labels() map[string]string { return map[string]string{"slo": o.Name} }

// records are the recorded error ratios, and what they are made of.
func (o Objective) records() []Rule {
	var all []Rule
	if o.Slice != "" {
		all = append(all, Rule{Record: "hearth:slo_bad", Expr: o.Slice, Labels: o.labels()})
	}
	for _, w := range windows {
		// Of the whole window: what was before the first sample was not bad. An average
		// would make the first minute of a new deployment all of its day.
		expr := fmt.Sprintf(`sum_over_time(hearth:slo_bad{slo="%s"}[%s]) * %d / %d`, o.Name, w.name, every, w.seconds)
		if o.Slice == "" {
			bad, all := o.sum(o.Bad, w.name), o.sum(o.All, w.name)
			if o.Good != "" {
				all = "(" + bad + " + " + o.sum(o.Good, w.name) + ")"
			}
			expr = share(bad, all)
		}
		all = append(all, Rule{Record: "hearth:slo_errors:ratio_" + w.name, Expr: expr, Labels: o.labels()})
	}
	return all
}

func (o Objective) alerts() []Rule {
	return []Rule{
		o.alert("Fast", "page", "2m", fast, "The month's error budget is going fast."),
		o.alert("Slow", "ticket", "15m", slow, "The month's error budget is going faster than it may."),
	}
}

func (o Objective) alert(speed, severity, held string, burns []burn, what string) Rule {
	var conditions []string
	for _, b := range burns {
		c := fmt.Sprintf(`hearth:slo_errors:ratio_%s{slo="%s"} > %.6g and hearth:slo_errors:ratio_%s{slo="%s"} > %.6g`,
			b.long, o.Name, b.factor*(1-o.Target), b.short, o.Name, b.factor*(1-o.Target))
		if o.AtLeast > 0 {
			// A little less than the number: increase() interpolates.
			c += fmt.Sprintf("\n  and on (%s) sum %s (%s) > %.6g", strings.Join(o.By, ", "), o.by(),
				strings.NewReplacer("rate(", "increase(", "$w", b.long).Replace(o.Bad), float64(o.AtLeast)-0.5)
		}
		conditions = append(conditions, "(\n  "+c+"\n)")
	}
	return Rule{
		Alert: o.Alert + speed, Expr: strings.Join(conditions, "\nor\n"), For: held,
		Labels:      map[string]string{"severity": severity},
		Annotations: map[string]string{"summary": o.Summary, "description": what + fmt.Sprintf(" The objective is %.6g %%.", o.Target*100), "runbook_url": runbook(o.Alert)},
	}
}
