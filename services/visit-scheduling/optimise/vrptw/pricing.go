package vrptw

import (
	"cmp"
	"math/bits"
	"slices"
)

const (
	// Nodes, and customers a route, up to which routes are made: beyond, the beam
	// misses too many, and the time is better spent on answers.
	makingUpTo   = 160
	makingLength = 12
	makingRounds = 8  // over a plain relaxation
	narrow       = 10 // labels kept at one customer after so many visits
	broad        = 40 // the same, once the narrow beam finds hardly any
	hardlyAny    = 10
	routesMade   = 200 // in one round
	routesOfOne  = 25  // of these, that serve one and the same customer
)

// routeMaker builds routes nobody met yet out of the pool's multipliers: those a
// cheaper answer would want, by their reduced cost. It extends routes customer
// by customer, a few of each length and last customer that are not both dearer
// and later than another (a beam through the labels of Feillet et al., Networks
// 44, 2004), so it may miss some. The broad beam forgets for another only what
// has also served all that the other has.
type routeMaker struct {
	in     *Instance
	price  []int64     // of customers, in 1/fine
	cost   []int64     // of cuts counted in, in 1/fine, above zero
	cutsOf [][2]uint64 // those a customer is in

	now, next []label // the beginnings to extend and those found, broad of each customer
	starts    []int32 // how many of them there are
	found     []int32
	steps     []labelStep
	done      []doneRoute
	uses      []int32
	width     int // labels kept at one customer
	stops     []int32
}

// label is the beginning of a route.
type label struct {
	cost   int64 // reduced, in 1/fine
	depart int32
	load   int32
	step   int32 // the last of steps
	seen   [(makingUpTo + 63) / 64]uint64
	odd    [2]uint64 // cuts of which an odd number of customers is served
}

type labelStep struct{ customer, before int32 }

type doneRoute struct {
	rest int64
	step int32
}

func newRouteMaker(in *Instance) *routeMaker {
	n := in.N
	return &routeMaker{
		in: in, width: narrow, price: make([]int64, n), cutsOf: make([][2]uint64, n),
		now: make([]label, n*broad), next: make([]label, n*broad),
		starts: make([]int32, n), found: make([]int32, n), uses: make([]int32, n),
	}
}

// load takes over the multipliers the pool last had.
func (m *routeMaker) load(p *routePool) {
	copy(m.price, p.price)
	clear(m.cutsOf)
	m.cost = m.cost[:0]
	if !p.cutsPriced {
		return
	}
	t := p.tight
	for i := range t.m {
		m.price[i+1] = t.whole[i]
	}
	for k, c := range t.cuts[:len(t.whole)-t.m] {
		cost := -t.whole[t.m+k]
		m.cost = append(m.cost, cost)
		if cost == 0 {
			continue
		}
		for _, x := range c {
			m.cutsOf[x][k>>6] |= 1 << (k & 63)
		}
	}
}

// build adds routes of a reduced cost of at most limit to the pool and reports
// how many of them are new.
func (m *routeMaker) build(p *routePool, limit int64) int {
	in := m.in
	m.load(p)
	m.steps, m.done = m.steps[:0], m.done[:0]
	clear(m.starts)
	start := label{depart: in.Ready[0] + in.Service[0], step: -1}
	m.extend(&start, 0)
	for m.turn(limit) && !p.halted() {
		for c := 1; c < in.N; c++ {
			for k := range m.starts[c] {
				m.extend(&m.now[c*broad+int(k)], c)
			}
		}
	}
	slices.SortFunc(m.done, func(a, b doneRoute) int {
		return cmp.Or(cmp.Compare(a.rest, b.rest), cmp.Compare(a.step, b.step))
	})
	clear(m.uses)
	before := len(p.cost)
	for _, d := range m.done {
		if len(p.cost)-before == routesMade {
			break
		}
		m.stops = m.stops[:0]
		crowded := false
		for s := d.step; s >= 0; s = m.steps[s].before {
			c := m.steps[s].customer
			m.stops = append(m.stops, c)
			crowded = crowded || m.uses[c] >= routesOfOne
		}
		if crowded {
			continue
		}
		slices.Reverse(m.stops)
		cost, prev := int32(0), int32(0)
		for _, c := range m.stops {
			m.uses[c]++
			cost += in.Dist[int(prev)*in.N+int(c)]
			prev = c
		}
		p.add(m.stops, cost+in.Dist[int(prev)*in.N])
	}
	return len(p.cost) - before
}

