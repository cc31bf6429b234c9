package match

import (
	"strings"
)

// frame holds compiled persons: every value normalised once and replaced by
// its number in a lexicon, so that comparing two records touches a few words
// of memory. A frame is filled first and read by many goroutines after.
type frame struct {
	tab    *tables
	schema schema

	names  *lexicon // given and family names share one, so that swaps compare
	forms  []nameForm
	sounds *lexicon
	stems  *lexicon
	lex    []*lexicon // by slot; nil where values are not texts

	first  []uint32 // by record: first value
	cum    []uint8  // by record: len(schema)+1 running counts
	values []uint32
	flags  []Flags
	wall   []uint32 // compartment number, 0 the open population
	source []int8   // which of two files a record is from
	linked bool     // only records of different sources are paired
	walls  *lexicon

	used [maxSlots]bool

	scratch [maxSlots][]uint32
}

// nameForm is what comparisons need of one name.
type nameForm struct {
	hash   uint64
	sound  uint32
	stem   uint32
	groups [4]uint16 // group numbers + 1
	letter byte
	length uint8
}

func newFrame(tab *tables, s schema) *frame {
	f := &frame{
		tab: tab, schema: s, names: newLexicon(), forms: make([]nameForm, 1),
		sounds: newLexicon(), stems: newLexicon(), walls: newLexicon(),
		lex: make([]*lexicon, len(s)),
	}
	for i, sl := range s {
		switch sl.Kind {
		case kindGiven, kindFamily:
			f.lex[i] = f.names
		case kindDate, kindSex:
		default:
			f.lex[i] = newLexicon()
		}
	}
	return f
}

func (f *frame) len() int { return len(f.flags) }

// of returns the values record r has in slot s.
func (f *frame) of(r int32, s int) []uint32 {
	c := f.cum[int(r)*(len(f.schema)+1)+s:]
	base := f.first[r]
	return f.values[base+uint32(c[0]) : base+uint32(c[1])]
}

func (f *frame) name(s string) uint32 {
	id := f.names.intern(s)
	if int(id) < len(f.forms) {
		return id
	}
	form := nameForm{
		hash: textHash(s), sound: f.sounds.intern(f.tab.sound(s)), stem: f.stems.intern(f.tab.stem(s)),
		letter: s[0], length: uint8(min(len(s), 255)),
	}
	for i, g := range f.tab.groups[s] {
		if i == len(form.groups) {
			break
		}
		form.groups[i] = g + 1
	}
	f.forms = append(f.forms, form)
	return id
}

// maxValues bounds the values kept of one slot of one record.
const maxValues = 8

func (f *frame) put(s int, v uint32) {
	if v == 0 || len(f.scratch[s]) == maxValues {
		return
	}
	for _, have := range f.scratch[s] {
		if have == v {
			return
		}
	}
	f.scratch[s] = append(f.scratch[s], v)
}

func (f *frame) putText(s int, text string) {
	if text != "" {
		f.put(s, f.lex[s].intern(text))
	}
}

