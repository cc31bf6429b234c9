package schedule

import (
	"slices"
	"time"
)

// Violation is a rule a plan breaks for a visit.
type Violation struct {
	Visit VisitID
	Rule  Rule
}

// Check looks for every hard rule that plan breaks, in the order of its
// placements; nil is a feasible plan. It shares no code with the planners but the
// arithmetic of spans, and
// judges placements only: what was booked before is not its business, save that
// a placement must fit beside it.
func (p Problem) Check(plan Plan) []Violation {
	c := checker{problem: p, paces: newPaces(p), roster: map[WorkerID]Available{}, demands: map[VisitID]Demand{}, days: map[seriesDay]int{}, worked: map[WorkerID][]Span{}}
	for _, a := range p.Roster {
		c.roster[a.ID] = a
	}
	for _, d := range p.Demands {
		c.demands[d.Visit] = d
	}
	c.stops = map[WorkerID][]checkStop{}
	for _, b := range p.Booked {
		c.days[c.day(b.Series, b.Span.From)]++
		for _, w := range b.Workers {
			c.stops[w] = append(c.stops[w], checkStop{Span: b.Span, at: b.At, series: b.Series})
		}
	}
	for _, placed := range plan.Placed {
		if d, known := c.demands[placed.Visit]; known {
			c.days[c.day(d.Series, placed.Slot.StartsAt)]++
			for _, w := range placed.Slot.Workers {
				c.stops[w] = append(c.stops[w], checkStop{Span: placed.Slot.Span(), at: d.At, series: d.Series, visit: placed.Visit})
			}
		}
	}
	c.accounted(plan)
	for _, placed := range plan.Placed {
		c.placement(placed)
	}
	for _, a := range p.Roster {
		c.agreed(a)
	}
	c.families(plan)
	return c.found
}

type checkStop struct {
	Span
	at     Location
	series SeriesID
	visit  VisitID // empty for a booking
}

type seriesDay struct {
	series SeriesID
	day    string
}

type checker struct {
	problem Problem
	paces   paces
	roster  map[WorkerID]Available
	demands map[VisitID]Demand
	stops   map[WorkerID][]checkStop
	days    map[seriesDay]int
	worked  map[WorkerID][]Span // see hours
	found   []Violation
}

func (c *checker) day(series SeriesID, t time.Time) seriesDay {
	return seriesDay{series, t.In(c.problem.Zone).Format(time.DateOnly)}
}

func (c *checker) breaks(visit VisitID, rule Rule) {
	if v := (Violation{visit, rule}); !slices.Contains(c.found, v) {
		c.found = append(c.found, v)
	}
}

// accounted checks that each demand is in the plan once.
func (c *checker) accounted(plan Plan) {
	seen := map[VisitID]int{}
	for _, p := range plan.Placed {
		seen[p.Visit]++
	}
	for _, u := range plan.Unplaced {
		seen[u.Visit]++
		if len(u.Reasons) == 0 {
			c.breaks(u.Visit, RuleLost)
		}
	}
	for _, d := range c.problem.Demands {
		switch n := seen[d.Visit]; {
		case n == 0:
			c.breaks(d.Visit, RuleLost)
		case n > 1:
			c.breaks(d.Visit, RulePlacedTwice)
		}
		delete(seen, d.Visit)
	}
	for visit := range seen {
		c.breaks(visit, RuleUnknownVisit)
	}
}

