package optimise

import (
	"cmp"
	"math"
	"slices"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/chance"
)

const (
	nearKept     = 40
	mostRemoved  = 24
	mostStrings  = 5
	maxString    = 4
	randomAble   = 8 // workers of chance looked at for each part of a visit
	blinkPer1024 = 40
	allTours     = 80    // up to so many tours, every place is looked at
	cold         = 5.0   // points
	hotFresh     = 400.0 // a schedule made from nothing is worth shaking
	hotStart     = 60.0  // one that was given is not
)

// search takes visits near each other out of the schedule and puts them back at
// the cheapest places, accepting by annealing (after Christiaens and Vanden
// Berghe, Transportation Science 54, 2020).
type search struct {
	*finder
	rng       *chance.Source
	near      [][]int32 // visit → visits near by place, itself first
	seeds     []int32   // visits that may move
	gone      []int32
	keys      []int64
	asked     int32   // the visit whose tours are listed
	familiar  scope   // of workers its series knows
	strange   []int32 // of others
	hit       []int32 // tour → step that took from it
	steps     int32
	unplaced  []int32 // visit list, with holes filled from the end
	slot      []int32 // visit → index in unplaced, -1
	bestTours []tour
	best      Objective
	stale     []int32 // tours that differ from bestTours
	isStale   []bool
}

func newSearch(s *state, seed, number uint64) *search {
	x := &search{
		finder: newFinder(s), rng: chance.New(seed, number), hit: make([]int32, len(s.tours)),
		slot: make([]int32, len(s.visits)), bestTours: make([]tour, len(s.tours)), isStale: make([]bool, len(s.tours)),
	}
	x.familiar.more = x.strangers
	for v := range s.visits {
		x.slot[v] = -1
		x.track(int32(v))
		if !s.visits[v].locked {
			x.seeds = append(x.seeds, int32(v))
		}
	}
	for t := range s.tours {
		x.isStale[t] = true
		x.stale = append(x.stale, int32(t))
	}
	return x
}

// track brings the list of unplaced visits up to date for one.
func (x *search) track(v int32) {
	at := x.slot[v]
	switch out := !x.placed(v) && !x.visits[v].locked; {
	case out && at < 0:
		x.slot[v] = int32(len(x.unplaced))
		x.unplaced = append(x.unplaced, v)
	case !out && at >= 0:
		last := x.unplaced[len(x.unplaced)-1]
		x.unplaced[at] = last
		x.slot[last] = at
		x.unplaced = x.unplaced[:len(x.unplaced)-1]
		x.slot[v] = -1
	}
}

// construct places what it can, the hardest first, until stop.
func (x *search) construct(stop func() bool) {
	order := slices.Clone(x.unplaced)
	slices.Sort(order)
	width := func(v int32) int {
		pv := &x.visits[v]
		able := math.MaxInt
		for _, a := range pv.able {
			able = min(able, len(a.list))
		}
		open := 0
		for _, w := range pv.windows {
			open += w.To - w.From
		}
		return able * (open/60 + 1)
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		p, q := &x.visits[a], &x.visits[b]
		return cmp.Or(-cmp.Compare(p.leaveOut, q.leaveOut), -cmp.Compare(p.roles, q.roles), cmp.Compare(width(a), width(b)))
	})
	x.placeAll(order, stop)
	if x.risky {
		x.placeAll(order, stop) // those that must not come last, now that others have
	}
	if x.in == nil {
		x.mend()
	}
}

func (x *search) placeAll(order []int32, stop func() bool) {
	for i, v := range order {
		if i&15 == 0 && stop() {
			return
		}
		if x.placed(v) {
			continue
		}
		c, ok := x.finder.best(v, nil, x.visits[v].leaveOut)
		if !ok {
			continue
		}
		before, breach := x.cost, x.breach
		x.put(v, c.spots[:x.visits[v].roles], c.starts[:])
		if x.broken || (x.in != nil && x.breach > breach) {
			x.revert(before)
			continue
		}
		x.track(v)
		x.commit()
	}
}

// mend takes out what breaks a rule with no visit left to come that would mend it.
func (x *search) mend() {
	for x.breach > 0 {
		v := x.offender()
		x.take(v)
		x.track(v)
	}
	x.commit()
}

// commit accepts the present schedule and remembers it if it is the best.
func (x *search) commit() {
	for _, t := range x.touched {
		if !x.isStale[t] {
			x.isStale[t] = true
			x.stale = append(x.stale, t)
		}
	}
	x.accept()
}

func (x *search) keepBest() {
	for _, t := range x.stale {
		x.isStale[t] = false
		stops := append(x.bestTours[t].stops[:0], x.tours[t].stops...)
		x.bestTours[t] = x.tours[t]
		x.bestTours[t].stops = stops
	}
	x.stale = x.stale[:0]
	x.best = x.cost
}

