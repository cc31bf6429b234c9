package match

import "bytes"

// Levels of agreement. Level 0 of every comparison is missing evidence and
// weighs nothing; what the others weigh is learnt.
const missing = 0

// Name levels.
const (
	nameDifferent = 1 + iota
	nameInitial
	nameSimilar
	nameOther // another of the names agrees: a middle name, a part of a double name
	nameNear
	nameVariant
	nameExact
	nameLevels
)

// Order of names: where both records have both names, and where one has a
// single name.
const (
	orderStraight = 1 + iota
	orderCrossed  // given and family name changed places
	singleStraight
	singleShifted // the only name of one is the other name of the other
	orderLevels
)

// Middle name levels.
const (
	middleDifferent = 1 + iota
	middleInitial
	middleNear
	middleExact
	middleLevels
)

// Birth date levels.
const (
	dateFar         = 1 + iota // years differ by more than ten
	dateDecade                 // by at most ten
	dateYears                  // by at most two
	dateYear                   // the same year
	dateAnniversary            // the same month and day in another year
	dateNear                   // two of three parts agree, or within 31 days
	dateGeneration             // one digit, but the years differ by more than ten
	dateSlip                   // one digit, a swap of neighbours, or day for month
	datePartial                // every part both know agrees
	dateExact
	dateLevels
)

// Levels of texts, codes and places.
const (
	textDifferent = 1 + iota
	textSimilar
	textPart
	textNear
	textExact
	textLevels
)

// Levels of two-valued comparisons.
const (
	differs = 1 + iota
	agrees
	binaryLevels
)

// maxComparisons is the slots, the order of names and the middle name.
const maxComparisons = maxSlots + 2

// pattern is the outcome of comparing two records: a level for each
// comparison, and where values agree exactly, which value in which slot, so
// that agreement on a rare value can weigh more.
type pattern struct {
	level [maxComparisons]uint8
	slot  [maxComparisons]uint8
	value [maxComparisons]uint32
}

func (s schema) comparisons() int { return len(s) + 2 }
func (s schema) order() int       { return len(s) }
func (s schema) middle() int      { return len(s) + 1 }

// levels is the number of levels of comparison c, missing included.
func (s schema) levels(c int) int {
	switch {
	case c == s.order():
		return orderLevels
	case c == s.middle():
		return middleLevels
	}
	switch s[c].Kind {
	case kindGiven, kindFamily:
		return nameLevels
	case kindDate:
		return dateLevels
	case kindSex, kindHousehold:
		return binaryLevels
	}
	return textLevels
}

// exact is the level of comparison c at which values are equal, or 0 where
// equality has no value to look up.
func (s schema) exact(c int) uint8 {
	switch {
	case c >= len(s):
		return 0
	}
	switch s[c].Kind {
	case kindGiven, kindFamily:
		return nameExact
	case kindDate:
		return dateExact
	case kindSex, kindHousehold:
		return 0
	}
	return textExact
}

// comparer compares records of one frame. One a goroutine.
type comparer struct {
	f   *frame
	rel *relations
}

func newComparer(f *frame) *comparer { return &comparer{f, newRelations(f)} }

// compare fills p with the comparison of records a and b.
func (c *comparer) compare(a, b int32, p *pattern) {
	f := c.f
	c.names(a, b, p)
	for s := slotDate; s < len(f.schema); s++ {
		p.level[s] = missing
		if !f.used[s] {
			continue
		}
		va, vb := f.of(a, s), f.of(b, s)
		if len(va) == 0 || len(vb) == 0 {
			continue
		}
		switch f.schema[s].Kind {
		case kindDate:
			p.level[s] = dateLevel(unpack(va[0]), unpack(vb[0]))
			p.slot[s], p.value[s] = uint8(s), va[0]
		case kindSex:
			p.level[s] = differs
			if va[0] == vb[0] {
				p.level[s] = agrees
			}
		case kindHousehold:
			p.level[s] = differs
			if c.best(s, va, vb, p) == equal {
				p.level[s] = agrees
			}
		case kindIdentifier, kindOther:
			if f.schema[s].Name == anyName {
				p.level[s] = c.bestNamed(s, va, vb, p)
				continue
			}
			p.level[s] = textLevel(c.best(s, va, vb, p))
		default:
			p.level[s] = textLevel(c.best(s, va, vb, p))
		}
	}
}

