package population

import (
	"strings"
	"unicode/utf8"

	"github.com/hearthfps/hearth/services/intake/match"
)

// record writes a person down the way a busy office does.
func (g *generator) record(p *person, h home) *match.Person {
	r := &match.Person{
		Given: append([]string(nil), p.given...), Family: p.family, BirthDate: p.birth, Sex: p.sex,
	}
	if p.twin && g.chance(0.5) {
		r.Flags |= match.MultipleBirth
	}
	if len(r.Given) > 1 && g.chance(0.5) {
		r.Given = r.Given[:1]
	}
	if g.chance(0.08) {
		r.Given[0] = g.variant(r.Given[0])
	}
	if p.former != "" && g.chance(0.25) {
		if g.chance(0.4) {
			r.Aliases = []match.Name{{Family: p.former}}
		} else {
			r.Family = p.former
		}
	}
	if g.chance(0.07) {
		r.Given[0] = g.typo(r.Given[0])
	}
	if g.chance(0.07) {
		r.Family = g.typo(r.Family)
	}
	if g.chance(0.02) {
		r.Given[0], r.Family = r.Family, r.Given[0]
	}
	if g.chance(0.02) {
		r.Family = ""
	}
	if g.chance(0.02) {
		r.Given[0] = string([]rune(r.Given[0])[:1])
	}
	r.BirthDate = g.date(p.birth)
	if g.chance(0.05) {
		r.Sex = match.SexUnknown
	}
	if g.chance(0.9) {
		a := match.Address{Lines: []string{h.street}, City: h.city, PostalCode: h.postcode}
		if g.chance(0.08) {
			a.Lines[0] = g.typo(a.Lines[0])
		}
		if g.chance(0.04) {
			a.City = g.typo(a.City)
		}
		if g.chance(0.05) {
			a.PostalCode = g.digit(a.PostalCode)
		}
		if g.chance(0.08) {
			a.PostalCode = ""
		}
		r.Addresses = []match.Address{a}
	}
	phone := p.phone
	if g.chance(0.3) {
		phone = h.phone // a child is reached at home
	}
	if phone != "" && g.chance(0.7) {
		if g.chance(0.05) {
			phone = g.digit(phone)
		}
		r.Contacts = append(r.Contacts, match.Contact{Kind: match.Phone, Value: phone})
	}
	if p.email != "" && g.chance(0.5) {
		r.Contacts = append(r.Contacts, match.Contact{Kind: match.Email, Value: p.email})
	}
	if g.chance(g.set.Identifiers) {
		id := p.identifier
		if g.chance(0.03) {
			id = g.digit(id)
		}
		r.Identifiers = []match.Identifier{{System: "person-number", Value: id}}
	}
	if g.chance(g.set.Households) {
		r.Household = h.key
	}
	return r
}

// date damages a birth date: unknown, known to the year, off by a year, a
// digit slipped, day and month exchanged.
func (g *generator) date(d match.Date) match.Date {
	switch u := g.rng.Float64(); {
	case u < 0.08:
		return match.Date{}
	case u < 0.11:
		return match.Date{Year: d.Year}
	case u < 0.12:
		return match.Date{Year: d.Year, Month: 1, Day: 1}
	case u < 0.14:
		d.Year += 1 - 2*g.rng.IntN(2)
	case u < 0.16:
		if d.Day <= 12 {
			d.Month, d.Day = d.Day, d.Month
		}
	case u < 0.18:
		d.Day = 1 + (d.Day-1+10)%28
	case u < 0.19:
		d.Month = 1 + g.rng.IntN(12)
	case u < 0.20:
		d.Year += 10 * (1 - 2*g.rng.IntN(2))
	}
	return d
}

var shortForms = map[string]string{
	"Elizabeth": "Liz", "Katherine": "Kate", "Margaret": "Maggie", "William": "Bill", "Robert": "Bob", "Richard": "Dick",
	"James": "Jim", "John": "Jack", "Thomas": "Tom", "Michael": "Mike", "Daniel": "Dan", "Matthew": "Matt",
	"Anthony": "Tony", "Andrew": "Andy", "Joshua": "Josh", "Christopher": "Chris", "Benjamin": "Ben", "Samuel": "Sam",
	"Alexander": "Sasha", "Nicholas": "Nick", "Edward": "Ted", "Rebecca": "Becky", "Jennifer": "Jenny", "Susan": "Sue",
	"Patricia": "Pat", "Amanda": "Mandy", "Victoria": "Vicky", "Juhani": "Jussi", "Johanna": "Hanna", "Mohammed": "Muhammad",
	"Fatima": "Faduma", "Yusuf": "Yousef", "Aleksandr": "Sasha", "Dmitri": "Dima", "Sergei": "Serhii", "Tatiana": "Tanya",
	"Francisco": "Paco", "Jose": "Pepe", "Catherine": "Cathy", "Frances": "Fran", "Henry": "Harry", "Charles": "Charlie",
}

func (g *generator) variant(name string) string {
	if s, ok := shortForms[name]; ok {
		return s
	}
	return name
}

// soundsLike are spellings taken for one another by ear.
var soundsLike = [][2]string{
	{"ph", "f"},
	{"f", "ph"},
	{"ck", "k"},
	{"k", "c"},
	{"c", "k"},
	{"y", "i"},
	{"i", "y"},
	{"v", "w"},
	{"w", "v"},
	{"ie", "y"},
	{"ä", "a"},
	{"ö", "o"},
	{"å", "o"},
	{"ee", "ea"},
	{"ll", "l"},
	{"nn", "n"},
	{"ss", "s"},
	{"t", "th"},
	{"sh", "sch"},
	{"z", "s"},
}

// typo makes one slip: a spelling by ear, or a letter dropped, doubled,
// replaced or exchanged with its neighbour.
func (g *generator) typo(s string) string {
	if g.chance(0.4) {
		start := g.rng.IntN(len(soundsLike))
		for i := range soundsLike {
			p := soundsLike[(start+i)%len(soundsLike)]
			if strings.Contains(s, p[0]) {
				return strings.Replace(s, p[0], p[1], 1)
			}
		}
	}
	r := []rune(s)
	if len(r) < 3 || utf8.RuneCountInString(s) != len(r) {
		return s
	}
	i := 1 + g.rng.IntN(len(r)-2)
	switch g.rng.IntN(4) {
	case 0:
		return string(append(append([]rune{}, r[:i]...), r[i+1:]...))
	case 1:
		return string(append(append(append([]rune{}, r[:i]...), r[i]), r[i:]...))
	case 2:
		r[i] = rune('a' + g.rng.IntN(26))
	default:
		r[i], r[i+1] = r[i+1], r[i]
	}
	return string(r)
}

// digit changes one digit or exchanges two neighbours.
func (g *generator) digit(s string) string {
	b := []byte(s)
	if len(b) < 2 {
		return s
	}
	i := g.rng.IntN(len(b) - 1)
	if g.chance(0.5) {
		b[i], b[i+1] = b[i+1], b[i]
	} else {
		b[i] = byte('0' + g.rng.IntN(10))
	}
	return string(b)
}
