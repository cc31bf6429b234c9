package fhir

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hearthfps/hearth/services/intake/referral"
)

// MaxCount is how many matches are given at most.
const MaxCount = 50

const defaultCount = 10

// Question is a request of Patient/$match.
type Question struct {
	// Person is who is described, not known by an id.
	Person *referral.Person
	// OnlyCertain asks for the one person it certainly is, or nobody.
	OnlyCertain bool
	// Count is how many matches are wanted: 1 to MaxCount.
	Count int
}

// Issue is one thing wrong with a request, where it is, as a FHIRPath of the
// Parameters resource.
type Issue struct {
	Code        string // of the value set issue-type
	Expression  string
	Diagnostics string
}

// Bounds on what one description may hold.
const (
	maxEach = 50
	maxText = 400
)

// ReadMatch reads the Parameters of Patient/$match. It gives the question, or all
// that is wrong with it.
func ReadMatch(body []byte) (Question, []Issue) {
	r := &reader{}
	q := Question{Count: defaultCount}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var root any
	if err := d.Decode(&root); err != nil {
		return q, []Issue{{"structure", "Parameters", "the body is not JSON"}}
	}
	if _, err := d.Token(); err != io.EOF {
		return q, []Issue{{"structure", "Parameters", "there is more after the resource"}}
	}
	m, ok := root.(map[string]any)
	if !ok || m["resourceType"] != "Parameters" {
		return q, []Issue{{"structure", "Parameters", "send a Parameters resource with the parameters resource, onlyCertainMatches and count"}}
	}
	seen := map[string]bool{}
	r.list(m, "Parameters", "parameter", func(v any, at string) {
		p, ok := r.object(v, at)
		if !ok {
			return
		}
		name := r.text(p, at, "name")
		if seen[name] {
			r.issue("structure", at, "the parameter "+known(name)+" is given twice")
		}
		seen[name] = true
		switch name {
		case "resource":
			q.Person = r.patient(p["resource"], at+".resource")
		case "onlyCertainMatches":
			q.OnlyCertain = r.boolean(p, at, "valueBoolean")
		case "count":
			q.Count = r.count(p, at)
		default:
			r.issue("not-supported", at+".name", "the parameters are resource, onlyCertainMatches and count")
		}
	})
	if !seen["resource"] {
		r.issue("required", "Parameters.parameter", "the parameter resource is missing: the Patient to look for")
	}
	if len(r.issues) > 0 {
		return Question{}, r.issues
	}
	return q, nil
}

// known keeps what a sender wrote out of an answer.
func known(name string) string {
	if name == "resource" || name == "onlyCertainMatches" || name == "count" {
		return name
	}
	return "of that name"
}

type reader struct{ issues []Issue }

func (r *reader) issue(code, at, what string) {
	if len(r.issues) < maxEach {
		r.issues = append(r.issues, Issue{code, at, what})
	}
}

func (r *reader) object(v any, at string) (map[string]any, bool) {
	m, ok := v.(map[string]any)
	if !ok {
		r.issue("structure", at, "is to be an object")
		return nil, false
	}
	if m["modifierExtension"] != nil {
		r.issue("not-supported", at+".modifierExtension", "a modifier extension changes what the rest means, and this one is not known here")
	}
	return m, true
}

func (r *reader) list(m map[string]any, at, name string, each func(v any, at string)) {
	v, there := m[name]
	if !there || v == nil {
		return
	}
	items, ok := v.([]any)
	if !ok {
		r.issue("structure", at+"."+name, "is to be a list")
		return
	}
	if len(items) > maxEach {
		r.issue("too-long", at+"."+name, fmt.Sprintf("at most %d are read", maxEach))
		return
	}
	for i, item := range items {
		each(item, fmt.Sprintf("%s.%s[%d]", at, name, i))
	}
}

func (r *reader) text(m map[string]any, at, name string) string {
	v, there := m[name]
	if !there || v == nil {
		return ""
	}
	return r.string(v, at+"."+name)
}

