package vrptw

import (
	"math"
	"slices"
)

const (
	smallest   = 20 // survivors of a cull
	generation = 30 // newcomers before the next cull
	elite      = 4
	closest    = 5 // neighbours that make up an individual's diversity
)

// individual is one answer in the population, feasible or not.
type individual struct {
	routes   [][]int32
	succ     []int32
	dist     int64
	warp     int64
	overload int64
	near     []kin // others in the same pool, nearest first
	rank     float64
}

type kin struct {
	other *individual
	apart float64
}

func (x *individual) penalised(warpCost, loadCost int64) int64 {
	return x.dist + x.warp*warpCost + x.overload*loadCost
}

// apart is the share of customers whose successor differs.
func (x *individual) apart(y *individual) float64 {
	differ := 0
	for i, s := range x.succ {
		if s != y.succ[i] {
			differ++
		}
	}
	return float64(differ) / float64(len(x.succ))
}

func (x *individual) diversity() float64 {
	k := min(closest, len(x.near))
	if k == 0 {
		return 1
	}
	sum := 0.0
	for _, n := range x.near[:k] {
		sum += n.apart
	}
	return sum / float64(k)
}

// pool holds individuals of one kind sorted by cost.
type pool struct{ all []*individual }

func (p *pool) add(x *individual, cost func(*individual) int64) {
	x.near = x.near[:0]
	for _, o := range p.all {
		a := x.apart(o)
		insertKin(x, kin{o, a})
		insertKin(o, kin{x, a})
	}
	c := cost(x)
	at, _ := slices.BinarySearchFunc(p.all, c, func(o *individual, c int64) int {
		if cost(o) <= c {
			return -1
		}
		return 1
	})
	p.all = slices.Insert(p.all, at, x)
}

func insertKin(x *individual, k kin) {
	at := len(x.near)
	for at > 0 && x.near[at-1].apart > k.apart {
		at--
	}
	x.near = slices.Insert(x.near, at, k)
}

func (p *pool) remove(i int) {
	x := p.all[i]
	p.all = slices.Delete(p.all, i, i+1)
	for _, o := range p.all {
		o.near = slices.DeleteFunc(o.near, func(k kin) bool { return k.other == x })
	}
}

// score ranks by cost and by what an individual adds to the diversity (Vidal 2012).
func (p *pool) score() {
	n := len(p.all)
	if n < 2 {
		for _, x := range p.all {
			x.rank = 0
		}
		return
	}
	byDiversity := make([]int, n)
	div := make([]float64, n)
	for i, x := range p.all {
		byDiversity[i] = i
		div[i] = -x.diversity()
	}
	slices.SortStableFunc(byDiversity, func(a, b int) int {
		switch {
		case div[a] < div[b]:
			return -1
		case div[a] > div[b]:
			return 1
		}
		return 0
	})
	weight := 1 - math.Min(float64(elite)/float64(n), 1)
	for r, i := range byDiversity {
		p.all[i].rank = float64(i)/float64(n-1) + weight*float64(r)/float64(n-1)
	}
}

func (p *pool) cull(to int) {
	for len(p.all) > to {
		p.score()
		worst, clone := -1, false
		for i := 1; i < len(p.all); i++ {
			x := p.all[i]
			same := len(x.near) > 0 && x.near[0].apart < 1e-9
			if worst < 0 || (same && !clone) || (same == clone && x.rank > p.all[worst].rank) {
				worst, clone = i, same
			}
		}
		p.remove(worst)
	}
	p.score()
}
