package optimise

import "context"

// CostsOfSearch makes a short search and returns what its best schedule costs by
// the sums it kept up to date on the way, and what the same costs counted anew.
func CostsOfSearch(p *Problem, seed uint64, steps int64) (kept, anew Objective) {
	c := newPlan(p)
	s := newState(c)
	s.loadLocked()
	x := newSearch(s, seed, 0)
	x.construct(func() bool { return false })
	x.keepBest()
	x.anneal(hotFresh, cold, func(done int64) float64 { return float64(done) / float64(steps) })
	sol := c.solution(x.bestTours)
	return x.best, c.evaluate(&sol)
}

// SearchRegions searches a schedule from nothing on some threads, and returns what
// each thread holds at the end, what it costs by the sums kept up to date on the way,
// and what the same costs counted anew.
func SearchRegions(p *Problem, opt Options) (held []Solution, kept, anew []Objective) {
	c := newPlan(p)
	g := c.newRegions(opt)
	g.solve(newBudget(context.Background(), opt, len(p.Visits)), hotFresh)
	for _, x := range g.same {
		s := c.solution(x.tours)
		held, kept, anew = append(held, s), append(kept, x.cost), append(anew, c.evaluate(&s))
	}
	return held, kept, anew
}
