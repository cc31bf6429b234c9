package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/intake/identity"
	store "github.com/hearthfps/hearth/services/intake/postgres"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// GetPerson implements StrictServerInterface.
func (a *API) GetPerson(ctx context.Context, request GetPersonRequestObject) (GetPersonResponseObject, error) {
	var out PersonJSONResponse
	err := a.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		id := referral.PersonID(request.PersonId)
		s, err := a.person(ctx, tx, id, policy.Read, "person", false)
		if err != nil {
			return err
		}
		out, err = a.showPerson(ctx, tx, s, id)
		return err
	})
	return GetPerson200JSONResponse{out}, err
}

// showPerson is a person as the caller may see them, asked for by the id of one of
// their records.
func (a *API) showPerson(ctx context.Context, tx *postgres.Tx, s *seen, asked referral.PersonID) (PersonJSONResponse, error) {
	granted, err := a.grantedAddresses(ctx, tx, s)
	if err != nil {
		return PersonJSONResponse{}, err
	}
	p := s.Seen(s.sees)
	out := Person{
		PersonId: string(p.ID), Version: p.Version, Name: name(p.Name), BirthDate: optional(string(p.BirthDate)), Sex: optional(PersonSex(p.Sex)),
		Languages: filled(p.Languages), SafetyFlags: []string{}, Contacts: []Contact{}, Addresses: []Address{}, HouseholdIds: []ID{},
		ContactRules: showRules(p.ContactRules),
	}
	records := []ID{}
	for _, r := range s.Records {
		if s.sees(r) {
			records = append(records, string(r.ID))
			for _, f := range r.Safety.Flags {
				if !slices.Contains(out.SafetyFlags, f) {
					out.SafetyFlags = append(out.SafetyFlags, f)
				}
			}
		}
	}
	if len(records) > 1 {
		out.RecordIds = &records
	}
	if asked != p.ID {
		out.AskedFor = optional(string(asked))
	}
	for _, c := range p.Contacts {
		out.Contacts = append(out.Contacts, Contact{Kind: c.Kind, Value: c.Value, Safe: ContactSafe(c.Safe)})
	}
	var around []*referral.Person
	for _, h := range p.Households {
		members, err := store.HouseholdMembers(ctx, tx, h)
		if err != nil {
			return PersonJSONResponse{}, err
		}
		around = append(around, members...)
	}
	if around, err = store.WithRecords(ctx, tx, around); err != nil {
		return PersonJSONResponse{}, err
	}
	shown, withheld := p.VisibleAddresses(granted, around)
	for _, x := range shown {
		lines := filled(x.Lines)
		out.Addresses = append(out.Addresses, Address{Lines: &lines, City: optional(x.City), PostalCode: optional(x.PostalCode), Country: optional(x.Country), Confidential: x.Confidential})
	}
	for range withheld {
		yes := true
		out.Addresses = append(out.Addresses, Address{Confidential: true, Withheld: &yes})
	}
	for _, h := range p.Households {
		out.HouseholdIds = append(out.HouseholdIds, string(h))
	}
	tag := httpapi.ETag(p.Version)
	return PersonJSONResponse{Body: out, Headers: PersonResponseHeaders{ETag: &tag}}, nil
}

// grantedAddresses says of which addresses the caller may see the confidential ones:
// those of records they are named for, and then only where no other record of the
// person has the address too. The look is audited.
func (a *API) grantedAddresses(ctx context.Context, tx *postgres.Tx, s *seen) (func(referral.Address) bool, error) {
	who, err := principal(ctx)
	if err != nil {
		return nil, err
	}
	open := map[referral.PersonID]bool{}
	for _, r := range s.Records {
		if who.WorkerID == "" || !s.sees(r) || len(r.Addresses) == 0 {
			continue
		}
		granted, err := store.Granted(ctx, tx, store.GrantAddress, string(r.ID), who.WorkerID, a.Clock.Now())
		if err != nil {
			return nil, err
		}
		if !granted {
			continue
		}
		if err := a.Policy.CheckRead(ctx, tx, policy.Read, policy.Resource{Type: "address", ID: string(r.ID), Protected: true, Granted: []string{who.Actor()}}); err != nil {
			return nil, err
		}
		open[r.ID] = true
	}
	return func(x referral.Address) bool {
		return !slices.ContainsFunc(s.Records, func(r *identity.Record) bool {
			return !open[r.ID] && slices.ContainsFunc(r.Addresses, x.SamePlace)
		})
	}, nil
}

