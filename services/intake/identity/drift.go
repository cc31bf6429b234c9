package identity

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// The bounds of the population stability index that are customary (Siddiqi, Credit
// Risk Scorecards, 2006): below the first nothing changed, from the second on what
// was learnt may hold no longer.
const (
	driftWatch = 0.10
	driftAlarm = 0.25
	// driftLeast is how many must be on either side for an index to say anything.
	driftLeast = 200
	// DriftDays is how far back what is compared with before reaches.
	DriftDays = 30
)

// Distribution is how often each value of something was seen.
type Distribution map[string]int

func (d Distribution) total() (n int) {
	for _, k := range d {
		n += k
	}
	return n
}

// Stability is the population stability index of now against before: the sum over
// values of (p - q) ln(p / q), with a half added to each count. What chance alone
// gives, about (values - 1)(1/n + 1/m) (Yurdakul, Western Michigan University, 2018),
// is taken off, so that a small month is not taken for a change.
func Stability(before, now Distribution) float64 {
	values := map[string]bool{}
	for v := range before {
		values[v] = true
	}
	for v := range now {
		values[v] = true
	}
	if len(values) < 2 {
		return 0
	}
	n, m, k := float64(before.total()), float64(now.total()), float64(len(values))
	sum := 0.0
	for v := range values {
		p, q := (float64(before[v])+0.5)/(n+k/2), (float64(now[v])+0.5)/(m+k/2)
		sum += (p - q) * math.Log(p/q)
	}
	return max(0, sum-(k-1)*(1/n+1/m))
}

// DriftState is what an index means.
type DriftState string

// The states.
const (
	DriftTooFew DriftState = "too_few"
	DriftStable DriftState = "stable"
	DriftWatch  DriftState = "watch"
	DriftAlarm  DriftState = "alarm"
)

// Drift is how far something is from what it was.
type Drift struct {
	What  string
	Index float64
	State DriftState
}

// Drifts compare each thing now with what it was, those that changed most first.
func Drifts(before, now map[string]Distribution) []Drift {
	names := maps.Clone(before)
	maps.Copy(names, now)
	all := []Drift{}
	for what := range names {
		d := Drift{What: what, State: DriftTooFew}
		if before[what].total() >= driftLeast && now[what].total() >= driftLeast {
			d.Index = Stability(before[what], now[what])
			switch {
			case d.Index >= driftAlarm:
				d.State = DriftAlarm
			case d.Index >= driftWatch:
				d.State = DriftWatch
			default:
				d.State = DriftStable
			}
		}
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b Drift) int { return cmp.Or(cmp.Compare(b.Index, a.Index), cmp.Compare(a.What, b.What)) })
	return all
}

// Worst is the state of all together.
func Worst(all []Drift) DriftState {
	worst := DriftTooFew
	order := []DriftState{DriftTooFew, DriftStable, DriftWatch, DriftAlarm}
	for _, d := range all {
		if slices.Index(order, d.State) > slices.Index(order, worst) {
			worst = d.State
		}
	}
	return worst
}
