package match

import (
	"fmt"
	"slices"
)

// slotKind says how the values of a slot are normalised and compared.
type slotKind uint8

const (
	kindGiven slotKind = iota
	kindFamily
	kindDate
	kindSex
	kindPlace
	kindPostcode
	kindStreet
	kindPhone
	kindEmail
	kindIdentifier
	kindOther
	kindHousehold
	kindCount
)

var kindNames = [kindCount]string{
	"given name", "family name", "birth date", "sex", "place", "postcode",
	"street", "phone", "e-mail", "identifier", "other", "household",
}

func (k slotKind) String() string { return kindNames[k] }

// slot is one thing compared. Identifier and other slots carry the system or
// attribute name; the name "*" takes every name that has no slot of its own.
type slot struct {
	Kind slotKind `json:"kind"`
	Name string   `json:"name,omitempty"`
}

func (s slot) String() string {
	if s.Name == "" {
		return s.Kind.String()
	}
	return s.Kind.String() + " " + s.Name
}

// Fixed places of the first slots in every schema.
const (
	slotGiven = iota
	slotFamily
	slotDate
	slotSex
	slotPlace
	slotPostcode
	slotStreet
	slotPhone
	slotEmail
	slotHousehold
	slotIdentifiers
	slotOthers
	fixedSlots
)

// slotEither stands for the given or the family name, whichever is commoner:
// where names changed places, a value is looked up as both.
const slotEither = 255

// maxSlots bounds a schema: values are counted in one byte a slot.
const maxSlots = 24

const anyName = "*"

// schema is the ordered list of slots a model compares.
type schema []slot

func baseSchema() schema {
	return schema{
		{Kind: kindGiven},
		{Kind: kindFamily},
		{Kind: kindDate},
		{Kind: kindSex},
		{Kind: kindPlace},
		{Kind: kindPostcode},
		{Kind: kindStreet},
		{Kind: kindPhone},
		{Kind: kindEmail},
		{Kind: kindHousehold},
		{Kind: kindIdentifier, Name: anyName},
		{Kind: kindOther, Name: anyName},
	}
}

// with returns the schema with a slot for the named identifier systems and
// attributes, in order. An error names what does not fit.
func (s schema) with(k slotKind, name string) (schema, error) {
	if s.named(k, name) >= 0 {
		return s, nil
	}
	if len(s) == maxSlots {
		return nil, fmt.Errorf("%s %q: a model compares at most %d columns", k, name, maxSlots)
	}
	return append(slices.Clone(s), slot{k, name}), nil
}

func (s schema) named(k slotKind, name string) int {
	for i := fixedSlots; i < len(s); i++ {
		if s[i].Kind == k && s[i].Name == name {
			return i
		}
	}
	return -1
}

// slotFor is the slot a named value goes to: its own, else the one for any.
func (s schema) slotFor(k slotKind, name string) int {
	if i := s.named(k, name); i >= 0 {
		return i
	}
	if k == kindIdentifier {
		return slotIdentifiers
	}
	return slotOthers
}
