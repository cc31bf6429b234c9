package match

// Bin compares what the probabilities of some pairs said with what was so.
type Bin struct {
	Said  float64 `json:"said"` // mean probability
	Were  float64 `json:"were"` // share that were one person
	Pairs int     `json:"pairs"`
}

// Calibration puts scored pairs into ten bins of probability and compares
// each with the truth: truth[r] numbers the true person of record r. Empty
// bins are left out.
func Calibration(pairs []Pair, truth []int32) []Bin {
	var said, were [10]float64
	var n [10]int
	for _, p := range pairs {
		pr := probability(float64(p.LogOdds))
		b := min(9, int(pr*10))
		said[b] += pr
		n[b]++
		if truth[p.A] == truth[p.B] {
			were[b]++
		}
	}
	var out []Bin
	for b := range n {
		if n[b] > 0 {
			out = append(out, Bin{said[b] / float64(n[b]), were[b] / float64(n[b]), n[b]})
		}
	}
	return out
}
