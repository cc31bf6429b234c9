package clock_test

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hearthfps/hearth/pkg/clock"
)

func TestDate_WhenClocksChange(t *testing.T) {
	for _, tc := range []struct {
		name, zone, day string
		hour, minute    int
		want            string
	}{
		{"skipped hour", "Europe/Helsinki", "2026-03-29", 3, 30, "2026-03-29T01:30:00Z"},
		{"doubled hour is the first", "Europe/Helsinki", "2026-10-25", 3, 30, "2026-10-25T00:30:00Z"},
		{"midnight skipped", "America/Havana", "2026-03-08", 0, 0, "2026-03-08T05:00:00Z"},
		{"midnight doubled", "America/Havana", "2026-11-01", 0, 0, "2026-11-01T04:00:00Z"},
		{"plain", "America/Chicago", "2026-06-01", 9, 15, "2026-06-01T14:15:00Z"},
	} {
		loc, err := time.LoadLocation(tc.zone)
		if err != nil {
			t.Fatal(err)
		}
		got := date(t, tc.day).At(tc.hour, tc.minute, loc)
		if got.Format(time.RFC3339) != tc.want {
			t.Errorf("%s: got %v, want %s", tc.name, got, tc.want)
		}
		if clock.DateOf(got, loc) != date(t, tc.day) {
			t.Errorf("%s: %v lies on another day", tc.name, got)
		}
	}
}

func TestDate_TextAndStoreRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := clock.NewDate(rapid.IntRange(1, 9999).Draw(t, "year"), time.Month(rapid.IntRange(1, 12).Draw(t, "month")), rapid.IntRange(1, 28).Draw(t, "day"))
		b, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		var fromText, fromStore clock.Date
		if err := json.Unmarshal(b, &fromText); err != nil {
			t.Fatal(err)
		}
		v, err := d.Value()
		if err != nil {
			t.Fatal(err)
		}
		if err := fromStore.Scan(v); err != nil {
			t.Fatal(err)
		}
		if fromText != d || fromStore != d {
			t.Fatalf("got %v and %v, want %v", fromText, fromStore, d)
		}
		n := rapid.IntRange(-5000, 5000).Draw(t, "n")
		if got := d.DaysUntil(d.AddDays(n)); got != n {
			t.Fatalf("got %d, want %d", got, n)
		}
	})
	var none clock.Date
	if err := none.Scan(nil); err != nil || !none.IsZero() {
		t.Errorf("NULL: got %v, %v", none, err)
	}
	if v, err := none.Value(); v != nil || err != nil {
		t.Errorf("zero: got %v, %v", v, err)
	}
	if err := none.Scan(time.Date(2026, 2, 3, 0, 0, 0, 0, time.UTC)); err != nil || none.String() != "2026-02-03" {
		t.Errorf("time: got %v, %v", none, err)
	}
}

func TestParseDate_RefusesWhatIsNoDay(t *testing.T) {
	for _, s := range []string{"", "2026-02-30", "2026-2-3", "3.2.2026", "2026-02-03T00:00:00Z", "0000-00-00"} {
		if got, err := clock.ParseDate(s); err == nil {
			t.Errorf("%q: got %v", s, got)
		}
	}
}

func FuzzParseDate(f *testing.F) {
	f.Add("2026-02-28")
	f.Fuzz(func(t *testing.T, s string) {
		d, err := clock.ParseDate(s)
		if err == nil && d.String() != s {
			t.Errorf("%q reads as %v", s, d)
		}
	})
}
