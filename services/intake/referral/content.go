package referral

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// MaxNarrative is the longest narrative, in bytes of UTF-8.
const MaxNarrative = 200 << 10

// The code lists of the inbound contract.
var (
	Channels     = []string{"hotline", "web", "school", "police", "hospital", "court", "other_agency", "self"}
	Kinds        = []string{"notification", "contact_with_family", "self_referral", "court_order", "prebirth"}
	ConcernCodes = []string{"neglect", "physical_abuse", "emotional_abuse", "sexual_abuse", "domestic_violence", "substance_use", "mental_health", "housing", "financial", "parent_child_conflict", "child_behaviour", "disability_support"}
	SafetyFlags  = []string{"domestic_violence", "weapons", "dangerous_animal", "child_alone", "infectious_disease"}
	Urgencies    = []string{"immediate", "high", "standard", "low", "unknown"}
	PersonRoles  = []string{"child", "caregiver", "other_adult"}
	Sexes        = []string{"female", "male", "other", "unknown"}
	Safeties     = []string{"yes", "no", "unknown"}
)

// UrgencyUnknown is the urgency of a referral whose sender states none.
const UrgencyUnknown = "unknown"

// Content is what a referral says, its reporter aside.
type Content struct {
	ExternalID       string
	ReceivedAt       time.Time
	Channel          string
	Kind             string
	Narrative        string
	Concerns         []Concern
	RequestedProgram string // "" when none is asked for
	Urgency          string
	SafetyFlags      []string
	Persons          []ReportedPerson
	Relationships    []Relationship
	// Household are the refs of its members as the sender states them; empty
	// when it states none.
	Household []string
}

// Concern is one thing somebody is worried about, and the refs of whom for.
type Concern struct {
	Code     string   `json:"code"`
	Subjects []string `json:"subjects"`
}

// Relationship says how one person stands to another, by refs: from is the
// type ("parent_of") of to.
type Relationship struct {
	From string `json:"from"`
	To   string `json:"to"`
	Type string `json:"type"`
}

// ConcernCodes are the codes of the concerns, each once, in the order given.
func (c *Content) ConcernCodes() []string {
	codes := []string{}
	for _, concern := range c.Concerns {
		if !slices.Contains(codes, concern.Code) {
			codes = append(codes, concern.Code)
		}
	}
	return codes
}

// Languages are the languages the persons speak, each once, in the order given.
func (c *Content) Languages() []string {
	languages := []string{}
	for _, p := range c.Persons {
		for _, l := range p.Languages {
			if !slices.Contains(languages, l) {
				languages = append(languages, l)
			}
		}
	}
	return languages
}

