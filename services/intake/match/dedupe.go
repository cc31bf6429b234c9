package match

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// resolution is the outcome of deduplicating a frame.
type resolution struct {
	fit        *fit
	yields     []RuleYield
	candidates *adjacency
	pairs      int // distinct candidate pairs, those added through neighbours included
	perRecord  []uint32
	edges      []edge
	kin        []edge // pairs that may be kin, with the odds of that
	extra      [][2]int32
	person     []int32
	tree       []join
	seconds    []Phase
}

// Phase is the time one phase took.
type Phase struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
}

// edgeFloor is the log2 odds below which a pair is forgotten.
const edgeFloor = -7

// resolve learns from f, or a sample of it where it is large, and finds which
// of its records are one person.
func resolve(f *frame, set Settings) (*resolution, error) {
	begin := time.Now()
	var seconds []Phase
	lap := func(name string) {
		seconds = append(seconds, Phase{name, time.Since(begin).Seconds()})
		begin = time.Now()
	}
	learnt := f
	if f.len() > set.Sample {
		learnt = f.sample(set.Sample, rand.New(rand.NewPCG(set.Seed, 2)))
	}
	scale := float64(f.len()) / float64(learnt.len())
	res, err := resolveLearning(learnt, set, scale)
	if err != nil {
		return nil, err
	}
	lap("learn")
	if learnt != f {
		ft := res.fit
		rules, yields := ft.chooseRules(learnt, scale, set.Rules, 1)
		ft.found = nil
		// Values are counted on the whole file, and divided by how many
		// records a person has there.
		each := 1 + ft.prior.same*float64(f.len())
		ft.q = countValues(f, nil, each)
		res = &resolution{fit: ft, yields: yields}
		if err := res.find(f, set, rules, lap); err != nil {
			return nil, err
		}
	}
	res.expand(f, set)
	lap("expand")
	res.cluster(f, set, 0)
	lap("cluster")
	res.seconds = seconds
	return res, nil
}

// resolveLearning learns, finds persons, and learns again from them.
func resolveLearning(f *frame, set Settings, scale float64) (*resolution, error) {
	lim := set.bounds(int(float64(f.len()) * scale))
	ft, err := learn(f, set, max(4, int(float64(lim.block)/scale)))
	if err != nil {
		return nil, err
	}
	res := &resolution{fit: ft}
	var rules []rule
	rules, res.yields = ft.chooseRules(f, 1, set.Rules, 1)
	if err := res.find(f, set, rules, func(string) {}); err != nil {
		return nil, err
	}
	for round := 0; round < set.Rounds; round++ {
		res.relearn(f, set)
		res.score(f, set)
	}
	ft.random = pairSample{}
	ft.judge(f)
	return res, ft.check(f)
}

// find generates candidates and scores them.
func (res *resolution) find(f *frame, set Settings, rules []rule, lap func(string)) error {
	if len(rules) == 0 {
		return fmt.Errorf("%w: no candidate rule found a likely match", ErrImplausible)
	}
	lim := set.bounds(f.len())
	b := buildBlocks(f, rules, lim.block, set.Workers)
	lap("keys")
	res.candidates = b.choose(f, lim, set.Workers)
	lap("candidates")
	res.score(f, set)
	lap("score")
	return nil
}

// kinKept bounds the pairs of kin kept, by block of 1,024 records.
const kinKept = 4096

// score compares all candidates, keeps those with any chance, and draws the
// priors from what it finds.
func (res *resolution) score(f *frame, set Settings) {
	sc := res.fit.scorer(f.schema)
	n := f.len()
	const chunk = 1024
	chunks := (n + chunk - 1) / chunk
	type part struct {
		edges     []edge
		kin       []edge
		pairs     int
		same, rel float64
	}
	parts := make([]part, chunks)
	cs := make([]*comparer, set.Workers)
	per := make([][]uint32, set.Workers)
	parallel(set.Workers, chunks, func(w, c int) {
		if cs[w] == nil {
			cs[w] = newComparer(f)
			per[w] = make([]uint32, n)
		}
		t := &parts[c]
		var p pattern
		for r := int32(c * chunk); int(r) < min(n, (c+1)*chunk); r++ {
			for _, j := range res.candidates.of(r) {
				t.pairs++
				per[w][r]++
				per[w][j]++
				cs[w].compare(r, j, &p)
				same, kin := sc.pair(&p)
				t.same += probability(float64(same))
				t.rel += probability(float64(kin))
				if same >= edgeFloor {
					t.edges = append(t.edges, edge{r, j, same})
				}
				if kin >= -4 && len(t.kin) < kinKept {
					t.kin = append(t.kin, edge{r, j, kin})
				}
			}
		}
	})
	res.edges, res.kin, res.pairs = nil, nil, 0
	same, rel := 0.0, 0.0
	for _, t := range parts {
		res.edges = append(res.edges, t.edges...)
		res.kin = append(res.kin, t.kin...)
		res.pairs += t.pairs
		same += t.same
		rel += t.rel
	}
	res.perRecord = make([]uint32, n)
	for _, p := range per {
		for i, k := range p {
			res.perRecord[i] += k
		}
	}
	// The priors follow from the matches and kin expected among all
	// candidates; the odds found are moved along.
	total := max(1, f.pairs())
	was := sc.same
	for range 4 {
		res.fit.prior.same = min(0.2, max(same, 1)/total)
		now := res.fit.scorer(f.schema).same
		same = 0
		for i := range res.edges {
			res.edges[i].lod += now - was
			same += probability(float64(res.edges[i].lod))
		}
		was = now
	}
	res.fit.prior.kin = min(0.2, max(rel, 1)/total)
}

