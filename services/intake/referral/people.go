package referral

import (
	"log/slog"
	"slices"
)

// Person is somebody intake knows, by all the referrals they were in.
type Person struct {
	ID           PersonID
	Version      int64
	Origin       ReferralID // the referral that made them known
	Name         Name
	BirthDate    PartialDate
	Sex          string
	Languages    []string
	Contacts     []Contact
	Addresses    []Address
	Identifiers  []Identifier
	ContactRules *ContactRules
	Households   []HouseholdID

	isNew, changed, moved bool
}

// LogValue keeps personal data out of logs.
func (p *Person) LogValue() slog.Value {
	return slog.GroupValue(slog.String("person_id", string(p.ID)))
}

// String keeps personal data out of formatted text.
func (p *Person) String() string { return Redacted }

// IsNew, Changed and Moved say what of the person is to be stored: all of them,
// their details, the households they are in.
func (p *Person) IsNew() bool   { return p.isNew }
func (p *Person) Changed() bool { return p.changed }
func (p *Person) Moved() bool   { return p.moved }

func (p *Person) reported() ReportedPerson {
	return ReportedPerson{Name: p.Name, BirthDate: p.BirthDate, Sex: p.Sex, Languages: p.Languages, Contacts: p.Contacts, Addresses: p.Addresses, Identifiers: p.Identifiers}
}

// Reported is the person as one would be reported, for a Matcher's Keys.
func (p *Person) Reported() ReportedPerson { return p.reported() }

// learn adds what a further referral says: gaps are filled, nothing known is
// overwritten, and of two words on whether a contact is safe the more careful holds.
func (p *Person) learn(r ReportedPerson) {
	if p.BirthDate.Agrees(r.BirthDate) && len(r.BirthDate) > len(p.BirthDate) {
		p.BirthDate, p.changed = r.BirthDate, true
	}
	if p.Sex == "" || p.Sex == "unknown" {
		if r.Sex != "" && r.Sex != p.Sex {
			p.Sex, p.changed = r.Sex, true
		}
	}
	for _, l := range r.Languages {
		if !slices.Contains(p.Languages, l) {
			p.Languages, p.changed = append(p.Languages, l), true
		}
	}
	for _, id := range r.Identifiers {
		if !slices.Contains(p.Identifiers, id) {
			p.Identifiers, p.changed = append(p.Identifiers, id), true
		}
	}
	for _, c := range r.Contacts {
		p.learnContact(c)
	}
	for _, a := range r.Addresses {
		p.learnAddress(a)
	}
}

func (p *Person) learnContact(c Contact) {
	i := slices.IndexFunc(p.Contacts, func(old Contact) bool { return old.Kind == c.Kind && old.Value == c.Value })
	switch {
	case i < 0:
		p.Contacts, p.changed = append(p.Contacts, c), true
	case p.Contacts[i].Safe != careful(p.Contacts[i].Safe, c.Safe):
		p.Contacts[i].Safe, p.changed = careful(p.Contacts[i].Safe, c.Safe), true
	}
}

// careful is the word on safety to go by when there are two: no before yes
// before unknown.
func careful(a, b string) string {
	for _, word := range []string{"no", "yes"} {
		if a == word || b == word {
			return word
		}
	}
	return "unknown"
}

func (p *Person) learnAddress(a Address) {
	i := slices.IndexFunc(p.Addresses, func(old Address) bool { return old.same(a) })
	switch {
	case i < 0:
		p.Addresses, p.changed = append(p.Addresses, a), true
	case a.Confidential && !p.Addresses[i].Confidential:
		p.Addresses[i].Confidential, p.changed = true, true
	}
}

func (a Address) same(b Address) bool {
	return slices.Equal(a.Lines, b.Lines) && a.City == b.City && a.PostalCode == b.PostalCode && a.Country == b.Country
}