func (r *reader) string(v any, at string) string {
	s, ok := v.(string)
	switch {
	case !ok:
		r.issue("structure", at, "is to be a string")
		return ""
	case len(s) > maxText:
		r.issue("too-long", at, fmt.Sprintf("at most %d bytes are read", maxText))
		return ""
	}
	return strings.Join(strings.Fields(strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", " "), " ")), " ")
}

func (r *reader) code(m map[string]any, at, name string, allowed ...string) string {
	s := r.text(m, at, name)
	if s != "" && !slices.Contains(allowed, s) {
		r.issue("code-invalid", at+"."+name, "is one of "+strings.Join(allowed, ", "))
		return ""
	}
	return s
}

func (r *reader) boolean(m map[string]any, at, name string) bool {
	v, ok := m[name].(bool)
	if !ok {
		r.issue("structure", at+"."+name, "is to be true or false")
	}
	return v
}

func (r *reader) count(m map[string]any, at string) int {
	n, ok := m["valueInteger"].(json.Number)
	if !ok {
		r.issue("structure", at+".valueInteger", "is to be a whole number")
		return defaultCount
	}
	count, err := n.Int64()
	if err != nil || count < 1 || count > MaxCount {
		r.issue("value", at+".valueInteger", fmt.Sprintf("is 1 to %d", MaxCount))
		return defaultCount
	}
	return int(count)
}

// patient reads a Patient as somebody to be looked for.
func (r *reader) patient(v any, at string) *referral.Person {
	m, ok := r.object(v, at)
	if !ok {
		return nil
	}
	if m["resourceType"] != "Patient" {
		r.issue("structure", at+".resourceType", "is to be Patient")
		return nil
	}
	p := &referral.Person{}
	r.names(m, at, p)
	r.list(m, at, "identifier", func(v any, at string) {
		if m, ok := r.object(v, at); ok {
			r.code(m, at, "use", "usual", "official", "temp", "secondary", "old")
			if id := (referral.Identifier{System: r.text(m, at, "system"), Value: r.text(m, at, "value")}); id.Value != "" {
				p.Identifiers = append(p.Identifiers, id)
			}
		}
	})
	r.list(m, at, "telecom", func(v any, at string) {
		if m, ok := r.object(v, at); ok {
			r.code(m, at, "use", "home", "work", "temp", "old", "mobile")
			system := r.code(m, at, "system", "phone", "fax", "email", "pager", "url", "sms", "other")
			value := r.text(m, at, "value")
			switch {
			case value == "":
			case system == "email":
				p.Contacts = append(p.Contacts, referral.Contact{Kind: "email", Value: value})
			case system == "phone" || system == "sms" || system == "":
				p.Contacts = append(p.Contacts, referral.Contact{Kind: "phone", Value: value})
			}
		}
	})
	r.list(m, at, "address", func(v any, at string) {
		if m, ok := r.object(v, at); ok {
			r.code(m, at, "use", "home", "work", "temp", "old", "billing")
			a := referral.Address{City: r.text(m, at, "city"), PostalCode: r.text(m, at, "postalCode"), Country: r.text(m, at, "country")}
			r.list(m, at, "line", func(v any, at string) { a.Lines = append(a.Lines, r.string(v, at)) })
			p.Addresses = append(p.Addresses, a)
		}
	})
	p.Sex = r.code(m, at, "gender", "male", "female", "other", "unknown")
	p.BirthDate = r.birthDate(m, at)
	p.MultipleBirth = r.multipleBirth(m, at)
	return p
}

// names reads the name the person goes by now, and the others. An anonymous name
// is nobody's.
func (r *reader) names(m map[string]any, at string, p *referral.Person) {
	best := -1
	r.list(m, at, "name", func(v any, at string) {
		m, ok := r.object(v, at)
		if !ok {
			return
		}
		use := r.code(m, at, "use", "usual", "official", "temp", "nickname", "anonymous", "old", "maiden")
		n := referral.Name{Family: r.text(m, at, "family")}
		r.list(m, at, "given", func(v any, at string) {
			if s := r.string(v, at); s != "" {
				n.Given = append(n.Given, s)
			}
		})
		if text := r.text(m, at, "text"); n.Family == "" && len(n.Given) == 0 {
			n = nameOf(text)
		}
		if use == "anonymous" || n.Family == "" && len(n.Given) == 0 {
			return
		}
		rank := slices.Index([]string{"maiden", "old", "nickname", "temp", "", "usual", "official"}, use)
		if rank <= best {
			p.Aliases = append(p.Aliases, n)
			return
		}
		if best >= 0 {
			p.Aliases = append(p.Aliases, p.Name)
		}
		p.Name, best = n, rank
	})
}

// nameOf takes a whole name apart: what stands before a comma, or last, is the
// family name.
func nameOf(text string) referral.Name {
	if family, given, ok := strings.Cut(text, ","); ok {
		return referral.Name{Family: strings.TrimSpace(family), Given: strings.Fields(given)}
	}
	parts := strings.Fields(text)
	if len(parts) < 2 {
		return referral.Name{Given: parts}
	}
	return referral.Name{Given: parts[:len(parts)-1], Family: parts[len(parts)-1]}
}

var birthDateForm = regexp.MustCompile(`^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$`)

func (r *reader) birthDate(m map[string]any, at string) referral.PartialDate {
	s := r.text(m, at, "birthDate")
	if s == "" {
		return ""
	}
	if !birthDateForm.MatchString(s) {
		r.issue("value", at+".birthDate", "is YYYY, YYYY-MM or YYYY-MM-DD")
		return ""
	}
	if _, err := time.Parse("2006-01-02"[:len(s)], s); err != nil {
		r.issue("value", at+".birthDate", "is no day of the calendar")
		return ""
	}
	return referral.PartialDate(s)
}

// multipleBirth is multipleBirthBoolean, or multipleBirthInteger: which of them.
func (r *reader) multipleBirth(m map[string]any, at string) bool {
	switch v := m["multipleBirthInteger"].(type) {
	case nil:
	case json.Number:
		n, err := v.Int64()
		if err != nil || n < 1 {
			r.issue("value", at+".multipleBirthInteger", "is 1 or more")
		}
		return true
	default:
		r.issue("structure", at+".multipleBirthInteger", "is to be a whole number")
	}
	if m["multipleBirthBoolean"] == nil {
		return false
	}
	return r.boolean(m, at, "multipleBirthBoolean")
}
