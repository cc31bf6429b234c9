package match

// Bar is a reason why two records must never be linked or suggested.
type Bar uint8

// Bars.
const (
	NotBarred Bar = iota
	// BarReporter: reporters are matched with nobody.
	BarReporter
	// BarCompartment: adoption and protected identities are walled off.
	BarCompartment
)

func (b Bar) String() string {
	return [...]string{"", "a reporter is never matched with anyone", "the records are kept apart (sealed or protected identity)"}[b]
}

// Guard is a reason why a pair, however likely, is not linked without asking.
type Guard uint8

// Guards. Each names a way two persons of one family look like one.
const (
	// GuardNoName: one record has no given name but a placeholder, an initial
	// or nothing. "Baby Boy" of Monday may be the twin of Friday's.
	GuardNoName Guard = iota
	// GuardGivenName: the given names differ. Twins share all else.
	GuardGivenName
	// GuardTwin: the given names are near, or forms of one name, and surname or
	// address and birth date agree: Mia and Mio, or Anna and Hanna, may be two
	// children.
	GuardTwin
	// GuardNoBirthDate: nothing but names and addresses; a parent and a child
	// of one name have those in common.
	GuardNoBirthDate
	// GuardBirthDate: the birth dates are those of two persons.
	GuardBirthDate
	// GuardIdentifier: one system gave the two different numbers.
	GuardIdentifier
	// GuardSex: the recorded sexes differ.
	GuardSex
	// GuardFamilyName: the family names differ or one is unknown. A change of
	// name and an adoption nobody has sealed look alike.
	GuardFamilyName
	// GuardUnborn: an expected child has nothing of its own yet.
	GuardUnborn
	guardCount
)

var guardTexts = [guardCount]string{
	"no real given name on one side",
	"given names differ",
	"given names are near and not the same, in one family: perhaps twins",
	"no birth date to tell a parent from a child of the same name",
	"birth dates differ",
	"numbers of one system differ",
	"recorded sex differs",
	"family names differ, or one is unknown: perhaps an adoption",
	"an unborn child has nothing of its own to recognise it by",
}

func (g Guard) String() string { return guardTexts[g] }

var guardCodes = [guardCount]string{
	"no_name", "given_name", "twin", "no_birth_date", "birth_date", "identifier", "sex", "family_name", "unborn",
}

// Code is the guard as a code that is stored.
func (g Guard) Code() string { return guardCodes[g] }

// barred tells whether two records of f may be compared at all.
func (f *frame) barred(a, b int32) Bar {
	switch {
	case (f.flags[a] | f.flags[b]).Has(Reporter):
		return BarReporter
	case f.wall[a] != f.wall[b]:
		return BarCompartment
	}
	return NotBarred
}

// guards lists what keeps a compared pair from being linked without asking.
// An identifier that agrees to the letter answers for a birth date or sex
// written down wrongly, and for a near or changed name, but not for a missing
// one and not for twins, who are mixed up in their papers as elsewhere.
func guards(s schema, p *pattern, flags Flags) []Guard {
	var out []Guard
	given, family, date := p.level[slotGiven], p.level[slotFamily], p.level[slotDate]
	identified, conflict := false, false
	for c := slotIdentifiers; c < len(s); c++ {
		if s[c].Kind != kindIdentifier {
			continue
		}
		switch p.level[c] {
		case textExact:
			identified = true
		case textDifferent, textPart, textSimilar:
			conflict = true
		}
	}
	family2 := family >= nameOther || p.level[slotHousehold] == agrees || p.level[slotStreet] >= textNear || p.level[slotPhone] == textExact
	sameDay := date >= dateSlip || date == missing
	multiple := flags.Has(MultipleBirth)
	switch {
	case flags.Has(Unborn):
		out = append(out, GuardUnborn)
	case given == missing || given == nameInitial || flags.Has(PlaceholderName):
		out = append(out, GuardNoName)
	case given == nameDifferent || given == nameSimilar || given == nameOther:
		if !identified || multiple || sameDay && family2 {
			out = append(out, GuardGivenName)
		}
	case given == nameNear || given == nameVariant:
		if family2 && (sameDay || multiple) && (!identified || multiple) {
			out = append(out, GuardTwin)
		}
	}
	if family <= nameInitial && !identified {
		out = append(out, GuardFamilyName)
	}
	switch {
	case date == missing || date == datePartial:
		if !identified {
			out = append(out, GuardNoBirthDate)
		}
	case date < dateNear || date == dateGeneration:
		// A slip of a digit in the decade, or a parent and a child of one name.
		if !identified || date < dateYears {
			out = append(out, GuardBirthDate)
		}
	}
	if conflict {
		out = append(out, GuardIdentifier)
	}
	if p.level[slotSex] == differs && (!identified || multiple) {
		out = append(out, GuardSex)
	}
	return out
}
