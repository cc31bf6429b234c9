package match

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// Settings of learning and deduplication. One set serves every file; see
// DefaultSettings for what each value buys.
type Settings struct {
	Workers       int     // goroutines
	Seed          uint64  // of every random choice
	Sample        int     // records learning looks at
	RandomPairs   int     // pairs u is estimated from
	RulePairs     int     // pairs a rule's EM sees at most
	Block         int     // records that may share a key; larger blocks are no evidence
	Candidates    int     // candidates a record chooses at most
	Visits        int     // block mates looked at for one record at most
	Work          float64 // block mates looked at for all records at most; bounds the two above for large files
	Rules         int     // rules kept at most
	Rounds        int     // rounds of relearning from the persons found
	LinkageSample int     // members of a cluster compared with another's
	Log           io.Writer
}

// DefaultSettings are the settings used for every file.
func DefaultSettings() Settings {
	return Settings{
		Workers: 2, Seed: 1, Sample: 60_000, RandomPairs: 500_000, RulePairs: 30_000,
		Block: 1500, Candidates: 100, Visits: 3000, Work: 1e8, Rules: 40, Rounds: 2, LinkageSample: 8,
	}
}

// check refuses settings nothing can be learnt under.
func (s Settings) check() error {
	for name, v := range map[string]int{
		"Workers": s.Workers, "Sample": s.Sample, "RandomPairs": s.RandomPairs, "RulePairs": s.RulePairs, "Block": s.Block,
		"Candidates": s.Candidates, "Visits": s.Visits, "Rules": s.Rules, "LinkageSample": s.LinkageSample,
	} {
		if v < 1 {
			return fmt.Errorf("settings: %s is %d; want at least 1 (start from DefaultSettings)", name, v)
		}
	}
	if s.Rounds < 0 || !(s.Work > 0) {
		return fmt.Errorf("settings: Rounds is %d, Work is %v; want at least 0 and more than 0", s.Rounds, s.Work)
	}
	return nil
}

func (s Settings) logf(format string, args ...any) {
	if s.Log != nil {
		fmt.Fprintf(s.Log, format+"\n", args...)
	}
}

// bounds scales the work a record may cost to the size of the file.
func (s Settings) bounds(n int) bounds {
	perRecord := int(s.Work / float64(max(n, 1)))
	b := bounds{
		visits: min(s.Visits, max(perRecord, 60)),
		block:  min(s.Block, max(perRecord, 60)),
	}
	b.candidates = min(s.Candidates, max(b.visits/5, 12))
	return b
}

// ErrImplausible says that what was learnt cannot be a description of matches
// and non-matches, and no link may be made from it.
var ErrImplausible = errors.New("implausible fit")

// fit is what learning yields: the parameters and what each rule finds.
type fit struct {
	w     *weights
	q     *frequencies
	prior priors
	found []found
	// random are the pairs u is estimated from, compared once.
	random pairSample
}

// found is one candidate rule on the learning sample.
type found struct {
	rule    rule
	sample  *pairSample
	share   priors
	matches float64
	likely  []bool // by pair of the sample: a likely match
}

// RuleYield is what a candidate rule was measured to find.
type RuleYield struct {
	Rule    string  `json:"rule"`
	Pairs   float64 `json:"pairs"`
	Share   float64 `json:"share"`   // of its pairs that match
	Kin     float64 `json:"kin"`     // of its pairs that are kin
	Matches float64 `json:"matches"` // expected in the learning sample
	New     float64 `json:"new"`     // of the matches found by no rule chosen before
	Chosen  bool    `json:"chosen"`
}

// learn fits a model to f without labels: u from random pairs, m by EM over
// the pairs of each candidate rule, combined over the rules. block bounds the
// records that may share a key.
func learn(f *frame, set Settings, block int) (*fit, error) {
	if f.len() < 50 {
		return nil, fmt.Errorf("%w: %d records are too few to learn from; use a model learnt elsewhere", ErrImplausible, f.len())
	}
	rng := rand.New(rand.NewPCG(set.Seed, 0))
	s := f.schema
	out := &fit{w: newWeights(s), q: countFrequencies(f, nil)}
	out.random.pairs = randomPairs(f, set.RandomPairs, rng)
	out.random.patterns = compareAll(f, out.random.pairs, set.Workers)
	estimateU(s, out.w, out.random.patterns, nil)
	startM(s, out.w)
	rules := allRules()
	tried := make([]*found, len(rules))
	tries := make([]*fitted, len(rules))
	parallel(set.Workers, len(rules), func(_, i int) {
		rng := rand.New(rand.NewPCG(set.Seed, 100+uint64(i)))
		sm := samplePairs(f, rules[i], blocksOf(f, rules[i], block), set.RulePairs, rng)
		if len(sm.pairs) == 0 {
			return
		}
		sm.patterns = compareAll(f, sm.pairs, 1)
		tries[i] = em(s, out.w, out.q, sm, rules[i], 15)
		tried[i] = &found{rule: rules[i], sample: sm, share: tries[i].share}
	})
	var fits []*fitted
	for i, ft := range tries {
		if ft == nil {
			continue
		}
		out.found = append(out.found, *tried[i])
		// A rule whose pairs are hardly ever matches may settle on some other
		// likeness (a town, a common name): it is used to find, not to learn.
		if ft.share.same > 0.02 && ft.matches >= 5 {
			fits = append(fits, ft)
		}
	}
	if len(fits) < 2 {
		return nil, fmt.Errorf("%w: only %d candidate rules found pairs that look like matches; use a model learnt elsewhere", ErrImplausible, len(fits))
	}
	combine(s, out.w, fits)
	out.estimatePrior(f)
	return out, out.check(f)
}

