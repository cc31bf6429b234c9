package schedule_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

func TestSummary_AddsUpByGroupAndListsWhatIsMissed(t *testing.T) {
	now := time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
	always := func(map[string]any) (bool, error) { return true, nil }
	measure := schedule.Measure{Rules: []schedule.CoverageRule{
		{Code: "held", Says: "They take place.", Applies: always, Counts: "completed", Of: "due", Share: 1},
		{Code: "home", Says: "At home.", Applies: always, Counts: "completed_home", Least: 1},
	}}
	visit := func(status schedule.Status, place schedule.Place, day int, workers ...schedule.WorkerID) schedule.Visit {
		v := schedule.Visit{ID: schedule.VisitID(string(status) + string(rune('a'+day))), Status: status, Place: place}
		slot := &schedule.Slot{StartsAt: now.AddDate(0, 0, day-31), EndsAt: now.AddDate(0, 0, day-31).Add(time.Hour), Workers: workers}
		switch {
		case status == schedule.Cancelled:
			v.Lost, v.Closing = slot, &schedule.Closing{Side: schedule.AgencySide}
		case len(workers) > 0:
			v.Slot = slot
		default:
			v.Week = schedule.WeekOf(clock.NewDate(2026, 3, 2))
		}
		return v
	}
	workers := func(v schedule.Visit) (keys []string) {
		for _, w := range schedule.Whose(v) {
			keys = append(keys, string(w))
		}
		return keys
	}
	var sum schedule.Summary
	for _, c := range [][]schedule.Visit{
		{visit(schedule.Completed, schedule.Home, 3, "w1", "w2"), visit(schedule.Attempted, schedule.Home, 4, "w1")},
		{visit(schedule.Completed, schedule.Office, 5, "w2"), visit(schedule.Cancelled, schedule.Home, 6, "w2"), visit(schedule.Unplaced, schedule.Home, 0)},
	} {
		if err := sum.Add("2026-03", c, workers, measure, now, time.UTC); err != nil {
			t.Fatal(err)
		}
	}
	type line struct {
		Key                                               string
		Cases, Due, Completed, Home, Attempted, Cancelled int
		HeldCases, HeldGap, HomeCases                     int
	}
	var got []line
	for _, g := range sum.Groups() {
		l := line{Key: g.Key, Cases: g.Cases, Due: g.Due, Completed: g.Completed, Home: g.CompletedHome, Attempted: g.Attempted, Cancelled: g.Cancelled}
		for _, m := range g.Missed() {
			if m.Code == "held" {
				l.HeldCases, l.HeldGap = m.Cases, m.Gap
			} else {
				l.HomeCases = m.Cases
			}
		}
		got = append(got, l)
	}
	// The first case misses one visit of two; the second two of three, and none was at home.
	want := []line{
		{"", 1, 1, 0, 0, 0, 0, 1, 2, 1},
		{"w1", 1, 2, 1, 1, 1, 0, 1, 1, 0},
		{"w2", 2, 3, 2, 1, 0, 1, 2, 3, 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
}
