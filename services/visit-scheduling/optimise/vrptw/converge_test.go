package vrptw

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// drawDeep makes a pool that knows the singles of a small instance and asks a
// maker for the rest.
func drawDeep(t *rapid.T) (p *routePool, upper int64) {
	in := drawTight(t, 8)
	p = newRoutePool(in)
	p.maker, p.deep = newRouteMaker(in), true
	for _, c := range p.cost {
		upper += int64(c)
	}
	return p, upper + 1
}

func TestRoutePool_ConvergingBoundsEveryAnswerOfTheRoutesKnown(t *testing.T) {
	raised, resumed := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		p, upper := drawDeep(t)
		for range 4 {
			if p.converged {
				resumed++
			}
			bound, ok := p.converge(upper)
			if !ok {
				t.Fatal("no bound, though there is time")
			}
			_, least := cheapest(p)
			if bound > least*fine {
				t.Fatalf("bound %d/%d above the cheapest answer %d", bound, fine, least)
			}
			if p.gap = (upper-1)*fine - bound; p.gap < 0 {
				if least < upper {
					t.Fatalf("nothing is said to be below %d, the cheapest answer is %d", upper, least)
				}
				break
			}
			found := p.pick(bound, firstPart)
			if found != (least < upper) {
				t.Fatalf("found an answer below %d: %v, the cheapest is %d", upper, found, least)
			}
			if !found {
				break
			}
			upper = least
		}
		whole, _ := p.converge(upper)
		if plain := p.relax(); whole > plain+fine {
			raised++
		}
	})
	if raised == 0 || resumed == 0 {
		t.Errorf("%d bounds were above the plain one, %d times it went on from before: nothing is shown", raised, resumed)
	}
}

func TestTightening_TheInverseWorkedOutAnewIsThatOfThePivots(t *testing.T) {
	cuts := 0
	rapid.Check(t, func(t *rapid.T) {
		p, upper := drawDeep(t)
		if _, ok := p.converge(upper); !ok {
			t.Fatal("no bound, though there is time")
		}
		x := p.tight
		cuts += len(x.cuts)
		inverse, value := slices.Clone(x.inverse), slices.Clone(x.value)
		if !x.factor() {
			t.Fatal("the basis is said to be singular")
		}
		for i := range x.rows {
			if math.Abs(value[i]-x.value[i]) > 1e-6 {
				t.Fatalf("value %d: %v by pivots, %v anew", i, value[i], x.value[i])
			}
			for k := range x.rows {
				if a, b := inverse[i*x.wide+k], x.inverse[i*x.wide+k]; math.Abs(a-b) > 1e-6 {
					t.Fatalf("inverse at %d, %d: %v by pivots, %v anew", i, k, a, b)
				}
			}
		}
	})
	if cuts == 0 {
		t.Error("no basis with a cut was drawn")
	}
}

func TestTightening_SheddingKeepsTheBasisTheSinglesAndTheCheapest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, upper := drawDeep(t)
		if _, ok := p.converge(upper); !ok {
			t.Fatal("no bound, though there is time")
		}
		x := p.tight
		basis := func() (routes []int32) {
			for _, b := range x.basis[:x.rows] {
				if b >= 0 {
					b = x.routes[b]
				}
				routes = append(routes, b)
			}
			return routes
		}
		x.refresh(p)
		before, dearest, kept := basis(), slices.Max(x.rest), rapid.IntRange(0, 10).Draw(t, "kept")
		was := len(x.routes)
		prices := slices.Clone(x.price[:x.rows])
		x.shed(p, kept)
		if after := basis(); !slices.Equal(before, after) {
			t.Fatalf("basis %v became %v", before, after)
		}
		x.refresh(p)
		if !slices.Equal(prices, x.price[:x.rows]) {
			t.Fatalf("multipliers %v became %v", prices, x.price[:x.rows])
		}
		for _, i := range x.active {
			if int(i) >= len(x.routes) {
				t.Fatalf("column %d is active, there are %d", i, len(x.routes))
			}
		}
		singles := 0
		for i, route := range x.routes {
			if x.single(int32(i)) {
				singles++
			}
			var stops []int32
			for c := range int32(p.n) {
				if x.set(p, int32(i))[c>>6]>>(c&63)&1 != 0 {
					stops = append(stops, c)
				}
			}
			if want := slices.Sorted(slices.Values(p.of(route))); !slices.Equal(stops, want) {
				t.Fatalf("column %d has the customers %v, its route %v", i, stops, want)
			}
		}
		if singles != x.m || len(x.live) != len(x.routes) {
			t.Fatalf("%d singles of %d customers, %d columns of %d live", singles, x.m, len(x.live), len(x.routes))
		}
		if was > kept+x.rows+x.m && len(x.routes) == was && dearest > 1 {
			t.Fatalf("all %d columns were kept", was)
		}
	})
}
