package match

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// Model is what was learnt: everything needed to find, score and explain
// candidates without holding the population. It is immutable; its ID changes
// with any parameter or language table, and every link names it.
type Model struct {
	tab    *tables
	schema schema
	rules  []rule
	fit    fit
	values []valueTable // by slot
	made   Made
	costs  Costs
	id     string
	sc     *scorer
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

// modelFormat is the version of the artefact's form.
const modelFormat = 1

// Learn fits a model to a dataset without labels. It fails with ErrImplausible
// rather than return parameters no set of matches could have.
func Learn(d *Dataset, set Settings, made Made) (*Model, error) {
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
	m := &Model{tab: f.tab, schema: f.schema, rules: rules, made: made, costs: DefaultCosts()}
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

// artefact is the stored form of a model.
type artefact struct {
	Format      int              `json:"format"`
	Made        Made             `json:"made"`
	Tables      string           `json:"language_tables"`
	Rules       []rule           `json:"rules"`
	Schema      schema           `json:"schema"`
	Same        float64          `json:"prior_same"`
	Kin         float64          `json:"prior_kin"`
	Costs       Costs            `json:"costs"`
	Comparisons []artefactLevels `json:"comparisons"`
	Values      []artefactValues `json:"values"`
	Years       string           `json:"years"`
	Days        string           `json:"days"`
}

type artefactLevels struct {
	Name   string      `json:"name"`
	Levels []string    `json:"levels"`
	M      []float64   `json:"m"`
	K      []float64   `json:"k"`
	U      []float64   `json:"u"`
	Parent int         `json:"parent"` // -1 none
	MOf    [][]float64 `json:"m_given,omitempty"`
	KOf    [][]float64 `json:"k_given,omitempty"`
	UOf    [][]float64 `json:"u_given,omitempty"`
}

type artefactValues struct {
	Slot   int     `json:"slot"`
	Floor  float32 `json:"floor"`
	Hashes string  `json:"hashes"` // base64 of little-endian uint64, ascending
	Logs   string  `json:"log2"`   // base64 of little-endian float32
}

func (m *Model) artefact() *artefact {
	a := &artefact{
		Format: modelFormat, Made: m.made, Tables: m.tab.digest, Rules: m.rules, Schema: m.schema,
		Same: m.fit.prior.same, Kin: m.fit.prior.kin, Costs: m.costs,
		Years: packFloats(m.fit.q.year), Days: packFloats(m.fit.q.day),
	}
	w := m.fit.w
	for c := range w.m {
		l := artefactLevels{
			Name: m.schema.comparisonName(c), Levels: m.schema.levelNames(c), M: w.m[c], K: w.k[c], U: w.u[c], Parent: -1,
		}
		if w.parent != nil && w.parent[c] >= 0 {
			l.Parent, l.MOf, l.KOf, l.UOf = w.parent[c], w.mOf[c], w.kOf[c], w.uOf[c]
		}
		a.Comparisons = append(a.Comparisons, l)
	}
	for s, t := range m.values {
		if t.logU == nil {
			continue
		}
		hashes := make([]uint64, 0, len(t.logU))
		for h := range t.logU {
			hashes = append(hashes, h)
		}
		slices.Sort(hashes)
		raw := make([]byte, 0, 8*len(hashes))
		logs := make([]float32, len(hashes))
		for i, h := range hashes {
			raw = binary.LittleEndian.AppendUint64(raw, h)
			logs[i] = t.logU[h]
		}
		a.Values = append(a.Values, artefactValues{s, t.floor, base64.StdEncoding.EncodeToString(raw), packFloats(logs)})
	}
	return a
}

// WriteTo writes the artefact as JSON.
func (m *Model) WriteTo(w io.Writer) (int64, error) {
	b, err := json.MarshalIndent(m.artefact(), "", " ")
	if err != nil {
		return 0, fmt.Errorf("write model: %w", err)
	}
	n, err := w.Write(append(b, '\n'))
	if err != nil {
		return int64(n), fmt.Errorf("write model: %w", err)
	}
	return int64(n), nil
}

// ReadModel reads an artefact. It refuses one of another format, one learnt
// with other language tables, and parameters that are no chances.
func ReadModel(r io.Reader) (*Model, error) {
	var a artefact
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		return nil, fmt.Errorf("read model: %w", err)
	}
	tab, err := loadTables()
	if err != nil {
		return nil, err
	}
	if a.Format != modelFormat {
		return nil, fmt.Errorf("read model: format %d, this program reads %d", a.Format, modelFormat)
	}
	if a.Tables != tab.digest {
		return nil, fmt.Errorf("read model: learnt with language tables %s, this program has %s; learn it again", a.Tables, tab.digest)
	}
	m := &Model{tab: tab, schema: a.Schema, rules: a.Rules, made: a.Made, costs: a.Costs}
	if err := m.fill(&a); err != nil {
		return nil, fmt.Errorf("read model: %w", err)
	}
	return m, m.seal()
}

func (m *Model) fill(a *artefact) error {
	base := baseSchema()
	if len(a.Schema) < len(base) || len(a.Schema) > maxSlots || !slices.Equal(a.Schema[:len(base)], base) {
		return errors.New("schema is not one of this program")
	}
	for _, sl := range a.Schema[len(base):] {
		if sl.Kind != kindIdentifier && sl.Kind != kindOther {
			return fmt.Errorf("slot %q is of a kind that has its own", sl.Name)
		}
	}
	if err := a.Costs.check(); err != nil {
		return err
	}
	if !(a.Same > 0 && a.Same < 1 && a.Kin > 0 && a.Kin < 1 && a.Same+a.Kin < 1) || a.Made.Population < 1 {
		return errors.New("prior chances are no chances")
	}
	if len(a.Comparisons) != a.Schema.comparisons() {
		return fmt.Errorf("%d comparisons, the schema has %d", len(a.Comparisons), a.Schema.comparisons())
	}
	w := newWeights(a.Schema)
	n := len(w.m)
	w.parent, w.mOf, w.kOf, w.uOf = make([]int, n), make([][][]float64, n), make([][][]float64, n), make([][][]float64, n)
	for c, l := range a.Comparisons {
		levels := a.Schema.levels(c)
		for _, row := range [][]float64{l.M, l.K, l.U} {
			if err := chances(row, levels); err != nil {
				return fmt.Errorf("comparison %s: %w", l.Name, err)
			}
		}
		w.m[c], w.k[c], w.u[c] = l.M, l.K, l.U
		w.parent[c] = l.Parent
		if l.Parent < 0 {
			continue
		}
		if l.Parent >= c {
			return fmt.Errorf("comparison %s: its parent comes after it", l.Name)
		}
		for _, table := range [][][]float64{l.MOf, l.KOf, l.UOf} {
			if len(table) != a.Schema.levels(l.Parent) {
				return fmt.Errorf("comparison %s: %d rows given its parent, want %d", l.Name, len(table), a.Schema.levels(l.Parent))
			}
			for _, row := range table[1:] {
				if err := chances(row, levels); err != nil {
					return fmt.Errorf("comparison %s: %w", l.Name, err)
				}
			}
		}
		w.mOf[c], w.kOf[c], w.uOf[c] = l.MOf, l.KOf, l.UOf
	}
	q := &frequencies{schema: a.Schema}
	var err error
	if q.year, err = unpackFloats(a.Years, 10000); err != nil {
		return fmt.Errorf("years: %w", err)
	}
	if q.day, err = unpackFloats(a.Days, 10000); err != nil {
		return fmt.Errorf("days: %w", err)
	}
	m.fit = fit{w: w, q: q, prior: priors{a.Same, a.Kin}}
	m.values = make([]valueTable, len(a.Schema))
	for _, v := range a.Values {
		if v.Slot < 0 || v.Slot >= len(m.values) {
			return fmt.Errorf("values of slot %d: there is none", v.Slot)
		}
		raw, err := base64.StdEncoding.DecodeString(v.Hashes)
		if err != nil || len(raw)%8 != 0 {
			return fmt.Errorf("values of slot %d: hashes do not decode", v.Slot)
		}
		logs, err := unpackFloats(v.Logs, len(raw)/8)
		if err != nil {
			return fmt.Errorf("values of slot %d: %w", v.Slot, err)
		}
		t := valueTable{logU: make(map[uint64]float32, len(logs)), floor: v.Floor}
		for i, l := range logs {
			t.logU[binary.LittleEndian.Uint64(raw[8*i:])] = l
		}
		m.values[v.Slot] = t
	}
	return nil
}

// chances checks that levels 1 and up hold positive chances of at most 1.
func chances(row []float64, levels int) error {
	if len(row) != levels {
		return fmt.Errorf("%d levels, want %d", len(row), levels)
	}
	for _, x := range row[1:] {
		if !(x > 0 && x <= 1.000001) {
			return fmt.Errorf("%v is no chance", x)
		}
	}
	return nil
}

func packFloats(x []float32) string {
	raw := make([]byte, 0, 4*len(x))
	for _, v := range x {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return base64.StdEncoding.EncodeToString(raw)
}

func unpackFloats(s string, n int) ([]float32, error) {
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(raw) != 4*n {
		return nil, fmt.Errorf("want %d numbers", n)
	}
	out := make([]float32, n)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		if out[i] != out[i] || out[i] > 0 {
			return nil, fmt.Errorf("number %d is no log2 of a chance", i)
		}
	}
	return out, nil
}

// seal computes the ID and what scoring needs.
func (m *Model) seal() error {
	b, err := json.Marshal(m.artefact())
	if err != nil {
		return fmt.Errorf("hash model: %w", err)
	}
	m.id = fmt.Sprintf("match/%d/%x", modelFormat, sha256.Sum256(b))[:8+24]
	m.sc = m.fit.scorer(m.schema)
	return nil
}

//go:embed model
var builtIn embed.FS

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
