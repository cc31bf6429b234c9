package bench

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseRow(t *testing.T) {
	s := func(v string) *string { return &v }
	cases := []struct {
		row  string
		want []*string
	}{
		{`(a,b)`, []*string{s("a"), s("b")}},
		{`(,x,)`, []*string{nil, s("x"), nil}},
		{`("",x)`, []*string{s(""), s("x")}},
		{`("say ""yes"", now",2)`, []*string{s(`say "yes", now`), s("2")}},
		{`("back\\slash")`, []*string{s(`back\slash`)}},
		{`("{""a"",b}")`, []*string{s(`{"a",b}`)}},
		{`(\\x00ff)`, []*string{s(`\x00ff`)}},
	}
	for _, c := range cases {
		got, err := parseRow(c.row)
		if err != nil {
			t.Errorf("parseRow(%s): %v", c.row, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("parseRow(%s) (-want +got):\n%s", c.row, diff)
		}
	}
	for _, bad := range []string{"", "a,b", `("a)`} {
		if got, err := parseRow(bad); err == nil {
			t.Errorf("parseRow(%q) = %v, want an error", bad, got)
		}
	}
}
