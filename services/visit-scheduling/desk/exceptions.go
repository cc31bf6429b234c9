package desk

import (
	"context"
	"slices"

	"github.com/hearthfps/hearth/pkg/fault"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// AddException records that a family is not to be visited at some time. Visits to
// come that lie in it are freed and placed again, told as any move; it says how many
// there were. One that is there already stays, and frees nothing.
//
// Unprocessable (exception_invalid) lists what is wrong, Conflict
// (too_many_exceptions, case_closed) says that the case takes no more.
func (d *Desk) AddException(ctx context.Context, tx *kit.Tx, id schedule.CaseID, e schedule.Exception, by string) (stored schedule.Exception, freed int, err error) {
	if faults := e.Validate(); faults != nil {
		return e, 0, fault.New(fault.Unprocessable, "exception_invalid", "The exception cannot be stored as sent.", faults...)
	}
	e.Normalise()
	cal, err := d.Calendar(tx.Agency())
	if err != nil {
		return e, 0, err
	}
	file, err := d.Store.LockCase(ctx, tx, id)
	if err != nil {
		return e, 0, err
	}
	if file.ClosedAt != nil {
		return e, 0, fault.New(fault.Conflict, "case_closed", "The case is closed and has no visits to come.")
	}
	known, err := d.Store.Exceptions(ctx, tx, id)
	if err != nil {
		return e, 0, err
	}
	if at := slices.IndexFunc(known, e.Same); at >= 0 {
		return known[at], 0, nil
	}
	if len(known) >= schedule.MaxExceptions {
		return e, 0, fault.New(fault.Conflict, "too_many_exceptions", "The case has as many exceptions as it can have. Remove those that are over.")
	}
	e.ID = schedule.ExceptionID(d.NewID())
	if err := d.Store.AddException(ctx, tx, id, e, by, tx.Now()); err != nil {
		return e, 0, err
	}
	// All that is open is locked, whether it has a place or not: a planner that
	// places one of them now either did so before, and it is seen here, or reads the
	// exception once this is committed.
	open, err := d.Store.OpenOfCase(ctx, tx, id)
	if err != nil {
		return e, 0, err
	}
	series, err := d.Store.SeriesOf(ctx, tx, open)
	if err != nil {
		return e, 0, err
	}
	open = slices.DeleteFunc(open, func(v schedule.Visit) bool {
		return v.Slot == nil || !v.Slot.StartsAt.After(tx.Now()) || !series[v.Series].Excepted(v.Slot.Span(), cal)
	})
	if err := d.release(ctx, tx, open); err != nil {
		return e, 0, err
	}
	return e, len(open), d.wishFor(ctx, tx, cal)
}

// RemoveException forgets an exception and has what is unplaced tried again.
func (d *Desk) RemoveException(ctx context.Context, tx *kit.Tx, id schedule.CaseID, exception schedule.ExceptionID) error {
	if _, err := d.Store.LockCase(ctx, tx, id); err != nil {
		return err
	}
	if err := d.Store.RemoveException(ctx, tx, id, exception); err != nil {
		return err
	}
	return d.wishForAll(ctx, tx)
}
