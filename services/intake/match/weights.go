package match

import (
	"fmt"
	"io"
	"math"
)

// weights are the learnt chances of each level among three kinds of pair:
// records of one person (m), of two persons of one household or family (k),
// and of strangers (u). Row 0 of a comparison (missing) is unused.
//
// The middle kind is what makes the engine safe for families. A shared
// surname, address and phone are what brothers and sisters have; without it
// they count as evidence of one person, and worse, EM takes "same household"
// for the class it looks for. Kin agree like strangers on what is a person's
// own (given names, birth date, sex, identifiers), so k is learnt for the
// other comparisons only. Two exceptions are set and not learnt, because they
// are rare and a file may lack them: some kin are twins, and some are called
// after one another.
type weights struct {
	m, k, u [][]float64
	// given what another comparison, the parent, came to: [comparison][level of
	// parent][level]. Comparisons without a parent have nil.
	parent        []int
	mOf, kOf, uOf [][][]float64
}

// personal reports whether comparison c is of what is a person's own.
func (s schema) personal(c int) bool {
	if c >= len(s) {
		return true
	}
	switch s[c].Kind {
	case kindGiven, kindDate, kindSex, kindIdentifier:
		return true
	}
	return false
}

// Shares of pairs of kin that were born on one day and that bear one given
// name. About one birth in sixty is of twins, so about one pair of brothers or
// sisters in a hundred; namesakes differ by custom, and half a percent errs to
// the side of asking.
const (
	twins     = 0.01
	namesakes = 0.005
)

// alike is the share of kin that agree on comparison c for a reason of kinship,
// where it is personal.
func (s schema) alike(c int) float64 {
	switch {
	case c >= len(s):
		return 0
	case s[c].Kind == kindDate:
		return twins
	case s[c].Kind == kindGiven:
		return namesakes
	}
	return 0
}

func newWeights(s schema) *weights {
	w := &weights{}
	for _, t := range []*[][]float64{&w.m, &w.k, &w.u} {
		*t = make([][]float64, s.comparisons())
		for c := range *t {
			(*t)[c] = make([]float64, s.levels(c))
		}
	}
	return w
}

func (w *weights) clone(s schema) *weights {
	n := newWeights(s)
	for c := range w.m {
		copy(n.m[c], w.m[c])
		copy(n.k[c], w.k[c])
		copy(n.u[c], w.u[c])
	}
	return n
}

// settleOrder makes the order of names evidence only of itself. That crossed
// names agree by chance is already in the chances of the names, so under
// chance every order is as good as the one looked at; among matches each has
// its share, apart for pairs with both names and pairs with a single one.
func (w *weights) settleOrder(s schema) {
	m, u := w.m[s.order()], w.u[s.order()]
	both, single := m[orderStraight]+m[orderCrossed], m[singleStraight]+m[singleShifted]
	u[orderStraight], u[orderCrossed] = both, both
	u[singleStraight], u[singleShifted] = single, single
}

// log2s are the weights a comparison adds, ready to sum: by comparison, level
// of its parent (row 0 without) and level, for one person and for kin. Where
// equality has a value to look up, the tables hold log2 m (k) alone and the
// value's own frequency is taken from it, unless the parent already makes
// equality likely.
type log2s struct {
	m, k   [][][]float32
	parent []int
	looks  [][]uint8 // the level that looks its value up, by comparison and parent level; 0 none
	kin    []bool    // whether the comparison tells kin from strangers
	alike  []float32 // log2 share of kin that agree on what is personal; 0 none
}

// explained is how many times likelier than by itself a parent may make
// agreement before the value's own frequency says nothing more.
const explained = 3