// add compiles p and returns its record number.
func (f *frame) add(p *Person) int32 {
	for i := range f.schema {
		f.scratch[i] = f.scratch[i][:0]
	}
	flags := p.Flags
	if f.givenNames(p.Given) {
		flags |= PlaceholderName
	}
	f.familyName(p.Family)
	for _, a := range p.Aliases {
		f.givenNames(a.Given)
		f.familyName(a.Family)
	}
	f.put(slotDate, p.BirthDate.packed())
	if !flags.Has(Unborn) {
		f.put(slotSex, uint32(p.Sex))
	}
	for _, a := range p.Addresses {
		f.putText(slotPlace, f.tab.fold(a.City))
		f.putText(slotPostcode, f.tab.compact(a.PostalCode))
		for _, l := range a.Lines {
			f.putText(slotStreet, f.tab.fold(l))
		}
	}
	for _, c := range p.Contacts {
		if c.Kind == Email || strings.IndexByte(c.Value, '@') > 0 {
			f.putText(slotEmail, strings.ToLower(strings.TrimSpace(c.Value)))
		} else if d := phoneDigits(c.Value); len(d) >= 5 {
			f.putText(slotPhone, d)
		}
	}
	f.putText(slotHousehold, strings.TrimSpace(p.Household))
	for _, id := range p.Identifiers {
		v := f.tab.compact(id.Value)
		if strings.IndexByte(id.Value, '@') > 0 {
			v = strings.ToLower(strings.TrimSpace(id.Value))
		}
		if v == "" {
			continue
		}
		s := f.schema.slotFor(kindIdentifier, id.System)
		if f.schema[s].Name == anyName {
			v = strings.ToLower(strings.TrimSpace(id.System)) + "\x00" + v
		}
		f.putText(s, v)
	}
	for _, a := range p.Attributes {
		v := f.tab.fold(a.Value)
		if v == "" || f.tab.is(v, wordNameless) {
			continue
		}
		s := f.schema.slotFor(kindOther, a.Name)
		if f.schema[s].Name == anyName {
			v = f.tab.fold(a.Name) + "\x00" + v
		}
		f.putText(s, v)
	}
	return f.commit(flags, f.walls.intern(p.Compartment))
}

func (f *frame) commit(flags Flags, wall uint32) int32 {
	r := int32(f.len())
	f.first = append(f.first, uint32(len(f.values)))
	n := uint8(0)
	for i := range f.schema {
		f.cum = append(f.cum, n)
		f.values = append(f.values, f.scratch[i]...)
		n += uint8(len(f.scratch[i]))
		if len(f.scratch[i]) > 0 {
			f.used[i] = true
		}
	}
	f.cum = append(f.cum, n)
	f.flags = append(f.flags, flags)
	f.wall = append(f.wall, wall)
	f.source = append(f.source, 0)
	return r
}

// setSource says which of two files record r is from.
func (f *frame) setSource(r int32, source int8) {
	f.source[r] = source
	f.linked = f.linked || source > 0
}

// pairable reports whether two records may be a pair at all.
func (f *frame) pairable(a, b int32) bool { return !f.linked || f.source[a] != f.source[b] }

// pairs is how many pairs of records there are.
func (f *frame) pairs() float64 {
	n := float64(f.len())
	if !f.linked {
		return n * (n - 1) / 2
	}
	second := 0.0
	for _, s := range f.source {
		second += float64(s)
	}
	return second * (n - second)
}

// givenNames adds given names and reports whether they are a placeholder:
// words for "no name yet" and nothing else but single letters ("Baby Boy",
// "Twin A", "UB").
func (f *frame) givenNames(given []string) (placeholder bool) {
	var words []string
	for _, g := range given {
		words = append(words, strings.Fields(f.tab.fold(g))...)
	}
	real := 0
	for _, w := range words {
		switch {
		case f.tab.is(w, wordPlaceholder):
			placeholder = true
		case len(w) > 1 && !f.tab.is(w, wordTitle):
			real++
		}
	}
	if placeholder && real == 0 {
		return true
	}
	kept := words[:0]
	for _, w := range words {
		if !f.tab.is(w, wordTitle) {
			kept = append(kept, w)
		}
	}
	for _, w := range kept {
		f.put(slotGiven, f.name(w))
	}
	return false
}

// familyName adds a family name whole, without particles, and then its parts
// where it has several.
func (f *frame) familyName(family string) {
	words := strings.Fields(f.tab.fold(family))
	kept := words[:0]
	for _, w := range words {
		if !f.tab.is(w, wordTitle|wordSuffix) {
			kept = append(kept, w)
		}
	}
	if len(kept) == 0 || len(kept) == 1 && f.tab.is(kept[0], wordNameless) {
		return
	}
	parts := make([]string, 0, len(kept))
	for _, w := range kept {
		if !f.tab.is(w, wordParticle|wordPatronym) {
			parts = append(parts, w)
		}
	}
	if len(parts) == 0 {
		parts = kept
	}
	f.put(slotFamily, f.name(strings.Join(parts, "")))
	if len(parts) > 1 {
		for _, w := range parts {
			f.put(slotFamily, f.name(w))
		}
	}
}
