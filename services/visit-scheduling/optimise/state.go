package optimise

import "slices"

// stop is one worker's part of a visit in a tour.
type stop struct {
	visit, role int32
	fixed       bool  // the start may not move: part of a joint or locked visit
	start       int32 // when the work begins
	at          int32 // place afterwards: a remote visit leaves the worker where they were
	leg         int32 // travel to it
	latest      int32 // last start that keeps the rest of the tour possible
}

type tour struct {
	stops []stop
	home  int32 // travel after the last stop
	work  int32 // visits and travel
	legs  int32
	moved int64 // points for starts away from the published ones
}

// state is a schedule under change, with all sums kept up to date.
type state struct {
	*plan
	tours    []tour
	where    []int32 // visit*maxRoles+role → tour, -1 unplaced
	dayWork  []int32
	weekWork []int32
	faces    [][]face  // series → workers and how many parts they have
	dates    [][]int32 // series → dates of its placed visits, sorted
	cost     Objective
	saved    []tour
	isSaved  []bool
	touched  []int32
	log      []op
	pin      bool // what is put stays at its start
	broken   bool // a tour is impossible; only where travel breaks the triangle inequality
}

type face struct{ worker, parts int32 }

type op struct {
	visit  int32
	placed bool
	tours  [maxRoles]int32
}

func newState(c *plan) *state {
	s := &state{
		plan: c, tours: make([]tour, len(c.tours)), saved: make([]tour, len(c.tours)), isSaved: make([]bool, len(c.tours)),
		where: make([]int32, len(c.visits)*maxRoles), dayWork: make([]int32, c.days), weekWork: make([]int32, c.weeks),
		faces: make([][]face, len(c.series)), dates: make([][]int32, len(c.series)),
	}
	for i := range s.where {
		s.where[i] = -1
	}
	for i := range c.visits {
		s.cost.Unplaced += c.visits[i].leaveOut
	}
	return s
}

func (s *state) placed(v int32) bool { return s.where[v*maxRoles] >= 0 }

// save keeps a tour's old self until accept or revert.
func (s *state) save(t int32) {
	if s.isSaved[t] {
		return
	}
	s.isSaved[t] = true
	s.touched = append(s.touched, t)
	from, to := &s.tours[t], &s.saved[t]
	stops := append(to.stops[:0], from.stops...)
	*to = *from
	to.stops = stops
}

func (s *state) accept() {
	for _, t := range s.touched {
		s.isSaved[t] = false
	}
	s.touched, s.log = s.touched[:0], s.log[:0]
}

func (s *state) revert(cost Objective) {
	for _, t := range s.touched {
		s.isSaved[t] = false
		change := s.saved[t].work - s.tours[t].work
		s.dayWork[s.plan.tours[t].day] += change
		s.weekWork[s.plan.tours[t].week] += change
		s.tours[t], s.saved[t] = s.saved[t], s.tours[t]
	}
	for i := len(s.log) - 1; i >= 0; i-- {
		o := s.log[i]
		for k := range s.visits[o.visit].roles {
			if o.placed {
				s.where[o.visit*maxRoles+k] = -1
			} else {
				s.where[o.visit*maxRoles+k] = o.tours[k]
			}
		}
		s.countSeries(o.visit, o.tours, !o.placed)
	}
	s.touched, s.log = s.touched[:0], s.log[:0]
	s.cost, s.broken = cost, false
}

// resync recomputes a tour from the sequence of its stops, which must be feasible.
func (s *state) resync(t int32) {
	def, tr := &s.plan.tours[t], &s.tours[t]
	at, legs, work, moved := def.start, int32(0), int32(0), int64(0)
	n := len(tr.stops)
	for i := range tr.stops {
		x := &tr.stops[i]
		v := &s.visits[x.visit]
		x.leg = 0
		if v.place >= 0 {
			x.leg = s.travel(at, v.place)
			at = v.place
		}
		x.at = at
		legs += x.leg
		work += v.minutes
	}
	home := int32(0)
	if n > 0 {
		home = s.travel(at, def.end)
	}
	legs += home
	work += legs
	late := def.to - home
	for i := n - 1; i >= 0; i-- {
		x := &tr.stops[i]
		v := &s.visits[x.visit]
		if x.fixed {
			x.latest = x.start
			s.broken = s.broken || x.start > late-v.minutes
		} else {
			var ok bool
			x.latest, ok = v.latest(late - v.minutes)
			s.broken = s.broken || !ok
		}
		late = x.latest - x.leg
	}
	now := def.from
	for i := range tr.stops {
		x := &tr.stops[i]
		v := &s.visits[x.visit]
		if !x.fixed {
			x.start = s.begin(v, now+x.leg, x.latest)
		}
		s.broken = s.broken || x.start < now+x.leg || x.start > x.latest || (x.fixed && x.start+v.minutes > def.to)
		if x.role == 0 && v.moved > 0 {
			moved += v.moved * int64(min(absolute(x.start-v.start), int32(s.w.MovedMost)))
		}
		now = x.start + v.minutes
	}
	s.cost.Travel += int64(legs-tr.legs) * int64(s.w.TravelMinute)
	s.cost.Stability += moved - tr.moved
	s.dayWork[def.day] += work - tr.work
	s.weekWork[def.week] += work - tr.work
	tr.home, tr.work, tr.legs, tr.moved = home, work, legs, moved
	w := &s.workers[def.worker]
	s.broken = s.broken || s.dayWork[def.day] > w.maxDay || s.weekWork[def.week] > w.maxWeek
}

