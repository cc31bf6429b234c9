package index

import (
	"slices"

	"github.com/hearthfps/hearth/services/intake/match"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// Candidate is a known person and what speaks for and against that they are the
// one described.
type Candidate struct {
	Person *referral.Person
	referral.Score
	// Certain: they would be linked unasked.
	Certain bool
	Kin     float64 // the probability of one family or household, and two persons
	// Why has the words of each piece of evidence, in its order.
	Why     []string
	Changes []Change
}

// Change is what one comparison would have to be for another outcome.
type Change struct{ Comparison, Level, Zone string }

// Rank gives those of the found whom the one described may be, likeliest first and
// at most most. Confidential addresses are not compared: what they have in common
// with an address somebody asks about is nobody's to learn. Whose identity is sealed
// is not among them.
func (x *Index) Rank(described *referral.Person, found []*referral.Person, most int) []Candidate {
	probe := Describe(described)
	known := map[*match.Person]*referral.Person{}
	var others []*match.Person
	for _, p := range found {
		if p.Seal != "" {
			continue
		}
		d := Describe(open(p))
		known[d] = p
		others = append(others, d)
	}
	var out []Candidate
	for _, s := range match.Rank(x.Live, probe, others) {
		if s.Zone == match.New || len(out) == most {
			break
		}
		out = append(out, x.candidate(probe, s, known[s.Person], described.Hidden()))
	}
	return out
}

func (x *Index) candidate(probe *match.Person, s match.Scored, p *referral.Person, hidden bool) Candidate {
	c := Candidate{Person: p, Kin: s.Kin, Score: referral.Score{Model: s.Model, LogOdds: s.LogOdds, P: s.P, Zone: s.Zone.String(), Reasons: []string{}}}
	for _, g := range s.Guards {
		c.Reasons = append(c.Reasons, g.Code())
	}
	if s.Zone == match.Link && p.Hidden() != hidden {
		c.Zone, c.Reasons = match.Ask.String(), append(c.Reasons, reasonProtected)
	}
	c.Certain = c.Zone == match.Link.String()
	e := x.Live.Explain(probe, s.Person)
	for _, ev := range e.Evidence {
		c.Evidence = append(c.Evidence, referral.Evidence{Comparison: code(ev.Comparison), Level: code(ev.Level), Weight: round(ev.Weight)})
		c.Why = append(c.Why, ev.Why)
	}
	for _, ch := range e.Changes {
		c.Changes = append(c.Changes, Change{code(ch.Comparison), code(ch.To), ch.Zone.String()})
	}
	return c
}

// open is a person without the addresses that are confidential.
func open(p *referral.Person) *referral.Person {
	if !p.Hidden() {
		return p
	}
	q := *p
	q.Addresses = slices.DeleteFunc(slices.Clone(p.Addresses), func(a referral.Address) bool { return a.Confidential })
	return &q
}