func filled(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func showRules(r *referral.ContactRules) ContactRules {
	out := ContactRules{Contacts: []ContactRule{}}
	if r == nil {
		return out
	}
	out.DoNotContact, out.Language, out.SetBy, out.SetAt = r.DoNotContact, optional(r.Language), optional(r.SetBy), optional(r.SetAt)
	for _, c := range r.Contacts {
		rule := ContactRule{Kind: ContactRuleKind(c.Kind), Value: c.Value, Safe: ContactRuleSafe(c.Safe), From: optional(c.From), Until: optional(c.Until)}
		if len(c.Purposes) > 0 {
			purposes := c.Purposes
			rule.Purposes = &purposes
		}
		out.Contacts = append(out.Contacts, rule)
	}
	return out
}

// PutContactRules implements StrictServerInterface.
func (a *API) PutContactRules(ctx context.Context, request PutContactRulesRequestObject) (PutContactRulesResponseObject, error) {
	who, err := principal(ctx)
	if err != nil {
		return nil, err
	}
	in := request.Body
	rules := &referral.ContactRules{DoNotContact: value(in.DoNotContact), Language: value(in.Language), Contacts: []referral.ContactRule{}, SetBy: who.Actor(), SetAt: a.Clock.Now()}
	for _, c := range in.Contacts {
		rules.Contacts = append(rules.Contacts, referral.ContactRule{
			Contact:  referral.Contact{Kind: string(c.Kind), Value: c.Value, Safe: string(c.Safe)},
			Purposes: value(c.Purposes), From: value(c.From), Until: value(c.Until),
		})
	}
	var out PersonJSONResponse
	err = a.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		id := referral.PersonID(request.PersonId)
		s, err := a.person(ctx, tx, id, policy.Write, "contact_rules", true)
		if err != nil {
			return err
		}
		if err := httpapi.IfMatch(ctx, s.Version()); err != nil {
			return err
		}
		if err := a.settle(ctx, tx, s, value(in.RecordIds), rules); err != nil {
			return err
		}
		if s.Identity, err = store.Identity(ctx, tx, id, false); err != nil {
			return err
		}
		out, err = a.showPerson(ctx, tx, s, id)
		return err
	})
	return PutContactRules200JSONResponse{out}, err
}

// settle stores rules for the records they were settled for: those named, or all
// that the caller may change.
func (a *API) settle(ctx context.Context, tx *postgres.Tx, s *seen, named []ID, rules *referral.ContactRules) error {
	var records []referral.PersonID
	for _, r := range s.Records {
		if s.sees(r) && (named == nil || slices.Contains(named, string(r.ID))) {
			records = append(records, r.ID)
		}
	}
	for n, id := range named {
		if !slices.Contains(records, referral.PersonID(id)) {
			return fault.New(fault.Unprocessable, "record_unknown", "This person has no such record.",
				fault.Field{Pointer: fmt.Sprintf("/record_ids/%d", n), Code: "unknown_record", Detail: "not one of the person's record_ids"})
		}
	}
	if len(records) == 1 {
		p := s.Record(records[0]).Person
		p.ContactRules = rules
		return store.SaveContactRules(ctx, tx, p)
	}
	return store.SaveSettlement(ctx, tx, identity.Settlement{ID: a.NewID(), For: records, Rules: *rules})
}

