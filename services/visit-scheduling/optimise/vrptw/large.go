package vrptw

// From so many nodes on, a population costs more than it gains within minutes:
// one long annealing takes its place.
const largeFrom = 320

const (
	largeHot      = 1.0  // of the mean leg
	largeCold     = 0.01 // of the same
	stepsPerChild = 512  // so that Options.Children means about as much work
)

// cool anneals over the whole budget from what construct made, and leaves the
// best answer in g.best.
func (g *genetic) cool(progress func() float64) {
	r := g.ruin
	r.pool, r.better = nil, g.found
	legs := float64(g.in.N)
	for i := range r.routes {
		if len(r.routes[i].stops) > 0 {
			legs++
		}
	}
	mean := float64(r.cost) / legs
	r.anneal(largeHot*mean, largeCold*mean, func(steps int64) float64 {
		g.children = steps / stepsPerChild
		return progress()
	})
	g.halted = g.best != nil
}
