package schedule

import (
	"iter"
	"slices"
	"time"
)

// tourist is a worker with their stretches.
type tourist struct {
	Available
	index  int
	base   int // index of the base's point
	tours  []*tour
	booked int64 // minutes with families in this problem
	load   load
}

// tour is one stretch from base to base.
type tour struct {
	from, to int64
	day      int // it begins on
	stops    []stop
	// closed is set when what is booked leaves no room for a break as it is laid:
	// nothing more comes in.
	closed bool
}

type stop struct {
	from, to int64
	at       int // index of its point; what is remote is at the point before it
	remote   bool
	rest     bool // a break: remote too
}

// gap is before a stop of a tour, or after the last.
type gap struct {
	pos   int   // of the stop
	where int   // index of the point the worker is at
	free  int64 // since when
}

// gaps walks a tour that begins at base.
func (t *tour) gaps(base int) iter.Seq[gap] {
	return func(yield func(gap) bool) {
		g := gap{where: base, free: t.from}
		for yield(g) && g.pos < len(t.stops) {
			s := t.stops[g.pos]
			if !s.remote {
				g.where = s.at
			}
			g.pos, g.free = g.pos+1, s.to
		}
	}
}

// tours lays out a worker's stretches with what is booked in them.
func (g *greedy) tours(w *tourist, booked []Booking) {
	for _, b := range booked {
		w.booked += int64(b.Span.Length() / time.Minute)
	}
	stretches, inside := Stretches(w.Available, booked)
	for _, s := range stretches {
		t := &tour{from: ceilMinute(s.From), to: floorMinute(s.To), day: g.day(floorMinute(s.From))}
		for _, b := range inside {
			if s.Holds(b.Span) {
				t.stops = append(t.stops, stop{from: floorMinute(b.Span.From), to: ceilMinute(b.Span.To), at: g.ways.point(b.At.Point), remote: b.At.Remote})
			}
		}
		for _, rest := range w.due(s) {
			g.rest(w, t, rest)
		}
		w.tours = append(w.tours, t)
	}
}

// opening is room for a visit in one worker's tour: it may start from lo to hi.
type opening struct {
	worker *tourist
	tour   *tour
	pos    int // before this stop
	from   int // the point they are at before
	lo, hi int64
	way    int     // minutes from where they are before
	cost   float64 // of travel, whatever the start
}

// openings are the places in a worker's tours where d fits.
func (g *greedy) openings(w *tourist, d *Demand) []opening {
	var found []opening
	at, minutes := g.ways.point(d.At.Point), int64(d.Minutes)
	for _, t := range w.tours {
		if t.closed {
			continue
		}
		for _, window := range d.Windows {
			from, to := max(ceilMinute(window.From), t.from), min(floorMinute(window.To), t.to)
			if to-from < minutes || !g.dayOpen(d, floorMinute(window.From)) {
				continue
			}
			for gap := range t.gaps(w.base) {
				if gap.free > to-minutes {
					break
				}
				if gap.pos < len(t.stops) && t.stops[gap.pos].from < from+minutes {
					continue
				}
				if o, ok := g.fit(w, t, gap, at, d); ok {
					o.lo, o.hi = max(o.lo, from), min(o.hi, to-minutes)
					if o.lo <= o.hi && w.load.room(w, t, d, int(o.cost)) && (!d.NotLast || w.followed(t, gap.pos)) {
						found = append(found, o)
					}
				}
			}
		}
	}
	return found
}

// fit works out from when to when d, at a point, may start in a gap of a tour.
func (g *greedy) fit(w *tourist, t *tour, gap gap, at int, d *Demand) (opening, bool) {
	pos, where := gap.pos, gap.where
	way := func(from, to int) int64 { return int64(g.ways.minutes(w.Mode, from, to)) }
	// Who is nowhere but at the base has no way back to make.
	travelled := slices.ContainsFunc(t.stops, func(s stop) bool { return !s.remote })
	o := opening{worker: w, tour: t, pos: pos, from: where}
	after := where
	if d.At.Remote {
		o.lo = gap.free
	} else {
		after, o.way = at, int(way(where, at))
		o.lo = g.arrive(w.Mode, gap.free, o.way)
	}
	// next is the first stop after this one that somebody must get to.
	next := pos
	for next < len(t.stops) && t.stops[next].remote {
		next++
	}
	latest, to := t.to, w.base
	if next < len(t.stops) {
		latest, to = t.stops[next].from, t.stops[next].at
	}
	onward, direct := way(after, to), way(where, to)
	if next == len(t.stops) {
		if !travelled {
			direct = 0
		}
		if !travelled && d.At.Remote {
			onward = 0
		}
	}
	if next == pos {
		o.hi = g.leave(w.Mode, latest, int(onward)) - int64(d.Minutes)
	} else { // remote work in between: it bounds the visit, and the way on follows it
		if g.arrive(w.Mode, t.stops[next-1].to, int(onward)) > latest {
			return opening{}, false
		}
		o.hi = t.stops[pos].from - int64(d.Minutes)
	}
	o.cost = float64(int64(o.way) + onward - direct)
	return o, o.lo <= o.hi
}

// arrive is the minute somebody is there who sets out at depart.
func (g *greedy) arrive(mode Mode, depart int64, way int) int64 {
	return depart + int64(g.paces.takes(mode, time.Unix(depart*60, 0), way))
}

// leave is the minute to set out at to be there by another.
func (g *greedy) leave(mode Mode, by int64, way int) int64 {
	return by - int64(g.paces.took(mode, time.Unix(by*60, 0), way))
}

func (g *greedy) dayOpen(d *Demand, minute int64) bool {
	return d.PerDay == 0 || g.days[d.Series][g.day(minute)] < d.PerDay
}
