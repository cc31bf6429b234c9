package optimise

import (
	"cmp"
	"math"
	"slices"
)

// plan is the problem in numbers: what the search reads and never writes.
type plan struct {
	p       *Problem
	w       Weights
	places  int
	all     []Place  // by number
	units   []vector // of the same, when travel is the estimate
	minutes []uint16 // places × places
	visits  []pVisit
	tours   []pTour
	workers []pWorker
	worker  map[string]int32
	visit   map[string]int32
	series  []pSeries
	days    int32 // counters of minutes a day, over all workers
	weeks   int32
}

type pSeries struct {
	visits  []int32
	perDay  int32
	spacing int32
}

type pVisit struct {
	place    int32 // -1 remote
	minutes  int32
	windows  []Window
	roles    int32
	able     [][]int32 // role → workers who have its skills and are not excluded
	assign   []int32   // worker → points for sending them; nil is all zero
	known    []int32   // workers preferred or published
	team     bool      // team skills to be checked
	series   int32     // -1 none
	leaveOut int64     // cost of not placing
	start    int32     // published, math.MinInt32 if not
	moved    int64     // points a minute
	locked   bool
	gapMin   int32
	gapMax   int32
	ordered  bool
}

// pTour is one unbroken stretch of a worker's shift.
type pTour struct {
	worker     int32
	from, to   int32
	start, end int32 // places, -1 none
	date       int32 // the day the stretch begins; its visits belong to it
	day, week  int32 // counters of the worker's minutes, over all workers
}

