package match

import "math"

// Comparisons are not independent: who shares a postcode shares the town, who
// shares a given name shares the sex. Counting both in full makes strangers
// from one street look like one person. Each comparison is therefore weighed
// given what one earlier comparison, its parent, came to (a tree of
// dependence, after Chow and Liu 1968), for matches and for non-matches.

// dependence finds for each comparison the earlier one it depends on most
// among non-matches and fills in the chances given it. Pairs with keep 0 are
// left out. Where nothing is gained a comparison stays by itself.
func (w *weights) dependence(s schema, random []pattern, keep []float64, same, kin []pattern, share []float64) {
	n := len(w.m)
	w.parent = make([]int, n)
	w.mOf, w.kOf, w.uOf = make([][][]float64, n), make([][][]float64, n), make([][][]float64, n)
	for c := range w.parent {
		w.parent[c] = -1
		if c == s.order() {
			continue
		}
		best := 0.0
		for par := 0; par < c; par++ {
			if par == s.order() {
				continue
			}
			counts, total := crossCounts(len(w.u[par]), len(w.u[c]), random, keep, par, c)
			if total < 1000 {
				continue
			}
			if g := gStatistic(counts, total); g > best && g > significant {
				best = g
				w.parent[c] = par
			}
		}
		par := w.parent[c]
		if par < 0 {
			continue
		}
		uc, _ := crossCounts(len(w.u[par]), len(w.u[c]), random, keep, par, c)
		mc, _ := crossCounts(len(w.u[par]), len(w.u[c]), same, nil, par, c)
		kc, _ := crossCounts(len(w.u[par]), len(w.u[c]), kin, share, par, c)
		w.uOf[c] = conditional(uc, w.u[c])
		w.kOf[c] = conditional(kc, w.k[c])
		w.mOf[c] = conditional(mc, w.m[c])
	}
}

// significant is the G statistic below which dependence is taken for noise;
// the 99.99 % point of chi squared at the most degrees of freedom used.
const significant = 80

func crossCounts(na, nb int, patterns []pattern, keep []float64, a, b int) ([][]float64, float64) {
	counts := make([][]float64, na)
	for i := range counts {
		counts[i] = make([]float64, nb)
	}
	total := 0.0
	for i := range patterns {
		la, lb := patterns[i].level[a], patterns[i].level[b]
		if la == missing || lb == missing {
			continue
		}
		k := 1.0
		if keep != nil {
			k = keep[i]
		}
		counts[la][lb] += k
		total += k
	}
	return counts, total
}

// gStatistic is twice the log likelihood ratio of dependence over
// independence.
func gStatistic(counts [][]float64, total float64) float64 {
	rows := make([]float64, len(counts))
	cols := make([]float64, len(counts[0]))
	for i := range counts {
		for j, c := range counts[i] {
			rows[i] += c
			cols[j] += c
		}
	}
	g := 0.0
	for i := range counts {
		for j, c := range counts[i] {
			if c > 0 {
				g += 2 * c * math.Log(c*total/(rows[i]*cols[j]))
			}
		}
	}
	return g
}

// conditional turns counts into chances given the row, drawn towards the
// marginal where a row has few pairs.
func conditional(counts [][]float64, marginal []float64) [][]float64 {
	const draw = 10
	out := make([][]float64, len(counts))
	for i := range counts {
		out[i] = make([]float64, len(marginal))
		total := 0.0
		for _, c := range counts[i] {
			total += c
		}
		for j := 1; j < len(marginal); j++ {
			out[i][j] = (counts[i][j] + draw*marginal[j]) / (total + draw)
		}
	}
	return out
}