func textLevel(r relation) uint8 {
	switch r {
	case equal:
		return textExact
	case near, variant:
		return textNear
	case part:
		return textPart
	case similar, initial:
		return textSimilar
	}
	return textDifferent
}

// best is the closest relation between any two values of a slot. Where several
// values agree, the first in the alphabet is looked up.
func (c *comparer) best(s int, va, vb []uint32, p *pattern) relation {
	best := apart
	for _, x := range va {
		for _, y := range vb {
			r := c.rel.of(s, x, y)
			if r == equal && (best < equal || c.before(s, x, p.value[s])) {
				p.slot[s], p.value[s] = uint8(s), x
			}
			best = max(best, r)
		}
	}
	return best
}

func (c *comparer) before(s int, x, y uint32) bool {
	return x != y && bytes.Compare(c.f.lex[s].at(x), c.f.lex[s].at(y)) < 0
}

// bestNamed compares values that carry their system's name: only those of one
// system, and nothing where the two have no system in common.
func (c *comparer) bestNamed(s int, va, vb []uint32, p *pattern) uint8 {
	level := uint8(missing)
	l := c.f.lex[s]
	for _, x := range va {
		for _, y := range vb {
			if !sameSystem(l.at(x), l.at(y)) {
				continue
			}
			got := textLevel(c.rel.of(s, x, y))
			if got == textExact && (level < textExact || c.before(s, x, p.value[s])) {
				p.slot[s], p.value[s] = uint8(s), x
			}
			level = max(level, got)
		}
	}
	return level
}

func sameSystem(x, y []byte) bool {
	for i := 0; i < len(x) && i < len(y); i++ {
		if x[i] != y[i] {
			return false
		}
		if x[i] == 0 {
			return true
		}
	}
	return false
}

func nameLevel(r relation) uint8 {
	switch r {
	case equal:
		return nameExact
	case variant:
		return nameVariant
	case near:
		return nameNear
	case similar, part:
		return nameSimilar
	case initial:
		return nameInitial
	}
	return nameDifferent
}

// names compares given and family names as wholes: straight, crossed, and
// where one record has a single name, shifted; the order that agrees best is
// taken and is itself a comparison.
func (c *comparer) names(a, b int32, p *pattern) {
	f := c.f
	order, middle := f.schema.order(), f.schema.middle()
	ga, fa := f.of(a, slotGiven), f.of(a, slotFamily)
	gb, fb := f.of(b, slotGiven), f.of(b, slotFamily)
	p.level[order], p.level[middle] = missing, missing

	given, gv := c.nameSet(ga, gb)
	family, fv := c.nameSet(fa, fb)
	gs, fs := uint8(slotGiven), uint8(slotFamily)
	switch {
	case len(ga) > 0 && len(fa) > 0 && len(gb) > 0 && len(fb) > 0:
		p.level[order] = orderStraight
	case len(ga)+len(fa) > 0 && len(gb)+len(fb) > 0:
		p.level[order] = singleStraight
	}
	if given < nameNear || family < nameNear {
		straight := int(given) + int(family)
		crossGiven, xgv := c.nameSet(ga, fb)
		crossFamily, xfv := c.nameSet(fa, gb)
		switch {
		case crossGiven >= nameSimilar && crossFamily >= nameSimilar && int(crossGiven)+int(crossFamily) > straight:
			// Which of the two is the given name nobody knows: the better agreement
			// is taken for the family name's, whichever record is looked at first.
			given, family, gv, fv = crossGiven, crossFamily, xgv, xfv
			if given > family {
				given, family, gv, fv = family, given, fv, gv
			}
			gs, fs = slotEither, slotEither
			p.level[order] = orderCrossed
		case len(fa) == 0 && crossGiven >= nameNear && crossGiven > given:
			given, family, fv, fs = missing, crossGiven, xgv, slotFamily
			p.level[order] = singleShifted
		case len(fb) == 0 && crossFamily >= nameNear && crossFamily > given:
			given, family, fv, fs = missing, crossFamily, xfv, slotFamily
			p.level[order] = singleShifted
		case len(ga) == 0 && crossFamily >= nameNear && crossFamily > family:
			given, family, gv, gs = crossFamily, missing, xfv, slotGiven
			p.level[order] = singleShifted
		case len(gb) == 0 && crossGiven >= nameNear && crossGiven > family:
			given, family, gv, gs = crossGiven, missing, xgv, slotGiven
			p.level[order] = singleShifted
		}
	}
	p.level[slotGiven], p.value[slotGiven], p.slot[slotGiven] = given, gv, gs
	p.level[slotFamily], p.value[slotFamily], p.slot[slotFamily] = family, fv, fs

	if p.level[order] == orderStraight && len(ga) > 1 && len(gb) > 1 {
		p.level[middle] = middleDifferent
		for _, x := range ga[1:] {
			for _, y := range gb[1:] {
				l := uint8(middleDifferent)
				switch c.rel.of(slotGiven, x, y) {
				case equal:
					l = middleExact
				case near, variant:
					l = middleNear
				case initial:
					l = middleInitial
				}
				p.level[middle] = max(p.level[middle], l)
			}
		}
	}
}

