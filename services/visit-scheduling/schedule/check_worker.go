package schedule

import (
	"slices"
	"time"
)

// hours are the stretches of a worker, judged afresh: shifts less absences, then
// overtime as far as no absence and no next shift ends it, then less bookings that
// lie outside. Where such a booking leaves the worker, nobody knows.
func (c *checker) hours(a Available) []Span {
	if all, known := c.worked[a.ID]; known {
		return all
	}
	regular := subtract(a.Shifts, a.Away)
	all := slices.Clone(regular)
	for i := range all {
		all[i].To = c.lateEnd(a, regular, i)
	}
	stretches := all
	for _, s := range c.stops[a.ID] {
		if s.visit == "" && !slices.ContainsFunc(all, func(x Span) bool { return x.Holds(s.Span) }) {
			stretches = cut(stretches, s.Span)
		}
	}
	c.worked[a.ID] = stretches
	return stretches
}

// lateEnd is when the worker must be back from the ith stretch at the latest.
func (c *checker) lateEnd(a Available, regular []Span, i int) time.Time {
	end := regular[i].To
	late := end.Add(time.Duration(a.Limits.OvertimeMinutes) * time.Minute)
	for _, next := range regular[i+1:] {
		if next.From.Before(late) {
			late = next.From
		}
	}
	for _, away := range a.Away {
		switch {
		case !away.To.After(end):
		case !away.From.After(end): // it begins with the end, or before it
			late = end
		case away.From.Before(late):
			late = away.From
		}
	}
	return late
}

// agreed checks what was agreed with a worker over days and weeks.
func (c *checker) agreed(a Available) {
	stops := slices.Clone(c.stops[a.ID])
	if !slices.ContainsFunc(stops, func(s checkStop) bool { return s.visit != "" }) {
		return
	}
	slices.SortStableFunc(stops, func(x, y checkStop) int { return x.From.Compare(y.From) })
	c.caseload(a, stops)
	c.work(a, stops)
	c.lastOfDay(a, stops)
	for _, s := range c.hours(a) {
		c.pauses(a, s, stops)
	}
}

// caseload checks that no placement brings a family too many.
func (c *checker) caseload(a Available, stops []checkStop) {
	if a.Limits.Families == 0 {
		return
	}
	families := map[SeriesID]bool{}
	for _, s := range a.Families {
		families[s] = true
	}
	for _, s := range stops {
		if s.visit == "" {
			families[s.series] = true
		}
	}
	for _, s := range stops {
		if s.visit == "" || s.series == "" || families[s.series] {
			continue
		}
		if len(families) >= a.Limits.Families {
			c.breaks(s.visit, RuleCaseload)
			continue
		}
		families[s.series] = true
	}
}

// sum is a worker's work in a day or a week.
type sum struct {
	visits, minutes int
	latest          VisitID // the last placement in it
}

// work adds the worker's days and weeks up, and finds the placement that makes one
// too long. A day is that on which a stretch begins.
func (c *checker) work(a Available, stops []checkStop) {
	l := a.Limits
	if l.DayMinutes+l.WeekMinutes+l.DayVisits+l.WeekVisits == 0 {
		return
	}
	days, weeks := map[string]*sum{}, map[string]*sum{}
	add := func(begins time.Time, s checkStop, minutes int) {
		local := begins.In(c.problem.Zone)
		monday := local.AddDate(0, 0, -(int(local.Weekday())+6)%7)
		for _, x := range []struct {
			of   map[string]*sum
			key  string
			rule Rule
			v, m int
		}{
			{days, local.Format(time.DateOnly), RuleDayWork, l.DayVisits, l.DayMinutes},
			{weeks, monday.Format(time.DateOnly), RuleWeekWork, l.WeekVisits, l.WeekMinutes},
		} {
			t := x.of[x.key]
			if t == nil {
				t = &sum{}
				x.of[x.key] = t
			}
			t.minutes += minutes
			if s.Length() > 0 {
				t.visits++
			}
			if s.visit != "" {
				t.latest = s.visit
			}
			if t.latest != "" && (x.v > 0 && t.visits > x.v || x.m > 0 && t.minutes > x.m) {
				c.breaks(t.latest, x.rule)
			}
		}
	}
	left := stops
	for _, stretch := range c.hours(a) {
		var outside []checkStop
		where, out := a.Base, false
		for _, s := range left {
			if !stretch.Holds(s.Span) {
				outside = append(outside, s)
				continue
			}
			minutes := int(s.Length() / time.Minute)
			if !s.at.Remote {
				minutes += c.way(a.Mode, where, s.at.Point)
				where, out = s.at.Point, true
			}
			add(stretch.From, s, minutes)
		}
		if out {
			add(stretch.From, checkStop{}, c.way(a.Mode, where, a.Base))
		}
		left = outside
	}
	for _, s := range left {
		add(s.From, s, int(s.Length()/time.Minute))
	}
}

