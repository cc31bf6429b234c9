package match

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// fold brings text to the form all comparisons use: transliterated to Latin,
// without diacritics, lower case, letters and digits only, single spaces.
// Apostrophes join (o'brien, obrien); other marks separate.
func (t *tables) fold(s string) string {
	ascii := true
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			ascii = false
			break
		}
	}
	if !ascii {
		s = t.latin(s)
	}
	var b strings.Builder
	b.Grow(len(s))
	space := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c >= 0x80:
		case c == '\'' || c == '`':
			continue
		default:
			space = b.Len() > 0
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteByte(c)
	}
	return b.String()
}

// latin maps every letter the tables know to Latin and drops combining marks.
// Letters no table knows stay as they are.
func (t *tables) latin(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 8)
	for _, r := range strings.ToLower(norm.NFKC.String(strings.ToValidUTF8(s, " "))) {
		if r < 0x80 {
			b.WriteRune(r)
			continue
		}
		if to, ok := t.translit[r]; ok {
			b.WriteString(to)
			continue
		}
		switch r {
		case '’', '‘', 'ʼ', 'ʹ', 'ʻ', '´':
			continue
		}
		for _, d := range norm.NFD.String(string(r)) {
			switch {
			case unicode.Is(unicode.Mn, d):
			case d < 0x80, unicode.IsLetter(d), unicode.IsDigit(d):
				if to, ok := t.translit[d]; ok {
					b.WriteString(to)
				} else {
					b.WriteRune(d)
				}
			default:
				b.WriteByte(' ')
			}
		}
	}
	return b.String()
}

// digitsOf keeps the digits of s.
func digitsOf(s string) string {
	var b [32]byte
	n := 0
	for i := 0; i < len(s) && n < len(b); i++ {
		if s[i] >= '0' && s[i] <= '9' {
			b[n] = s[i]
			n++
		}
	}
	return string(b[:n])
}

// phoneDigits drops everything but digits and a national trunk or
// international prefix, so that +358 40 7275367 and 040-7275367 end alike;
// the last nine digits are kept, which is longer than any national
// subscriber part that could tell two numbers apart within one country.
func phoneDigits(s string) string {
	d := strings.TrimLeft(digitsOf(s), "0")
	if len(d) > 9 {
		d = d[len(d)-9:]
	}
	return d
}

// compact folds and removes spaces: for codes, identifiers and postcodes.
func (t *tables) compact(s string) string {
	f := t.fold(s)
	if strings.IndexByte(f, ' ') < 0 {
		return f
	}
	return strings.ReplaceAll(f, " ", "")
}
