package optimise

import (
	"cmp"
	"math"
	"slices"
)

// plan is the problem in numbers: what the search reads and never writes.
type plan struct {
	given    *Problem
	p        *Problem // given, and after its visits one more for each break
	w        Weights
	evening  int32 // minute of the day
	places   int
	all      []Place // by number
	bases    int32   // the first places are where workers start and end
	baseNo   map[Place]int32
	placeNo  map[Place]int32
	units    []vector // of the same, when travel is the estimate
	modes    []Mode
	minutes  [][]uint16 // mode → places × places
	speeds   []*speeds  // mode → how fast it is by the hour; nil when nothing is said of any
	visits   []pVisit
	tours    []pTour
	workers  []pWorker
	worker   map[string]int32
	visit    map[string]int32
	series   []pSeries
	seriesOf map[string]int32
	dayTours [][]int32 // day counter → tours of that worker and day, in order
	days     int32     // counters of minutes a day, over all workers
	weeks    int32
	risky    bool              // some visit may not be last
	mendable bool              // there are rules that a visit placed later may mend
	fair     bool              // a fair weight is set
	has      map[string][]bool // attribute wished for → who has it
	able     map[string]crew
}

type pVisit struct {
	place     int32 // -1 remote
	minutes   int32
	windows   []Window
	roles     int32
	able      []crew // role → workers who have its skills and are not excluded
	preferred []int32
	stranger  int32 // points for one who is not preferred
	published []int32
	changed   int32 // points for one who is not published
	wishes    []pWish
	known     []int32 // workers preferred or published
	team      bool    // the workers must be looked at together
	series    int32   // -1 none
	leaveOut  int64   // cost of not placing
	start     int32   // published, math.MinInt32 if not
	moved     int64   // points a minute
	locked    bool
	notLast   bool
	rest      bool // a worker's break
	free      freedom
	gapMin    int32
	gapMax    int32
	ordered   bool
}

type pWish struct {
	has    []bool // by worker
	points int32
}

// freedom is what a visit need not keep, while reasons are looked for.
type freedom uint8

const (
	freePerDay freedom = 1 << iota
	freePattern
	freeSubstitute
	freeFaces
	freeKnown
	freeCaseload
	freeTeam
	freeLast
)

// pTour is one unbroken stretch of a worker's shift, with the overtime after it.
type pTour struct {
	worker     int32
	from, to   int32
	due        int32 // where overtime begins
	mode       int32
	start, end int32 // places, -1 none
	date       int32 // the day the stretch begins; its visits belong to it
	day, week  int32 // counters of the worker's minutes, over all workers
}

type pWorker struct {
	tours         []int32
	maxDay        int32
	maxWeek       int32
	maxDayVisits  int32
	maxWeekVisits int32
	caseload      int32 // families beyond those they have already
	families      []int32
	minutes       int64 // of all shifts
}

// newPlan numbers everything. The problem must be valid.
func newPlan(p *Problem) *plan { return newPlanWith(p, nil) }

// newPlanWith takes over the travel times of a plan with the same places and modes.
func newPlanWith(p *Problem, like *plan) *plan {
	c := compile(p)
	if like != nil {
		c.places, c.units, c.modes, c.minutes = len(c.all), like.units, like.modes, like.minutes
	} else {
		c.fillMinutes(nil)
	}
	c.fillSpeeds()
	return c
}

// newPlanOf numbers a part of a problem, whose travel times are a part of those of
// its plan.
func newPlanOf(p *Problem, whole *plan) *plan {
	c := compile(p)
	c.fillMinutes(whole)
	c.fillSpeeds()
	return c
}

