// Package index is who is who in one agency: the matching engine (package match)
// put to the persons intake knows. It is pure; the tables are in package postgres.
//
// Guarantees:
//
//  1. A person saved is found at once by whoever shares a key with them, in every
//     generation of keys there is.
//  2. Nobody is linked across a seal (an adoption, a protected identity), nor
//     suggested across one.
//  3. Where one of two has a confidential address and the other says nothing of it,
//     no link is made unasked: the one who asks may be the one they hide from.
//  4. Every link and every question names the model that scored it, and why.
package index

import (
	"fmt"

	"github.com/hearthfps/hearth/services/intake/match"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// FirstGeneration is the generation of keys of an agency that never learnt.
const FirstGeneration = 1

// Index is what one agency matches by. It is not changed once it is made.
type Index struct {
	// Version is that of the agency's row; 0 while it has none.
	Version int64
	// Live scores, and finds by the keys of its Generation.
	Live       *match.Model
	Generation int16
	// Other is the model beside it, whose keys are kept up to date too; nil when
	// there is none.
	Other           *match.Model
	OtherGeneration int16
}

var _ referral.Matcher = (*Index)(nil)

// Find implements referral.Matcher.
func (x *Index) Find(p *referral.Person) []int64 { return keys(x.Live, Describe(p)) }

// Keep implements referral.Matcher.
func (x *Index) Keep(p *referral.Person) []referral.IndexKey {
	all := inGeneration(x.Generation, p.FoundBy(x))
	if x.Other != nil && x.OtherGeneration != x.Generation {
		all = append(all, inGeneration(x.OtherGeneration, keys(x.Other, Describe(p)))...)
	}
	return all
}

func inGeneration(g int16, keys []int64) []referral.IndexKey {
	all := make([]referral.IndexKey, len(keys))
	for i, k := range keys {
		all[i] = referral.IndexKey{Generation: g, Hash: k}
	}
	return all
}

func keys(m *match.Model, p *match.Person) []int64 {
	found := m.IndexKeys(p)
	all := make([]int64, len(found))
	for i, k := range found {
		all[i] = k.Int64()
	}
	return all
}

// Most questions asked about one person reported.
const mostAsks = 5

// Match implements referral.Matcher. It decides twice when the referral states a
// household: who is in it is told by those linked at first, and is evidence for
// the others.
func (x *Index) Match(r referral.Report) []referral.Link {
	t := &table{known: map[*match.Person]*referral.Person{}}
	t.add(r)
	decided := match.Settle(x.Live, t.reported, t.found)
	if home := t.home(r, decided); home != "" {
		t.settleIn(r, home)
		decided = match.Settle(x.Live, t.reported, t.found)
	}
	links := make([]referral.Link, len(decided))
	for i, d := range decided {
		links[i] = x.link(t, r.Persons[i], t.reported[i], d)
	}
	return links
}

// table is a report as the engine sees it.
type table struct {
	reported []*match.Person
	found    [][]*match.Person
	known    map[*match.Person]*referral.Person
}

func (t *table) add(r referral.Report) {
	described := map[referral.PersonID]*match.Person{}
	for i, p := range r.Persons {
		t.reported = append(t.reported, Describe(p))
		var found []*match.Person
		for _, q := range r.Found[i] {
			d := described[q.ID]
			if d == nil {
				d = Describe(q)
				described[q.ID], t.known[d] = d, q
			}
			found = append(found, d)
		}
		t.found = append(t.found, found)
	}
}

// home is the known household that most of the stated household's linked members
// are in; "" when none is.
func (t *table) home(r referral.Report, decided []match.Decision) referral.HouseholdID {
	count := map[referral.HouseholdID]int{}
	var best referral.HouseholdID
	for i, d := range decided {
		if d.Zone != match.Link || !r.Together[i] {
			continue
		}
		for _, h := range t.known[d.Link.Person].Households {
			count[h]++
			if best == "" || count[h] > count[best] || count[h] == count[best] && h < best {
				best = h
			}
		}
	}
	return best
}

func (t *table) settleIn(r referral.Report, home referral.HouseholdID) {
	for i, p := range t.reported {
		if r.Together[i] {
			p.Household = string(home)
		}
	}
	for d, p := range t.known {
		for _, h := range p.Households {
			if h == home {
				d.Household = string(home)
			}
		}
	}
}

// reasonProtected is why somebody with a confidential address is not linked unasked.
const reasonProtected = "confidential_address"

func (x *Index) link(t *table, reported *referral.Person, described *match.Person, d match.Decision) referral.Link {
	switch d.Zone {
	case match.Link:
		known := t.known[d.Link.Person]
		score := x.score(described, d.Link)
		if known.Hidden() != reported.Hidden() {
			score.Reasons = append(score.Reasons, reasonProtected)
			return referral.Link{Basis: referral.BasisAsked, Asks: []referral.Likeness{{Person: known, Score: score}}}
		}
		return referral.Link{Person: known, Basis: referral.BasisLinked, Score: &score}
	case match.Ask:
		link := referral.Link{Basis: referral.BasisAsked}
		for i := range d.Ask[:min(len(d.Ask), mostAsks)] {
			score := x.score(described, &d.Ask[i])
			if d.Why != "" {
				score.Reasons = append(score.Reasons, whyCodes[d.Why])
			}
			link.Asks = append(link.Asks, referral.Likeness{Person: t.known[d.Ask[i].Person], Score: score})
		}
		return link
	}
	return referral.Link{Basis: referral.BasisNew}
}

var whyCodes = map[string]string{match.WhySeveral: "several_fit", match.WhyTaken: "fits_another_of_the_report"}

func (x *Index) score(p *match.Person, s *match.Scored) referral.Score {
	return Score(x.Live, p, s.Person, s.Score)
}

// Score is an engine's score of two persons as intake keeps it: with what was
// compared, and without the values.
func Score(m *match.Model, p, q *match.Person, s match.Score) referral.Score {
	out := referral.Score{Model: s.Model, LogOdds: s.LogOdds, P: s.P, Zone: s.Zone.String(), Reasons: []string{}}
	for _, g := range s.Guards {
		out.Reasons = append(out.Reasons, g.Code())
	}
	for _, e := range m.Evidence(p, q) {
		out.Evidence = append(out.Evidence, referral.Evidence{Comparison: code(e.Comparison), Level: code(e.Level), Weight: round(e.Weight)})
	}
	return out
}

// Together says whether a pair would be linked or asked about.
func Together(s referral.Score) bool { return s.Zone != match.New.String() }

// Compare scores two known persons; ok is false when they may not be compared.
func Compare(m *match.Model, p, q *referral.Person) (s referral.Score, ok bool) {
	a, b := Describe(p), Describe(q)
	score := m.Compare(a, b)
	if score.Bar != match.NotBarred {
		return referral.Score{}, false
	}
	s = Score(m, a, b, score)
	if p.Hidden() != q.Hidden() && score.Zone == match.Link {
		s.Zone, s.Reasons = match.Ask.String(), append(s.Reasons, reasonProtected)
	}
	return s, true
}

// BuiltIn is what an agency matches by that never learnt.
func BuiltIn() (*Index, error) {
	m, err := match.DefaultModel()
	if err != nil {
		return nil, fmt.Errorf("read the built-in model: %w", err)
	}
	return &Index{Live: m, Generation: FirstGeneration}, nil
}