// DecideContact implements StrictServerInterface.
func (a *API) DecideContact(ctx context.Context, request DecideContactRequestObject) (DecideContactResponseObject, error) {
	in := request.Body
	if (in.PersonId == nil) == (in.ReferralId == nil) {
		return nil, fault.New(fault.Unprocessable, "one_subject", "Ask about a person, or about a referral's reporter: one of the two.",
			fault.Field{Pointer: "/person_id", Code: "exactly_one", Detail: "give person_id or referral_id"})
	}
	agency, err := a.agency(ctx)
	if err != nil {
		return nil, err
	}
	preference := string(value(in.ChannelPreference))
	var d referral.ContactDecision
	err = a.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		now := a.Clock.Now()
		if in.PersonId != nil {
			s, err := a.person(ctx, tx, referral.PersonID(*in.PersonId), policy.DecideContact, "person", false)
			if err != nil {
				return err
			}
			for _, r := range s.Records {
				if r.Safety.Others, err = around(ctx, tx, r); err != nil {
					return err
				}
			}
			d = referral.DecideContactOfParts(s.Subjects(), in.Purpose, preference, agency, now)
			return nil
		}
		rf, err := store.Referral(ctx, tx, referral.ReferralID(*in.ReferralId), false)
		if err != nil {
			return err
		}
		r, err := a.resource(ctx, tx, rf)
		if err != nil {
			return err
		}
		r.Type, r.Protected = "reporter", true
		if err := a.Policy.CheckRead(ctx, tx, policy.DecideContact, r); err != nil {
			return err
		}
		who, err := store.Reporter(ctx, tx, rf.ID)
		if err == nil {
			d = referral.DecideReporterContact(who, rf.Content.OwnViolence(), in.Purpose, preference, agency, now)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out := DecideContact200JSONResponse{Allowed: d.Allowed, ReasonCode: d.ReasonCode, Language: optional(d.Language), ExpiresAt: d.ExpiresAt.UTC()}
	if d.Allowed {
		out.ContactKind, out.ContactValue = optional(ContactDecisionContactKind(d.Contact.Kind)), optional(d.Contact.Value)
	}
	return out, nil
}

// around are the contacts of those a record is in a referral or a household with: of
// adults all, of children those recorded as unsafe. Another record of the same person
// is one of them as before they were merged: what was not safe to use then is not now.
func around(ctx context.Context, tx *postgres.Tx, p *identity.Record) ([]referral.Contact, error) {
	all, err := store.Referrals(ctx, tx, referralsOf(p), false)
	if err != nil {
		return nil, err
	}
	for _, id := range p.Households {
		h, err := store.GetHousehold(ctx, tx, id)
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return nil, err
		}
		all = append(all, h.Referrals...)
	}
	adult := map[referral.PersonID]bool{}
	for _, rf := range all {
		for _, link := range rf.Persons {
			if link.Person != p.ID {
				adult[link.Person] = adult[link.Person] || link.Role != "child"
			}
		}
	}
	var contacts []referral.Contact
	for id, grown := range adult {
		other, _, err := store.Person(ctx, tx, id, false)
		if err != nil {
			return nil, err
		}
		for _, c := range other.Contacts {
			if grown || c.Safe == "no" {
				contacts = append(contacts, c)
			}
		}
	}
	return contacts, nil
}

