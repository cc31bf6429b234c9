package referral

import (
	"cmp"
	"slices"
)

// Joined is one person as several records tell of them, oldest first, and a function
// of the records alone: the first record's word holds, later ones fill its gaps, and
// of two words on whether a contact is safe or an address confidential the more
// careful holds. It has no contact rules. The records stay as they are.
func Joined(records []*Person) *Person {
	first := records[0]
	p := &Person{
		ID: first.ID, Version: first.Version, Origin: first.Origin, BirthDate: first.BirthDate, Sex: first.Sex,
		Name: Name{Given: slices.Clone(first.Name.Given), Family: first.Name.Family}, Languages: slices.Clone(first.Languages),
		Contacts: slices.Clone(first.Contacts), Identifiers: slices.Clone(first.Identifiers), Addresses: slices.Clone(first.Addresses),
	}
	for i, r := range records {
		if i > 0 {
			p.learn(r.reported())
		}
		if len(p.Name.Given) == 0 && p.Name.Family == "" {
			p.Name = Name{Given: slices.Clone(r.Name.Given), Family: r.Name.Family}
		}
		for _, n := range r.Aliases {
			p.learnName(n)
		}
		p.Households = append(p.Households, r.Households...)
		p.Seal, p.MultipleBirth = cmp.Or(p.Seal, r.Seal), p.MultipleBirth || r.MultipleBirth
		p.Unborn = r.Unborn && (i == 0 || p.Unborn)
	}
	slices.Sort(p.Households)
	p.Households = slices.Compact(p.Households)
	p.changed = false
	return p
}
