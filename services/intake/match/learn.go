package match

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
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

// pairSample is a frame's patterns over some pairs.
type pairSample struct {
	pairs    [][2]int32
	patterns []pattern
	total    float64 // pairs the sample stands for
}

func compareAll(f *frame, pairs [][2]int32, workers int) []pattern {
	out := make([]pattern, len(pairs))
	cs := make([]*comparer, workers)
	const chunk = 2048
	parallel(workers, (len(pairs)+chunk-1)/chunk, func(w, i int) {
		if cs[w] == nil {
			cs[w] = newComparer(f)
		}
		for k := i * chunk; k < min(len(pairs), (i+1)*chunk); k++ {
			cs[w].compare(pairs[k][0], pairs[k][1], &out[k])
		}
	})
	return out
}

// randomPairs draws n pairs of different records, or all where there are fewer.
func randomPairs(f *frame, n int, rng *rand.Rand) [][2]int32 {
	all := f.len() * (f.len() - 1) / 2
	if all <= n {
		pairs := make([][2]int32, 0, all)
		for i := 0; i < f.len(); i++ {
			for j := i + 1; j < f.len(); j++ {
				pairs = append(pairs, [2]int32{int32(i), int32(j)})
			}
		}
		return pairs
	}
	pairs := make([][2]int32, n)
	for i := range pairs {
		a, b := rng.IntN(f.len()), rng.IntN(f.len()-1)
		if b >= a {
			b++
		}
		pairs[i] = [2]int32{int32(min(a, b)), int32(max(a, b))}
	}
	return pairs
}

// estimateU counts levels among random pairs, each pair weighted by how
// likely it is not a match. keep[i] is that weight; nil means all 1.
func estimateU(s schema, w *weights, patterns []pattern, keep []float64) {
	for c := range w.u {
		counts := make([]float64, len(w.u[c]))
		total := 0.0
		for i := range patterns {
			if l := patterns[i].level[c]; l != missing {
				k := 1.0
				if keep != nil {
					k = keep[i]
				}
				counts[l] += k
				total += k
			}
		}
		smooth(w.u[c], counts, total, 0.5)
	}
	w.settleOrder(s)
}

// estimateLevels counts levels among the pairs, drawn towards what was thought
// before where pairs are few.
func estimateLevels(out [][]float64, patterns []pattern, before [][]float64) {
	const draw = 20
	for c := range out {
		counts := make([]float64, len(out[c]))
		total := 0.0
		for i := range patterns {
			if l := patterns[i].level[c]; l != missing {
				counts[l]++
				total++
			}
		}
		for l := 1; l < len(counts); l++ {
			out[c][l] = (counts[l] + draw*before[c][l]) / (total + draw)
		}
	}
}

func smooth(out, counts []float64, total, add float64) {
	n := float64(len(counts) - 1)
	for l := 1; l < len(counts); l++ {
		out[l] = (counts[l] + add) / (total + add*n)
	}
}

// startM is where EM starts from: a match mostly agrees exactly, and else
// rather nearly than not.
func startM(s schema, w *weights) {
	for c := range w.m {
		n := len(w.m[c])
		rest := 0.0
		for l := 1; l < n; l++ {
			w.m[c][l] = math.Pow(0.5, float64(n-l))
			rest += w.m[c][l]
		}
		for l := 1; l < n; l++ {
			w.m[c][l] /= rest
		}
		if c == s.order() {
			copy(w.m[c], []float64{0, 0.7, 0.02, 0.2, 0.08})
		}
	}
	for c := range w.k {
		copy(w.k[c], w.m[c])
	}
	w.settleOrder(s)
}

// fitted is what EM found from one rule's pairs.
type fitted struct {
	rule      rule
	w         *weights
	share     priors // of matches and of kin among the rule's pairs
	matches   float64
	seen, kin []float64 // expected matches, and kin, with the comparison known
}

