package desk_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/desk"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

var anything = desk.AllowUrgent{
	Case: func(context.Context, *kit.Tx, schedule.CaseID) error { return nil },
	Move: func(context.Context, *kit.Tx, schedule.Visit) error { return nil },
}

func anyOffer(schedule.UrgentOffer) error { return nil }

// crisis asks for an hour with one worker, on Monday between from and to.
func crisis(caseID string, from, to time.Time) schedule.UrgentRequest {
	return schedule.UrgentRequest{
		Case: schedule.CaseID(caseID), Minutes: 60, Workers: 1, Place: schedule.Home, Skills: []string{"parenting"}, Language: "fi",
		Within: schedule.Span{From: from, To: to},
	}
}

// offer looks for places and keeps them.
func (o *office) offer(r schedule.UrgentRequest) (offer schedule.UrgentOffer, why []schedule.Reason, err error) {
	o.t.Helper()
	offer, left, err := o.Places(o.ctx, r, anything)
	if err != nil {
		return offer, nil, err
	}
	why = left.Reasons
	err = o.DB.InTenant(o.ctx, func(ctx context.Context, tx *kit.Tx) (err error) {
		offer, err = o.KeepOffer(ctx, tx, offer, "scheduler-1")
		return err
	})
	return offer, why, err
}

func (o *office) mustOffer(r schedule.UrgentRequest) schedule.UrgentOffer {
	o.t.Helper()
	offer, _, err := o.offer(r)
	if err != nil {
		o.t.Fatal(err)
	}
	return offer
}

func (o *office) take(id string, place int) (visit schedule.Visit, moved []schedule.Visit, err error) {
	err = o.DB.InTenant(o.ctx, func(ctx context.Context, tx *kit.Tx) (err error) {
		visit, moved, err = o.TakeOffer(ctx, tx, id, place, anyOffer)
		return err
	})
	return visit, moved, err
}

func TestUrgent_APlaceIsOfferedBookedAndCounted(t *testing.T) {
	o := open(t)
	o.hire("w1", "w2", "w3")
	o.approve(plan("case-1", 1, 5, 1))
	o.settle()
	offer := o.mustOffer(crisis("case-1", at(0, 6, 0), at(1, 6, 0)))
	if len(offer.Places) != 3 {
		t.Fatalf("%d places, want 3", len(offer.Places))
	}
	for i, p := range offer.Places {
		if p.Slot.Travel == 0 || len(p.Slot.Workers) != 1 || p.Slot.StartsAt.Before(at(0, 8, 0)) {
			t.Errorf("place %d: %+v", i+1, p)
		}
	}
	if !offer.Places[0].Known {
		t.Errorf("the best place is with nobody the family knows: %+v", offer.Places[0])
	}
	if got := offer.Request.Recipients; len(got) != 1 || got[0] != "person-1" {
		t.Errorf("recipients %v, want those of the plan", got)
	}
	before := o.balanced("case-1")
	visit, moved, err := o.take(offer.ID, 1)
	if err != nil || len(moved) != 0 {
		t.Fatalf("%d moved, %v", len(moved), err)
	}
	if visit.Status != schedule.Scheduled || !visit.Slot.StartsAt.Equal(offer.Places[0].Slot.StartsAt) {
		t.Errorf("booked %+v, offered %+v", visit.Slot, offer.Places[0].Slot)
	}
	after := o.balanced("case-1")
	if after.Planned != before.Planned+1 || after.Scheduled != before.Scheduled+1 {
		t.Errorf("ledger %+v, before %+v", after, before)
	}
	again, _, err := o.take(offer.ID, 1)
	if err != nil || again.ID != visit.ID {
		t.Errorf("taken again: %s, %v", again.ID, err)
	}
	if _, _, err := o.take(offer.ID, 2); !fault.Is(err, "offer_taken") {
		t.Errorf("another place of it: %v", err)
	}
	// The plan's next version leaves the urgent visit alone, the case's end does not.
	o.approve(plan("case-1", 2, 1, 1))
	if v := o.visit(visit.ID); v.Status != schedule.Scheduled {
		t.Errorf("after a new plan: %s", v.Status)
	}
	o.in(func(ctx context.Context, tx *kit.Tx) error { return o.CloseCase(ctx, tx, "case-1") })
	if v := o.visit(visit.ID); v.Status != schedule.Cancelled {
		t.Errorf("after the case's end: %s", v.Status)
	}
	o.balanced("case-1")
	if told := o.told(); told["visit.cancelled"] == 0 || told["visit.rescheduled"] != 0 {
		t.Errorf("told %v", told)
	}
}