var (
	programForm  = regexp.MustCompile(`^[a-z0-9_.-]{1,100}$`)
	wordForm     = regexp.MustCompile(`^[a-z0-9_]{1,64}$`)
	languageForm = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{1,8})*$`)
	countryForm  = regexp.MustCompile(`^[A-Z]{2}$`)
)

const maxRef = 64

// fields are the members of a submission's data.
var fields = []string{"external_id", "received_at", "channel", "kind", "narrative", "concerns", "requested_program", "urgency", "safety_flags", "reporter", "persons", "relationships", "household"}

// submitted reads the data of a submission.
func (r *reader) submitted(data map[string]any, at string, e *Event) {
	e.Kind = Submission
	c := r.content(data, at)
	e.Content = &c
}

// content reads what a referral says. In a patch only what is there is checked.
func (r *reader) content(v any, at string) Content {
	c := Content{}
	m, ok := r.object(v, at, fields...)
	if !ok {
		return c
	}
	if r.wants(m, "external_id") {
		c.ExternalID = r.required(m, at, "external_id", 200)
	}
	if r.wants(m, "received_at") {
		c.ReceivedAt = r.receivedAt(m, at)
	}
	if r.wants(m, "channel") {
		c.Channel = r.requiredCode(m, at, "channel", "channel", Channels)
	}
	if r.wants(m, "kind") {
		c.Kind = r.requiredCode(m, at, "kind", "kind", Kinds)
	}
	c.Narrative = r.narrative(m, at)
	r.each(m, at, "concerns", 50, func(v any, at string) {
		if concern, ok := r.object(v, at, "code", "subjects"); ok {
			c.Concerns = append(c.Concerns, Concern{
				Code:     r.requiredCode(concern, at, "code", "concern", ConcernCodes),
				Subjects: r.refs(concern, at, "subjects"),
			})
		}
	})
	c.RequestedProgram = r.pattern(m, at, "requested_program", programForm, "is a program code: small letters, digits, _ . -")
	c.Urgency = UrgencyUnknown
	if v := m["urgency"]; v != nil {
		c.Urgency = r.code(v, at+"/urgency", "urgency", Urgencies)
	}
	c.SafetyFlags = []string{}
	r.each(m, at, "safety_flags", 50, func(v any, at string) {
		if f := r.code(v, at, "safety flag", SafetyFlags); f != "" && !slices.Contains(c.SafetyFlags, f) {
			c.SafetyFlags = append(c.SafetyFlags, f)
		}
	})
	if v := m["reporter"]; v != nil {
		r.reporter(v, at+"/reporter")
	}
	if r.wants(m, "persons") {
		c.Persons = r.persons(m, at)
	}
	r.each(m, at, "relationships", 1000, func(v any, at string) {
		if rel, ok := r.relationship(v, at); ok {
			c.Relationships = append(c.Relationships, rel)
		}
	})
	if v := m["household"]; v != nil {
		if h, ok := r.object(v, at+"/household", "members"); ok {
			c.Household = r.refs(h, at+"/household", "members")
		}
	}
	if !r.patch {
		r.checkRefs(&c, at)
	}
	return c
}

// wants says whether a member of data is to be read as required: always in a
// submission, and in a correction when it is among the changes.
func (r *reader) wants(m map[string]any, name string) bool {
	_, there := m[name]
	return there || !r.patch
}

func (r *reader) receivedAt(m map[string]any, at string) time.Time {
	s := r.required(m, at, "received_at", 64)
	if s == "" {
		return time.Time{}
	}
	t, err := parseTime(s)
	if err != nil {
		r.fault(at+"/received_at", "not_a_time", "received_at is not a time: write RFC 3339, as 2026-03-10T08:15:00Z")
	}
	return t
}

func (r *reader) narrative(m map[string]any, at string) string {
	v := m["narrative"]
	if v == nil {
		return ""
	}
	s, ok := v.(string)
	switch {
	case !ok:
		r.fault(at+"/narrative", "type", "narrative must be a string")
		return ""
	case len(s) > MaxNarrative:
		r.fault(at+"/narrative", "too_long", fmt.Sprintf("narrative too long: at most %d bytes", MaxNarrative))
		return ""
	}
	return s
}

// refs reads an array of person refs; whether they exist is checked at the end.
func (r *reader) refs(m map[string]any, at, name string) []string {
	refs := []string{}
	r.each(m, at, name, 1000, func(v any, at string) {
		refs = append(refs, r.str(v, at, maxRef))
	})
	return refs
}

func (r *reader) relationship(v any, at string) (Relationship, bool) {
	m, ok := r.object(v, at, "from", "to", "type")
	if !ok {
		return Relationship{}, false
	}
	rel := Relationship{
		From: r.required(m, at, "from", maxRef),
		To:   r.required(m, at, "to", maxRef),
		Type: r.required(m, at, "type", maxRef),
	}
	if rel.Type != "" && !wordForm.MatchString(rel.Type) {
		r.fault(at+"/type", "pattern", "type is a code: small letters, digits and _")
	}
	if rel.From != "" && rel.From == rel.To {
		r.fault(at, "self_relationship", "a person cannot be related to itself")
	}
	return rel, true
}

// checkRefs checks what refers to persons, and that each ref is one person.
func (r *reader) checkRefs(c *Content, at string) {
	known := map[string]bool{}
	for i, p := range c.Persons {
		if p.Ref == "" {
			continue
		}
		if known[p.Ref] {
			r.fault(fmt.Sprintf("%s/persons/%d/ref", at, i), "duplicate_ref", "duplicate person ref: another person has it")
		}
		known[p.Ref] = true
	}
	unknown := func(ref, pointer, detail string) {
		if ref != "" && !known[ref] {
			r.fault(pointer, "unknown_ref", detail)
		}
	}
	for i, concern := range c.Concerns {
		for j, ref := range concern.Subjects {
			unknown(ref, fmt.Sprintf("%s/concerns/%d/subjects/%d", at, i, j), "concern names an unknown person ref")
		}
	}
	for i, rel := range c.Relationships {
		unknown(rel.From, fmt.Sprintf("%s/relationships/%d/from", at, i), "relationship names an unknown person ref")
		unknown(rel.To, fmt.Sprintf("%s/relationships/%d/to", at, i), "relationship names an unknown person ref")
	}
	for i, ref := range c.Household {
		unknown(ref, fmt.Sprintf("%s/household/members/%d", at, i), "household names an unknown person ref")
	}
}

// trim shortens text for a fold of blanks: " a  b " is "a b".
func trim(s string) string { return strings.Join(strings.Fields(s), " ") }
