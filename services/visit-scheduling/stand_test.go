package visitscheduling_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	visitscheduling "github.com/hearthfps/hearth/services/visit-scheduling"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// atTheDoor is a schedule the rules find no fault in and the search has no words
// for: on Monday w has a break between the way to a family and the visit there. On
// the other days, and of x, nothing is odd.
func atTheDoor(t *testing.T, placed bool) schedule.Standing {
	t.Helper()
	w, x := carer("w"), carer("x")
	w.Base, x.Base = nil, nil // each way takes 20 minutes
	w.Pauses = []schedule.Pause{{Span: schedule.Span{From: onDay(0, 10, 15), To: onDay(0, 10, 50)}, Minutes: 30}}
	p := schedule.Problem{Zone: time.UTC, Roster: []schedule.Available{w, x}, Travel: schedule.Estimate(5, 20)}
	p.Booked = []schedule.Booking{
		{Visit: "call", Series: "s-call", Workers: []schedule.WorkerID{"w"}, Span: schedule.Span{From: onDay(0, 8, 0), To: onDay(0, 10, 0)}, At: schedule.Location{Remote: true}},
	}
	s := schedule.Standing{Problem: p}
	odd := schedule.Span{From: onDay(0, 10, 50), To: onDay(0, 12, 0)}
	if placed {
		d := wanted("door")
		d.Minutes, d.At = 70, schedule.Location{}
		s.Problem.Demands = []schedule.Demand{d}
		s.Plan.Placed = []schedule.Placement{{Visit: "door", Slot: schedule.Slot{StartsAt: odd.From, EndsAt: odd.To, Workers: []schedule.WorkerID{"w"}}}}
	} else {
		s.Problem.Booked = append(s.Problem.Booked, schedule.Booking{Visit: "door", Series: "s-door", Workers: []schedule.WorkerID{"w"}, Span: odd})
	}
	if diff := cmp.Diff(s.Plan.Placed, s.Settle().Plan.Placed); diff != "" || len(s.Settle().Problem.Booked) != len(s.Problem.Booked) {
		t.Fatalf("a rule is against it already:\n%s", diff)
	}
	return s
}

// A visit that cannot be laid out takes its workers' time, and everything else is
// answered as ever.
func TestEngine_AVisitThatCannotBeLaidOutStopsNoOther(t *testing.T) {
	for name, placed := range map[string]bool{"booked": false, "to be moved": true} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			o := visitscheduling.Optimiser{Grid: 5, Log: slog.New(slog.NewJSONHandler(&log, nil))}
			s := atTheDoor(t, placed)
			board, err := o.Lay(s)
			if err != nil {
				t.Fatal(err)
			}
			var line struct {
				Visit string `json:"visit_id"`
				Rule  string `json:"rule"`
			}
			if err := json.NewDecoder(&log).Decode(&line); err != nil || line.Visit != "door" || line.Rule != "booked" {
				t.Errorf("logged %+v, %v", line, err)
			}
			asked := wanted("asked")
			asked.At, asked.Windows = schedule.Location{Remote: true}, []schedule.Span{{From: onDay(0, 10, 30), To: onDay(0, 12, 15)}}
			openings, err := board.Openings(asked)
			if err != nil || len(openings) == 0 {
				t.Fatalf("%d openings, %v", len(openings), err)
			}
			for _, x := range openings {
				if x.Slot.Workers[0] != "x" {
					t.Errorf("%s is given away: %+v", x.Slot.Workers, x.Slot)
				}
			}
			lost := asked
			lost.Lost = &schedule.Slot{StartsAt: onDay(0, 11, 0), EndsAt: onDay(0, 12, 0), Workers: []schedule.WorkerID{"y"}}
			plan, err := o.Cover(t.Context(), s, []schedule.Demand{lost}, 0)
			if err != nil || !covers(plan, "asked", "x") {
				t.Errorf("cover: %+v, %v", plan, err)
			}
			asked.Excluded = []schedule.WorkerID{"x"}
			asked.Windows = []schedule.Span{{From: onDay(0, 10, 50), To: onDay(0, 12, 0)}}
			s.Problem.Demands = append(s.Problem.Demands, asked)
			why, err := o.Why(t.Context(), s, time.Minute, "asked")
			if err != nil || len(why["asked"]) == 0 {
				t.Errorf("why: %v, %v", why, err)
			}
			for _, r := range why["asked"] {
				if !s.Proves(asked, r) {
					t.Errorf("not proved: %s", r.Words(time.UTC))
				}
			}
			account, err := o.Explain(t.Context(), s, "door", time.Minute)
			if err != nil || !account.Fixed {
				t.Errorf("account %+v, %v", account, err)
			}
		})
	}
}

