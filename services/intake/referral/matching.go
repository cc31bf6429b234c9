package referral

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"
)

// Candidate is a known person whom a key of a reported one found.
type Candidate struct {
	Person *Person
}

// Link says which known person a reported one is, or that it is a new one.
type Link struct {
	// Person is "" for somebody not known before.
	Person PersonID
	// Basis is the code of why: "name_birth_date", "name_household", "new".
	Basis string
}

// Matcher finds who is who. An engine that knows more may take SimpleMatcher's
// place; what it must keep is that Keys of a person saved and Keys of a person
// looked for meet whenever Match might link them.
type Matcher interface {
	// Keys are the index keys a person is saved and looked for under, few and exact.
	Keys(p ReportedPerson) []string
	// Match links the persons of one referral, given what their keys found: one
	// list of candidates a person, one link a person. Two persons of one referral
	// are never one person.
	Match(persons []ReportedPerson, found [][]Candidate) []Link
}

// SimpleMatcher links on exact evidence alone: the same normalised name and the
// same full birth date; or the same name and an address or telephone in common,
// with birth dates that agree. Anything less is a new person: a missed link can
// be mended, a false one lets a family read another's file.
type SimpleMatcher struct{}

// Keys implements Matcher.
func (SimpleMatcher) Keys(p ReportedPerson) []string {
	name := nameKey(p.Name)
	if name == "" {
		return nil
	}
	var keys []string
	if p.BirthDate.Full() {
		keys = append(keys, "nb:"+name+":"+string(p.BirthDate))
	}
	for _, place := range places(p.Addresses, p.Contacts) {
		if key := "np:" + name + ":" + place; !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// Match implements Matcher.
func (m SimpleMatcher) Match(persons []ReportedPerson, found [][]Candidate) []Link {
	links := make([]Link, len(persons))
	taken := map[PersonID]bool{}
	for i, p := range persons {
		links[i].Basis = "new"
		ranked := m.rank(p, found[i])
		for _, r := range ranked {
			if !taken[r.person] {
				links[i] = Link{Person: r.person, Basis: r.basis}
				taken[r.person] = true
				break
			}
		}
	}
	return links
}

type ranked struct {
	person PersonID
	basis  string
}

func (m SimpleMatcher) rank(p ReportedPerson, found []Candidate) []ranked {
	var fit []ranked
	mine := m.Keys(p)
	for _, c := range found {
		if !compatible(p, c.Person) {
			continue
		}
		basis := ""
		for _, key := range m.Keys(c.Person.reported()) {
			if !slices.Contains(mine, key) {
				continue
			}
			if strings.HasPrefix(key, "nb:") {
				basis = "name_birth_date"
				break
			}
			basis = "name_household"
		}
		if basis != "" {
			fit = append(fit, ranked{c.Person.ID, basis})
		}
	}
	slices.SortFunc(fit, func(a, b ranked) int { return cmp.Or(cmp.Compare(a.basis, b.basis), cmp.Compare(a.person, b.person)) })
	return fit
}

// compatible says whether nothing known contradicts that both are one person.
func compatible(p ReportedPerson, q *Person) bool {
	if !p.BirthDate.Agrees(q.BirthDate) {
		return false
	}
	known := func(sex string) bool { return sex == "female" || sex == "male" }
	return p.Sex == q.Sex || !known(p.Sex) || !known(q.Sex)
}

// nameKey is a name without case, marks and punctuation: given names in order,
// then the family name. It is "" unless both are known.
func nameKey(n Name) string {
	given, family := fold(strings.Join(n.Given, " ")), fold(n.Family)
	if given == "" || family == "" {
		return ""
	}
	return given + "|" + family
}

// places are what two reports of one home have in common, normalised.
func places(addresses []Address, contacts []Contact) []string {
	var keys []string
	for _, a := range addresses {
		if line := fold(strings.Join(a.Lines, " ")); line != "" && a.PostalCode+a.City != "" {
			keys = append(keys, "a:"+line+"|"+fold(cmp.Or(a.PostalCode, a.City)))
		}
	}
	for _, c := range contacts {
		if digits := strings.Map(digit, c.Value); c.Kind != "email" && len(digits) >= 7 {
			keys = append(keys, "t:"+digits)
		}
	}
	return keys
}

func digit(r rune) rune {
	if r >= '0' && r <= '9' {
		return r
	}
	return -1
}

// fold lowers s, takes marks off letters and leaves letters and digits alone.
func fold(s string) string {
	if plain, ok := foldASCII(s); ok {
		return plain
	}
	strip := transform.Chain(norm.NFD, runes.Remove(runes.In(unicode.Mn)), norm.NFC)
	plain, _, err := transform.String(strip, strings.ToLower(s))
	if err != nil {
		plain = strings.ToLower(s)
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, plain)
}

// foldASCII is fold for what most names are made of; ok is false for the rest.
func foldASCII(s string) (plain string, ok bool) {
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 0x80:
			return "", false
		case c >= 'A' && c <= 'Z':
			b = append(b, c+'a'-'A')
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			b = append(b, c)
		}
	}
	return string(b), true
}
