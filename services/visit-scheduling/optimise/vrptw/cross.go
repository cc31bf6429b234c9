package vrptw

// cross is a selective route exchange (Nagata and Bräysy 2010): the child takes
// over parent a's routes but for some neighbouring ones, which it takes from b
// instead. Customers then doubled lose one of their places; those missing are
// put back at the cheapest place. The child ends up loaded in the local search.
func (g *genetic) cross(a, b *individual) {
	in, rng := g.in, g.rng
	n := in.N
	for i, r := range a.routes {
		for _, c := range r {
			g.ofA[c] = int32(i)
		}
	}
	for i, r := range b.routes {
		for _, c := range r {
			g.ofB[c] = int32(i)
		}
	}
	most := min(len(a.routes), len(b.routes))
	k := 1
	if most > 1 {
		k = 1 + rng.Intn(most-1)
	}
	// the k routes of a nearest to a random customer
	clear(g.inA)
	clear(g.inB)
	seed := int32(1 + rng.Intn(n-1))
	left := k
	row := g.ruin.near[int(seed)*(n-1) : int(seed+1)*(n-1)]
	for _, c := range row {
		if r := g.ofA[c]; !g.inA[r] {
			g.inA[r] = true
			if left--; left == 0 {
				break
			}
		}
	}
	// the k routes of b that share the most with them
	share := g.count[:len(b.routes)]
	for i, r := range b.routes {
		share[i] = 0
		for _, c := range r {
			if g.inA[g.ofA[c]] {
				share[i]++
			} else {
				share[i]--
			}
		}
	}
	for range k {
		best := -1
		for i := range share {
			if !g.inB[i] && (best < 0 || share[i] > share[best]) {
				best = i
			}
		}
		g.inB[best] = true
	}
	keepB := rng.Next()&1 == 0 // which side gives way where both have a customer
	out := g.child[:0]
	emit := func() *[]int32 {
		if len(out) < cap(out) {
			out = out[:len(out)+1]
			out[len(out)-1] = out[len(out)-1][:0]
		} else {
			out = append(out, nil)
		}
		return &out[len(out)-1]
	}
	for c := range g.seen {
		g.seen[c] = false
	}
	for i, r := range a.routes {
		if g.inA[i] {
			continue
		}
		x := emit()
		for _, c := range r {
			if keepB && g.inB[g.ofB[c]] {
				continue
			}
			*x = append(*x, c)
			g.seen[c] = true
		}
	}
	for i, r := range b.routes {
		if !g.inB[i] {
			continue
		}
		x := emit()
		for _, c := range r {
			if g.seen[c] {
				continue
			}
			*x = append(*x, c)
			g.seen[c] = true
		}
	}
	g.child = out
	missing := g.missing[:0]
	for c := int32(1); c < int32(n); c++ {
		if !g.seen[c] {
			missing = append(missing, c)
		}
	}
	rng.Shuffle(missing)
	g.missing = missing
	l := g.local
	l.set(out)
	for _, c := range missing {
		l.insertCheapest(c)
	}
	for i := range l.routes {
		l.routes[i].changed = 0
	}
	l.moves = 0
}

// insertCheapest puts a customer that is in no route at the place of least
// penalised cost.
func (l *local) insertCheapest(c int32) {
	n := int32(l.in.N)
	q := l.nodes[c].demand
	var best int64 = 1 << 62
	at := int32(-1)
	for r := range l.routes {
		rs := &l.routes[r]
		end := n + int32(r)
		over := l.price(0, rs.load+q) - l.price(0, rs.load)
		for v := end; ; {
			y := l.nodes[v].next
			delta := int64(l.d(v, c)+l.d(c, y)-l.d(v, y)) + over
			if delta < best {
				t := l.step(l.from(v), c)
				delta += int64(l.finish(t, y)-rs.warp) * l.warpCost
				if delta < best {
					best, at = delta, v
				}
			}
			v = y
			if v == end {
				break
			}
		}
		if rs.size == 0 {
			break
		}
	}
	y := l.nodes[at].next
	l.link(at, c)
	l.link(c, y)
	l.refresh(l.nodes[at].route)
}
