package desk

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

const (
	// coverDays is how many days of an absence are covered at once. What lies later
	// is taken from the worker and left to the weekly planner.
	coverDays = 14
	// WorkerAbsent is why visits move when a worker is away.
	WorkerAbsent = "worker_absent"
)

// Seen says which visits an asker may know of, as a condition on v (visit).
type Seen func(context.Context, *kit.Tx) (where string, args []any, err error)

// Cover works out where the visits of a worker who will be away would go with least
// disturbance: first day by day on their own day, then, with what has none there,
// anywhere in its week. Nothing is changed. Visits the asker may not know of
// stay where they are, and those of them that are the worker's are left to the
// planner, untold.
func (d *Desk) Cover(ctx context.Context, r schedule.CoverRequest, seen Seen) (schedule.Cover, error) {
	cover := schedule.Cover{Request: r}
	absence := schedule.Absence{Span: r.Span, Reason: r.Reason}
	if faults := absence.Validate(""); faults != nil {
		return cover, fault.New(fault.Unprocessable, "absence_invalid", "The absence cannot be stored as sent.", faults...)
	}
	var days []schedule.Span
	err := d.DB.ReadInTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		cal, err := d.Calendar(tx.Agency())
		if err != nil {
			return err
		}
		if _, err := d.Store.Worker(ctx, tx, r.Worker, false); err != nil {
			return err
		}
		first := cal.Today(later(r.Span.From, tx.Now()))
		for day := first; day.Start(cal.Zone()).Before(r.Span.To) && first.DaysUntil(day) < coverDays; day = day.AddDays(1) {
			days = append(days, schedule.Span{From: day.Start(cal.Zone()), To: day.AddDays(1).Start(cal.Zone())})
		}
		return nil
	})
	if err != nil {
		return cover, err
	}
	left := max(r.MaxMoved, 0)
	for _, day := range days {
		if err := d.coverIn(ctx, &cover, day, nil, &left, seen); err != nil {
			return cover, err
		}
	}
	return cover, d.coverWeeks(ctx, &cover, &left, seen)
}

// coverWeeks looks for places on the other days of their weeks for the visits that
// have none on their own.
func (d *Desk) coverWeeks(ctx context.Context, cover *schedule.Cover, left *int, seen Seen) error {
	agency, _ := tenant.From(ctx)
	cal, err := d.Calendar(agency)
	if err != nil {
		return err
	}
	open := map[schedule.Week]map[schedule.VisitID]bool{}
	for _, c := range cover.Open {
		week := schedule.WeekOf(cal.Today(c.From.StartsAt))
		if open[week] == nil {
			open[week] = map[schedule.VisitID]bool{}
		}
		open[week][c.Visit] = true
	}
	cover.Open = nil
	for _, week := range slices.SortedFunc(maps.Keys(open), func(a, b schedule.Week) int { return a.Monday.Compare(b.Monday) }) {
		span := week.Span(cal.Zone())
		if now := d.Clock.Now(); span.From.Before(now) {
			span.From = cal.Today(now).Start(cal.Zone())
		}
		if err := d.coverIn(ctx, cover, span, open[week], left, seen); err != nil {
			return err
		}
	}
	return nil
}

// coverIn adds to a cover what becomes of the worker's visits in some days, or of
// those of them that are open. left is how many visits of others may still move.
func (d *Desk) coverIn(ctx context.Context, cover *schedule.Cover, days schedule.Span, open map[schedule.VisitID]bool, left *int, seen Seen) error {
	var s situation
	var lost []schedule.Demand
	var standing schedule.Standing
	err := d.DB.ReadInTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		cal, err := d.Calendar(tx.Agency())
		if err != nil {
			return err
		}
		s, standing, lost, err = d.withoutWorker(ctx, tx, cal, days, *cover, open, seen)
		return err
	})
	if err != nil || len(lost) == 0 {
		return err
	}
	if cover.Request.MaxMoved < 0 && open == nil {
		*left += len(lost) * 3 / 2
	}
	var plan schedule.Plan
	if slices.ContainsFunc(lost, func(demand schedule.Demand) bool { return len(demand.Windows) > 0 }) {
		if plan, err = d.Engine.Cover(ctx, standing, lost, *left); err != nil {
			return err
		}
	}
	change := func(id schedule.VisitID, to *schedule.Slot) schedule.ProposedChange {
		v := s.visits[id]
		return schedule.ProposedChange{
			Change: schedule.Change{Visit: id, Series: v.Series, Kind: schedule.ChangeMoved, From: v.Slot, To: to}, Case: v.Case, Week: v.Week, Version: v.Version,
		}
	}
	gone := map[schedule.VisitID]bool{}
	for _, demand := range lost {
		gone[demand.Visit] = true
	}
	for _, p := range plan.Placed {
		switch {
		case gone[p.Visit]:
			cover.Covered = append(cover.Covered, change(p.Visit, &p.Slot))
			delete(gone, p.Visit)
		case !s.visits[p.Visit].Slot.Same(p.Slot):
			cover.Moved = append(cover.Moved, change(p.Visit, &p.Slot))
			*left--
		}
	}
	for _, demand := range lost {
		if gone[demand.Visit] {
			c := change(demand.Visit, nil)
			c.Kind, c.Reasons = schedule.ChangeOpen, []schedule.Reason{schedule.TakenFromWorker}
			cover.Open = append(cover.Open, c)
		}
	}
	return nil
}