func (c *checker) placement(p Placement) {
	d, known := c.demands[p.Visit]
	if !known {
		return
	}
	span := p.Slot.Span()
	inside := slices.ContainsFunc(d.Windows, func(w Span) bool { return w.Holds(span) })
	if !inside || span.Length() != time.Duration(d.Minutes)*time.Minute {
		c.breaks(p.Visit, RuleWindow)
	}
	if d.PerDay > 0 && c.days[c.day(d.Series, span.From)] > d.PerDay {
		c.breaks(p.Visit, RuleDayLimit)
	}
	unique := slices.Compact(slices.Sorted(slices.Values(p.Slot.Workers)))
	if len(p.Slot.Workers) != d.Workers || len(unique) != d.Workers {
		c.breaks(p.Visit, RuleWorkersNeeded)
	}
	if d.Daylight && slices.ContainsFunc(c.problem.Dark, span.Overlaps) {
		c.breaks(p.Visit, RuleDark)
	}
	var skills, languages []string
	levels := map[string]int{}
	for _, w := range p.Slot.Workers {
		a, known := c.roster[w]
		if !known {
			c.breaks(p.Visit, RuleUnknownWorker)
			continue
		}
		skills, languages = append(skills, a.Skills...), append(languages, a.Languages...)
		if slices.Contains(d.Excluded, w) {
			c.breaks(p.Visit, RuleExcluded)
		}
		for _, asked := range d.Attributes {
			if !slices.Contains(a.Attributes, asked) {
				c.breaks(p.Visit, RuleAttribute)
			}
		}
		for _, l := range a.Levels {
			levels[l.Skill] = max(levels[l.Skill], l.Level)
		}
		c.worker(a, p.Visit, span)
	}
	for _, s := range d.Skills {
		if !slices.Contains(skills, s) {
			c.breaks(p.Visit, RuleSkill)
		}
	}
	for _, l := range d.Levels {
		if !slices.Contains(skills, l.Skill) || max(levels[l.Skill], 1) < l.Level {
			c.breaks(p.Visit, RuleSkill)
		}
	}
	if d.Language != "" && !slices.Contains(languages, d.Language) {
		c.breaks(p.Visit, RuleLanguage)
	}
}

// worker checks that one worker of a placement is at work, free, and can come
// and go.
func (c *checker) worker(a Available, visit VisitID, span Span) {
	for _, s := range c.stops[a.ID] {
		if s.visit != visit && s.Overlaps(span) {
			c.breaks(visit, RuleDoubleBooked)
			return
		}
	}
	if slices.ContainsFunc(a.Away, span.Overlaps) {
		c.breaks(visit, RuleAbsent)
		return
	}
	stretches := c.hours(a)
	i := slices.IndexFunc(stretches, func(x Span) bool { return x.Holds(span) })
	if i < 0 {
		c.breaks(visit, RuleHours)
		return
	}
	c.legs(a, visit, stretches[i])
}

// legs walks one stretch from base to base and checks the ways that visit takes
// part in.
func (c *checker) legs(a Available, visit VisitID, stretch Span) {
	var stops []checkStop
	for _, s := range c.stops[a.ID] {
		if stretch.Holds(s.Span) {
			stops = append(stops, s)
		}
	}
	slices.SortFunc(stops, func(x, y checkStop) int { return x.From.Compare(y.From) })
	where, free, mine := a.Base, stretch.From, false // mine: the leg that is being walked touches visit
	for _, s := range stops {
		if s.visit == visit {
			mine = true
		}
		if s.at.Remote {
			free = s.To
			continue
		}
		if mine && c.arrive(a.Mode, free, where, s.at.Point).After(s.From) {
			c.breaks(visit, RuleTravel)
		}
		where, free, mine = s.at.Point, s.To, s.visit == visit
	}
	// A day of remote work alone has no way back.
	if slices.ContainsFunc(stops, func(s checkStop) bool { return !s.at.Remote }) {
		if mine && c.arrive(a.Mode, free, where, a.Base).After(stretch.To) {
			c.breaks(visit, RuleTravel)
		}
	}
}

// way is the minutes of a way without traffic.
func (c *checker) way(mode Mode, from, to *Point) int {
	return c.problem.Travel.MinutesBy(mode, PlaceOf(from), PlaceOf(to))
}

// arrive is when somebody is there who sets out at depart.
func (c *checker) arrive(mode Mode, depart time.Time, from, to *Point) time.Time {
	return c.paces.arrive(mode, depart, c.way(mode, from, to))
}

// leave is when somebody must set out to be there by a time.
func (c *checker) leave(mode Mode, by time.Time, from, to *Point) time.Time {
	return c.paces.leave(mode, by, c.way(mode, from, to))
}

// Fitting is what is left of placed when those a rule is against are left out,
// again and again until none is. It changes placed.
func (p Problem) Fitting(placed []Placement) []Placement {
	for {
		against := map[VisitID]bool{}
		for _, found := range p.Check(Plan{Placed: placed}) {
			if found.Rule != RuleLost {
				against[found.Visit] = true
			}
		}
		if len(against) == 0 {
			return placed
		}
		placed = slices.DeleteFunc(placed, func(at Placement) bool { return against[at.Visit] })
	}
}
