package vrptw

import "math"

const (
	cutRounds     = 12   // looks for cuts at one recombination
	buildsARound  = 20   // times the maker is asked between two of them
	convergeTurns = 1500 // pivots after which no more cuts are looked for
	leastGain     = 20   // a round that closes less than such a part of the gap is the last
)

// converge lifts the bound with cuts as tighten does, but has the routes made
// that the multipliers want, until there are none, before each look for cuts. It
// goes on from where it was the last time, for a few rounds, and leaves the
// columns that fit as the routes tried. It returns the bound over all routes
// known by then, and false when it has none: time was up, or numbers failed.
func (p *routePool) converge(upper int64) (int64, bool) {
	if !p.resume(upper) {
		return 0, false
	}
	t, most := p.tight, (upper-1)*fine
	last, bound := int64(0), int64(0)
	for round, turns := 0, 0; ; round++ {
		used, ok := p.generate()
		if !ok {
			return 0, false
		}
		turns += used
		if bound = t.reprice(p, math.MinInt64); bound == math.MinInt64 {
			p.converged = false
			return 0, false
		}
		slow := round > 1 && (bound-last)*leastGain < most-bound
		if slow || bound > most || turns > convergeTurns || round == cutRounds || p.halted() {
			break
		}
		last = bound
		found := t.separate(p)
		if len(found) == 0 {
			break
		}
		t.add(p, found)
	}
	t.offer(p, most-bound)
	if len(t.routes) > mostColumns {
		t.shed(p, mostColumns/2)
	}
	return bound, true
}

// resume makes tight ready to pivot: as it was left, or, where that cannot be,
// with the columns and the basis of the plain relaxation. It reports false when
// neither is possible.
func (p *routePool) resume(upper int64) bool {
	if p.converged && (p.tight.worn < wornOut || p.tight.factor()) {
		return true
	}
	lower := p.relaxMaking()
	p.consider(upper, lower)
	if p.tight == nil {
		p.tight = newTightening(p.n - 1)
	}
	p.converged = p.tight.begin(p)
	return p.converged
}

// generate pivots until neither a route known nor one the maker finds improves,
// and reports the pivots. It reports false when it did not get there. After too
// many pivots it goes on the next time; when numbers failed it begins anew.
func (p *routePool) generate() (int, bool) {
	t := p.tight
	used, ok := t.solve(p, math.Inf(1), mostCutTurns)
	turns := used
	for builds := 0; ok; builds++ {
		t.joinNew(p)
		used, ok = t.primal(p)
		turns += used
		if !ok || builds == buildsARound {
			break
		}
		if ok = t.takeWhole(p); !ok || p.maker.build(p, -1) == 0 {
			break
		}
	}
	p.converged = ok || used == mostCutTurns
	return turns, ok
}

// takeWhole takes the multipliers as they are to whole numbers, for the maker.
// It reports false when they are not numbers to go by.
func (t *tightening) takeWhole(p *routePool) bool {
	if !t.round() {
		return false
	}
	t.whole, t.draft = t.draft, t.whole
	p.cutsPriced = true
	return true
}