// em fits m, k and the shares of matches and kin to the pairs of one rule, u
// held fixed. Comparisons the rule settles are left out.
func em(s schema, start *weights, q *frequencies, sample *pairSample, r rule, rounds int) *fitted {
	w := start.clone(s)
	n := len(w.m)
	fit := &fitted{rule: r, w: w, share: priors{0.1, 0.05}, seen: make([]float64, n), kin: make([]float64, n)}
	var open []int
	for c := range w.m {
		if !r.settles(s, c) {
			open = append(open, c)
		}
	}
	counts := newWeights(s)
	for round := 0; round < rounds; round++ {
		logs := w.logs(s)
		rest := max(1e-6, 1-fit.share.same-fit.share.kin)
		same, kin := math.Log2(fit.share.same/rest), math.Log2(fit.share.kin/rest)
		for c := range counts.m {
			clear(counts.m[c])
			clear(counts.k[c])
		}
		clear(fit.seen)
		clear(fit.kin)
		sumM, sumK := 0.0, 0.0
		for i := range sample.patterns {
			p := &sample.patterns[i]
			a, b, chance := same, kin, 0.0
			for _, c := range open {
				wm, wk := logs.one(c, p, q)
				a += float64(wm)
				if logs.alike[c] != 0 {
					chance = max(chance, float64(wk))
				} else {
					b += float64(wk)
				}
			}
			b += chance
			em, ek := math.Exp2(min(a, 500)), math.Exp2(min(b, 500))
			pm, pk := em/(1+em+ek), ek/(1+em+ek)
			sumM += pm
			sumK += pk
			if pm+pk < 1e-6 {
				continue
			}
			for _, c := range open {
				if l := p.level[c]; l != missing {
					counts.m[c][l] += pm
					counts.k[c][l] += pk
					fit.seen[c] += pm
					fit.kin[c] += pk
				}
			}
		}
		all := float64(len(sample.patterns))
		fit.share = priors{min(0.999, max(1e-6, sumM/all)), min(0.999, max(1e-6, sumK/all))}
		fit.matches = sumM
		for _, c := range open {
			// A few imagined pairs keep a level unseen so far possible.
			for l := 1; l < len(w.m[c]); l++ {
				w.m[c][l] = (counts.m[c][l] + 2*start.m[c][l]) / (fit.seen[c] + 2)
				w.k[c][l] = (counts.k[c][l] + 2*start.k[c][l]) / (fit.kin[c] + 2)
			}
		}
		w.settleOrder(s)
	}
	return fit
}

// probability turns log2 odds into a probability.
func probability(log2odds float64) float64 {
	return 1 / (1 + math.Exp2(-log2odds))
}

// combine averages what the rules found of each comparison, each rule
// counting by the pairs it saw there.
func combine(s schema, w *weights, fits []*fitted) {
	for c := range w.m {
		average(w.m[c], fits, func(f *fitted) ([]float64, float64) {
			if f.rule.settles(s, c) {
				return nil, 0
			}
			return f.w.m[c], f.seen[c]
		})
		average(w.k[c], fits, func(f *fitted) ([]float64, float64) {
			if f.rule.settles(s, c) {
				return nil, 0
			}
			return f.w.k[c], f.kin[c]
		})
	}
	w.settleOrder(s)
}

func average(out []float64, fits []*fitted, of func(*fitted) ([]float64, float64)) {
	sum := make([]float64, len(out))
	total := 0.0
	for _, f := range fits {
		v, seen := of(f)
		if seen < 1 {
			continue
		}
		k := math.Sqrt(seen)
		for l := range v {
			sum[l] += k * v[l]
		}
		total += k
	}
	if total > 0 {
		for l := range sum {
			out[l] = sum[l] / total
		}
	}
}

// samplePairs takes up to about n pairs of a rule's blocks, evenly. A pair that
// shares several keys of the rule stands in several blocks and is taken as
// often as it would be if it stood in one.
func samplePairs(f *frame, r rule, rb ruleBlocks, n int, rng *rand.Rand) *pairSample {
	total := 0.0
	from := uint32(0)
	for _, e := range rb.ends {
		k := float64(e - from)
		total += k * (k - 1) / 2
		from = e
	}
	keep := min(1, float64(n)/max(total, 1))
	s := &pairSample{}
	drawn := 0.0
	k := newKeyer(f)
	var ka, kb []uint64
	from = 0
	for _, e := range rb.ends {
		m := rb.members[from:e]
		for i := range m {
			for j := i + 1; j < len(m); j++ {
				if keep < 1 && rng.Float64() >= keep {
					continue
				}
				drawn++
				if !f.pairable(m[i], m[j]) {
					continue
				}
				ka, kb = k.keys(m[i], r, ka[:0]), k.keys(m[j], r, kb[:0])
				if shared := commonKeys(ka, kb); shared > 1 && rng.IntN(shared) > 0 {
					continue
				}
				s.pairs = append(s.pairs, [2]int32{min(m[i], m[j]), max(m[i], m[j])})
			}
		}
		from = e
	}
	s.total = total * float64(len(s.pairs)) / max(drawn, 1)
	return s
}

// commonKeys is how many keys two records share.
func commonKeys(a, b []uint64) int {
	slices.Sort(a)
	a = slices.Compact(a)
	slices.Sort(b)
	b = slices.Compact(b)
	n := 0
	for _, x := range a {
		if _, ok := slices.BinarySearch(b, x); ok {
			n++
		}
	}
	return n
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