// compile numbers everything but the travel times.
func compile(p *Problem) *plan {
	own := *p
	c := &plan{
		given: p, p: &own, w: p.Weights, evening: int32(p.Evening), worker: map[string]int32{}, visit: map[string]int32{},
		seriesOf: map[string]int32{}, has: map[string][]bool{}, able: map[string]crew{},
	}
	if c.w == (Weights{}) {
		c.w = DefaultWeights()
	}
	if c.evening == 0 {
		c.evening = 17 * 60
	}
	c.fair = c.w.FairLoad > 0 || c.w.FairTravel > 0 || c.w.FairEvening > 0
	index := map[Place]int32{}
	place := func(at *Place) int32 {
		if at == nil {
			return -1
		}
		i, ok := index[*at]
		if !ok {
			i = int32(len(c.all))
			index[*at] = i
			c.all = append(c.all, *at)
		}
		return i
	}
	for i, w := range p.Workers {
		c.worker[w.ID] = int32(i)
		c.addWorker(int32(i), w, place(w.Start), place(w.End))
	}
	// A visit at a base is a place of its own: the way to its door is asked of
	// Travel, and who has not left the base has none back.
	c.bases, c.baseNo = int32(len(c.all)), index
	index = map[Place]int32{}
	c.placeNo = index
	for _, at := range nearby(p.Visits) {
		place(at)
	}
	for i := range p.Visits {
		c.numberSeries(int32(i))
	}
	c.numberFamilies()
	for i, v := range p.Visits {
		c.visit[v.ID] = int32(i)
		c.visits = append(c.visits, c.number(v, place(v.Place), c.seriesIndex(v.Series)))
		c.risky = c.risky || v.NotLast
	}
	c.mendable = c.mendable || c.risky
	c.addBreaks()
	return c
}

// nearby are the places of visits along a curve through the land, so that of most
// that are near each other the numbers, and with them the travel times in memory,
// are too (Morton, A computer oriented geodetic data base, 1966).
func nearby(visits []Visit) []*Place {
	type point struct {
		key uint64
		at  *Place
	}
	spread := func(degrees float64) uint64 { // the bits of a 16-bit number, every other one
		x := uint64(max(0, min(degrees/360, 1)) * (1<<16 - 1))
		x = (x | x<<8) & 0x00ff00ff
		x = (x | x<<4) & 0x0f0f0f0f
		x = (x | x<<2) & 0x33333333
		return (x | x<<1) & 0x55555555
	}
	var all []point
	for i := range visits {
		if at := visits[i].Place; at != nil {
			all = append(all, point{spread(at.Lat+90)<<1 | spread(at.Lon+180), at})
		}
	}
	slices.SortStableFunc(all, func(a, b point) int { return cmp.Compare(a.key, b.key) })
	out := make([]*Place, len(all))
	for i := range all {
		out[i] = all[i].at
	}
	return out
}

func (c *plan) seriesIndex(name string) int32 {
	if k, ok := c.seriesOf[name]; ok {
		return k
	}
	return -1
}

func (c *plan) addWorker(i int32, w Worker, start, end int32) {
	most := func(limit int) int32 {
		if limit == 0 {
			return math.MaxInt32
		}
		return int32(limit)
	}
	pw := pWorker{
		maxDay: most(w.MaxDayMinutes), maxWeek: most(w.MaxWeekMinutes), maxDayVisits: most(w.MaxDayVisits), maxWeekVisits: most(w.MaxWeekVisits),
		caseload: most(w.Caseload),
	}
	mode := int32(slices.Index(c.modes, w.Mode))
	if mode < 0 {
		mode = int32(len(c.modes))
		c.modes = append(c.modes, w.Mode)
	}
	days, weeks := map[int]int32{}, map[int]int32{}
	shifts, absences := merge(w.Shifts), merge(w.Absences)
	spans := subtract(shifts, absences)
	for k, s := range spans {
		t := int32(len(c.tours))
		pw.tours = append(pw.tours, t)
		pw.minutes += int64(s.To - s.From)
		date, week := floorDiv(s.From, DayMinutes), floorDiv(s.From, WeekMinutes)
		if _, ok := days[date]; !ok {
			days[date] = c.days
			c.days++
			c.dayTours = append(c.dayTours, nil)
		}
		if _, ok := weeks[week]; !ok {
			weeks[week] = c.weeks
			c.weeks++
		}
		c.dayTours[days[date]] = append(c.dayTours[days[date]], t)
		to := s.To + w.OvertimeMinutes
		if k+1 < len(spans) {
			to = min(to, spans[k+1].From)
		}
		for _, a := range absences {
			if a.To > s.To { // what begins at or before the end forbids any
				to = min(to, max(a.From, s.To))
			}
		}
		c.tours = append(c.tours, pTour{
			worker: i, from: int32(s.From), to: int32(to), due: int32(s.To), mode: mode, start: start, end: end,
			date: int32(date), day: days[date], week: weeks[week],
		})
	}
	c.workers = append(c.workers, pw)
}