// estimatePrior finds the chances of a match and of kin from what the rules
// find: the rule that finds most bounds all from below.
func (o *fit) estimatePrior(f *frame) {
	total := max(1, f.pairs())
	o.prior = priors{1 / float64(f.len()), 1 / float64(f.len())}
	for round := 0; round < 4; round++ {
		same, kin := o.judge(f)
		o.prior = priors{min(0.2, max(1, same)/total), min(0.2, max(1, kin)/total)}
	}
}

// judge scores the rules' pairs under the parameters as they are, and returns
// the most matches and the most kin any rule finds.
func (o *fit) judge(f *frame) (same, kin float64) {
	sc := o.scorer(f.schema)
	for i := range o.found {
		r := &o.found[i]
		r.matches = 0
		r.likely = make([]bool, len(r.sample.pairs))
		relatives := 0.0
		for k := range r.sample.patterns {
			a, b := sc.pair(&r.sample.patterns[k])
			pm := probability(float64(a))
			r.matches += pm
			r.likely[k] = pm >= 0.5
			relatives += probability(float64(b))
		}
		k := r.sample.total / float64(len(r.sample.pairs))
		r.matches *= k
		same, kin = max(same, r.matches), max(kin, relatives*k)
	}
	return same, kin
}

// chooseRules picks rules greedily: the one that adds most matches per pair it
// costs, until a rule adds next to nothing. A match counts until so many rules
// find it (times): a file is searched with what it has, once will do; an index
// is asked with less than it holds, and should find a person by other ways
// when one fails. scale is how many times larger the file to be searched is
// than the one learnt from.
func (o *fit) chooseRules(f *frame, scale float64, most, times int) (rules []rule, yields []RuleYield) {
	all := map[[2]int32]int{}
	for i := range o.found {
		for k, p := range o.found[i].sample.pairs {
			if o.found[i].likely[k] {
				all[p] = 0
			}
		}
	}
	left := make([]int, len(o.found))
	for i := range left {
		left[i] = i
	}
	for len(left) > 0 {
		best, bestGain, bestNew := -1, 0.0, 0.0
		for at, i := range left {
			r := &o.found[i]
			fresh := 0.0
			for k, p := range r.sample.pairs {
				if r.likely[k] && all[p] < times {
					fresh++
				}
			}
			fresh *= r.sample.total / float64(len(r.sample.pairs))
			cost := 1 + r.sample.total*scale/float64(f.len())
			if gain := fresh / cost; gain > bestGain {
				best, bestGain, bestNew = at, gain, fresh
			}
		}
		if best < 0 {
			break
		}
		r := &o.found[left[best]]
		chosen := bestNew >= 5e-4*float64(len(all)) && len(rules) < most
		yields = append(yields, RuleYield{
			Rule: r.rule.String(), Pairs: r.sample.total, Share: r.share.same, Kin: r.share.kin, Matches: r.matches, New: bestNew, Chosen: chosen,
		})
		for k, p := range r.sample.pairs {
			if r.likely[k] {
				all[p]++
			}
		}
		if chosen {
			rules = append(rules, r.rule)
		}
		left = slices.Delete(left, best, best+1)
	}
	return rules, yields
}

// check refuses parameters no set of matches could have.
func (o *fit) check(f *frame) error {
	s := f.schema
	var wrong []string
	for c := range o.w.m {
		if c >= len(s) || !f.used[c] || s[c].Kind == kindSex {
			continue
		}
		top := len(o.w.m[c]) - 1
		weight := func(l int) float64 { return math.Log2(o.w.m[c][l] / o.w.u[c][l]) }
		if weight(top)-weight(1) < 1 {
			wrong = append(wrong, fmt.Sprintf("agreement on %s would not speak for a match (%.1f bits over disagreement)", s[c], weight(top)-weight(1)))
		}
	}
	if o.prior.same > 0.1 || o.prior.same <= 0 {
		wrong = append(wrong, fmt.Sprintf("%.3g of all pairs would match", o.prior.same))
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%w: %s", ErrImplausible, strings.Join(wrong, "; "))
	}
	return nil
}

// sample copies n random records of f into a frame that shares its lexicons.
func (f *frame) sample(n int, rng *rand.Rand) *frame {
	out := *f
	out.first, out.cum, out.values, out.flags, out.wall, out.source = nil, nil, nil, nil, nil, nil
	pick := rng.Perm(f.len())[:n]
	slices.Sort(pick)
	stride := len(f.schema) + 1
	for _, r := range pick {
		base := f.first[r]
		cum := f.cum[r*stride : (r+1)*stride]
		out.first = append(out.first, uint32(len(out.values)))
		out.cum = append(out.cum, cum...)
		out.values = append(out.values, f.values[base:base+uint32(cum[stride-1])]...)
		out.flags = append(out.flags, f.flags[r])
		out.wall = append(out.wall, f.wall[r])
		out.source = append(out.source, f.source[r])
	}
	return &out
}
