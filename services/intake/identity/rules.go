package identity

import (
	"slices"

	"github.com/hearthfps/hearth/services/intake/referral"
)

// Rules are the contact rules that hold for one record of the identity; nil when
// nothing was settled.
//
//   - What was settled last for the record holds. Settled for the person as a whole,
//     it takes the place of what was settled before for any of its records, as long as
//     they are one person.
//   - What was settled for several records that are no longer one person holds for
//     what it forbids, beside what held before: who asked not to be contacted is not.
//     It ends when something is settled anew with the record.
//     Of the contacts it names those stay that the record knew itself: the others
//     are of somebody else.
//   - Merged again, they are one person and it holds again as it was.
func (i *Identity) Rules(r *Record) *referral.ContactRules {
	whole := r.ContactRules
	var parted []Settlement
	for _, s := range i.Settlements {
		switch {
		case !slices.Contains(s.For, r.ID):
		case whole != nil && s.Rules.SetAt.Before(whole.SetAt): // settled anew with this record since
		case i.holds(s.For):
			rules := s.Rules
			whole, parted = &rules, nil
		default:
			parted = slices.DeleteFunc(parted, func(before Settlement) bool { return within(before.For, s.For) })
			parted = append(parted, s)
		}
	}
	for _, s := range parted {
		whole = restrict(whole, reduce(s.Rules, r))
	}
	return whole
}

func within(few, many []referral.PersonID) bool {
	return !slices.ContainsFunc(few, func(id referral.PersonID) bool { return !slices.Contains(many, id) })
}

// holds says whether all the records are of this identity.
func (i *Identity) holds(records []referral.PersonID) bool {
	return within(records, i.Members())
}

// reduce is what rules settled for several keep to say of one: what they forbid, and
// the contacts it knows itself.
func reduce(rules referral.ContactRules, r *Record) referral.ContactRules {
	rules.Contacts = slices.DeleteFunc(slices.Clone(rules.Contacts), func(c referral.ContactRule) bool {
		return !slices.ContainsFunc(r.Contacts, func(own referral.Contact) bool { return referral.SameReach(own, c.Contact) })
	})
	return rules
}

// restrict lays further rules beside those that hold: either may forbid.
func restrict(whole *referral.ContactRules, further referral.ContactRules) *referral.ContactRules {
	if whole == nil {
		return &further
	}
	both := *whole
	both.DoNotContact = whole.DoNotContact || further.DoNotContact
	both.Contacts = slices.DeleteFunc(slices.Clone(whole.Contacts), func(c referral.ContactRule) bool {
		return !slices.ContainsFunc(further.Contacts, func(f referral.ContactRule) bool { return referral.SameReach(f.Contact, c.Contact) && f.Safe != "no" })
	})
	return &both
}

// Subjects are the records as parts of a question about contact, the oldest first.
func (i *Identity) Subjects() []referral.ContactSubject {
	parts := make([]referral.ContactSubject, len(i.Records))
	for n, r := range i.Records {
		p := *r.Person
		p.ContactRules = i.Rules(r)
		parts[n] = referral.ContactSubject{Person: &p, Violence: r.Safety.Violence, ViolenceKnown: r.Safety.ViolenceKnown, ChildOnly: r.Safety.ChildOnly, Others: r.Safety.Others}
	}
	return parts
}
