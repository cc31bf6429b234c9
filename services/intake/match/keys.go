package match

import "strings"

// maxKeys bounds the keys one rule may give one record.
const maxKeys = 12

// keyer makes keys of records of a frame. One a goroutine.
type keyer struct {
	f    *frame
	x, y []uint64
	toks []uint32
}

func newKeyer(f *frame) *keyer { return &keyer{f: f} }

// keys appends the keys rule r gives record i. Reporters have none, and the
// keys of different compartments never meet.
func (k *keyer) keys(i int32, r rule, out []uint64) []uint64 {
	f := k.f
	if f.flags[i].Has(Reporter) {
		return out
	}
	salt := r.salt()
	if w := f.wall[i]; w != 0 {
		salt = mix(salt ^ textHash(f.walls.text(w)))
	}
	k.x = k.atom(i, r.a, k.x[:0])
	if len(k.x) == 0 {
		return out
	}
	n := 0
	if r.b == atomNone {
		for _, x := range k.x {
			if n++; n > maxKeys {
				break
			}
			out = append(out, mix(salt^x))
		}
		return out
	}
	k.y = k.atom(i, r.b, k.y[:0])
	for _, x := range k.x {
		for _, y := range k.y {
			if n++; n > maxKeys {
				return out
			}
			out = append(out, mix(mix(salt^x)+y))
		}
	}
	return out
}

// tokens are the names a record is found by: given names, then family names,
// at most four of each.
func (k *keyer) tokens(i int32) (toks []uint32, given int) {
	g, fam := k.f.of(i, slotGiven), k.f.of(i, slotFamily)
	k.toks = append(k.toks[:0], g[:min(len(g), 4)]...)
	given = len(k.toks)
	k.toks = append(k.toks, fam[:min(len(fam), 4)]...)
	return k.toks, given
}

func (k *keyer) atom(i int32, a atom, out []uint64) []uint64 {
	f := k.f
	switch a {
	case atomName:
		toks, _ := k.tokens(i)
		for _, t := range toks {
			if f.forms[t].length > 1 {
				out = append(out, f.forms[t].hash)
			}
		}
	case atomSound:
		toks, _ := k.tokens(i)
		for _, t := range toks {
			if f.forms[t].length > 1 {
				out = append(out, k.sound(t))
			}
		}
	case atomCanon:
		toks, given := k.tokens(i)
		for _, t := range toks[:given] {
			out = k.canon(t, out)
		}
	case atomNames:
		toks, _ := k.tokens(i)
		for x := range toks {
			for y := x + 1; y < len(toks); y++ {
				sx, sy := k.sound(toks[x]), k.sound(toks[y])
				out = append(out, mix(sx)+mix(sy))
			}
		}
	case atomForms:
		toks, given := k.tokens(i)
		var forms [8]uint64
		for x := 0; x < given; x++ {
			for _, c := range k.canon(toks[x], forms[:0]) {
				for y := range toks {
					if y != x {
						out = append(out, mix(c+1)^k.sound(toks[y]))
					}
				}
			}
		}
	case atomHeads:
		toks, _ := k.tokens(i)
		var ends [2]uint64
		for x := range toks {
			for _, e := range k.ends(toks[x], ends[:0]) {
				for y := range toks {
					if y != x {
						out = append(out, mix(e+2)^k.sound(toks[y]))
					}
				}
			}
		}
	case atomEnds:
		toks, _ := k.tokens(i)
		for _, t := range toks {
			out = k.ends(t, out)
		}
	case atomYear, atomYearMonth, atomMonthDay, atomDate, atomDateDigits:
		for _, v := range f.of(i, slotDate)[:min(1, len(f.of(i, slotDate)))] {
			out = dateAtoms(unpack(v), a, out)
		}
	case atomPlace:
		out = k.texts(i, slotPlace, out)
	case atomPostcode:
		out = k.texts(i, slotPostcode, out)
	case atomArea:
		for _, v := range f.of(i, slotPostcode) {
			out = append(out, textHash(postArea(f.lex[slotPostcode].text(v))))
		}
	case atomStreet:
		out = k.texts(i, slotStreet, out)
	case atomPhone:
		out = k.texts(i, slotPhone, out)
	case atomPhoneEnd:
		for _, v := range f.of(i, slotPhone) {
			out = halves(f.lex[slotPhone].text(v), out)
		}
	case atomEmail:
		out = k.texts(i, slotEmail, out)
	case atomEmailUser:
		for _, v := range f.of(i, slotEmail) {
			s := f.lex[slotEmail].text(v)
			for at := 0; at < len(s); at++ {
				if s[at] == '@' {
					if at >= 4 {
						out = append(out, textHash(s[:at]))
					}
					break
				}
			}
		}
	case atomIdentifier, atomIdentifierHalf, atomOther:
		kind := kindIdentifier
		if a == atomOther {
			kind = kindOther
		}
		for s := slotIdentifiers; s < len(f.schema); s++ {
			if f.schema[s].Kind != kind {
				continue
			}
			for _, v := range f.of(i, s) {
				if a != atomIdentifierHalf {
					out = append(out, textHash(f.lex[s].text(v))+uint64(s))
					continue
				}
				text := f.lex[s].text(v)
				system := strings.IndexByte(text, 0) + 1
				from := len(out)
				out = halves(text[system:], out)
				for k := from; k < len(out); k++ {
					out[k] += textHash(text[:system]) + uint64(s)
				}
			}
		}
	case atomHousehold:
		out = k.texts(i, slotHousehold, out)
	}
	return out
}