// begin chooses a start: the published one if it can be had, the last before it
// if not, and without one the earliest.
func (s *state) begin(v *pVisit, arrive, latest int32) int32 {
	if v.start > arrive {
		if b, ok := v.earliest(v.start); ok && b <= latest {
			return b
		}
		if b, ok := v.latest(latest); ok && b >= arrive {
			return b
		}
	}
	b, _ := v.earliest(arrive)
	return b
}

func absolute(x int32) int32 { return max(x, -x) }

// spot is a place in a tour for one part of a visit.
type spot struct {
	tour, index int32
	lo, hi      int32 // starts that keep the tour possible, windows aside
	legs        int32 // extra travel
	points      int64 // all this part costs
}

// look finds whether a visit can stand before stop i of tour t, with its start
// anywhere from lo to hi. ok is false when not; over is true when this and every
// later position is too late.
func (s *state) look(t, i int32, v *pVisit) (sp spot, ok, over bool) {
	def, tr := &s.plan.tours[t], &s.tours[t]
	at, now := def.start, def.from
	if i > 0 {
		x := &tr.stops[i-1]
		at, now = x.at, x.start+s.visits[x.visit].minutes
	}
	lo := now
	then := at
	leg := int32(0)
	if v.place >= 0 {
		leg = s.travel(at, v.place)
		lo += leg
		then = v.place
	}
	first, can := v.earliest(lo)
	if !can {
		// travel may make this place late and a later one not
		_, can = v.earliest(now)
		return spot{}, false, !can
	}
	var hi, legs int32
	switch {
	case int(i) == len(tr.stops):
		home := s.travel(then, def.end)
		hi = def.to - home - v.minutes
		legs = leg + home - tr.home
	case s.visits[tr.stops[i].visit].place >= 0 || v.place < 0:
		x := &tr.stops[i]
		next := x.leg
		if v.place >= 0 {
			next = s.travel(then, s.visits[x.visit].place)
		}
		hi = x.latest - next - v.minutes
		legs = leg + next - x.leg
	default:
		// the next stops are remote: the change of place shows only after them
		hi, legs = s.lookPast(t, i, v.place)
		hi -= v.minutes
		legs += leg
	}
	if first > hi {
		return spot{}, false, false
	}
	return spot{tour: t, index: i, lo: lo, hi: hi, legs: legs}, true, false
}

// lookPast is the last time a worker standing at a place may go on to stop i
// and all after it, where stop i is remote, and the change of travel.
func (s *state) lookPast(t, i, place int32) (hi, legs int32) {
	def, tr := &s.plan.tours[t], &s.tours[t]
	n := int32(len(tr.stops))
	k := i
	for k < n && s.visits[tr.stops[k].visit].place < 0 {
		k++
	}
	if k == n {
		home := s.travel(place, def.end)
		hi, legs = def.to-home, home-tr.home
	} else {
		leg := s.travel(place, s.visits[tr.stops[k].visit].place)
		hi, legs = tr.stops[k].latest-leg, leg-tr.stops[k].leg
	}
	for j := k - 1; j >= i; j-- {
		x := &tr.stops[j]
		v := &s.visits[x.visit]
		if x.fixed {
			if x.start > hi-v.minutes {
				return -1 << 30, 0
			}
			hi = x.start
			continue
		}
		l, ok := v.latest(hi - v.minutes)
		if !ok {
			return -1 << 30, 0
		}
		hi = l
	}
	return hi, legs
}

// within says whether the worker's limits allow that much more work.
func (s *state) withinLimits(t, extra int32) bool {
	def := &s.plan.tours[t]
	w := &s.workers[def.worker]
	return s.dayWork[def.day]+extra <= w.maxDay && s.weekWork[def.week]+extra <= w.maxWeek
}

