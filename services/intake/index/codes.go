package index

import (
	"math"
	"strings"
)

// code is a name of the engine's as a code: "e-mail" is "e_mail".
func code(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '-':
			return '_'
		case r == ',' || r == '\'' || r == '*':
			return -1
		}
		return r
	}, strings.TrimSuffix(name, " *"))
}

// round cuts a weight to hundredths of a bit: more says nothing.
func round(w float64) float64 { return math.Round(100*w) / 100 }
