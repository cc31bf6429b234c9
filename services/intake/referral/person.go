package referral

import (
	"log/slog"
	"regexp"
	"strconv"
	"time"
)

// Redacted is what personal data prints as.
const Redacted = "[redacted]"

// ReportedPerson is a person as one referral describes them.
type ReportedPerson struct {
	Ref         string       `json:"ref"`
	Role        string       `json:"role"`
	Name        Name         `json:"name"`
	BirthDate   PartialDate  `json:"birth_date,omitempty"`
	Sex         string       `json:"sex,omitempty"`
	Languages   []string     `json:"languages"`
	Contacts    []Contact    `json:"contacts"`
	Addresses   []Address    `json:"addresses"`
	Identifiers []Identifier `json:"identifiers"`
}

// Name of a person. Both parts may be empty: nobody is given a name they are not
// known by.
type Name struct {
	Given  []string `json:"given"`
	Family string   `json:"family,omitempty"`
}

// PartialDate is as much of a date as is known: YYYY, YYYY-MM, YYYY-MM-DD or "".
type PartialDate string

// Full says whether the day is known.
func (d PartialDate) Full() bool { return len(d) == len("2006-01-02") }

// Agrees says whether two dates could be the same day: the shorter is the
// beginning of the longer. An unknown date agrees with all.
func (d PartialDate) Agrees(e PartialDate) bool {
	n := min(len(d), len(e))
	return d[:n] == e[:n]
}

// Contact is a way to reach a person, and whether it is safe to use.
type Contact struct {
	Kind  string `json:"kind"`
	Value string `json:"value"`
	Safe  string `json:"safe,omitempty"`
}

// Address of a person. A confidential one is shown only to those granted by name.
type Address struct {
	Lines        []string `json:"lines,omitempty"`
	City         string   `json:"city,omitempty"`
	PostalCode   string   `json:"postal_code,omitempty"`
	Country      string   `json:"country,omitempty"`
	Confidential bool     `json:"confidential"`
}

// Identifier of a person in another system.
type Identifier struct {
	System string `json:"system,omitempty"`
	Value  string `json:"value"`
}

// LogValue keeps personal data out of logs.
func (ReportedPerson) LogValue() slog.Value { return slog.StringValue(Redacted) }

// String keeps personal data out of formatted text.
func (ReportedPerson) String() string { return Redacted }

// LogValue keeps personal data out of logs.
func (Name) LogValue() slog.Value { return slog.StringValue(Redacted) }

// String keeps personal data out of formatted text.
func (Name) String() string { return Redacted }

// LogValue keeps personal data out of logs.
func (PartialDate) LogValue() slog.Value { return slog.StringValue(Redacted) }

// LogValue keeps personal data out of logs.
func (Contact) LogValue() slog.Value { return slog.StringValue(Redacted) }

// String keeps personal data out of formatted text.
func (Contact) String() string { return Redacted }

// LogValue keeps personal data out of logs.
func (Address) LogValue() slog.Value { return slog.StringValue(Redacted) }

// String keeps personal data out of formatted text.
func (Address) String() string { return Redacted }

// LogValue keeps personal data out of logs.
func (Identifier) LogValue() slog.Value { return slog.StringValue(Redacted) }

// String keeps personal data out of formatted text.
func (Identifier) String() string { return Redacted }

// LogValue keeps personal data out of logs.
func (Content) LogValue() slog.Value { return slog.StringValue(Redacted) }

// String keeps personal data out of formatted text.
func (Content) String() string { return Redacted }

// LogValue shows what an event is known by and nothing it says.
func (e Event) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", e.Ref.ID), slog.String("type", e.Type))
}

// persons reads data.persons: at least one.
func (r *reader) persons(m map[string]any, at string) []ReportedPerson {
	v := m["persons"]
	if v == nil {
		r.fault(at+"/persons", "required", "data.persons is required")
		return nil
	}
	var persons []ReportedPerson
	n := r.each(m, at, "persons", 100, func(v any, at string) { persons = append(persons, r.person(v, at)) })
	if _, isList := v.([]any); isList && n == 0 {
		r.fault(at+"/persons", "empty", "data.persons must not be empty")
	}
	return persons
}

