package match

import (
	"bufio"
	"embed"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

//go:embed data/*.txt
var tableFiles embed.FS

// tables are the language tables: which letters stand for which, which given
// names are forms of one another, which endings a family name takes. They are
// data; a language is added by adding lines.
type tables struct {
	translit map[rune]string
	groups   map[string][]uint16 // given name to the groups it stands in
	endings  []ending
	words    map[string]wordKind
	sounds   map[string]string
	digest   string // hash of the files, part of every model's hash
}

type ending struct{ from, to string }

type wordKind uint8

const (
	wordTitle wordKind = 1 << iota
	wordParticle
	wordPlaceholder
	wordNameless
	wordPatronym
	wordSuffix
)

// loadTables parses the embedded files. An error names the file and line.
func loadTables() (*tables, error) {
	t := &tables{
		translit: map[rune]string{}, groups: map[string][]uint16{},
		words: map[string]wordKind{}, sounds: map[string]string{},
	}
	kinds := map[string]wordKind{
		"title": wordTitle, "particle": wordParticle, "placeholder": wordPlaceholder,
		"nameless": wordNameless, "patronym": wordPatronym, "suffix": wordSuffix,
	}
	group := uint16(0)
	// Order matters: given names and words are folded with the letters.
	files := []struct {
		name   string
		fields int
		add    func(f []string) error
	}{
		{"transliteration.txt", 3, func(f []string) error {
			r, _ := utf8.DecodeRuneInString(f[1])
			t.translit[r] = strings.TrimSuffix(f[2], "-")
			return nil
		}},
		{"words.txt", 2, func(f []string) error {
			k, ok := kinds[f[0]]
			if !ok {
				return fmt.Errorf("kind %q is not known", f[0])
			}
			t.words[t.fold(f[1])] |= k
			return nil
		}},
		{"given_variants.txt", 3, func(f []string) error {
			for _, n := range f[1:] {
				n = t.fold(n)
				if !slices.Contains(t.groups[n], group) {
					t.groups[n] = append(t.groups[n], group)
				}
			}
			group++
			return nil
		}},
		{"family_forms.txt", 3, func(f []string) error {
			t.endings = append(t.endings, ending{t.fold(f[1]), strings.TrimSuffix(t.fold(f[2]), "-")})
			return nil
		}},
		{"sounds.txt", 2, func(f []string) error {
			t.sounds[f[0]] = strings.TrimSuffix(f[1], "-")
			return nil
		}},
	}
	h := newHash()
	for _, file := range files {
		text, err := tableFiles.ReadFile("data/" + file.name)
		if err != nil {
			return nil, fmt.Errorf("language table %s: %w", file.name, err)
		}
		h = h.bytes(text)
		sc := bufio.NewScanner(strings.NewReader(string(text)))
		for line := 1; sc.Scan(); line++ {
			f := strings.Fields(sc.Text())
			if len(f) == 0 || strings.HasPrefix(f[0], "#") {
				continue
			}
			if len(f) < file.fields && !(file.name == "given_variants.txt" && len(f) > 1) {
				return nil, fmt.Errorf("language table %s, line %d: want %d words", file.name, line, file.fields)
			}
			if err := file.add(f); err != nil {
				return nil, fmt.Errorf("language table %s, line %d: %w", file.name, line, err)
			}
		}
		if err := sc.Err(); err != nil {
			return nil, fmt.Errorf("language table %s: %w", file.name, err)
		}
	}
	slices.SortStableFunc(t.endings, func(a, b ending) int { return len(b.from) - len(a.from) })
	t.digest = fmt.Sprintf("%016x", uint64(h))
	return t, nil
}

// is reports whether a folded word is of the kind.
func (t *tables) is(word string, k wordKind) bool { return t.words[word]&k != 0 }

// stem brings the forms one family name takes between its bearers to one:
// ivanova and ivanov, kowalska and kowalski, andersdotter and andersson.
func (t *tables) stem(family string) string {
	for _, e := range t.endings {
		if len(family) >= len(e.from)+3 && strings.HasSuffix(family, e.from) {
			return family[:len(family)-len(e.from)] + e.to
		}
	}
	return family
}

// sound is a language-neutral code of how a folded name sounds: consonant
// classes in order, vowels only as a leading A, equal neighbours once.
func (t *tables) sound(s string) string {
	var out [16]byte
	n := 0
	put := func(code string) {
		for i := 0; i < len(code) && n < len(out); i++ {
			if n == 0 || out[n-1] != code[i] {
				out[n] = code[i]
				n++
			}
		}
	}
	for i := 0; i < len(s); {
		if i == 0 {
			for l := min(4, len(s)); l > 1; l-- {
				if to, ok := t.sounds["^"+s[:l]]; ok {
					put(to)
					i = l
					break
				}
			}
			if i > 0 {
				continue
			}
		}
		matched := false
		for l := min(4, len(s)-i); l > 0; l-- {
			if to, ok := t.sounds[s[i:i+l]]; ok {
				put(to)
				i += l
				matched = true
				break
			}
		}
		if matched {
			continue
		}
		if n == 0 && strings.IndexByte("aeiouy", s[i]) >= 0 {
			put("A")
		} else if s[i] >= 0x80 || s[i] >= '0' && s[i] <= '9' {
			put(s[i : i+1])
		}
		i++
	}
	return string(out[:n])
}
