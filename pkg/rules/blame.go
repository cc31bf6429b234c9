package rules

import "strings"

// blame words an evaluation error without the values CEL may put into it.
func blame(err error) string {
	text := err.Error()
	switch {
	case strings.Contains(text, "no such attribute"):
		return "a variable is missing"
	case strings.Contains(text, "no such key"):
		return "a key is missing: ask with has() or in"
	case strings.Contains(text, "no such overload"):
		return "a variable is of another type than declared"
	case strings.Contains(text, "cost limit"), strings.Contains(text, "cancelled"):
		return "it costs too much"
	case strings.Contains(text, "division by zero"), strings.Contains(text, "modulus by zero"):
		return "it divides by zero"
	case strings.Contains(text, "index out of bounds"), strings.Contains(text, "out of range"):
		return "a list is too short"
	}
	return "it fails"
}
