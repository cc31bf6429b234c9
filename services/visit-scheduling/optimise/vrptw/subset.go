package vrptw

import (
	"cmp"
	"slices"
)

// Subset-row cuts (Jepsen, Petersen, Spoorendonk, Pisinger, Operations Research
// 56, 2008): of the routes that serve two or three of any three customers, an
// answer can have one at most, while a linear relaxation takes three halves.
// They close most of the gap between the relaxation and the best answer, so that
// few routes still fit between the two.
const (
	mostCuts    = 128 // at once, in two words of a route's signature
	cutsARound  = 30
	cutsOfOne   = 5 // of these, with one and the same customer
	leastBroken = 0.05
)

type cut [3]int32

// within reports whether a set of customers has two or three of the cut's.
func (c cut) within(set []uint64) bool {
	n := 0
	for _, x := range c {
		n += int(set[x>>6] >> (x & 63) & 1)
	}
	return n >= 2
}

type brokenCut struct {
	cut
	by float64
}

// separate finds the cuts the present answer breaks most.
func (t *tightening) separate(p *routePool) []brokenCut {
	clear(t.pair)
	for i := range t.beside {
		t.beside[i] = t.beside[i][:0]
	}
	for i, v := range t.value[:t.rows] {
		if t.basis[i] < 0 || v < 0.01 || v > 0.99 {
			continue
		}
		stops := p.of(t.routes[t.basis[i]])
		for j, c := range stops {
			for _, d := range stops[:j] {
				a, b := min(c, d)-1, max(c, d)-1
				at := &t.pair[int(a)*t.m+int(b)]
				if *at == 0 {
					t.beside[a] = append(t.beside[a], b)
				}
				*at += v
			}
		}
	}
	t.broken = t.broken[:0]
	for i := range t.m {
		for _, j := range t.beside[i] {
			both := t.pair[i*t.m+int(j)]
			for _, k := range t.beside[j] {
				third := t.pair[i*t.m+int(k)]
				if third == 0 || both+third+t.pair[int(j)*t.m+int(k)] < 1+leastBroken {
					continue
				}
				c := cut{int32(i + 1), j + 1, k + 1}
				if by := t.served(p, c) - 1; by > leastBroken {
					t.broken = append(t.broken, brokenCut{c, by})
				}
			}
		}
	}
	slices.SortFunc(t.broken, func(a, b brokenCut) int {
		return cmp.Or(cmp.Compare(b.by, a.by), slices.Compare(a.cut[:], b.cut[:]))
	})
	clear(t.uses)
	some := t.broken[:0]
	for _, b := range t.broken {
		if len(some) == cutsARound {
			break
		}
		if t.uses[b.cut[0]-1] >= cutsOfOne || t.uses[b.cut[1]-1] >= cutsOfOne || t.uses[b.cut[2]-1] >= cutsOfOne {
			continue
		}
		for _, c := range b.cut {
			t.uses[c-1]++
		}
		some = append(some, b)
	}
	return some
}

// served is how much of the present answer serves two or three of a cut's
// customers.
func (t *tightening) served(p *routePool, c cut) float64 {
	sum := 0.0
	for i, v := range t.value[:t.rows] {
		if t.basis[i] < 0 {
			continue
		}
		if c.within(t.set(p, t.basis[i])) {
			sum += v
		}
	}
	return sum
}
