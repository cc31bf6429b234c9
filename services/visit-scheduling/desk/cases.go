package desk

import (
	"context"
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// ApprovedPlan is what planning tells of an approved plan version.
type ApprovedPlan struct {
	PlanID     schedule.PlanID     `json:"plan_id"`
	Version    int64               `json:"version"`
	Case       schedule.CaseID     `json:"case_id"`
	Household  string              `json:"household_id"`
	Program    string              `json:"program"`
	StartsOn   clock.Date          `json:"starts_on"`
	EndsOn     clock.Date          `json:"ends_on"`
	Pattern    schedule.Pattern    `json:"visit_pattern"`
	Workers    []schedule.WorkerID `json:"workers"`
	Recipients []string            `json:"recipients"`
}

// CaseOpened learns of a case: where it is, and its story's trace.
func (d *Desk) CaseOpened(ctx context.Context, tx *kit.Tx, id schedule.CaseID, household, trace string) error {
	if _, err := d.Store.OpenCase(ctx, tx, postgres.Case{ID: id, Household: household, Trace: trace}); err != nil {
		return err
	}
	return d.Store.TraceFrom(ctx, tx, id, trace)
}

// Approve makes a plan version a visit series, and ends the series of the version
// before it: visits that have begun or are over stay, the others are cancelled and
// the new series makes its own. What the family had this week counts. An older
// version than the one known, or a plan of a closed case, changes nothing.
//
// Unprocessable (plan_not_schedulable) when the plan cannot become visits.
func (d *Desk) Approve(ctx context.Context, tx *kit.Tx, plan ApprovedPlan, approved time.Time, trace string) error {
	cal, err := d.Calendar(tx.Agency())
	if err != nil {
		return err
	}
	series := schedule.Series{
		ID: schedule.SeriesIDOf(tx.Agency().String(), plan.PlanID, plan.Version), Kind: schedule.OfPlan, Case: plan.Case, Household: plan.Household,
		PlanID: plan.PlanID, PlanVersion: plan.Version, StartsOn: plan.StartsOn, EndsOn: plan.EndsOn, Pattern: plan.Pattern,
		Workers: plan.Workers, Recipients: plan.Recipients, Status: schedule.SeriesActive, Version: 1,
	}
	if err := series.Validate(); err != nil {
		return err
	}
	known, err := d.Store.OpenCase(ctx, tx, postgres.Case{ID: plan.Case, Household: plan.Household, Trace: trace})
	if err != nil || known.ClosedAt != nil {
		return err
	}
	latest, err := d.Store.LatestVersion(ctx, tx, plan.PlanID)
	if err != nil || latest >= plan.Version {
		return err
	}
	if err := d.Store.SetProgram(ctx, tx, plan.Case, plan.Program); err != nil {
		return err
	}
	if err := d.endSeries(ctx, tx, plan.Case, schedule.OfPlan, schedule.PlanSuperseded); err != nil {
		return err
	}
	had, err := d.Store.VisitsHad(ctx, tx, plan.Case, tx.Now())
	if err != nil {
		return err
	}
	visits := series.Plan(approved, had, cal)
	beyond := d.thisWeek(tx, cal).Next(d.Settings.Horizon)
	for i := range visits {
		if !visits[i].Week.Before(beyond) {
			visits[i].Reasons = []schedule.Reason{schedule.BeyondHorizon}
		}
	}
	if err := d.Store.InsertSeries(ctx, tx, series); err != nil {
		return err
	}
	if err := d.Store.InsertVisits(ctx, tx, visits); err != nil {
		return err
	}
	created := series.Created()
	if err := publish(ctx, tx, told{&created, plan.Case, known.Trace}); err != nil {
		return err
	}
	if err := d.setDaily(ctx, tx, cal); err != nil {
		return err
	}
	return d.wishFor(ctx, tx, cal)
}

// CloseCase ends the series of a closed case and cancels the visits that have not
// begun.
func (d *Desk) CloseCase(ctx context.Context, tx *kit.Tx, id schedule.CaseID) error {
	if _, err := d.Store.OpenCase(ctx, tx, postgres.Case{ID: id}); err != nil {
		return err
	}
	if err := d.Store.CloseCase(ctx, tx, id, tx.Now()); err != nil {
		return err
	}
	for _, kind := range []schedule.SeriesKind{schedule.OfPlan, schedule.Urgent} {
		if err := d.endSeries(ctx, tx, id, kind, schedule.CaseClosed); err != nil {
			return err
		}
	}
	return d.wishForAll(ctx, tx) // for the slots that are free now
}

// endSeries ends the active series of one kind of a case, if it has one. A visit whose time
// has come is left for its workers to tell what became of it.
func (d *Desk) endSeries(ctx context.Context, tx *kit.Tx, id schedule.CaseID, kind schedule.SeriesKind, reason string) error {
	series, err := d.Store.ActiveSeries(ctx, tx, id, kind)
	if fault.Is(err, "series_not_found") {
		return nil
	}
	if err != nil {
		return err
	}
	open, err := d.Store.OpenVisits(ctx, tx, series.ID)
	if err != nil {
		return err
	}
	now := tx.Now()
	var changed []schedule.Visit
	var all []told
	for _, v := range open {
		if v.Slot != nil && !v.Slot.StartsAt.After(now) {
			continue
		}
		event, err := v.Cancel(schedule.AgencySide, reason, now)
		if err != nil {
			return err
		}
		changed, all = append(changed, v), append(all, told{event, id, series.Trace})
	}
	all = append(all, told{series.End(reason), id, series.Trace})
	if err := d.Store.SaveVisits(ctx, tx, changed...); err != nil {
		return err
	}
	if err := d.Store.SaveSeries(ctx, tx, series); err != nil {
		return err
	}
	return publish(ctx, tx, all...)
}

// Assigned makes a worker one of the family's: they are sent before others. What
// is unplaced is tried again.
func (d *Desk) Assigned(ctx context.Context, tx *kit.Tx, id schedule.CaseID, worker schedule.WorkerID, lead bool) error {
	if err := d.changeSeries(ctx, tx, id, func(s *schedule.Series) bool { return s.Assign(worker, lead) }); err != nil {
		return err
	}
	return d.wishForAll(ctx, tx)
}

// Unassigned takes a family's visits to come from a worker who has left it.
func (d *Desk) Unassigned(ctx context.Context, tx *kit.Tx, id schedule.CaseID, worker schedule.WorkerID) error {
	if err := d.changeSeries(ctx, tx, id, func(s *schedule.Series) bool { return s.Unassign(worker) }); err != nil {
		return err
	}
	visits, err := d.Store.ScheduledOf(ctx, tx, worker, id, tx.Now())
	if err != nil {
		return err
	}
	coming := slices.DeleteFunc(visits, func(v schedule.Visit) bool { return !v.Slot.StartsAt.After(tx.Now()) })
	if err := d.release(ctx, tx, coming); err != nil {
		return err
	}
	return d.wishForAll(ctx, tx)
}

// changeSeries changes the active series of a case, as far as it has any.
func (d *Desk) changeSeries(ctx context.Context, tx *kit.Tx, id schedule.CaseID, change func(*schedule.Series) bool) error {
	for _, kind := range []schedule.SeriesKind{schedule.OfPlan, schedule.Urgent} {
		series, err := d.Store.ActiveSeries(ctx, tx, id, kind)
		if fault.Is(err, "series_not_found") {
			continue
		}
		if err != nil {
			return err
		}
		if !change(&series) {
			continue
		}
		if err := d.Store.SaveSeries(ctx, tx, series); err != nil {
			return err
		}
	}
	return nil
}
