package vrptw

import "github.com/hearthfps/hearth/services/visit-scheduling/optimise/chance"

import "slices"

const (
	// Children without a better best before a lineage ends. Some valleys are left
	// only by the patient, others only by starting anew, so the two take turns.
	patience     = 300
	longPatience = 900
	linesToMerge = 3
	archived     = 5
	// Children a customer between two recombinations: few while those find
	// something, more after each that does not; fewer at most while there still
	// are routes to be made.
	recombineSoon   = 2
	recombineDelay  = 1
	recombineLate   = 8
	recombineMaking = 4
	polishWithin    = 1015 // per mille of the lineage's best
	polishSteps     = 512
	polishHot       = 7.0
	polishCold      = 1.0
)

// genetic is the hybrid search: a population of feasible and infeasible answers,
// route-exchange crossover, local search on each child, and ruin-and-recreate
// on the promising ones.
type genetic struct {
	in       *Instance
	rng      *chance.Source
	local    *local
	ruin     *ruin
	good     pool
	bad      pool
	best     *Solution
	warpCost int64
	loadCost int64
	okWarp   int
	okLoad   int
	tries    int
	ofA, ofB []int32
	inA, inB []bool
	count    []int32
	seen     []bool
	missing  []int32
	child    [][]int32
	free     []*individual
	archive  [][][]int32
	pool     *routePool
	maker    *routeMaker
	wait     int64 // children between two recombinations
	due      int64 // child at which the next one is
	halted   bool
	children int64
	better   func(cost int64) // may be nil
}

func newGenetic(in *Instance, rng *chance.Source) *genetic {
	n := in.N
	g := &genetic{in: in, rng: rng, local: newLocal(in, rng, 25), ruin: newRuin(in, rng)}
	g.ofA, g.ofB = make([]int32, n), make([]int32, n)
	g.inA, g.inB = make([]bool, n), make([]bool, n)
	g.count = make([]int32, n)
	g.seen = make([]bool, n)
	g.missing = make([]int32, 0, n)
	g.warpCost, g.loadCost = 2, 20
	g.wait = int64(recombineSoon * n)
	g.due = g.wait
	g.pool = newRoutePool(in)
	if n <= makingUpTo {
		g.maker = newRouteMaker(in)
	}
	g.ruin.pool = g.pool
	return g
}

func (g *genetic) cost(x *individual) int64 { return x.penalised(g.warpCost, g.loadCost) }

// capture takes the answer out of the local search.
func (g *genetic) capture() *individual {
	var x *individual
	if k := len(g.free); k > 0 {
		x, g.free = g.free[k-1], g.free[:k-1]
	} else {
		x = &individual{succ: make([]int32, g.in.N)}
	}
	x.routes = g.local.export(x.routes)
	x.dist, x.warp, x.overload = g.in.cost(x.routes), 0, 0
	k := 0
	for i := range g.local.routes {
		rt := &g.local.routes[i]
		if rt.size > 0 {
			if rt.warp == 0 && rt.load <= g.in.Capacity {
				g.pool.add(x.routes[k], int32(g.in.cost(x.routes[k:k+1])))
			}
			k++
		}
		x.warp += int64(g.local.routes[i].warp)
		x.overload += int64(max(0, g.local.routes[i].load-g.in.Capacity))
	}
	g.fillSucc(x)
	return x
}

func (g *genetic) fillSucc(x *individual) {
	x.succ[0] = 0
	for _, r := range x.routes {
		for i, c := range r {
			if i+1 < len(r) {
				x.succ[c] = r[i+1]
			} else {
				x.succ[c] = 0
			}
		}
	}
}

func (g *genetic) improve() *individual {
	g.local.setPenalties(g.warpCost, g.loadCost)
	for i := range g.local.routes {
		g.local.refresh(int32(i))
	}
	g.local.run()
	x := g.capture()
	g.tries++
	if x.warp == 0 {
		g.okWarp++
	}
	if x.overload == 0 {
		g.okLoad++
	}
	if g.tries == 50 {
		g.adapt()
	}
	return x
}

func (g *genetic) adapt() {
	nudge := func(p int64, ok int) int64 {
		switch {
		case ok < 20:
			return min(p+p/4+1, 1000)
		case ok > 25:
			return max(p-p/6-1, 1)
		}
		return p
	}
	g.warpCost = nudge(g.warpCost, g.okWarp)
	g.loadCost = nudge(g.loadCost, g.okLoad)
	g.okWarp, g.okLoad, g.tries = 0, 0, 0
	slices.SortStableFunc(g.bad.all, func(a, b *individual) int {
		return int(max(-1, min(1, g.cost(a)-g.cost(b))))
	})
}

func (g *genetic) store(x *individual) {
	p := &g.bad
	if x.warp == 0 && x.overload == 0 {
		p = &g.good
		if g.best == nil || x.dist < g.best.Cost {
			g.found(&Solution{Cost: x.dist, Routes: cloneRoutes(x.routes)})
		}
	}
	p.add(x, g.cost)
	if len(p.all) > smallest+generation {
		p.cull(smallest)
	}
}

// found makes an answer the best.
func (g *genetic) found(s *Solution) {
	g.best = s
	if g.better != nil {
		g.better(s.Cost)
	}
}

