package vrptw

import (
	"cmp"
	"math"
	"slices"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/chance"
)

const (
	// Multipliers are kept in this part of a unit of cost, so that the whole
	// search for a partition is integer arithmetic.
	fine = 256

	poolLimit = 40000     // routes kept; beyond it the least promising half goes
	mostTried = 3000      // routes given to the exact part
	mostWork  = 2_500_000 // routes looked at in one search among these
	firstPart = 16        // of the gap, looked through first by a deep search

	stopStride = 64 // nodes or pivots between two looks at the time
)

// routePool remembers feasible routes met anywhere in the search, the cheapest
// order of each set of customers, and finds cheaper whole answers among them:
// a set partitioning problem, bounded by the multipliers of its linear
// relaxation with cuts, and searched depth first among the routes whose reduced
// cost still fits between the bound and the best answer known.
type routePool struct {
	n, fleet int
	stop     func() bool // asked now and then during long work; may be nil
	words    int         // of a route's set of customers
	sign     []uint64
	index    map[uint64]int32
	cost     []int32
	first    []int32 // where a route's customers begin in stops; one longer than cost
	stops    []int32

	price  []int64 // multiplier of each customer, in 1/fine
	linear *relaxation
	pivots int
	rest   []int64 // reduced costs, in 1/fine

	maker     *routeMaker // of routes nobody met; may be nil
	deep      bool        // whether to make routes for the tightened relaxation too
	converged bool        // whether tight can go on from where it was
	dry       bool        // whether the last search left hardly a route to be made

	// the exact part
	tight      *tightening
	cutsPriced bool  // whether tight's multipliers are the latest
	gap        int64 // between the latest bound and what is to be beaten, in 1/fine
	tried      []triedRoute
	sets       []uint64
	lists      []int32
	count      []int32
	open       []uint64
	chosen     []int32
	found      []int32
	bound      int64 // cost to beat, in 1/fine
	nodes      int
	work       int // routes looked at in the nodes
}

type triedRoute struct {
	route int32
	rest  int64
}

func newRoutePool(in *Instance) *routePool {
	p := &routePool{n: in.N, fleet: in.Fleet, words: (in.N + 63) / 64, index: map[uint64]int32{}}
	rng := chance.New(1, 1)
	p.sign = make([]uint64, in.N)
	for i := range p.sign {
		p.sign[i] = rng.Next()
	}
	p.first = append(p.first, 0)
	p.alone(in)
	p.price = make([]int64, in.N)
	p.count = make([]int32, in.N)
	p.open = make([]uint64, p.words)
	return p
}

// alone adds a route for each customer by itself: with them there always is an
// answer, and they are the first basis of the relaxation.
func (p *routePool) alone(in *Instance) {
	for c := int32(1); c < int32(in.N); c++ {
		p.add([]int32{c}, in.Dist[c]+in.Dist[int(c)*in.N])
	}
}

// add remembers a feasible route of the given cost.
func (p *routePool) add(stops []int32, cost int32) {
	if len(stops) == 0 {
		return
	}
	var sign uint64
	for _, c := range stops {
		sign ^= p.sign[c]
	}
	if at, ok := p.index[sign]; ok {
		if kept := p.stops[p.first[at]:p.first[at+1]]; cost < p.cost[at] && len(kept) == len(stops) {
			p.cost[at] = cost
			copy(kept, stops)
		}
		return
	}
	p.index[sign] = int32(len(p.cost))
	p.cost = append(p.cost, cost)
	p.stops = append(p.stops, stops...)
	p.first = append(p.first, int32(len(p.stops)))
}

func (p *routePool) of(route int32) []int32 { return p.stops[p.first[route]:p.first[route+1]] }

// reduced is a route's cost less the multipliers of its customers.
func (p *routePool) reduced(route int32) int64 {
	r := int64(p.cost[route]) * fine
	for _, c := range p.of(route) {
		r -= p.price[c]
	}
	return r
}

