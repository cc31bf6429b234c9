package main

import (
	"fmt"
	"regexp"
	"strings"
)

// truthOf reads --truth: column:NAME takes a column's value as the true
// person, regex:COLUMN:PATTERN the first group of a pattern found in it. An
// empty value, or no match, is a person of its own (-1).
func truthOf(t *table, spec string) (func(row []string) string, error) {
	kind, rest, _ := strings.Cut(spec, ":")
	switch kind {
	case "column":
		at, err := t.column(strings.TrimSpace(rest))
		if err != nil {
			return nil, fmt.Errorf("--truth: %w", err)
		}
		return func(row []string) string { return strings.TrimSpace(row[at]) }, nil
	case "regex":
		name, pattern, ok := strings.Cut(rest, ":")
		if !ok {
			return nil, fmt.Errorf("--truth: %q: want regex:COLUMN:PATTERN", spec)
		}
		at, err := t.column(strings.TrimSpace(name))
		if err != nil {
			return nil, fmt.Errorf("--truth: %w", err)
		}
		if n := len(pattern); n > 1 && (pattern[0] == '\'' || pattern[0] == '"') && pattern[n-1] == pattern[0] {
			pattern = pattern[1 : n-1]
		}
		re, err := regexp.Compile(pattern)
		if err != nil {
			return nil, fmt.Errorf("--truth: %w", err)
		}
		return func(row []string) string {
			m := re.FindStringSubmatch(strings.TrimSpace(row[at]))
			switch {
			case m == nil:
				return ""
			case len(m) > 1:
				return m[1]
			}
			return m[0]
		}, nil
	}
	return nil, fmt.Errorf("--truth: %q: want column:NAME or regex:COLUMN:PATTERN", spec)
}

// clusters numbers the true persons of rows; rows without one get a number of
// their own.
func clusters(rows [][]string, of func([]string) string, seen map[string]int32) []int32 {
	out := make([]int32, len(rows))
	for i, row := range rows {
		name := of(row)
		if name == "" {
			name = fmt.Sprintf("\x00%p%d", rows, i)
		}
		c, ok := seen[name]
		if !ok {
			c = int32(len(seen))
			seen[name] = c
		}
		out[i] = c
	}
	return out
}
