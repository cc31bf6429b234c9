package vrptw

import (
	"math/bits"
	"testing"

	"pgregory.net/rapid"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/chance"
)

// drawTight makes a small instance with windows and capacity that bind, in which every customer can be served alone.
func drawTight(t *rapid.T, most int) *Instance {
	n := 1 + rapid.IntRange(2, most).Draw(t, "customers")
	in := &Instance{
		N: n, Dist: make([]int32, n*n), Ready: make([]int32, n), Due: make([]int32, n),
		Service: make([]int32, n), Demand: make([]int32, n), Capacity: 30, Fleet: n - 1,
	}
	for i := range in.Dist {
		if i%(n+1) != 0 {
			in.Dist[i] = rapid.Int32Range(1, 40).Draw(t, "leg")
		}
	}
	in.Due[0] = 300
	for c := 1; c < n; c++ {
		in.Ready[c] = rapid.Int32Range(0, 150).Draw(t, "ready")
		in.Due[c] = max(40, in.Ready[c]+rapid.Int32Range(0, 80).Draw(t, "width"))
		in.Service[c] = rapid.Int32Range(0, 20).Draw(t, "service")
		in.Demand[c] = rapid.Int32Range(0, 15).Draw(t, "demand")
	}
	return in
}

// priced is what a route costs less the multipliers the pool last had, counted
// from the definition.
func priced(m *routeMaker, p *routePool, in *Instance, stops []int32) int64 {
	rest := in.cost([][]int32{stops}) * fine
	for _, c := range stops {
		rest -= m.price[c]
	}
	if !p.cutsPriced {
		return rest
	}
	for k := range len(p.tight.whole) - p.tight.m {
		n := 0
		for _, c := range stops {
			for _, x := range p.tight.cuts[k] {
				if c == x {
					n++
				}
			}
		}
		if n >= 2 {
			rest -= p.tight.whole[p.tight.m+k]
		}
	}
	return rest
}

func TestRouteMaker_MakesRoutesThatCanBeDrivenAndAreWanted(t *testing.T) {
	made, counted := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		in := drawTight(t, 12)
		if err := in.Validate(); err != nil {
			t.Fatal(err)
		}
		g := newGenetic(in, chance.New(rapid.Uint64().Draw(t, "seed"), 0))
		g.ruin.construct()
		best := g.ruin.solution()
		for range 4 {
			if routes := g.pool.solve(best.Cost + 1); routes != nil {
				best = &Solution{Cost: in.cost(routes), Routes: routes}
			}
			limit := max(0, g.pool.gap)
			before := len(g.pool.cost)
			n := g.maker.build(g.pool, limit)
			if n != len(g.pool.cost)-before {
				t.Fatalf("%d routes said to be new, %d are", n, len(g.pool.cost)-before)
			}
			made += n
			if g.pool.cutsPriced {
				counted += n
			}
			for i := before; i < len(g.pool.cost); i++ {
				stops := g.pool.of(int32(i))
				g.ruin.load([][]int32{stops})
				late, load, seen := in.Ready[0]+in.Service[0], int32(0), map[int32]bool{}
				prev := int32(0)
				for _, c := range stops {
					late = max(late+in.Dist[int(prev)*in.N+int(c)], in.Ready[c])
					if late > in.Due[c] || seen[c] {
						t.Fatalf("%v: customer %d is late or twice", stops, c)
					}
					seen[c] = true
					late += in.Service[c]
					load += in.Demand[c]
					prev = c
				}
				if late+in.Dist[int(prev)*in.N] > in.Due[0] || load > in.Capacity {
					t.Fatalf("%v comes home too late or carries too much", stops)
				}
				if got, want := int64(g.pool.cost[i]), in.cost([][]int32{stops}); got != want {
					t.Fatalf("%v: cost %d, want %d", stops, got, want)
				}
				if rest := priced(g.maker, g.pool, in, stops); rest > limit {
					t.Fatalf("%v: reduced cost %d/%d above the limit %d/%d", stops, rest, fine, limit, fine)
				}
			}
		}
	})
	if made == 0 || counted == 0 {
		t.Errorf("%d routes were made, %d of them with cuts counted in: nothing is shown", made, counted)
	}
}

// A pool that knows no route but the singles has the others made for it, as far
// as they are wanted: some rounds later it holds the best answer of nearly every
// small file; not of each, for the beam may miss a route.
func TestRouteMaker_FindsTheBestAnswerFromTheSingles(t *testing.T) {
	draw := rapid.Custom(func(t *rapid.T) *Instance { return drawTight(t, 6) })
	const files = 200
	for _, way := range []struct {
		name   string
		within bool // whether the pool asks the maker while it lifts the bound
	}{{"after each search", false}, {"while the bound is lifted", true}} {
		best, moved := 0, 0
		for i := range files {
			in := draw.Example(i)
			p, m := newRoutePool(in), newRouteMaker(in)
			if way.within {
				p.maker, p.deep = m, true
			}
			upper := int64(1)
			for i := range p.cost {
				upper += int64(p.cost[i])
			}
			apart := upper - 1
			for range 20 {
				known := len(p.cost)
				if routes := p.solve(upper); routes != nil {
					upper = in.cost(routes)
				} else if !way.within && m.build(p, max(0, p.gap)) == 0 || way.within && len(p.cost) == known {
					break
				}
			}
			want := shortest(in)
			if upper < want {
				t.Fatalf("%s, file %d: found %d, though the best answer costs %d", way.name, i, upper, want)
			}
			if upper == want {
				best++
			}
			if want < apart {
				moved++
			}
		}
		if best < files*95/100 || moved < files/2 {
			t.Errorf("%s: %d of %d files have their best answer found, %d are better served together than singly", way.name, best, files, moved)
		}
	}
}

// shortest is the cost of the best answer, by the best route of each set of
// customers and the best way to part all of them into such sets.
func shortest(in *Instance) int64 {
	full := 1<<(in.N-1) - 1
	const none = int64(1) << 40
	route := make([]int64, full+1)
	for s := range route {
		route[s] = none
	}
	var drive func(seen int, at, clock, load int32, cost int64)
	drive = func(seen int, at, clock, load int32, cost int64) {
		row := in.Dist[int(at)*in.N:]
		if seen != 0 && clock+row[0] <= in.Due[0] {
			route[seen] = min(route[seen], cost+int64(row[0]))
		}
		for c := int32(1); c < int32(in.N); c++ {
			t := max(clock+row[c], in.Ready[c])
			if seen>>(c-1)&1 == 0 && t <= in.Due[c] && load+in.Demand[c] <= in.Capacity {
				drive(seen|1<<(c-1), c, t+in.Service[c], load+in.Demand[c], cost+int64(row[c]))
			}
		}
	}
	drive(0, 0, in.Ready[0]+in.Service[0], 0, 0)
	least := make([]int64, full+1)
	for s := 1; s <= full; s++ {
		least[s] = none
		first := 1 << bits.TrailingZeros(uint(s))
		for part := s; part > 0; part = (part - 1) & s {
			if part&first != 0 {
				least[s] = min(least[s], route[part]+least[s&^part])
			}
		}
	}
	return least[full]
}
