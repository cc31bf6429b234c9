package schedule

import (
	"cmp"
	"slices"
	"time"
)

// Round moves placements to the next start that is a multiple of minutes, as far
// as windows and the way to what comes after allow: families are told 9:40 and
// not 9:37. Nothing is moved earlier, and by less than minutes. It also works out
// the way to each placement (Slot.Travel). plan must be feasible; the result is too. A visit placed again at the time it had stays there.
func (p Problem) Round(plan Plan, minutes int) Plan {
	r := rounder{ways: newWays(p.Travel), paces: newPaces(p), days: map[WorkerID][]*roundTour{}, demands: map[VisitID]*Demand{}}
	bookings := map[WorkerID][]Booking{}
	for _, b := range p.Booked {
		for _, w := range b.Workers {
			bookings[w] = append(bookings[w], b)
		}
	}
	for _, a := range p.Roster {
		stretches, inside := Stretches(a, bookings[a.ID])
		for _, s := range stretches {
			t := &roundTour{span: s, mode: a.Mode, base: r.ways.point(a.Base), due: a.due(s)}
			for _, b := range inside {
				if s.Holds(b.Span) {
					t.stops = append(t.stops, &roundStop{span: b.Span, at: r.ways.point(b.At.Point), remote: b.At.Remote})
				}
			}
			r.days[a.ID] = append(r.days[a.ID], t)
		}
	}
	for _, d := range p.Demands {
		d.Windows = p.lit(d)
		r.demands[d.Visit] = &d
	}
	rounded := Plan{Placed: slices.Clone(plan.Placed), Unplaced: plan.Unplaced}
	stops := make([]*roundStop, len(rounded.Placed))
	for i, placed := range rounded.Placed {
		d := r.demands[placed.Visit]
		stops[i] = &roundStop{span: placed.Slot.Span(), at: r.ways.point(d.At.Point), remote: d.At.Remote}
		for _, w := range placed.Slot.Workers {
			for _, t := range r.days[w] {
				if t.span.Holds(stops[i].span) {
					t.stops = append(t.stops, stops[i])
				}
			}
		}
	}
	for _, tours := range r.days {
		for _, t := range tours {
			slices.SortFunc(t.stops, func(a, b *roundStop) int { return a.span.From.Compare(b.span.From) })
			for _, rest := range t.due {
				r.rest(t, rest)
			}
		}
	}
	// The latest first: what comes after has its final start.
	order := make([]int, len(stops))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(stops[b].span.From.Compare(stops[a].span.From), cmp.Compare(rounded.Placed[a].Visit, rounded.Placed[b].Visit))
	})
	step := time.Duration(minutes) * time.Minute
	for _, i := range order {
		slot, stop := &rounded.Placed[i].Slot, stops[i]
		if lost := r.demands[rounded.Placed[i].Visit].Lost; lost != nil && lost.StartsAt.Equal(slot.StartsAt) {
			continue
		}
		start := slot.StartsAt.Truncate(step)
		if start.Before(slot.StartsAt) {
			start = start.Add(step)
		}
		moved := Span{start, start.Add(stop.span.Length())}
		if moved.From.Equal(stop.span.From) || !r.room(rounded.Placed[i], stop, moved) {
			continue
		}
		stop.span = moved
		slot.StartsAt, slot.EndsAt = moved.From, moved.To
	}
	for i, stop := range stops {
		slot := &rounded.Placed[i].Slot
		slot.Travel, slot.Source = r.way(slot.Workers, stop)
	}
	return rounded
}

type rounder struct {
	ways    *ways
	paces   paces
	days    map[WorkerID][]*roundTour
	demands map[VisitID]*Demand
}

type roundTour struct {
	span  Span
	mode  Mode
	base  int
	stops []*roundStop
	due   []Pause
	fixed bool // a break has no room as it is laid: nothing is moved
}

type roundStop struct {
	span   Span
	at     int
	remote bool
}

// room says whether stop may be moved later to span.
func (r rounder) room(placed Placement, stop *roundStop, span Span) bool {
	if !slices.ContainsFunc(r.demands[placed.Visit].Windows, func(w Span) bool { return w.Holds(span) }) {
		return false
	}
	for _, w := range placed.Slot.Workers {
		for _, t := range r.days[w] {
			if i := slices.Index(t.stops, stop); i >= 0 && (t.fixed || !r.onward(t, i, span.To)) {
				return false
			}
		}
	}
	return true
}

// way is how far the visit's workers come, the longest of a pair, and who says so.
func (r rounder) way(workers []WorkerID, stop *roundStop) (longest int, source string) {
	source = Estimated
	for _, w := range workers {
		for _, t := range r.days[w] {
			where := t.base
			for _, s := range t.stops {
				if s == stop && !s.remote {
					if m := r.paces.took(t.mode, s.span.From, r.ways.minutes(t.mode, where, s.at)); m >= longest {
						longest, source = m, r.ways.source(t.mode, where, s.at)
					}
				}
				if !s.remote {
					where = s.at
				}
			}
		}
	}
	return longest, source
}

// onward says whether the worker who is free of stop i at end gets to what comes next.
func (r rounder) onward(t *roundTour, i int, end time.Time) bool {
	where, travelled := t.base, false
	for _, s := range t.stops[:i+1] {
		if !s.remote {
			where, travelled = s.at, true
		}
	}
	for _, next := range t.stops[i+1:] {
		if next.remote {
			if end.After(next.span.From) {
				return false
			}
			end = next.span.To
			continue
		}
		return !r.paces.arrive(t.mode, end, r.ways.minutes(t.mode, where, next.at)).After(next.span.From)
	}
	if travelled {
		end = r.paces.arrive(t.mode, end, r.ways.minutes(t.mode, where, t.base))
	}
	return !end.After(t.span.To)
}

// rest lays a break into a tour, as early as it can be, before the way on.
func (r rounder) rest(t *roundTour, p Pause) {
	length := time.Duration(p.Minutes) * time.Minute
	where, from := t.base, t.span.From
	out := slices.ContainsFunc(t.stops, func(s *roundStop) bool { return !s.remote })
	for i := 0; i <= len(t.stops); i++ {
		if i > 0 {
			from = t.stops[i-1].span.To
			if !t.stops[i-1].remote {
				where = t.stops[i-1].at
			}
		}
		by := t.span.To
		switch {
		case i < len(t.stops) && t.stops[i].remote:
			by = t.stops[i].span.From
		case i < len(t.stops):
			by = r.paces.leave(t.mode, t.stops[i].span.From, r.ways.minutes(t.mode, where, t.stops[i].at))
		case out:
			by = r.paces.leave(t.mode, by, r.ways.minutes(t.mode, where, t.base))
		}
		if from.Before(p.From) {
			from = p.From
		}
		if over := from.Add(length); !over.After(by) && !over.After(p.To) {
			t.stops = slices.Insert(t.stops, i, &roundStop{span: Span{from, over}, remote: true})
			return
		}
	}
	t.fixed = true
}
