package tenant_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/tenant"
)

func TestGuarantee1_OnlyWellFormedSlugsBecomeAgencies(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want bool
	}{
		{"lakeland", true},
		{"a", true},
		{"7", true},
		{"north-shore-2", true},
		{strings.Repeat("a", 63), true},
		{"", false},
		{"-a", false},
		{"a-", false},
		{"A", false},
		{"ä", false},
		{"a b", false},
		{"a'b", false},
		{"a_b", false},
		{"_", false},
		{strings.Repeat("a", 64), false},
		{"a\x00", false},
	} {
		got, err := tenant.Parse(tc.in)
		if (err == nil) != tc.want {
			t.Errorf("%q: got error %v, want accepted %v", tc.in, err, tc.want)
		}
		if err == nil && got.String() != tc.in {
			t.Errorf("%q: got %q", tc.in, got)
		}
		if err != nil && fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: got kind %v", tc.in, fault.KindOf(err))
		}
	}
}

func TestGuarantee1_JSONAndDatabaseRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want, err := tenant.Parse(rapid.StringMatching(`[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?`).Draw(t, "slug"))
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got tenant.AgencyID
		if err := json.Unmarshal(text, &got); err != nil || got != want {
			t.Fatalf("got %v, %v; want %v", got, err, want)
		}
		value, err := want.Value()
		if err != nil {
			t.Fatal(err)
		}
		var scanned tenant.AgencyID
		if err := scanned.Scan(value); err != nil || scanned != want {
			t.Fatalf("got %v, %v; want %v", scanned, err, want)
		}
	})
}

func TestGuarantee1_DecodersRefuseWhatParseRefuses(t *testing.T) {
	var a tenant.AgencyID
	for _, in := range []string{`""`, `"A"`, `7`, `null7`} {
		if err := json.Unmarshal([]byte(in), &a); err == nil {
			t.Errorf("%s was read as %q", in, a)
		}
	}
	for _, in := range []any{nil, "", 7, []byte("X")} {
		if err := a.Scan(in); err == nil {
			t.Errorf("%v was read as %q", in, a)
		}
	}
}

func TestGuarantee2_NoAgencyIsNotWritten(t *testing.T) {
	if _, err := (tenant.AgencyID{}).Value(); err == nil {
		t.Error("the zero agency was given to a database")
	}
}

func TestGuarantee3_ContextCarriesTheAgency(t *testing.T) {
	if a, ok := tenant.From(context.Background()); ok {
		t.Errorf("got %q from an empty context", a)
	}
	if _, ok := tenant.From(tenant.With(context.Background(), tenant.AgencyID{})); ok {
		t.Error("the zero agency counts as an agency")
	}
	want, err := tenant.Parse("lakeland")
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := tenant.From(tenant.With(context.Background(), want)); !ok || got != want {
		t.Errorf("got %q, %v", got, ok)
	}
}
