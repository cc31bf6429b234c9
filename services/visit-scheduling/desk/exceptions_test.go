package desk_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	visitscheduling "github.com/hearthfps/hearth/services/visit-scheduling"
	"github.com/hearthfps/hearth/services/visit-scheduling/desk"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

func (o *office) except(caseID string, e schedule.Exception) (stored schedule.Exception, freed int) {
	o.t.Helper()
	o.in(func(ctx context.Context, tx *kit.Tx) (err error) {
		stored, freed, err = o.AddException(ctx, tx, schedule.CaseID(caseID), e, "scheduler-1")
		return err
	})
	return stored, freed
}

// away is a holiday of the family's, school the hours from eight to two.
func away(from, to int) schedule.Exception {
	return schedule.Exception{Kind: schedule.FamilyAway, From: day(from), To: day(to)}
}

func school() schedule.Exception {
	return schedule.Exception{
		Kind: schedule.AtSchool, From: day(0), Weekdays: []clock.Weekday{"mon", "tue", "wed", "thu", "fri"}, Hours: &schedule.DayHours{From: 8 * 60, To: 14 * 60},
	}
}

func TestDesk_AVisitInANewExceptionIsPlacedAnewAndTold(t *testing.T) {
	o := open(t)
	o.Planner, o.Fallback = visitscheduling.Optimiser{Budget: time.Second, Effort: 5, Grid: 5}, schedule.Greedy{}
	o.hire("w1", "w2")
	o.approve(plan("c1", 1, 2, 2)) // pairs
	o.approve(plan("c2", 1, 2, 1))
	o.settle()
	other := o.visits("c2")
	before := map[schedule.VisitID]schedule.Visit{}
	for _, v := range o.visits("c1") {
		before[v.ID] = v
	}
	_, freed := o.except("c1", school())
	if freed == 0 {
		t.Fatal("no visit lay in school hours: the test shows nothing")
	}
	o.settle()
	moved := 0
	for _, v := range o.visits("c1") {
		was, known := before[v.ID]
		if !known {
			t.Errorf("visit %s was not there before", v.ID)
		}
		if v.Slot == nil {
			continue // beyond the horizon
		}
		if len(v.Slot.Workers) != 2 || v.Slot.StartsAt.Hour() < 14 {
			t.Errorf("placed at %s with %v", v.Slot.StartsAt, v.Slot.Workers)
		}
		if !v.Slot.StartsAt.Equal(was.Slot.StartsAt) {
			moved++
		}
	}
	if told := o.told()["visit.rescheduled"]; moved != freed || told != freed {
		t.Errorf("freed %d, moved %d, told %d", freed, moved, told)
	}
	if diff := cmp.Diff(other, o.visits("c2")); diff != "" {
		t.Errorf("another family's visits (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(schedule.Ledger{Planned: 8, Scheduled: 6, Unplaced: 2}, o.balanced("c1")); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
}

func TestDesk_AFamilyThatIsAwayKeepsItsVisitsWithoutATime(t *testing.T) {
	o := open(t)
	o.hire("w1")
	o.approve(plan("c1", 1, 2, 1))
	o.settle()
	holiday, freed := o.except("c1", away(7, 13))
	if again, none := o.except("c1", away(7, 13)); again.ID != holiday.ID || none != 0 || freed != 2 {
		t.Errorf("freed %d; the same again is %s and freed %d", freed, again.ID, none)
	}
	o.settle()
	if told := o.told(); told["visit.unplaced"] != 2 || told["visit.cancelled"] != 0 {
		t.Errorf("told %v", told)
	}
	for _, v := range o.visits("c1") {
		if v.Week.Monday == day(7) && !cmp.Equal(v.Reasons, []schedule.Reason{schedule.FamilyNotFree}) {
			t.Errorf("a visit of that week: %s %v", v.Status, v.Reasons)
		}
	}
	// A newer plan of the family knows it too, and by hand nobody is sent then.
	o.approve(plan("c1", 2, 2, 1))
	o.settle()
	var open schedule.Visit
	for _, v := range o.visits("c1") {
		if v.Week.Monday == day(7) && v.Status == schedule.Scheduled {
			t.Errorf("the newer plan visits a family that is away: %s", v.Slot.StartsAt)
		}
		if v.Status == schedule.Unplaced && v.Week.Monday == day(7) {
			open = v
		}
	}
	err := o.DB.InTenant(o.ctx, func(ctx context.Context, tx *kit.Tx) error {
		_, err := o.Reschedule(ctx, tx, open.ID, desk.MoveRequest{StartsAt: at(8, 10, 0), Workers: []schedule.WorkerID{"w1"}, Side: schedule.FamilySide, Reason: "x"}, yes)
		return err
	})
	if f, _ := fault.As(err); f == nil || len(f.Fields) != 1 || f.Fields[0].Code != string(schedule.FamilyNotFree) {
		t.Errorf("moved by hand into the holiday: %v", err)
	}
	o.in(func(ctx context.Context, tx *kit.Tx) error { return o.RemoveException(ctx, tx, "c1", holiday.ID) })
	o.settle()
	if got := o.visit(open.ID); got.Status != schedule.Scheduled {
		t.Errorf("without the exception the visit is %s for %v", got.Status, got.Reasons)
	}
}

// A planner that has worked a week out before the exception came writes nothing into it.
func TestDesk_APlannerThatDidNotKnowOfAnExceptionPlacesNothingInIt(t *testing.T) {
	o := open(t)
	o.hire("w1")
	o.approve(plan("c1", 1, 1, 1))
	asked := false
	o.Planner = meddler{during: func() {
		if !asked {
			asked = true
			o.except("c1", school())
		}
	}}
	o.settle()
	for _, v := range o.visits("c1") {
		if v.Slot != nil && v.Slot.StartsAt.Hour() < 14 {
			t.Errorf("placed at %s, in school hours", v.Slot.StartsAt)
		}
	}
	if got := o.balanced("c1"); got.Scheduled != 3 {
		t.Errorf("%+v; want three placed after school", got)
	}
}