type pWorker struct {
	tours   []int32
	maxDay  int32
	maxWeek int32
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

// newPlan numbers everything. The problem must be valid.
func newPlan(p *Problem) *plan { return newPlanWith(p, nil) }

// newPlanWith takes over the travel times of a plan with the same places.
func newPlanWith(p *Problem, minutes []uint16) *plan {
	c := &plan{p: p, w: p.Weights, worker: map[string]int32{}, visit: map[string]int32{}}
	if c.w == (Weights{}) {
		c.w = DefaultWeights()
	}
	index := map[Place]int32{}
	var all []Place
	place := func(at *Place) int32 {
		if at == nil {
			return -1
		}
		i, ok := index[*at]
		if !ok {
			i = int32(len(all))
			index[*at] = i
			all = append(all, *at)
		}
		return i
	}
	for i, w := range p.Workers {
		c.worker[w.ID] = int32(i)
		c.addWorker(int32(i), w, place(w.Start), place(w.End))
	}
	series := map[string]int32{}
	for i, v := range p.Visits {
		c.visit[v.ID] = int32(i)
		s := int32(-1)
		if v.Series != "" {
			k, ok := series[v.Series]
			if !ok {
				k = int32(len(c.series))
				series[v.Series] = k
				c.series = append(c.series, pSeries{perDay: math.MaxInt32})
			}
			x := &c.series[k]
			x.visits = append(x.visits, int32(i))
			x.spacing = max(x.spacing, int32(v.Spacing))
			if v.PerDay > 0 {
				x.perDay = min(x.perDay, int32(v.PerDay))
			}
			s = k
		}
		c.visits = append(c.visits, c.number(v, place(v.Place), s))
	}
	c.all = all
	if minutes != nil {
		c.places, c.minutes = len(all), minutes
		return c
	}
	c.fillMinutes(all)
	return c
}

func (c *plan) addWorker(i int32, w Worker, start, end int32) {
	pw := pWorker{maxDay: math.MaxInt32, maxWeek: math.MaxInt32}
	if w.MaxDayMinutes > 0 {
		pw.maxDay = int32(w.MaxDayMinutes)
	}
	if w.MaxWeekMinutes > 0 {
		pw.maxWeek = int32(w.MaxWeekMinutes)
	}
	days, weeks := map[int]int32{}, map[int]int32{}
	counter := func(m map[int]int32, key int, next *int32) int32 {
		if _, ok := m[key]; !ok {
			m[key] = *next
			*next++
		}
		return m[key]
	}
	for _, s := range subtract(merge(w.Shifts), merge(w.Absences)) {
		pw.tours = append(pw.tours, int32(len(c.tours)))
		date, week := floorDiv(s.From, DayMinutes), floorDiv(s.From, WeekMinutes)
		c.tours = append(c.tours, pTour{
			worker: i, from: int32(s.From), to: int32(s.To), start: start, end: end,
			date: int32(date), day: counter(days, date, &c.days), week: counter(weeks, week, &c.weeks),
		})
	}
	c.workers = append(c.workers, pw)
}

func (c *plan) number(v Visit, place, series int32) pVisit {
	out := pVisit{
		place: place, minutes: int32(v.Minutes), series: series,
		windows: slices.Clone(v.Windows), roles: int32(max(1, len(v.Roles))), start: math.MinInt32, locked: v.Locked,
		team: len(v.TeamSkills)+len(v.TeamLanguages) > 0,
	}
	slices.SortFunc(out.windows, func(a, b Window) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	out.leaveOut = int64(c.w.Unplaced) * int64(1+v.Priority)
	if v.Optional {
		out.leaveOut = int64(v.Penalty)
	}
	if v.Gap != nil {
		out.ordered, out.gapMin, out.gapMax = true, int32(v.Gap.Min), int32(v.Gap.Max)
	}
	factor := 1
	if v.Published != nil && len(v.Published.Starts) > 0 {
		out.start = int32(v.Published.Starts[0])
		if v.Published.Starts[0]-c.p.Now < 2*DayMinutes && c.w.ShortNotice > 1 {
			factor = c.w.ShortNotice
		}
		out.moved = int64(c.w.MovedMinute * factor)
	}
	for k := range out.roles {
		role := Role{}
		if len(v.Roles) > 0 {
			role = v.Roles[k]
		}
		var able []int32
		for i, w := range c.p.Workers {
			if !slices.Contains(v.Excluded, w.ID) && within(role.Skills, w.Skills) && within(role.Languages, w.Languages) {
				able = append(able, int32(i))
			}
		}
		out.able = append(out.able, able)
	}
	if len(v.Preferred) > 0 || v.Published != nil {
		out.assign = make([]int32, len(c.p.Workers))
		for i, w := range c.p.Workers {
			if slices.Contains(v.Preferred, w.ID) || (v.Published != nil && slices.Contains(v.Published.Workers, w.ID)) {
				out.known = append(out.known, int32(i))
			}
			if len(v.Preferred) > 0 && !slices.Contains(v.Preferred, w.ID) {
				out.assign[i] += int32(c.w.Stranger)
			}
			if v.Published != nil && !slices.Contains(v.Published.Workers, w.ID) {
				out.assign[i] += int32(c.w.ChangedWorker * factor)
			}
		}
	}
	return out
}

func within(need, have []string) bool {
	for _, n := range need {
		if !slices.Contains(have, n) {
			return false
		}
	}
	return true
}

func (c *plan) fillMinutes(all []Place) {
	n := len(all)
	c.places = n
	c.minutes = make([]uint16, n*n)
	clip := func(m int) uint16 { return uint16(min(max(m, 0), math.MaxUint16)) }
	if e, ok := c.p.Travel.(Estimate); ok || c.p.Travel == nil {
		stop := e.stop()
		units := make([]vector, n)
		for i, p := range all {
			units[i] = p.unit()
		}
		c.units = units
		for i := range n {
			for j := range i {
				m := clip(stop + int(math.Ceil(drive(units[i], units[j]))))
				c.minutes[i*n+j], c.minutes[j*n+i] = m, m
			}
		}
		return
	}
	for i := range n {
		for j := range n {
			if i != j {
				c.minutes[i*n+j] = clip(c.p.Travel.Minutes(all[i], all[j]))
			}
		}
	}
}

// reach asks for the travel between a new place and the one numbered i.
func (c *plan) reach(at Place, unit vector, i int) (there, back uint16) {
	clip := func(m int) uint16 { return uint16(min(max(m, 0), math.MaxUint16)) }
	if c.units == nil {
		return clip(c.p.Travel.Minutes(at, c.all[i])), clip(c.p.Travel.Minutes(c.all[i], at))
	}
	if at == c.all[i] {
		return 0, 0
	}
	e, _ := c.p.Travel.(Estimate)
	m := clip(e.stop() + int(math.Ceil(drive(unit, c.units[i]))))
	return m, m
}

// travel is the minutes between two places; where one is unknown there is no way to go.
func (c *plan) travel(a, b int32) int32 {
	if a < 0 || b < 0 {
		return 0
	}
	return int32(c.minutes[int(a)*c.places+int(b)])
}

// earliest is the first start from t on that some window allows, or false.
func (v *pVisit) earliest(t int32) (int32, bool) {
	for _, w := range v.windows {
		if s := max(t, int32(w.From)); s+v.minutes <= int32(w.To) {
			return s, true
		}
	}
	return 0, false
}

// latest is the last start up to t that some window allows, or false.
func (v *pVisit) latest(t int32) (int32, bool) {
	best, ok := int32(0), false
	for _, w := range v.windows {
		if s := min(t, int32(w.To)-v.minutes); s >= int32(w.From) && (!ok || s > best) {
			best, ok = s, true
		}
	}
	return best, ok
}

// merge joins overlapping and touching windows, in order.
func merge(in []Window) []Window {
	s := slices.Clone(in)
	slices.SortFunc(s, func(a, b Window) int { return cmp.Compare(a.From, b.From) })
	var out []Window
	for _, w := range s {
		if k := len(out) - 1; k >= 0 && w.From <= out[k].To {
			out[k].To = max(out[k].To, w.To)
		} else {
			out = append(out, w)
		}
	}
	return out
}

// subtract cuts the holes out of the spans; both merged.
func subtract(spans, holes []Window) []Window {
	var out []Window
	for _, s := range spans {
		for _, h := range holes {
			if h.To <= s.From || h.From >= s.To {
				continue
			}
			if h.From > s.From {
				out = append(out, Window{s.From, h.From})
			}
			s.From = min(h.To, s.To)
		}
		if s.From < s.To {
			out = append(out, s)
		}
	}
	return out
}
