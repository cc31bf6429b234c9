package desk_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/timers"
	"github.com/hearthfps/hearth/services/visit-scheduling/desk"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

func timer() timers.Timer { return timers.Timer{} }

// due is when the visit's alarm is set for; zero when it is not.
func (o *office) due(id schedule.VisitID) (at time.Time) {
	o.t.Helper()
	o.in(func(ctx context.Context, tx *kit.Tx) error {
		var all []time.Time
		err := tx.SelectContext(ctx, &all, `SELECT due_at FROM timer WHERE kind = $1 AND timer_id = $2`, desk.CheckoutTimer, id)
		if len(all) > 0 {
			at = all[0].UTC()
		}
		return err
	})
	return at
}

func TestDesk_AMissedCheckoutAlarmsAndALateOneCompletes(t *testing.T) {
	o := open(t)
	o.hire("w1")
	o.approve(plan("c1", 1, 1, 1))
	o.settle()
	v := o.visits("c1")[0]
	o.clock.Set(v.Slot.StartsAt.Add(10 * time.Minute))
	check := func(do func(context.Context, *kit.Tx, schedule.VisitID, schedule.WorkerID, desk.Allow) (schedule.Visit, error)) {
		t.Helper()
		o.in(func(ctx context.Context, tx *kit.Tx) (err error) {
			v, err = do(ctx, tx, v.ID, "w1", yes)
			return err
		})
	}
	check(o.CheckIn)
	check(o.CheckIn) // again: nothing more
	want := v.Slot.EndsAt.Add(10 * time.Minute).Add(30 * time.Minute)
	if got := o.due(v.ID); !got.Equal(want) {
		t.Errorf("alarm set for %v, want %v", got, want)
	}
	o.clock.Set(want)
	alarm := func() {
		o.in(func(ctx context.Context, tx *kit.Tx) error {
			return o.CheckoutMissed(ctx, tx, timers.Timer{Kind: desk.CheckoutTimer, ID: string(v.ID)})
		})
	}
	alarm()
	alarm()
	o.clock.Advance(3 * time.Hour)
	check(o.leave)
	check(o.leave)
	if v.Status != schedule.Completed || v.CheckoutMissedAt.IsZero() {
		t.Errorf("late check-out: %s, alarm at %v", v.Status, v.CheckoutMissedAt)
	}
	if got := o.due(v.ID); !got.IsZero() {
		t.Errorf("the alarm is still set for %v", got)
	}
	told := o.told()
	delete(told, "series.created")
	delete(told, "visit.scheduled")
	if diff := cmp.Diff(map[string]int{"visit.checked_in": 1, "visit.checkout_missed": 1, "visit.completed": 1}, told); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(1, o.balanced("c1").Completed); diff != "" {
		t.Error(diff)
	}
}

func TestDesk_AnAttemptIsNoCompletedVisitAndMayBeReplaced(t *testing.T) {
	o := open(t)
	o.hire("w1")
	o.approve(plan("c1", 1, 1, 1))
	o.settle()
	v := o.visits("c1")[0]
	o.clock.Set(v.Slot.StartsAt)
	o.in(func(ctx context.Context, tx *kit.Tx) error {
		_, err := o.Attempt(ctx, tx, v.ID, "w1", "no_one_home", true, yes)
		return err
	})
	o.settle()
	got := o.balanced("c1")
	if got.Attempted != 1 || got.Completed != 0 || got.Planned != 5 {
		t.Errorf("%+v", got)
	}
	if told := o.told(); told["visit.attempted"] != 1 {
		t.Errorf("told %v", told)
	}
}

// leave is a check-out that says nothing of the child.
func (o *office) leave(ctx context.Context, tx *kit.Tx, id schedule.VisitID, worker schedule.WorkerID, allow desk.Allow) (schedule.Visit, error) {
	return o.CheckOut(ctx, tx, id, worker, nil, allow)
}
