package identity

import (
	"slices"

	"github.com/hearthfps/hearth/services/intake/referral"
)

// Person is the identity as one person, with the identity's version and the contact
// rules of all its records.
func (i *Identity) Person() *referral.Person {
	return i.Seen(func(*Record) bool { return true })
}

// Seen is the identity as it is shown to who may see some of its records: one person
// of these alone, named by the oldest of them; nil when they may see none. That there
// are others is not told. What these forbid holds and is shown, without a word of
// whose it is: who is not to be contacted, or not there, is not called by a worker
// who was not told.
func (i *Identity) Seen(may func(*Record) bool) *referral.Person {
	var records []*referral.Person
	var rules *referral.ContactRules
	for _, r := range i.Records {
		if !may(r) {
			continue
		}
		records = append(records, r.Person)
		rules = beside(rules, i.Rules(r))
	}
	if records == nil {
		return nil
	}
	p := referral.Joined(records)
	p.Version, p.ContactRules = i.Version(), rules
	for _, s := range i.Subjects() {
		warn(p, s.Person)
	}
	return p
}

// beside is what two records' rules say, for a person to read: all contacts of both,
// each as careful as the more careful of them has it. What may be used is decided by
// referral.DecideContactOfParts, from each record's own.
func beside(a, b *referral.ContactRules) *referral.ContactRules {
	switch {
	case b == nil:
		return a
	case a == nil:
		shown := *b
		shown.Contacts = slices.Clone(b.Contacts)
		return &shown
	}
	later := *a
	if b.SetAt.After(a.SetAt) {
		later = *b
	}
	later.DoNotContact = a.DoNotContact || b.DoNotContact
	later.Contacts = slices.Clone(a.Contacts)
	for _, c := range b.Contacts {
		n := slices.IndexFunc(later.Contacts, func(x referral.ContactRule) bool { return referral.SameReach(x.Contact, c.Contact) })
		switch {
		case n < 0:
			later.Contacts = append(later.Contacts, c)
		case c.Safe == "no":
			later.Contacts[n].Safe = "no"
		}
	}
	return &later
}

// warn marks in p what a record of the same identity forbids.
func warn(p, record *referral.Person) {
	unsafe := func(c referral.Contact) bool {
		is := func(x referral.Contact) bool { return x.Safe == "no" && referral.SameReach(x, c) }
		if rules := record.ContactRules; rules != nil { // they replace what referrals said
			return slices.ContainsFunc(rules.Contacts, func(r referral.ContactRule) bool { return is(r.Contact) })
		}
		return slices.ContainsFunc(record.Contacts, is)
	}
	for n := range p.Contacts {
		if unsafe(p.Contacts[n]) {
			p.Contacts[n].Safe = "no"
		}
	}
	if p.ContactRules != nil {
		for n := range p.ContactRules.Contacts {
			if unsafe(p.ContactRules.Contacts[n].Contact) {
				p.ContactRules.Contacts[n].Safe = "no"
			}
		}
	}
	if record.ContactRules != nil && record.ContactRules.DoNotContact {
		if p.ContactRules == nil {
			p.ContactRules = &referral.ContactRules{Contacts: []referral.ContactRule{}}
		}
		p.ContactRules.DoNotContact = true
	}
	for n := range p.Addresses {
		p.Addresses[n].Confidential = p.Addresses[n].Confidential ||
			slices.ContainsFunc(record.Addresses, func(a referral.Address) bool { return a.Confidential && a.SamePlace(p.Addresses[n]) })
	}
}
