package optimise

import "slices"

// choice is a whole visit put somewhere.
type choice struct {
	points int64
	spots  [maxRoles]spot
	starts [maxRoles]int32
}

// finder looks for places of visits. Its memory is used again.
type finder struct {
	*state
	lists   [maxRoles][]spot
	stamp   []int32 // tour → last look-up that listed it
	lookup  int32
	here    []spot         // in the tour looked at
	inquiry *inquiry       // of the team asked about
	blink   func() bool    // true: pass over this place
	ban     map[int32]bool // tours the first part may not use
	in      *border        // nil: everything may change
}

func newFinder(s *state) *finder { return &finder{state: s, stamp: make([]int32, len(s.plan.tours))} }

// open reports whether a visit's windows meet a tour's time.
func (f *finder) open(v *pVisit, t int32) bool {
	_, meets := v.opens(&f.plan.tours[t])
	return meets
}

// opens is the first of a visit's windows that meets a tour's time.
func (v *pVisit) opens(def *pTour) (window int, meets bool) {
	for k, w := range v.windows {
		if int32(w.From) < def.to && int32(w.To) > def.from {
			return k, true
		}
	}
	return 0, false
}

// scope is the tours a visit is looked for in.
type scope struct {
	tours []int32
	// more are further ones, if any, in which it costs from points at least: they are
	// asked for where a place at that price is of use.
	more func() []int32
	from int64
}

// spotsOf lists the places of one part of a visit in the tours given, or in all
// of the able workers' when in is nil, as long as they cost less than limit.
// For a visit of one worker, what cannot be cheaper than a place listed before is
// left out. The places of a team are kept from ask on.
func (f *finder) spotsOf(v, k int32, in *scope, limit int64) []spot {
	pv := &f.visits[v]
	out := f.lists[k][:0]
	visit := func(t int32) {
		if !f.reaches(t) {
			return
		}
		window, meets := pv.opens(&f.plan.tours[t])
		if !meets {
			return
		}
		if k == 0 && f.ban[t] {
			return
		}
		rest := f.inquiry.rest(k, f.plan.tours[t].from, f.plan.tours[t].to)
		points, ok := f.sendCost(pv, k, t, limit-rest)
		if !ok {
			return
		}
		for _, sp := range f.spotsFor(pv, t, pv.windows[window:]) {
			sp.points = points + int64(sp.legs)*int64(f.w.TravelMinute)
			if f.fair && !pv.rest {
				sp.points += f.sharePrice(f.plan.tours[t].worker, share{load: int64(pv.minutes + sp.way), ride: int64(sp.legs)})
			}
			switch {
			case sp.points >= limit-rest, !pv.rest && !f.withinLimits(t, pv.minutes+sp.way),
				pv.notLast && !f.loose && !f.followed(t, sp.index),
				f.blink != nil && f.blink(),
				!f.inquiry.admits(pv, k, &sp, limit):
				continue
			}
			out = append(out, sp)
			if pv.roles == 1 && !pv.team && !f.fair {
				// of the rest, only what may be cheaper
				if start := f.begin(pv, sp.lo, sp.hi); start <= sp.hi {
					limit = min(limit, sp.points+f.movedBy(sp, v, start))
				}
			}
		}
	}
	if in == nil {
		for _, w := range pv.able[k].list {
			for _, t := range f.workers[w].tours {
				visit(t)
			}
		}
	} else {
		among := func(tours []int32) {
			for _, t := range tours {
				if pv.able[k].has(f.plan.tours[t].worker) {
					visit(t)
				}
			}
		}
		among(in.tours)
		if in.more != nil && limit > in.from {
			among(in.more())
		}
	}
	f.lists[k] = out
	return out
}

// sendCost is what it costs to send the worker of a tour for a part, wherever in
// the tour, or false when a rule forbids it or it is not less than limit.
func (f *finder) sendCost(pv *pVisit, k, t int32, limit int64) (int64, bool) {
	if pv.rest {
		return 0, true
	}
	def := &f.plan.tours[t]
	points, ok := f.faceCost(pv, def.worker)
	if !ok || !f.withinLimits(t, pv.minutes) {
		return 0, false
	}
	preference, wishes, stability := pv.assign(def.worker)
	points += preference + wishes + stability
	if k > 0 || points >= limit {
		return points, points < limit
	}
	date, ok := f.dateCost(pv, def.date)
	if !ok {
		return 0, false
	}
	if pv.roles == 1 && pv.series >= 0 {
		if x := &f.series[pv.series]; x.subs && !slices.Contains(x.regular, def.worker) && !f.substitutable(pv, def.date) {
			return 0, false
		}
	}
	return points + date, points+date < limit
}

// best is the cheapest way to make a visit in the tours given (nil: anywhere)
// for less than limit points.
func (f *finder) best(v int32, in *scope, limit int64) (choice, bool) {
	pv := &f.visits[v]
	out := choice{points: limit}
	if pv.roles == 1 {
		for _, sp := range f.spotsOf(v, 0, in, limit) {
			if sp.points >= out.points || (pv.team && !f.fits(v, []spot{sp})) {
				continue
			}
			start := f.begin(pv, sp.lo, sp.hi)
			if start > sp.hi {
				continue
			}
			if p := sp.points + f.movedBy(sp, v, start); p < out.points {
				out.points, out.spots[0], out.starts[0] = p, sp, start
			}
		}
		return out, out.points < limit
	}
	f.ask()
	f.team(v, in, &out)
	return out, out.points < limit
}

// bestWithout is best anywhere but with the first part in a banned tour.
func (f *finder) bestWithout(v int32, banned map[int32]bool) (choice, bool) {
	f.ban = banned
	defer func() { f.ban = nil }()
	return f.best(v, nil, anyPrice)
}

// movedBy is what a start costs against the published one, what pushing the
// later stops of the tour costs, and the overtime and evening it makes.
func (f *finder) movedBy(sp spot, v, start int32) int64 {
	pv := &f.visits[v]
	def, tr := &f.plan.tours[sp.tour], &f.tours[sp.tour]
	var points int64
	if pv.moved > 0 {
		points = pv.moved * int64(min(absolute(start-pv.start), int32(f.w.MovedMost)))
	}
	if f.fair && !pv.rest && f.isEvening(start, pv.minutes) {
		points += f.sharePrice(def.worker, share{evenings: 1})
	}
	at, now := pv.place, start+pv.minutes
	if at < 0 {
		at = def.start
		if sp.index > 0 {
			at = tr.stops[sp.index-1].at
		}
	}
	for i := int(sp.index); i < len(tr.stops); i++ {
		x := &tr.stops[i]
		y := &f.visits[x.visit]
		if y.place >= 0 {
			now = f.arrive(def.mode, now, f.travel(def.mode, at, y.place))
			at = y.place
		}
		if x.fixed || now <= x.start {
			// not pushed, and nothing after it either
			return points
		}
		next, ok := y.earliest(now)
		if !ok {
			return points
		}
		if x.role == 0 && y.moved > 0 {
			points += y.moved * int64(min(absolute(next-y.start), int32(f.w.MovedMost))-min(absolute(x.start-y.start), int32(f.w.MovedMost)))
		}
		now = next + y.minutes
	}
	if def.to > def.due && !pv.rest {
		home := f.arrive(def.mode, now, f.travel(def.mode, at, def.end))
		points += int64(max(0, home-def.due)-tr.over) * int64(f.w.OvertimeMinute)
	}
	return points
}
