package homecare

import "slices"

// neighbours ranks for each node what may well stand just before it.
func (r *ruin) neighbours(width int) {
	in := r.in
	n := r.n
	r.before = make([][]int32, 2*n)
	for v := range int32(2 * n) {
		p := v / 2
		if v%2 == 1 && !in.double[p] {
			continue
		}
		type scored struct {
			node  int32
			score float64
		}
		var all []scored
		for u := range int32(2 * n) {
			q := u / 2
			if q == p || (u%2 == 1 && !in.double[q]) {
				continue
			}
			shared := false
			for _, w := range in.able[v] {
				shared = shared || in.can[int(w)*2*n+int(u)]
			}
			if !shared {
				continue
			}
			d := in.dist[int(q)*r.stride+int(p)]
			late := max(0, in.from[q]+in.length[u]+d-in.due[p])
			wait := max(0, in.from[p]-d-in.length[u]-in.due[q])
			all = append(all, scored{u, float64(d) + float64(late) + float64(0.2*float64(wait))})
		}
		slices.SortStableFunc(all, func(x, y scored) int {
			switch {
			case x.score < y.score:
				return -1
			case x.score > y.score:
				return 1
			}
			return 0
		})
		for _, s := range all[:min(width, len(all))] {
			r.before[v] = append(r.before[v], s.node)
		}
	}
}

// snapshot holds the sums a refused move restores.
type snapshot struct{ distance, lateSum, lateMax int64 }

func (r *ruin) snap() snapshot { return snapshot{r.distance, r.lateSum, r.lateMax} }

// judge propagates and accepts or reports false, times undone.
func (r *ruin) judge(old snapshot, allowed int64) bool {
	oldCost := old.distance + old.lateSum + old.lateMax
	// Lateness can shrink to nothing at most.
	if r.distance-oldCost <= allowed {
		r.propagate()
		if r.distance+r.lateSum-oldCost <= allowed {
			r.settle()
			if r.cost()-oldCost <= allowed {
				r.log = r.log[:0]
				if r.cost() < r.best.Cost {
					r.keep()
				}
				return true
			}
		}
	}
	clear(r.dirty)
	r.undoTimes()
	r.distance, r.lateSum, r.lateMax, r.stale = old.distance, old.lateSum, old.lateMax, false
	return false
}

// relocate moves one patient: one service to a chosen neighbour, the other
// stays with its worker or goes to another.
func (r *ruin) relocate(allowed int64) {
	in, rng := r.in, r.rng
	n2 := int32(2 * r.n)
	p := int32(rng.Intn(r.n))
	k := int32(0)
	if in.double[p] {
		k = int32(rng.Intn(2))
	}
	v := 2*p + k
	o := 2*p + 1 - k
	var w, u int32
	if rng.Intn(4) == 0 || len(r.before[v]) == 0 {
		// anywhere in an able worker's day, its beginning included
		w = in.able[v][rng.Intn(len(in.able[v]))]
		u = r.behind(w, int32(rng.Intn(r.n+1))-1)
		if u>>1 == p && u < n2 {
			u = r.prev[u]
		}
	} else {
		u = r.before[v][rng.Intn(len(r.before[v]))]
		w = r.worker[u]
		if !in.can[int(w)*int(n2)+int(v)] {
			return
		}
	}
	wo := int32(-1)
	if in.double[p] {
		wo = r.worker[o]
		if wo == w || rng.Intn(4) == 0 {
			wo = in.able[o][rng.Intn(len(in.able[o]))]
			if wo == w {
				return
			}
		}
	}
	if r.prev[v] == u && (wo < 0 || wo == r.worker[o]) {
		return
	}
	// cheap look first: the distance alone must leave hope
	x := r.next[u]
	if x == v {
		x = r.next[v]
	}
	if wo >= 0 && x == o {
		x = r.next[o]
	}
	if !in.double[p] && r.prev[v] != u {
		pv, nv := r.prev[v], r.next[v]
		gain := int64(r.d(pv, v) + r.d(v, nv) - r.d(pv, nv))
		add := int64(r.d(u, v) + r.d(v, x) - r.d(u, x))
		if add-gain-r.lateSum-r.lateMax > allowed {
			return
		}
	}
	// the place in the order: anywhere between u and what follows it
	from, to := int32(-1), int32(r.n)
	at := r.place[p]
	rank := func(q int32) int32 { // place once p is out
		r := r.place[q>>1]
		if r > at {
			r--
		}
		return r
	}
	if u < n2 {
		from = rank(u)
	}
	if x < n2 {
		to = rank(x)
	} else {
		to = int32(r.n - 1)
	}
	// p may take places from+1..to
	target := from + 1
	if in.double[p] {
		target += int32(rng.Intn(int(to - from)))
	} else if at > from && at <= to {
		target = at
	} else if at > to {
		target = to
	}
	r.moveTo(p, target, v, w, o, wo, u, allowed)
}

