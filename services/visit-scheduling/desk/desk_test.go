package desk_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/pkg/fault"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/desk"
	"github.com/hearthfps/hearth/services/visit-scheduling/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

func TestDesk_AnApprovedPlanBecomesAScheduleUpToTheHorizon(t *testing.T) {
	o := open(t)
	o.hire("w1", "w2")
	o.approve(plan("c1", 1, 2, 2))
	o.settle()
	want := schedule.Ledger{Planned: 8, Scheduled: 6, Unplaced: 2}
	if diff := cmp.Diff(want, o.balanced("c1")); diff != "" {
		t.Fatalf("ledger (-want +got):\n%s", diff)
	}
	for _, v := range o.visits("c1") {
		if v.Status == schedule.Unplaced && !cmp.Equal(v.Reasons, []schedule.Reason{schedule.BeyondHorizon}) {
			t.Errorf("unplaced in week %s: %v", v.Week, v.Reasons)
		}
	}
	if diff := cmp.Diff(map[string]int{"series.created": 1, "visit.scheduled": 6}, o.told()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"house-of-c1"}, o.points.asked); diff != "" {
		t.Errorf("asked intake (-want +got):\n%s", diff)
	}
	// A week later the horizon has moved on.
	o.clock.Set(at(7, 3, 0))
	o.in(func(ctx context.Context, tx *kit.Tx) error { return o.Daily(ctx, tx, timer()) })
	o.settle()
	if got := o.balanced("c1"); got.Scheduled != 8 {
		t.Errorf("a week later %+v; want all scheduled", got)
	}
}

func TestDesk_ThePlanTwiceIsOneSeries(t *testing.T) {
	o := open(t)
	o.hire("w1")
	o.approve(plan("c1", 1, 2, 1))
	o.approve(plan("c1", 1, 2, 1))
	o.settle()
	if got := o.balanced("c1"); got.Planned != 8 {
		t.Errorf("planned %d, want 8", got.Planned)
	}
	if got := o.told(); got["series.created"] != 1 {
		t.Errorf("told %v", got)
	}
}

func TestDesk_ANewerVersionLeavesWhatIsDoneAndUnderWay(t *testing.T) {
	o := open(t)
	o.hire("w1")
	o.approve(plan("c1", 1, 3, 1))
	o.settle()
	first := o.visits("c1")[0]
	o.clock.Set(first.Slot.StartsAt)
	o.in(func(ctx context.Context, tx *kit.Tx) error {
		_, err := o.CheckIn(ctx, tx, first.ID, "w1", yes)
		return err
	})
	o.approve(plan("c1", 2, 2, 1))
	o.settle()
	// 12 of the first version: 1 under way, 11 cancelled. Of the second: 8 less the one had this week.
	want := schedule.Ledger{Planned: 12 + 7, Scheduled: 1 + 5, Unplaced: 2, Cancelled: 11}
	if diff := cmp.Diff(want, o.balanced("c1")); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
	if got := o.visit(first.ID); got.Status != schedule.InProgress {
		t.Errorf("the visit under way is %s", got.Status)
	}
	before := o.told()
	o.approve(plan("c1", 1, 3, 1)) // the old version again, late
	if diff := cmp.Diff(before, o.told()); diff != "" {
		t.Errorf("an older version told:\n%s", diff)
	}
}

func TestDesk_AClosedCaseHasNoVisitsToCome(t *testing.T) {
	o := open(t)
	o.hire("w1")
	o.approve(plan("c1", 1, 1, 1))
	o.approve(plan("c2", 1, 1, 1))
	o.settle()
	o.in(func(ctx context.Context, tx *kit.Tx) error { return o.CloseCase(ctx, tx, "c1") })
	if diff := cmp.Diff(schedule.Ledger{Planned: 4, Cancelled: 4}, o.balanced("c1")); diff != "" {
		t.Errorf("closed case (-want +got):\n%s", diff)
	}
	if got := o.balanced("c2"); got.Cancelled != 0 {
		t.Errorf("the other case lost %d visits", got.Cancelled)
	}
	o.approve(plan("c1", 2, 1, 1)) // late, for a case that is closed
	if got := o.balanced("c1"); got.Planned != 4 {
		t.Errorf("a closed case got a series: %+v", got)
	}
}

func TestDesk_AnIllWorkersVisitsArePlacedAgain(t *testing.T) {
	o := open(t)
	o.hire("w1")
	o.approve(plan("c1", 1, 1, 1))
	o.settle()
	o.hire("w2")
	had := o.visits("c1")[0]
	if _, taken := o.absent("w1", at(0, 0, 0), at(1, 0, 0)); taken != 1 {
		t.Fatalf("took %d visits, want 1", taken)
	}
	o.settle()
	got := o.visit(had.ID)
	if got.Slot == nil || !cmp.Equal(got.Slot.Workers, []schedule.WorkerID{"w2"}) || !got.Slot.StartsAt.Equal(had.Slot.StartsAt) {
		t.Errorf("placed again at %+v; want the same time with w2", got.Slot)
	}
	if told := o.told(); told["visit.rescheduled"] != 1 || told["visit.unplaced"] != 0 {
		t.Errorf("told %v", told)
	}
}

