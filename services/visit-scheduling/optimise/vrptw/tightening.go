package vrptw

import (
	"math"
	"math/bits"
	"slices"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/chance"
)

const (
	mostCutTurns = 1500 // pivots of one tightening
	firm         = 1e-5 // least size of what is pivoted on
	tie          = 1e-9 // ratios that differ by less are the same
)

// tightening is the relaxation over some routes, its columns, with cuts: a dual
// simplex that goes on from the basis of the plain relaxation. Rows 0..m-1 are
// customers, the others cuts; the right-hand sides are perturbed as in the plain
// one. Whatever it returns, its multipliers give a valid bound; that of a cut is
// never above zero.
type tightening struct {
	m, rows, wide int
	basis         []int32 // a column, or ^k for the slack of cut k
	inverse       []float64
	right         []float64
	value         []float64
	price         []float64
	worn          int     // pivots since the inverse was worked out anew
	whole         []int64 // price in 1/fine, of the best bound so far
	draft         []int64
	reduced       []int64
	cuts          []cut

	// columns
	known   int         // routes of the pool that were taken over or passed by
	routes  []int32     // the pool's number of each
	sets    []uint64    // its customers
	first   []int32     // where its rows begin in entries; one longer than routes
	entries []int32     // rows of customers
	cutsOf  [][2]uint64 // cuts it counts in
	rest    []float64   // its reduced cost
	fits    []int64     // the same by the whole multipliers, in 1/fine
	alpha   []float64   // its element in the row that is pivoted on
	live    []int32     // columns that still fit below the best answer
	active  []int32     // those of them that pivots look at

	// looking for cuts
	pair   []float64 // m by m: how much of the answer serves both
	beside [][]int32 // customers with such a share, higher numbers only
	broken []brokenCut
	uses   []int32

	// scratch
	idle   []int32
	sorted []float64
	square []float64
}

func newTightening(m int) *tightening {
	wide := m + mostCuts
	t := &tightening{
		m: m, wide: wide, basis: make([]int32, wide), inverse: make([]float64, wide*wide),
		right: make([]float64, wide), value: make([]float64, wide), price: make([]float64, wide),
		pair: make([]float64, m*m), beside: make([][]int32, m), uses: make([]int32, m),
	}
	rng := chance.New(1, 3)
	for i := range t.right {
		t.right[i] = perturbed(rng)
	}
	return t
}

// begin takes over the routes tried and the basis of the plain relaxation. It
// reports false when a route of it is not among those tried, or it is singular.
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
	}
	copy(t.right, p.linear.right)
	t.rows, t.cuts, t.routes, t.sets, t.cutsOf = m, t.cuts[:0], t.routes[:0], t.sets[:0], t.cutsOf[:0]
	t.rest, t.alpha, t.fits = t.rest[:0], t.alpha[:0], t.fits[:0]
	t.live, t.entries, t.first = t.live[:0], t.entries[:0], append(t.first[:0], 0)
	for _, x := range p.tried {
		t.join(p, x.route)
	}
	t.known = len(p.cost)
	if t.worn = p.linear.worn; t.worn > wornOut {
		if !t.factor() {
			p.linear = nil
			return false
		}
		for i := range m {
			copy(p.linear.inverse[i*m:(i+1)*m], t.inverse[i*t.wide:])
			p.linear.value[i] = t.value[i]
		}
		p.linear.worn = 0
	}
	t.refresh(p)
	t.activate()
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

