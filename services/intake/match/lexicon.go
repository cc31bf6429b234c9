package match

import "math/bits"

// lexicon numbers distinct texts from 1; 0 is the empty text. Texts lie in one
// byte arena, so that a million distinct values cost their letters and some
// twelve bytes each, not a string header and a map cell.
type lexicon struct {
	blob  []byte
	start []uint32 // start[id] .. start[id+1] in blob
	marks []uint32 // which letters a text has
	table []uint32 // open addressing over ids
}

func newLexicon() *lexicon {
	return &lexicon{start: []uint32{0, 0}, marks: make([]uint32, 1), table: make([]uint32, 8)}
}

// size is one more than the highest number given.
func (l *lexicon) size() int { return len(l.start) - 1 }

func (l *lexicon) at(id uint32) []byte { return l.blob[l.start[id]:l.start[id+1]] }

func (l *lexicon) text(id uint32) string { return string(l.at(id)) }

func textHash(s string) uint64 { return mix(uint64(newHash().text(s))) }

// intern returns the number of s, giving it one where it has none.
func (l *lexicon) intern(s string) uint32 {
	if s == "" {
		return 0
	}
	mask := uint64(len(l.table) - 1)
	i := textHash(s) & mask
	for ; l.table[i] != 0; i = (i + 1) & mask {
		if string(l.at(l.table[i])) == s {
			return l.table[i]
		}
	}
	id := uint32(l.size())
	l.blob = append(l.blob, s...)
	l.start = append(l.start, uint32(len(l.blob)))
	l.marks = append(l.marks, lettersOf(s))
	l.table[i] = id
	if uint64(l.size())*3 > uint64(len(l.table))*2 {
		l.grow()
	}
	return id
}

func (l *lexicon) grow() {
	l.table = make([]uint32, 2*len(l.table))
	mask := uint64(len(l.table) - 1)
	for id := 1; id < l.size(); id++ {
		i := textHash(string(l.at(uint32(id)))) & mask
		for ; l.table[i] != 0; i = (i + 1) & mask {
		}
		l.table[i] = uint32(id)
	}
}

// lettersOf has a bit for each letter and pair of digits a text contains.
func lettersOf(s string) uint32 {
	m := uint32(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z':
			m |= 1 << (c - 'a')
		case c >= '0' && c <= '9':
			m |= 1 << (26 + (c-'0')/2)
		default:
			m |= 1 << 31
		}
	}
	return m
}

// outline is what is known of two texts before looking at their letters in
// order: lengths, and how many kinds of letter each has that the other lacks.
type outline struct {
	long, short, lacks, extra int
}

func (l *lexicon) outline(a, b uint32) outline {
	la, lb := int(l.start[a+1]-l.start[a]), int(l.start[b+1]-l.start[b])
	ma, mb := l.marks[a], l.marks[b]
	if la < lb {
		la, lb, ma, mb = lb, la, mb, ma
	}
	return outline{la, lb, bits.OnesCount32(mb &^ ma), bits.OnesCount32(ma &^ mb)}
}

// within reports whether the texts can be at most n edits apart: a letter one
// lacks costs an edit.
func (o outline) within(n int) bool {
	return o.long-o.short <= n && o.lacks <= n && o.extra <= n
}

// alike reports whether Jaro–Winkler similarity can reach 0.86, which needs a
// Jaro similarity of 0.767, and so common letters of 1.3 when their shares of
// both texts are added.
func (o outline) alike() bool {
	common := float64(min(o.short-o.lacks, o.long-o.extra))
	return common/float64(o.short)+common/float64(o.long) >= 1.3
}
