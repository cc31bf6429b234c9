package referral

import (
	"cmp"
	"log/slog"
	"slices"
)

// Person is somebody intake knows, by all the referrals they were in.
type Person struct {
	ID PersonID
	// Identity is the oldest of the records people decided are of this person;
	// "" of a record never merged.
	Identity PersonID
	Version  int64
	Origin   ReferralID // the referral that made them known
	Name     Name
	// Aliases are the other names reports gave the person.
	Aliases      []Name
	BirthDate    PartialDate
	Sex          string
	Languages    []string
	Contacts     []Contact
	Addresses    []Address
	Identifiers  []Identifier
	ContactRules *ContactRules
	Households   []HouseholdID
	// Seal keeps the person's identity apart from all others: SealAdoption or
	// SealProtected; "" for nearly everybody.
	Seal string
	// Unborn is an expected child; MultipleBirth a child known to be a twin or
	// triplet.
	Unborn, MultipleBirth bool

	isNew, changed, moved, corrected bool

	keys []int64 // by which the person is found, once asked for
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

// Corrected says that the person's facts changed otherwise than by a report that
// was compared: who they are like is to be looked at again.
func (p *Person) Corrected() bool { return p.corrected }

// The reasons to seal an identity.
const (
	SealAdoption  = "adoption"
	SealProtected = "protected_identity"
)

// Hidden says whether an address of the person is confidential.
func (p *Person) Hidden() bool {
	return slices.ContainsFunc(p.Addresses, func(a Address) bool { return a.Confidential })
}

const (
	kindPrebirth = "prebirth"
	roleChild    = "child"
)

// newPersons are the persons of a referral as it describes them. A child expected
// has no date of birth and no name of its own yet; children of one family and one
// birth date are twins.
func newPersons(reported []ReportedPerson, kind string) []*Person {
	persons := make([]*Person, len(reported))
	for i, r := range reported {
		persons[i] = &Person{
			Version: 1, Name: r.Name, BirthDate: r.BirthDate, Sex: r.Sex, Languages: slices.Clone(r.Languages),
			Contacts: slices.Clone(r.Contacts), Addresses: slices.Clone(r.Addresses), Identifiers: slices.Clone(r.Identifiers), isNew: true,
			Unborn: kind == kindPrebirth && r.Role == roleChild && r.BirthDate == "" && len(r.Name.Given) == 0,
		}
	}
	for i, p := range persons {
		for j, q := range persons[:i] {
			if reported[i].Role == roleChild && reported[j].Role == roleChild && p.BirthDate.Full() && p.BirthDate == q.BirthDate && fold(p.Name.Family) == fold(q.Name.Family) {
				p.MultipleBirth, q.MultipleBirth = true, true
			}
		}
	}
	return persons
}

func (p *Person) reported() ReportedPerson {
	return ReportedPerson{Name: p.Name, BirthDate: p.BirthDate, Sex: p.Sex, Languages: p.Languages, Contacts: p.Contacts, Addresses: p.Addresses, Identifiers: p.Identifiers}
}

// FoundBy are the keys m finds the person by, worked out once for what is known now.
func (p *Person) FoundBy(m Matcher) []int64 {
	if p.keys == nil {
		p.keys = m.Find(p)
	}
	return p.keys
}

// learn adds what a further referral says: gaps are filled, nothing known is
// overwritten, and of two words on whether a contact is safe the more careful holds.
func (p *Person) learn(r ReportedPerson) {
	p.learnName(r.Name)
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

// mostAliases bounds the names a person is known by beside their own.
const mostAliases = 20

func (p *Person) learnName(n Name) {
	same := func(m Name) bool { return m.Family == n.Family && slices.Equal(m.Given, n.Given) }
	if n.Family == "" && len(n.Given) == 0 || same(p.Name) || slices.ContainsFunc(p.Aliases, same) || len(p.Aliases) == mostAliases {
		return
	}
	p.Aliases, p.changed = append(p.Aliases, n), true
}

// join adds what a report says of somebody it was linked to.
func (p *Person) join(reported *Person, r ReportedPerson) {
	p.keys = nil
	p.learn(r)
	if reported.MultipleBirth && !p.MultipleBirth {
		p.MultipleBirth, p.changed = true, true
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
	p.changed, p.corrected, p.keys = true, true, nil
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
	byID      map[PersonID]*Person
	byKey     map[int64][]PersonID
	questions []Question
}

// NewPeople makes an empty one.
func NewPeople() *People {
	return &People{byID: map[PersonID]*Person{}, byKey: map[int64][]PersonID{}}
}

// Know adds a stored person, found under the given keys.
func (ps *People) Know(p *Person, keys ...int64) {
	if ps.byID[p.ID] == nil {
		ps.byID[p.ID] = p
	}
	for _, k := range keys {
		if !slices.Contains(ps.byKey[k], p.ID) {
			ps.byKey[k] = append(ps.byKey[k], p.ID)
		}
	}
}

// Get gives a person by id; nil when it was not made known.
func (ps *People) Get(id PersonID) *Person { return ps.byID[id] }

// Questions are the pairs of persons that may be one, for a person to decide.
func (ps *People) Questions() []Question { return ps.questions }

// All are the persons, in the order of their ids.
func (ps *People) All() []*Person {
	all := make([]*Person, 0, len(ps.byID))
	for _, p := range ps.byID {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b *Person) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// New hands over those that are not stored yet, or were not before the transaction.
func (ps *People) New(each func(*Person)) {
	for _, p := range ps.byID {
		if p.isNew {
			each(p)
		}
	}
}

func (ps *People) find(keys []int64) []*Person {
	var alike Alike[PersonID]
	for _, k := range keys {
		if found := ps.byKey[k]; len(found) > 0 {
			alike.Share(found[max(0, len(found)-MostOfKey):])
		}
	}
	var found []*Person
	for _, id := range alike.Best() {
		found = append(found, ps.byID[id])
	}
	return found
}

// Described are the persons a referral describes, as it describes them.
func Described(c *Content) []*Person { return newPersons(c.Persons, c.Kind) }

// identify links each reported person, as described by persons, to a known one, or makes them known; of
// those who may be somebody known it keeps the question.
func (ps *People) identify(reported []ReportedPerson, persons []*Person, of *Referral, m Matcher, ids IDs) []PersonLink {
	report := Report{Persons: persons}
	for i, p := range persons {
		p.ID, p.Origin = ids.Person(), of.ID
		found := slices.DeleteFunc(ps.find(p.FoundBy(m)), func(known *Person) bool { // another person of this referral
			return slices.ContainsFunc(of.Persons, func(l PersonLink) bool { return l.Person == known.ID })
		})
		report.Found = append(report.Found, found)
		report.Together = append(report.Together, slices.Contains(of.Content.Household, reported[i].Ref))
	}
	links := make([]PersonLink, len(reported))
	for i, link := range m.Match(report) {
		p := link.Person
		if p == nil {
			p = report.Persons[i]
		} else {
			p.join(report.Persons[i], reported[i])
		}
		ps.Know(p, p.FoundBy(m)...)
		links[i] = PersonLink{Ref: reported[i].Ref, Person: p.ID, Role: reported[i].Role, Basis: link.Basis, Score: link.Score}
		for _, like := range link.Asks {
			ps.questions = append(ps.questions, Ask(p, like.Person, like.Score, of.ID))
		}
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
