package match

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParseDate(t *testing.T) {
	for in, want := range map[string]Date{
		"":                     {},
		"1984":                 {1984, 0, 0},
		"1984-02":              {1984, 2, 0},
		"198402":               {1984, 2, 0},
		"1984-02-03":           {1984, 2, 3},
		"19840203":             {1984, 2, 3},
		"3.2.1984":             {1984, 2, 3},
		"03/02/1984":           {1984, 2, 3},
		"02/28/1984":           {1984, 2, 28},
		"1856-86-18":           {1856, 86, 18},
		"1984-02-03T00:00:00Z": {1984, 2, 3},
	} {
		got, err := ParseDate(in)
		if err != nil || got != want {
			t.Errorf("ParseDate(%q) = %v, %v; want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"x", "19", "1984-2-3-4", "84-02-03", "1984-200", "1931017x", "-1984", "123456789"} {
		if got, err := ParseDate(in); err == nil {
			t.Errorf("ParseDate(%q) = %v, want an error", in, got)
		}
	}
}

func FuzzParseDate(f *testing.F) {
	for _, s := range []string{"1984-02-03", "3.2.1984", "19840203", "1984", "..", "9999-99-99"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDate(s)
		if err != nil {
			return
		}
		again, err := ParseDate(d.String())
		// A day without a month, or no year, has no written form.
		if d.Year != 0 && (d.Day == 0 || d.Month != 0) && (err != nil || again != d) {
			t.Fatalf("ParseDate(%q) = %+v, written %q and read as %+v, %v", s, d, d.String(), again, err)
		}
	})
}

func TestDateLevel(t *testing.T) {
	base := Date{1984, 2, 13}
	for _, c := range []struct {
		b    Date
		want uint8
	}{
		{Date{1984, 2, 13}, dateExact},
		{Date{1984, 0, 0}, datePartial},
		{Date{1984, 2, 0}, datePartial},
		{Date{1984, 3, 0}, dateYear},
		{Date{1984, 2, 31}, dateSlip},  // a swap of neighbouring digits
		{Date{1994, 2, 13}, dateSlip},  // one digit
		{Date{1984, 82, 13}, dateSlip}, // one digit, no calendar
		{Date{1944, 2, 13}, dateGeneration},
		{Date{1984, 2, 27}, dateNear},
		{Date{1984, 11, 13}, dateNear},
		{Date{1984, 10, 25}, dateYear},
		{Date{1972, 2, 13}, dateAnniversary},
		{Date{1985, 10, 25}, dateYears},
		{Date{1977, 10, 25}, dateDecade},
		{Date{1950, 10, 25}, dateFar},
		{Date{1950, 0, 0}, dateFar},
	} {
		if got := dateLevel(base, c.b); got != c.want {
			t.Errorf("dateLevel(%v, %v) = %d, want %d", base, c.b, got, c.want)
		}
	}
	if got := dateLevel(Date{1984, 3, 12}, Date{1984, 12, 3}); got != dateSlip {
		t.Errorf("day for month = %d, want %d", got, dateSlip)
	}
}

func TestDateLevel_IsSymmetric(t *testing.T) {
	date := rapid.Custom(func(t *rapid.T) Date {
		return Date{rapid.IntRange(0, 30).Draw(t, "y"), rapid.IntRange(0, 13).Draw(t, "m"), rapid.IntRange(0, 32).Draw(t, "d")}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := date.Draw(t, "a"), date.Draw(t, "b")
		if diff := cmp.Diff(dateLevel(a, b), dateLevel(b, a)); diff != "" {
			t.Fatalf("%v and %v: %s", a, b, diff)
		}
	})
}
