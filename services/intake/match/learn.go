package match

import (
	"math"
	"math/rand/v2"
	"slices"
)

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

// estimateLevels counts levels among the pairs, each by its share, drawn towards what was thought
// before where pairs are few.
func estimateLevels(out [][]float64, patterns []pattern, share []float64, before [][]float64) {
	const draw = 20
	for c := range out {
		counts := make([]float64, len(out[c]))
		total := 0.0
		for i := range patterns {
			if l := patterns[i].level[c]; l != missing {
				counts[l] += share[i]
				total += share[i]
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
