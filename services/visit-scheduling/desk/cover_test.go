package desk_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/desk"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

func everything(context.Context, *kit.Tx) (string, []any, error) { return "true", nil, nil }

// ill asks for w1's Tuesday to be covered.
func ill(maxMoved int) schedule.CoverRequest {
	return schedule.CoverRequest{Worker: "w1", Span: schedule.Span{From: at(1, 0, 0), To: at(2, 0, 0)}, Reason: "sick", MaxMoved: maxMoved}
}

func (o *office) apply(r schedule.CoverRequest) (cover schedule.Cover) {
	o.t.Helper()
	err := o.CoverAbsence(o.ctx, r, everything, func(c schedule.Cover) (stale []desk.Stale, err error) {
		cover = c
		return stale, o.DB.InTenant(o.ctx, func(ctx context.Context, tx *kit.Tx) error {
			_, stale, err = o.AddCoveredAbsence(ctx, tx, c)
			return err
		})
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return cover
}

// tuesday publishes five visits of w1 on Tuesday, and workers who are free.
func tuesday(t testing.TB, others ...schedule.WorkerID) *office {
	o := open(t)
	o.hire("w1")
	for i := range 5 {
		p := plan(fmt.Sprintf("case-%d", i), 1, 1, 1)
		p.Pattern.Weekdays = []clock.Weekday{"tue"}
		p.EndsOn = clock.NewDate(2026, 3, 8)
		o.approve(p)
	}
	o.settle()
	o.hire(others...)
	return o
}

func TestCover_ASickWorkersDayIsTakenOverAndEveryoneIsTold(t *testing.T) {
	o := tuesday(t, "w2", "w3")
	preview, err := o.Cover(o.ctx, ill(0), everything)
	if err != nil || len(preview.Covered) != 5 || len(preview.Moved) != 0 || len(preview.Open) != 0 {
		t.Fatalf("preview %+v, %v", preview, err)
	}
	if told := o.told(); told["visit.rescheduled"] != 0 || len(o.visits("case-0")) == 0 || o.visits("case-0")[0].Slot.Workers[0] != "w1" {
		t.Errorf("a preview changed something: %v", told)
	}
	cover := o.apply(ill(0))
	for _, c := range cover.Covered {
		v := o.visit(c.Visit)
		if v.Slot.Workers[0] == "w1" || !v.Slot.StartsAt.Equal(c.To.StartsAt) || v.Slot.StartsAt.Day() != 3 {
			t.Errorf("%s stands at %+v, the cover said %+v", v.ID, v.Slot, c.To)
		}
		if m := v.Moves; len(m) != 1 || m[0].Reason != desk.WorkerAbsent || m[0].Side != schedule.AgencySide {
			t.Errorf("kept as %+v", m)
		}
	}
	if told := o.told(); told["visit.rescheduled"] != 5 || told["visit.unplaced"] != 0 {
		t.Errorf("told %v", told)
	}
	// Most keep their time: two workers are free for five visits one after the other.
	same := 0
	for _, c := range cover.Covered {
		if c.From.StartsAt.Equal(c.To.StartsAt) {
			same++
		}
	}
	if same < 3 {
		t.Errorf("%d of 5 keep their time", same)
	}
	for i := range 5 {
		o.balanced(fmt.Sprintf("case-%d", i))
	}
}

func TestCover_TheCapOnOthersMovedIsHard(t *testing.T) {
	for _, limit := range []int{0, 2} {
		o := tuesday(t)
		o.hire("w2")
		for i := range 4 { // w2's Tuesday is busy
			p := plan(fmt.Sprintf("other-%d", i), 1, 1, 1)
			p.Pattern.Weekdays = []clock.Weekday{"tue"}
			p.EndsOn = clock.NewDate(2026, 3, 8)
			o.approve(p)
		}
		o.settle()
		all := []string{}
		theirs := 0
		for i := range 5 {
			all = append(all, fmt.Sprintf("case-%d", i))
		}
		for i := range 4 {
			all = append(all, fmt.Sprintf("other-%d", i))
		}
		for _, c := range all {
			if o.visits(c)[0].Slot.Workers[0] == "w1" {
				theirs++
			}
		}
		cover := o.apply(ill(limit))
		if len(cover.Moved) > limit {
			t.Errorf("%d visits of others moved, %d may", len(cover.Moved), limit)
		}
		if got := len(cover.Covered) + len(cover.Open); got != theirs || theirs < 5 {
			t.Errorf("%d of %d visits are accounted for", got, theirs)
		}
		o.settle()
		unplaced := 0
		for _, c := range all {
			unplaced += o.balanced(c).Unplaced
		}
		if o.told()["visit.unplaced"] != unplaced {
			t.Errorf("%d visits without a place, told %v", unplaced, o.told())
		}
	}
}

// What has no place on its day goes to another of its week, and others make room
// for it there within the cap.
func TestCover_WhatHasNoPlaceThatDayGoesToAnotherOfItsWeek(t *testing.T) {
	o := open(t)
	o.hire("w1")
	p := plan("case-0", 1, 1, 1)
	p.Pattern.Weekdays, p.Pattern.Minutes, p.Pattern.Earliest, p.Pattern.Latest = []clock.Weekday{"tue", "wed"}, 180, 8*60, 12*60
	p.EndsOn = clock.NewDate(2026, 3, 8)
	o.approve(p)
	o.settle()
	first := o.visits("case-0")[0]
	if first.Slot.StartsAt.Day() != 3 { // the planner chose Wednesday: w1 falls ill then
		t.Fatalf("placed on %s", first.Slot.StartsAt)
	}
	// Only w2 is left, away on Tuesday, and busy on Wednesday morning with what may be in the afternoon.
	o.hire("w2")
	o.absent("w2", at(1, 0, 0), at(2, 0, 0))
	other := plan("case-1", 1, 1, 1)
	other.Pattern.Weekdays, other.Pattern.Minutes, other.Workers = []clock.Weekday{"wed"}, 120, []schedule.WorkerID{"w2"}
	other.EndsOn = clock.NewDate(2026, 3, 8)
	o.approve(other)
	o.settle()
	if at := o.visits("case-1")[0].Slot; at.Workers[0] != "w2" || at.StartsAt.Hour() > 10 {
		t.Fatalf("the other visit is at %+v", at)
	}
	r := ill(0)
	r.Span.To = at(3, 0, 0) // Tuesday and Wednesday
	if c, err := o.Cover(o.ctx, r, everything); err != nil || len(c.Open) != 1 || c.Open[0].Visit != first.ID {
		t.Fatalf("with nothing to be moved: %+v, %v", c, err)
	}
	r.MaxMoved = 1
	cover := o.apply(r)
	if len(cover.Covered) != 1 || len(cover.Moved) != 1 || len(cover.Open) != 0 {
		t.Fatalf("covered %+v, moved %+v, open %+v", cover.Covered, cover.Moved, cover.Open)
	}
	now, moved := o.visit(first.ID), o.visits("case-1")[0]
	if now.Slot.StartsAt.Day() != 4 || now.Slot.Workers[0] != "w2" || moved.Slot.StartsAt.Before(now.Slot.EndsAt) {
		t.Errorf("the visit is at %+v, the other at %+v", now.Slot, moved.Slot)
	}
	if told := o.told(); told["visit.rescheduled"] != 2 || told["visit.unplaced"] != 0 {
		t.Errorf("told %v", told)
	}
	o.balanced("case-0")
	o.balanced("case-1")
}

func TestCover_ChangesUnderItAreSeen(t *testing.T) {
	o := tuesday(t, "w2")
	cover, err := o.Cover(o.ctx, ill(5), everything)
	if err != nil || len(cover.Covered) == 0 {
		t.Fatalf("%+v, %v", cover, err)
	}
	o.in(func(ctx context.Context, tx *kit.Tx) error {
		_, err := o.Cancel(ctx, tx, cover.Covered[0].Visit, schedule.FamilySide, "family_ill", false, yes)
		return err
	})
	rolledBack := o.DB.InTenant(o.ctx, func(ctx context.Context, tx *kit.Tx) error {
		_, stale, err := o.AddCoveredAbsence(ctx, tx, cover)
		if err != nil {
			return err
		}
		if len(stale) != 1 || stale[0].Visit != cover.Covered[0].Visit {
			t.Errorf("stale %v", stale)
		}
		return fault.New(fault.Conflict, "again", "Again.")
	})
	if !fault.Is(rolledBack, "again") {
		t.Fatal(rolledBack)
	}
	if again := o.apply(ill(5)); len(again.Covered) != len(cover.Covered)-1 {
		t.Errorf("worked out again it covers %d", len(again.Covered))
	}
}

// A cancelled worker's pair stays a pair, and a visit the asker may not know of is
// taken from the worker without being shown.
func TestCover_PairsStayPairsAndWhatIsHiddenStaysHidden(t *testing.T) {
	o := open(t)
	o.hire("w1", "w2")
	for i := range 2 {
		p := plan(fmt.Sprintf("case-%d", i), 1, 1, 2)
		p.Pattern.Weekdays = []clock.Weekday{"tue"}
		p.EndsOn = clock.NewDate(2026, 3, 8)
		o.approve(p)
	}
	o.settle()
	o.hire("w3")
	cover := schedule.Cover{}
	err := o.CoverAbsence(o.ctx, ill(0), func(context.Context, *kit.Tx) (string, []any, error) { return "v.case_id <> 'case-1'", nil, nil }, func(c schedule.Cover) ([]desk.Stale, error) {
		cover = c
		return nil, o.DB.InTenant(o.ctx, func(ctx context.Context, tx *kit.Tx) error {
			_, stale, err := o.AddCoveredAbsence(ctx, tx, c)
			if stale != nil {
				t.Errorf("stale %v", stale)
			}
			return err
		})
	})
	if err != nil || len(cover.Covered) != 1 || cover.Covered[0].Case != "case-0" || len(cover.Open) != 0 {
		t.Fatalf("%+v, %v", cover, err)
	}
	if w := o.visit(cover.Covered[0].Visit).Slot.Workers; len(w) != 2 || w[0] == "w1" || w[1] == "w1" {
		t.Errorf("with %v", w)
	}
	if v := o.visits("case-1")[0]; v.Status != schedule.Unplaced {
		t.Errorf("the hidden visit is %s", v.Status)
	}
	o.settle()
	if v := o.visits("case-1")[0]; v.Status != schedule.Scheduled || len(v.Slot.Workers) != 2 {
		t.Errorf("planned again it is %s with %v", v.Status, v.Slot)
	}
}

func TestCover_BadRequestsAreNamed(t *testing.T) {
	o := tuesday(t)
	r := ill(0)
	r.Span.To = r.Span.From
	if _, err := o.Cover(o.ctx, r, everything); !fault.Is(err, "absence_invalid") {
		t.Error(err)
	}
	r = ill(0)
	r.Worker = "nobody"
	if _, err := o.Cover(o.ctx, r, everything); !fault.Is(err, "worker_not_found") {
		t.Error(err)
	}
	r = ill(0)
	r.Span = schedule.Span{From: at(-3, 0, 0), To: at(-2, 0, 0)}
	if c, err := o.Cover(o.ctx, r, everything); err != nil || len(c.Covered)+len(c.Open) != 0 {
		t.Errorf("a past absence: %+v, %v", c, err)
	}
}
