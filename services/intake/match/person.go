package match

import "strings"

// Person is what the engine may know of one person. It is self-contained: no
// field refers to anything outside it, and every field may be empty. Empty
// means unknown and is neither evidence for nor against a match.
type Person struct {
	ID          string // the caller's name for the record; never compared
	Given       []string
	Family      string
	Aliases     []Name // former, married, adoptive and also-known-as names
	BirthDate   Date   // for an unborn child: the expected date of birth
	Sex         Sex
	Addresses   []Address
	Contacts    []Contact
	Identifiers []Identifier
	Attributes  []Attribute
	Household   string // a key equal for members of one household, or empty
	Flags       Flags
	// Compartment walls a record off. Records of different compartments are
	// never compared, share no key and are never suggested to each other: a
	// child's identity before adoption, a person living under a protected
	// identity. The open population is the empty compartment.
	Compartment string
	// One is a key equal for records that people decided are of one person, or
	// empty. It is no evidence; Settle takes such records for one candidate.
	One string
}

// Name is another name a person is or was known by.
type Name struct {
	Given  []string
	Family string
}

// Address is one place a person lives or lived at.
type Address struct {
	Lines      []string
	City       string
	PostalCode string
	Country    string
}

// Contact is a phone number or an e-mail address.
type Contact struct {
	Kind  ContactKind
	Value string
}

// ContactKind says what a contact's value is.
type ContactKind uint8

// Kinds of contact.
const (
	Phone ContactKind = iota
	Email
)

// Identifier is a number some system gave a person. Values of different
// systems are never compared with each other.
type Identifier struct {
	System string
	Value  string
}

// Attribute is any further fact worth comparing, such as a birth place or an
// occupation. Attributes are compared under equal names.
type Attribute struct {
	Name  string
	Value string
}

// Sex as recorded. Unknown is missing evidence.
type Sex uint8

// Recorded sex.
const (
	SexUnknown Sex = iota
	Female
	Male
	OtherSex
)

// ParseSex reads the words and letters used for sex in records. What it does
// not know is unknown.
func ParseSex(s string) Sex {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "f", "female", "woman", "girl", "w", "2", "nainen", "kvinna":
		return Female
	case "m", "male", "man", "boy", "1", "mies":
		return Male
	case "x", "other", "o", "nonbinary", "non-binary", "3":
		return OtherSex
	}
	return SexUnknown
}

// Flags are facts about a record that change how it may be matched.
type Flags uint16

// Flags of a record.
const (
	// Reporter marks the person who made a referral. Reporters are matched
	// with nobody and have no keys.
	Reporter Flags = 1 << iota
	// Unborn marks an expected child.
	Unborn
	// MultipleBirth marks a child known to be a twin or triplet.
	MultipleBirth
	// PlaceholderName marks a record whose name stands for no name ("Baby
	// Boy", "Unknown"). Compiling sets it where the tables recognise one.
	PlaceholderName
)

// Has reports whether every flag of g is set.
func (f Flags) Has(g Flags) bool { return f&g == g }