// surely is the log2 odds from which clusters are learnt from. A wrong pair
// learnt from teaches that one person's records differ in all that kin differ
// in, and makes more wrong pairs.
const surely = 3

// cluster finds persons; threshold is the log2 odds to join from.
func (res *resolution) cluster(f *frame, set Settings, threshold float32) {
	c := &clusterer{cmp: newComparer(f), sc: res.fit.scorer(f.schema), floor: edgeFloor + 1, most: set.LinkageSample}
	c.run(f.len(), res.edges, threshold)
	res.person = c.of
	res.tree = c.tree
}

// relearn takes the persons found so far as what they are and estimates
// again: frequencies by person and not by record, u from random pairs of
// different persons, m from the pairs of one person.
func (res *resolution) relearn(f *frame, set Settings) {
	res.cluster(f, set, surely)
	s := f.schema
	rng := rand.New(rand.NewPCG(set.Seed, 1))
	res.fit.q = countFrequencies(f, res.person)
	random := &res.fit.random
	keep := make([]float64, len(random.pairs))
	for i, p := range random.pairs {
		if res.person[p[0]] != res.person[p[1]] {
			keep[i] = 1
		}
	}
	estimateU(s, res.fit.w, random.patterns, keep)
	order := groupByPerson(res.person)
	var same [][2]int32
	for i := range order {
		for j := i + 1; j < len(order) && res.person[order[j]] == res.person[order[i]]; j++ {
			same = append(same, [2]int32{order[i], order[j]})
		}
	}
	if len(same) > set.RandomPairs {
		rng.Shuffle(len(same), func(i, j int) { same[i], same[j] = same[j], same[i] })
		same = same[:set.RandomPairs]
	}
	w := newWeights(s)
	together := compareAll(f, same, set.Workers)
	estimateU(s, w, together, nil)
	for c := range w.u {
		if c != s.order() {
			copy(res.fit.w.m[c], w.u[c])
		}
	}
	kin, share := res.relatives(f, set)
	estimateLevels(res.fit.w.k, kin, share, res.fit.w.k)
	res.fit.w.dependence(s, random.patterns, keep, together, kin, share)
	for c, par := range res.fit.w.parent {
		if par >= 0 {
			set.logf("comparison %d depends on %d", c, par)
		}
	}
}

// relatives compares pairs that may be kin, and says how likely each is.
func (res *resolution) relatives(f *frame, set Settings) (patterns []pattern, share []float64) {
	kin := res.kin[:min(len(res.kin), set.RandomPairs)]
	pairs := make([][2]int32, len(kin))
	share = make([]float64, len(kin))
	for i, e := range kin {
		pairs[i] = [2]int32{e.a, e.b}
		if res.person[e.a] != res.person[e.b] {
			share[i] = probability(float64(e.lod))
		}
	}
	return compareAll(f, pairs, set.Workers), share
}

// expand adds pairs that share a likely neighbour but no key.
func (res *resolution) expand(f *frame, set Settings) {
	n := f.len()
	near := make([][]int32, n)
	for _, e := range res.edges {
		if e.lod >= 0 {
			near[e.a] = append(near[e.a], e.b)
			near[e.b] = append(near[e.b], e.a)
		}
	}
	res.extra = res.extra[:0]
	most := uint32(2 * set.bounds(n).candidates)
	var mates []int32
	for r := int32(0); int(r) < n; r++ {
		mates = mates[:0]
		for _, x := range near[r] {
			for _, y := range near[x] {
				if y > r && f.pairable(r, y) && !res.candidates.has(r, y) {
					mates = append(mates, y)
				}
			}
		}
		slices.Sort(mates)
		mates = slices.Compact(mates)
		for _, y := range mates {
			if res.perRecord[r] >= most || res.perRecord[y] >= most {
				continue
			}
			res.extra = append(res.extra, [2]int32{r, y})
			res.perRecord[r]++
			res.perRecord[y]++
		}
	}
	res.pairs += len(res.extra)
	sc := res.fit.scorer(f.schema)
	for i, p := range compareAll(f, res.extra, set.Workers) {
		if lod, _ := sc.pair(&p); lod >= edgeFloor {
			res.edges = append(res.edges, edge{res.extra[i][0], res.extra[i][1], lod})
		}
	}
}
