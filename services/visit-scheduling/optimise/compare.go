package optimise

import (
	"cmp"
	"math"
	"slices"
)

// Kind is what happened to a visit between two schedules.
type Kind string

// What happens to a visit. One that is both moved and given to others is reassigned.
const (
	Added      Kind = "added"      // it was not in the first problem, or not placed
	Removed    Kind = "removed"    // it is not in the second problem
	Dropped    Kind = "dropped"    // it had a place and has none
	Moved      Kind = "moved"      // another time, the same workers
	Reassigned Kind = "reassigned" // other workers
)

// Change is one visit that differs between two schedules.
type Change struct {
	Kind     Kind
	Visit    string
	From, To *Assignment
	Minutes  int      // by which the first worker starts later, below zero earlier
	Gone     []string // workers who no longer come
	New      []string // workers who come now
	OtherDay bool
	Reasons  []Reason // of a visit dropped
}

// Difference is what separates two schedules.
type Difference struct {
	Changes []Change  // in order of the time they concern
	Cost    Objective // what the second costs more, term by term
	Workers []Effect  // by id
}

// Effect is what a worker sees of a difference.
type Effect struct {
	Worker   string
	Gained   int // visits
	Lost     int
	Moved    int
	Work     int // minutes of visits more, below zero less
	Evenings int // visits in the evening more
	First    int // the first minute that concerns them
}

// Compare finds what changed from schedule a of problem p to schedule b of
// problem q. The visits' ids tell which are the same.
func Compare(p Problem, a Solution, q Problem, b Solution) Difference {
	was, is := places(a), places(b)
	minutes := map[string]int{}
	var ids []string
	for _, v := range append(slices.Clone(q.Visits), p.Visits...) {
		if _, twice := minutes[v.ID]; !twice {
			ids = append(ids, v.ID)
			minutes[v.ID] = v.Minutes
		}
	}
	inQ := map[string]bool{}
	for _, v := range q.Visits {
		inQ[v.ID] = true
	}
	reasons := map[string][]Reason{}
	for _, u := range b.Unplaced {
		reasons[u.Visit] = u.Reasons
	}
	d := Difference{Cost: b.Objective.minus(a.Objective)}
	for _, id := range ids {
		if c, differs := change(id, was[id], is[id], inQ[id]); differs {
			if c.Kind == Dropped {
				c.Reasons = reasons[id]
			}
			d.Changes = append(d.Changes, c)
		}
	}
	slices.SortStableFunc(d.Changes, func(x, y Change) int { return cmp.Compare(x.concerns(), y.concerns()) })
	evening := cmp.Or(q.Evening, 17*60)
	d.Workers = effects(d.Changes, minutes, evening)
	return d
}

func places(s Solution) map[string]*Assignment {
	out := map[string]*Assignment{}
	for _, x := range s.Placed {
		out[x.Visit] = &x.Assignment
	}
	return out
}

func change(id string, from, to *Assignment, stays bool) (Change, bool) {
	c := Change{Visit: id, From: from, To: to}
	switch {
	case from == nil && to == nil:
		return c, false
	case from == nil:
		c.Kind, c.New = Added, to.Workers
	case to == nil && !stays:
		c.Kind, c.Gone = Removed, from.Workers
	case to == nil:
		c.Kind, c.Gone = Dropped, from.Workers
	default:
		c.Minutes = to.Starts[0] - from.Starts[0]
		c.OtherDay = floorDiv(to.Starts[0], DayMinutes) != floorDiv(from.Starts[0], DayMinutes)
		for _, w := range from.Workers {
			if !slices.Contains(to.Workers, w) {
				c.Gone = append(c.Gone, w)
			}
		}
		for _, w := range to.Workers {
			if !slices.Contains(from.Workers, w) {
				c.New = append(c.New, w)
			}
		}
		c.Kind = Moved
		if len(c.Gone)+len(c.New) > 0 {
			c.Kind = Reassigned
		}
		return c, c.Kind == Reassigned || !slices.Equal(from.Starts, to.Starts)
	}
	return c, true
}

// concerns is the earliest time a change is about.
func (c *Change) concerns() int {
	at := math.MaxInt
	for _, a := range []*Assignment{c.From, c.To} {
		if a != nil {
			at = min(at, slices.Min(a.Starts))
		}
	}
	return at
}

func effects(changes []Change, minutes map[string]int, evening int) []Effect {
	by := map[string]*Effect{}
	of := func(w string, c *Change) *Effect {
		e, ok := by[w]
		if !ok {
			e = &Effect{Worker: w, First: c.concerns()}
			by[w] = e
		}
		return e
	}
	late := func(a *Assignment, minutes int) int {
		start := a.Starts[0]
		if start-floorDiv(start, DayMinutes)*DayMinutes+minutes > evening {
			return 1
		}
		return 0
	}
	for i := range changes {
		c := &changes[i]
		m := minutes[c.Visit]
		for _, w := range c.Gone {
			e := of(w, c)
			e.Lost, e.Work, e.Evenings = e.Lost+1, e.Work-m, e.Evenings-late(c.From, m)
		}
		for _, w := range c.New {
			e := of(w, c)
			e.Gained, e.Work, e.Evenings = e.Gained+1, e.Work+m, e.Evenings+late(c.To, m)
		}
		if c.From == nil || c.To == nil || slices.Equal(c.From.Starts, c.To.Starts) {
			continue
		}
		for _, w := range c.To.Workers {
			if slices.Contains(c.From.Workers, w) {
				e := of(w, c)
				e.Moved, e.Evenings = e.Moved+1, e.Evenings+late(c.To, m)-late(c.From, m)
			}
		}
	}
	var out []Effect
	for _, e := range by {
		out = append(out, *e)
	}
	slices.SortFunc(out, func(a, b Effect) int { return cmp.Compare(a.Worker, b.Worker) })
	return out
}
