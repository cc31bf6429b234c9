package telemetry

import (
	"encoding/json"
	"errors"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

var (
	quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'[^']*'|«[^»]*»`)
	mail   = regexp.MustCompile(`[^\s@<>]+@[^\s@<>]+`)
	number = regexp.MustCompile(`\+?\d[\d ().-]{5,}\d`)
)

// Describe words an error for a log: what was being done and what kind of thing
// went wrong, without the values it went wrong with (guarantee 2).
func Describe(err error) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	for _, inner := range flatten(err, 0) {
		if safe, ok := describe(inner); ok {
			text = strings.ReplaceAll(text, inner.Error(), safe)
		}
	}
	text = quoted.ReplaceAllString(text, "…")
	text = mail.ReplaceAllString(text, "…")
	return number.ReplaceAllStringFunc(text, func(found string) string {
		if net.ParseIP(found) != nil { // where a part is, which finds the fault
			return found
		}
		return "…"
	})
}

// describe words the errors that repeat what they were given.
func describe(err error) (string, bool) {
	switch e := err.(type) {
	case *pgconn.PgError:
		s := "SQLSTATE " + e.Code
		if e.TableName != "" {
			s += " on " + e.TableName
		}
		if e.ConstraintName != "" {
			s += " by " + e.ConstraintName
		}
		return s, true
	case *json.SyntaxError, *json.UnmarshalTypeError, *json.MarshalerError:
		return "JSON that does not fit", true
	case *strconv.NumError:
		return "not a number", true
	case *time.ParseError:
		return "not a time", true
	}
	return "", false
}

// flatten lists an error and all it wraps.
func flatten(err error, depth int) []error {
	if err == nil || depth > 20 {
		return nil
	}
	all := []error{err}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, inner := range many.Unwrap() {
			all = append(all, flatten(inner, depth+1)...)
		}
		return all
	}
	return append(all, flatten(errors.Unwrap(err), depth+1)...)
}
