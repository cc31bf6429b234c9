package api

import (
	"context"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/intake/fhir"
	"github.com/hearthfps/hearth/services/intake/index"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// MatchPersons implements StrictServerInterface.
func (a *API) MatchPersons(ctx context.Context, request MatchPersonsRequestObject) (MatchPersonsResponseObject, error) {
	in := request.Body
	count := 10
	if in.Count != nil {
		count = *in.Count
	}
	m, err := a.match(ctx, described(in), count, value(in.OnlyCertain))
	if err != nil {
		return nil, err
	}
	out := MatchPersons200JSONResponse{Model: m.model, RecordsOfficer: m.withheld, Candidates: []MatchCandidate{}}
	for _, c := range m.shown {
		out.Candidates = append(out.Candidates, showCandidate(c))
	}
	return out, nil
}

// described is the person a question describes.
func described(in *MatchQuestion) *referral.Person {
	p := &referral.Person{BirthDate: referral.PartialDate(value(in.BirthDate)), Sex: string(value(in.Sex)), MultipleBirth: value(in.MultipleBirth)}
	if in.Name != nil {
		p.Name = referral.Name{Given: value(in.Name.Given), Family: value(in.Name.Family)}
	}
	for _, n := range value(in.Aliases) {
		p.Aliases = append(p.Aliases, referral.Name{Given: value(n.Given), Family: value(n.Family)})
	}
	for _, c := range value(in.Contacts) {
		p.Contacts = append(p.Contacts, referral.Contact{Kind: c.Kind, Value: c.Value})
	}
	for _, x := range value(in.Addresses) {
		p.Addresses = append(p.Addresses, referral.Address{Lines: value(x.Lines), City: value(x.City), PostalCode: value(x.PostalCode), Country: value(x.Country)})
	}
	for _, id := range value(in.Identifiers) {
		p.Identifiers = append(p.Identifiers, referral.Identifier{System: value(id.System), Value: id.Value})
	}
	return p
}

// matched is what may be told of who a person described may be.
type matched struct {
	model    string
	shown    []index.Candidate
	withheld bool
}

// match finds who the person described may be, and of those whom the caller may
// see. Each that is shown has its reading audited, and the question itself too.
func (a *API) match(ctx context.Context, p *referral.Person, count int, onlyCertain bool) (matched, error) {
	if p.BirthDate == "" && p.Name.Family == "" && len(p.Name.Given)+len(p.Aliases)+len(p.Contacts)+len(p.Addresses)+len(p.Identifiers) == 0 {
		return matched{}, fault.New(fault.Unprocessable, "nothing_described", "Say something of the person to look for: a name, a birth date, a number.",
			fault.Field{Pointer: "", Code: "required", Detail: "nothing is described"})
	}
	var out matched
	err := a.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		out = matched{}
		if err := a.Policy.CheckRead(ctx, tx, policy.Match, policy.Resource{Type: "person_index"}); err != nil {
			return err
		}
		by, found, err := a.Reception.Indexes.Search(ctx, tx, p)
		if err != nil {
			return err
		}
		out.model = by.Live.ID()
		cases := map[referral.PersonID][]string{}
		persons := make([]*referral.Person, len(found))
		for i, f := range found {
			persons[i], cases[f.Person.ID] = f.Person, f.Cases
		}
		ranked := by.Rank(p, persons, fhir.MaxCount)
		if onlyCertain {
			ranked = theOne(ranked)
		}
		for _, c := range ranked {
			if len(out.shown) == count {
				break
			}
			seen, err := a.sees(ctx, tx, c.Person.ID, cases[c.Person.ID])
			switch {
			case err != nil:
				return err
			case seen:
				out.shown = append(out.shown, c)
			default:
				out.withheld = true
			}
		}
		return nil
	})
	return out, err
}

// theOne is the person it certainly is, when nobody else is at all likely.
func theOne(ranked []index.Candidate) []index.Candidate {
	if len(ranked) == 0 || !ranked[0].Certain || len(ranked) > 1 && (ranked[1].Certain || ranked[1].P >= probable) {
		return nil
	}
	return ranked[:1]
}

// sees says whether the caller may read a person, and has it audited if so.
func (a *API) sees(ctx context.Context, tx *postgres.Tx, id referral.PersonID, cases []string) (bool, error) {
	err := a.Policy.CheckRead(ctx, tx, policy.Read, policy.Resource{Type: "person", ID: string(id), Cases: cases})
	switch fault.KindOf(err) {
	case fault.NotFound, fault.Forbidden:
		return false, nil
	}
	return err == nil, err
}

// probable is the probability from which two records are likelier of one person
// than not.
const probable = 0.5

func grade(c index.Candidate) string {
	switch {
	case c.Certain:
		return fhir.Certain
	case c.P >= probable:
		return fhir.Probable
	}
	return fhir.Possible
}

func showCandidate(c index.Candidate) MatchCandidate {
	out := MatchCandidate{
		PersonId: string(c.Person.ID), Name: name(c.Person.Name), BirthDate: optional(string(c.Person.BirthDate)), Sex: optional(MatchCandidateSex(c.Person.Sex)),
		Probability: float32(c.P), LogOdds: float32(c.LogOdds), Zone: MatchCandidateZone(c.Zone), Grade: MatchGrade(grade(c)), Reasons: c.Reasons,
		Evidence: []MatchEvidence{}, Changes: []MatchChange{},
	}
	for i, e := range c.Evidence {
		out.Evidence = append(out.Evidence, MatchEvidence{Comparison: e.Comparison, Level: e.Level, Weight: float32(e.Weight), Why: optional(c.Why[i])})
	}
	for _, ch := range c.Changes {
		out.Changes = append(out.Changes, MatchChange{Comparison: ch.Comparison, Level: ch.Level, Zone: MatchChangeZone(ch.Zone)})
	}
	return out
}
