package match

import (
	"fmt"
	"strings"
)

// atom is one thing about a record that may be part of a key. A record has
// several values of most atoms (each name, each phone).
type atom uint8

const (
	atomNone  atom = iota
	atomName       // each name as written
	atomSound      // each name by sound
	atomCanon      // each given name by the names it is used for
	atomNames      // two names, by sound, in any order
	atomForms      // a given name by the names it is used for and another name by sound
	atomHeads      // the start or end of one name and another name by sound
	atomEnds       // the start or end of a name
	atomYear
	atomYearMonth
	atomMonthDay
	atomDate
	atomDateDigits // the digits of the date in any order: transposed digits, day for month
	atomPlace
	atomPostcode
	atomArea // the district of a postcode
	atomStreet
	atomPhone
	atomPhoneEnd
	atomEmail
	atomEmailUser
	atomIdentifier
	atomIdentifierHalf
	atomOther
	atomHousehold
	atomCount
)

var atomNamesOf = [atomCount]string{
	"", "name", "sound", "given-form", "two-names", "form-and-name", "part-and-name", "name-end",
	"year", "year-month", "month-day", "date", "date-digits",
	"place", "postcode", "area", "street", "phone", "phone-end", "email", "email-user",
	"identifier", "identifier-half", "other", "household",
}

// rule is a way to find candidates: records that share a value of every atom.
type rule struct {
	a, b atom
}

func (r rule) String() string {
	if r.b == atomNone {
		return atomNamesOf[r.a]
	}
	return atomNamesOf[r.a] + "+" + atomNamesOf[r.b]
}

func (r rule) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

func (r *rule) UnmarshalText(text []byte) error {
	a, b, two := strings.Cut(string(text), "+")
	var err error
	if r.a, err = parseAtom(a); err != nil {
		return err
	}
	if two {
		r.b, err = parseAtom(b)
	}
	return err
}

func parseAtom(s string) (atom, error) {
	for i := atomNone + 1; i < atomCount; i++ {
		if atomNamesOf[i] == s {
			return i, nil
		}
	}
	return 0, fmt.Errorf("candidate rule: %q is no part of a key", s)
}

// salt keeps the keys of different rules apart.
func (r rule) salt() uint64 { return mix(uint64(r.a)<<8 | uint64(r.b) | 1<<20) }

// allRules is the library a fit chooses from by what each finds.
func allRules() []rule {
	rules := []rule{
		{a: atomIdentifier},
		{a: atomPhone},
		{a: atomEmail},
		{a: atomDate},
		{a: atomNames},
		{a: atomForms},
		{a: atomHeads},
		{a: atomPostcode},
		{a: atomStreet},
		{a: atomHousehold},
		{a: atomDateDigits},
		{a: atomIdentifierHalf},
		{a: atomPhoneEnd},
		{a: atomEmailUser},
		{a: atomName},
		{a: atomSound},
	}
	for _, n := range []atom{atomSound, atomCanon, atomEnds} {
		for _, w := range []atom{
			atomYear, atomMonthDay, atomYearMonth, atomPlace, atomArea, atomPostcode, atomStreet, atomOther,
			atomHousehold, atomDateDigits,
		} {
			rules = append(rules, rule{n, w})
		}
	}
	return append(rules,
		rule{atomPlace, atomYear}, rule{atomPlace, atomMonthDay}, rule{atomPlace, atomDate}, rule{atomPlace, atomOther},
		rule{atomPlace, atomArea}, rule{atomPlace, atomPostcode},
		rule{atomArea, atomYear}, rule{atomArea, atomMonthDay}, rule{atomArea, atomDate}, rule{atomArea, atomOther},
		rule{atomPostcode, atomYear}, rule{atomPostcode, atomMonthDay}, rule{atomPostcode, atomOther},
		rule{atomOther, atomYear}, rule{atomOther, atomDate},
		rule{atomStreet, atomArea}, rule{atomStreet, atomPlace}, rule{atomStreet, atomYear}, rule{atomStreet, atomMonthDay},
		rule{atomName, atomDate}, rule{atomDate, atomArea},
	)
}

// settles lists the comparisons a rule's pairs agree on by construction, of
// which the rule's pairs therefore teach nothing: what it demands, and what
// follows from that.
func (r rule) settles(s schema, c int) bool {
	return settles(r.a, s, c) || settles(r.b, s, c)
}

func settles(a atom, s schema, c int) bool {
	if c >= len(s) {
		switch a {
		case atomNames, atomForms, atomHeads, atomName, atomSound, atomCanon, atomEnds:
			return true
		}
		return false
	}
	k := s[c].Kind
	switch a {
	case atomName, atomSound, atomNames, atomForms, atomHeads, atomEnds, atomCanon:
		return k == kindGiven || k == kindFamily
	case atomYear, atomYearMonth, atomMonthDay, atomDate, atomDateDigits:
		return k == kindDate
	case atomPlace, atomPostcode, atomArea, atomStreet:
		// Who shares a street shares the town.
		return k == kindPlace || k == kindPostcode || k == kindStreet
	case atomPhone, atomPhoneEnd:
		return k == kindPhone
	case atomEmail, atomEmailUser:
		return k == kindEmail
	case atomIdentifier, atomIdentifierHalf:
		return k == kindIdentifier
	case atomOther:
		return k == kindOther
	case atomHousehold:
		return k == kindHousehold
	}
	return false
}