// moveTo puts patient p at a place in the order, v with worker w and, if there
// is one, o with worker wo, and judges.
func (r *ruin) moveTo(p, target, v, w, o, wo, u int32, allowed int64) {
	old := r.snap()
	oldPlace := r.place[p]
	pv, wv := r.prev[v], r.worker[v]
	po, wOld := int32(0), int32(0)
	// links first without marks: cutting out touches successors, whose places
	// are right only after the shift
	xv := r.next[v]
	r.unlink(v)
	var xo int32
	if wo >= 0 {
		po, wOld = r.prev[o], r.worker[o]
		xo = r.next[o]
		r.unlink(o)
	}
	r.shift(p, target)
	r.touch(xv)
	if wo >= 0 {
		r.touch(xo)
	}
	r.putIn(v, u, w)
	if wo >= 0 {
		r.putIn(o, r.behind(wo, target), wo)
	}
	if r.judge(old, allowed) {
		return
	}
	r.unlinkQuiet(v)
	if wo >= 0 {
		r.unlinkQuiet(o)
	}
	r.shift(p, oldPlace)
	if wo >= 0 {
		r.linkQuiet(o, po, wOld)
	}
	r.linkQuiet(v, pv, wv)
}

// behind finds the node of worker w's route after which a patient at the given
// place in the order stands.
func (r *ruin) behind(w, place int32) int32 {
	end := int32(2*r.n) + w
	v := r.prev[end]
	for v != end && r.place[v>>1] > place {
		v = r.prev[v]
	}
	return v
}

func (r *ruin) unlink(v int32) {
	p, x := r.prev[v], r.next[v]
	r.next[p], r.prev[x] = x, p
	r.distance += int64(r.d(p, x) - r.d(p, v) - r.d(v, x))
}

func (r *ruin) unlinkQuiet(v int32) {
	p, x := r.prev[v], r.next[v]
	r.next[p], r.prev[x] = x, p
}

func (r *ruin) linkQuiet(v, p, w int32) {
	x := r.next[p]
	r.next[p], r.prev[v], r.next[v], r.prev[x] = v, p, x, v
	r.worker[v] = w
}

