package vrptw

import (
	"math"
	"math/bits"
	"slices"
)

const (
	mostCutTurns = 1500 // pivots of one tightening
	firm         = 1e-5 // least size of what is pivoted on
)

// tightening is the relaxation over the routes tried, with cuts: a dual simplex
// that goes on from the basis of the plain relaxation. Rows 0..m-1 are
// customers, the others cuts. Whatever it returns, its multipliers give a valid
// bound; that of a cut is never above zero.
type tightening struct {
	m, rows, wide int
	basis         []int32 // a route tried, or ^k for the slack of cut k
	inverse       []float64
	value         []float64
	price         []float64
	whole         []int64 // price in 1/fine, of the best bound so far
	draft         []int64
	reduced       []int64
	cuts          []cut
	first         []int32 // where the rows of a route tried begin in entries; one longer than those
	entries       []int32
	cutsOf        [][2]uint64 // cuts a route tried counts in
	live          []int32     // routes tried that still fit below the best answer
	rest          []float64   // reduced costs of the routes tried
	alpha         []float64

	// looking for cuts
	pair   []float64 // m by m: how much of the answer serves both
	beside [][]int32 // customers with such a share, higher numbers only
	broken []brokenCut
	uses   []int32
}

func newTightening(m int) *tightening {
	wide := m + mostCuts
	return &tightening{
		m: m, wide: wide, basis: make([]int32, wide), inverse: make([]float64, wide*wide),
		value: make([]float64, wide), price: make([]float64, wide),
		pair: make([]float64, m*m), beside: make([][]int32, m), uses: make([]int32, m),
	}
}

// begin takes over the basis of the plain relaxation. It reports false when a
// route of it is not among those tried.
func (t *tightening) begin(p *routePool) bool {
	m := t.m
	at := make(map[int32]int32, len(p.tried))
	for i, x := range p.tried {
		at[x.route] = int32(i)
	}
	for i, route := range p.linear.basis {
		k, ok := at[route]
		if !ok {
			return false
		}
		t.basis[i] = k
		copy(t.inverse[i*t.wide:], p.linear.inverse[i*m:(i+1)*m])
		t.value[i] = p.linear.value[i]
		t.price[i] = p.linear.price[i]
	}
	t.rows, t.cuts = m, t.cuts[:0]
	t.cutsOf = slices.Grow(t.cutsOf[:0], len(p.tried))[:len(p.tried)]
	clear(t.cutsOf)
	t.rest = slices.Grow(t.rest[:0], len(p.tried))[:len(p.tried)]
	t.alpha = slices.Grow(t.alpha[:0], len(p.tried))[:len(p.tried)]
	t.live, t.entries, t.first = t.live[:0], t.entries[:0], append(t.first[:0], 0)
	for i, x := range p.tried {
		for _, c := range p.of(x.route) {
			t.entries = append(t.entries, c-1)
		}
		t.first = append(t.first, int32(len(t.entries)))
		t.rest[i] = float64(p.cost[x.route]) - t.weigh(t.price, int32(i))
		t.live = append(t.live, int32(i))
	}
	return true
}

// weigh is row times the column of the i-th route tried.
func (t *tightening) weigh(row []float64, i int32) float64 {
	sum := 0.0
	for _, c := range t.entries[t.first[i]:t.first[i+1]] {
		sum += row[c]
	}
	for w, x := range t.cutsOf[i] {
		for ; x != 0; x &= x - 1 {
			sum += row[t.m+w<<6+bits.TrailingZeros64(x)]
		}
	}
	return sum
}

// add makes cuts rows of the relaxation, their slacks basic.
func (t *tightening) add(p *routePool, found []brokenCut) {
	first := len(t.cuts)
	for _, f := range found {
		t.cuts = append(t.cuts, f.cut)
	}
	for _, i := range t.live {
		set := p.sets[int(i)*p.words : int(i+1)*p.words]
		for k := first; k < len(t.cuts); k++ {
			n := 0
			for _, c := range t.cuts[k] {
				n += int(set[c>>6] >> (c & 63) & 1)
			}
			if n >= 2 {
				t.cutsOf[i][k>>6] |= 1 << (k & 63)
			}
		}
	}
	for k := first; k < len(t.cuts); k++ {
		r := t.m + k
		row := t.inverse[r*t.wide : r*t.wide+t.wide]
		clear(row)
		for i := range t.rows {
			t.inverse[i*t.wide+r] = 0
		}
		row[r] = 1
		value := 1.0
		for i := range r {
			b := t.basis[i]
			if b < 0 || t.cutsOf[b][k>>6]>>(k&63)&1 == 0 {
				continue
			}
			value -= t.value[i]
			for j, x := range t.inverse[i*t.wide : i*t.wide+r] {
				row[j] -= x
			}
		}
		t.value[r], t.price[r], t.basis[r] = value, 0, int32(^k)
		t.rows = r + 1
	}
}