func (w *weights) logs(s schema) *log2s {
	n := len(w.m)
	l := &log2s{
		m: make([][][]float32, n), k: make([][][]float32, n), parent: make([]int, n), looks: make([][]uint8, n),
		kin: make([]bool, n), alike: make([]float32, n),
	}
	for c := range w.m {
		ms, ks, us := [][]float64{w.m[c]}, [][]float64{w.k[c]}, [][]float64{w.u[c]}
		l.parent[c] = -1
		l.kin[c] = !s.personal(c)
		if share := s.alike(c); share > 0 {
			l.alike[c] = float32(math.Log2(share))
		}
		if w.parent != nil && w.parent[c] >= 0 {
			l.parent[c] = w.parent[c]
			ms = append(ms, w.mOf[c][1:]...)
			ks = append(ks, w.kOf[c][1:]...)
			us = append(us, w.uOf[c][1:]...)
		}
		exact := s.exact(c)
		for row := range ms {
			tm, tk := make([]float32, len(w.m[c])), make([]float32, len(w.m[c]))
			looks := exact
			if exact != 0 && us[row][exact] > explained*w.u[c][exact] {
				looks = 0
			}
			for lv := 1; lv < len(tm); lv++ {
				tm[lv] = float32(math.Log2(ms[row][lv] / us[row][lv]))
				if l.kin[c] {
					tk[lv] = float32(math.Log2(ks[row][lv] / us[row][lv]))
				}
			}
			if share := l.alike[c]; share != 0 {
				tk[exact] = max(0, share-float32(math.Log2(us[row][exact])))
			}
			if looks != 0 {
				tm[looks] = float32(math.Log2(ms[row][looks]))
				if l.kin[c] {
					tk[looks] = float32(math.Log2(ks[row][looks]))
				}
			}
			l.m[c] = append(l.m[c], tm)
			l.k[c] = append(l.k[c], tk)
			l.looks[c] = append(l.looks[c], looks)
		}
	}
	return l
}

// one is the weight comparison c adds for one person and for kin, against
// strangers.
func (l *log2s) one(c int, p *pattern, q *frequencies) (m, k float32) {
	lv := p.level[c]
	if lv == missing {
		return 0, 0
	}
	row := uint8(0)
	if l.parent[c] >= 0 {
		row = p.level[l.parent[c]]
	}
	m = l.m[c][row][lv]
	if lv == l.looks[c][row] {
		f := q.of(p.slot[c], p.value[c])
		m -= f
		switch {
		case l.kin[c]:
			k = l.k[c][row][lv] - f
		case l.alike[c] != 0:
			k = max(0, l.alike[c]-f)
		}
		return m, k
	}
	return m, l.k[c][row][lv]
}

// priors are the chances that two random records are one person, and kin.
type priors struct{ same, kin float64 }

// scorer turns patterns into odds.
type scorer struct {
	logs      *log2s
	q         *frequencies
	same, kin float32 // log2 prior odds against strangers
}

func (o *fit) scorer(s schema) *scorer {
	rest := 1 - o.prior.same - o.prior.kin
	return &scorer{
		logs: o.w.logs(s), q: o.q,
		same: float32(math.Log2(o.prior.same / rest)), kin: float32(math.Log2(o.prior.kin / rest)),
	}
}

// pair returns the log2 odds that two records are one person, and that they
// are kin, each against all else.
func (sc *scorer) pair(p *pattern) (same, kin float32) {
	m, k := sc.same, sc.kin
	// Kin are twins or namesakes, not both: nobody calls twins alike.
	chance := float32(0)
	for c := range sc.logs.m {
		if p.level[c] != missing {
			wm, wk := sc.logs.one(c, p, sc.q)
			m += wm
			if sc.logs.alike[c] != 0 {
				chance = max(chance, wk)
			} else {
				k += wk
			}
		}
	}
	k += chance
	return against(m, k), against(k, m)
}

// against is a, in log2 odds against strangers, put against strangers and b.
func against(a, b float32) float32 {
	switch {
	case b < -12:
		return a
	case b > 20:
		return a - b
	}
	return a - float32(math.Log2(1+math.Exp2(float64(b))))
}

// probability turns log2 odds into a probability.
func probability(log2odds float64) float64 {
	return 1 / (1 + math.Exp2(-log2odds))
}

func (w *weights) describe(s schema, out io.Writer) {
	for c := range w.m {
		name := "order"
		if c == s.middle() {
			name = "middle"
		}
		if c < len(s) {
			name = s[c].String()
		}
		fmt.Fprintf(out, "%-18s", name)
		for l := 1; l < len(w.m[c]); l++ {
			fmt.Fprintf(out, " %.3f/%.3f/%.2g(%+.1f)", w.m[c][l], w.k[c][l], w.u[c][l], math.Log2(w.m[c][l]/w.u[c][l]))
		}
		fmt.Fprintln(out)
	}
}