func (g *genetic) repair(x *individual) {
	g.local.setPenalties(g.warpCost*10, g.loadCost*10)
	g.local.set(x.routes)
	g.local.run()
	y := g.capture()
	if y.warp == 0 && y.overload == 0 {
		g.store(y)
	} else {
		g.free = append(g.free, y)
	}
}

func (g *genetic) pick() *individual {
	a, b := g.any(), g.any()
	if a.rank <= b.rank {
		return a
	}
	return b
}

func (g *genetic) any() *individual {
	i := g.rng.Intn(len(g.good.all) + len(g.bad.all))
	if i < len(g.good.all) {
		return g.good.all[i]
	}
	return g.bad.all[i-len(g.good.all)]
}

func (g *genetic) random() {
	l := g.local
	l.setPenalties(g.warpCost, g.loadCost)
	l.set(nil)
	g.rng.Shuffle(l.order)
	// Some routes are opened before they are needed: answers with a route more
	// lie in valleys that cheapest insertion alone never enters.
	open := 0
	if g.best != nil {
		open = min(l.fleet, len(g.best.Routes)-1+g.rng.Intn(5))
	}
	seeds := make([][]int32, open)
	for i := range seeds {
		seeds[i] = l.order[i : i+1]
	}
	l.set(seeds)
	for _, c := range l.order[open:] {
		l.insertCheapest(c)
	}
}

// solve breeds lineages one after another until stop says so. Restarts matter
// more than patience: a population falls into one valley early, and which one is
// luck. Every third lineage starts from the elites of those before it.
func (g *genetic) solve(stop func() bool) {
	g.pool.stop = func() bool { return g.halt(stop) }
	for line := 1; !g.halt(stop); line++ {
		merge := line%linesToMerge == 0
		wait := patience
		if line%linesToMerge == 2 {
			wait = longPatience
		}
		g.lineage(stop, merge, wait)
		if !g.halted {
			g.recombine()
		}
		if merge {
			g.archive = g.archive[:0]
		}
		for _, x := range g.good.all[:min(archived, len(g.good.all))] {
			g.archive = append(g.archive, cloneRoutes(x.routes))
		}
	}
}

// recombine looks for a better answer among all routes met so far and those the
// relaxation over them lacks.
func (g *genetic) recombine() {
	if g.best == nil {
		g.due = g.children + g.wait
		return
	}
	p, n := g.pool, int64(g.in.N)
	p.thin()
	p.maker = nil
	if g.in.N-1 <= makingLength*len(g.best.Routes) {
		p.maker = g.maker
	}
	p.deep = p.deep && p.maker != nil
	routes := p.solve(g.best.Cost)
	if routes == nil {
		most := recombineMaking * n
		if p.dry {
			most = recombineLate * n
		}
		g.wait = min(g.wait+recombineDelay*n, most)
		g.due = g.children + g.wait
		return
	}
	g.wait = recombineSoon * n
	g.due = g.children + g.wait
	g.local.setPenalties(g.warpCost, g.loadCost)
	g.local.set(routes)
	x := g.capture()
	g.store(x)
	g.polish(x)
}

// halt asks stop, and never again once it has said yes.
func (g *genetic) halt(stop func() bool) bool {
	if !g.halted {
		g.halted = stop()
	}
	return g.halted
}

// lineage breeds one population until it stalls or the search is to stop.
func (g *genetic) lineage(stop func() bool, merge bool, wait int) {
	g.good.all, g.bad.all = g.good.all[:0], g.bad.all[:0]
	if merge {
		for _, rs := range g.archive {
			g.local.set(rs)
			g.store(g.capture())
		}
	}
	for range smallest {
		if g.halt(stop) {
			return
		}
		g.random()
		x := g.improve()
		bad := x.warp > 0 || x.overload > 0
		g.store(x)
		if bad {
			g.repair(x)
		}
		g.children++
	}
	g.good.score()
	g.bad.score()
	stall := 0
	var mine int64 = 1 << 62
	for stall < wait && !g.halt(stop) {
		a := g.pick()
		b := g.pick()
		for k := 0; k < 10 && (a == b || a.apart(b) < 1e-9); k++ {
			b = g.pick()
		}
		g.cross(a, b)
		x := g.improve()
		bad := x.warp > 0 || x.overload > 0
		g.store(x)
		if bad && g.rng.Next()&1 == 0 {
			g.repair(x)
		}
		if !bad && x.dist*1000 < g.good.all[0].dist*polishWithin {
			g.polish(x)
		}
		g.children++
		if g.children >= g.due && !g.halt(stop) {
			g.recombine()
		}
		stall++
		if len(g.good.all) > 0 && g.good.all[0].dist < mine {
			mine, stall = g.good.all[0].dist, 0
		}
	}
}

// polish runs a short, cool ruin-and-recreate from a good child.
func (g *genetic) polish(x *individual) {
	r := g.ruin
	r.load(x.routes)
	before := x.dist
	steps := float64(min(polishSteps, 8*g.in.N))
	sol := r.anneal(polishHot, polishCold, func(done int64) float64 { return float64(done) / steps })
	if sol != nil && sol.Cost < before {
		g.local.set(sol.Routes)
		y := g.capture()
		g.store(y)
	}
}

func cloneRoutes(routes [][]int32) [][]int32 {
	out := make([][]int32, len(routes))
	for i, r := range routes {
		out[i] = slices.Clone(r)
	}
	return out
}
