package desk

import (
	"context"
	"slices"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// PutWorker stores a worker as told. absences nil keeps those that are known.
// match is asked whether the version being replaced is the one meant; it is not
// asked when the worker is new, or when nothing would change.
//
// Visits to come that the worker can no longer serve are taken from them, and
// what is unplaced is tried again.
func (d *Desk) PutWorker(ctx context.Context, tx *kit.Tx, w schedule.Worker, absences []schedule.Absence, match func(version int64) error) (stored schedule.Worker, created bool, err error) {
	w.Absences = absences
	cal, err := d.Calendar(tx.Agency())
	if err != nil {
		return stored, false, err
	}
	before, err := d.Store.Worker(ctx, tx, w.ID, true)
	created = fault.Is(err, "worker_not_found")
	if err != nil && !created {
		return stored, false, err
	}
	w.Terms = w.Terms.Or(before.Terms)
	if faults := w.Validate(); faults != nil {
		return stored, false, fault.New(fault.Unprocessable, "worker_invalid", "The worker cannot be stored as sent.", faults...)
	}
	if absences == nil {
		w.Absences = before.Absences
	}
	w.Normalise()
	before.Normalise()
	d.keepAbsenceIDs(&w, before)
	w.Version = before.Version
	if !created && same(w, before) {
		return before, false, nil
	}
	if !created {
		if err := match(before.Version); err != nil {
			return stored, false, err
		}
	}
	w.Version++
	if err := d.Store.PutWorker(ctx, tx, w); err != nil {
		return stored, false, err
	}
	if err := d.Store.ReplaceAbsences(ctx, tx, w.ID, w.Absences); err != nil {
		return stored, false, err
	}
	if !created {
		if _, err := d.releaseUnserved(ctx, tx, w, before, cal); err != nil {
			return stored, false, err
		}
	}
	return w, created, d.wishFor(ctx, tx, cal)
}

// keepAbsenceIDs gives absences that are there already the ids they have.
func (d *Desk) keepAbsenceIDs(w *schedule.Worker, before schedule.Worker) {
	for i, a := range w.Absences {
		if a.ID != "" {
			continue
		}
		at := slices.IndexFunc(before.Absences, func(b schedule.Absence) bool {
			return b.From.Equal(a.From) && b.To.Equal(a.To) && b.Reason == a.Reason
		})
		if at >= 0 && !slices.ContainsFunc(w.Absences, func(b schedule.Absence) bool { return b.ID == before.Absences[at].ID }) {
			w.Absences[i].ID = before.Absences[at].ID
		} else {
			w.Absences[i].ID = schedule.AbsenceID(d.NewID())
		}
	}
}

func same(a, b schedule.Worker) bool {
	samePoint := (a.Base == nil) == (b.Base == nil) && (a.Base == nil || *a.Base == *b.Base)
	return samePoint && a.Team == b.Team && slices.Equal(a.Skills, b.Skills) && slices.Equal(a.Languages, b.Languages) &&
		slices.Equal(a.Hours, b.Hours) && slices.Equal(a.Absences, b.Absences) && a.Terms.Equal(b.Terms)
}

// releaseUnserved takes from a worker the visits to come that they cannot serve
// any more, and counts them.
func (d *Desk) releaseUnserved(ctx context.Context, tx *kit.Tx, w, before schedule.Worker, cal *clock.Calendar) (int, error) {
	visits, err := d.Store.ScheduledOf(ctx, tx, w.ID, "", tx.Now())
	if err != nil {
		return 0, err
	}
	series, err := d.Store.SeriesOf(ctx, tx, visits)
	if err != nil {
		return 0, err
	}
	visits = slices.DeleteFunc(visits, func(v schedule.Visit) bool { return w.StillServes(v, series[v.Series].Pattern.Asks, before, cal) })
	return len(visits), d.release(ctx, tx, visits)
}

// AddAbsence records that a worker is away, takes the visits of that time from
// them and has them placed again. It says how many there were.
func (d *Desk) AddAbsence(ctx context.Context, tx *kit.Tx, id schedule.WorkerID, a schedule.Absence) (stored schedule.Absence, taken int, err error) {
	return d.absent(ctx, tx, id, a, func() error { return nil })
}

// absent is AddAbsence with something to do once the worker is away and before
// their visits are taken from them.
func (d *Desk) absent(ctx context.Context, tx *kit.Tx, id schedule.WorkerID, a schedule.Absence, between func() error) (stored schedule.Absence, taken int, err error) {
	if faults := a.Validate(""); faults != nil {
		return stored, 0, fault.New(fault.Unprocessable, "absence_invalid", "The absence cannot be stored as sent.", faults...)
	}
	cal, err := d.Calendar(tx.Agency())
	if err != nil {
		return stored, 0, err
	}
	before, err := d.Store.Worker(ctx, tx, id, true)
	if err != nil {
		return stored, 0, err
	}
	a.ID = schedule.AbsenceID(d.NewID())
	if err := d.Store.AddAbsence(ctx, tx, id, a); err != nil {
		return stored, 0, err
	}
	w := before
	w.Version++
	if err := d.Store.PutWorker(ctx, tx, w); err != nil {
		return stored, 0, err
	}
	if err := between(); err != nil {
		return stored, 0, err
	}
	visits, err := d.Store.ScheduledOf(ctx, tx, id, "", a.From)
	if err != nil {
		return stored, 0, err
	}
	visits = slices.DeleteFunc(visits, func(v schedule.Visit) bool { return !v.Slot.Span().Overlaps(a.Span) })
	if err := d.release(ctx, tx, visits); err != nil {
		return stored, 0, err
	}
	return a, len(visits), d.wishFor(ctx, tx, cal)
}

// RemoveAbsence forgets an absence and has what is unplaced tried again.
func (d *Desk) RemoveAbsence(ctx context.Context, tx *kit.Tx, id schedule.WorkerID, absence schedule.AbsenceID) error {
	cal, err := d.Calendar(tx.Agency())
	if err != nil {
		return err
	}
	w, err := d.Store.Worker(ctx, tx, id, true)
	if err != nil {
		return err
	}
	if _, err := d.Store.RemoveAbsence(ctx, tx, id, absence); err != nil {
		return err
	}
	w.Version++
	if err := d.Store.PutWorker(ctx, tx, w); err != nil {
		return err
	}
	return d.wishFor(ctx, tx, cal)
}
