package index

import (
	"strings"

	"github.com/hearthfps/hearth/services/intake/match"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// Describe is a person as the engine sees them: every name, address, telephone and
// number they are or were known by. Whoever's identity is sealed is in a
// compartment of their own, so that nobody is compared with them.
func Describe(p *referral.Person) *match.Person {
	out := &match.Person{
		ID: string(p.ID), One: string(p.Identity), Given: p.Name.Given, Family: p.Name.Family, Sex: match.ParseSex(p.Sex), BirthDate: birthDate(p.BirthDate),
	}
	for _, n := range p.Aliases {
		out.Aliases = append(out.Aliases, match.Name{Given: n.Given, Family: n.Family})
	}
	for _, a := range p.Addresses {
		out.Addresses = append(out.Addresses, match.Address{Lines: a.Lines, City: a.City, PostalCode: a.PostalCode, Country: a.Country})
	}
	for _, c := range p.Contacts {
		if kind, ok := contactKind(c); ok {
			out.Contacts = append(out.Contacts, match.Contact{Kind: kind, Value: c.Value})
		}
	}
	for _, id := range p.Identifiers {
		out.Identifiers = append(out.Identifiers, match.Identifier{System: id.System, Value: id.Value})
	}
	if p.Unborn {
		out.Flags |= match.Unborn
	}
	if p.MultipleBirth {
		out.Flags |= match.MultipleBirth
	}
	if p.Seal != "" {
		out.Compartment = p.Seal + ":" + string(p.ID)
	}
	return out
}

// birthDate reads as much of a date as is known. It was checked when it was taken in.
func birthDate(d referral.PartialDate) match.Date {
	date, err := match.ParseDate(string(d))
	if err != nil {
		return match.Date{}
	}
	return date
}

// contactKind says what of contacts is compared: telephones of any kind, and mail.
func contactKind(c referral.Contact) (match.ContactKind, bool) {
	switch {
	case c.Kind == "email" || strings.Contains(c.Value, "@"):
		return match.Email, true
	case digits(c.Value) >= 5:
		return match.Phone, true
	}
	return 0, false
}

func digits(s string) int {
	n := 0
	for _, r := range s {
		if r >= '0' && r <= '9' {
			n++
		}
	}
	return n
}