// One worker, whose day has one free hour: the urgent visit takes the place of
// another, which moves into the hour.
func TestUrgent_AnotherVisitMakesRoomAndIsTold(t *testing.T) {
	o := open(t)
	o.hire("w1")
	p := plan("case-1", 1, 1, 1)
	p.Pattern.Minutes, p.Pattern.Earliest, p.Pattern.Latest, p.Pattern.Weekdays = 90, 9*60, 16*60, p.Pattern.Weekdays[:1]
	o.approve(p)
	o.settle()
	was := o.visits("case-1")[0]
	r := crisis("case-2", was.Slot.StartsAt, was.Slot.StartsAt.Add(80*time.Minute))
	o.in(func(ctx context.Context, tx *kit.Tx) error { return o.CaseOpened(ctx, tx, "case-2", "house-2", "") })
	offer := o.mustOffer(r)
	if len(offer.Places) != 1 || len(offer.Places[0].Moves) != 1 || offer.Places[0].Moves[0].Visit != was.ID {
		t.Fatalf("offered %+v", offer.Places)
	}
	told := o.told()
	visit, moved, err := o.take(offer.ID, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(moved) != 1 || moved[0].ID != was.ID || moved[0].Slot.Span().Overlaps(visit.Slot.Span()) {
		t.Errorf("moved %+v for %+v", moved, visit.Slot)
	}
	if last := moved[0].Moves; len(last) != 1 || last[0].Reason != "urgent_visit" || last[0].Side != schedule.AgencySide {
		t.Errorf("the move is kept as %+v", last)
	}
	after := o.told()
	if after["visit.scheduled"] != told["visit.scheduled"]+1 || after["visit.rescheduled"] != 1 {
		t.Errorf("told %v, before %v", after, told)
	}
	o.balanced("case-1")
	o.balanced("case-2")
}

// counting counts how often days are laid out anew.
type counting struct {
	schedule.Engine
	laid int
}

func (c *counting) Lay(s schedule.Standing) (schedule.Board, error) {
	c.laid++
	return c.Engine.Lay(s)
}

func TestUrgent_WhatIsCommittedAmendsTheBoardWhereItIsLaidOut(t *testing.T) {
	o := open(t)
	engine := &counting{Engine: o.Engine}
	o.Desk.Engine = engine
	o.hire("w1", "w2", "w3")
	for i := range 4 {
		p := plan(fmt.Sprintf("c%d", i), 1, 1, 1)
		p.Pattern.Weekdays = []clock.Weekday{"mon"}
		o.approve(p)
	}
	o.settle()
	seen := map[schedule.WorkerID][]schedule.Span{}
	for i := range 4 {
		if i == 2 { // a visit is cancelled, and one moved by hand, meanwhile
			gone, moved := o.visits("c0")[0], o.visits("c1")[0]
			o.in(func(ctx context.Context, tx *kit.Tx) error {
				if _, err := o.Cancel(ctx, tx, gone.ID, schedule.FamilySide, "family_ill", false, yes); err != nil {
					return err
				}
				_, err := o.Reschedule(ctx, tx, moved.ID, desk.MoveRequest{StartsAt: at(0, 14, 0), Workers: []schedule.WorkerID{"w3"}, Side: schedule.FamilySide, Reason: "family_asked"}, yes)
				return err
			})
		}
		offer := o.mustOffer(crisis(fmt.Sprintf("c%d", i), at(0, 8, 0), at(0, 16, 0)))
		if len(offer.Places) == 0 {
			t.Fatalf("no place for crisis %d", i)
		}
		visit, _, err := o.take(offer.ID, 1)
		if err != nil {
			t.Fatalf("take the first place of %+v: %v", offer.Places, err)
		}
		w := visit.Slot.Workers[0]
		for _, other := range seen[w] {
			if other.Overlaps(visit.Slot.Span()) {
				t.Errorf("%s is sent to two at %s", w, visit.Slot.StartsAt)
			}
		}
		seen[w] = append(seen[w], visit.Slot.Span())
	}
	if engine.laid != 1 {
		t.Errorf("laid out %d times, want once", engine.laid)
	}
}

func TestUrgent_WhatHasChangedSinceIsNotBooked(t *testing.T) {
	o := open(t)
	o.hire("w1")
	o.in(func(ctx context.Context, tx *kit.Tx) error { return o.CaseOpened(ctx, tx, "case-1", "house-1", "") })
	o.in(func(ctx context.Context, tx *kit.Tx) error { return o.CaseOpened(ctx, tx, "case-2", "house-2", "") })
	r := crisis("case-1", at(0, 8, 0), at(0, 10, 0))
	first := o.mustOffer(r)
	r.Case = "case-2"
	second := o.mustOffer(r)
	if _, _, err := o.take(first.ID, 1); err != nil {
		t.Fatal(err)
	}
	if _, _, err := o.take(second.ID, 1); !fault.Is(err, "offer_stale") {
		t.Errorf("the same hour twice: %v", err)
	}
	if n := o.balanced("case-2").Planned; n != 0 {
		t.Errorf("a visit that was not booked is counted: %d", n)
	}
	// The board has seen it: there is nothing to offer now, and why is said.
	offer, why, err := o.offer(r)
	if err != nil || len(offer.Places) != 0 || len(why) == 0 {
		t.Errorf("%d places, %v, %v", len(offer.Places), why, err)
	}
	o.clock.Advance(16 * time.Minute)
	third := o.mustOffer(crisis("case-2", at(0, 12, 0), at(0, 16, 0)))
	o.clock.Advance(15 * time.Minute)
	if _, _, err := o.take(third.ID, 1); !fault.Is(err, "offer_expired") {
		t.Errorf("after a quarter of an hour: %v", err)
	}
}

func TestUrgent_RefusesWhatCannotBe(t *testing.T) {
	o := open(t)
	o.hire("w1", "w2")
	o.in(func(ctx context.Context, tx *kit.Tx) error { return o.CaseOpened(ctx, tx, "case-1", "house-1", "") })
	for name, change := range map[string]func(*schedule.UrgentRequest){
		"too late":  func(r *schedule.UrgentRequest) { r.Within.To = at(1, 6, 1) },
		"over":      func(r *schedule.UrgentRequest) { r.Within.To = at(0, 5, 0) },
		"too short": func(r *schedule.UrgentRequest) { r.Within.To = at(0, 7, 14) },
	} {
		r := crisis("case-1", at(0, 6, 0), at(1, 6, 0))
		change(&r)
		if _, _, err := o.Places(o.ctx, r, anything); !fault.Is(err, "urgent_invalid") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := o.Places(o.ctx, crisis("case-9", at(0, 6, 0), at(1, 6, 0)), anything); fault.KindOf(err) != fault.NotFound {
		t.Errorf("an unknown case: %v", err)
	}
	// Skill by skill what is in the way.
	r := crisis("case-1", at(0, 6, 0), at(1, 6, 0))
	r.Skills = []string{"flying"}
	if _, why, err := o.offer(r); err != nil || fmt.Sprint(why) != "[skill_missing]" {
		t.Errorf("why %v, %v", why, err)
	}
	// A pair comes together.
	r.Skills, r.Workers = []string{"parenting"}, 2
	offer := o.mustOffer(r)
	if len(offer.Places) == 0 || len(offer.Places[0].Slot.Workers) != 2 {
		t.Errorf("a pair: %+v", offer.Places)
	}
	o.in(func(ctx context.Context, tx *kit.Tx) error { return o.CloseCase(ctx, tx, "case-1") })
	if _, _, err := o.Places(o.ctx, r, anything); !fault.Is(err, "case_closed") {
		t.Errorf("a closed case: %v", err)
	}
	if _, _, err := o.take(offer.ID, 1); !fault.Is(err, "case_closed") {
		t.Errorf("an offer for a case that has closed: %v", err)
	}
}
