package main

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"os"
	"sort"
	"strconv"
	"strings"
	"syscall"

	"github.com/hearthfps/hearth/services/intake/match"
)

// quality is precision, recall and F1 over record pairs.
type quality struct {
	Threshold float64 `json:"threshold"`
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
}

func qualityOf(threshold, hit, found, truth float64) quality {
	q := quality{Threshold: threshold}
	if found > 0 {
		q.Precision = hit / found
	}
	if truth > 0 {
		q.Recall = hit / truth
	}
	if hit > 0 {
		q.F1 = 2 * q.Precision * q.Recall / (q.Precision + q.Recall)
	}
	return q
}

// report is what one run measured. Resolved figures count the pairs of one
// person after resolution, which is what a user sees; Pairwise counts pairs by
// their own score alone.
type report struct {
	Records       int                   `json:"records"`
	Persons       int                   `json:"persons_found"`
	TruePairs     float64               `json:"true_pairs"`
	Precision     float64               `json:"precision"` // these three are of Resolved
	Recall        float64               `json:"recall"`
	F1            float64               `json:"f1"`
	Resolved      quality               `json:"at_half"`
	ResolvedBest  quality               `json:"at_best"`
	Pairwise      quality               `json:"pairwise_at_half"`
	PairwiseBest  quality               `json:"pairwise_at_best"`
	PairRecall    float64               `json:"candidate_pair_recall"`
	Candidates    match.CandidateReport `json:"candidates_per_record"`
	ExpectedPairs float64               `json:"expected_matching_pairs"`
	Calibration   []match.Bin           `json:"calibration,omitempty"`
	BadDates      int                   `json:"unreadable_birth_dates"`
	Phases        []match.Phase         `json:"phases"`
	Seconds       float64               `json:"seconds"`
	CPUSeconds    float64               `json:"cpu_seconds"`
	PeakMB        float64               `json:"peak_mb"`
}

// measure compares a result with the truth. In a link of two files only pairs
// across the files count.
func measure(in *input, res *match.Result) *report {
	rep := &report{
		Records: in.data.Len(), Candidates: res.Candidates, BadDates: in.badDates, ExpectedPairs: res.Expected,
	}
	distinct := map[int32]bool{}
	for _, p := range res.Persons {
		distinct[p] = true
	}
	rep.Persons = len(distinct)
	if in.truth == nil {
		return rep
	}
	truth := newTally(in)
	for i := range in.truth {
		truth.add(int32(i), in.truth[i])
	}
	rep.TruePairs = truth.pairs()
	rep.PairRecall = res.CandidateRecall(in.truth, in.sources) / math.Max(rep.TruePairs, 1)
	rep.Pairwise, rep.PairwiseBest = pairwise(in, res, rep.TruePairs)
	rep.Resolved, rep.ResolvedBest = resolved(in, res, rep.TruePairs)
	rep.Precision, rep.Recall, rep.F1 = rep.Resolved.Precision, rep.Resolved.Recall, rep.Resolved.F1
	rep.Calibration = match.Calibration(res.Pairs, in.truth)
	return rep
}

// tally counts pairs within groups, across sources where there are two.
type tally struct {
	sources []int8
	linked  bool
	n       map[int32][2]float64
}

func newTally(in *input) *tally {
	t := &tally{sources: in.sources, n: map[int32][2]float64{}}
	for _, s := range in.sources {
		t.linked = t.linked || s > 0
	}
	return t
}

func (t *tally) add(rec, group int32) {
	c := t.n[group]
	c[t.sources[rec]]++
	t.n[group] = c
}

func (t *tally) pairs() float64 {
	sum := 0.0
	for _, c := range t.n {
		sum += pairsOf(c, t.linked)
	}
	return sum
}

func pairsOf(c [2]float64, linked bool) float64 {
	if linked {
		return c[0] * c[1]
	}
	return c[0] * (c[0] - 1) / 2
}

func pairwise(in *input, res *match.Result, truePairs float64) (half, best quality) {
	linked := newTally(in).linked
	pairs := make([]match.Pair, 0, len(res.Pairs))
	for _, p := range res.Pairs {
		if !linked || in.sources[p.A] != in.sources[p.B] {
			pairs = append(pairs, p)
		}
	}
	sort.Slice(pairs, func(i, j int) bool { return pairs[i].LogOdds > pairs[j].LogOdds })
	hit := 0.0
	for i, p := range pairs {
		if in.truth[p.A] == in.truth[p.B] {
			hit++
		}
		if i+1 < len(pairs) && pairs[i+1].LogOdds == p.LogOdds {
			continue
		}
		q := qualityOf(odds(p.LogOdds), hit, float64(i+1), truePairs)
		if p.LogOdds >= 0 {
			half = q
		}
		if q.F1 > best.F1 {
			best = q
		}
	}
	half.Threshold = 0.5
	return half, best
}