// lastOfDay checks that no visit is a worker's last that must not be.
func (c *checker) lastOfDay(a Available, stops []checkStop) {
	last := map[string]checkStop{}
	for _, stretch := range c.hours(a) {
		for _, s := range stops {
			if stretch.Holds(s.Span) {
				last[stretch.From.In(c.problem.Zone).Format(time.DateOnly)] = s
			}
		}
	}
	for _, s := range last {
		if s.visit != "" && c.demands[s.visit].NotLast {
			c.breaks(s.visit, RuleLast)
		}
	}
}

// pauses checks that the breaks due in a stretch can be taken. What was booked
// before may make them impossible by itself; then no placement is to blame.
func (c *checker) pauses(a Available, stretch Span, stops []checkStop) {
	var due []Pause
	for _, p := range a.Pauses {
		if stretch.Holds(p.Span) && slices.ContainsFunc(subtract(a.Shifts, a.Away), func(s Span) bool { return s.Holds(p.Span) }) {
			due = append(due, p)
		}
	}
	if due == nil {
		return
	}
	slices.SortFunc(due, func(x, y Pause) int { return x.From.Compare(y.From) })
	var here []checkStop
	for _, s := range stops {
		if stretch.Holds(s.Span) {
			here = append(here, s)
		}
	}
	without := func(drop func(checkStop) bool) []checkStop { return slices.DeleteFunc(slices.Clone(here), drop) }
	fits := func(stops []checkStop) bool {
		r := resting{c: c, a: a, stops: stops, due: due, end: stretch.To}
		return r.fits(0, 0, stretch.From, a.Base, false)
	}
	if fits(here) || !fits(without(func(s checkStop) bool { return s.visit != "" })) {
		return
	}
	last := VisitID("")
	for i := len(here) - 1; i >= 0; i-- {
		if here[i].visit == "" {
			continue
		}
		if last == "" {
			last = here[i].visit
		}
		if fits(without(func(s checkStop) bool { return s.visit == here[i].visit })) {
			c.breaks(here[i].visit, RulePause)
			return
		}
	}
	c.breaks(last, RulePause)
}

// resting looks for a time for each break of a stretch, before or after each way,
// never during one.
type resting struct {
	c     *checker
	a     Available
	stops []checkStop
	due   []Pause
	end   time.Time
}

// fits says whether the breaks from b on can be taken by a worker who is free at
// now, before stop i. there says that the way to it is behind them.
func (r resting) fits(i, b int, now time.Time, where *Point, there bool) bool {
	if b == len(r.due) {
		return true // the ways themselves are judged by legs
	}
	rest, from := r.due[b], now
	if from.Before(rest.From) {
		from = rest.From
	}
	over := from.Add(time.Duration(rest.Minutes) * time.Minute)
	if over.After(rest.To) {
		return false
	}
	if !over.After(r.by(i, where, there)) && r.fits(i, b+1, over, where, there) {
		return true
	}
	if i == len(r.stops) {
		return false
	}
	s := r.stops[i]
	if !there && !s.at.Remote {
		arrived := r.c.arrive(r.a.Mode, now, where, s.at.Point)
		if !arrived.After(s.From) && r.fits(i, b, arrived, s.at.Point, true) {
			return true
		}
	}
	if s.at.Remote {
		return r.fits(i+1, b, s.To, where, false)
	}
	return r.fits(i+1, b, s.To, s.at.Point, false)
}

// by is when a worker who is at a place must go on to stop i, or home.
func (r resting) by(i int, where *Point, there bool) time.Time {
	switch {
	case i < len(r.stops) && (there || r.stops[i].at.Remote):
		return r.stops[i].From
	case i < len(r.stops):
		return r.c.leave(r.a.Mode, r.stops[i].From, where, r.stops[i].at.Point)
	case slices.ContainsFunc(r.stops, func(s checkStop) bool { return !s.at.Remote }):
		return r.c.leave(r.a.Mode, r.end, where, r.a.Base)
	}
	return r.end
}
