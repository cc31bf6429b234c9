package desk_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/desk"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// asked tells of each question why visits have no place, before it is answered.
type asked struct {
	schedule.Engine
	before func(visits []schedule.VisitID)
	// most is how many visits it comes to; zero is all.
	most int
}

func (a asked) Why(ctx context.Context, s schedule.Standing, budget time.Duration, visits ...schedule.VisitID) (map[schedule.VisitID][]schedule.Remedy, error) {
	a.before(visits)
	if a.most > 0 {
		visits = visits[:min(a.most, len(visits))]
	}
	return a.Engine.Why(ctx, s, budget, visits...)
}

// oneWeek is a plan of one week whose family speaks a language.
func oneWeek(caseID string, times int, language string) desk.ApprovedPlan {
	p := plan(caseID, 1, times, 1)
	p.EndsOn, p.Pattern.Language = p.StartsOn.AddDays(6), language
	return p
}

func TestReasons_PlacesAreWrittenBeforeTheyAreLookedFor(t *testing.T) {
	o := open(t)
	o.hire("w1")
	o.approve(oneWeek("c1", 2, "fi"))
	o.approve(oneWeek("c2", 1, "sv"))
	looked := 0
	o.Engine = asked{Engine: o.Engine, before: func([]schedule.VisitID) {
		looked++
		if got := o.balanced("c1"); got.Scheduled != 2 {
			t.Errorf("while reasons are looked for: %+v; want both visits booked", got)
		}
		if told := o.told(); told["visit.scheduled"] != 2 {
			t.Errorf("while reasons are looked for, told %v", told)
		}
	}}
	o.settle()
	v := o.visits("c2")[0]
	if diff := cmp.Diff([]schedule.Reason{schedule.LanguageMissing}, v.Reasons); diff != "" || looked != 1 {
		t.Errorf("looked %d times; reasons (-want +got):\n%s", looked, diff)
	}
	if len(v.Remedies) == 0 || !v.LookedAt.Equal(o.clock.Now()) {
		t.Errorf("%d remedies, looked at %s", len(v.Remedies), v.LookedAt)
	}
}

func TestReasons_AVisitThatChangedMeanwhileKeepsWhatItHas(t *testing.T) {
	o := open(t)
	o.hire("w1")
	o.approve(oneWeek("c1", 2, "sv"))
	changed := o.visits("c1")[0].ID
	o.Engine = asked{Engine: o.Engine, before: func([]schedule.VisitID) {
		o.in(func(ctx context.Context, tx *kit.Tx) error {
			v, err := o.Store.Visit(ctx, tx, changed, true)
			if err != nil {
				return err
			}
			v.Reasons = []schedule.Reason{schedule.TakenFromWorker}
			v.Version++
			return o.Store.SaveVisits(ctx, tx, v)
		})
	}}
	if _, err := o.PlanNext(o.ctx, "planner"); err != nil {
		t.Fatal(err)
	}
	got := o.visits("c1")
	if diff := cmp.Diff([]schedule.Reason{schedule.TakenFromWorker}, got[0].Reasons); diff != "" || len(got[0].Remedies) > 0 {
		t.Errorf("the one that changed: %d remedies, reasons (-want +got):\n%s", len(got[0].Remedies), diff)
	}
	if diff := cmp.Diff([]schedule.Reason{schedule.LanguageMissing}, got[1].Reasons); diff != "" {
		t.Errorf("the other (-want +got):\n%s", diff)
	}
	if told := o.told(); told["visit.unplaced"] != 1 {
		t.Errorf("told %v; want the other alone", told)
	}
}

func TestReasons_APlannerThatDiesBetweenIsFollowed(t *testing.T) {
	o := open(t)
	o.hire("w1")
	o.approve(oneWeek("c1", 2, "fi"))
	o.approve(oneWeek("c2", 1, "sv"))
	engine := o.Engine
	dying, die := context.WithCancel(o.ctx)
	o.Engine = asked{Engine: engine, before: func([]schedule.VisitID) { die() }}
	if _, err := o.PlanNext(dying, "first"); err == nil {
		t.Fatal("the planner that died said nothing")
	}
	if got := o.balanced("c1"); got.Scheduled != 2 {
		t.Errorf("%+v; want what was placed to stand", got)
	}
	if told := o.told(); told["visit.unplaced"] != 0 {
		t.Errorf("told %v though nobody has looked", told)
	}
	o.Engine = engine
	o.clock.Advance(10 * time.Minute) // its claim is over
	o.settle()
	if diff := cmp.Diff([]schedule.Reason{schedule.LanguageMissing}, o.visits("c2")[0].Reasons); diff != "" {
		t.Errorf("found by the next (-want +got):\n%s", diff)
	}
	if told := o.told(); told["visit.unplaced"] != 1 || told["visit.scheduled"] != 2 {
		t.Errorf("told %v", told)
	}
}