// solve pivots until every row is within its right-hand side again or the bound
// is above enough, at most turns times. It reports false when that failed.
func (t *tightening) solve(p *routePool, enough float64, turns int) (int, bool) {
	for turn := range turns {
		if turn%stopStride == stopStride-1 && p.halted() {
			return turn, false
		}
		leave, worst := -1, -1e-6
		for i, v := range t.value[:t.rows] {
			if v < worst {
				leave, worst = i, v
			}
		}
		sum := 0.0
		for _, x := range t.price[:t.rows] {
			sum += x
		}
		if leave < 0 || sum > enough {
			return turn, true
		}
		pivot := t.inverse[leave*t.wide : leave*t.wide+t.rows]
		enter, least, steepest := int32(0), math.Inf(1), 0.0
		consider := func(j int32, rest, alpha float64) {
			if alpha > -firm {
				return
			}
			if ratio := max(0, rest) / -alpha; ratio < least || (ratio == least && -alpha > steepest) {
				enter, least, steepest = j, ratio, -alpha
			}
		}
		for _, i := range t.live {
			t.alpha[i] = t.weigh(pivot, i)
			consider(i, t.rest[i], t.alpha[i])
		}
		for k := range t.cuts {
			consider(int32(^k), -t.price[t.m+k], pivot[t.m+k])
		}
		if steepest == 0 {
			return turn, false
		}
		t.pivot(leave, enter)
	}
	return turns, false
}

// pivot lets enter take the place of the route or slack basic in row leave.
func (t *tightening) pivot(leave int, enter int32) {
	pivot := t.inverse[leave*t.wide : leave*t.wide+t.rows]
	column := func(i int) float64 {
		row := t.inverse[i*t.wide : i*t.wide+t.rows]
		if enter < 0 {
			return row[t.m+int(^enter)]
		}
		return t.weigh(row, enter)
	}
	rest, alpha := 0.0, column(leave)
	if enter < 0 {
		rest = -t.price[t.m+int(^enter)]
	} else {
		rest = t.rest[enter]
	}
	step := rest / alpha
	for _, i := range t.live {
		t.rest[i] -= float64(step * t.alpha[i])
	}
	scale := 1 / alpha
	for k := range pivot {
		t.price[k] += float64(step * pivot[k])
	}
	ratio := t.value[leave] / alpha
	for i := range t.rows {
		if i == leave {
			continue
		}
		a := float64(column(i) * scale)
		if a < 1e-12 && a > -1e-12 {
			continue
		}
		row := t.inverse[i*t.wide : i*t.wide+t.rows]
		for k, x := range pivot {
			row[k] -= float64(a * x)
		}
		t.value[i] -= float64(a * t.value[leave])
	}
	for k := range pivot {
		pivot[k] = float64(pivot[k] * scale)
	}
	t.value[leave] = ratio
	t.basis[leave] = enter
}

// tighten adds cuts until none is broken, or nothing below upper is left, and
// gives the routes tried their new reduced costs. It returns the bound.
func (p *routePool) tighten(upper, lower int64) int64 {
	if p.tight == nil {
		p.tight = newTightening(p.n - 1)
	}
	t := p.tight
	if !t.begin(p) {
		return lower
	}
	best, most := lower, (upper-1)*fine
	for turns := mostCutTurns; turns > 0 && len(t.cuts) < mostCuts; {
		found := t.separate(p)
		if len(found) == 0 {
			break
		}
		t.add(p, found)
		used, ok := t.solve(p, float64(upper), turns)
		turns -= used + 1
		bound := p.reprice(best)
		if bound <= best {
			break
		}
		best = bound
		t.live = slices.DeleteFunc(t.live, func(i int32) bool {
			return p.tried[i].rest > most-bound+fine && int(p.tried[i].route) >= t.m
		})
		if !ok || bound > most {
			break
		}
	}
	return best
}

// reprice takes the multipliers of the tightened relaxation to whole numbers and
// returns the bound they give. If that is above best, the routes tried get their
// reduced costs by them; those that fitted no more before keep the one they had.
func (p *routePool) reprice(best int64) int64 {
	t := p.tight
	bound := int64(0)
	t.draft = t.draft[:0]
	for i, x := range t.price[:t.rows] {
		x = math.Round(x * fine)
		if !(math.Abs(x) < 1<<40) {
			return best
		}
		if i >= t.m {
			x = min(0, x)
		}
		t.draft = append(t.draft, int64(x))
		bound += int64(x)
	}
	t.reduced = t.reduced[:0]
	for _, i := range t.live {
		r := int64(p.cost[p.tried[i].route]) * fine
		for _, c := range p.of(p.tried[i].route) {
			r -= t.draft[c-1]
		}
		for w, x := range t.cutsOf[i] {
			for ; x != 0; x &= x - 1 {
				r -= t.draft[t.m+w<<6+bits.TrailingZeros64(x)]
			}
		}
		t.reduced = append(t.reduced, r)
		bound += min(0, r)
	}
	if bound <= best {
		return best
	}
	for k, i := range t.live {
		p.tried[i].rest = t.reduced[k]
	}
	t.whole, t.draft = t.draft, t.whole
	p.cutsPriced = true
	return bound
}
