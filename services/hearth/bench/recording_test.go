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

func TestRecording_Alone_LeavesOutWhatRefersToEarlierPersons(t *testing.T) {
	row := func(table string, values ...string) insertion {
		i := insertion{table: table}
		for _, v := range values {
			i.values = append(i.values, &v)
		}
		return i
	}
	r := recording{
		columns: map[string][]string{"person": {"person_id", "name"}, "referral_person": {"ref", "person_id"}, "match_candidate": {"person_a", "person_b"}, "referral": {"referral_id"}},
		transactions: [][]insertion{
			{row("person", "new", "x"), row("referral_person", "p1", "new"), row("referral_person", "p2", "earlier"), row("referral", "earlier")},
			{row("match_candidate", "earlier", "new"), row("match_candidate", "new", "new"), row("referral_person", "p1", "new")},
		},
	}
	var got []string
	for _, t := range r.alone().transactions {
		for _, i := range t {
			got = append(got, i.table+" "+*i.values[0])
		}
	}
	want := []string{"person new", "referral_person p1", "referral earlier", "match_candidate new", "referral_person p1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
