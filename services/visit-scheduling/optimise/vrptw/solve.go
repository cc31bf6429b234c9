package vrptw

import (
	"errors"
	"fmt"
	"sync"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/chance"
)

// Options bound a search. At least one of Children and Progress must be set.
type Options struct {
	Seed uint64
	// Children is the most answers to breed, a unit of work that does not depend
	// on the machine; 0 means no limit. With Children alone the result is the
	// same on every machine.
	Children int64
	// Progress says how much of the budget is used, from 0 to 1, and is asked
	// again and again; from 1 on the search returns its best. Large instances
	// cool by it. With several threads it must be safe for concurrent use.
	Progress func() float64
	// Better is told the cost of each better answer as it is found. With several
	// threads it must be safe for concurrent use.
	Better func(cost int64)
	// Threads is the number of independent searches, 0 means one. The best
	// answer wins, ties go to the lowest number, so it stays deterministic.
	Threads int
}

// Stats tell what a search did.
type Stats struct {
	Children int64
}

// ErrNoFeasible is returned when no answer within the fleet, the windows and
// the capacity was met.
var ErrNoFeasible = errors.New("no feasible set of routes found")

// Solve searches until a limit of opt is reached. It returns ErrNoFeasible, or
// what Validate says of the instance; otherwise the solution is feasible.
func Solve(in *Instance, opt Options) (*Solution, Stats, error) {
	if err := in.Validate(); err != nil {
		return nil, Stats{}, fmt.Errorf("check instance: %w", err)
	}
	if opt.Children <= 0 && opt.Progress == nil {
		return nil, Stats{}, errors.New("options set no limit: give Children or Progress")
	}
	if in.N == 1 {
		return &Solution{}, Stats{}, nil
	}
	k := max(1, opt.Threads)
	runs := make([]*genetic, k)
	if k == 1 {
		// on the caller's own thread, whose CPU time the caller may be counting
		runs[0] = island(in, opt, 0)
	} else {
		var wg sync.WaitGroup
		for i := range k {
			wg.Go(func() { runs[i] = island(in, opt, uint64(i)) })
		}
		wg.Wait()
	}
	var best *Solution
	var stats Stats
	for _, g := range runs {
		stats.Children += g.children
		if g.best != nil && (best == nil || g.best.Cost < best.Cost) {
			best = g.best
		}
	}
	if best == nil {
		return nil, stats, ErrNoFeasible
	}
	return best, stats, nil
}

func island(in *Instance, opt Options, number uint64) *genetic {
	rng := chance.New(opt.Seed, number)
	g := newGenetic(in, rng)
	progress := func() float64 {
		done := 0.0
		if opt.Children > 0 {
			done = float64(g.children) / float64(opt.Children)
		}
		if opt.Progress != nil {
			done = max(done, opt.Progress())
		}
		return done
	}
	// One answer at once, however little time there is.
	g.better = opt.Better
	g.ruin.construct()
	if g.ruin.withinFleet() {
		g.found(g.ruin.solution())
	}
	if in.N >= largeFrom {
		g.cool(progress)
	}
	g.solve(func() bool { return progress() >= 1 })
	return g
}
