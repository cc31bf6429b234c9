package referral

import "slices"

// Retold is a person as some of the referrals they are in tell of them, in order: the
// first makes them known, the others add what they know. nil when there are none.
func Retold(id PersonID, told []ReportedPerson, in []ReferralID) *Person {
	if len(told) == 0 {
		return nil
	}
	first := told[0]
	p := &Person{
		ID: id, Version: 1, Origin: in[0], Name: first.Name, BirthDate: first.BirthDate, Sex: first.Sex, Languages: slices.Clone(first.Languages),
		Contacts: slices.Clone(first.Contacts), Addresses: slices.Clone(first.Addresses), Identifiers: slices.Clone(first.Identifiers),
	}
	for _, r := range told[1:] {
		p.learn(r)
	}
	p.changed = false
	return p
}

// Person is the person the content calls ref; nil when there is none.
func (c *Content) Person(ref string) *ReportedPerson {
	if i := slices.IndexFunc(c.Persons, func(p ReportedPerson) bool { return p.Ref == ref }); i >= 0 {
		return &c.Persons[i]
	}
	return nil
}
