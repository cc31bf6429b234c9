package match

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Explanation says why two records got their score.
type Explanation struct {
	Score
	Prior    float64    // log2 odds before anything was compared
	Evidence []Evidence // what was compared, in the order of the schema
	// KinDiscount is taken off because a family would share the same: the
	// evidence of surname, address, phone and household counts for one person
	// only as far as it is not explained by one household.
	KinDiscount float64
	// Changes are single changes that would alter the zone, the smallest
	// first.
	Changes []Change
}

// Evidence is one comparison of two records. A and B are the normalised
// values compared.
type Evidence struct {
	Comparison string
	A, B       string
	Level      string
	Weight     float64 // bits for (positive) or against (negative) one person
	Why        string
}

// Change is what one comparison would have to be for another zone.
type Change struct {
	Comparison string
	From, To   string
	P          float64
	Zone       Zone
}

// Explain compares two persons and says why they score as they do.
func (m *Model) Explain(a, b *Person) Explanation {
	s := m.session(2)
	ra, rb := s.add(a), s.add(b)
	if bar := s.f.barred(ra, rb); bar != NotBarred {
		return Explanation{Score: Score{LogOdds: math.Inf(-1), Bar: bar, Model: m.id}}
	}
	var p pattern
	s.cmp.compare(ra, rb, &p)
	flags := s.f.flags[ra] | s.f.flags[rb]
	e := Explanation{Score: s.of(&p, flags), Prior: float64(s.sc.same), Evidence: s.evidence(ra, rb, &p, true)}
	total := e.Prior
	for _, ev := range e.Evidence {
		total += ev.Weight
	}
	e.KinDiscount = e.LogOdds - total
	e.Changes = s.changes(&p, flags, e.Score)
	return e
}

// Evidence is Explain's for two persons who may be compared, without the values and
// the words: what is kept with a link.
func (m *Model) Evidence(a, b *Person) []Evidence {
	s := m.session(2)
	ra, rb := s.add(a), s.add(b)
	if s.f.barred(ra, rb) != NotBarred {
		return nil
	}
	var p pattern
	s.cmp.compare(ra, rb, &p)
	return s.evidence(ra, rb, &p, false)
}

func (s *session) evidence(ra, rb int32, p *pattern, words bool) []Evidence {
	var all []Evidence
	for c := range s.sc.logs.m {
		if p.level[c] == missing {
			continue
		}
		w, _ := s.sc.logs.one(c, p, s.sc.q)
		ev := Evidence{Comparison: s.m.schema.comparisonName(c), Level: s.m.schema.levelNames(c)[p.level[c]], Weight: float64(w)}
		if words {
			ev.Why = s.why(c, p)
			if c < len(s.m.schema) {
				ev.A, ev.B = s.f.show(ra, c), s.f.show(rb, c)
			}
		}
		all = append(all, ev)
	}
	return all
}

// why puts a comparison's weight into words.
func (s *session) why(c int, p *pattern) string {
	l := p.level[c]
	row := uint8(0)
	given := ""
	if par := s.sc.logs.parent[c]; par >= 0 && p.level[par] != missing {
		row = p.level[par]
		given = fmt.Sprintf(", given that %s is %q", s.f.schema.comparisonName(par), s.f.schema.levelNames(par)[row])
	}
	w := s.m.fit.w
	m, u := w.m[c][l], w.u[c][l]
	if row > 0 {
		m, u = w.mOf[c][row][l], w.uOf[c][row][l]
	}
	if l == s.sc.logs.looks[c][row] {
		return fmt.Sprintf("so in %s of one person's records, and this value in %s of others%s",
			percent(m), percent(math.Exp2(float64(s.sc.q.of(p.slot[c], p.value[c])))), given)
	}
	return fmt.Sprintf("so in %s of one person's records and %s of strangers'%s", percent(m), percent(u), given)
}

func percent(x float64) string {
	if x < 1e-4 {
		return fmt.Sprintf("1 in %.0f", 1/x)
	}
	return fmt.Sprintf("%.3g %%", 100*x)
}

// changes tries every comparison at agreement, at difference and unknown.
func (s *session) changes(p *pattern, flags Flags, now Score) []Change {
	var out []Change
	schema := s.f.schema
	for c := 0; c < len(schema); c++ {
		if !s.f.used[c] || c == slotSex && p.level[c] == missing {
			continue
		}
		top := uint8(schema.levels(c) - 1)
		for _, to := range []uint8{top, 1, missing} {
			if to == p.level[c] {
				continue
			}
			q := *p
			q.level[c] = to
			if to == top {
				// A value as rare as the average: looked up as never seen.
				q.slot[c], q.value[c] = uint8(c), math.MaxUint32
				if schema[c].Kind == kindDate {
					q.value[c] = p.value[c]
				}
			}
			got := s.of(&q, flags)
			if got.Zone != now.Zone {
				names := schema.levelNames(c)
				out = append(out, Change{schema.comparisonName(c), names[p.level[c]], names[to], got.P, got.Zone})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Change) int {
		return cmp.Compare(math.Abs(a.P-now.P), math.Abs(b.P-now.P))
	})
	return out[:min(len(out), 5)]
}

// show renders the values a record has in a slot, as they were compared.
func (f *frame) show(r int32, s int) string {
	var parts []string
	for _, v := range f.of(r, s) {
		switch f.schema[s].Kind {
		case kindDate:
			parts = append(parts, unpack(v).String())
		case kindSex:
			parts = append(parts, [...]string{"unknown", "female", "male", "other"}[v&3])
		default:
			parts = append(parts, strings.ReplaceAll(f.lex[s].text(v), "\x00", " "))
		}
	}
	return strings.Join(parts, ", ")
}

func (s schema) comparisonName(c int) string {
	switch c {
	case s.order():
		return "order of names"
	case s.middle():
		return "further given names"
	}
	if s[c].Name == anyName {
		return s[c].Kind.String()
	}
	return s[c].String()
}

// levelNames are the names of a comparison's levels, unknown first.
func (s schema) levelNames(c int) []string {
	switch {
	case c == s.order():
		return []string{"unknown", "in order", "exchanged", "single name in its place", "single name in the other's place"}
	case c == s.middle():
		return []string{"unknown", "different", "initial agrees", "near", "same"}
	}
	switch s[c].Kind {
	case kindGiven, kindFamily:
		return []string{"unknown", "different", "initial agrees", "similar", "another name agrees", "near", "known form", "same"}
	case kindDate:
		return []string{
			"unknown", "years apart by more than ten", "years apart by at most ten", "years apart by at most two", "same year",
			"same day of another year", "near", "one slip, years apart by more than ten", "one slip", "agrees as far as known", "same",
		}
	case kindSex, kindHousehold:
		return []string{"unknown", "different", "same"}
	}
	return []string{"unknown", "different", "similar", "agrees in part", "near", "same"}
}
