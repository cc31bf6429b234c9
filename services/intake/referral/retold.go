package referral

import (
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
)

// BasisParted is the basis of a link somebody made in place of a false one.
const BasisParted = "parted"

// Telling is what one referral says of a person, under a ref.
type Telling struct {
	Referral *Referral
	Ref      string
}

// Retold is a person as some of the referrals they are in tell of them, in order: the
// first makes them known, the others add what they know. nil when there are none.
func Retold(id PersonID, told []Telling) *Person {
	var p *Person
	for _, t := range told {
		c := &t.Referral.Content
		i := slices.IndexFunc(c.Persons, func(r ReportedPerson) bool { return r.Ref == t.Ref })
		if i < 0 {
			continue
		}
		here := newPersons(c.Persons, c.Kind)[i]
		if p == nil {
			p = here
			p.ID, p.Origin, p.isNew = id, t.Referral.ID, false
		} else {
			p.learn(c.Persons[i])
			p.MultipleBirth = p.MultipleBirth || here.MultipleBirth
		}
		if slices.Contains(c.Household, t.Ref) && !slices.Contains(p.Households, t.Referral.Household) {
			p.Households = append(p.Households, t.Referral.Household)
		}
	}
	if p != nil {
		p.changed = false
	}
	return p
}

// Part takes a person of the referral out of the record they were linked to, which
// was of somebody else: they become known as a person of their own, and the record is
// what the other referrals tell. Contact rules stay with the record: they were settled
// with the person it is of. It fails with Conflict (not_linked).
func (rf *Referral) Part(ref string, from *Person, others []Telling, as PersonID, by string, m Matcher, now time.Time) (*People, error) {
	link := rf.person(ref)
	rest := Retold(from.ID, others)
	if link == nil || link.Person != from.ID || rest == nil {
		return nil, fault.New(fault.Conflict, "not_linked", "This person is not linked to that record any more.")
	}
	own := Retold(as, []Telling{{rf, ref}})
	own.isNew = true
	from.Name, from.Aliases, from.BirthDate, from.Sex, from.Languages = rest.Name, rest.Aliases, rest.BirthDate, rest.Sex, rest.Languages
	from.Contacts, from.Addresses, from.Identifiers, from.Households = rest.Contacts, rest.Addresses, rest.Identifiers, rest.Households
	from.MultipleBirth, from.changed, from.corrected, from.keys = rest.MultipleBirth, true, true, nil
	link.Person, link.Basis, link.Score = as, BasisParted, nil
	rf.relinked = true
	rf.change()
	rf.announce(TypeReferralCorrected, ReferralCorrected{Referral: rf.ID, Household: rf.Household, Changed: []string{"persons"}})
	rf.note(now, "parted", by, nil)
	people := NewPeople()
	people.Know(own, own.FoundBy(m)...)
	people.Know(from, from.FoundBy(m)...)
	return people, nil
}
