package desk_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

func TestPlanning_GoesOnWithoutIntakeAndAsksAgain(t *testing.T) {
	o := open(t)
	o.points.away = true
	o.hire("w1")
	o.approve(plan("c1", 1, 1, 1))
	o.settle()
	if v := o.visits("c1")[0]; v.Slot == nil || v.Slot.Travel != 20 {
		t.Errorf("without a point: %+v; want the allowance of 20 minutes", v.Slot)
	}
	o.points.away = false
	o.approve(plan("c2", 1, 1, 1))
	o.settle()
	for _, v := range o.visits("c2") {
		if v.Slot != nil && v.Slot.Travel == 20 {
			t.Errorf("planned with the allowance though intake answered: %+v", v.Slot)
		}
	}
}

// broken books everybody at the same time.
type broken struct{ schedule.Greedy }

func (b broken) Plan(ctx context.Context, p schedule.Problem) (schedule.Plan, error) {
	plan, err := b.Greedy.Plan(ctx, p)
	for i := range plan.Placed {
		plan.Placed[i].Slot.StartsAt = plan.Placed[0].Slot.StartsAt
		plan.Placed[i].Slot.EndsAt = plan.Placed[0].Slot.EndsAt
	}
	return plan, err
}

func TestPlanning_WritesNothingOfABrokenPlanAndTriesAgain(t *testing.T) {
	o := open(t)
	o.hire("w1")
	o.Planner = broken{}
	o.approve(plan("c1", 1, 3, 1))
	if _, err := o.PlanNext(o.ctx, "planner"); !fault.Is(err, "plan_broken") {
		t.Fatalf("got %v, want plan_broken", err)
	}
	if got := o.balanced("c1"); got.Scheduled != 0 {
		t.Errorf("wrote %d placements", got.Scheduled)
	}
	o.Planner = schedule.Greedy{}
	o.settle()
	o.clock.Advance(10 * time.Minute) // the week that failed was put off
	o.settle()
	if got := o.balanced("c1"); got.Scheduled != 9 {
		t.Errorf("after the planner was mended: %+v", got)
	}
}

func TestPlanning_FallsBackWhenThePlannerBreaksARule(t *testing.T) {
	o := open(t)
	o.hire("w1")
	o.Planner, o.Fallback = broken{}, schedule.Greedy{}
	o.approve(plan("c1", 1, 3, 1))
	o.settle()
	if got := o.balanced("c1"); got.Scheduled != 9 {
		t.Errorf("%+v; want all placed by the fallback", got)
	}
}

// meddler changes the world while the planner thinks.
type meddler struct {
	schedule.Greedy
	during func()
}

func (m meddler) Plan(ctx context.Context, p schedule.Problem) (schedule.Plan, error) {
	plan, err := m.Greedy.Plan(ctx, p)
	m.during()
	return plan, err
}

func TestPlanning_IsWrittenOnlyAsFarAsItStillFits(t *testing.T) {
	o := open(t)
	o.hire("w1", "w2")
	p := plan("c1", 1, 1, 1)
	p.Workers = []schedule.WorkerID{"w1"}
	o.approve(p)
	var once sync.Once
	o.Planner = meddler{during: func() {
		once.Do(func() {
			err := o.DB.InTenant(o.ctx, func(ctx context.Context, tx *kit.Tx) error {
				_, _, err := o.AddAbsence(ctx, tx, "w1", schedule.Absence{Span: schedule.Span{From: at(0, 0, 0), To: at(30, 0, 0)}, Reason: "sick"})
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}}
	o.settle()
	for _, v := range o.visits("c1") {
		if v.Slot != nil && v.Slot.Workers[0] != "w2" {
			t.Errorf("booked %s, who fell ill while it was planned", v.Slot.Workers[0])
		}
	}
	if got := o.balanced("c1"); got.Scheduled != 3 {
		t.Errorf("%+v; want what did not fit planned again", got)
	}
}

// slow thinks until it is cancelled or told to go on.
type slow struct {
	schedule.Greedy
	thinking chan struct{}
	goOn     chan struct{}
}

func (s slow) Plan(ctx context.Context, p schedule.Problem) (schedule.Plan, error) {
	s.thinking <- struct{}{}
	select {
	case <-ctx.Done():
		return schedule.Plan{}, ctx.Err()
	case <-s.goOn:
		return s.Greedy.Plan(ctx, p)
	}
}

func TestPlanning_ASlowPlannerThatLostItsWeekStops(t *testing.T) {
	o := open(t)
	o.Settings.Lease = 30 * time.Millisecond // renewed every 10 ms of the wall's clock
	o.hire("w1")
	p := plan("c1", 1, 1, 1)
	p.EndsOn = p.StartsOn.AddDays(6)
	o.approve(p)
	s := slow{thinking: make(chan struct{}), goOn: make(chan struct{})}
	o.Planner = s
	first := make(chan error, 1)
	go func() {
		_, err := o.PlanNext(o.ctx, "first")
		first <- err
	}()
	<-s.thinking
	// Another planner finds the claim run out, as it does when the first one hangs.
	o.in(func(ctx context.Context, tx *kit.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE planning_work SET claimed_by = 'second'`)
		return err
	})
	if err := <-first; err != nil {
		t.Errorf("the first: %v", err)
	}
	if got := o.balanced("c1"); got.Scheduled != 0 {
		t.Errorf("the first wrote %d placements", got.Scheduled)
	}
	o.in(func(ctx context.Context, tx *kit.Tx) error {
		var holder string
		err := tx.GetContext(ctx, &holder, `SELECT claimed_by FROM planning_work`)
		if holder != "second" {
			t.Errorf("the week is held by %q", holder)
		}
		return err
	})
}

func TestPlanning_AClaimIsRenewedWhileThePlannerThinks(t *testing.T) {
	o := open(t)
	o.Settings.Lease = 30 * time.Millisecond
	o.hire("w1")
	p := plan("c1", 1, 1, 1)
	p.EndsOn = p.StartsOn.AddDays(6)
	o.approve(p)
	s := slow{thinking: make(chan struct{}), goOn: make(chan struct{})}
	o.Planner = s
	done := make(chan error, 1)
	go func() {
		_, err := o.PlanNext(o.ctx, "first")
		done <- err
	}()
	<-s.thinking
	o.clock.Advance(time.Hour)
	want := o.clock.Now()
	for held := false; !held; { // until the renewal has seen the new time
		o.in(func(ctx context.Context, tx *kit.Tx) error {
			return tx.GetContext(ctx, &held, `SELECT claimed_until > $1 FROM planning_work`, want)
		})
	}
	close(s.goOn)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := o.balanced("c1"); got.Scheduled != 1 {
		t.Errorf("%+v", got)
	}
}
