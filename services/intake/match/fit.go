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
		Block: 1500, Candidates: 110, Visits: 3000, Work: 1e8, Rules: 40, Rounds: 2, LinkageSample: 8,
	}
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

// fit is what learning yields: the parameters and the rules chosen.
type fit struct {
	w     *weights
	q     *frequencies
	rules []rule
	prior float64 // chance that two random records are one person
	yield []RuleYield
}

// RuleYield is what a candidate rule was measured to find.
type RuleYield struct {
	Rule    string  `json:"rule"`
	Pairs   float64 `json:"pairs"`
	Share   float64 `json:"share"`   // of its pairs that match
	Matches float64 `json:"matches"` // expected in the learning sample
	New     float64 `json:"new"`     // of the matches found by no rule chosen before
	Chosen  bool    `json:"chosen"`
}

// learn fits a model to f without labels: u from random pairs, m by EM over
// the pairs of each candidate rule, combined over the rules.
func learn(f *frame, set Settings) (*fit, error) {
	if f.len() < 50 {
		return nil, fmt.Errorf("%w: %d records are too few to learn from; use a model learnt elsewhere", ErrImplausible, f.len())
	}
	rng := rand.New(rand.NewPCG(set.Seed, 0))
	full := f
	if f.len() > set.Sample {
		f = f.sample(set.Sample, rng)
	}
	scale := float64(full.len()) / float64(f.len())
	s := f.schema
	out := &fit{w: newWeights(s), q: countFrequencies(full, nil)}
	estimateU(s, out.w, compareAll(f, randomPairs(f, set.RandomPairs, rng), set.Workers), nil)
	startM(s, out.w)

	lim := set.bounds(full.len())
	block := max(3, int(float64(lim.block)/scale))
	type found struct {
		sample *pairSample
		fit    *fitted
	}
	var all []found
	var fits []*fitted
	for _, r := range allRules() {
		rb := blocksOf(f, r, block)
		sm := samplePairs(rb, set.RulePairs, rng)
		if len(sm.pairs) == 0 {
			continue
		}
		sm.patterns = compareAll(f, sm.pairs, set.Workers)
		ft := em(s, out.w, out.q, sm, r, 15)
		all = append(all, found{sm, ft})
		// A rule whose pairs are hardly ever matches may settle on some other
		// likeness (a family, a town): it is used to find, not to learn.
		if ft.share > 0.02 && ft.matches >= 5 {
			fits = append(fits, ft)
		}
	}
	if len(fits) < 2 {
		return nil, fmt.Errorf("%w: only %d candidate rules found pairs that look like matches; use a model learnt elsewhere", ErrImplausible, len(fits))
	}
	combine(s, out.w, fits)

	// The chance of a match, from the matches the rules found together.
	logs := out.w.logs(s)
	matches := map[[2]int32]uint64{}
	out.prior = 1 / float64(f.len())
	total := float64(f.len()) * float64(f.len()-1) / 2
	for round := 0; round < 4; round++ {
		clear(matches)
		base := math.Log2(out.prior / (1 - out.prior))
		for i := range all {
			sm := all[i].sample
			all[i].fit.matches = 0
			for k := range sm.patterns {
				pm := probability(base + float64(logs.sum(&sm.patterns[k], out.q)))
				all[i].fit.matches += pm
				if pm >= 0.5 {
					matches[sm.pairs[k]] |= 1 << uint(i)
				}
			}
			all[i].fit.matches *= sm.total / float64(len(sm.pairs))
		}
		// Sampled rules show only part of their matches: the rule that finds
		// most in all bounds the union from below.
		most := float64(len(matches))
		for i := range all {
			most = max(most, all[i].fit.matches)
		}
		out.prior = min(0.2, max(most, 1)/total)
	}
	// Greedy choice: the rule that adds most matches per pair it costs.
	covered := map[[2]int32]bool{}
	left := make([]int, len(all))
	for i := range left {
		left[i] = i
	}
	for len(left) > 0 {
		best, bestGain, bestNew := -1, 0.0, 0.0
		for at, i := range left {
			sm := all[i].sample
			k := sm.total / float64(len(sm.pairs))
			fresh := 0.0
			for _, p := range sm.pairs {
				if matches[p]&(1<<uint(i)) != 0 && !covered[p] {
					fresh++
				}
			}
			fresh *= k
			cost := 1 + sm.total*scale/float64(f.len())
			if gain := fresh / cost; gain > bestGain {
				best, bestGain, bestNew = at, gain, fresh
			}
		}
		if best < 0 {
			break
		}
		i := left[best]
		sm := all[i].sample
		chosen := bestNew >= 5e-4*float64(len(matches)) && len(out.rules) < set.Rules
		out.yield = append(out.yield, RuleYield{
			Rule: all[i].fit.rule.String(), Pairs: sm.total, Share: all[i].fit.share,
			Matches: all[i].fit.matches, New: bestNew, Chosen: chosen,
		})
		for _, p := range sm.pairs {
			if matches[p]&(1<<uint(i)) != 0 {
				covered[p] = true
			}
		}
		if chosen {
			out.rules = append(out.rules, all[i].fit.rule)
		}
		left = slices.Delete(left, best, best+1)
	}
	if len(out.rules) == 0 {
		return nil, fmt.Errorf("%w: no candidate rule found a likely match", ErrImplausible)
	}
	return out, out.check(s, f)
}

// check refuses parameters no set of matches could have.
func (o *fit) check(s schema, f *frame) error {
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
	if o.prior > 0.1 || o.prior <= 0 {
		wrong = append(wrong, fmt.Sprintf("%.3g of all pairs would match", o.prior))
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%w: %s", ErrImplausible, strings.Join(wrong, "; "))
	}
	return nil
}

// sample copies n random records of f into a frame that shares its lexicons.
func (f *frame) sample(n int, rng *rand.Rand) *frame {
	out := *f
	out.first, out.cum, out.values, out.flags, out.wall = nil, nil, nil, nil, nil
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
	}
	return &out
}