// withoutWorker reads some days as they stand without a worker's visits in their
// absence, which are lost; of them only those in open, unless it is nil. What the
// cover says so far has happened.
func (d *Desk) withoutWorker(ctx context.Context, tx *kit.Tx, cal *clock.Calendar, days schedule.Span, cover schedule.Cover, open map[schedule.VisitID]bool, seen Seen) (s situation, standing schedule.Standing, lost []schedule.Demand, err error) {
	r := cover.Request
	visits, err := d.Store.VisitsIn(ctx, tx, days)
	if err != nil {
		return s, standing, nil, err
	}
	where, args, err := seen(ctx, tx)
	if err != nil {
		return s, standing, nil, err
	}
	known, err := d.Store.SeenIn(ctx, tx, days, where, args)
	if err != nil {
		return s, standing, nil, err
	}
	roster, err := d.Store.Roster(ctx, tx, days.From)
	if err != nil {
		return s, standing, nil, err
	}
	for i, w := range roster {
		if w.ID == r.Worker {
			roster[i].Absences = append(slices.Clone(w.Absences), schedule.Absence{Span: r.Span})
		}
	}
	changed := map[schedule.VisitID]schedule.Slot{}
	for _, c := range slices.Concat(cover.Covered, cover.Moved) {
		changed[c.Visit] = *c.To
	}
	now := tx.Now()
	fixed := now.Add(d.Settings.Notice)
	want := weekOf(schedule.WeekOf(cal.Today(days.From)), cal, now.Add(d.Settings.UrgentLead))
	want.span, want.roster = days, roster
	gone := map[schedule.VisitID]bool{}
	want.leaving = map[schedule.VisitID]bool{} // their time is the worker's, who is away, or another by now
	var stands []schedule.Visit
	for _, v := range visits {
		theirs := slices.Contains(v.Slot.Workers, r.Worker) && v.Slot.Span().Overlaps(r.Span) && v.Slot.StartsAt.After(now)
		to, already := changed[v.ID]
		switch {
		case already:
			want.leaving[v.ID] = true
			v.Slot = &to
			stands = append(stands, v)
		case theirs && known[v.ID] && (open == nil || open[v.ID]):
			gone[v.ID] = true
			want.visits = append(want.visits, v)
		case theirs:
			want.leaving[v.ID] = true
		case known[v.ID] && !v.Slot.StartsAt.Before(fixed):
			want.visits = append(want.visits, v)
		}
	}
	want.visits = append(want.visits, stands...)
	if s, err = d.situate(ctx, tx, cal, want); err != nil {
		return s, standing, nil, err
	}
	for i, demand := range s.problem.Demands {
		_, already := changed[demand.Visit]
		switch {
		case gone[demand.Visit]:
			demand.Windows = clipped(demand.Windows, days)
			if open != nil { // on its own day it was looked for already
				day := cal.Today(s.visits[demand.Visit].Slot.StartsAt)
				demand.Windows = slices.DeleteFunc(demand.Windows, func(w schedule.Span) bool { return cal.Today(w.From) == day })
			}
			lost = append(lost, demand)
		case already: // it has moved enough
			s.problem.Demands[i].Windows = nil
		default:
			s.problem.Demands[i].Windows = clipped(demand.Windows, schedule.Span{From: fixed, To: days.To})
		}
	}
	s.problem.Demands = slices.DeleteFunc(s.problem.Demands, func(demand schedule.Demand) bool { return gone[demand.Visit] })
	return s, s.standing(days), lost, nil
}

// coverTries is how often a cover is worked out again when the schedule changes
// under it.
const coverTries = 3

// AddCoveredAbsence records that a worker is away and moves what its cover says,
// checked again: all of it or nothing. What the cover leaves open is taken from the
// worker and left to the planner. stale says that the schedule has changed since
// the cover was worked out.
func (d *Desk) AddCoveredAbsence(ctx context.Context, tx *kit.Tx, cover schedule.Cover) (stored schedule.Absence, stale []Stale, err error) {
	cal, err := d.Calendar(tx.Agency())
	if err != nil {
		return stored, nil, err
	}
	shifts := make([]shift, 0, len(cover.Covered)+len(cover.Moved))
	workers := []schedule.WorkerID{cover.Request.Worker}
	for _, c := range slices.Concat(cover.Covered, cover.Moved) {
		shifts = append(shifts, shift{c.Visit, c.Version, *c.To})
		workers = append(workers, c.To.Workers...)
	}
	if _, err := d.Store.LockWorkers(ctx, tx, workers, tx.Now()); err != nil { // all at once, in one order
		return stored, nil, err
	}
	absence := schedule.Absence{Span: cover.Request.Span, Reason: cover.Request.Reason}
	stored, _, err = d.absent(ctx, tx, cover.Request.Worker, absence, func() error {
		_, stale, err = d.shift(ctx, tx, cal, shifts, WorkerAbsent)
		if err == nil && stale != nil {
			err = errStale
		}
		return err
	})
	if stale != nil {
		return stored, stale, nil
	}
	return stored, nil, err
}

// errStale rolls a transaction back whose changes do not fit any more.
var errStale = fault.New(fault.Conflict, "schedule_changing", "The schedule keeps changing. Ask again.")

// CoverAbsence works a cover out and applies it with apply, in a transaction of the
// caller's, again as long as the schedule changes under it.
func (d *Desk) CoverAbsence(ctx context.Context, r schedule.CoverRequest, seen Seen, apply func(schedule.Cover) (stale []Stale, err error)) error {
	for range coverTries {
		cover, err := d.Cover(ctx, r, seen)
		if err != nil {
			return err
		}
		stale, err := apply(cover)
		if err != nil || stale == nil {
			return err
		}
	}
	return errStale.After(time.Second)
}
