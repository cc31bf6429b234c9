package match

import (
	"fmt"
	"math"
	"slices"
)

// Dataset is a set of compiled records to be learnt from, deduplicated or
// linked. It is filled by one goroutine.
type Dataset struct {
	f *frame
}

// Columns names the identifier systems and attributes of a dataset that are
// to be compared each by itself, with weights of their own.
type Columns struct {
	Identifiers []string
	Attributes  []string
}

// NewDataset makes an empty dataset.
func NewDataset(c Columns) (*Dataset, error) {
	tab, err := loadTables()
	if err != nil {
		return nil, err
	}
	s := baseSchema()
	for _, name := range c.Identifiers {
		if s, err = s.with(kindIdentifier, name); err != nil {
			return nil, err
		}
	}
	for _, name := range c.Attributes {
		if s, err = s.with(kindOther, name); err != nil {
			return nil, err
		}
	}
	return &Dataset{f: newFrame(tab, s)}, nil
}

// Add compiles a person from the given source (0 or 1; a link of two files
// only pairs records of different sources) and returns its record number.
func (d *Dataset) Add(p *Person, source int8) int {
	r := d.f.add(p)
	d.f.setSource(r, source)
	return int(r)
}

// Len is the number of records.
func (d *Dataset) Len() int { return d.f.len() }

// Pair is two records of a dataset and the odds that they are one person.
type Pair struct {
	A, B int32
	// LogOdds is the log2 odds from comparing the two alone.
	LogOdds float32
}

// Result is a deduplicated dataset.
type Result struct {
	Persons    []int32 // by record: number of the person it belongs to
	Pairs      []Pair  // scored candidate pairs with any chance
	Joins      []Join
	Candidates CandidateReport
	Rules      []RuleYield
	Phases     []Phase
	Expected   float64 // matching pairs expected among the candidates
	res        *resolution
}

// Join says at what odds two groups of records became one, each named by one
// of its records.
type Join struct {
	A, B    int32
	LogOdds float32
}

// CandidateReport says how many pairs were compared.
type CandidateReport struct {
	Pairs     int     `json:"pairs"`
	PerRecord float64 `json:"mean"`
	P99       int     `json:"p99"`
	Max       int     `json:"max"`
}

// Dedupe learns from d without labels and finds which records are one person:
// those likelier one person than not. It measures and proposes; what is linked
// without asking is decided pair by pair, by Zone.
func Dedupe(d *Dataset, set Settings) (*Result, error) {
	if err := set.check(); err != nil {
		return nil, fmt.Errorf("dedupe: %w", err)
	}
	if d.f.len() < 2 {
		return nil, fmt.Errorf("dedupe: %d records; at least two are needed", d.f.len())
	}
	res, err := resolve(d.f, set)
	if err != nil {
		return nil, err
	}
	out := &Result{res: res, Persons: res.person, Rules: res.yields, Phases: res.seconds}
	for _, e := range res.edges {
		out.Pairs = append(out.Pairs, Pair{e.a, e.b, e.lod})
		out.Expected += probability(float64(e.lod))
	}
	for _, j := range res.tree {
		out.Joins = append(out.Joins, Join{j.a, j.b, j.lod})
	}
	per := slices.Clone(res.perRecord)
	slices.Sort(per)
	out.Candidates = CandidateReport{
		Pairs: res.pairs, PerRecord: 2 * float64(res.pairs) / float64(len(per)),
		P99: int(per[int(math.Ceil(0.99*float64(len(per))))-1]), Max: int(per[len(per)-1]),
	}
	if set.Log != nil {
		res.fit.w.describe(d.f.schema, set.Log)
		set.logf("one person %.3g, kin %.3g of all pairs", res.fit.prior.same, res.fit.prior.kin)
	}
	return out, nil
}

// CandidateRecall counts the pairs of one true person that were candidates. In
// a link of two files only pairs across sources count.
func (r *Result) CandidateRecall(truth []int32, sources []int8) float64 {
	linked := slices.Max(sources) > 0
	hit := 0.0
	counts := func(a, b int32) bool {
		return truth[a] == truth[b] && (!linked || sources[a] != sources[b])
	}
	c := r.res.candidates
	for a := int32(0); int(a) < len(truth); a++ {
		for _, b := range c.of(a) {
			if counts(a, b) {
				hit++
			}
		}
	}
	for _, p := range r.res.extra {
		if counts(p[0], p[1]) {
			hit++
		}
	}
	return hit
}