// neighbours ranks for each visit those nearest by travel. Remote visits are
// near those of their series.
func (x *search) neighbours() {
	c := x.plan
	at := make([][]int32, c.places)
	var remote []int32
	for v := range c.visits {
		if p := c.visits[v].place; p >= 0 {
			at[p] = append(at[p], int32(v))
		} else if !c.visits[v].rest {
			remote = append(remote, int32(v))
		}
	}
	type reach struct{ minutes, place int32 }
	byPlace := make([][]int32, c.places)
	for p := range c.places {
		if len(at[p]) == 0 {
			continue
		}
		var top []reach
		for q := range c.places {
			if len(at[q]) == 0 {
				continue
			}
			m := c.travel(0, int32(p), int32(q))
			if len(top) == nearKept && m >= top[nearKept-1].minutes {
				continue
			}
			i := len(top)
			if i < nearKept {
				top = append(top, reach{})
			} else {
				i--
			}
			for ; i > 0 && top[i-1].minutes > m; i-- {
				top[i] = top[i-1]
			}
			top[i] = reach{m, int32(q)}
		}
		var list []int32
		for _, r := range top {
			list = append(list, at[r.place]...)
			if len(list) >= nearKept {
				break
			}
		}
		byPlace[p] = list
	}
	x.near = make([][]int32, len(c.visits))
	for v := range c.visits {
		list := []int32{int32(v)}
		if c.visits[v].rest {
			x.near[v] = list
			continue
		}
		rest := remote
		if p := c.visits[v].place; p >= 0 {
			rest = byPlace[p]
		} else if s := c.visits[v].series; s >= 0 {
			rest = append(slices.Clone(c.series[s].visits), remote[:min(nearKept, len(remote))]...)
		}
		for _, u := range rest {
			if int(u) != v && len(list) < nearKept {
				list = append(list, u)
			}
		}
		x.near[v] = list
	}
}

// anneal improves until progress reaches 1.
func (x *search) anneal(hot, cold float64, progress func(steps int64) float64) int64 {
	if len(x.seeds) == 0 || len(x.tours) == 0 {
		return 0
	}
	if x.near == nil {
		x.neighbours()
	}
	x.blink = func() bool { return x.rng.Next()&1023 < blinkPer1024 }
	defer func() { x.blink = nil }()
	t := hot
	var steps int64
	for ; ; steps++ {
		if steps&15 == 0 {
			p := progress(steps)
			if p >= 1 {
				return steps
			}
			t = chance.Cool(hot, cold, p)
		}
		x.step(t)
	}
}

func (x *search) step(t float64) {
	before := x.cost
	x.steps++
	x.ruin()
	if x.broken {
		x.revert(before)
		return
	}
	removed := len(x.gone)
	for range min(2, len(x.unplaced)) {
		if v := x.unplaced[x.rng.Intn(len(x.unplaced))]; !slices.Contains(x.gone[removed:], v) && !slices.Contains(x.gone[:removed], v) {
			x.gone = append(x.gone, v)
		}
	}
	x.sortGone()
	most := before.Total() + int64(t*x.rng.Exp())
	x.loose = x.mendable && x.rng.Intn(2) == 0
	put := x.putBack(most)
	x.loose = false
	if !put || x.broken || x.breach > 0 || x.cost.Total() > most {
		x.revert(before)
		return
	}
	for _, v := range x.gone {
		x.track(v)
	}
	x.commit()
	if x.cost.Total() < x.best.Total() {
		x.keepBest()
	}
}

// putBack puts what is gone at the cheapest places. It is false, and some are left
// out, once the schedule must come to cost more than most: whoever is dearer than
// what is left of it need not be looked at.
func (x *search) putBack(most int64) bool {
	free := x.cost.Total() // as if what is gone cost nothing
	for _, v := range x.gone {
		free -= x.visits[v].leaveOut
	}
	for _, v := range x.gone {
		out := x.visits[v].leaveOut
		limit := min(out, most-free+1)
		in := x.candidates(v)
		c, ok := x.finder.best(v, in, limit)
		if !ok && in != nil && limit > in.from && x.rng.Intn(8) == 0 {
			c, ok = x.finder.best(v, nil, limit)
		}
		if !ok && limit < out {
			return false
		}
		before := x.cost.Total() - out
		if ok {
			x.put(v, c.spots[:x.visits[v].roles], c.starts[:])
		}
		free += x.cost.Total() - before
	}
	return true
}

