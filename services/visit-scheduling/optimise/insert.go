package optimise

import (
	"cmp"
	"math"
	"slices"
)

// choice is a whole visit put somewhere.
type choice struct {
	points int64
	spots  [maxRoles]spot
	starts [maxRoles]int32
}

// finder looks for places of visits. Its memory is used again.
type finder struct {
	*state
	lists  [maxRoles][]spot
	stamp  []int32 // tour → last look-up that listed it
	lookup int32
	here   []spot         // in the tour looked at
	blink  func() bool    // true: pass over this place
	ban    map[int32]bool // tours the first part may not use
	in     *border        // nil: everything may change
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

// spotsOf lists the places of one part of a visit in the tours given, or in all
// of the able workers' when tours is nil, as long as they cost less than limit.
// For a visit of one worker, what cannot be cheaper than a place listed before is
// left out.
func (f *finder) spotsOf(v, k int32, tours []int32, limit int64) []spot {
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
		points, ok := f.sendCost(pv, k, t, limit)
		if !ok {
			return
		}
		f.here = f.spotsIn(pv, t, pv.windows[window:], f.here[:0])
		for _, sp := range f.here {
			sp.points = points + int64(sp.legs)*int64(f.w.TravelMinute)
			if f.fair && !pv.rest {
				sp.points += f.sharePrice(f.plan.tours[t].worker, share{load: int64(pv.minutes + sp.way), ride: int64(sp.legs)})
			}
			if sp.points >= limit || (!pv.rest && !f.withinLimits(t, pv.minutes+sp.way)) ||
				(pv.notLast && !f.loose && !f.followed(t, sp.index)) || (f.blink != nil && f.blink()) {
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
	if tours != nil {
		for _, t := range tours {
			if pv.able[k].has(f.plan.tours[t].worker) {
				visit(t)
			}
		}
	} else {
		for _, w := range pv.able[k].list {
			for _, t := range f.workers[w].tours {
				visit(t)
			}
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
func (f *finder) best(v int32, tours []int32, limit int64) (choice, bool) {
	pv := &f.visits[v]
	out := choice{points: limit}
	if pv.roles == 1 {
		for _, sp := range f.spotsOf(v, 0, tours, limit) {
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
	f.team(v, tours, &out)
	return out, out.points < limit
}

// bestWithout is best anywhere but with the first part in a banned tour.
func (f *finder) bestWithout(v int32, banned map[int32]bool) (choice, bool) {
	f.ban = banned
	defer func() { f.ban = nil }()
	return f.best(v, nil, anyPrice)
}

// team chooses one spot for each role. A team for less than some limit is the
// cheapest if there is one, and whoever costs more need not be looked at: first
// the limit is what any stranger costs, where the family knows enough, then what
// a team usually costs, then out's.
func (f *finder) team(v int32, tours []int32, out *choice) {
	pv := &f.visits[v]
	most := out.points
	stranger := int64(pv.stranger)
	for _, limit := range [...]int64{stranger, usualTeam*stranger + int64(usualWay*f.w.TravelMinute)*int64(pv.roles), most} {
		if limit > most || (limit == stranger && len(pv.preferred) < int(pv.roles)) {
			continue
		}
		if out.points = limit; f.listTeam(v, tours, limit) {
			f.choose(v, out)
		}
		if out.points < limit {
			return
		}
	}
	out.points = most
}

const (
	usualTeam = 2  // strangers in a team
	usualWay  = 30 // minutes, for each
)

// listTeam lists the places of every role by points, so that the cheapest rest
// bounds every partial choice; those that cannot be part of a team for less than
// limit are left out. It is false when a role has none.
func (f *finder) listTeam(v int32, tours []int32, limit int64) bool {
	roles := f.visits[v].roles
	var least [maxRoles]int64
	for k := range roles {
		l := f.spotsOf(v, k, tours, limit)
		if len(l) == 0 {
			return false
		}
		least[k] = l[0].points
		for _, sp := range l[1:] {
			least[k] = min(least[k], sp.points)
		}
		limit -= least[k]
	}
	for k := range roles {
		l := slices.DeleteFunc(f.lists[k], func(sp spot) bool { return sp.points >= limit+least[k] })
		if len(l) == 0 {
			return false
		}
		slices.SortFunc(l, func(a, b spot) int {
			switch { // most differ in points
			case a.points != b.points:
				return cmp.Compare(a.points, b.points)
			case a.tour != b.tour:
				return cmp.Compare(a.tour, b.tour)
			}
			return cmp.Compare(a.index, b.index)
		})
		f.lists[k] = l
	}
	return true
}

// choose finds the cheapest team of the places listed, the first not in a banned
// tour, if it is cheaper than out.
func (f *finder) choose(v int32, out *choice) {
	pv := &f.visits[v]
	var least [maxRoles + 1]int64
	for k := pv.roles - 1; k >= 0; k-- {
		least[k] = least[k+1] + f.lists[k][0].points
	}
	var chosen [maxRoles]spot
	var extend func(k int32, points int64, lo, hi int32)
	extend = func(k int32, points int64, lo, hi int32) {
		if k == pv.roles {
			f.settle(v, chosen[:k], points, out)
			return
		}
		for _, sp := range f.lists[k] {
			if points+sp.points+least[k+1] >= out.points {
				return
			}
			if f.sameWorker(chosen[:k], sp) || (k == 0 && f.ban[sp.tour]) {
				continue
			}
			lo2, hi2 := max(lo, sp.lo), min(hi, sp.hi)
			if !pv.ordered && lo2 > hi2 {
				continue
			}
			if pv.ordered {
				lo2, hi2 = lo, hi
			}
			chosen[k] = sp
			extend(k+1, points+sp.points, lo2, hi2)
		}
	}
	extend(0, 0, math.MinInt32, math.MaxInt32)
}

func (f *finder) sameWorker(chosen []spot, sp spot) bool {
	for _, c := range chosen {
		if f.plan.tours[c.tour].worker == f.plan.tours[sp.tour].worker {
			return true
		}
	}
	return false
}

// settle finds starts for a complete team and keeps it if it is the best.
func (f *finder) settle(v int32, spots []spot, points int64, out *choice) {
	pv := &f.visits[v]
	var starts [maxRoles]int32
	if !f.align(pv, spots, &starts) || (pv.team && !f.fits(v, spots)) {
		return
	}
	for k, sp := range spots {
		points += f.movedBy(sp, v, starts[k])
	}
	if points < out.points {
		out.points = points
		out.starts = starts
		copy(out.spots[:], spots)
	}
}

// align finds starts of all parts that fit the spots, the windows and the
// visit's rule of time, as near to the published start as the first part can be.
func (f *finder) align(pv *pVisit, spots []spot, starts *[maxRoles]int32) bool {
	if !pv.ordered {
		lo, hi := spots[0].lo, spots[0].hi
		for _, sp := range spots[1:] {
			lo, hi = max(lo, sp.lo), min(hi, sp.hi)
		}
		s := f.begin(pv, lo, hi)
		if _, ok := pv.earliest(lo); !ok || s > hi {
			return false
		}
		for k := range spots {
			starts[k] = s
		}
		return true
	}
	// Push every part to its earliest, then push the earlier ones up where a gap
	// is too long, until nothing moves: the least fixed point, if there is one.
	for k, sp := range spots {
		starts[k] = sp.lo
	}
	if pv.start > starts[0] && pv.start <= spots[0].hi {
		starts[0] = pv.start
	}
	for again := true; again; {
		again = false
		for k := range spots {
			need := starts[k]
			if k > 0 {
				need = max(need, starts[k-1]+pv.gapMin)
			}
			if k+1 < len(spots) {
				need = max(need, starts[k+1]-pv.gapMax)
			}
			s, ok := pv.earliest(need)
			if !ok || s > spots[k].hi {
				return false
			}
			if s != starts[k] {
				starts[k], again = s, true
			}
		}
	}
	return true
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
