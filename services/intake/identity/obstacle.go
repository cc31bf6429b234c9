package identity

import (
	"slices"
	"strings"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// Obstacle is what speaks against two identities being one person, as a code.
type Obstacle string

// The obstacles. Sealed is never overcome; each of the others is, by a decision that
// names it.
const (
	// Sealed: an adoption or a protected identity is on one side.
	Sealed Obstacle = "sealed"
	// NamedApart: one referral names them as two persons.
	NamedApart Obstacle = "named_apart"
	// DecidedApart: somebody decided they are two, or took a merge of them back.
	DecidedApart Obstacle = "decided_apart"
	// PerhapsTwins: one surname and birth date, and no given name in common.
	PerhapsTwins Obstacle = "perhaps_twins"
	// MultipleBirth: one is known to be a twin, or one of more.
	MultipleBirth Obstacle = "multiple_birth"
	// Unborn: an expected child has nothing of its own to be known by.
	Unborn Obstacle = "unborn"
	// BirthDatesDiffer: both are known, and not the same.
	BirthDatesDiffer Obstacle = "birth_dates_differ"
	// SexesDiffer: both are known, and not the same.
	SexesDiffer Obstacle = "sexes_differ"
	// IdentifiersDiffer: one system gave them different numbers.
	IdentifiersDiffer Obstacle = "identifiers_differ"
	// AddressConfidential: one keeps confidential an address the other does not have
	// so recorded. Who works with the one must not find where the other lives.
	AddressConfidential Obstacle = "address_confidential"
)

// obstacles are those a decision may name, with what they mean.
var obstacles = map[Obstacle]string{
	NamedApart:          "a referral names them as two persons",
	DecidedApart:        "it was decided before that they are two persons",
	PerhapsTwins:        "they share surname and birth date, and no given name: perhaps twins",
	MultipleBirth:       "one of them is a twin, or one of more",
	Unborn:              "one of them is an expected child",
	BirthDatesDiffer:    "their birth dates differ",
	SexesDiffer:         "their recorded sex differs",
	IdentifiersDiffer:   "one system gave them different numbers",
	AddressConfidential: "one of them keeps an address confidential",
}

// Between lists what is known against two identities being one, in the order above.
// What is known from decisions before (DecidedApart) is added by who knows these.
func Between(i, j *Identity) []Obstacle {
	var found []Obstacle
	note := func(o Obstacle, holds bool) {
		if holds && !slices.Contains(found, o) {
			found = append(found, o)
		}
	}
	any := func(against func(a, b *Record) bool) bool {
		for _, a := range i.Records {
			for _, b := range j.Records {
				if against(a, b) {
					return true
				}
			}
		}
		return false
	}
	note(Sealed, any(func(a, b *Record) bool { return a.Seal != "" || b.Seal != "" }))
	note(NamedApart, any(namedApart))
	note(PerhapsTwins, any(perhapsTwins))
	note(MultipleBirth, any(func(a, b *Record) bool { return a.MultipleBirth || b.MultipleBirth }))
	note(Unborn, any(func(a, b *Record) bool { return a.Unborn || b.Unborn }))
	note(BirthDatesDiffer, any(func(a, b *Record) bool { return !a.BirthDate.Agrees(b.BirthDate) }))
	note(SexesDiffer, any(func(a, b *Record) bool { return known(a.Sex) && known(b.Sex) && a.Sex != b.Sex }))
	note(IdentifiersDiffer, any(identifiersDiffer))
	note(AddressConfidential, any(func(a, b *Record) bool { return hides(a, b) || hides(b, a) }))
	return found
}

// clear fails unless a decision names every obstacle, and no seal is in the way.
func clear(found, named []Obstacle) error {
	if slices.Contains(found, Sealed) {
		return fault.New(fault.Forbidden, "sealed", "These cannot be merged.")
	}
	for _, o := range named {
		if _, ok := obstacles[o]; !ok {
			return fault.New(fault.Unprocessable, "obstacle_unknown", "A decision names known obstacles alone.",
				fault.Field{Pointer: "/despite", Code: "unknown_code", Detail: "not one of the obstacles there are"})
		}
	}
	return Unnamed(found, named)
}

// Unnamed fails with Unprocessable (merge_needs_reason) when a decision does not name
// every obstacle.
func Unnamed(found, named []Obstacle) error {
	var missing []fault.Field
	for _, o := range found {
		if !slices.Contains(named, o) {
			missing = append(missing, fault.Field{Pointer: "/despite", Code: string(o), Detail: obstacles[o]})
		}
	}
	if missing == nil {
		return nil
	}
	return fault.New(fault.Unprocessable, "merge_needs_reason", "Something speaks against these being one person: name each obstacle in despite if you know better.", missing...)
}

func namedApart(a, b *Record) bool {
	return slices.ContainsFunc(a.Referrals, func(x Appearance) bool {
		return slices.ContainsFunc(b.Referrals, func(y Appearance) bool { return x.Referral == y.Referral && x.Ref != y.Ref })
	})
}

func perhapsTwins(a, b *Record) bool {
	if !a.BirthDate.Full() || a.BirthDate != b.BirthDate || len(a.Name.Given) == 0 || len(b.Name.Given) == 0 || !strings.EqualFold(a.Name.Family, b.Name.Family) {
		return false
	}
	return !slices.ContainsFunc(a.Name.Given, func(x string) bool {
		return slices.ContainsFunc(b.Name.Given, func(y string) bool { return strings.EqualFold(x, y) })
	})
}

func known(sex string) bool { return sex == "female" || sex == "male" }

func identifiersDiffer(a, b *Record) bool {
	of := func(r *Record, system string) []string {
		var values []string
		for _, id := range r.Identifiers {
			if id.System == system {
				values = append(values, id.Value)
			}
		}
		return values
	}
	return slices.ContainsFunc(a.Identifiers, func(id referral.Identifier) bool {
		theirs := of(b, id.System)
		return id.System != "" && len(theirs) > 0 && !slices.ContainsFunc(of(a, id.System), func(v string) bool { return slices.Contains(theirs, v) })
	})
}

// hides says whether a keeps an address confidential that is not so in b.
func hides(a, b *Record) bool {
	return slices.ContainsFunc(a.Addresses, func(x referral.Address) bool {
		return x.Confidential && !slices.ContainsFunc(b.Addresses, func(y referral.Address) bool { return y.Confidential && x.SamePlace(y) })
	})
}

// Breach are the merges that must be taken back because a seal came between the
// records they tie: a sealed record is merged with nobody.
func (i *Identity) Breach() []MergeID {
	var found []MergeID
	for _, m := range i.Merges {
		if i.Record(m.A).Seal != "" || i.Record(m.B).Seal != "" {
			found = append(found, m.ID)
		}
	}
	return found
}
