package match

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
)

// weights are the learnt chances of each level: m among records of one
// person, u among records of different persons. Row 0 of a comparison
// (missing) is unused.
type weights struct {
	m, u [][]float64
	// given what another comparison, the parent, came to: [comparison][level of
	// parent][level]. Comparisons without a parent have nil.
	parent   []int
	mOf, uOf [][][]float64
}

func newWeights(s schema) *weights {
	w := &weights{m: make([][]float64, s.comparisons()), u: make([][]float64, s.comparisons())}
	for c := range w.m {
		w.m[c] = make([]float64, s.levels(c))
		w.u[c] = make([]float64, s.levels(c))
	}
	return w
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
// of its parent (row 0 without) and level. Where equality has a value to look
// up, the table holds log2 m alone and the value's own frequency is taken from
// it, unless the parent already makes equality likely.
type log2s struct {
	w      [][][]float32
	parent []int
	looks  [][]uint8 // the level that looks its value up, by comparison and parent level; 0 none
}

// explained is how many times likelier than by itself a parent may make
// agreement before the value's own frequency says nothing more.
const explained = 3

func (w *weights) logs(s schema) *log2s {
	l := &log2s{w: make([][][]float32, len(w.m)), parent: make([]int, len(w.m)), looks: make([][]uint8, len(w.m))}
	for c := range w.m {
		ms, us := [][]float64{w.m[c]}, [][]float64{w.u[c]}
		l.parent[c] = -1
		if w.parent != nil && w.parent[c] >= 0 {
			l.parent[c] = w.parent[c]
			ms = append(ms, w.mOf[c][1:]...)
			us = append(us, w.uOf[c][1:]...)
		}
		exact := s.exact(c)
		for row := range ms {
			t := make([]float32, len(w.m[c]))
			looks := exact
			if exact != 0 && us[row][exact] > explained*w.u[c][exact] {
				looks = 0
			}
			for k := 1; k < len(t); k++ {
				t[k] = float32(math.Log2(ms[row][k] / us[row][k]))
			}
			if looks != 0 {
				t[looks] = float32(math.Log2(ms[row][looks]))
			}
			l.w[c] = append(l.w[c], t)
			l.looks[c] = append(l.looks[c], looks)
		}
	}
	return l
}

// one is the weight comparison c adds.
func (l *log2s) one(c int, p *pattern, q *frequencies) float32 {
	k := p.level[c]
	if k == missing {
		return 0
	}
	row := uint8(0)
	if l.parent[c] >= 0 {
		row = p.level[l.parent[c]]
	}
	if k == l.looks[c][row] {
		return l.w[c][row][k] - q.of(p.slot[c], p.value[c])
	}
	return l.w[c][row][k]
}

func (l *log2s) sum(p *pattern, q *frequencies) float32 {
	t := float32(0)
	for c := range l.w {
		if p.level[c] != missing {
			t += l.one(c, p, q)
		}
	}
	return t
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
	w.settleOrder(s)
}

// fitted is what EM found from one rule's pairs.
type fitted struct {
	rule    rule
	w       *weights
	share   float64 // matches among the rule's pairs
	matches float64 // expected in the sample
	seen    []float64
}

// em fits m and the share of matches to the pairs of one rule, u held fixed.
// Comparisons the rule settles are left out.
func em(s schema, start *weights, q *frequencies, sample *pairSample, r rule, rounds int) *fitted {
	w := newWeights(s)
	for c := range w.m {
		copy(w.m[c], start.m[c])
		copy(w.u[c], start.u[c])
	}
	fit := &fitted{rule: r, w: w, share: 0.1, seen: make([]float64, len(w.m))}
	var open []int
	for c := range w.m {
		if !r.settles(s, c) {
			open = append(open, c)
		}
	}
	counts := make([][]float64, len(w.m))
	for c := range counts {
		counts[c] = make([]float64, len(w.m[c]))
	}
	for round := 0; round < rounds; round++ {
		logs := w.logs(s)
		prior := math.Log2(fit.share / (1 - fit.share))
		for c := range counts {
			clear(counts[c])
			fit.seen[c] = 0
		}
		sum := 0.0
		for i := range sample.patterns {
			p := &sample.patterns[i]
			t := float32(0)
			for _, c := range open {
				t += logs.one(c, p, q)
			}
			pm := probability(prior + float64(t))
			sum += pm
			if pm < 1e-6 {
				continue
			}
			for _, c := range open {
				if l := p.level[c]; l != missing {
					counts[c][l] += pm
					fit.seen[c] += pm
				}
			}
		}
		fit.share = min(0.999, max(1e-6, sum/float64(len(sample.patterns))))
		fit.matches = sum
		for _, c := range open {
			if fit.seen[c] > 0 {
				for l := 1; l < len(counts[c]); l++ {
					// A few imagined pairs keep a level unseen so far possible.
					w.m[c][l] = (counts[c][l] + 2*start.m[c][l]) / (fit.seen[c] + 2)
				}
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
// counting by the matches it saw there.
func combine(s schema, w *weights, fits []*fitted) {
	for c := range w.m {
		sum := make([]float64, len(w.m[c]))
		total := 0.0
		for _, f := range fits {
			if f.rule.settles(s, c) || f.seen[c] < 1 {
				continue
			}
			k := math.Sqrt(f.seen[c])
			for l := 1; l < len(sum); l++ {
				sum[l] += k * f.w.m[c][l]
			}
			total += k
		}
		if total > 0 {
			for l := 1; l < len(sum); l++ {
				w.m[c][l] = sum[l] / total
			}
		}
	}
	w.settleOrder(s)
}

// samplePairs takes up to n pairs of a rule's blocks, evenly.
func samplePairs(rb ruleBlocks, n int, rng *rand.Rand) *pairSample {
	total := 0.0
	from := uint32(0)
	for _, e := range rb.ends {
		k := float64(e - from)
		total += k * (k - 1) / 2
		from = e
	}
	keep := min(1, float64(n)/max(total, 1))
	s := &pairSample{total: total}
	from = 0
	for _, e := range rb.ends {
		m := rb.members[from:e]
		for i := range m {
			for j := i + 1; j < len(m); j++ {
				if keep == 1 || rng.Float64() < keep {
					s.pairs = append(s.pairs, [2]int32{min(m[i], m[j]), max(m[i], m[j])})
				}
			}
		}
		from = e
	}
	return s
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
			fmt.Fprintf(out, " %.4f/%.2g(%+.1f)", w.m[c][l], w.u[c][l], math.Log2(w.m[c][l]/w.u[c][l]))
		}
		fmt.Fprintln(out)
	}
}

func sortedByMatches(fits []*fitted) {
	slices.SortFunc(fits, func(a, b *fitted) int {
		if a.matches > b.matches {
			return -1
		}
		if a.matches < b.matches {
			return 1
		}
		return 0
	})
}
