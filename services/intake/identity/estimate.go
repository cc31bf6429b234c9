package identity

import "math"

// z95 is the 97.5 % point of the normal distribution: intervals are of 95 %.
const z95 = 1.959963984540054

// Estimate is a share with its 95 % interval. Known is false when nothing was counted.
type Estimate struct {
	Known           bool
	Rate, Low, High float64
}

// Wilson estimates a share from k of n (Wilson, Journal of the American Statistical
// Association 22, 1927): an interval that stays within 0 and 1 and does not shrink to
// nothing when k is 0, as false links hopefully often are.
func Wilson(k, n int) Estimate {
	if n == 0 {
		return Estimate{}
	}
	p, m := float64(k)/float64(n), float64(n)
	middle := (p + z95*z95/(2*m)) / (1 + z95*z95/m)
	half := z95 / (1 + z95*z95/m) * math.Sqrt(p*(1-p)/m+z95*z95/(4*m*m))
	return Estimate{true, p, max(0, middle-half), min(1, middle+half)}
}

// Missed estimates what share of true links was found otherwise: found of them,
// against those made, of which kept were counted in a random sample of the given share
// and more were counted one by one. The interval is that of the logarithm of the odds
// of two counts (Woolf, Annals of Human Genetics 19, 1955), each with a half added
// (Anscombe, Biometrika 43, 1956).
func Missed(found, kept int, share float64, more int) Estimate {
	if found+kept+more == 0 || share <= 0 {
		return Estimate{}
	}
	f, k := float64(found)+0.5, float64(kept)+0.5
	made := k/share + float64(more)
	spread := k/(share*share) + float64(more)
	odds := math.Log(f) - math.Log(made)
	half := z95 * math.Sqrt(1/f+spread/(made*made))
	at := func(logit float64) float64 { return 1 / (1 + math.Exp(-logit)) }
	rate := float64(found) / (float64(found) + float64(kept)/share + float64(more))
	return Estimate{true, rate, min(rate, at(odds-half)), max(rate, at(odds+half))}
}

// Judged is what became of links and questions of one group.
type Judged struct {
	// Links made unasked that were judged afterwards, and how many of them were false.
	// Those nobody could tell of are in neither.
	Links, False int
	// Questions decided as same and as different.
	Same, Different int
}

func (j Judged) count() int { return j.Links + j.Same + j.Different }

// GroupedUnder is the name of what is in no group of its own.
const GroupedUnder = "other"

// Shown are the groups with at least k judged; what is left is together under one
// name, and left out when it is fewer than k by itself. A group of a few is no
// statistic: it tells of them.
func Shown(groups map[string]Judged, k int) map[string]Judged {
	shown := map[string]Judged{}
	var rest Judged
	for name, j := range groups {
		if name != GroupedUnder && j.count() >= k {
			shown[name] = j
			continue
		}
		rest = Judged{rest.Links + j.Links, rest.False + j.False, rest.Same + j.Same, rest.Different + j.Different}
	}
	if rest.count() >= k {
		shown[GroupedUnder] = rest
	}
	return shown
}
