package desk

import (
	"context"
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
	kit "github.com/hearthfps/hearth/pkg/postgres"
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

// Cover works out, day by day, where the visits of a worker who will be away would
// go with least disturbance. Nothing is changed. Visits the asker may not know of
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
	left := r.MaxMoved
	for _, day := range days {
		if err := d.coverDay(ctx, &cover, day, &left, seen); err != nil {
			return cover, err
		}
	}
	return cover, nil
}

// coverDay adds one day to a cover. left is how many visits of others may still move.
func (d *Desk) coverDay(ctx context.Context, cover *schedule.Cover, day schedule.Span, left *int, seen Seen) error {
	r := cover.Request
	var s situation
	var lost []schedule.Demand
	var standing schedule.Standing
	err := d.DB.ReadInTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		cal, err := d.Calendar(tx.Agency())
		if err != nil {
			return err
		}
		s, standing, lost, err = d.withoutWorker(ctx, tx, cal, day, r, seen)
		return err
	})
	if err != nil || len(lost) == 0 {
		return err
	}
	standing = standing.Settle()
	placed, moved, open, err := standing.CoverBy(d.Engine.Lay, lost, *left)
	if err != nil {
		return err
	}
	*left -= len(moved)
	to := map[schedule.VisitID]schedule.Slot{}
	plan := schedule.Plan{}
	for _, p := range standing.Plan.Placed {
		if !slices.ContainsFunc(moved, func(m schedule.Placement) bool { return m.Visit == p.Visit }) {
			plan.Placed = append(plan.Placed, p)
		}
	}
	plan.Placed = append(append(plan.Placed, placed...), moved...)
	whole := standing.Problem
	whole.Demands = append(slices.Clone(whole.Demands), lost...)
	for _, p := range whole.Round(plan, grid).Placed {
		to[p.Visit] = p.Slot
	}
	change := func(id schedule.VisitID) schedule.ProposedChange {
		v, slot := s.visits[id], to[id]
		return schedule.ProposedChange{
			Change: schedule.Change{Visit: id, Series: v.Series, Kind: schedule.ChangeMoved, From: v.Slot, To: &slot},
			Case:   v.Case, Week: v.Week, Version: v.Version,
		}
	}
	for _, p := range placed {
		cover.Covered = append(cover.Covered, change(p.Visit))
	}
	for _, p := range moved {
		cover.Moved = append(cover.Moved, change(p.Visit))
	}
	for _, demand := range open {
		v := s.visits[demand.Visit]
		cover.Open = append(cover.Open, schedule.ProposedChange{
			Change: schedule.Change{Visit: v.ID, Series: v.Series, Kind: schedule.ChangeOpen, From: v.Slot, Reasons: []schedule.Reason{schedule.TakenFromWorker}},
			Case:   v.Case, Week: v.Week, Version: v.Version,
		})
	}
	return nil
}

// withoutWorker reads a day as it stands without a worker's visits in their
// absence, which are lost.
func (d *Desk) withoutWorker(ctx context.Context, tx *kit.Tx, cal *clock.Calendar, day schedule.Span, r schedule.CoverRequest, seen Seen) (s situation, standing schedule.Standing, lost []schedule.Demand, err error) {
	visits, err := d.Store.VisitsIn(ctx, tx, day)
	if err != nil {
		return s, standing, nil, err
	}
	where, args, err := seen(ctx, tx)
	if err != nil {
		return s, standing, nil, err
	}
	known, err := d.Store.SeenIn(ctx, tx, day, where, args)
	if err != nil {
		return s, standing, nil, err
	}
	roster, err := d.Store.Roster(ctx, tx, day.From)
	if err != nil {
		return s, standing, nil, err
	}
	for i, w := range roster {
		if w.ID == r.Worker {
			roster[i].Absences = append(slices.Clone(w.Absences), schedule.Absence{Span: r.Span})
		}
	}
	now := tx.Now()
	fixed := now.Add(d.Settings.Notice)
	want := weekOf(schedule.WeekOf(cal.Today(day.From)), cal, now.Add(d.Settings.UrgentLead))
	want.span, want.roster = day, roster
	gone, untold := map[schedule.VisitID]bool{}, map[schedule.VisitID]bool{}
	for _, v := range visits {
		theirs := slices.Contains(v.Slot.Workers, r.Worker) && v.Slot.Span().Overlaps(r.Span) && v.Slot.StartsAt.After(now)
		switch {
		case theirs && known[v.ID]:
			gone[v.ID] = true
			want.visits = append(want.visits, v)
		case theirs:
			untold[v.ID] = true
		case known[v.ID] && !v.Slot.StartsAt.Before(fixed):
			want.visits = append(want.visits, v)
		}
	}
	want.leaving = untold // their time is the worker's, who is away
	if s, err = d.situate(ctx, tx, cal, want); err != nil {
		return s, standing, nil, err
	}
	for i, demand := range s.problem.Demands {
		switch {
		case gone[demand.Visit]:
			demand.Windows = clipped(demand.Windows, day)
			lost = append(lost, demand)
		default:
			s.problem.Demands[i].Windows = clipped(demand.Windows, schedule.Span{From: fixed, To: day.To})
		}
	}
	s.problem.Demands = slices.DeleteFunc(s.problem.Demands, func(demand schedule.Demand) bool { return gone[demand.Visit] })
	return s, s.standing(day), lost, nil
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
