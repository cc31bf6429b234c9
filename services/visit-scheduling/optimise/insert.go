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
	blink  func() bool    // true: pass over this place
	ban    map[int32]bool // tours the first part may not use
}

func newFinder(s *state) *finder { return &finder{state: s, stamp: make([]int32, len(s.plan.tours))} }

// open reports whether a visit's windows meet a tour's time.
func (f *finder) open(v *pVisit, t int32) bool {
	def := &f.plan.tours[t]
	_, meets := v.opens(def)
	return meets
}

// opens is when the first of a visit's windows that meets a tour's time begins.
func (v *pVisit) opens(def *pTour) (from int32, meets bool) {
	for _, w := range v.windows {
		if int32(w.From) < def.to && int32(w.To) > def.from {
			return int32(w.From), true
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
		def := &f.plan.tours[t]
		soonest, meets := pv.opens(def)
		if !meets || (k == 0 && f.ban[t]) {
			return
		}
		soonest += pv.minutes
		points, ok := f.sendCost(pv, k, t)
		if !ok || points >= limit {
			return
		}
		n := int32(len(f.tours[t].stops))
		for i := int32(0); i <= n; i++ {
			if i < n {
				// The next stop cannot wait until this visit is done; a remote one might,
				// if the visit shortens the way after it.
				if x := &f.tours[t].stops[i]; x.latest < soonest && (pv.place < 0 || f.visits[x.visit].place >= 0) {
					continue
				}
			}
			sp, ok, over := f.look(t, i, pv)
			if over {
				return
			}
			if !ok {
				continue
			}
			sp.points = points + int64(sp.legs)*int64(f.w.TravelMinute)
			if f.fair && !pv.rest {
				sp.points += f.sharePrice(def.worker, share{load: int64(pv.minutes + sp.way), ride: int64(sp.legs)})
			}
			if sp.points >= limit || (!pv.rest && !f.withinLimits(t, pv.minutes+sp.way)) ||
				(pv.notLast && !f.loose && !f.followed(t, i)) || (f.blink != nil && f.blink()) {
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
			if _, ok := slices.BinarySearch(pv.able[k], f.plan.tours[t].worker); ok {
				visit(t)
			}
		}
	} else {
		for _, w := range pv.able[k] {
			for _, t := range f.workers[w].tours {
				visit(t)
			}
		}
	}
	f.lists[k] = out
	return out
}

// sendCost is what it costs to send the worker of a tour for a part, wherever in
// the tour, or false when a rule forbids it.
func (f *finder) sendCost(pv *pVisit, k, t int32) (int64, bool) {
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
	if k > 0 {
		return points, true
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
	return points + date, true
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

// team chooses one spot for each role.
func (f *finder) team(v int32, tours []int32, out *choice) {
	// Those the family knows first: a team of them for less than any stranger costs
	// is the cheapest, and nobody else need be looked at.
	if stranger := int64(f.visits[v].stranger); stranger > 0 && stranger < out.points && len(f.visits[v].preferred) >= int(f.visits[v].roles) {
		limit := out.points
		if out.points = stranger; f.listTeam(v, tours, stranger) {
			f.choose(v, out)
		}
		if out.points < stranger {
			return
		}
		out.points = limit
	}
	if f.listTeam(v, tours, out.points) {
		f.choose(v, out)
	}
}

// listTeam lists the places of every role by points, so that the cheapest rest
// bounds every partial choice. It is false when a role has none.
func (f *finder) listTeam(v int32, tours []int32, limit int64) bool {
	for k := range f.visits[v].roles {
		l := f.spotsOf(v, k, tours, limit)
		if len(l) == 0 {
			return false
		}
		slices.SortFunc(l, func(a, b spot) int {
			return cmp.Or(cmp.Compare(a.points, b.points), cmp.Compare(a.tour, b.tour), cmp.Compare(a.index, b.index))
		})
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