func (r *reader) person(v any, at string) ReportedPerson {
	p := ReportedPerson{Languages: []string{}, Contacts: []Contact{}, Addresses: []Address{}, Identifiers: []Identifier{}}
	m, ok := r.object(v, at, "ref", "role", "name", "birth_date", "sex", "languages", "contacts", "addresses", "identifiers")
	if !ok {
		return p
	}
	p.Ref = r.required(m, at, "ref", maxRef)
	p.Role = r.requiredCode(m, at, "role", "role", PersonRoles)
	p.Name = r.name(m, at)
	p.BirthDate = r.birthDate(m, at)
	if v := m["sex"]; v != nil {
		p.Sex = r.code(v, at+"/sex", "sex", Sexes)
	}
	r.each(m, at, "languages", 20, func(v any, at string) {
		if l := r.str(v, at, 64); languageForm.MatchString(l) {
			p.Languages = append(p.Languages, l)
		} else {
			r.fault(at, "pattern", "a language is a BCP 47 tag, as fi or sv-FI")
		}
	})
	r.each(m, at, "contacts", 50, func(v any, at string) { p.Contacts = append(p.Contacts, r.contact(v, at)) })
	r.each(m, at, "addresses", 50, func(v any, at string) { p.Addresses = append(p.Addresses, r.address(v, at)) })
	r.each(m, at, "identifiers", 50, func(v any, at string) {
		if m, ok := r.object(v, at, "system", "value"); ok {
			p.Identifiers = append(p.Identifiers, Identifier{System: r.text(m, at, "system", 200), Value: r.required(m, at, "value", 200)})
		}
	})
	return p
}

func (r *reader) name(m map[string]any, at string) Name {
	n := Name{Given: []string{}}
	v := m["name"]
	if v == nil {
		return n
	}
	at += "/name"
	parts, ok := r.object(v, at, "given", "family")
	if !ok {
		return n
	}
	r.each(parts, at, "given", 20, func(v any, at string) {
		if s := trim(r.str(v, at, 200)); s != "" {
			n.Given = append(n.Given, s)
		}
	})
	n.Family = trim(r.text(parts, at, "family", 200))
	return n
}

var birthDateForm = regexp.MustCompile(`^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$`)

// birthDate reads as much of a date as is known. It may not lie after the day
// the referral was taken in, with a day's grace for zones.
func (r *reader) birthDate(m map[string]any, at string) PartialDate {
	v := m["birth_date"]
	if v == nil {
		return ""
	}
	at += "/birth_date"
	s, ok := v.(string)
	if !ok || !birthDateForm.MatchString(s) {
		r.fault(at, "not_a_date", "birth_date is not a date: write YYYY, YYYY-MM or YYYY-MM-DD")
		return ""
	}
	layout := "2006-01-02"[:len(s)]
	day, err := time.Parse(layout, s)
	year, _ := strconv.Atoi(s[:4])
	switch {
	case err != nil || year < 1800:
		r.fault(at, "not_a_date", "birth_date is not a date: write YYYY, YYYY-MM or YYYY-MM-DD")
	case day.After(r.now.AddDate(0, 0, 1)):
		r.fault(at, "in_the_future", "birth_date is in the future")
	default:
		return PartialDate(s)
	}
	return ""
}

func (r *reader) contact(v any, at string) Contact {
	m, ok := r.object(v, at, "kind", "value", "safe")
	if !ok {
		return Contact{}
	}
	c := Contact{Kind: r.required(m, at, "kind", 64), Value: r.required(m, at, "value", 320), Safe: "unknown"}
	if c.Kind != "" && !wordForm.MatchString(c.Kind) {
		r.fault(at+"/kind", "pattern", "kind is a code: small letters, digits and _")
	}
	if v := m["safe"]; v != nil {
		c.Safe = r.code(v, at+"/safe", "safe", Safeties)
	}
	return c
}

func (r *reader) address(v any, at string) Address {
	m, ok := r.object(v, at, "lines", "city", "postal_code", "country", "confidential")
	if !ok {
		return Address{}
	}
	a := Address{City: r.text(m, at, "city", 200), PostalCode: r.text(m, at, "postal_code", 20)}
	r.each(m, at, "lines", 10, func(v any, at string) { a.Lines = append(a.Lines, r.str(v, at, 200)) })
	a.Country = r.pattern(m, at, "country", countryForm, "is two capital letters of ISO 3166-1, as FI")
	a.Confidential = r.flag(m, at, "confidential")
	return a
}