// want adds routes of a reduced cost of at most limit to the pool, by the broad
// beam if the narrow one finds hardly any, and reports how many of them are new.
func (m *routeMaker) want(p *routePool, limit int64) int {
	n := m.build(p, limit)
	if n < hardlyAny {
		m.width = broad
		n += m.build(p, limit)
		m.width = narrow
	}
	return n
}

// extend lets every customer follow a label that ends in from.
func (m *routeMaker) extend(l *label, from int) {
	in := m.in
	row := in.Dist[from*in.N : from*in.N+in.N]
	for c := 1; c < in.N; c++ {
		if l.seen[c>>6]>>(c&63)&1 != 0 || l.load+in.Demand[c] > in.Capacity {
			continue
		}
		t := max(l.depart+row[c], in.Ready[c])
		if t > in.Due[c] || t+in.Service[c]+in.Dist[c*in.N] > in.Due[0] {
			continue
		}
		cost := l.cost + int64(row[c])*fine - m.price[c]
		for w, x := range m.cutsOf[c] {
			for x &= l.odd[w]; x != 0; x &= x - 1 {
				cost += m.cost[w<<6+bits.TrailingZeros64(x)]
			}
		}
		m.offer(l, c, cost, t+in.Service[c])
	}
}

// offer keeps l with c behind it if it is among the best that end in c.
func (m *routeMaker) offer(l *label, c int, cost int64, depart int32) {
	load := l.load + m.in.Demand[c]
	kept := m.next[c*broad : (c+1)*broad]
	n := int(m.found[c])
	if n == m.width && cost >= kept[n-1].cost {
		return
	}
	at := n
	for at > 0 && kept[at-1].cost > cost {
		at--
	}
	for i := range kept[:at] {
		if kept[i].depart <= depart && kept[i].load <= load && (m.width < broad || servesNoMore(&kept[i].seen, &l.seen, c)) {
			return
		}
	}
	// what it makes needless goes
	left := at
	for i := at; i < n; i++ {
		if kept[i].depart < depart || kept[i].load < load || (m.width == broad && !servesNoMore(&l.seen, &kept[i].seen, c)) {
			kept[left] = kept[i]
			left++
		}
	}
	n = min(left, m.width-1)
	copy(kept[at+1:n+1], kept[at:n])
	x := &kept[at]
	*x = *l
	x.cost, x.depart, x.load = cost, depart, load
	x.seen[c>>6] |= 1 << (c & 63)
	x.odd[0] ^= m.cutsOf[c][0]
	x.odd[1] ^= m.cutsOf[c][1]
	m.found[c] = int32(n + 1)
}

// servesNoMore reports whether nobody but c is in a and not in b.
func servesNoMore(a, b *[(makingUpTo + 63) / 64]uint64, c int) bool {
	for w, x := range a {
		x &^= b[w]
		if w == c>>6 {
			x &^= 1 << (c & 63)
		}
		if x != 0 {
			return false
		}
	}
	return true
}

// turn makes the labels just found the ones to extend, notes those that are a
// route worth having, and reports whether there are any.
func (m *routeMaker) turn(limit int64) bool {
	m.now, m.next = m.next, m.now
	m.starts, m.found = m.found, m.starts
	clear(m.found)
	some := false
	for c := 1; c < m.in.N; c++ {
		for k := range m.starts[c] {
			some = true
			l := &m.now[c*broad+int(k)]
			m.steps = append(m.steps, labelStep{int32(c), l.step})
			l.step = int32(len(m.steps) - 1)
			if rest := l.cost + int64(m.in.Dist[c*m.in.N])*fine; rest <= limit {
				m.done = append(m.done, doneRoute{rest, l.step})
			}
		}
	}
	return some
}