// put makes a visit at the chosen spots, one for each role. The spots must be
// those look gave of the present state, in different tours, and start allowed.
func (s *state) put(v int32, spots []spot, starts []int32) {
	pv := &s.visits[v]
	o := op{visit: v, placed: true}
	for k, sp := range spots {
		s.save(sp.tour)
		tr := &s.tours[sp.tour]
		x := stop{visit: v, role: int32(k), fixed: pv.roles > 1 || pv.locked || s.pin, start: starts[k]}
		tr.stops = slices.Insert(tr.stops, int(sp.index), x)
		s.where[v*maxRoles+int32(k)] = sp.tour
		o.tours[k] = sp.tour
		s.resync(sp.tour)
	}
	s.cost.Unplaced -= pv.leaveOut
	s.assignCost(v, o.tours, 1)
	s.countSeries(v, o.tours, true)
	s.log = append(s.log, o)
}

// take removes a visit from all its tours.
func (s *state) take(v int32) {
	pv := &s.visits[v]
	o := op{visit: v}
	for k := range pv.roles {
		t := s.where[v*maxRoles+k]
		o.tours[k] = t
		s.save(t)
		tr := &s.tours[t]
		at := slices.IndexFunc(tr.stops, func(x stop) bool { return x.visit == v })
		tr.stops = slices.Delete(tr.stops, at, at+1)
		s.where[v*maxRoles+k] = -1
		s.resync(t)
	}
	s.cost.Unplaced += pv.leaveOut
	s.assignCost(v, o.tours, -1)
	s.countSeries(v, o.tours, false)
	s.log = append(s.log, o)
}

func (s *state) assignCost(v int32, tours [maxRoles]int32, sign int64) {
	pv := &s.visits[v]
	if pv.assign == nil {
		return
	}
	for k := range pv.roles {
		s.cost.Preference += sign * int64(pv.assign[s.plan.tours[tours[k]].worker])
	}
}

// countSeries keeps the series' faces and dates, and their cost.
func (s *state) countSeries(v int32, tours [maxRoles]int32, add bool) {
	pv := &s.visits[v]
	if pv.series < 0 {
		return
	}
	before := s.spacingCost(pv.series)
	faces := s.faces[pv.series]
	s.cost.Continuity -= s.facesCost(faces)
	for k := range pv.roles {
		w := s.plan.tours[tours[k]].worker
		at := slices.IndexFunc(faces, func(f face) bool { return f.worker == w })
		switch {
		case add && at < 0:
			faces = append(faces, face{w, 1})
		case add:
			faces[at].parts++
		default:
			if faces[at].parts--; faces[at].parts == 0 {
				faces[at] = faces[len(faces)-1]
				faces = faces[:len(faces)-1]
			}
		}
	}
	s.faces[pv.series] = faces
	s.cost.Continuity += s.facesCost(faces)
	date := s.plan.tours[tours[0]].date
	at, _ := slices.BinarySearch(s.dates[pv.series], date)
	if add {
		s.dates[pv.series] = slices.Insert(s.dates[pv.series], at, date)
	} else {
		s.dates[pv.series] = slices.Delete(s.dates[pv.series], at, at+1)
	}
	s.cost.Spacing += s.spacingCost(pv.series) - before
}

func (s *state) facesCost(f []face) int64 {
	return int64(max(0, len(f)-1)) * int64(s.w.NewFace)
}

func (s *state) spacingCost(series int32) int64 {
	wish := s.series[series].spacing
	if wish == 0 {
		return 0
	}
	var short int64
	d := s.dates[series]
	for i := 1; i < len(d); i++ {
		short += int64(max(0, wish-(d[i]-d[i-1])))
	}
	return short * int64(s.w.SpacingDay)
}

// dateCost is what one more visit of the series on a date would cost, or false
// when the series may have no more that day.
func (s *state) dateCost(series, date int32) (int64, bool) {
	if series < 0 {
		return 0, true
	}
	x := &s.series[series]
	d := s.dates[series]
	at, _ := slices.BinarySearch(d, date)
	same := int32(0)
	for i := at; i < len(d) && d[i] == date; i++ {
		same++
	}
	if same >= x.perDay {
		return 0, false
	}
	if x.spacing == 0 {
		return 0, true
	}
	short := func(gap int32) int64 { return int64(max(0, x.spacing-gap)) }
	var c int64
	if at > 0 {
		c += short(date - d[at-1])
	}
	if at < len(d) {
		c += short(d[at] - date)
	}
	if at > 0 && at < len(d) {
		c -= short(d[at] - d[at-1])
	}
	return c * int64(s.w.SpacingDay), true
}

// faceCost is what sending a worker adds to the series' continuity.
func (s *state) faceCost(series, worker int32) int64 {
	if series < 0 || len(s.faces[series]) == 0 {
		return 0
	}
	for _, f := range s.faces[series] {
		if f.worker == worker {
			return 0
		}
	}
	return int64(s.w.NewFace)
}