// solve looks for an answer cheaper than upper among the routes remembered and
// those the maker adds to them: for the plain relaxation, and from the first time
// that was not enough for the tightened one as well. It returns its routes, or
// nil when it found none; then the maker has made those that such an answer would
// want, for the next time.
func (p *routePool) solve(upper int64) [][]int32 {
	p.dry = true
	if !p.deep {
		if routes := p.solvePlain(upper); routes != nil {
			return routes
		}
		p.deep = p.maker != nil
	}
	if !p.deep || p.halted() {
		return nil
	}
	lower, ok := p.converge(upper)
	if !ok {
		return nil
	}
	if p.gap = (upper-1)*fine - lower; p.gap >= 0 && p.pick(lower, firstPart) {
		return p.answer()
	}
	p.dry = p.maker.want(p, max(0, p.gap)) < hardlyAny
	return nil
}

// solvePlain looks among the routes met and those the plain relaxation wants.
func (p *routePool) solvePlain(upper int64) [][]int32 {
	p.converged = false
	lower := p.relaxMaking()
	if p.gap = (upper-1)*fine - lower; p.gap < 0 {
		return nil
	}
	p.consider(upper, lower)
	lower = p.tighten(upper, lower)
	if p.gap = (upper-1)*fine - lower; p.gap >= 0 && p.pick(lower, 1) {
		return p.answer()
	}
	return nil
}

// answer is what pick found.
func (p *routePool) answer() [][]int32 {
	routes := make([][]int32, len(p.found))
	for i, f := range p.found {
		routes[i] = slices.Clone(p.of(f))
	}
	return routes
}

// pick searches among the routes tried for a whole answer within the gap above
// lower, and reports whether it found one. It looks through the given part of the
// gap first, where few routes fit, and doubles that until it is too much work.
func (p *routePool) pick(lower, parts int64) bool {
	p.tried = slices.DeleteFunc(p.tried, func(x triedRoute) bool { return x.rest > p.gap })
	slices.SortStableFunc(p.tried, func(a, b triedRoute) int { return cmp.Compare(a.rest, b.rest) })
	p.signAll()
	clear(p.open)
	for c := 1; c < p.n; c++ {
		p.open[c>>6] |= 1 << (c & 63)
	}
	p.found = p.found[:0]
	for ; parts >= 1 && len(p.found) == 0; parts /= 2 {
		within := p.gap / parts
		p.bound, p.nodes, p.work, p.chosen, p.lists = lower+within, 0, 0, p.chosen[:0], p.lists[:0]
		for i := range p.tried {
			if p.tried[i].rest <= within {
				p.lists = append(p.lists, int32(i))
			}
		}
		p.search(lower, len(p.lists))
		if p.work >= mostWork {
			break
		}
	}
	return len(p.found) > 0
}

// consider takes the routes whose reduced cost fits between the bound and the
// best answer, the most promising of them, and the singles, without which the
// relaxation might have no answer.
func (p *routePool) consider(upper, lower int64) {
	p.tried = p.tried[:0]
	for i, r := range p.rest {
		if i >= p.n-1 && r <= (upper-1)*fine-lower {
			p.tried = append(p.tried, triedRoute{int32(i), r})
		}
	}
	slices.SortStableFunc(p.tried, func(a, b triedRoute) int { return cmp.Compare(a.rest, b.rest) })
	p.tried = p.tried[:min(len(p.tried), mostTried)]
	for i, r := range p.rest[:p.n-1] {
		p.tried = append(p.tried, triedRoute{int32(i), r})
	}
}

// signAll writes down the sets of customers of the routes tried.
func (p *routePool) signAll() {
	p.sets = slices.Grow(p.sets[:0], len(p.tried)*p.words)[:len(p.tried)*p.words]
	clear(p.sets)
	for i, t := range p.tried {
		for _, c := range p.of(t.route) {
			p.sets[i*p.words+int(c)>>6] |= 1 << (c & 63)
		}
	}
}

// relaxMaking has the routes made that the multipliers of the relaxation want,
// some rounds long, and returns the bound it then gives.
func (p *routePool) relaxMaking() int64 {
	lower := p.relax()
	for range makingRounds {
		if p.maker == nil || p.halted() || p.maker.build(p, -1) == 0 {
			break
		}
		lower = p.relax()
	}
	return lower
}

// halted asks stop. Work that is broken off leaves valid bounds and answers.
func (p *routePool) halted() bool { return p.stop != nil && p.stop() }

