package optimise

import "slices"

// stop is one worker's part of a visit in a tour. A schedule is gone through stop by
// stop all the time: two of them fill a line of memory.
type stop struct {
	visit  int32
	start  int32 // when the work begins
	done   int32 // when it is over
	latest int32 // last start that keeps the rest of the tour possible
	at     int32 // where the worker then is: a remote visit leaves them where they were
	leg    int32 // travel to it, at the full speed
	ride   int32 // the same, as long as it takes at its hour
	role   int8
	fixed  bool // the start may not move: part of a joint or locked visit
	remote bool
}

type tour struct {
	stops  []stop
	visits int32 // stops that are no breaks
	last   int32 // index of the last of them, -1 if none
	home   int32 // travel after the last stop, at the full speed
	work   int32 // visits and travel
	legs   int32 // travel as long as it takes at its hour
	back   int32 // travel home, so too
	over   int32 // minutes of overtime
	late   int32 // visits in the evening
	moved  int64 // points for starts away from the published ones
}

// state is a schedule under change, with all sums kept up to date.
type state struct {
	*plan
	tours      []tour
	where      []int32 // visit*maxRoles+role → tour, -1 unplaced
	dayWork    []int32 // by day counter
	weekWork   []int32
	dayVisits  []int32
	weekVisits []int32
	dayRisk    []bool   // the last visit of the day is one that must not be
	shares     []share  // by worker, where a fair weight is set
	families   []int32  // by worker: series seen beyond those on the caseload
	faces      [][]face // series → workers and how many parts they have
	dates      [][]seen // series → its placed visits by date
	subs       []int    // series → visits by substitutes
	breach     int      // rules broken that more visits may mend: days that end with a risk, substitutes running
	cost       Objective
	saved      []tour
	isSaved    []bool
	touched    []int32
	log        []op
	pin        bool // what is put stays at its start
	loose      bool // breaches are let be while more visits are to come
	broken     bool // a tour is impossible; only where travel breaks the triangle inequality or depends on the hour
}

type op struct {
	visit  int32
	placed bool
	tours  [maxRoles]int32
}

