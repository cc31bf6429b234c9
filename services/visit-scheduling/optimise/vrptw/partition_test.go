package vrptw

import (
	"math"
	"math/bits"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/chance"
)

// drawPool makes an instance whose singles cost something, and a pool with some
// more routes of made-up cost.
func drawPool(t *rapid.T) *routePool {
	n := rapid.IntRange(2, 9).Draw(t, "nodes")
	in := &Instance{N: n, Dist: make([]int32, n*n), Fleet: rapid.IntRange(1, n).Draw(t, "fleet")}
	for c := 1; c < n; c++ {
		in.Dist[c] = rapid.Int32Range(1, 60).Draw(t, "out")
		in.Dist[c*n] = rapid.Int32Range(0, 60).Draw(t, "home")
	}
	p := newRoutePool(in)
	for range rapid.IntRange(0, 40).Draw(t, "routes") {
		set := rapid.IntRange(1, 1<<(n-1)-1).Draw(t, "set")
		var stops []int32
		for c := 1; c < n; c++ {
			if set>>(c-1)&1 != 0 {
				stops = append(stops, int32(c))
			}
		}
		p.add(stops, rapid.Int32Range(0, 200).Draw(t, "cost"))
	}
	return p
}

// cheapest is the least cost of serving each customer once within the fleet, by
// dynamic programming over sets, with the least cost of any number of routes
// beside it.
func cheapest(p *routePool) (within, any int64) {
	full := 1<<(p.n-1) - 1
	const none = math.MaxInt64 / 2
	least := make([][]int64, p.n)
	for k := range least {
		least[k] = slices.Repeat([]int64{none}, full+1)
	}
	least[0][0] = 0
	for k := range p.n - 1 {
		for done := range full + 1 {
			if least[k][done] == none || done == full {
				continue
			}
			first := bits.TrailingZeros(uint(^done))
			for i := range p.cost {
				set := 0
				for _, c := range p.of(int32(i)) {
					set |= 1 << (c - 1)
				}
				if set&done == 0 && set>>first&1 != 0 {
					least[k+1][done|set] = min(least[k+1][done|set], least[k][done]+int64(p.cost[i]))
				}
			}
		}
	}
	within, any = none, none
	for k := range least {
		any = min(any, least[k][full])
		if k <= p.fleet {
			within = min(within, least[k][full])
		}
	}
	return within, any
}

func TestRoutePool_FindsTheCheapestAnswerOfASmallPool(t *testing.T) {
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		p := drawPool(t)
		want, _ := cheapest(p)
		upper := rapid.Int64Range(1, 600).Draw(t, "upper")
		routes := p.solve(upper)
		if routes == nil {
			if want < upper {
				t.Fatalf("nothing found below %d, though there is %d", upper, want)
			}
			return
		}
		found++
		got, seen := int64(0), 0
		for _, r := range routes {
			for i := range p.cost {
				if slices.Equal(p.of(int32(i)), r) {
					got += int64(p.cost[i])
				}
			}
			for _, c := range r {
				if seen>>c&1 != 0 {
					t.Fatalf("customer %d is served twice: %v", c, routes)
				}
				seen |= 1 << c
			}
		}
		if seen != 1<<p.n-2 || len(routes) > p.fleet {
			t.Fatalf("%v serves %b with a fleet of %d", routes, seen, p.fleet)
		}
		if got != want {
			t.Fatalf("found %d, the cheapest is %d", got, want)
		}
	})
	if found == 0 {
		t.Error("no pool with an answer was drawn")
	}
}