func (c *plan) number(v Visit, place, series int32) pVisit {
	out := pVisit{
		place: place, minutes: int32(v.Minutes), series: series, windows: c.windowsOf(&v),
		roles: int32(max(1, len(v.Roles))), start: math.MinInt32, locked: v.Locked, notLast: v.NotLast,
		team: len(v.TeamSkills)+len(v.TeamLanguages) > 0 || (len(v.Roles) > 1 && series >= 0 && c.series[series].together()),
	}
	out.leaveOut = int64(c.w.Unplaced) * int64(1+v.Priority)
	if v.Optional {
		out.leaveOut = int64(v.Penalty)
	}
	if v.Gap != nil {
		out.ordered, out.gapMin, out.gapMax = true, int32(v.Gap.Min), int32(v.Gap.Max)
	}
	for k := range out.roles {
		out.able = append(out.able, c.ableFor(&v, k, series, true))
	}
	for _, x := range v.Wishes {
		out.wishes = append(out.wishes, pWish{c.holders(x.Attribute), int32(x.Points)})
	}
	if len(v.Preferred) > 0 {
		out.preferred, out.stranger = c.numbers(v.Preferred), int32(c.w.Stranger)
	}
	out.known = out.preferred
	if v.Published != nil {
		c.numberPublished(&v, &out)
	}
	return out
}

func (c *plan) numberPublished(v *Visit, out *pVisit) {
	changed := c.w.ChangedWorker
	if len(v.Published.Starts) > 0 {
		ahead := v.Published.Starts[0] - c.p.Now
		out.start = int32(v.Published.Starts[0])
		out.moved = int64(c.w.atNotice(c.w.MovedMinute, ahead))
		changed = c.w.atNotice(changed, ahead)
	}
	out.published, out.changed = c.numbers(v.Published.Workers), int32(changed)
	out.known = append(slices.Clone(out.preferred), out.published...)
	slices.Sort(out.known)
	out.known = slices.Compact(out.known)
}