// correct replaces what a referral said of the person by what it says now. Name,
// birth date and sex are this referral's to correct only if it made the person
// known; a contact or address it no longer names is forgotten, because a wrong
// number is worse than none.
//
// A correction never takes a protection away: what was unsafe or confidential
// stays so while it is named, and what only somebody else said to be so is not
// forgotten. A sender who wants to find or reach a person may otherwise undo the
// warning of another. A worker can, in the person's contact rules.
func (p *Person) correct(before, now ReportedPerson, referral ReferralID) {
	if before.same(now) {
		return
	}
	p.changed = true
	if p.Origin == referral {
		p.Name, p.BirthDate, p.Sex = now.Name, now.BirthDate, now.Sex
	}
	p.Contacts = slices.DeleteFunc(slices.Clone(p.Contacts), func(c Contact) bool {
		is := func(x Contact) bool { return x.Kind == c.Kind && x.Value == c.Value }
		warned := func(x Contact) bool { return is(x) && x.Safe == "no" }
		return slices.ContainsFunc(before.Contacts, is) &&
			(c.Safe != "no" || slices.ContainsFunc(before.Contacts, warned) && !slices.ContainsFunc(now.Contacts, is))
	})
	p.Addresses = slices.DeleteFunc(slices.Clone(p.Addresses), func(a Address) bool {
		hidden := func(x Address) bool { return x.Confidential && a.same(x) }
		return slices.ContainsFunc(before.Addresses, a.same) &&
			(!a.Confidential || slices.ContainsFunc(before.Addresses, hidden) && !slices.ContainsFunc(now.Addresses, a.same))
	})
	p.Identifiers = slices.DeleteFunc(slices.Clone(p.Identifiers), func(id Identifier) bool { return slices.Contains(before.Identifiers, id) })
	p.learn(now)
}

func (r ReportedPerson) same(s ReportedPerson) bool {
	return string(canonical(r)) == string(canonical(s))
}

// People are the known persons a group of arrivals may be about, by the keys
// they are found under.
type People struct {
	byID  map[PersonID]*Person
	byKey map[string][]*Person
}

// NewPeople makes an empty one.
func NewPeople() *People {
	return &People{byID: map[PersonID]*Person{}, byKey: map[string][]*Person{}}
}

// Know adds a stored person, found under the given keys.
func (ps *People) Know(p *Person, keys ...string) {
	if known := ps.byID[p.ID]; known != nil {
		p = known
	}
	ps.byID[p.ID] = p
	for _, k := range keys {
		if !slices.Contains(ps.byKey[k], p) {
			ps.byKey[k] = append(ps.byKey[k], p)
		}
	}
}

// Get gives a person by id; nil when it was not made known.
func (ps *People) Get(id PersonID) *Person { return ps.byID[id] }

// All are the persons, in the order of their ids.
func (ps *People) All() []*Person {
	all := make([]*Person, 0, len(ps.byID))
	for _, p := range ps.byID {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b *Person) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return all
}

func (ps *People) find(keys []string) []Candidate {
	var found []Candidate
	for _, k := range keys {
		for _, p := range ps.byKey[k] {
			if !slices.ContainsFunc(found, func(c Candidate) bool { return c.Person == p }) {
				found = append(found, Candidate{Person: p})
			}
		}
	}
	return found
}

// identify links each reported person to a known one, or makes them known.
func (ps *People) identify(persons []ReportedPerson, of ReferralID, m Matcher, ids IDs) []PersonLink {
	found := make([][]Candidate, len(persons))
	for i, p := range persons {
		found[i] = ps.find(m.Keys(p))
	}
	links := make([]PersonLink, len(persons))
	for i, link := range m.Match(persons, found) {
		p := persons[i]
		if link.Person == "" {
			link.Person = ids.Person()
			ps.Know(&Person{
				ID: link.Person, Version: 1, Origin: of, Name: p.Name, BirthDate: p.BirthDate, Sex: p.Sex, Languages: slices.Clone(p.Languages),
				Contacts: slices.Clone(p.Contacts), Addresses: slices.Clone(p.Addresses), Identifiers: slices.Clone(p.Identifiers), isNew: true,
			}, m.Keys(p)...)
		} else {
			known := ps.byID[link.Person]
			known.learn(p)
			ps.Know(known, m.Keys(known.reported())...)
		}
		links[i] = PersonLink{Ref: p.Ref, Person: link.Person, Role: p.Role, Basis: link.Basis}
	}
	return links
}

// household is where the stated members are known to live together: the known
// household most of them are in, or a new one.
func (ps *People) household(links []PersonLink, members []string, ids IDs) HouseholdID {
	count := map[HouseholdID]int{}
	for _, l := range links {
		if slices.Contains(members, l.Ref) {
			for _, h := range ps.byID[l.Person].Households {
				count[h]++
			}
		}
	}
	var best HouseholdID
	for h, n := range count {
		if best == "" || n > count[best] || n == count[best] && h < best {
			best = h
		}
	}
	if best == "" {
		best = ids.Household()
	}
	for _, l := range links {
		if p := ps.byID[l.Person]; slices.Contains(members, l.Ref) && !slices.Contains(p.Households, best) {
			p.Households, p.moved = append(p.Households, best), true
		}
	}
	return best
}
