package match

import "strings"

// relation says how two normalised texts stand to each other, from nothing in
// common to equal. Which evidence each is worth is learnt, not set.
type relation uint8

const (
	apart   relation = iota
	initial          // one is the other's first letter
	similar          // alike, but more than a slip apart
	part             // share a word, or a code's area
	near             // one slip apart, or sound the same
	variant          // known forms of one name
	equal
)

// relations caches relations of value pairs. Direct mapped: a clash costs a
// recomputation and nothing else. Not for concurrent use; one a worker.
type relations struct {
	f     *frame
	cells []uint64
	shift uint
}

const cellBits = 17

func newRelations(f *frame) *relations { return newRelationsSized(f, cellBits) }

func newRelationsSized(f *frame, bits int) *relations {
	return &relations{f: f, cells: make([]uint64, 1<<bits), shift: uint(64 - bits)}
}

// of relates values a and b of slot s.
func (c *relations) of(s int, a, b uint32) relation {
	if a == b {
		return equal
	}
	if a > b {
		a, b = b, a
	}
	kind := c.f.schema[s].Kind
	space := uint64(s)
	if kind == kindFamily {
		space = slotGiven
	}
	// 28 bits a value are enough for the values of 100 million persons; the
	// slot is mixed into the place and kept in five bits.
	key := space<<59 | uint64(a&(1<<28-1))<<31 | uint64(b&(1<<28-1))<<3
	at := mix(key) >> c.shift
	if cell := c.cells[at]; cell&^7 == key && cell != 0 {
		return relation(cell & 7)
	}
	r := c.relate(kind, s, a, b)
	c.cells[at] = key | uint64(r)
	return r
}

func (c *relations) relate(kind slotKind, s int, a, b uint32) relation {
	switch kind {
	case kindGiven, kindFamily:
		return c.relateNames(a, b)
	}
	l := c.f.lex[s]
	o := l.outline(a, b)
	switch kind {
	case kindHousehold:
		return apart
	case kindPhone:
		if !o.within(2) {
			return apart
		}
	}
	x, y := l.text(a), l.text(b)
	switch kind {
	case kindPostcode:
		return relatePostcodes(x, y)
	case kindPhone:
		return relateCodes(x, y)
	case kindEmail:
		return relateEmails(x, y)
	case kindIdentifier:
		if strings.IndexByte(x, '@') > 0 && strings.IndexByte(y, '@') > 0 {
			return relateEmails(x, y)
		}
		if !o.within(2) {
			return apart
		}
		return relateCodes(x, y)
	}
	return relateTexts(x, y, o)
}

func (c *relations) relateNames(a, b uint32) relation {
	fa, fb := &c.f.forms[a], &c.f.forms[b]
	if fa.length == 1 || fb.length == 1 {
		if fa.letter == fb.letter {
			return initial
		}
		return apart
	}
	for _, g := range fa.groups {
		if g == 0 {
			break
		}
		for _, h := range fb.groups {
			if g == h {
				return variant
			}
		}
	}
	if fa.stem == fb.stem {
		return variant
	}
	o := c.f.names.outline(a, b)
	x, y := c.f.names.text(a), c.f.names.text(b)
	short := o.short
	limit := 1
	if short >= 8 {
		limit = 2
	}
	if short >= 3 && o.within(limit) && edits(x, y, limit) <= limit {
		return near
	}
	if fa.sound == fb.sound {
		if fa.letter == fb.letter {
			return near
		}
		return similar
	}
	if short >= 3 && (strings.HasPrefix(x, y) || strings.HasPrefix(y, x)) {
		return similar
	}
	if o.alike() && jaroWinkler(x, y) >= 0.86 {
		return similar
	}
	return apart
}

// relateTexts compares places, streets and descriptions: words matter more
// than letters.
func relateTexts(x, y string, o outline) relation {
	limit := 1 + o.long/8
	if o.short >= 4 && o.within(limit) && edits(x, y, limit) <= limit {
		return near
	}
	if sharesWord(x, y) {
		return part
	}
	if o.long >= 6 && o.alike() && jaroWinkler(x, y) >= 0.86 {
		return similar
	}
	return apart
}

// sharesWord reports whether a word of four letters or more, or a number,
// stands in both texts.
func sharesWord(x, y string) bool {
	for len(x) > 0 {
		w := x
		if i := strings.IndexByte(x, ' '); i >= 0 {
			w, x = x[:i], x[i+1:]
		} else {
			x = ""
		}
		if len(w) < 4 {
			continue
		}
		for rest := y; len(rest) > 0; {
			v := rest
			if i := strings.IndexByte(rest, ' '); i >= 0 {
				v, rest = rest[:i], rest[i+1:]
			} else {
				rest = ""
			}
			if v == w {
				return true
			}
		}
	}
	return false
}

// postArea is the part of a postcode that names a district: a British code
// without its last three characters, else all but the last two.
func postArea(code string) string {
	if len(code) < 4 {
		return code
	}
	if code[0] >= 'a' && code[0] <= 'z' && len(code) >= 5 {
		return code[:len(code)-3]
	}
	return code[:len(code)-2]
}

func relatePostcodes(x, y string) relation {
	if len(x) >= 4 && len(y) >= 4 && edits(x, y, 1) <= 1 {
		return near
	}
	if postArea(x) == postArea(y) {
		return part
	}
	if len(x) >= 2 && len(y) >= 2 && x[:2] == y[:2] {
		return similar
	}
	return apart
}

// relateCodes compares numbers given by a system: one slip is near, two
// similar, and nothing else counts.
func relateCodes(x, y string) relation {
	if min(len(x), len(y)) < 4 {
		return apart
	}
	switch edits(x, y, 2) {
	case 0, 1:
		return near
	case 2:
		if min(len(x), len(y)) >= 6 {
			return similar
		}
	}
	return apart
}

func relateEmails(x, y string) relation {
	if edits(x, y, 2) <= 2 {
		return near
	}
	lx, dx, _ := strings.Cut(x, "@")
	ly, dy, _ := strings.Cut(y, "@")
	switch {
	case lx == ly && len(lx) > 3:
		return part
	case len(lx) >= 6 && edits(lx, ly, 2) <= 2 && edits(dx, dy, 3) <= 3:
		return part
	case len(lx) >= 5 && len(dx) >= 5 && edits(x, y, 5) <= 5 && len(x) >= 16:
		return similar
	case dx == dy || len(lx) >= 6 && edits(lx, ly, 1) <= 1:
		return similar
	}
	return apart
}
