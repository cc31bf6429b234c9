package auth

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUnitsOf_WhatCannotBeReadIsRefused(t *testing.T) {
	for _, tc := range []struct {
		name  string
		claim any
		want  []string
		fails bool
	}{
		{"no claim", nil, nil, false},
		{"a list", []any{"north/team-1", "south"}, []string{"north/team-1", "south"}, false},
		{"a string with spaces", "north south", []string{"north", "south"}, false},
		{"an empty list: no unit, not the whole agency", []any{}, []string{}, false},
		{"an empty string", "", []string{}, false},
		{"a number", 7.0, nil, true},
		{"a list with a number", []any{"north", 7.0}, nil, true},
		{"capitals", []any{"North"}, nil, true},
		{"a path that ends in nothing", []any{"north/"}, nil, true},
	} {
		got, err := unitsOf(tc.claim)
		if (err != nil) != tc.fails {
			t.Errorf("%s: got error %v", tc.name, err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" && !tc.fails {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}
