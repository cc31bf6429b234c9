package api

import (
	"context"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/postgres"
	store "github.com/hearthfps/hearth/services/intake/postgres"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// GetPerson implements StrictServerInterface.
func (a *API) GetPerson(ctx context.Context, request GetPersonRequestObject) (GetPersonResponseObject, error) {
	var out PersonJSONResponse
	err := a.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		p, standing, err := a.person(ctx, tx, referral.PersonID(request.PersonId), policy.Read, "person", false)
		if err != nil {
			return err
		}
		out, err = a.showPerson(ctx, tx, p, standing)
		return err
	})
	return GetPerson200JSONResponse{out}, err
}

func (a *API) showPerson(ctx context.Context, tx *postgres.Tx, p *referral.Person, s store.Standing) (PersonJSONResponse, error) {
	who, err := principal(ctx)
	if err != nil {
		return PersonJSONResponse{}, err
	}
	granted := false
	if who.WorkerID != "" {
		if granted, err = store.Granted(ctx, tx, store.GrantAddress, string(p.ID), who.WorkerID, a.Clock.Now()); err != nil {
			return PersonJSONResponse{}, err
		}
	}
	if granted && len(p.Addresses) > 0 {
		if err := a.Policy.CheckRead(ctx, tx, policy.Read, policy.Resource{Type: "address", ID: string(p.ID), Protected: true, Granted: []string{who.Actor()}}); err != nil {
			return PersonJSONResponse{}, err
		}
	}
	out := Person{
		PersonId: string(p.ID), Version: p.Version, Name: name(p.Name), BirthDate: optional(string(p.BirthDate)), Sex: optional(PersonSex(p.Sex)),
		Languages: filled(p.Languages), SafetyFlags: filled(s.SafetyFlags), Contacts: []Contact{}, Addresses: []Address{}, HouseholdIds: []ID{},
		ContactRules: showRules(p.ContactRules),
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
		p, standing, err := a.person(ctx, tx, referral.PersonID(request.PersonId), policy.Write, "contact_rules", true)
		if err != nil {
			return err
		}
		if err := httpapi.IfMatch(ctx, p.Version); err != nil {
			return err
		}
		p.ContactRules = rules
		if err := store.SaveContactRules(ctx, tx, p); err != nil {
			return err
		}
		out, err = a.showPerson(ctx, tx, p, standing)
		return err
	})
	return PutContactRules200JSONResponse{out}, err
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
			p, s, err := a.person(ctx, tx, referral.PersonID(*in.PersonId), policy.DecideContact, "person", false)
			if err != nil {
				return err
			}
			others, err := around(ctx, tx, p, s)
			if err == nil {
				d = referral.DecideContact(referral.ContactSubject{Person: p, Violence: s.Violence, ChildOnly: s.ChildOnly, Others: others}, in.Purpose, preference, agency, now)
			}
			return err
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

// around are the contacts of those a person is in a referral or a household with:
// of adults all, of children those recorded as unsafe.
func around(ctx context.Context, tx *postgres.Tx, p *referral.Person, s store.Standing) ([]referral.Contact, error) {
	if len(p.Contacts) == 0 {
		return nil, nil
	}
	all, err := store.Referrals(ctx, tx, s.Referrals, false)
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
		for _, p := range h.Members {
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
			}{string(r.From), string(r.To), r.Type})
		}
		return nil
	})
	return out, err
}

// readHousehold lets the caller see what is known of a household: by its cases.
func (a *API) readHousehold(ctx context.Context, tx *postgres.Tx, id string, h store.Household) error {
	var cases []string
	for _, rf := range h.Referrals {
		if rf.Case != "" {
			cases = append(cases, string(rf.Case))
		}
	}
	return unknown(a.anyCase(ctx, tx, policy.Read, policy.Resource{Type: "household", ID: id}, cases), "household")
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
		point = referral.DecideTravelPoint(h.Members, agency)
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
