package match

import (
	"cmp"
	"math"
	"slices"
)

// Score is how likely two records are one person, and what follows.
type Score struct {
	P       float64 // probability that the two are one person
	LogOdds float64 // the same, as log2 odds
	Kin     float64 // probability that they are of one family or household, but two persons
	Zone    Zone
	Bar     Bar     // if barred, nothing else is said
	Guards  []Guard // why it is not linked without asking, if anything
	Model   string  // ID of the model
}

// Scored is a candidate with its score.
type Scored struct {
	Index  int // in the candidates given
	Person *Person
	Score
}

// Rank compares a person with candidates and returns those that may be shown,
// likeliest first: barred pairs are left out as if they did not exist.
func Rank(m *Model, p *Person, candidates []*Person) []Scored {
	if len(candidates) == 0 {
		return nil
	}
	s := m.borrow()
	ranked := s.rank(p, candidates, map[*Person]int32{})
	m.giveBack(s)
	return ranked
}

// rank is Rank; compiled has the records of persons compiled before in this session.
func (s *session) rank(p *Person, candidates []*Person, compiled map[*Person]int32) []Scored {
	query := s.add(p)
	out := make([]Scored, 0, len(candidates))
	for i, c := range candidates {
		record, again := compiled[c]
		if !again {
			record = s.add(c)
			compiled[c] = record
		}
		out = append(out, Scored{Index: i, Person: c, Score: s.score(query, record)})
	}
	out = slices.DeleteFunc(out, func(x Scored) bool { return x.Bar != NotBarred })
	slices.SortStableFunc(out, func(a, b Scored) int { return cmp.Compare(b.LogOdds, a.LogOdds) })
	return out
}

// Compare scores two persons.
func (m *Model) Compare(a, b *Person) Score {
	s := m.borrow()
	score := s.score(s.add(a), s.add(b))
	m.giveBack(s)
	return score
}

// A session that was used is used again: what it knows of names, their sounds and their
// likeness to one another need not be found out anew for each report. It scores as a
// fresh one does. One that a panic left half filled is not given back.
const (
	mostBorrowed  = 2048 // records, and then it is let go
	borrowedCells = 512
)

func (m *Model) borrow() *session {
	if s, ok := m.sessions.Get().(*session); ok {
		return s
	}
	return m.session(borrowedCells)
}

func (m *Model) giveBack(s *session) {
	if s.f.len() < mostBorrowed {
		m.sessions.Put(s)
	}
}

// session is a small frame in which a few records are compared.
type session struct {
	m   *Model
	f   *frame
	cmp *comparer
	sc  scorer
}

func (m *Model) session(records int) *session {
	f := newFrame(m.tab, m.schema)
	bits := 6
	for 1<<bits < 8*records && bits < cellBits {
		bits++
	}
	s := &session{m: m, f: f, cmp: &comparer{f, newRelationsSized(f, bits)}, sc: *m.sc}
	q := *m.fit.q
	q.logU, q.floor = make([][]float32, len(f.schema)), make([]float32, len(f.schema))
	for i, t := range m.values {
		q.floor[i] = t.floor
	}
	s.sc.q = &q
	return s
}

// add compiles a person and looks its values up in the model's tables.
func (s *session) add(p *Person) int32 {
	r := s.f.add(p)
	for i, t := range s.m.values {
		l := s.f.lex[i]
		if t.logU == nil || l == nil {
			continue
		}
		logs := s.sc.q.logU[i]
		for v := len(logs); v < l.size(); v++ {
			log, ok := t.logU[textHash(l.text(uint32(v)))]
			if !ok {
				log = t.floor
			}
			logs = append(logs, log)
		}
		s.sc.q.logU[i] = logs
	}
	return r
}

func (s *session) score(a, b int32) Score {
	if bar := s.f.barred(a, b); bar != NotBarred {
		return Score{LogOdds: math.Inf(-1), Bar: bar, Model: s.m.id}
	}
	var p pattern
	s.cmp.compare(a, b, &p)
	return s.of(&p, s.f.flags[a]|s.f.flags[b])
}

// of scores a pattern.
func (s *session) of(p *pattern, flags Flags) Score {
	same, kin := s.sc.pair(p)
	out := Score{
		P: probability(float64(same)), LogOdds: float64(same), Kin: probability(float64(kin)), Model: s.m.id,
		Guards: guards(s.f.schema, p, flags),
	}
	out.Zone = s.m.costs.zone(out.P)
	if out.Zone == Link && len(out.Guards) > 0 {
		out.Zone = Ask
	}
	return out
}

// Key is what a person is found by. Persons that share a key are candidates.
type Key struct {
	Rule uint8 // number of the rule in the model, for statistics
	Hash uint64
}

// Int64 is the key for a signed 64-bit column.
func (k Key) Int64() int64 { return int64(k.Hash) }

// maxPersonKeys bounds the keys of one person.
const maxPersonKeys = 96

// Keys are what a person is to be found by, in the order of the rules' worth,
// without repeats. A reporter has none; the keys of different compartments
// never meet. They depend on the person and the model alone.
func (m *Model) Keys(p *Person) []Key {
	all := make([]int, len(m.rules))
	for i := range all {
		all[i] = i
	}
	return m.keysOf(p, all, maxPersonKeys)
}

// keysOf are the keys of the given rules, in their order, without repeats.
func (m *Model) keysOf(p *Person, rules []int, most int) []Key {
	s := m.borrow()
	r := s.f.add(p)
	k := newKeyer(s.f)
	var out []Key
	var buf []uint64
	for _, i := range rules {
		buf = k.keys(r, m.rules[i], buf[:0])
		for _, h := range buf {
			if len(out) < most && !slices.ContainsFunc(out, func(k Key) bool { return k.Hash == h }) {
				out = append(out, Key{uint8(i), h})
			}
		}
	}
	m.giveBack(s)
	return out
}

// RuleNames are the names of the model's candidate rules, by number.
func (m *Model) RuleNames() []string {
	out := make([]string, len(m.rules))
	for i, r := range m.rules {
		out[i] = r.String()
	}
	return out
}