func covers(plan schedule.Plan, visit schedule.VisitID, by schedule.WorkerID) bool {
	for _, x := range plan.Placed {
		if x.Visit == visit {
			return len(x.Slot.Workers) == 1 && x.Slot.Workers[0] == by
		}
	}
	return false
}

// A family that two workers visit together is one of the families of both, and so
// it is until they do not: the board is laid out anew then.
func TestBoard_APairsFamilyIsOneOfBoth(t *testing.T) {
	o := visitscheduling.Optimiser{Grid: 5}
	pair := schedule.Booking{
		Visit: "pair", Series: "s-pair", Workers: []schedule.WorkerID{"w", "x"}, Span: schedule.Span{From: onDay(0, 9, 0), To: onDay(0, 10, 0)}, At: schedule.Location{Remote: true},
	}
	for _, full := range []schedule.WorkerID{"w", "x"} {
		s := schedule.Standing{Problem: schedule.Problem{
			Zone: time.UTC, Roster: []schedule.Available{carer("w"), carer("x")}, Booked: []schedule.Booking{pair}, Travel: schedule.Estimate(5, 20),
		}}
		asked := wanted("asked")
		for i := range s.Problem.Roster {
			if a := &s.Problem.Roster[i]; a.ID == full {
				a.Limits.Families = 1
			} else {
				asked.Excluded = []schedule.WorkerID{a.ID}
			}
		}
		open := func(s schedule.Standing) int {
			board, err := o.Lay(s)
			if err != nil {
				t.Fatal(err)
			}
			openings, err := board.Openings(asked)
			if err != nil {
				t.Fatal(err)
			}
			if err := board.Amend([]schedule.VisitID{"pair"}, schedule.Standing{Problem: schedule.Problem{Zone: time.UTC}}); err != nil {
				return len(openings)
			}
			after, err := board.Openings(asked)
			if err != nil || len(s.Problem.Booked) > 0 && len(after) == 0 {
				t.Errorf("%s: amended to hold no family, it has %d openings, %v", full, len(after), err)
			}
			return len(openings)
		}
		if n := open(s); n != 0 {
			t.Errorf("%s has a family too many in %d openings", full, n)
		}
		s.Problem.Booked = nil
		if n := open(s); n == 0 {
			t.Errorf("%s may have one family, and has no opening for it", full)
		}
	}
}

// A visit put by hand where its worker cannot be is one of its family's day all the
// same, until it is taken away.
func TestBoard_AVisitThatCannotBeLaidOutFillsItsFamilysDay(t *testing.T) {
	o := visitscheduling.Optimiser{Grid: 5}
	late := wanted("late")
	late.Series = "s-asked"
	at := schedule.Span{From: onDay(0, 21, 0), To: onDay(0, 22, 0)}
	for name, by := range map[string]schedule.WorkerID{"of the roster": "w", "of nobody known": "gone", "to be moved": "w"} {
		s := schedule.Standing{Problem: schedule.Problem{Zone: time.UTC, Roster: []schedule.Available{carer("w"), carer("x")}, Travel: schedule.Estimate(5, 20)}}
		if name == "to be moved" {
			s.Problem.Demands = []schedule.Demand{late}
			s.Plan.Placed = []schedule.Placement{{Visit: "late", Slot: schedule.Slot{StartsAt: at.From, EndsAt: at.To, Workers: []schedule.WorkerID{by}}}}
		} else {
			s.Problem.Booked = []schedule.Booking{{Visit: "late", Series: late.Series, Workers: []schedule.WorkerID{by}, Span: at}}
		}
		board, err := o.Lay(s)
		if err != nil {
			t.Fatal(err)
		}
		monday, both := wanted("asked"), wanted("asked")
		monday.Windows, both.Windows = days(8, 16)[:1], days(8, 16)[:2]
		offered := func(d schedule.Demand) (on []int) {
			openings, err := board.Openings(d)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range openings {
				on = append(on, int(x.Slot.StartsAt.Sub(onDay(0, 0, 0))/(24*time.Hour)))
			}
			return on
		}
		if on := offered(monday); on != nil {
			t.Errorf("%s: a second visit on Monday is offered: %v", name, on)
		}
		if on := offered(both); len(on) == 0 || slices.Contains(on, 0) {
			t.Errorf("%s: offered on the days %v, want Tuesday alone", name, on)
		}
		twice := monday
		twice.PerDay = 2
		if on := offered(twice); len(on) == 0 {
			t.Errorf("%s: two visits a day are agreed, and no second one is offered", name)
		}
		if err := board.Amend([]schedule.VisitID{"late"}, schedule.Standing{Problem: schedule.Problem{Zone: time.UTC}}); err != nil {
			t.Fatal(err)
		}
		if on := offered(monday); len(on) == 0 {
			t.Errorf("%s: taken away, it still fills its day", name)
		}
	}
}
