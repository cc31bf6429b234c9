package desk

import (
	"context"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/timers"
	"github.com/hearthfps/hearth/services/visit-scheduling/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// Allow decides whether the asker may do what is asked with a visit.
type Allow func(v schedule.Visit) error

// MoveRequest is a change of a visit's place by hand.
type MoveRequest struct {
	StartsAt time.Time
	Workers  []schedule.WorkerID // nil: those it has
	Side     schedule.Side
	Reason   string
}

// Reschedule gives an open visit another place, or a first one. Unprocessable
// (not_feasible) lists every rule the place would break; Conflict
// (double_booked) when somebody else booked a worker at the same moment.
func (d *Desk) Reschedule(ctx context.Context, tx *kit.Tx, id schedule.VisitID, move MoveRequest, allow Allow) (schedule.Visit, error) {
	v, err := d.Store.Visit(ctx, tx, id, false)
	if err != nil {
		return v, err
	}
	if err := allow(v); err != nil {
		return v, err
	}
	if move.Workers == nil && v.Slot != nil {
		move.Workers = v.Slot.Workers
	}
	// Workers are locked before the visit, as the planner does.
	workers, err := d.Store.LockWorkers(ctx, tx, move.Workers, tx.Now())
	if err != nil {
		return v, err
	}
	if v, err = d.Store.Visit(ctx, tx, id, true); err != nil {
		return v, err
	}
	if err := allow(v); err != nil { // its version may have changed meanwhile
		return v, err
	}
	slot, err := d.feasible(ctx, tx, v, workers, move)
	if err != nil {
		return v, err
	}
	event, err := v.MoveTo(slot, move.Side, move.Reason, tx.Now())
	if err != nil {
		return v, err
	}
	return v, d.finish(ctx, tx, &v, event)
}

// feasible makes the slot of a move, or says everything that is against it.
func (d *Desk) feasible(ctx context.Context, tx *kit.Tx, v schedule.Visit, workers []schedule.Worker, move MoveRequest) (schedule.Slot, error) {
	slot := schedule.Slot{StartsAt: move.StartsAt, EndsAt: move.StartsAt.Add(time.Duration(v.Minutes) * time.Minute), Workers: move.Workers}
	refuse := func(fields ...fault.Field) error {
		return fault.New(fault.Unprocessable, "not_feasible", "The visit cannot take place so. Choose another time or other workers.", fields...)
	}
	if !slot.StartsAt.After(tx.Now()) {
		return slot, refuse(fault.Field{Pointer: "/starts_at", Code: "in_the_past", Detail: "A visit is moved to a time that has not come yet."})
	}
	if slot.StartsAt.Truncate(time.Minute) != slot.StartsAt {
		return slot, refuse(fault.Field{Pointer: "/starts_at", Code: "whole_minutes", Detail: "A visit starts on a whole minute."})
	}
	cal, err := d.Calendar(tx.Agency())
	if err != nil {
		return slot, err
	}
	day := cal.Today(slot.StartsAt)
	week := schedule.WeekOf(day)
	want := weekOf(week, cal, tx.Now())
	want.visits, want.roster, want.busy = []schedule.Visit{v}, workers, move.Workers
	all, err := d.situate(ctx, tx, cal, want)
	if err != nil {
		return slot, err
	}
	problem := all.problem
	// By hand, the whole day is open, and the family decides how many visits it wants that day.
	demand := &problem.Demands[0]
	demand.Windows, demand.PerDay = []schedule.Span{{From: day.Start(cal.Zone()), To: day.AddDays(1).Start(cal.Zone())}}, 0
	var fields []fault.Field
	if all.series[v.Series].Excepted(slot.Span(), cal) {
		fields = append(fields, fault.Field{Pointer: "/starts_at", Code: string(schedule.FamilyNotFree), Detail: "The family is away then, or the child at school."})
	}
	for _, found := range problem.Check(schedule.Plan{Placed: []schedule.Placement{{Visit: v.ID, Slot: slot}}}) {
		pointer := "/workers"
		if found.Rule == schedule.RuleWindow {
			pointer = "/starts_at"
		}
		fields = append(fields, fault.Field{Pointer: pointer, Code: string(found.Rule), Detail: found.Rule.Sentence()})
	}
	if fields != nil {
		return slot, refuse(fields...)
	}
	return slot, nil
}

// Cancel cancels an open visit, and plans another in its stead when asked to.
func (d *Desk) Cancel(ctx context.Context, tx *kit.Tx, id schedule.VisitID, side schedule.Side, reason string, replace bool, allow Allow) (schedule.Visit, error) {
	v, series, err := d.lock(ctx, tx, id, replace)
	if err != nil {
		return v, err
	}
	if err := allow(v); err != nil {
		return v, err
	}
	event, err := v.Cancel(side, reason, tx.Now())
	if err != nil {
		return v, err
	}
	if replace {
		if err := d.replace(ctx, tx, &series, &v); err != nil {
			return v, err
		}
	}
	return v, d.finish(ctx, tx, &v, event)
}

// lock locks a visit, its series before it when that is to change too.
func (d *Desk) lock(ctx context.Context, tx *kit.Tx, id schedule.VisitID, withSeries bool) (v schedule.Visit, s schedule.Series, err error) {
	if withSeries {
		if v, err = d.Store.Visit(ctx, tx, id, false); err != nil {
			return v, s, err
		}
		if s, err = d.Store.Series(ctx, tx, v.Series, true); err != nil {
			return v, s, err
		}
	}
	v, err = d.Store.Visit(ctx, tx, id, true)
	return v, s, err
}

func (d *Desk) replace(ctx context.Context, tx *kit.Tx, s *schedule.Series, v *schedule.Visit) error {
	cal, err := d.Calendar(tx.Agency())
	if err != nil {
		return err
	}
	fresh, err := s.Replace(v, tx.Now().Add(d.Settings.Notice), cal)
	if err != nil {
		return err
	}
	if err := d.Store.SaveSeries(ctx, tx, *s); err != nil {
		return err
	}
	return d.Store.InsertVisits(ctx, tx, []schedule.Visit{fresh})
}

// finish stores a changed visit, tells of it, and has what is unplaced tried
// again in case a slot became free.
func (d *Desk) finish(ctx context.Context, tx *kit.Tx, v *schedule.Visit, event *schedule.Event) error {
	if err := d.save(ctx, tx, v, event); err != nil {
		return err
	}
	return d.wishForAll(ctx, tx)
}

func (d *Desk) save(ctx context.Context, tx *kit.Tx, v *schedule.Visit, event *schedule.Event) error {
	if err := d.Store.SaveVisits(ctx, tx, *v); err != nil {
		return err
	}
	series, err := d.Store.Series(ctx, tx, v.Series, false)
	if err != nil {
		return err
	}
	return publish(ctx, tx, told{event, v.Case, series.Trace})
}

// CheckIn records that a worker has come, and sets the alarm for their leaving.
func (d *Desk) CheckIn(ctx context.Context, tx *kit.Tx, id schedule.VisitID, worker schedule.WorkerID, allow Allow) (schedule.Visit, error) {
	v, _, err := d.lock(ctx, tx, id, false)
	if err != nil {
		return v, err
	}
	if err := allow(v); err != nil {
		return v, err
	}
	event, err := v.CheckIn(worker, tx.Now(), d.Settings.Attendance)
	if err != nil || event == nil {
		return v, err
	}
	series, err := d.Store.Series(ctx, tx, v.Series, false)
	if err != nil {
		return v, err
	}
	err = timers.Set(ctx, tx, timers.Draft{
		Kind: CheckoutTimer, ID: string(v.ID), DueAt: v.ExpectedOut().Add(d.Settings.Attendance.Grace),
		Subject: string(v.ID), Data: struct{}{}, Trace: series.Trace,
	})
	if err != nil {
		return v, err
	}
	return v, d.save(ctx, tx, &v, event)
}

// CheckOut records that a worker has left, and whether the child was seen alone if
// they say so; the last of them completes the visit.
func (d *Desk) CheckOut(ctx context.Context, tx *kit.Tx, id schedule.VisitID, worker schedule.WorkerID, seen *schedule.ChildSeen, allow Allow) (schedule.Visit, error) {
	v, _, err := d.lock(ctx, tx, id, false)
	if err != nil {
		return v, err
	}
	if err := allow(v); err != nil {
		return v, err
	}
	version := v.Version
	event, err := v.CheckOut(worker, tx.Now())
	if err != nil || v.Version == version {
		return v, err
	}
	if seen != nil {
		v.ChildSeen = seen
	}
	if v.Status == schedule.Completed {
		if err := timers.Cancel(ctx, tx, CheckoutTimer, string(v.ID)); err != nil {
			return v, err
		}
	}
	return v, d.save(ctx, tx, &v, event)
}

// Attempt records a visit that did not come about though a worker was there.
func (d *Desk) Attempt(ctx context.Context, tx *kit.Tx, id schedule.VisitID, worker schedule.WorkerID, reason string, replace bool, allow Allow) (schedule.Visit, error) {
	v, series, err := d.lock(ctx, tx, id, replace)
	if err != nil {
		return v, err
	}
	if err := allow(v); err != nil {
		return v, err
	}
	event, err := v.Attempt(worker, reason, tx.Now(), d.Settings.Attendance)
	if err != nil {
		return v, err
	}
	if replace {
		if err := d.replace(ctx, tx, &series, &v); err != nil {
			return v, err
		}
	}
	if err := timers.Cancel(ctx, tx, CheckoutTimer, string(v.ID)); err != nil {
		return v, err
	}
	return v, d.finish(ctx, tx, &v, event)
}

// CheckoutMissed is the alarm of a check-out that has not come.
func (d *Desk) CheckoutMissed(ctx context.Context, tx *kit.Tx, t timers.Timer) error {
	v, err := d.Store.Visit(ctx, tx, schedule.VisitID(t.ID), true)
	if fault.Is(err, "visit_not_found") {
		return nil
	}
	if err != nil {
		return err
	}
	event := v.MissCheckout(tx.Now())
	if event == nil {
		return nil
	}
	return d.save(ctx, tx, &v, event)
}

// locate is where a visit takes place, for travel.
func locate(place schedule.Place, household string, points map[string]postgres.TravelPoint) schedule.Location {
	switch place {
	case schedule.Remote:
		return schedule.Location{Remote: true}
	case schedule.Home:
		return schedule.Location{Point: points[household].Point()}
	}
	return schedule.Location{} // an office or a park: nobody told us where
}
