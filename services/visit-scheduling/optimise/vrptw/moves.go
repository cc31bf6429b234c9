package vrptw

// run improves until no move of the neighbourhood does.
func (l *local) run() {
	l.rng.Shuffle(l.order)
	for improved := true; improved; {
		improved = false
		for _, u := range l.order {
			last := l.tested[u]
			l.tested[u] = l.moves
			for _, v := range l.near[u] {
				if max(l.routes[l.nodes[u].route].changed, l.routes[l.nodes[v].route].changed) <= last {
					continue
				}
				if l.after(v, u) || l.before(u, v) {
					improved = true
				}
			}
			// to the head of a route, used or not
			empty := false
			for r := range l.routes {
				end := int32(l.in.N + r)
				if l.routes[r].size == 0 {
					if empty {
						continue
					}
					empty = true
					if last >= 0 && l.routes[l.nodes[u].route].changed <= last {
						continue
					}
				} else if max(l.routes[l.nodes[u].route].changed, l.routes[r].changed) <= last {
					continue
				}
				if l.nodes[end].next != u && l.after(end, u) {
					improved = true
				}
				if l.nodes[end].prev != u && l.before(u, end) {
					improved = true
				}
			}
		}
	}
}

// after tries the moves that make u the successor of v: the string of up to
// three from u on moves behind v, the up to two behind v take its place; or
// the tails change sides. v may be a route's end.
func (l *local) after(v, u int32) bool {
	N := l.nodes
	if N[v].next == u {
		return false
	}
	ru, rv := N[u].route, N[v].route
	same := ru == rv
	n := int32(l.in.N)
	p := N[u].prev
	y := N[v].next
	dVU := l.d(v, u)
	dPU := l.d(p, u)
	dVY := l.d(v, y)
	base := dVU - dPU - dVY
	penalty := l.routes[ru].penalty
	if !same {
		penalty += l.routes[rv].penalty
		// tails: v→u…, p→y…
		if v < n || p < n {
			if delta := int64(base + l.d(p, y)); delta < penalty {
				loadV, loadU := N[v].loadBefore, N[p].loadBefore
				if v >= n {
					loadV = 0
				}
				if p >= n {
					loadU = 0
				}
				newV := loadV + l.routes[ru].load - loadU
				newU := loadU + l.routes[rv].load - loadV
				delta += l.price(l.finish(l.from(v), u), newV) + l.price(l.finish(l.from(p), y), newU) - penalty
				if delta < 0 {
					l.exchangeTails(v, u, p, y)
					return true
				}
			}
		}
	}
	last := u
	for k := 1; ; k++ {
		// string u..last moves behind v
		if last == v {
			return false
		}
		x := N[last].next
		dLX := l.d(last, x)
		// no exchange
		if delta := int64(base + l.d(p, x) - dLX + l.d(last, y)); delta < penalty {
			if l.tryMove(u, last, v, y, p, x, delta, penalty, same) {
				return true
			}
		}
		if k > 1 {
			delta := int64(l.d(v, last) - dPU - dVY + l.d(p, x) - dLX + l.d(u, y))
			if delta += l.reversalChange(u, last); delta < penalty {
				if l.tryMoveReversed(u, last, v, y, p, x, delta, penalty, same) {
					return true
				}
			}
		}
		// exchange with one or two behind v
		e := y
		for m := 1; m <= 2 && m <= k+1; m++ {
			if e >= n || e == u || (same && e == p) {
				break
			}
			z := N[e].next
			delta := int64(base - dLX + l.d(last, z) - l.d(e, z) + l.d(p, y) + l.d(e, x))
			if delta < penalty && !(same && z == u) {
				if l.tryExchange(u, last, y, e, delta, penalty, same) {
					return true
				}
			}
			e = z
		}
		if k == 3 || x >= n {
			return false
		}
		last = x
	}
}

// before tries the moves that make u the predecessor of v: the string of up to
// three that ends in u moves before v, the up to two before v take its place.
func (l *local) before(u, v int32) bool {
	N := l.nodes
	if N[u].next == v {
		return false
	}
	ru, rv := N[u].route, N[v].route
	same := ru == rv
	n := int32(l.in.N)
	x := N[u].next
	w := N[v].prev
	base := l.d(u, v) - l.d(u, x) - l.d(w, v)
	penalty := l.routes[ru].penalty
	if !same {
		penalty += l.routes[rv].penalty
	}
	first := u
	for k := 1; ; k++ {
		if first == v {
			return false
		}
		p := N[first].prev
		dPF := l.d(p, first)
		if delta := int64(base + l.d(p, x) - dPF + l.d(w, first)); delta < penalty {
			if l.tryMove(first, u, w, v, p, x, delta, penalty, same) {
				return true
			}
		}
		s := w
		for m := 1; m <= 2 && m <= k+1; m++ {
			if s >= n || s == u || (same && s == x) {
				break
			}
			q := N[s].prev
			delta := int64(base - dPF + l.d(q, first) - l.d(q, s) + l.d(p, s) + l.d(w, x))
			if delta < penalty && !(same && q == u) {
				if l.tryExchange(first, u, s, w, delta, penalty, same) {
					return true
				}
			}
			s = q
		}
		if k == 3 || p >= n {
			return false
		}
		first = p
	}
}

// demand is the load of the string first..last of one route.
func (l *local) demand(first, last int32) int32 {
	return l.nodes[last].loadBefore - l.nodes[first].loadBefore + l.nodes[first].demand
}

