package match

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// modelFormat is the version of the artefact's form.
const modelFormat = 1

// artefact is the stored form of a model.
type artefact struct {
	Format      int              `json:"format"`
	Made        Made             `json:"made"`
	Tables      string           `json:"language_tables"`
	Rules       []rule           `json:"rules"`
	Index       []int            `json:"index_rules,omitempty"`
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
		Format: modelFormat, Made: m.made, Tables: m.tab.digest, Rules: m.rules, Index: m.index, Schema: m.schema,
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
	m := &Model{tab: tab, schema: a.Schema, rules: a.Rules, index: a.Index, made: a.Made, costs: a.Costs}
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
	if err := indexed(a.Index, len(a.Rules)); err != nil {
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
