package schedule

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
)

func finland(t interface{ Fatal(...any) }) *clock.Calendar {
	zone, err := time.LoadLocation("Europe/Helsinki")
	if err != nil {
		t.Fatal(err)
	}
	goodFriday := clock.NewDate(2026, 4, 3)
	cal, err := clock.NewCalendar("test", zone, clock.Spec{
		WorkingDays: []clock.Weekday{"mon", "tue", "wed", "thu", "fri"},
		Holidays:    []clock.Rule{{Name: "Good Friday", Date: &goodFriday}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return cal
}

func date(t interface{ Fatal(...any) }, s string) clock.Date {
	d, err := clock.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func series(t interface{ Fatal(...any) }, starts, ends string, times int) Series {
	return Series{
		ID: "s", Case: "c", PlanID: "p", PlanVersion: 1, StartsOn: date(t, starts), EndsOn: date(t, ends), Status: SeriesActive, Version: 1,
		Pattern: Pattern{
			TimesAWeek: times, Minutes: 60, Workers: 1, Place: Home, Earliest: 9 * 60, Latest: 17 * 60,
			Weekdays: []clock.Weekday{"mon", "tue", "wed", "thu", "fri"},
		},
	}
}

func instant(t interface{ Fatal(...any) }, s string) time.Time {
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

func TestSeries_PlansTheWeeksOfThePlan(t *testing.T) {
	for _, test := range []struct {
		name, starts, ends, approved string
		times                        int
		done                         map[string]int
		want                         map[string]int
	}{
		{"whole weeks", "2026-03-02", "2026-03-15", "2026-02-27T10:00:00Z", 2, nil, map[string]int{"2026-03-02": 2, "2026-03-09": 2}},
		{"starts on a Thursday", "2026-03-05", "2026-03-15", "2026-02-27T10:00:00Z", 2, nil, map[string]int{"2026-03-02": 1, "2026-03-09": 2}},
		{"ends on a Tuesday", "2026-03-02", "2026-03-10", "2026-02-27T10:00:00Z", 5, nil, map[string]int{"2026-03-02": 5, "2026-03-09": 2}},
		{"approved on the Wednesday, after the day", "2026-03-02", "2026-03-08", "2026-03-04T15:00:00Z", 5, nil, map[string]int{"2026-03-02": 2}},
		{"approved on the Wednesday morning", "2026-03-02", "2026-03-08", "2026-03-04T07:00:00Z", 5, nil, map[string]int{"2026-03-02": 3}},
		{"approved when it is over", "2026-03-02", "2026-03-08", "2026-03-09T07:00:00Z", 5, nil, map[string]int{}},
		{"visits of the version before count", "2026-03-02", "2026-03-15", "2026-03-04T07:00:00Z", 2, map[string]int{"2026-03-02": 1}, map[string]int{"2026-03-02": 1, "2026-03-09": 2}},
		{"more than asked for were had", "2026-03-02", "2026-03-08", "2026-03-04T07:00:00Z", 2, map[string]int{"2026-03-02": 4}, map[string]int{}},
		{"twice a day", "2026-03-02", "2026-03-08", "2026-02-27T10:00:00Z", 10, nil, map[string]int{"2026-03-02": 10}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, done := series(t, test.starts, test.ends, test.times), map[Week]int{}
			for monday, n := range test.done {
				done[Week{date(t, monday)}] = n
			}
			got := map[string]int{}
			for _, v := range s.Plan(instant(t, test.approved), done, finland(t)) {
				got[v.Week.String()]++
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("visits by week (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSeries_PlanningAgainGivesTheSameVisits(t *testing.T) {
	a, b := series(t, "2026-03-02", "2026-05-31", 3), series(t, "2026-03-02", "2026-05-31", 3)
	approved := instant(t, "2026-03-01T10:00:00Z")
	if diff := cmp.Diff(a.Plan(approved, nil, finland(t)), b.Plan(approved, nil, finland(t))); diff != "" {
		t.Error(diff)
	}
	if a.Planned != 39 {
		t.Errorf("planned = %d, want 13 weeks of 3", a.Planned)
	}
}

func TestSeries_WindowsAreLocalAndSkipHolidaysAndThePast(t *testing.T) {
	s, cal := series(t, "2026-03-02", "2026-05-31", 3), finland(t)
	// The week of Good Friday; summer time began the Sunday before, so 09:00 is 06:00Z.
	week := Week{date(t, "2026-03-30")}
	got, _ := s.Windows(week, instant(t, "2026-04-01T10:30:00Z"), cal)
	want := []Span{
		{instant(t, "2026-04-01T10:30:00Z"), instant(t, "2026-04-01T14:00:00Z")},
		{instant(t, "2026-04-02T06:00:00Z"), instant(t, "2026-04-02T14:00:00Z")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("windows (-want +got):\n%s", diff)
	}
	if _, why := s.Windows(week, instant(t, "2026-04-02T14:00:00Z"), cal); why != Holiday {
		t.Errorf("only Good Friday left: %q, want holiday", why)
	}
	if _, why := s.Windows(week, instant(t, "2026-04-05T14:00:00Z"), cal); why != WeekOver {
		t.Errorf("after the week: %q, want week_over", why)
	}
}

func TestSeries_RefusesAPlanThatCannotBecomeVisits(t *testing.T) {
	for name, spoil := range map[string]func(*Series){
		"ends before it starts": func(s *Series) { s.EndsOn = s.StartsOn.AddDays(-1) },
		"for ever":              func(s *Series) { s.EndsOn = s.StartsOn.AddDays(MaxLength + 1) },
		"no weekday":            func(s *Series) { s.Pattern.Weekdays = nil },
		"too long for its hours": func(s *Series) {
			s.Pattern.Minutes = 8*60 + 1
		},
		"three workers": func(s *Series) { s.Pattern.Workers = 3 },
		"never":         func(s *Series) { s.Pattern.TimesAWeek = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			s := series(t, "2026-03-02", "2026-05-31", 3)
			if err := s.Validate(); err != nil {
				t.Fatalf("a good plan: %v", err)
			}
			spoil(&s)
			if err := s.Validate(); fault.KindOf(err) != fault.Unprocessable {
				t.Errorf("got %v, want unprocessable", err)
			}
		})
	}
}

func TestSeries_ReplacementGoesToTheNextWeekWithRoom(t *testing.T) {
	s, cal := series(t, "2026-03-02", "2026-03-15", 1), finland(t)
	visits := s.Plan(instant(t, "2026-03-01T10:00:00Z"), nil, cal)
	now := instant(t, "2026-03-06T15:00:00Z") // Friday, after hours
	v, err := s.Replace(&visits[0], now, cal)
	if err != nil {
		t.Fatal(err)
	}
	if v.Week.String() != "2026-03-09" || v.Occurrence != 3 || v.Replaces != visits[0].ID || visits[0].ReplacedBy != v.ID {
		t.Errorf("replacement: week %v, occurrence %d, replaces %q, replaced by %q", v.Week, v.Occurrence, v.Replaces, visits[0].ReplacedBy)
	}
	if _, err := s.Replace(&visits[0], now, cal); !fault.Is(err, "already_replaced") {
		t.Errorf("a second replacement: %v", err)
	}
	if _, err := s.Replace(&visits[1], instant(t, "2026-03-14T10:00:00Z"), cal); !fault.Is(err, "no_week_left") {
		t.Errorf("when the plan is over: %v", err)
	}
}

// The life of a series under everything that can happen to it: no visit is lost,
// doubled or made single, ids stay, final states stay final.
func TestSeries_AlwaysAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cal := finland(t)
		s := series(t, "2026-03-02", "2026-04-12", rapid.IntRange(1, 7).Draw(t, "times"))
		s.Pattern.Workers = rapid.IntRange(1, 2).Draw(t, "workers")
		now := instant(t, "2026-03-02T06:00:00Z")
		visits := s.Plan(now, nil, cal)
		attendance := Attendance{Early: time.Hour, Late: time.Hour, Grace: time.Hour}
		pick := func(t *rapid.T) *Visit {
			if len(visits) == 0 {
				t.Skip()
			}
			return &visits[rapid.IntRange(0, len(visits)-1).Draw(t, "visit")]
		}
		staff := func(t *rapid.T) WorkerID { return rapid.SampledFrom([]WorkerID{"a", "b", "c"}).Draw(t, "worker") }
		final := map[VisitID]Status{}
		t.Repeat(map[string]func(*rapid.T){
			"schedule": func(t *rapid.T) {
				v := pick(t)
				workers := rapid.SliceOfN(rapid.SampledFrom([]WorkerID{"a", "b", "c"}), 1, 2).Draw(t, "team")
				_, err := v.Schedule(Slot{StartsAt: now, EndsAt: now.Add(time.Hour), Workers: workers})
				whole := len(workers) == v.WorkersNeeded && (len(workers) == 1 || workers[0] != workers[1])
				if err == nil && !whole {
					t.Fatalf("a visit for %d took %v", v.WorkersNeeded, workers)
				}
			},
			"release":   func(t *rapid.T) { _ = pick(t).Release() },
			"leave":     func(t *rapid.T) { _, _ = pick(t).Leave(Leftover{Reasons: []Reason{FullyBooked}}) },
			"check in":  func(t *rapid.T) { _, _ = pick(t).CheckIn(staff(t), now, attendance) },
			"check out": func(t *rapid.T) { _, _ = pick(t).CheckOut(staff(t), now) },
			"attempt":   func(t *rapid.T) { _, _ = pick(t).Attempt(staff(t), "no_one_home", now, attendance) },
			"alarm":     func(t *rapid.T) { pick(t).MissCheckout(now) },
			"later":     func(t *rapid.T) { now = now.Add(7 * time.Hour) },
			"cancel and replace": func(t *rapid.T) {
				v := pick(t)
				if _, err := v.Cancel(FamilySide, "ill", now); err != nil {
					t.Skip()
				}
				if fresh, err := s.Replace(v, now, cal); err == nil {
					visits = append(visits, fresh)
				}
			},
			"": func(t *rapid.T) {
				ledger, seen := Ledger{Planned: s.Planned}, map[VisitID]bool{}
				for i, v := range visits {
					if seen[v.ID] || v.ID != VisitIDOf(s.ID, i+1) {
						t.Fatalf("visit %d has the id %s", i+1, v.ID)
					}
					seen[v.ID] = true
					ledger.Count(v.Status, 1)
					if was, ended := final[v.ID]; ended && was != v.Status {
						t.Fatalf("a visit went from %s to %s", was, v.Status)
					}
					switch v.Status {
					case Completed, Attempted, Cancelled:
						final[v.ID] = v.Status
					case Scheduled, InProgress:
						if len(v.Slot.Workers) != v.WorkersNeeded {
							t.Fatalf("a visit for %d has %v", v.WorkersNeeded, v.Slot.Workers)
						}
					case Unplaced:
						if v.Slot != nil || len(v.Reasons) == 0 {
							t.Fatalf("unplaced with slot %v and reasons %v", v.Slot, v.Reasons)
						}
					}
				}
				if !ledger.Balances() {
					t.Fatalf("%+v does not add up", ledger)
				}
			},
		})
	})
}