// add makes cuts rows of the relaxation, their slacks basic. Those that do not
// bind any more give way to them; what then has no room is left out.
func (t *tightening) add(p *routePool, found []brokenCut) {
	idle := t.idle[:0] // rows of cuts that do not bind
	for r, b := range t.basis[:t.rows] {
		if b < 0 {
			idle = append(idle, int32(r))
		}
	}
	t.idle = idle
	for _, f := range found {
		r, k := t.rows, len(t.cuts)
		switch {
		case len(idle) > 0:
			r, idle = int(idle[0]), idle[1:]
			k = int(^t.basis[r])
			t.cuts[k] = f.cut
		case k < mostCuts:
			t.cuts = append(t.cuts, f.cut)
			t.rows++
		default:
			return
		}
		for i := range t.rows {
			t.inverse[i*t.wide+t.m+k] = 0
		}
		for _, i := range t.live {
			t.cutsOf[i][k>>6] &^= 1 << (k & 63)
			if f.within(t.set(p, i)) {
				t.cutsOf[i][k>>6] |= 1 << (k & 63)
			}
		}
		row := t.inverse[r*t.wide : r*t.wide+t.wide]
		clear(row)
		row[t.m+k] = 1
		value := t.right[t.m+k]
		for i, b := range t.basis[:t.rows] {
			if i == r || b < 0 || t.cutsOf[b][k>>6]>>(k&63)&1 == 0 {
				continue
			}
			value -= t.value[i]
			for j, x := range t.inverse[i*t.wide : i*t.wide+t.rows] {
				row[j] -= x
			}
		}
		t.value[r], t.price[t.m+k], t.basis[r] = value, 0, int32(^k)
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
			if ratio := max(0, rest) / -alpha; ratio < least-tie || (ratio < least+tie && -alpha > steepest) {
				enter, least, steepest = j, ratio, -alpha
			}
		}
		for _, i := range t.active {
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

// column is the element in row i of what enters: a column, or ^k for the slack
// of cut k.
func (t *tightening) column(i int, enter int32) float64 {
	row := t.inverse[i*t.wide : i*t.wide+t.rows]
	if enter < 0 {
		return row[t.m+int(^enter)]
	}
	return t.weigh(row, enter)
}

// pivot lets enter take the place of the route or slack basic in row leave.
func (t *tightening) pivot(leave int, enter int32) {
	pivot := t.inverse[leave*t.wide : leave*t.wide+t.rows]
	t.worn++
	rest, alpha := 0.0, t.column(leave, enter)
	if enter < 0 {
		rest = -t.price[t.m+int(^enter)]
	} else {
		rest = t.rest[enter]
	}
	step := rest / alpha
	for _, i := range t.active {
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
		a := float64(t.column(i, enter) * scale)
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
// leaves what still fits as the routes tried, with their new reduced costs. It
// returns the bound.
func (p *routePool) tighten(upper, lower int64) int64 {
	if p.tight == nil {
		p.tight = newTightening(p.n - 1)
	}
	t := p.tight
	if !t.begin(p) {
		return lower
	}
	for k, x := range p.tried {
		t.fits[k] = x.rest
	}
	best, most := lower, (upper-1)*fine
	for turns := mostCutTurns; turns > 0 && len(t.cuts) < mostCuts; {
		found := t.separate(p)
		if len(found) == 0 {
			break
		}
		t.add(p, found)
		t.active = append(t.active[:0], t.live...)
		used, ok := t.solve(p, float64(upper), turns)
		turns -= used + 1
		bound := t.reprice(p, best)
		if bound <= best {
			break
		}
		best = bound
		t.live = slices.DeleteFunc(t.live, func(i int32) bool {
			return t.fits[i] > most-bound+fine && !t.single(i)
		})
		if !ok || bound > most {
			break
		}
	}
	t.offer(p, most-best)
	return best
}

// offer makes the columns whose reduced cost fits the routes tried.
func (t *tightening) offer(p *routePool, gap int64) {
	p.tried = p.tried[:0]
	for _, i := range t.live {
		if t.fits[i] <= gap {
			p.tried = append(p.tried, triedRoute{t.routes[i], t.fits[i]})
		}
	}
}

// round takes the multipliers to whole numbers, in draft, and reports false when
// they have left all measure.
func (t *tightening) round() bool {
	t.draft = t.draft[:0]
	for i, x := range t.price[:t.rows] {
		x = math.Round(x * fine)
		if !(math.Abs(x) < 1<<40) {
			return false
		}
		if i >= t.m {
			x = min(0, x)
		}
		t.draft = append(t.draft, int64(x))
	}
	return true
}

// reprice takes the multipliers to whole numbers and returns the bound they
// give. If that is above least, the columns get their reduced costs by them.
func (t *tightening) reprice(p *routePool, least int64) int64 {
	if !t.round() {
		return least
	}
	bound := int64(0)
	for _, x := range t.draft {
		bound += x
	}
	t.reduced = t.reduced[:0]
	for _, i := range t.live {
		r := int64(p.cost[t.routes[i]]) * fine
		for _, c := range p.of(t.routes[i]) {
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
	if bound <= least {
		return least
	}
	for k, i := range t.live {
		t.fits[i] = t.reduced[k]
	}
	t.whole, t.draft = t.draft, t.whole
	p.cutsPriced = true
	return bound
}