// relax finds the multipliers and each route's reduced cost, and returns the
// bound they give.
func (p *routePool) relax() int64 {
	if p.linear == nil {
		p.linear = newRelaxation(p, chance.New(1, 2))
	}
	p.pivots = p.linear.solve(p)
	p.cutsPriced = false
	bound := int64(0)
	for c := 1; c < p.n; c++ {
		p.price[c] = int64(math.Round(p.linear.price[c-1] * fine))
		bound += p.price[c]
	}
	p.rest = p.rest[:0]
	for i := range p.cost {
		r := p.reduced(int32(i))
		p.rest = append(p.rest, r)
		bound += min(0, r)
	}
	return bound
}

// search extends the chosen routes. bound is the least any completion can cost;
// the last alive entries of lists are the routes that still fit.
func (p *routePool) search(bound int64, alive int) {
	p.nodes++
	if p.nodes%stopStride == 0 && p.halted() {
		p.work = mostWork
		return
	}
	left := false
	for _, w := range p.open {
		left = left || w != 0
	}
	if !left {
		cost := int64(0)
		for _, r := range p.chosen {
			cost += int64(p.cost[r])
		}
		// the bound is below the cost where a cut has room left
		if len(p.chosen) <= p.fleet && cost*fine <= p.bound {
			p.found = append(p.found[:0], p.chosen...)
			p.bound = (cost - 1) * fine
		}
		return
	}
	if len(p.chosen) >= p.fleet {
		return
	}
	from := len(p.lists) - alive
	clear(p.count)
	for _, i := range p.lists[from:] {
		for _, c := range p.of(p.tried[i].route) {
			p.count[c]++
		}
	}
	pick, fewest := int32(-1), int32(math.MaxInt32)
	for c := int32(1); c < int32(p.n); c++ {
		if p.open[c>>6]&(1<<(c&63)) != 0 && p.count[c] < fewest {
			pick, fewest = c, p.count[c]
		}
	}
	if fewest == 0 {
		return
	}
	word, bit := pick>>6, uint64(1)<<(pick&63)
	for k := from; k < from+alive; k++ {
		i := int(p.lists[k])
		set := p.sets[i*p.words : (i+1)*p.words]
		if set[word]&bit == 0 {
			continue
		}
		t := p.tried[i]
		// what is fixed by taking it: its reduced cost, and those below zero
		// that no longer fit
		below := bound + max(0, t.rest)
		if below > p.bound {
			break // the rest are dearer still
		}
		keep := len(p.lists)
		p.work += alive
		for _, j := range p.lists[from : from+alive] {
			other := p.sets[int(j)*p.words : (int(j)+1)*p.words]
			meets := uint64(0)
			for w, x := range set {
				meets |= x & other[w]
			}
			if meets == 0 {
				p.lists = append(p.lists, j)
			} else if int(j) != i {
				below -= min(0, p.tried[j].rest)
			}
		}
		if below <= p.bound {
			n := len(p.lists)
			for n > keep && below+p.tried[p.lists[n-1]].rest > p.bound {
				n--
			}
			p.lists = p.lists[:n]
			for w, x := range set {
				p.open[w] &^= x
			}
			p.chosen = append(p.chosen, t.route)
			p.search(below, n-keep)
			p.chosen = p.chosen[:len(p.chosen)-1]
			for w, x := range set {
				p.open[w] |= x
			}
		}
		p.lists = p.lists[:keep]
		if p.work >= mostWork {
			return
		}
	}
}

// thin forgets the less promising half once there are too many routes. The
// singles stay, and the relaxation begins anew.
func (p *routePool) thin() {
	if len(p.cost) < poolLimit {
		return
	}
	singles := p.n - 1
	order := make([]int32, 0, len(p.cost))
	for i := len(p.rest); i < len(p.cost); i++ {
		p.rest = append(p.rest, p.reduced(int32(i)))
	}
	for i := singles; i < len(p.cost); i++ {
		order = append(order, int32(i))
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(p.rest[a], p.rest[b]) })
	order = order[:len(order)/2]
	slices.Sort(order)
	clear(p.index)
	stops, cost, first := p.stops, p.cost, p.first
	p.stops, p.cost, p.first = make([]int32, 0, len(stops)/2), make([]int32, 0, poolLimit), []int32{0}
	for i := range int32(singles) {
		p.add(stops[first[i]:first[i+1]], cost[i])
	}
	for _, i := range order {
		p.add(stops[first[i]:first[i+1]], cost[i])
	}
	p.rest, p.linear, p.converged = p.rest[:0], nil, false
}
