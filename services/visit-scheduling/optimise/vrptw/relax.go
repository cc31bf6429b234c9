package vrptw

import "github.com/hearthfps/hearth/services/visit-scheduling/optimise/chance"

// relaxation is the linear relaxation of "serve each customer once by routes
// of the pool, at least cost": a primal simplex with an explicit inverse of the
// basis, begun from one route a customer. The right-hand side is perturbed a
// little, for set partitioning is so degenerate that pivots would stall; only
// the multipliers leave here, and any multipliers give a valid bound.
//
// Products are wrapped in float64() so that no machine fuses them with a sum
// and takes another path.
type relaxation struct {
	m       int // rows, one a customer
	basis   []int32
	inverse []float64 // m by m
	value   []float64 // of the basic routes
	right   []float64 // of each row
	price   []float64 // multipliers
	column  []float64 // inverse times the entering route
	worn    int       // pivots since the inverse was worked out anew
}

const (
	mostPivots = 3000
	tiny       = 1e-7
)

// newRelaxation begins with routes 0..m-1 of the pool, each serving the
// customer numbered one more, alone.
func newRelaxation(p *routePool, rng *chance.Source) *relaxation {
	m := p.n - 1
	r := &relaxation{
		m: m, basis: make([]int32, m), inverse: make([]float64, m*m), value: make([]float64, m), right: make([]float64, m),
		price: make([]float64, m), column: make([]float64, m),
	}
	for i := range m {
		r.basis[i] = int32(i)
		r.inverse[i*m+i] = 1
		r.right[i] = perturbed(rng)
		r.value[i] = r.right[i]
		r.price[i] = float64(p.cost[i])
	}
	return r
}

// perturbed is a right-hand side of one, a little more.
func perturbed(rng *chance.Source) float64 { return 1 + float64(1e-3*rng.Unit()) }

// solve pivots until no route improves, and reports how often it did.
func (r *relaxation) solve(p *routePool) int {
	m := r.m
	for pivots := range mostPivots {
		if pivots%stopStride == stopStride-1 && p.halted() {
			return pivots
		}
		enter, least := int32(-1), -0.01
		for i, cost := range p.cost {
			reduced := float64(cost)
			for _, c := range p.stops[p.first[i]:p.first[i+1]] {
				reduced -= r.price[c-1]
			}
			if reduced < least {
				enter, least = int32(i), reduced
			}
		}
		if enter < 0 {
			return pivots
		}
		stops := p.of(enter)
		leave, ratio := -1, 0.0
		for i := range m {
			sum := 0.0
			row := r.inverse[i*m : i*m+m]
			for _, c := range stops {
				sum += row[c-1]
			}
			r.column[i] = sum
			if sum > tiny {
				if t := r.value[i] / sum; leave < 0 || t < ratio {
					leave, ratio = i, t
				}
			}
		}
		if leave < 0 {
			return pivots
		}
		r.worn++
		pivot := r.inverse[leave*m : leave*m+m]
		scale := 1 / r.column[leave]
		for k := range pivot {
			pivot[k] = float64(pivot[k] * scale)
		}
		for i := range m {
			a := r.column[i]
			if i == leave || (a < tiny && a > -tiny) {
				continue
			}
			row := r.inverse[i*m : i*m+m]
			for k, x := range pivot {
				row[k] -= float64(a * x)
			}
			r.value[i] = max(0, r.value[i]-float64(a*ratio))
		}
		r.value[leave] = ratio
		r.basis[leave] = enter
		for k, x := range pivot {
			r.price[k] += float64(least * x)
		}
	}
	return mostPivots
}
