package desk_test

import (
	"context"
	"testing"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/services/visit-scheduling/desk"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// asking is a plan of one worker with what a family asked for.
func asking(caseID string, times int, workers []schedule.WorkerID, asks schedule.Asks) desk.ApprovedPlan {
	p := plan(caseID, 1, times, 1)
	p.Workers, p.Pattern.Asks = workers, asks
	return p
}

// agree changes the terms of a worker.
func (o *office) agree(id schedule.WorkerID, terms schedule.Terms) {
	o.t.Helper()
	o.in(func(ctx context.Context, tx *kit.Tx) error {
		w, err := o.Store.Worker(ctx, tx, id, false)
		if err != nil {
			return err
		}
		w.Terms = terms
		_, _, err = o.PutWorker(ctx, tx, w, nil, anyVersion)
		return err
	})
}

// hold lets the workers of a visit come and go.
func (o *office) hold(v schedule.Visit) {
	o.t.Helper()
	if now := o.clock.Now(); now.Before(v.Slot.StartsAt) {
		o.clock.Advance(v.Slot.StartsAt.Sub(now))
	}
	for _, w := range v.Slot.Workers {
		o.in(func(ctx context.Context, tx *kit.Tx) error {
			_, err := o.CheckIn(ctx, tx, v.ID, w, yes)
			return err
		})
	}
	o.clock.Advance(v.Slot.Span().Length())
	for _, w := range v.Slot.Workers {
		o.in(func(ctx context.Context, tx *kit.Tx) error {
			_, err := o.CheckOut(ctx, tx, v.ID, w, nil, yes)
			return err
		})
	}
}

// held are the visits that have a place, and how many of them each worker makes;
// why counts the reasons of the others.
func (o *office) held(caseID string) (placed []schedule.Visit, by map[schedule.WorkerID]int, why map[schedule.Reason]int) {
	o.t.Helper()
	by, why = map[schedule.WorkerID]int{}, map[schedule.Reason]int{}
	for _, v := range o.visits(caseID) {
		if v.Slot == nil {
			why[v.Reasons[0]]++
			continue
		}
		placed = append(placed, v)
		for _, w := range v.Slot.Workers {
			by[w]++
		}
	}
	return placed, by, why
}

func TestFamily_SubstitutesAreCountedOverItsWholeYear(t *testing.T) {
	o := open(t)
	o.hire("w1", "w2")
	o.absent("w1", at(0, 0, 0), at(21, 0, 0))
	o.approve(asking("case-1", 1, []schedule.WorkerID{"w1"}, schedule.Asks{Substitutes: &schedule.Substitutes{Most: 2}}))
	o.settle()
	placed, by, why := o.held("case-1")
	if by["w2"] != 2 || len(placed) != 2 || why[schedule.FamilyRules] != 1 || why[schedule.BeyondHorizon] != 1 {
		t.Fatalf("%v visits by workers, %v without a place; want two by the substitute in three weeks", by, why)
	}
	// What took place counts too, and what another worker was asked to do.
	o.hold(placed[0])
	o.in(func(ctx context.Context, tx *kit.Tx) error { return o.Assigned(ctx, tx, "case-1", "w2", false) })
	o.settle()
	if _, by, why = o.held("case-1"); by["w2"] != 3 || why[schedule.FamilyRules] != 0 {
		t.Fatalf("%v, %v; w2 is the family's own now", by, why)
	}
	o.in(func(ctx context.Context, tx *kit.Tx) error { return o.Unassigned(ctx, tx, "case-1", "w2") })
	o.settle()
	// w2's first visit was a substitute's; those to come would be again, one of them may.
	if _, by, _ = o.held("case-1"); by["w2"] != 2 {
		t.Errorf("%v; want the one that took place and one more", by)
	}
	o.balanced("case-1")
}

func TestFamily_NoSubstituteTwiceRunningAcrossWeeks(t *testing.T) {
	o := open(t)
	o.hire("w1", "w2")
	o.absent("w1", at(0, 0, 0), at(21, 0, 0))
	o.approve(asking("case-1", 1, []schedule.WorkerID{"w1"}, schedule.Asks{Substitutes: &schedule.Substitutes{Most: 4, NeverRunning: true}}))
	o.settle()
	if _, by, why := o.held("case-1"); by["w2"] != 1 || why[schedule.FamilyRules] != 2 {
		t.Errorf("%v, %v; the second week may not follow the first with a substitute", by, why)
	}
}

func TestFamily_SomebodyNewComesOnlyWithOneItHasMet(t *testing.T) {
	o := open(t)
	o.hire("w1", "w2")
	o.approve(asking("case-1", 1, []schedule.WorkerID{"w1"}, schedule.Asks{KnownFirst: true}))
	o.settle()
	placed, _, _ := o.held("case-1")
	o.hold(placed[0])
	o.absent("w1", o.clock.Now(), at(100, 0, 0))
	o.settle()
	_, by, why := o.held("case-1")
	if by["w2"] != 0 || why[schedule.FamilyRules] == 0 {
		t.Errorf("%v, %v; w2 has never met the family", by, why)
	}
	// The worker who left is known from the visit that took place, the new one is not.
	o.in(func(ctx context.Context, tx *kit.Tx) error { return o.Unassigned(ctx, tx, "case-1", "w1") })
	o.settle()
	if _, by, _ = o.held("case-1"); by["w2"] != 0 {
		t.Errorf("%v; nobody introduced w2", by)
	}
}

func TestFamily_MeetsNoMorePeopleThanItIsTo(t *testing.T) {
	o := open(t)
	o.hire("w1", "w2", "w3")
	o.absent("w1", at(7, 0, 0), at(14, 0, 0))
	o.absent("w2", at(14, 0, 0), at(21, 0, 0))
	o.absent("w1", at(14, 0, 0), at(21, 0, 0))
	o.absent("w3", at(0, 0, 0), at(14, 0, 0))
	o.approve(asking("case-1", 1, []schedule.WorkerID{"w1"}, schedule.Asks{People: &schedule.People{Most: 2, Days: 90}}))
	o.settle()
	if _, by, why := o.held("case-1"); by["w1"] != 1 || by["w2"] != 1 || by["w3"] != 0 || why[schedule.FamilyRules] != 1 {
		t.Errorf("%v, %v; w3 would be the third person", by, why)
	}
}

func TestWorker_LimitsOfAWeekCountWhatIsBookedInAllOfIt(t *testing.T) {
	o := open(t)
	o.hire("w1")
	o.agree("w1", schedule.Terms{Limits: &schedule.Limits{WeekVisits: 3, Families: 2}})
	for _, c := range []string{"case-1", "case-2", "case-3"} {
		o.approve(asking(c, 2, nil, schedule.Asks{}))
	}
	o.settle()
	total, families := 0, 0
	for _, c := range []string{"case-1", "case-2", "case-3"} {
		_, by, _ := o.held(c)
		total += by["w1"]
		if by["w1"] > 0 {
			families++
		}
	}
	if total != 9 || families > 3 {
		t.Errorf("%d visits of %d families; want three in each of three weeks", total, families)
	}
	// By hand no more than agreed either: the week is full on its other days.
	for _, v := range o.visits("case-3") {
		if v.Slot != nil || v.Week.Monday != day(0) {
			continue
		}
		o.in(func(ctx context.Context, tx *kit.Tx) error {
			_, err := o.Reschedule(ctx, tx, v.ID, desk.MoveRequest{
				StartsAt: at(4, 15, 0), Workers: []schedule.WorkerID{"w1"}, Side: schedule.FamilySide, Reason: "asked",
			}, yes)
			if err == nil {
				t.Error("a visit more than agreed was accepted")
			}
			return nil
		})
		break
	}
}

func TestSafety_LoneVisitsLieInDaylightAndTheRiskyIsNotTheLast(t *testing.T) {
	o := open(t)
	o.Weighing = func(tenant.AgencyID) schedule.Weighing {
		return schedule.Weighing{LoneByDaylight: true, Place: &schedule.Point{Lat: 60.98, Lon: 25.66}}
	}
	o.hire("w1")
	late := asking("case-1", 1, nil, schedule.Asks{})
	late.Pattern.Earliest, late.Pattern.Latest = 14*60, 17*60 // on 2 March the sun sets at 15:47 UTC in Lahti
	o.approve(late)
	risky := asking("case-2", 1, nil, schedule.Asks{NotLast: true})
	o.approve(risky)
	o.settle()
	placed, _, _ := o.held("case-1")
	if len(placed) == 0 {
		t.Fatal("no visit by daylight")
	}
	for _, v := range placed {
		if v.Slot.EndsAt.Hour() >= 16 && v.Slot.EndsAt.Before(at(7, 0, 0)) {
			t.Errorf("a visit ends at %s, after sunset", v.Slot.EndsAt)
		}
	}
	risks, _, _ := o.held("case-2")
	if len(risks) == 0 {
		t.Fatal("the risky visit has no place")
	}
	for _, r := range risks {
		followed := false
		for _, v := range placed {
			followed = followed || clock.DateOf(v.Slot.StartsAt, time.UTC) == clock.DateOf(r.Slot.StartsAt, time.UTC) && v.Slot.StartsAt.After(r.Slot.StartsAt)
		}
		if !followed {
			t.Errorf("the risky visit at %s is the worker's last", r.Slot.StartsAt)
		}
	}
}

func TestWorker_WhoIsNoLongerAsTheFamilyAskedLosesItsVisits(t *testing.T) {
	o := open(t)
	o.hire("w1", "w2")
	for _, w := range []schedule.WorkerID{"w1", "w2"} {
		o.agree(w, schedule.Terms{Attributes: []string{"woman"}, Levels: []schedule.SkillLevel{{Skill: "parenting", Level: 3}}})
	}
	o.approve(asking("case-1", 1, []schedule.WorkerID{"w1"}, schedule.Asks{
		Wishes: []schedule.Wish{{Attribute: "woman", Must: true}}, Levels: []schedule.SkillLevel{{Skill: "parenting", Level: 3}},
	}))
	o.settle()
	if _, by, _ := o.held("case-1"); by["w1"] != 3 {
		t.Fatalf("%v; want w1 three times", by)
	}
	o.agree("w1", schedule.Terms{Levels: []schedule.SkillLevel{{Skill: "parenting", Level: 2}}})
	o.settle()
	if _, by, _ := o.held("case-1"); by["w2"] != 3 || by["w1"] != 0 {
		t.Errorf("%v; w1 has not the level any more", by)
	}
}

// A plan that asks for what cannot be kept is its sender's defect.
func TestFamily_APlanWithSenselessAsksIsRefused(t *testing.T) {
	for name, asks := range map[string]schedule.Asks{
		"a level of nothing": {Levels: []schedule.SkillLevel{{Skill: "music", Level: 2}}},
		"a level too high":   {Levels: []schedule.SkillLevel{{Skill: "parenting", Level: 6}}},
		"a nameless wish":    {Wishes: []schedule.Wish{{}}},
		"no people":          {People: &schedule.People{Days: 30}},
		"fewer than none":    {Substitutes: &schedule.Substitutes{Most: -1}},
	} {
		p := asking("case-1", 1, nil, asks)
		s := schedule.Series{StartsOn: p.StartsOn, EndsOn: p.EndsOn, Pattern: p.Pattern}
		if err := s.Validate(); !fault.Is(err, "plan_not_schedulable") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