func TestRoutePool_TakingTheGapInPartsFindsTheCheapestAnswerToo(t *testing.T) {
	early := 0
	rapid.Check(t, func(t *rapid.T) {
		p := drawPool(t)
		want, _ := cheapest(p)
		upper := min(want, 600) + rapid.Int64Range(0, 200).Draw(t, "above")
		lower := p.relax()
		p.consider(upper, lower)
		lower = p.tighten(upper, lower)
		if p.gap = (upper-1)*fine - lower; p.gap < 0 {
			return
		}
		found := p.pick(lower, firstPart)
		if found != (want < upper) {
			t.Fatalf("found an answer below %d: %v, the cheapest is %d", upper, found, want)
		}
		if !found {
			return
		}
		got := int64(0)
		for _, r := range p.found {
			got += int64(p.cost[r])
		}
		if got != want {
			t.Fatalf("found %d, the cheapest is %d", got, want)
		}
		if want*fine < lower+p.gap/2 {
			early++
		}
	})
	if early == 0 {
		t.Error("no pool was drawn whose answer is in an early part")
	}
}

func TestRoutePool_TheBoundIsBelowEveryAnswer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPool(t)
		_, least := cheapest(p)
		if bound := p.relax(); bound > least*fine {
			t.Fatalf("bound %d/%d above the cheapest answer %d", bound, fine, least)
		}
	})
}

func TestRoutePool_CutsRaiseTheBoundAndKeepEveryBetterAnswer(t *testing.T) {
	raised := 0
	rapid.Check(t, func(t *rapid.T) {
		for range 10 { // a cut raises the bound of one pool in twenty
			p := drawPool(t)
			_, least := cheapest(p)
			upper := least + rapid.Int64Range(1, 50).Draw(t, "above")
			plain := p.relax()
			p.consider(upper, plain)
			bound := p.tighten(upper, plain)
			if bound < plain || bound > least*fine {
				t.Fatalf("bound %d/%d: want one from the plain %d/%d to the cheapest answer %d", bound, fine, plain, fine, least)
			}
			if bound > plain {
				raised++
			}
		}
	})
	if raised == 0 {
		t.Error("no pool was drawn whose bound a cut raises")
	}
}

// Three customers, of whom any two are cheap together and all three are not: a
// half of each pair costs 15, while any answer costs 20.
func TestRoutePool_ACutClosesTheGapOfThreePairs(t *testing.T) {
	in := &Instance{N: 4, Dist: make([]int32, 16), Fleet: 3}
	for c := 1; c < 4; c++ {
		in.Dist[c] = 10
	}
	p := newRoutePool(in)
	for _, pair := range [][]int32{{1, 2}, {2, 3}, {1, 3}} {
		p.add(pair, 10)
	}
	plain := p.relax()
	if want := int64(15 * fine); plain < want-2 || plain > want {
		t.Fatalf("plain bound %d/%d, want 15", plain, fine)
	}
	p.consider(21, plain)
	if bound, want := p.tighten(21, plain), int64(20*fine); bound < want-4 || bound > want {
		t.Errorf("bound with the cut %d/%d, want 20", bound, fine)
	}
}

func TestRoutePool_ForgetsTheLessPromisingAndKeepsTheSingles(t *testing.T) {
	n := 200
	in := &Instance{N: n, Dist: make([]int32, n*n), Fleet: n}
	for i := range in.Dist {
		in.Dist[i] = 10
	}
	p := newRoutePool(in)
	rng := chance.New(1, 2)
	for len(p.cost) < poolLimit {
		a, b, c := int32(1+rng.Intn(n-1)), int32(1+rng.Intn(n-1)), int32(1+rng.Intn(n-1))
		if a != b && b != c && a != c {
			p.add([]int32{a, b, c}, int32(30+rng.Intn(30)))
		}
	}
	before := p.relax()
	p.thin()
	if len(p.cost) >= poolLimit {
		t.Fatalf("%d routes are kept", len(p.cost))
	}
	// the routes of the basis are among the promising: the bound stands
	if after := p.relax(); after < before-fine || after > before+before/100 {
		t.Fatalf("bound %d/%d before, %d/%d after", before, fine, after, fine)
	}
	for c := range n - 1 {
		if got := p.of(int32(c)); len(got) != 1 || got[0] != int32(c+1) {
			t.Fatalf("route %d is %v, not the single of customer %d", c, got, c+1)
		}
	}
}