// GetHousehold implements StrictServerInterface.
func (a *API) GetHousehold(ctx context.Context, request GetHouseholdRequestObject) (GetHouseholdResponseObject, error) {
	out := GetHousehold200JSONResponse{HouseholdId: request.HouseholdId, ReferralIds: []ID{}}
	out.Members = []struct {
		Name     *PersonName `json:"name,omitempty"`
		PersonId ID          `json:"person_id"`
	}{}
	out.Relationships = []struct {
		FromPersonId ID   `json:"from_person_id"`
		ToPersonId   ID   `json:"to_person_id"`
		Type         Code `json:"type"`
	}{}
	err := a.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		h, err := store.GetHousehold(ctx, tx, referral.HouseholdID(request.HouseholdId))
		if err != nil {
			return err
		}
		if err := a.readHousehold(ctx, tx, request.HouseholdId, h); err != nil {
			return err
		}
		for _, rf := range h.Referrals {
			out.ReferralIds = append(out.ReferralIds, string(rf.ID))
		}
		of, err := shownAs(ctx, tx, h)
		if err != nil {
			return err
		}
		for _, p := range h.Members {
			if of[p.ID] != p.ID {
				continue // shown by an older record of the same person
			}
			out.Members = append(out.Members, struct {
				Name     *PersonName `json:"name,omitempty"`
				PersonId ID          `json:"person_id"`
			}{name(p.Name), string(p.ID)})
		}
		for _, r := range referral.Related(h.Referrals) {
			out.Relationships = append(out.Relationships, struct {
				FromPersonId ID   `json:"from_person_id"`
				ToPersonId   ID   `json:"to_person_id"`
				Type         Code `json:"type"`
			}{string(of[r.From]), string(of[r.To]), r.Type})
		}
		return nil
	})
	return out, err
}

// shownAs says by which record each person of a household is shown: the oldest of
// theirs that is a member, so that somebody who was merged is in it once.
func shownAs(ctx context.Context, tx *postgres.Tx, h store.Household) (map[referral.PersonID]referral.PersonID, error) {
	var records []referral.PersonID
	for _, p := range h.Members {
		records = append(records, p.ID)
	}
	for _, rf := range h.Referrals {
		for _, l := range rf.Persons {
			records = append(records, l.Person)
		}
	}
	identities, err := store.IdentitiesOf(ctx, tx, records)
	if err != nil {
		return nil, err
	}
	of, first := map[referral.PersonID]referral.PersonID{}, map[referral.PersonID]referral.PersonID{}
	for _, id := range records {
		i := cmp.Or(identities[id], id)
		first[i] = cmp.Or(first[i], id)
		of[id] = first[i]
	}
	return of, nil
}

// readHousehold lets the caller see what is known of a household: by its cases.
func (a *API) readHousehold(ctx context.Context, tx *postgres.Tx, id string, h store.Household) error {
	cases, referrals := []string{}, []string{}
	for _, rf := range h.Referrals {
		referrals = append(referrals, string(rf.ID))
		if rf.Case != "" {
			cases = append(cases, string(rf.Case))
		}
	}
	return unknown(a.anyCase(ctx, tx, policy.Read, policy.Resource{Type: "household", ID: id}, cases, referrals), "household")
}

// GetTravelPoint implements StrictServerInterface.
func (a *API) GetTravelPoint(ctx context.Context, request GetTravelPointRequestObject) (GetTravelPointResponseObject, error) {
	agency, err := a.agency(ctx)
	if err != nil {
		return nil, err
	}
	var point referral.TravelPoint
	err = a.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		h, err := store.GetHousehold(ctx, tx, referral.HouseholdID(request.HouseholdId))
		if err != nil && fault.KindOf(err) != fault.NotFound { // of a household that is not known nothing is
			return err
		}
		records, err := store.WithRecords(ctx, tx, h.Members)
		if err != nil {
			return err
		}
		point = referral.DecideTravelPoint(h.Members, records, agency)
		return a.readHousehold(ctx, tx, request.HouseholdId, h)
	})
	if err != nil {
		return nil, err
	}
	out := GetTravelPoint200JSONResponse{Known: point.Known, Source: TravelPointSource(point.Source)}
	if point.Known {
		out.Lat, out.Lon, out.PrecisionM = &point.Point.Lat, &point.Point.Lon, &point.Point.PrecisionM
	}
	return out, nil
}