func odds(log2 float32) float64 { return 1 / (1 + math.Exp2(-float64(log2))) }

// resolved walks the joins from the surest down: a pair's probability is that
// of the weakest join that brought the two together.
func resolved(in *input, res *match.Result, truePairs float64) (half, best quality) {
	n := in.data.Len()
	parent := make([]int32, n)
	groups := make([]map[int32][2]float64, n) // by root: true person to counts
	size := make([][2]float64, n)
	for i := range parent {
		parent[i] = int32(i)
		var c [2]float64
		c[in.sources[i]] = 1
		groups[i] = map[int32][2]float64{in.truth[i]: c}
		size[i] = c
	}
	var root func(int32) int32
	root = func(x int32) int32 {
		for parent[x] != x {
			parent[x] = parent[parent[x]]
			x = parent[x]
		}
		return x
	}
	linked := newTally(in).linked
	cross := func(a, b [2]float64) float64 {
		if linked {
			return a[0]*b[1] + a[1]*b[0]
		}
		return a[0] * b[0]
	}
	joins := append([]match.Join{}, res.Joins...)
	low := float32(math.Inf(1))
	for i := range joins { // odds may not rise again after a weaker join
		low = min(low, joins[i].LogOdds)
		joins[i].LogOdds = low
	}
	hit, found := 0.0, 0.0
	for i, j := range joins {
		a, b := root(j.A), root(j.B)
		if len(groups[a]) < len(groups[b]) {
			a, b = b, a
		}
		found += cross(size[a], size[b])
		for t, c := range groups[b] {
			have := groups[a][t]
			hit += cross(have, c)
			groups[a][t] = [2]float64{have[0] + c[0], have[1] + c[1]}
		}
		size[a] = [2]float64{size[a][0] + size[b][0], size[a][1] + size[b][1]}
		groups[b] = nil
		parent[b] = a
		if i+1 < len(joins) && joins[i+1].LogOdds == j.LogOdds {
			continue
		}
		q := qualityOf(odds(j.LogOdds), hit, found, truePairs)
		if j.LogOdds >= 0 {
			half = q
		}
		if q.F1 > best.F1 {
			best = q
		}
	}
	half.Threshold = 0.5
	return half, best
}

// cpuTime is the CPU time the process has used, in seconds.
func cpuTime() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// peakMemory is the process's largest resident size in MB (10^6 bytes), 0
// where the system does not tell.
func peakMemory() float64 {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if v, ok := strings.CutPrefix(sc.Text(), "VmHWM:"); ok {
			kb, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(v, "kB")), 64)
			if err != nil {
				return 0
			}
			return kb * 1024 / 1e6
		}
	}
	return 0
}

func (r *report) print(w io.Writer) {
	fmt.Fprintf(w, "records %d, persons found %d, true pairs %.0f, expected matching pairs %.0f\n", r.Records, r.Persons, r.TruePairs, r.ExpectedPairs)
	line := func(name string, q quality) {
		fmt.Fprintf(w, "%-28s precision %.4f  recall %.4f  F1 %.4f  (threshold %.4f)\n", name, q.Precision, q.Recall, q.F1, q.Threshold)
	}
	line("resolved, p >= 0.5", r.Resolved)
	line("resolved, best threshold", r.ResolvedBest)
	line("pair by pair, p >= 0.5", r.Pairwise)
	line("pair by pair, best threshold", r.PairwiseBest)
	fmt.Fprintf(w, "candidate pair recall %.4f; candidates a record: mean %.1f, p99 %d, max %d\n",
		r.PairRecall, r.Candidates.PerRecord, r.Candidates.P99, r.Candidates.Max)
	for _, b := range r.Calibration {
		fmt.Fprintf(w, "pairs said to match at %.3f: %.3f did, of %d\n", b.Said, b.Were, b.Pairs)
	}
	for _, p := range r.Phases {
		fmt.Fprintf(w, "%s %.2f s, ", p.Name, p.Seconds)
	}
	fmt.Fprintf(w, "total %.2f s (%.2f s of CPU); peak memory %.0f MB\n", r.Seconds, r.CPUSeconds, r.PeakMB)
}