// ruin takes visits out: strings of the tours around a random visit, or all
// visits of a series, or a worker's whole day.
func (x *search) ruin() {
	x.gone = x.gone[:0]
	seed := x.seeds[x.rng.Intn(len(x.seeds))]
	switch kind := x.rng.Intn(50); {
	case kind < 5 && x.visits[seed].series >= 0:
		for _, v := range x.series[x.visits[seed].series].visits {
			x.drop(v)
		}
	case kind == 5 && x.placed(seed):
		tr := x.where[seed*maxRoles]
		for i := len(x.tours[tr].stops) - 1; i >= 0 && len(x.gone) < mostRemoved*2/3; i = min(i, len(x.tours[tr].stops)) - 1 {
			x.drop(x.tours[tr].stops[i].visit)
		}
	default:
		count := 1 // small steps are cheap and pay most
		for count < mostStrings && x.rng.Intn(2) == 0 {
			count++
		}
		for _, v := range x.near[seed] {
			if count == 0 {
				return
			}
			if x.foreign(v) || !x.placed(v) {
				continue
			}
			t := x.where[v*maxRoles+int32(x.rng.Intn(int(x.visits[v].roles)))]
			if x.hit[t] == x.steps || !x.reaches(t) {
				continue
			}
			x.hit[t] = x.steps
			count--
			x.dropString(t, v)
		}
	}
}

func (x *search) dropString(t, v int32) {
	stops := x.tours[t].stops
	at := slices.IndexFunc(stops, func(s stop) bool { return s.visit == v })
	l := 1 + x.rng.Intn(min(maxString, len(stops)))
	first := max(0, min(at-x.rng.Intn(l), len(stops)-l))
	var buf [maxString]int32
	n := 0
	for _, s := range stops[first : first+l] {
		buf[n] = s.visit
		n++
	}
	for _, u := range buf[:n] {
		x.drop(u)
	}
}

func (x *search) drop(v int32) {
	if x.placed(v) && x.moves(v) && len(x.gone) < mostRemoved {
		x.take(v)
		x.gone = append(x.gone, v)
	}
}

func (x *search) sortGone() {
	pick := x.rng.Intn(8)
	x.keys = x.keys[:0]
	for _, v := range x.gone {
		pv := &x.visits[v]
		var k int32
		switch {
		case pick < 4:
			k = int32(x.rng.Next() >> 40)
		case pick < 6:
			k = int32(len(pv.able[0].list))
		case pick < 7 && len(pv.windows) > 0:
			k = int32(pv.windows[0].From)
		default:
			k = -pv.minutes
		}
		if pick != 0 {
			k -= (pv.roles - 1) << 26 // whole teams are hardest
		}
		x.keys = append(x.keys, int64(k)<<32|int64(v))
	}
	slices.Sort(x.keys)
	for i, k := range x.keys {
		x.gone[i] = int32(k & 0xffffffff)
	}
}

// candidates are the tours worth looking at for a visit: those of workers its
// series knows, who cost least, and where a stranger is worth it, further ones. nil
// is all.
func (x *search) candidates(v int32) *scope {
	if len(x.tours) <= allTours || x.visits[v].rest {
		return nil
	}
	x.lookup++
	pv := &x.visits[v]
	x.asked, x.strange = v, x.strange[:0]
	x.familiar.tours, x.familiar.from = x.familiar.tours[:0], x.strangerCost(pv)
	for _, w := range pv.known {
		x.familiar.tours = x.list(x.familiar.tours, x.workers[w].tours)
	}
	if pv.series >= 0 {
		for _, f := range x.faces[pv.series] {
			x.familiar.tours = x.list(x.familiar.tours, x.workers[f.worker].tours)
		}
	}
	return &x.familiar
}

// list adds those of some tours that are not listed yet.
func (x *search) list(out, tours []int32) []int32 {
	for _, t := range tours {
		if x.stamp[t] != x.lookup {
			x.stamp[t] = x.lookup
			out = append(out, t)
		}
	}
	return out
}

// strangers are the tours of others worth looking at for the visit last asked about:
// those that pass near it, and some of chance.
func (x *search) strangers() []int32 {
	if len(x.strange) > 0 {
		return x.strange
	}
	v := x.asked
	pv := &x.visits[v]
	for _, u := range x.near[v] {
		for k := range x.visits[u].roles {
			if t := x.where[u*maxRoles+k]; t >= 0 && x.stamp[t] != x.lookup {
				x.stamp[t] = x.lookup
				x.strange = append(x.strange, t)
			}
		}
	}
	for k := range pv.roles {
		if n := len(pv.able[k].list); n > 0 {
			for range randomAble {
				if w := pv.able[k].list[x.rng.Intn(n)]; x.in == nil || x.in.part[w] == x.in.region {
					x.strange = x.list(x.strange, x.workers[w].tours)
				}
			}
		}
	}
	return x.strange
}
