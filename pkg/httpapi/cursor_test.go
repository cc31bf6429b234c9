package httpapi_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
)

type keyset struct {
	At string `json:"at"`
	ID string `json:"id"`
	N  int64  `json:"n,omitempty"`
}

func TestGuarantee7_CursorRoundTripsAndRefusesOthers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := keyset{rapid.String().Draw(t, "at"), rapid.String().Draw(t, "id"), rapid.Int64().Draw(t, "n")}
		want.At, want.ID = strings.ToValidUTF8(want.At, ""), strings.ToValidUTF8(want.ID, "")
		cursor := httpapi.EncodeCursor(want)
		var got keyset
		if err := httpapi.DecodeCursor(cursor, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		cut := rapid.IntRange(1, len(cursor)-1).Draw(t, "cut")
		if err := httpapi.DecodeCursor(cursor[:cut], &got); fault.KindOf(err) != fault.Invalid || !fault.Is(err, "cursor_malformed") {
			t.Fatalf("cut to %d: got %v", cut, err)
		}
	})
	untouched := keyset{At: "start"}
	if err := httpapi.DecodeCursor("", &untouched); err != nil || untouched.At != "start" {
		t.Errorf("no cursor: got %+v, %v", untouched, err)
	}
	other := httpapi.EncodeCursor(map[string]int{"offset": 5})
	if err := httpapi.DecodeCursor(other, &keyset{}); !fault.Is(err, "cursor_malformed") {
		t.Errorf("another list's cursor: got %v", err)
	}
}

func FuzzDecodeCursor(f *testing.F) {
	f.Add(httpapi.EncodeCursor(keyset{"2026-01-01T00:00:00Z", "a", 1}))
	f.Add("!!")
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, s string) {
		var v keyset
		if err := httpapi.DecodeCursor(s, &v); err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Errorf("%q: got kind %v", s, fault.KindOf(err))
			}
			return
		}
		if s != "" && httpapi.EncodeCursor(v) == "" {
			t.Errorf("%q", s)
		}
	})
}

func TestLimit(t *testing.T) {
	for in, want := range map[int]int{-1: 50, 0: 50, 1: 1, 50: 50, 200: 200, 201: 200} {
		if got := httpapi.Limit(&in); got != want {
			t.Errorf("%d: got %d, want %d", in, got, want)
		}
	}
	if got := httpapi.Limit(nil); got != 50 {
		t.Errorf("none: got %d", got)
	}
}