// newState is an empty schedule in which every worker has their breaks.
func newState(c *plan) *state {
	s := &state{
		plan: c, tours: make([]tour, len(c.tours)), saved: make([]tour, len(c.tours)), isSaved: make([]bool, len(c.tours)),
		where: make([]int32, len(c.visits)*maxRoles), dayWork: make([]int32, c.days), weekWork: make([]int32, c.weeks),
		dayVisits: make([]int32, c.days), weekVisits: make([]int32, c.weeks), dayRisk: make([]bool, c.days),
		shares: make([]share, len(c.workers)), families: make([]int32, len(c.workers)),
		faces: newFaces(c), dates: make([][]seen, len(c.series)), subs: make([]int, len(c.series)),
	}
	for i := range s.where {
		s.where[i] = -1
	}
	for i := range s.tours {
		s.tours[i].last = -1
	}
	for k := range c.series {
		s.cost.Continuity += s.facesCost(int32(k), s.faces[k])
	}
	for i := range c.visits {
		s.cost.Unplaced += c.visits[i].leaveOut
	}
	s.takeBreaks()
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
		def := &s.plan.tours[t]
		old, now := &s.saved[t], &s.tours[t]
		s.dayWork[def.day] += old.work - now.work
		s.weekWork[def.week] += old.work - now.work
		s.dayVisits[def.day] += old.visits - now.visits
		s.weekVisits[def.week] += old.visits - now.visits
		if s.fair {
			x := &s.shares[def.worker]
			x.load += int64(old.work - now.work)
			x.ride += int64(old.legs - now.legs)
			x.evenings += int64(old.late - now.late)
		}
		s.tours[t], s.saved[t] = s.saved[t], s.tours[t]
	}
	if s.risky {
		for _, t := range s.touched {
			s.weighRisk(t)
		}
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

// weighRisk brings up to date whether the day of a tour ends with a visit that
// must not be its last.
func (s *state) weighRisk(t int32) {
	d := s.plan.tours[t].day
	risk := false
	tours := s.dayTours[d]
	for i := len(tours) - 1; i >= 0; i-- {
		if tr := &s.tours[tours[i]]; tr.visits > 0 {
			risk = s.visits[tr.stops[tr.last].visit].notLast
			break
		}
	}
	if risk != s.dayRisk[d] {
		s.dayRisk[d] = risk
		s.breach += sign(risk)
	}
}

// resync recomputes a tour from the sequence of its stops, which must be feasible.
func (s *state) resync(t int32) {
	def, old := &s.plan.tours[t], s.tours[t]
	tr := &s.tours[t]
	tr.work, tr.visits, tr.last, tr.home = 0, 0, -1, 0
	for i := range tr.stops {
		x := &tr.stops[i]
		x.leg = 0
		if v := &s.visits[x.visit]; !v.rest {
			tr.work += v.minutes
			tr.visits++
			tr.last = int32(i)
		}
	}
	for i := int32(0); int(i) < len(tr.stops); {
		i = s.relay(def, tr, i)
	}
	s.relay(def, tr, int32(len(tr.stops)))
	s.bounds(t, int32(len(tr.stops)), 0)
	s.retime(t, &old)
}

// relay lays the way from stop i on to the first that is not remote, or home, anew,
// and returns the number of the stop after it.
func (s *state) relay(def *pTour, tr *tour, i int32) int32 {
	at := def.start
	if i > 0 {
		at = tr.stops[i-1].at
	}
	for ; int(i) < len(tr.stops); i++ {
		x := &tr.stops[i]
		if !x.remote {
			leg := s.travel(def.mode, at, x.at)
			tr.work += leg - x.leg
			x.leg = leg
			return i + 1
		}
		x.at = at
	}
	home := int32(0)
	if tr.visits > 0 {
		home = s.travel(def.mode, at, def.end)
	}
	tr.work += home - tr.home
	tr.home = home
	return i
}

// retime lets a tour run whose ways and bounds are known, and brings the sums up to
// date for what it was.
func (s *state) retime(t int32, old *tour) {
	def, tr := &s.plan.tours[t], &s.tours[t]
	s.times(t)
	s.cost.Travel += int64(tr.legs-old.legs) * int64(s.w.TravelMinute)
	s.cost.Overtime += int64(tr.over-old.over) * int64(s.w.OvertimeMinute)
	s.cost.Stability += tr.moved - old.moved
	s.dayWork[def.day] += tr.work - old.work
	s.weekWork[def.week] += tr.work - old.work
	s.dayVisits[def.day] += tr.visits - old.visits
	s.weekVisits[def.week] += tr.visits - old.visits
	if s.fair {
		s.addShare(def.worker, share{int64(tr.work - old.work), int64(tr.legs - old.legs), int64(tr.late - old.late)})
	}
	if s.risky {
		s.weighRisk(t)
	}
	w := &s.workers[def.worker]
	s.broken = s.broken || s.dayWork[def.day] > w.maxDay || s.weekWork[def.week] > w.maxWeek
}

// bounds finds the last start of every stop before one, from there back. Before stop
// same nothing else has changed: where one there starts as late as it did, all do.
func (s *state) bounds(t, before, same int32) {
	def, tr := &s.plan.tours[t], &s.tours[t]
	var late int32
	if int(before) < len(tr.stops) {
		late = s.leave(def.mode, tr.stops[before].latest, tr.stops[before].leg)
	} else {
		late = s.leave(def.mode, def.to, tr.home)
	}
	for i := before - 1; i >= 0; i-- {
		x := &tr.stops[i]
		v := &s.visits[x.visit]
		was := x.latest
		if x.fixed {
			x.latest = x.start
			s.broken = s.broken || x.start > late-v.minutes
		} else {
			var ok bool
			x.latest, ok = v.latest(late - v.minutes)
			s.broken = s.broken || !ok
		}
		if i < same && x.latest == was {
			return
		}
		late = s.leave(def.mode, x.latest, x.leg)
	}
}

// times lets the tour run: starts, travel at its hour, overtime, evenings.
func (s *state) times(t int32) {
	def, tr := &s.plan.tours[t], &s.tours[t]
	now := def.from
	tr.legs, tr.moved, tr.late, tr.over, tr.back = 0, 0, 0, 0, 0
	for i := range tr.stops {
		x := &tr.stops[i]
		v := &s.visits[x.visit]
		there := s.arrive(def.mode, now, x.leg)
		x.ride = there - now
		tr.legs += x.ride
		if !x.fixed {
			x.start = s.begin(v, there, x.latest)
		}
		s.broken = s.broken || x.start < there || x.start > x.latest || (x.fixed && x.start+v.minutes > def.to)
		if x.role == 0 && v.moved > 0 {
			tr.moved += v.moved * int64(min(absolute(x.start-v.start), int32(s.w.MovedMost)))
		}
		if s.fair && !v.rest && s.isEvening(x.start, v.minutes) {
			tr.late++
		}
		now = x.start + v.minutes
		x.done = now
		if int32(i) == tr.last {
			home := s.arrive(def.mode, now, tr.home)
			tr.back = home - now
			tr.over = max(0, home-def.due)
		}
	}
	tr.legs += tr.back
}

// put makes a visit at the chosen spots, one for each role. The spots must be
// those look gave of the present state, in different tours, and start allowed.
func (s *state) put(v int32, spots []spot, starts []int32) {
	pv := &s.visits[v]
	o := op{visit: v, placed: true}
	for k, sp := range spots {
		s.save(sp.tour)
		s.where[v*maxRoles+int32(k)] = sp.tour
		o.tours[k] = sp.tour
		s.insert(sp, v, int32(k), starts[k])
	}
	s.cost.Unplaced -= pv.leaveOut
	s.assignCost(v, o.tours, 1)
	s.countSeries(v, o.tours, true)
	s.log = append(s.log, o)
}

// insert makes a part of a visit a stop of a tour.
func (s *state) insert(sp spot, v, role, start int32) {
	def, tr := &s.plan.tours[sp.tour], &s.tours[sp.tour]
	old, pv, i := *tr, &s.visits[v], sp.index
	tr.stops = slices.Insert(tr.stops, int(i), s.stop(v, role, start))
	if pv.rest {
		if i <= tr.last {
			tr.last++
		}
	} else {
		tr.work += pv.minutes
		tr.visits++
		tr.last = max(tr.last+1, i)
	}
	next := s.relay(def, tr, i)
	if pv.place >= 0 {
		next = s.relay(def, tr, next) // from it, too
	}
	s.bounds(sp.tour, next, i)
	s.retime(sp.tour, &old)
}

// remove takes stop i out of a tour.
func (s *state) remove(t, i int32) {
	def, tr := &s.plan.tours[t], &s.tours[t]
	old, pv := *tr, &s.visits[tr.stops[i].visit]
	tr.work -= tr.stops[i].leg
	tr.stops = slices.Delete(tr.stops, int(i), int(i)+1)
	if !pv.rest {
		tr.work -= pv.minutes
		tr.visits--
	}
	if i <= tr.last {
		for tr.last--; tr.last >= 0 && s.visits[tr.stops[tr.last].visit].rest; tr.last-- {
		}
	}
	next := s.relay(def, tr, i)
	s.bounds(t, next, i)
	s.retime(t, &old)
}

func (s *state) stop(v, role, start int32) stop {
	pv := &s.visits[v]
	return stop{visit: v, role: int8(role), at: pv.place, remote: pv.place < 0, fixed: (pv.roles > 1 || pv.locked || s.pin) && !pv.rest, start: start}
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
		s.where[v*maxRoles+k] = -1
		s.remove(t, int32(slices.IndexFunc(tr.stops, func(x stop) bool { return x.visit == v })))
	}
	s.cost.Unplaced += pv.leaveOut
	s.assignCost(v, o.tours, -1)
	s.countSeries(v, o.tours, false)
	s.log = append(s.log, o)
}

func (s *state) assignCost(v int32, tours [maxRoles]int32, sign int64) {
	pv := &s.visits[v]
	for k := range pv.roles {
		preference, wishes, stability := pv.assign(s.plan.tours[tours[k]].worker)
		s.cost.Preference += sign * preference
		s.cost.Wishes += sign * wishes
		s.cost.Stability += sign * stability
	}
}