func (k *keyer) texts(i int32, s int, out []uint64) []uint64 {
	for _, v := range k.f.of(i, s) {
		out = append(out, textHash(k.f.lex[s].text(v)))
	}
	return out
}

func (k *keyer) sound(t uint32) uint64 {
	return textHash(k.f.sounds.text(k.f.forms[t].sound))
}

// canon gives the groups of a given name, or its sound where no table has it.
func (k *keyer) canon(t uint32, out []uint64) []uint64 {
	form := &k.f.forms[t]
	if form.groups[0] == 0 {
		if form.length > 1 {
			out = append(out, k.sound(t))
		}
		return out
	}
	for _, g := range form.groups {
		if g != 0 {
			out = append(out, uint64(g))
		}
	}
	return out
}

// ends gives the first and last letters of a name, about half of it each: one
// slip leaves at least one of them whole.
func (k *keyer) ends(t uint32, out []uint64) []uint64 {
	s := k.f.names.at(t)
	if len(s) < 4 {
		return out
	}
	n := max(3, len(s)/2)
	return append(out, uint64(newHash().bytes(s[:n]).byte('<')), uint64(newHash().bytes(s[len(s)-n:]).byte('>')))
}

// halves gives both halves of a code: one slip leaves one whole.
func halves(s string, out []uint64) []uint64 {
	if len(s) < 6 {
		return out
	}
	h := len(s) / 2
	return append(out, textHash(s[:h])+1, textHash(s[h:])+2)
}

func dateAtoms(d Date, a atom, out []uint64) []uint64 {
	switch a {
	case atomYear:
		if d.Year != 0 {
			out = append(out, uint64(d.Year))
		}
	case atomYearMonth:
		if d.Year != 0 && d.Month != 0 {
			out = append(out, uint64(d.Year*100+d.Month))
		}
	case atomMonthDay:
		if d.Month != 0 && d.Day != 0 {
			out = append(out, uint64(d.Month*100+d.Day))
		}
	case atomDate:
		if d.Full() {
			out = append(out, uint64(d.packed()))
		}
	case atomDateDigits:
		if d.Full() {
			var count uint64
			for p := d.packed(); p > 0; p /= 10 {
				count += 1 << (6 * (p % 10))
			}
			out = append(out, mix(count))
		}
	}
	return out
}
