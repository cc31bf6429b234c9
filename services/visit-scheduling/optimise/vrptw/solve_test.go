package vrptw_test

import (
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/benchfile"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/check"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/vrptw"
)

// drawFile makes a file in which every customer can at least be served alone.
func drawFile(t *rapid.T, most int) *benchfile.Solomon {
	n := rapid.IntRange(1, most).Draw(t, "customers")
	s := &benchfile.Solomon{Name: "drawn", Vehicles: n, Capacity: 50}
	coord := rapid.IntRange(0, 60)
	s.Nodes = append(s.Nodes, benchfile.SolomonNode{X: 30, Y: 30, Due: 400})
	for range n {
		v := benchfile.SolomonNode{
			X: float64(coord.Draw(t, "x")), Y: float64(coord.Draw(t, "y")),
			Demand: rapid.IntRange(0, 30).Draw(t, "demand"), Service: rapid.IntRange(0, 20).Draw(t, "service"),
		}
		v.Ready = rapid.IntRange(0, 250).Draw(t, "ready")
		v.Due = min(330, max(v.Ready+rapid.IntRange(0, 100).Draw(t, "width"), 45))
		s.Nodes = append(s.Nodes, v)
	}
	return s
}

func TestSolve_EveryAnswerPassesTheChecker(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawFile(t, 25)
		sol, _, err := vrptw.Solve(vrptw.FromSolomon(s), vrptw.Options{Seed: rapid.Uint64().Draw(t, "seed"), Children: 40})
		if err != nil {
			t.Fatal(err)
		}
		cost, err := check.Routes(s, sol.Routes)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := float64(sol.Cost)/benchfile.Scale, cost; math.Abs(got-want) > 1e-6 {
			t.Fatalf("cost %v, checker says %v", got, want)
		}
	})
}

func TestSolve_FindsTheOptimumOfTinyFiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawFile(t, 5)
		sol, _, err := vrptw.Solve(vrptw.FromSolomon(s), vrptw.Options{Seed: 1, Children: 600})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := float64(sol.Cost)/benchfile.Scale, exhaustive(s); math.Abs(got-want) > 1e-6 {
			t.Fatalf("cost %v, the optimum is %v: %+v %v", got, want, s, sol.Routes)
		}
	})
}

// exhaustive tries every order and every way to cut it into routes.
func exhaustive(s *benchfile.Solomon) float64 {
	n := len(s.Nodes) - 1
	left := make([]bool, n+1)
	best := math.Inf(1)
	var routes [][]int32
	var extend func(done int)
	extend = func(done int) {
		if done == n {
			partial := append([][]int32(nil), routes...)
			if cost, err := check.Routes(s, partial); err == nil && cost < best {
				best = cost
			}
			return
		}
		for c := 1; c <= n; c++ {
			if left[c] {
				continue
			}
			left[c] = true
			if k := len(routes) - 1; k >= 0 {
				routes[k] = append(routes[k], int32(c))
				extend(done + 1)
				routes[k] = routes[k][:len(routes[k])-1]
			}
			// a new route; first customers rise, so that no set of routes comes twice
			if k := len(routes) - 1; k < 0 || routes[k][0] < int32(c) {
				routes = append(routes, []int32{int32(c)})
				extend(done + 1)
				routes = routes[:len(routes)-1]
			}
			left[c] = false
		}
	}
	extend(0)
	return best
}

func TestSolve_SameSeedAndWorkGiveTheSameAnswer(t *testing.T) {
	s := rapid.Custom(func(t *rapid.T) *benchfile.Solomon { return drawFile(t, 30) }).Example(7)
	for _, threads := range []int{1, 3} {
		opt := vrptw.Options{Seed: 42, Children: 150, Threads: threads}
		a, _, err := vrptw.Solve(vrptw.FromSolomon(s), opt)
		if err != nil {
			t.Fatal(err)
		}
		b, _, err := vrptw.Solve(vrptw.FromSolomon(s), opt)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(a, b); diff != "" {
			t.Errorf("%d threads: two runs differ (-first +second):\n%s", threads, diff)
		}
	}
}

func TestSolve_StoppedAtAnyMomentIsFeasible(t *testing.T) {
	s := rapid.Custom(func(t *rapid.T) *benchfile.Solomon { return drawFile(t, 30) }).Example(3)
	last := math.Inf(1)
	for calls := range 60 {
		asked := 0
		sol, _, err := vrptw.Solve(vrptw.FromSolomon(s), vrptw.Options{Seed: 5, Progress: func() float64 {
			asked++
			return float64(asked / (calls + 1))
		}})
		if err != nil {
			t.Fatalf("stopped at question %d: %v", calls, err)
		}
		cost, err := check.Routes(s, sol.Routes)
		if err != nil {
			t.Fatalf("stopped at question %d: %v", calls, err)
		}
		if cost > last {
			t.Fatalf("stopped at question %d: cost %v, a shorter search had %v", calls, cost, last)
		}
		last = cost
	}
}

func TestSolve_LargeFilesAreServedWithinAnyBudget(t *testing.T) {
	s := benchfile.Generate(400, 3)
	last := math.Inf(1)
	for _, children := range []int64{1, 4, 40} {
		opt := vrptw.Options{Seed: 1, Children: children}
		sol, stats, err := vrptw.Solve(vrptw.FromSolomon(s), opt)
		if err != nil {
			t.Fatal(err)
		}
		cost, err := check.Routes(s, sol.Routes)
		if err != nil {
			t.Fatal(err)
		}
		if cost > last {
			t.Errorf("%d units: cost %v, a tenth of them gave %v", children, cost, last)
		}
		last = cost
		again, _, err := vrptw.Solve(vrptw.FromSolomon(s), opt)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(sol, again); diff != "" {
			t.Errorf("%d units: two runs differ (-first +second):\n%s", children, diff)
		}
		if stats.Children != children {
			t.Errorf("%d units of work done, %d asked for", stats.Children, children)
		}
	}
}

func TestSolve_RefusesWhatItCannotSolve(t *testing.T) {
	good := func() *benchfile.Solomon {
		return &benchfile.Solomon{Vehicles: 1, Capacity: 10, Nodes: []benchfile.SolomonNode{
			{Due: 100}, {X: 10, Due: 50, Demand: 5}, {X: -10, Due: 11, Demand: 5},
		}}
	}
	limit := vrptw.Options{Children: 30}
	if _, _, err := vrptw.Solve(vrptw.FromSolomon(good()), limit); err != nil {
		t.Fatalf("the good instance is refused: %v", err)
	}
	if _, _, err := vrptw.Solve(vrptw.FromSolomon(good()), vrptw.Options{}); err == nil {
		t.Error("no limit set, and no error")
	}
	far := good()
	far.Nodes[1].Due = 5
	if _, _, err := vrptw.Solve(vrptw.FromSolomon(far), limit); err == nil {
		t.Error("a customer nobody can reach in time, and no error")
	}
	tight := good()
	tight.Nodes[1].Due = 11
	if _, _, err := vrptw.Solve(vrptw.FromSolomon(tight), limit); !errors.Is(err, vrptw.ErrNoFeasible) {
		t.Errorf("two customers due at once with one vehicle: got %v, want ErrNoFeasible", err)
	}
}