// tryMove moves first..last (between p and x) to between v and y if that pays.
func (l *local) tryMove(first, last, v, y, p, x int32, delta, penalty int64, same bool) bool {
	if same {
		var warp int32
		if l.nodes[first].pos > l.nodes[v].pos { // backwards
			t := l.walk(l.from(v), first, last)
			t = l.walk(t, y, p)
			warp = l.finish(t, x)
		} else {
			t := l.walk(l.from(p), x, v)
			t = l.walk(t, first, last)
			warp = l.finish(t, y)
		}
		if delta+l.price(warp, l.routes[l.nodes[v].route].load)-penalty >= 0 {
			return false
		}
	} else {
		ru, rv := l.nodes[first].route, l.nodes[v].route
		q := l.demand(first, last)
		delta += l.price(l.finish(l.from(p), x), l.routes[ru].load-q) - penalty
		if delta >= 0 {
			return false
		}
		t := l.walk(l.from(v), first, last)
		if delta+l.price(l.finish(t, y), l.routes[rv].load+q) >= 0 {
			return false
		}
	}
	l.link(p, x)
	l.link(v, first)
	l.link(last, y)
	l.done(first, v)
	return true
}

func (l *local) reversalChange(first, last int32) int64 {
	var d int32
	for c := first; c != last; {
		x := l.nodes[c].next
		d += l.d(x, c) - l.d(c, x)
		c = x
	}
	return int64(d)
}

// tryMoveReversed is tryMove with the string turned round.
func (l *local) tryMoveReversed(first, last, v, y, p, x int32, delta, penalty int64, same bool) bool {
	if same {
		var warp int32
		if l.nodes[first].pos > l.nodes[v].pos {
			t := l.walkBack(l.from(v), last, first)
			t = l.walk(t, y, p)
			warp = l.finish(t, x)
		} else {
			t := l.walk(l.from(p), x, v)
			t = l.walkBack(t, last, first)
			warp = l.finish(t, y)
		}
		if delta+l.price(warp, l.routes[l.nodes[v].route].load)-penalty >= 0 {
			return false
		}
	} else {
		ru, rv := l.nodes[first].route, l.nodes[v].route
		q := l.demand(first, last)
		delta += l.price(l.finish(l.from(p), x), l.routes[ru].load-q) - penalty
		if delta >= 0 {
			return false
		}
		t := l.walkBack(l.from(v), last, first)
		if delta+l.price(l.finish(t, y), l.routes[rv].load+q) >= 0 {
			return false
		}
	}
	l.link(p, x)
	at := v
	for c := last; ; {
		w := l.nodes[c].prev
		l.link(at, c)
		at = c
		if c == first {
			break
		}
		c = w
	}
	l.link(at, y)
	l.done(first, v)
	return true
}

// tryExchange swaps the strings a1..a2 and b1..b2, not adjacent, if that pays.
func (l *local) tryExchange(a1, a2, b1, b2 int32, delta, penalty int64, same bool) bool {
	N := l.nodes
	if same && N[a1].pos > N[b1].pos {
		a1, a2, b1, b2 = b1, b2, a1, a2
	}
	ap, ax, bp, bx := N[a1].prev, N[a2].next, N[b1].prev, N[b2].next
	if same {
		if N[a2].pos+1 >= N[b1].pos {
			return false
		}
		t := l.walk(l.from(ap), b1, b2)
		t = l.walk(t, ax, bp)
		t = l.walk(t, a1, a2)
		if delta+l.price(l.finish(t, bx), l.routes[N[a1].route].load)-penalty >= 0 {
			return false
		}
	} else {
		ra, rb := N[a1].route, N[b1].route
		qa, qb := l.demand(a1, a2), l.demand(b1, b2)
		t := l.walk(l.from(ap), b1, b2)
		delta += l.price(l.finish(t, ax), l.routes[ra].load-qa+qb) - penalty
		if delta >= 0 {
			return false
		}
		t = l.walk(l.from(bp), a1, a2)
		if delta+l.price(l.finish(t, bx), l.routes[rb].load-qb+qa) >= 0 {
			return false
		}
	}
	l.link(ap, b1)
	l.link(b2, ax)
	l.link(bp, a1)
	l.link(a2, bx)
	l.done(a1, b1)
	return true
}

func (l *local) link(a, b int32) {
	l.nodes[a].next = b
	l.nodes[b].prev = a
}

// done records a move between the routes of a and b as they were before it.
func (l *local) done(a, b int32) {
	ra, rb := l.nodes[a].route, l.nodes[b].route
	l.moves++
	l.refresh(ra)
	l.routes[ra].changed = l.moves
	if rb != ra {
		l.refresh(rb)
		l.routes[rb].changed = l.moves
	}
}

// exchangeTails joins v to u and p to y, where u follows p and y follows v in
// different routes.
func (l *local) exchangeTails(v, u, p, y int32) {
	N := l.nodes
	n := int32(l.in.N)
	ru, rv := N[u].route, N[v].route
	endU, endV := n+ru, n+rv
	lastU, lastV := N[endU].prev, N[endV].prev
	// u is never an end; y may be
	l.link(v, u)
	l.link(lastU, endV)
	if y == endV {
		l.link(p, endU)
	} else {
		l.link(p, y)
		l.link(lastV, endU)
	}
	l.moves++
	l.refresh(ru)
	l.refresh(rv)
	l.routes[ru].changed, l.routes[rv].changed = l.moves, l.moves
}