func TestReasons_EachVisitHasItsTurnAndNothingIsToldTwice(t *testing.T) {
	o := open(t)
	o.hire("w1")
	o.approve(oneWeek("c1", 3, "sv"))
	var first []schedule.VisitID
	o.Engine = asked{Engine: o.Engine, most: 1, before: func(visits []schedule.VisitID) { first = append(first, visits[0]) }}
	told := []int{3, 1, 1, 0, 0} // that there is no place, then why; what was said is not said again
	before := 0
	for round, want := range told {
		if round > 0 {
			o.clock.Advance(time.Minute)
			o.in(func(ctx context.Context, tx *kit.Tx) error { return o.Daily(ctx, tx, timer()) })
		}
		o.settle()
		all := o.told()["visit.unplaced"]
		if all-before != want {
			t.Errorf("planning %d told %d times of visits without a place, want %d", round, all-before, want)
		}
		before = all
		for _, v := range o.visits("c1") {
			want := []schedule.Reason{schedule.NoPlace}
			if slices.Contains(first, v.ID) {
				want = []schedule.Reason{schedule.LanguageMissing}
			}
			if diff := cmp.Diff(want, v.Reasons); diff != "" {
				t.Errorf("planning %d, %s (-want +got):\n%s", round, v.ID, diff)
			}
			if len(v.Remedies) == 0 && slices.Contains(first, v.ID) {
				t.Errorf("planning %d: %s lost its remedies", round, v.ID)
			}
		}
	}
	if len(first) != 5 || len(slices.Compact(slices.Sorted(slices.Values(first[:3])))) != 3 || !slices.Equal(first[:2], first[3:]) {
		t.Errorf("looked at first: %v; want each in turn", first)
	}
}

func TestReasons_NoWeekWaitsForThoseOfAnother(t *testing.T) {
	o := open(t)
	o.hire("w1")
	o.approve(plan("c1", 1, 1, 1))
	p := plan("c2", 1, 1, 1)
	p.Pattern.Language = "sv"
	o.approve(p)
	looked := 0
	o.Engine = asked{Engine: o.Engine, before: func([]schedule.VisitID) {
		looked++
		if got := o.balanced("c1"); got.Scheduled != 3 {
			t.Errorf("while reasons of one week are looked for: %+v; want all three weeks booked", got)
		}
	}}
	o.settle()
	why := map[schedule.Reason]int{}
	for _, v := range o.visits("c2") {
		why[v.Reasons[0]]++
	}
	if diff := cmp.Diff(map[schedule.Reason]int{schedule.LanguageMissing: 3, schedule.BeyondHorizon: 1}, why); diff != "" || looked != 3 {
		t.Errorf("looked %d times; reasons (-want +got):\n%s", looked, diff)
	}
	if told := o.told(); told["visit.unplaced"] != 3 || told["visit.scheduled"] != 3 {
		t.Errorf("told %v", told)
	}
}

// A week that waits for its reasons is planned as any other when something changes.
func TestReasons_AWeekWishedForMeanwhileIsPlannedFirst(t *testing.T) {
	o := open(t)
	o.hire("w1")
	p := plan("c1", 1, 1, 1)
	p.Pattern.Language = "sv"
	o.approve(p)
	looked := 0
	o.Engine = asked{Engine: o.Engine, before: func([]schedule.VisitID) { looked++ }}
	if _, err := o.PlanNext(o.ctx, "planner"); err != nil || looked != 0 {
		t.Fatalf("looked %d times while two weeks wait (%v)", looked, err)
	}
	o.approve(oneWeek("c2", 1, "fi"))
	if _, err := o.PlanNext(o.ctx, "planner"); err != nil {
		t.Fatal(err)
	}
	if got := o.balanced("c2"); got.Scheduled != 1 || looked != 0 {
		t.Errorf("%+v, looked %d times; want it booked before anything else", got, looked)
	}
}

// failing finds nothing out.
type failing struct{ schedule.Engine }

func (failing) Why(context.Context, schedule.Standing, time.Duration, ...schedule.VisitID) (map[schedule.VisitID][]schedule.Remedy, error) {
	return nil, errors.New("the engine is out of order")
}

func TestReasons_ThatCannotBeFoundOutHoldNothingUp(t *testing.T) {
	o := open(t)
	o.hire("w1")
	o.approve(oneWeek("c1", 2, "fi"))
	o.approve(oneWeek("c2", 1, "sv"))
	engine := o.Engine
	o.Engine = failing{engine}
	o.settle()
	v := o.visits("c2")[0]
	if diff := cmp.Diff([]schedule.Reason{schedule.NoPlace}, v.Reasons); diff != "" || !v.LookedAt.IsZero() {
		t.Errorf("looked at %s; reasons (-want +got):\n%s", v.LookedAt, diff)
	}
	if told := o.told(); told["visit.unplaced"] != 1 || told["visit.scheduled"] != 2 {
		t.Errorf("told %v", told)
	}
	o.Engine = engine
	o.in(func(ctx context.Context, tx *kit.Tx) error { return o.Daily(ctx, tx, timer()) })
	o.settle()
	if diff := cmp.Diff([]schedule.Reason{schedule.LanguageMissing}, o.visits("c2")[0].Reasons); diff != "" {
		t.Errorf("found at the next planning (-want +got):\n%s", diff)
	}
}