func TestDesk_WhatCannotBePlacedIsListedAndTriedAgainWhenAnAbsenceEnds(t *testing.T) {
	o := open(t)
	o.hire("w1")
	o.approve(plan("c1", 1, 1, 1))
	o.settle()
	ill, _ := o.absent("w1", at(0, 0, 0), at(21, 0, 0))
	o.settle()
	o.in(func(ctx context.Context, tx *kit.Tx) error {
		listed, err := o.Store.VisitList(ctx, tx, postgres.VisitPage{Status: schedule.Unplaced, Tried: true, Limit: 10, Seen: "true"})
		for _, v := range listed {
			if !cmp.Equal(v.Reasons, []schedule.Reason{schedule.WorkersAbsent}) {
				t.Errorf("listed for %v", v.Reasons)
			}
		}
		if len(listed) != 3 {
			t.Errorf("listed %d, want 3", len(listed))
		}
		return err
	})
	if told := o.told(); told["visit.unplaced"] != 3 {
		t.Errorf("told %v", told)
	}
	o.in(func(ctx context.Context, tx *kit.Tx) error { return o.RemoveAbsence(ctx, tx, "w1", ill.ID) })
	o.settle()
	if got := o.balanced("c1"); got.Scheduled != 3 {
		t.Errorf("after the absence ended: %+v", got)
	}
}

func TestDesk_AWorkerWhoLosesASkillLosesTheVisits(t *testing.T) {
	o := open(t)
	o.hire("w1")
	o.approve(plan("c1", 1, 1, 1))
	o.settle()
	o.in(func(ctx context.Context, tx *kit.Tx) error {
		w, err := o.Store.Worker(ctx, tx, "w1", true)
		if err != nil {
			return err
		}
		w.Skills = []string{"respite"}
		_, _, err = o.PutWorker(ctx, tx, w, nil, anyVersion)
		return err
	})
	o.settle()
	if diff := cmp.Diff(schedule.Ledger{Planned: 4, Unplaced: 4}, o.balanced("c1")); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
}

func TestDesk_AWorkerSentAgainUnchangedIsNoChange(t *testing.T) {
	o := open(t)
	o.hire("w1")
	ill, _ := o.absent("w1", at(3, 0, 0), at(4, 0, 0))
	o.in(func(ctx context.Context, tx *kit.Tx) error {
		w, err := o.Store.Worker(ctx, tx, "w1", false)
		if err != nil {
			return err
		}
		again, created, err := o.PutWorker(ctx, tx, w, []schedule.Absence{{Span: ill.Span, Reason: ill.Reason}}, func(int64) error {
			t.Error("asked for the version of a change that is none")
			return nil
		})
		if created || again.Version != w.Version || again.Absences[0].ID != ill.ID {
			t.Errorf("got %+v, created %v", again, created)
		}
		return err
	})
}

