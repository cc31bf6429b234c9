package identity

import (
	"unicode"

	"github.com/hearthfps/hearth/services/intake/referral"
)

// scripts by which names are told apart in the quality report.
var scripts = []struct {
	name  string
	table *unicode.RangeTable
}{
	{"arabic", unicode.Arabic},
	{"cyrillic", unicode.Cyrillic},
	{"greek", unicode.Greek},
	{"han", unicode.Han},
	{"hangul", unicode.Hangul},
	{"hebrew", unicode.Hebrew},
	{"devanagari", unicode.Devanagari},
	{"ethiopic", unicode.Ethiopic},
	{"thai", unicode.Thai},
	{"georgian", unicode.Georgian},
	{"armenian", unicode.Armenian},
}

// Writing is how a name is written: in a script, or in Latin letters with or without
// marks (latin_marked, latin). It is all that the report tells names apart by: whether
// names written in one way are matched worse than others can be seen from it, and
// nobody's ethnicity. It is worked out when the report is made and kept nowhere. A
// name that mixes scripts goes by the first that is not Latin; none is "unknown".
func Writing(n referral.Name) string {
	writing := "unknown"
	for _, part := range append(append([]string{}, n.Given...), n.Family) {
		for _, r := range part {
			if !unicode.IsLetter(r) {
				continue
			}
			if !unicode.Is(unicode.Latin, r) {
				for _, s := range scripts {
					if unicode.Is(s.table, r) {
						return s.name
					}
				}
				return GroupedUnder
			}
			if r > unicode.MaxASCII {
				writing = "latin_marked"
			} else if writing == "unknown" {
				writing = "latin"
			}
		}
	}
	return writing
}
