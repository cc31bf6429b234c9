package schedule

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ChangeKind is what becomes of a visit.
type ChangeKind string

// A visit has another place, its first, or none and a reason why.
const (
	ChangeMoved  ChangeKind = "moved"
	ChangePlaced ChangeKind = "new"
	ChangeOpen   ChangeKind = "unplaced"
)

// Change is one visit's part in the difference of two schedules.
type Change struct {
	Visit   VisitID
	Series  SeriesID
	Kind    ChangeKind
	From    *Slot // nil unless moved
	To      *Slot // nil when unplaced
	Reasons []Reason
	// Remedies are what would give it a place.
	Remedies []Remedy
}

// Difference lists what after changes of a standing schedule, by the time of the
// change. Visits that stay as they are, their workers in any order, are left out.
func (s Standing) Difference(after Plan) []Change {
	before := map[VisitID]Slot{}
	for _, p := range s.Plan.Placed {
		before[p.Visit] = p.Slot
	}
	series := map[VisitID]SeriesID{}
	for _, d := range s.Problem.Demands {
		series[d.Visit] = d.Series
	}
	var changes []Change
	for _, p := range after.Placed {
		to, c := p.Slot, Change{Visit: p.Visit, Series: series[p.Visit], Kind: ChangePlaced}
		if from, had := before[p.Visit]; had {
			if from.Same(to) {
				continue
			}
			c.Kind, c.From = ChangeMoved, &from
		}
		c.To = &to
		changes = append(changes, c)
	}
	for _, u := range after.Unplaced {
		changes = append(changes, Change{Visit: u.Visit, Series: series[u.Visit], Kind: ChangeOpen, Reasons: u.Reasons, Remedies: u.Remedies})
	}
	slices.SortStableFunc(changes, func(a, b Change) int { return cmp.Or(a.at().Compare(b.at()), cmp.Compare(a.Visit, b.Visit)) })
	return changes
}

// at is when a change begins to matter to somebody: the earlier of the two times.
func (c Change) at() time.Time {
	switch {
	case c.To == nil:
		return time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	case c.From != nil && c.From.StartsAt.Before(c.To.StartsAt):
		return c.From.StartsAt
	}
	return c.To.StartsAt
}

func sameWorkers(a, b []WorkerID) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// Words say a change as a scheduler reads it, in the agency's zone:
//
//	moved from Tue 3 Mar 09:00 with w1 to Tue 3 Mar 13:00 with w2
//	placed on Tue 3 Mar 13:00 with w1 and w2
//	no place: fully booked
func (c Change) Words(zone *time.Location) string {
	switch c.Kind {
	case ChangeMoved:
		return "moved from " + c.From.words(zone) + " to " + c.To.words(zone)
	case ChangePlaced:
		return "placed on " + c.To.words(zone)
	}
	reasons := make([]string, len(c.Reasons))
	for i, r := range c.Reasons {
		reasons[i] = strings.ReplaceAll(string(r), "_", " ")
	}
	return "no place: " + strings.Join(reasons, ", ")
}

func (s Slot) words(zone *time.Location) string {
	names := make([]string, len(s.Workers))
	for i, w := range s.Workers {
		names[i] = string(w)
	}
	return fmt.Sprintf("%s with %s", s.StartsAt.In(zone).Format("Mon 2 Jan 15:04"), strings.Join(names, " and "))
}

// Bundles parts changes into the smallest sets that can be made one without the
// other: changes that touch the same worker's day, or the same series, hang
// together. Changes that give no place are in none. Each bundle keeps the order of
// changes, and bundles stand in the order of their first change.
func Bundles(changes []Change, zone *time.Location) [][]Change {
	type day struct {
		who string
		on  string
	}
	parent := make([]int, len(changes))
	for i := range parent {
		parent[i] = i
	}
	root := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	first := map[day]int{}
	join := func(i int, d day) {
		if j, seen := first[d]; seen {
			a, b := root(i), root(j)
			parent[max(a, b)] = min(a, b)
		} else {
			first[d] = i
		}
	}
	for i, c := range changes {
		for _, s := range []*Slot{c.From, c.To} {
			if s == nil {
				continue
			}
			for _, w := range s.Workers {
				join(i, day{string(w), s.StartsAt.In(zone).Format(time.DateOnly)})
			}
			join(i, day{who: "series " + string(c.Series)})
		}
	}
	at := map[int]int{}
	var bundles [][]Change
	for i, c := range changes {
		if c.To == nil {
			continue
		}
		r := root(i)
		k, seen := at[r]
		if !seen {
			k = len(bundles)
			at[r] = k
			bundles = append(bundles, nil)
		}
		bundles[k] = append(bundles[k], c)
	}
	return bundles
}