// nameSet compares two lists of names whose first is the one used. Where the
// first names do not agree, agreement between others is its own level.
func (c *comparer) nameSet(va, vb []uint32) (uint8, uint32) {
	if len(va) == 0 || len(vb) == 0 {
		return missing, 0
	}
	first := c.rel.of(slotGiven, va[0], vb[0])
	if first >= near || len(va) == 1 && len(vb) == 1 {
		return nameLevel(first), va[0]
	}
	for _, x := range va {
		for _, y := range vb {
			if r := c.rel.of(slotGiven, x, y); r >= near {
				return nameOther, x
			}
		}
	}
	return nameLevel(first), va[0]
}

// dateLevel compares two birth dates, neither empty.
func dateLevel(a, b Date) uint8 {
	if a.Year == 0 || b.Year == 0 {
		switch {
		case a.Month != b.Month && a.Month != 0 && b.Month != 0:
			return missing
		case a.Day == b.Day && a.Month == b.Month && a.Day != 0:
			return dateAnniversary
		}
		return missing
	}
	years := a.Year - b.Year
	if years < 0 {
		years = -years
	}
	whole := a.Full() && b.Full()
	if !whole {
		if years == 0 {
			if a.Month != 0 && b.Month != 0 && a.Month != b.Month ||
				a.Day != 0 && b.Day != 0 && a.Day != b.Day {
				return dateYear
			}
			return datePartial
		}
		return yearsLevel(years)
	}
	if a == b {
		return dateExact
	}
	if a.Year == b.Year && a.Month == b.Day && a.Day == b.Month || digitSlip(a.packed(), b.packed()) {
		if years > 10 {
			return dateGeneration
		}
		return dateSlip
	}
	if years == 0 && (a.Month == b.Month || a.Day == b.Day) {
		return dateNear
	}
	if na, ok := a.dayNumber(); ok {
		if nb, ok := b.dayNumber(); ok && na-nb <= 31 && nb-na <= 31 {
			return dateNear
		}
	}
	switch {
	case years == 0:
		return dateYear
	case a.Month == b.Month && a.Day == b.Day:
		return dateAnniversary
	}
	return yearsLevel(years)
}

func yearsLevel(years int) uint8 {
	switch {
	case years <= 2:
		return dateYears
	case years <= 10:
		return dateDecade
	}
	return dateFar
}

// digitSlip reports whether two eight-digit dates differ in one digit or by a
// swap of neighbouring digits.
func digitSlip(a, b uint32) bool {
	var diff [8]int
	n := 0
	var da, db [8]uint32
	for i := 7; i >= 0; i-- {
		da[i], db[i] = a%10, b%10
		a /= 10
		b /= 10
		if da[i] != db[i] {
			diff[n] = i
			n++
		}
	}
	switch n {
	case 1:
		return true
	case 2:
		i, j := diff[1], diff[0]
		return j == i+1 && da[i] == db[j] && da[j] == db[i]
	}
	return false
}