// swap lets two nodes of different workers change places.
func (r *ruin) swap(allowed int64) {
	in, rng := r.in, r.rng
	n2 := int32(2 * r.n)
	p := int32(rng.Intn(r.n))
	if in.double[p] {
		return
	}
	v := 2 * p
	if len(r.before[v]) == 0 {
		return
	}
	u := r.before[v][rng.Intn(len(r.before[v]))]
	// the node after u gives way to v, and goes where v was
	y := r.next[u]
	if y >= n2 || y == v || in.double[y>>1] {
		return
	}
	wv, wy := r.worker[v], r.worker[y]
	if wv == wy || !in.can[int(wy)*int(n2)+int(v)] || !in.can[int(wv)*int(n2)+int(y)] {
		return
	}
	old := r.snap()
	q := y >> 1
	pv, py := r.prev[v], r.prev[y]
	xv, xy := r.next[v], r.next[y]
	delta := int64(r.d(pv, y) + r.d(y, xv) - r.d(pv, v) - r.d(v, xv) + r.d(py, v) + r.d(v, xy) - r.d(py, y) - r.d(y, xy))
	if delta-r.lateSum-r.lateMax > allowed {
		return
	}
	atP, atQ := r.place[p], r.place[q]
	r.order[atP], r.order[atQ] = q, p
	r.place[p], r.place[q] = atQ, atP
	r.replace(pv, xv, y)
	r.replace(py, xy, v)
	r.worker[v], r.worker[y] = wy, wv
	r.distance += delta
	r.touch(v)
	r.touch(y)
	r.touch(xv)
	r.touch(xy)
	if r.judge(old, allowed) {
		return
	}
	r.order[atP], r.order[atQ] = p, q
	r.place[p], r.place[q] = atP, atQ
	r.replace(pv, xv, v)
	r.replace(py, xy, y)
	r.worker[v], r.worker[y] = wv, wy
}

// replace puts b between p and x, where another stood.
func (r *ruin) replace(p, x, b int32) {
	r.next[p], r.prev[b], r.next[b], r.prev[x] = b, p, x, b
}

// tails exchanges what two workers do after a patient of one of them.
func (r *ruin) tails(allowed int64) {
	in, rng := r.in, r.rng
	n2 := int32(2 * r.n)
	v := int32(rng.Intn(int(n2)))
	if v&1 == 1 && !in.double[v>>1] {
		return
	}
	if len(r.before[v]) == 0 {
		return
	}
	// v is to follow u: u's worker takes v and its rest
	u := r.before[v][rng.Intn(len(r.before[v]))]
	wu, wv := r.worker[u], r.worker[v]
	if wu == wv || r.place[u>>1] >= r.place[v>>1] {
		return
	}
	pv, xu := r.prev[v], r.next[u]
	if pv < n2 && xu < n2 && r.place[pv>>1] >= r.place[xu>>1] {
		return
	}
	delta := int64(r.d(u, v) + r.d(pv, xu) - r.d(u, xu) - r.d(pv, v))
	if delta-r.lateSum-r.lateMax > allowed {
		return
	}
	for c := v; c < n2; c = r.next[c] {
		if !in.can[int(wu)*int(n2)+int(c)] {
			return
		}
		// the patient's other service must not be with the new worker and stay there
		if in.double[c>>1] && r.worker[c^1] == wu && r.place[c>>1] <= r.place[u>>1] {
			return
		}
	}
	for c := xu; c < n2; c = r.next[c] {
		if !in.can[int(wv)*int(n2)+int(c)] {
			return
		}
		if in.double[c>>1] && r.worker[c^1] == wv && r.place[c>>1] < r.place[v>>1] {
			return
		}
	}
	old := r.snap()
	r.crossTails(u, xu, pv, v, wu, wv)
	r.distance += delta
	r.touch(v)
	r.touch(xu)
	if r.judge(old, allowed) {
		return
	}
	r.crossTails(u, v, pv, xu, wu, wv)
}

// crossTails changes u→a1 (worker wu) and p→b1 (worker wv) into u→b1 and p→a1.
func (r *ruin) crossTails(u, a1, p, b1, wu, wv int32) {
	n2 := int32(2 * r.n)
	eu, ev := n2+wu, n2+wv
	lastU, lastV := r.prev[eu], r.prev[ev]
	for c := a1; c < n2; c = r.next[c] {
		r.worker[c] = wv
	}
	for c := b1; c < n2; c = r.next[c] {
		r.worker[c] = wu
	}
	if b1 < n2 {
		r.next[u], r.prev[b1] = b1, u
		r.next[lastV], r.prev[eu] = eu, lastV
	} else {
		r.next[u], r.prev[eu] = eu, u
	}
	if a1 < n2 {
		r.next[p], r.prev[a1] = a1, p
		r.next[lastU], r.prev[ev] = ev, lastU
	} else {
		r.next[p], r.prev[ev] = ev, p
	}
}