// Moves counts the changes that move a visit which had a place.
func Moves(changes []Change) int {
	n := 0
	for _, c := range changes {
		if c.Kind == ChangeMoved {
			n++
		}
	}
	return n
}

// Chosen keeps of changes the bundles that move at most limit visits together:
// those that place most before those that move least. Changes without a place
// stay. Nothing is left out when all moves are within the limit.
func Chosen(changes []Change, limit int, zone *time.Location) []Change {
	if Moves(changes) <= limit {
		return changes
	}
	bundles := Bundles(changes, zone)
	slices.SortStableFunc(bundles, func(a, b []Change) int {
		return cmp.Or(cmp.Compare(len(b)-Moves(b), len(a)-Moves(a)), cmp.Compare(Moves(a), Moves(b)))
	})
	keep := map[VisitID]bool{}
	for _, b := range bundles {
		if n := Moves(b); n <= limit {
			limit -= n
			for _, c := range b {
				keep[c.Visit] = true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(changes), func(c Change) bool { return c.To != nil && !keep[c.Visit] })
}

// Made is the plan that changes make of a standing schedule. Visits that get no
// place, and those whose new one was not chosen, are unplaced with the reasons
// given, or as they were.
func (s Standing) Made(changes []Change) Plan {
	by := map[VisitID]Change{}
	for _, c := range changes {
		by[c.Visit] = c
	}
	var plan Plan
	placed := map[VisitID]bool{}
	add := func(v VisitID, slot Slot) {
		placed[v] = true
		plan.Placed = append(plan.Placed, Placement{v, slot})
	}
	for _, p := range s.Plan.Placed {
		if c, changed := by[p.Visit]; changed && c.To != nil {
			add(p.Visit, *c.To)
		} else {
			add(p.Visit, p.Slot)
		}
	}
	for _, d := range s.Problem.Demands {
		if placed[d.Visit] {
			continue
		}
		c, changed := by[d.Visit]
		switch {
		case changed && c.To != nil:
			add(d.Visit, *c.To)
		case changed:
			plan.Unplaced = append(plan.Unplaced, Leftover{Visit: d.Visit, Reasons: c.Reasons, Remedies: c.Remedies})
		default:
			plan.Unplaced = append(plan.Unplaced, Leftover{Visit: d.Visit, Reasons: []Reason{NotYetPlanned}})
		}
	}
	return plan
}

// Fixing is the standing schedule with every visit that has a place a booking, but
// for those that may still move. fixed are the placements that were made so.
func (s Standing) Fixing(movable map[VisitID]bool) (out Standing, fixed []Placement) {
	out.Problem = s.Problem
	out.Problem.Booked, out.Problem.Demands = slices.Clone(s.Problem.Booked), nil
	placed := map[VisitID]Slot{}
	for _, p := range s.Plan.Placed {
		if movable[p.Visit] {
			out.Plan.Placed = append(out.Plan.Placed, p)
		} else {
			placed[p.Visit] = p.Slot
			fixed = append(fixed, p)
		}
	}
	out.Plan.Unplaced = s.Plan.Unplaced
	for _, d := range s.Problem.Demands {
		slot, stays := placed[d.Visit]
		if !stays {
			out.Problem.Demands = append(out.Problem.Demands, d)
			continue
		}
		out.Problem.Booked = append(out.Problem.Booked, Booking{Visit: d.Visit, Series: d.Series, Workers: slot.Workers, Span: slot.Span(), At: d.At})
	}
	return out, fixed
}