func TestDesk_AnExcludedWorkerIsTakenFromTheFamily(t *testing.T) {
	o := open(t)
	o.hire("w1")
	o.approve(plan("c1", 1, 1, 1))
	o.settle()
	o.in(func(ctx context.Context, tx *kit.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO case_access (case_id, worker_id, excluded) VALUES ('c1', 'w1', true)`); err != nil {
			return err
		}
		return o.Unassigned(ctx, tx, "c1", "w1")
	})
	o.settle()
	for _, v := range o.visits("c1") {
		if v.Slot != nil || (v.Reasons[0] != schedule.AllExcluded && v.Reasons[0] != schedule.BeyondHorizon) {
			t.Errorf("visit %+v, reasons %v", v.Slot, v.Reasons)
		}
	}
}

func TestDesk_AVisitMovedByHandKeepsTheRules(t *testing.T) {
	o := open(t)
	o.hire("w1", "w2")
	o.approve(plan("c1", 1, 1, 1))
	o.settle()
	v := o.visits("c1")[0]
	move := func(startsAt time.Time, workers ...schedule.WorkerID) (moved schedule.Visit, err error) {
		err = o.DB.InTenant(o.ctx, func(ctx context.Context, tx *kit.Tx) (err error) {
			moved, err = o.Reschedule(ctx, tx, v.ID, desk.MoveRequest{StartsAt: startsAt, Workers: workers, Side: schedule.FamilySide, Reason: "school"}, yes)
			return err
		})
		return moved, err
	}
	for _, test := range []struct {
		name    string
		start   time.Time
		workers []schedule.WorkerID
		want    schedule.Rule
	}{
		{"at night", at(1, 3, 0), nil, schedule.RuleHours},
		{"in the past", at(0, 5, 0), nil, "in_the_past"},
		{"with two", at(1, 10, 0), []schedule.WorkerID{"w1", "w2"}, schedule.RuleWorkersNeeded},
		{"with nobody of ours", at(1, 10, 0), []schedule.WorkerID{"x"}, schedule.RuleUnknownWorker},
		{"too early to get there", at(1, 8, 1), nil, schedule.RuleTravel},
		{"at half a minute", at(1, 10, 0).Add(30 * time.Second), nil, "whole_minutes"},
	} {
		_, err := move(test.start, test.workers...)
		e, ok := fault.As(err)
		if !ok || e.Code != "not_feasible" || len(e.Fields) == 0 || e.Fields[0].Code != string(test.want) {
			t.Errorf("%s: %v, want %s", test.name, err, test.want)
		}
	}
	moved, err := move(at(3, 14, 0), "w2")
	if err != nil {
		t.Fatal(err)
	}
	if moved.ID != v.ID || !moved.Slot.StartsAt.Equal(at(3, 14, 0)) || len(moved.Moves) != 1 || moved.Moves[0].Side != schedule.FamilySide {
		t.Errorf("moved: %+v", moved)
	}
	if told := o.told(); told["visit.rescheduled"] != 1 {
		t.Errorf("told %v", told)
	}
	o.balanced("c1")
}

func TestDesk_ACancelledVisitGetsOneReplacement(t *testing.T) {
	o := open(t)
	o.hire("w1")
	o.approve(plan("c1", 1, 1, 1))
	o.settle()
	v := o.visits("c1")[0]
	cancel := func() error {
		return o.DB.InTenant(o.ctx, func(ctx context.Context, tx *kit.Tx) error {
			_, err := o.Cancel(ctx, tx, v.ID, schedule.FamilySide, "family_ill", true, yes)
			return err
		})
	}
	if err := cancel(); err != nil {
		t.Fatal(err)
	}
	if err := cancel(); !fault.Is(err, "visit_not_open") {
		t.Errorf("cancelled twice: %v", err)
	}
	o.settle()
	want := schedule.Ledger{Planned: 5, Scheduled: 3, Unplaced: 1, Cancelled: 1}
	if diff := cmp.Diff(want, o.balanced("c1")); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
}

func TestDesk_ConcurrentBookingsNeverDoubleBook(t *testing.T) {
	o := open(t)
	o.hire("w1")
	const families = 6
	var ids []schedule.VisitID
	for i := range families {
		o.approve(plan(fmt.Sprint("c", i), 1, 1, 1))
	}
	o.settle()
	for i := range families {
		ids = append(ids, o.visits(fmt.Sprint("c", i))[0].ID)
	}
	var wait sync.WaitGroup
	won := make(chan schedule.VisitID, families)
	for _, id := range ids {
		wait.Go(func() {
			err := o.DB.InTenant(o.ctx, func(ctx context.Context, tx *kit.Tx) error {
				_, err := o.Reschedule(ctx, tx, id, desk.MoveRequest{StartsAt: at(4, 13, 0), Workers: []schedule.WorkerID{"w1"}, Side: schedule.AgencySide, Reason: "x"}, yes)
				return err
			})
			if err == nil {
				won <- id
			} else if !fault.Is(err, "not_feasible") && !fault.Is(err, "double_booked") {
				t.Errorf("lost with %v", err)
			}
		})
	}
	wait.Wait()
	close(won)
	if n := len(won); n != 1 {
		t.Errorf("%d visits won the same hour of one worker, want 1", n)
	}
	// Planners side by side.
	for i := range 4 {
		o.approve(plan(fmt.Sprint("d", i), 1, 3, 1))
	}
	for i := range 4 {
		wait.Go(func() {
			for {
				planned, err := o.PlanNext(o.ctx, fmt.Sprint("planner-", i))
				if err != nil {
					t.Errorf("planner %d: %v", i, err)
				}
				if err != nil || !planned {
					return
				}
			}
		})
	}
	wait.Wait()
	o.in(func(ctx context.Context, tx *kit.Tx) error {
		var twice int
		err := tx.GetContext(ctx, &twice, `SELECT count(*) FROM booking a JOIN booking b
			ON a.worker_id = b.worker_id AND a.visit_id < b.visit_id AND a.during && b.during`)
		if twice != 0 {
			t.Errorf("%d double bookings", twice)
		}
		return err
	})
	for i := range 4 {
		o.balanced(fmt.Sprint("d", i))
	}
}

func TestDesk_ADayThatIsFullerThanItsPlanByHandIsLaidOut(t *testing.T) {
	o := open(t)
	o.hire("w1")
	o.approve(plan("c1", 1, 3, 1))
	o.approve(plan("c2", 1, 1, 1))
	o.settle()
	for i, v := range o.visits("c1")[:3] {
		o.in(func(ctx context.Context, tx *kit.Tx) error {
			_, err := o.Reschedule(ctx, tx, v.ID, desk.MoveRequest{StartsAt: at(1, 9+2*min(i, 1), 0).AddDate(0, 0, i/2), Workers: []schedule.WorkerID{"w1"}, Side: schedule.FamilySide, Reason: "x"}, yes)
			return err
		})
	}
	o.clock.Set(at(1, 6, 0)) // two visits of the family today, one to come tomorrow
	if offer := o.mustOffer(crisis("c2", at(1, 6, 0), at(2, 6, 0))); len(offer.Places) == 0 {
		t.Error("no place is offered on a day that has hours to spare")
	}
}
