package vrptw

import "slices"

const (
	mostColumns = 5000 // beyond, the dearer half goes
	mostActive  = 1000 // columns that pivots look at
)

// join makes a route of the pool a column.
func (t *tightening) join(p *routePool, route int32) {
	i := len(t.routes)
	t.routes = append(t.routes, route)
	for range p.words {
		t.sets = append(t.sets, 0)
	}
	set := t.set(p, int32(i))
	for _, c := range p.of(route) {
		set[c>>6] |= 1 << (c & 63)
		t.entries = append(t.entries, c-1)
	}
	t.first = append(t.first, int32(len(t.entries)))
	var in [2]uint64
	for k, c := range t.cuts {
		if c.within(set) {
			in[k>>6] |= 1 << (k & 63)
		}
	}
	t.cutsOf = append(t.cutsOf, in)
	t.rest, t.alpha, t.fits = append(t.rest, 0), append(t.alpha, 0), append(t.fits, 0)
	t.live = append(t.live, int32(i))
}

// single reports whether a column is the route of one customer alone.
func (t *tightening) single(i int32) bool { return int(t.routes[i]) < t.m }

// set is the set of customers of a column.
func (t *tightening) set(p *routePool, i int32) []uint64 {
	return t.sets[int(i)*p.words : int(i+1)*p.words]
}

// refresh works out the multipliers and the reduced costs from the basis.
func (t *tightening) refresh(p *routePool) {
	clear(t.price[:t.rows])
	for i, b := range t.basis[:t.rows] {
		if b < 0 {
			continue
		}
		cost := float64(p.cost[t.routes[b]])
		for k, x := range t.inverse[i*t.wide : i*t.wide+t.rows] {
			t.price[k] += float64(cost * x)
		}
	}
	for _, i := range t.live {
		t.rest[i] = float64(p.cost[t.routes[i]]) - t.weigh(t.price, i)
	}
}

// joinNew makes columns of what the pool has learnt since.
func (t *tightening) joinNew(p *routePool) {
	for route := t.known; route < len(p.cost); route++ {
		t.join(p, int32(route))
	}
	t.known = len(p.cost)
	t.refresh(p)
	t.activate()
}

// dearer is the reduced cost that all but so many columns have at least.
func (t *tightening) dearer(than int) float64 {
	t.sorted = append(t.sorted[:0], t.rest...)
	slices.Sort(t.sorted)
	return t.sorted[min(than, len(t.sorted)-1)]
}

// activate has pivots look at the cheapest columns, the basic ones and the
// singles, without which there might be no answer.
func (t *tightening) activate() {
	t.active = t.active[:0]
	if len(t.live) <= mostActive {
		t.active = append(t.active, t.live...)
		return
	}
	limit := t.dearer(mostActive)
	for _, i := range t.live {
		if t.rest[i] < limit || t.single(i) {
			t.active = append(t.active, i)
		}
	}
	for _, b := range t.basis[:t.rows] {
		if b >= 0 && t.rest[b] >= limit && !t.single(b) {
			t.active = append(t.active, b)
		}
	}
}

// shed forgets all columns but the cheapest, the basic ones and the singles.
func (t *tightening) shed(p *routePool, cheapest int) {
	limit := t.dearer(cheapest)
	basic := make(map[int32]int32, t.rows) // column to row
	for r, b := range t.basis[:t.rows] {
		if b >= 0 {
			basic[b] = int32(r)
		}
	}
	n, end := int32(0), int32(0)
	for i := range int32(len(t.routes)) {
		begin := end
		end = t.first[i+1]
		row, is := basic[i]
		if !is && !t.single(i) && t.rest[i] >= limit {
			continue
		}
		if is {
			t.basis[row] = n
		}
		copy(t.entries[t.first[n]:], t.entries[begin:end])
		t.first[n+1] = t.first[n] + end - begin
		copy(t.set(p, n), t.set(p, i))
		t.routes[n], t.cutsOf[n], t.rest[n], t.fits[n] = t.routes[i], t.cutsOf[i], t.rest[i], t.fits[i]
		n++
	}
	t.entries, t.first, t.sets = t.entries[:t.first[n]], t.first[:n+1], t.sets[:int(n)*p.words]
	t.routes, t.cutsOf, t.live = t.routes[:n], t.cutsOf[:n], t.live[:0]
	t.rest, t.alpha, t.fits = t.rest[:n], t.alpha[:n], t.fits[:n]
	for i := range n {
		t.live = append(t.live, i)
	}
	t.activate()
}
