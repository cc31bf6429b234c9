package match

import (
	"crypto/sha256"
	"embed"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sync"
)

// Model is what was learnt: everything needed to find, score and explain
// candidates without holding the population. It is immutable; its ID changes
// with any parameter or language table, and every link names it.
type Model struct {
	tab    *tables
	schema schema
	rules  []rule
	index  []int // of the rules, those an index keeps keys of; none: all
	fit    fit
	values []valueTable // by slot
	made   Made
	costs  Costs
	id     string
	sc     *scorer
	// sessions are of this model alone, whatever copies are made of it.
	sessions *sync.Pool
}

// Made says where a model comes from.
type Made struct {
	Name    string `json:"name"`
	From    string `json:"from"`
	Records int    `json:"records"`
	// Population is how many persons the prior chance of a match is for.
	Population int `json:"population"`
}

// valueTable holds the log2 chance of common values by the hash of their
// text. Values few people have are not in it, so that an artefact names
// nobody; they get floor.
type valueTable struct {
	logU  map[uint64]float32
	floor float32
}

// fewest is how many persons must share a value for a model to keep it.
const fewest = 5

// mostValues bounds the values kept of one slot.
const mostValues = 20_000

// Learn fits a model to a dataset without labels. It fails with ErrImplausible
// rather than return parameters no set of matches could have.
func Learn(d *Dataset, set Settings, made Made) (*Model, error) {
	if err := set.check(); err != nil {
		return nil, fmt.Errorf("learn: %w", err)
	}
	f := d.f
	if f.len() > set.Sample {
		return nil, fmt.Errorf("learn: %d records; at most %d are learnt from, raise Sample or give fewer", f.len(), set.Sample)
	}
	res, err := resolveLearning(f, set, 1)
	if err != nil {
		return nil, err
	}
	rules, _ := res.fit.chooseRules(f, 20, maxModelRules, 3)
	made.Records = f.len()
	if made.Population == 0 {
		made.Population = f.len()
	}
	m := &Model{tab: f.tab, schema: f.schema, made: made, costs: DefaultCosts()}
	m.rules, m.index = withIndex(rules, chooseIndex(f, res.person, made.Population))
	m.fit = fit{w: res.fit.w, prior: res.fit.prior}
	m.values = make([]valueTable, len(f.schema))
	m.fit.q = &frequencies{schema: f.schema, year: res.fit.q.year, day: res.fit.q.day}
	person := res.person
	for s := range f.schema {
		if res.fit.q.logU[s] == nil {
			continue
		}
		m.values[s] = tableOf(f, s, res.fit.q, person)
		m.values[s].floor = unseen(f.schema[s].Kind, res.fit.q.floor[s], res.fit.w.u[s])
	}
	return m, m.seal()
}

// maxModelRules bounds the rules, and so the keys, of a model for an index.
const maxModelRules = 24

// unseen is the log2 chance taken for a value the model does not have. A phone
// number or identifier is everybody's own; but a name or town the model never
// saw may be common where it is used, and is put half way (in bits) between
// the rarest and the average.
func unseen(k slotKind, rarest float32, u []float64) float32 {
	switch k {
	case kindPhone, kindEmail, kindIdentifier, kindHousehold:
		return rarest
	}
	return (rarest + float32(math.Log2(u[len(u)-1]))) / 2
}

func tableOf(f *frame, s int, q *frequencies, person []int32) valueTable {
	t := valueTable{logU: map[uint64]float32{}, floor: q.floor[s]}
	counts := make([]uint32, f.lex[s].size())
	last := make([]int32, len(counts))
	count(f, s, groupByPerson(person), person, func(v uint32, p int32) { bump(counts, last, v, p) })
	var ids []uint32
	for v, c := range counts {
		if c >= fewest {
			ids = append(ids, uint32(v))
		}
	}
	slices.SortFunc(ids, func(a, b uint32) int {
		if counts[a] != counts[b] {
			return int(counts[b]) - int(counts[a])
		}
		return int(a) - int(b)
	})
	for _, v := range ids[:min(len(ids), mostValues)] {
		t.logU[textHash(f.lex[s].text(v))] = q.logU[s][v]
	}
	return t
}

// ID is the hash of the model and of the language tables it was learnt with.
func (m *Model) ID() string { return m.id }

// Made says where the model comes from.
func (m *Model) Made() Made { return m.made }

// Costs are the costs the zones follow from.
func (m *Model) Costs() Costs { return m.costs }

// ForPopulation returns the model with the prior for an index of n persons:
// the more persons, the less a likeness proves.
func (m *Model) ForPopulation(n int) (*Model, error) {
	if n < 1 {
		return nil, fmt.Errorf("population %d: want at least 1", n)
	}
	c := *m
	k := float64(m.made.Population) / float64(n)
	c.fit.prior = priors{min(0.2, m.fit.prior.same*k), min(0.2, m.fit.prior.kin*k)}
	c.made.Population = n
	return &c, c.seal()
}

// WithCosts returns the model with other costs, and so other thresholds.
func (m *Model) WithCosts(costs Costs) (*Model, error) {
	if err := costs.check(); err != nil {
		return nil, err
	}
	c := *m
	c.costs = costs
	return &c, c.seal()
}

// seal computes the ID and what scoring needs.
func (m *Model) seal() error {
	b, err := json.Marshal(m.artefact())
	if err != nil {
		return fmt.Errorf("hash model: %w", err)
	}
	m.id = fmt.Sprintf("match/%d/%x", modelFormat, sha256.Sum256(b))[:8+24]
	m.sc = m.fit.scorer(m.schema)
	m.sessions = &sync.Pool{}
	return nil
}

//go:embed model
var builtIn embed.FS

// earlierIndex are the index's rules of the built-in model before they were chosen for
// a million persons, and earlierRules how many rules it had.
var earlierIndex = [...]string{
	"identifier", "street+year", "two-names", "email", "sound+month-day", "phone", "sound+household", "sound+street", "given-form+postcode", "form-and-name",
}

const earlierRules = 24

// EarlierModel is the built-in model as agencies matched by it before its index's
// rules were chosen anew: what persons are scored by is the same, what they are found
// by is not. It is there for the keys that stand until others are built.
func EarlierModel() (*Model, error) {
	m, err := DefaultModel()
	if err != nil {
		return nil, err
	}
	c := *m
	c.rules, c.index = m.rules[:earlierRules], nil
	for _, name := range earlierIndex {
		at := slices.IndexFunc(c.rules, func(r rule) bool { return r.String() == name })
		if at < 0 {
			return nil, fmt.Errorf("earlier built-in model: it has no rule %s", name)
		}
		c.index = append(c.index, at)
	}
	return &c, c.seal()
}

// DefaultModel is the built-in model, learnt from an invented population (see
// the README for how it was made and how to make it again).
func DefaultModel() (*Model, error) {
	f, err := builtIn.Open("model/default.json")
	if err != nil {
		return nil, fmt.Errorf("built-in model: %w", err)
	}
	m, err := ReadModel(f)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, fmt.Errorf("built-in model: %w", err)
	}
	return m, nil
}
