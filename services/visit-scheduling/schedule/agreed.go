package schedule

import (
	"slices"
	"time"
)

// lit are the windows of a visit, without the dark if it needs light; each stays
// by itself.
func (p Problem) lit(d Demand) []Span {
	if !d.Daylight || len(p.Dark) == 0 {
		return d.Windows
	}
	var all []Span
	for _, w := range d.Windows {
		all = append(all, fitting(subtract([]Span{w}, p.Dark), d.Minutes)...)
	}
	return all
}

// due are the breaks of a stretch of the worker.
func (a Available) due(stretch Span) []Pause {
	if len(a.Pauses) == 0 {
		return nil
	}
	var all []Pause
	regular := subtract(a.Shifts, a.Away)
	for _, p := range a.Pauses {
		if stretch.Holds(p.Span) && slices.ContainsFunc(regular, func(s Span) bool { return s.Holds(p.Span) }) {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b Pause) int { return a.From.Compare(b.From) })
	return all
}

// rest lays a break into a tour, as early as it can be, where the worker is before
// the way on.
func (g *greedy) rest(w *tourist, t *tour, p Pause) {
	earliest, latest, minutes := ceilMinute(p.From), floorMinute(p.To), int64(p.Minutes)
	out := slices.ContainsFunc(t.stops, func(s stop) bool { return !s.remote })
	for gap := range t.gaps(w.base) {
		by := t.to
		switch {
		case gap.pos < len(t.stops) && t.stops[gap.pos].remote:
			by = t.stops[gap.pos].from
		case gap.pos < len(t.stops):
			by = g.leave(w.Mode, t.stops[gap.pos].from, g.ways.minutes(w.Mode, gap.where, t.stops[gap.pos].at))
		case out:
			by = g.leave(w.Mode, by, g.ways.minutes(w.Mode, gap.where, w.base))
		}
		if from := max(gap.free, earliest); from+minutes <= min(by, latest) {
			t.stops = slices.Insert(t.stops, gap.pos, stop{from: from, to: from + minutes, remote: true, rest: true})
			return
		}
	}
	t.closed = true
}

// followed says whether a visit comes after position pos of a tour on that day.
func (w *tourist) followed(t *tour, pos int) bool {
	visit := func(s stop) bool { return !s.rest }
	if slices.ContainsFunc(t.stops[pos:], visit) {
		return true
	}
	return slices.ContainsFunc(w.tours, func(o *tour) bool { return o.day == t.day && o.from > t.from && slices.ContainsFunc(o.stops, visit) })
}

// load is what a worker has by day and by week, and which families.
type load struct {
	days, weeks map[int]work
	families    map[SeriesID]bool
}

type work struct{ visits, minutes int }

// weekOfDay numbers the week of a day (days since 1970-01-01, a Thursday).
func weekOfDay(day int) int { return (day + 3) / 7 }

func (l *load) add(day int, series SeriesID, minutes int) {
	for _, x := range []struct {
		of  map[int]work
		key int
	}{{l.days, day}, {l.weeks, weekOfDay(day)}} {
		n := x.of[x.key]
		x.of[x.key] = work{n.visits + 1, n.minutes + minutes}
	}
	l.families[series] = true
}

// loads counts what is booked.
func (g *greedy) loads(w *tourist, booked []Booking) {
	w.load = load{days: map[int]work{}, weeks: map[int]work{}, families: map[SeriesID]bool{}}
	for _, s := range w.Families {
		w.load.families[s] = true
	}
	for _, b := range booked {
		from := floorMinute(b.Span.From)
		day, minutes := g.day(from), int(b.Span.Length()/time.Minute)
		for _, t := range w.tours {
			if t.from <= from && ceilMinute(b.Span.To) <= t.to {
				day = t.day
			}
		}
		w.load.add(day, b.Series, minutes)
	}
	for _, t := range w.tours {
		where, way, out := w.base, 0, false
		for _, s := range t.stops {
			if !s.remote {
				way += g.ways.minutes(w.Mode, where, s.at)
				where, out = s.at, true
			}
		}
		if out {
			way += g.ways.minutes(w.Mode, where, w.base)
		}
		d, k := w.load.days[t.day], w.load.weeks[weekOfDay(t.day)]
		d.minutes += way
		k.minutes += way
		w.load.days[t.day], w.load.weeks[weekOfDay(t.day)] = d, k
	}
}

// Burdens are the most that is booked of each worker who has limits in any day and
// week, ways counted, and of how many families.
func (p Problem) Burdens() map[WorkerID]Limits {
	if !slices.ContainsFunc(p.Roster, func(a Available) bool { return a.Limits != Limits{} }) {
		return nil
	}
	p.Demands, p.Families = nil, nil
	all := map[WorkerID]Limits{}
	for _, w := range newGreedy(p).workers {
		l := Limits{Families: len(w.load.families)}
		for _, d := range w.load.days {
			l.DayVisits, l.DayMinutes = max(l.DayVisits, d.visits), max(l.DayMinutes, d.minutes)
		}
		for _, k := range w.load.weeks {
			l.WeekVisits, l.WeekMinutes = max(l.WeekVisits, k.visits), max(l.WeekMinutes, k.minutes)
		}
		all[w.ID] = l
	}
	return all
}

// room says whether the worker may have d in a tour with so many minutes more on
// the way.
func (l load) room(w *tourist, t *tour, d *Demand, way int) bool {
	limits := w.Limits
	within := func(n, limit int) bool { return limit == 0 || n <= limit }
	day, week := l.days[t.day], l.weeks[weekOfDay(t.day)]
	if limits.Families > 0 && d.Series != "" && !l.families[d.Series] && len(l.families) >= limits.Families {
		return false
	}
	return within(day.visits+1, limits.DayVisits) && within(day.minutes+d.Minutes+way, limits.DayMinutes) &&
		within(week.visits+1, limits.WeekVisits) && within(week.minutes+d.Minutes+way, limits.WeekMinutes)
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}