// numbers are the workers of the problem among the ids given, in order.
func (c *plan) numbers(ids []string) []int32 {
	var out []int32
	for _, id := range ids {
		if w, ok := c.worker[id]; ok {
			out = append(out, w)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (c *plan) holders(attribute string) []bool {
	h, ok := c.has[attribute]
	if !ok {
		h = make([]bool, len(c.p.Workers))
		for i, w := range c.p.Workers {
			h[i] = slices.Contains(w.Attributes, attribute)
		}
		c.has[attribute] = h
	}
	return h
}

// windowsOf are the windows of a visit in order, without the dark if it needs light.
func (c *plan) windowsOf(v *Visit) []Window {
	out := slices.Clone(v.Windows)
	if v.Daylight && len(c.p.Dark) > 0 {
		// each by itself: windows that overlap stay several, as the visit lies in one of them
		out = nil
		dark := merge(c.p.Dark)
		for _, w := range v.Windows {
			out = append(out, subtract([]Window{w}, dark)...)
		}
	}
	slices.SortFunc(out, func(a, b Window) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	return out
}

// fillMinutes looks the travel times up in a plan of more, or works them out.
func (c *plan) fillMinutes(whole *plan) {
	n := len(c.all)
	c.places = n
	if len(c.modes) == 0 {
		c.modes = []Mode{Car}
	}
	c.fillUnits()
	for _, mode := range c.modes {
		switch {
		case n > matrixMost:
			c.minutes = append(c.minutes, nil)
		case whole != nil && whole.minutes[slices.Index(whole.modes, mode)] != nil:
			c.minutes = append(c.minutes, c.excerpt(whole, mode))
		default:
			c.minutes = append(c.minutes, c.matrix(mode, n))
		}
	}
}

// excerpt is the part of the travel times of a plan of more that are between the
// places of this one.
func (c *plan) excerpt(whole *plan, mode Mode) []uint16 {
	at := make([]int, len(c.all))
	for i, p := range c.all {
		if int32(i) < c.bases {
			at[i] = int(whole.baseNo[p])
		} else {
			at[i] = int(whole.placeNo[p])
		}
	}
	all := whole.minutes[slices.Index(whole.modes, mode)]
	out := make([]uint16, 0, len(at)*len(at))
	for _, i := range at {
		row := all[i*whole.places : (i+1)*whole.places]
		for _, j := range at {
			out = append(out, row[j])
		}
	}
	return out
}

// Beyond so many places the travel between them is worked out each time it is
// asked for: their matrix would take more memory than all the rest.
const matrixMost = 9000

// fillUnits prepares the estimate.
func (c *plan) fillUnits() {
	if _, ok := c.p.Travel.(Estimate); !ok && c.p.Travel != nil {
		return
	}
	c.units = make([]vector, len(c.all))
	for i, p := range c.all {
		c.units[i] = p.unit()
	}
}

func clip(minutes int) uint16 { return uint16(min(max(minutes, 0), math.MaxUint16)) }

func (c *plan) matrix(mode Mode, n int) []uint16 {
	out := make([]uint16, n*n)
	if e, ok := c.p.Travel.(Estimate); ok || c.p.Travel == nil {
		speeds := bands(mode)
		for i := range n {
			for j := range i + 1 {
				if i == j && i < int(c.bases) {
					continue
				}
				m := clip(e.between(mode, speeds, c.all[i], c.all[j], c.units[i], c.units[j]))
				out[i*n+j], out[j*n+i] = m, m
			}
		}
		return out
	}
	for i := range n {
		for j := range n {
			if i != j || i >= int(c.bases) {
				out[i*n+j] = clip(c.ask(mode, c.all[i], c.all[j]))
			}
		}
	}
	return out
}

func (c *plan) ask(mode Mode, from, to Place) int {
	if t, ok := c.p.Travel.(ByMode); ok {
		return t.MinutesBy(mode, from, to)
	}
	return c.p.Travel.Minutes(from, to)
}

// reach asks for the travel between a new place and the one numbered i; of an
// estimate the speeds are those of the mode.
func (c *plan) reach(mode Mode, speeds []band, at Place, unit vector, i int) (there, back uint16) {
	if c.units == nil {
		return clip(c.ask(mode, at, c.all[i])), clip(c.ask(mode, c.all[i], at))
	}
	e, _ := c.p.Travel.(Estimate)
	m := clip(e.between(mode, speeds, at, c.all[i], unit, c.units[i]))
	return m, m
}

func (c *plan) fillSpeeds() {
	all := make([]*speeds, len(c.modes))
	said := false
	for i, m := range c.modes {
		all[i] = speedsOf(c.p.Traffic, m)
		said = said || all[i] != nil
	}
	if said {
		c.speeds = all
	}
}

// travel is the minutes between two places at the full speed of a mode; where one
// is unknown there is no way to go.
func (c *plan) travel(mode, a, b int32) int32 {
	if a < 0 || b < 0 {
		return 0
	}
	if m := c.minutes[mode]; m != nil {
		return int32(m[int(a)*c.places+int(b)])
	}
	if a == b && a < c.bases {
		return 0
	}
	there, _ := c.reach(c.modes[mode], bands(c.modes[mode]), c.all[a], c.unit(a), int(b))
	return int32(there)
}

// travelTo is travel, read from the row of the second place where the estimate makes
// both ways equal: many ways to one place then lie together in memory.
func (c *plan) travelTo(mode, a, b int32) int32 {
	if c.units != nil {
		a, b = b, a
	}
	return c.travel(mode, a, b)
}

func (c *plan) unit(place int32) vector {
	if c.units == nil {
		return vector{}
	}
	return c.units[place]
}

// arrive is when a way begun at depart is done.
func (c *plan) arrive(mode, depart, minutes int32) int32 {
	if c.speeds == nil {
		return depart + minutes
	}
	return c.speeds[mode].arrive(depart, minutes)
}

// leave is when to set out at the latest to be there by a time.
func (c *plan) leave(mode, by, minutes int32) int32 {
	if c.speeds == nil {
		return by - minutes
	}
	return c.speeds[mode].leave(by, minutes)
}
