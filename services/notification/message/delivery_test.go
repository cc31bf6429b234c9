package message

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

var fastRules = Delivery{
	ReminderBefore: 24 * time.Hour, ReminderAtLeast: time.Hour, From: 8 * 60, To: 20 * 60,
	RetryAfter: []time.Duration{30 * time.Second, 2 * time.Minute}, AskAgainAfter: []time.Duration{5 * time.Second, time.Minute},
	ExpiresAfter: 168 * time.Hour, Claim: 2 * time.Minute,
}

func helsinki(t interface{ Fatal(...any) }) *time.Location {
	zone, err := time.LoadLocation("Europe/Helsinki")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestReminderAt(t *testing.T) {
	zone := helsinki(t)
	at := func(s string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", s, zone)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, tc := range []struct{ name, start, now, want string }{
		{"a day before", "2026-11-25 14:00", "2026-11-20 09:00", "2026-11-24 14:00"},
		{"an early visit: the evening before that, not the night", "2026-11-25 07:30", "2026-11-20 09:00", "2026-11-23 19:59"},
		{"a late visit: the same day's evening", "2026-11-25 21:00", "2026-11-20 09:00", "2026-11-24 19:59"},
		{"just as the night begins", "2026-11-25 20:00", "2026-11-20 09:00", "2026-11-24 19:59"},
		{"just as the night ends", "2026-11-25 08:00", "2026-11-20 09:00", "2026-11-24 08:00"},
		{"made late: at once", "2026-11-25 14:00", "2026-11-25 09:30", "2026-11-25 09:30"},
		{"made in the night before: when it is over", "2026-11-25 14:00", "2026-11-24 23:00", "2026-11-25 08:00"},
		{"made after midnight: when the night is over", "2026-11-25 14:00", "2026-11-25 02:00", "2026-11-25 08:00"},
		{"made in the night, visit at nine: still an hour", "2026-11-25 09:00", "2026-11-25 02:00", "2026-11-25 08:00"},
		{"made in the night, visit before nine: no time left", "2026-11-25 08:30", "2026-11-25 02:00", ""},
		{"made too close", "2026-11-25 14:00", "2026-11-25 13:30", ""},
		{"24 hours pass over the change to summer time", "2026-03-29 14:00", "2026-03-20 09:00", "2026-03-28 13:00"},
	} {
		got, ok := fastRules.ReminderAt(at(tc.start), at(tc.now), zone)
		if tc.want == "" {
			if ok {
				t.Errorf("%s: got %v, want none", tc.name, got.In(zone))
			}
			continue
		}
		if !ok || !got.Equal(at(tc.want)) {
			t.Errorf("%s: got %v %v, want %s", tc.name, got.In(zone), ok, tc.want)
		}
	}
}

// Whenever a visit is made, its reminder goes at an allowed time, not before now
// and not too close to the visit; and there is one whenever such a time exists.
func TestReminderAt_IsAlwaysAllowedAndInTime(t *testing.T) {
	zones := []*time.Location{time.UTC, helsinki(t)}
	if ny, err := time.LoadLocation("America/New_York"); err == nil {
		zones = append(zones, ny)
	}
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom(zones).Draw(t, "zone")
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 366*24*60).Draw(t, "now")) * time.Minute)
		start := now.Add(time.Duration(rapid.IntRange(-60, 10*24*60).Draw(t, "lead")) * time.Minute)
		latest := start.Add(-fastRules.ReminderAtLeast)
		at, ok := fastRules.ReminderAt(start, now, zone)
		if ok {
			if !fastRules.Allowed(at, zone) || at.Before(now) || at.After(latest) {
				t.Fatalf("visit %v made %v: reminder at %v", start.In(zone), now.In(zone), at.In(zone))
			}
			return
		}
		if next := fastRules.NextAllowed(now, zone); !next.After(latest) {
			t.Fatalf("visit %v made %v: no reminder, yet %v is allowed", start.In(zone), now.In(zone), next.In(zone))
		}
	})
}

func TestDelivery_RulesThatCannotWorkAreRefused(t *testing.T) {
	if err := fastRules.Check(); err != nil {
		t.Fatal(err)
	}
	for name, breakIt := range map[string]func(*Delivery){
		"no reminder":       func(d *Delivery) { d.ReminderBefore = 0 },
		"reminder too late": func(d *Delivery) { d.ReminderAtLeast = 25 * time.Hour },
		"no hours":          func(d *Delivery) { d.From = d.To },
		"no retries":        func(d *Delivery) { d.RetryAfter = nil },
		"negative wait":     func(d *Delivery) { d.AskAgainAfter = []time.Duration{-1} },
		"never expires":     func(d *Delivery) { d.ExpiresAfter = 0 },
		"claim too short":   func(d *Delivery) { d.Claim = time.Second },
	} {
		d := fastRules
		breakIt(&d)
		if d.Check() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
