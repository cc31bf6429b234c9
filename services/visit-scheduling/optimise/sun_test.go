package optimise_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	. "github.com/hearthfps/hearth/services/visit-scheduling/optimise"
)

// Times of almanacs, in local time, which round to the minute.
func TestSun_AgreesWithAlmanacs(t *testing.T) {
	for _, test := range []struct {
		name      string
		at        Place
		date      string
		zone      int // hours east
		rise, set string
	}{
		{"Helsinki at midsummer", Place{Lat: 60.1699, Lon: 24.9384}, "2024-06-21", 3, "03:54", "22:50"},
		{"Helsinki at midwinter", Place{Lat: 60.1699, Lon: 24.9384}, "2024-12-21", 2, "09:24", "15:13"},
		{"New York at midwinter", Place{Lat: 40.7128, Lon: -74.006}, "2024-12-21", -5, "07:16", "16:31"},
		{"Greenwich at the equinox", Place{Lat: 51.4769, Lon: 0}, "2024-03-20", 0, "06:03", "18:13"},
		{"Quito", Place{Lat: -0.1807, Lon: -78.4678}, "2024-03-20", -5, "06:18", "18:24"},
		{"Sydney at its midsummer", Place{Lat: -33.8688, Lon: 151.2093}, "2024-12-21", 11, "05:41", "20:05"},
	} {
		day, err := time.Parse(time.DateOnly, test.date)
		if err != nil {
			t.Fatal(err)
		}
		zone := time.FixedZone("", test.zone*3600)
		rise, set, sky := Sun(test.at, day.Year(), day.Month(), day.Day())
		if sky != SunRises {
			t.Fatalf("%s: no sunrise", test.name)
		}
		for _, x := range []struct {
			what string
			got  time.Time
			want string
		}{{"rises", rise, test.rise}, {"sets", set, test.set}} {
			want, err := time.ParseInLocation("2006-01-02 15:04", test.date+" "+x.want, zone)
			if err != nil {
				t.Fatal(err)
			}
			if d := x.got.Sub(want); d.Abs() > 2*time.Minute {
				t.Errorf("%s: the sun %s at %s, by the almanac %s", test.name, x.what, x.got.In(zone).Format("15:04:05"), x.want)
			}
		}
	}
}

func TestSun_BeyondThePolarCircle(t *testing.T) {
	utsjoki := Place{Lat: 69.9, Lon: 27}
	if _, _, sky := Sun(utsjoki, 2026, time.December, 21); sky != NeverBright {
		t.Errorf("at midwinter: %v", sky)
	}
	if _, _, sky := Sun(utsjoki, 2026, time.June, 21); sky != NeverDark {
		t.Errorf("at midsummer: %v", sky)
	}
}

func TestDarkAt_CoversTheNights(t *testing.T) {
	zone := time.FixedZone("EET", 2*3600)
	origin := time.Date(2026, 12, 21, 0, 0, 0, 0, zone)
	dark := DarkAt(Place{Lat: 60.1699, Lon: 24.9384}, origin, 2)
	// dark until 9:24, from 15:13 on
	want := []Window{{0, 565}, {913, 2005}, {2353, 2880}}
	if diff := cmp.Diff(want, dark, cmp.Transformer("quarter", func(m int) int { return (m + 2) / 10 })); diff != "" {
		t.Error(dark, diff)
	}
	if got := DarkAt(Place{Lat: 69.9, Lon: 27}, origin, 1); cmp.Diff([]Window{{0, 1440}}, got) != "" {
		t.Error("polar night:", got)
	}
	if got := DarkAt(Place{Lat: 69.9, Lon: 27}, origin.AddDate(0, 6, 0), 1); len(got) != 0 {
		t.Error("polar day:", got)
	}
	// Auckland's days begin long before Greenwich's
	nz := time.FixedZone("NZDT", 13*3600)
	dark = DarkAt(Place{Lat: -36.85, Lon: 174.76}, time.Date(2026, 12, 21, 0, 0, 0, 0, nz), 1)
	if len(dark) != 2 || dark[0].From != 0 || dark[0].To < 345 || dark[0].To > 365 || dark[1].From < 1230 || dark[1].From > 1245 {
		t.Error("Auckland:", dark)
	}
}
