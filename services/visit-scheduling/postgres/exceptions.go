package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// exceptionRow is an exception with its id, as series and lists read it.
type exceptionRow struct {
	ID    schedule.ExceptionID `db:"exception_id" json:"id"`
	Terms schedule.Exception   `json:"terms"`
}

func (r exceptionRow) exception() schedule.Exception {
	e := r.Terms
	e.ID = r.ID
	return e
}

// exceptionsOfSeries is the column of a series' exceptions: those of its case.
const exceptionsOfSeries = `coalesce((SELECT jsonb_agg(jsonb_build_object('id', e.exception_id, 'terms', e.terms) ORDER BY e.exception_id)
	FROM family_exception e WHERE e.agency_id = s.agency_id AND e.case_id = s.case_id), '[]')`

// Exceptions reads when the family of a case is not to be visited, by first day.
func (Store) Exceptions(ctx context.Context, tx *postgres.Tx, id schedule.CaseID) ([]schedule.Exception, error) {
	var rows []struct {
		ID    schedule.ExceptionID       `db:"exception_id"`
		Terms column[schedule.Exception] `db:"terms"`
	}
	err := tx.SelectContext(ctx, &rows, `SELECT exception_id, terms FROM family_exception WHERE case_id = $1 ORDER BY terms ->> 'from_on', exception_id`, id)
	if err != nil {
		return nil, fmt.Errorf("read exceptions: %w", err)
	}
	all := make([]schedule.Exception, len(rows))
	for i, r := range rows {
		all[i] = exceptionRow{r.ID, r.Terms.V}.exception()
	}
	return all, nil
}

// LockCase locks and reads a case; NotFound when nothing is known of it.
func (Store) LockCase(ctx context.Context, tx *postgres.Tx, id schedule.CaseID) (Case, error) {
	var c Case
	err := tx.GetContext(ctx, &c, `SELECT case_id, household_id, traceparent, closed_at FROM family_case WHERE case_id = $1 FOR UPDATE`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return c, fault.Missing("visit") // who may not know of the case is answered the same
	}
	if err != nil {
		return c, fmt.Errorf("read case: %w", err)
	}
	return c, nil
}

// AddException stores one more exception of a case.
func (Store) AddException(ctx context.Context, tx *postgres.Tx, id schedule.CaseID, e schedule.Exception, by string, at time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO family_exception (case_id, exception_id, terms, made_by, made_at) VALUES ($1, $2, $3, $4, $5)`,
		id, e.ID, column[schedule.Exception]{e}, by, at)
	if err != nil {
		return fmt.Errorf("store exception: %w", err)
	}
	return nil
}

// RemoveException removes an exception; NotFound when there is none.
func (Store) RemoveException(ctx context.Context, tx *postgres.Tx, id schedule.CaseID, exception schedule.ExceptionID) error {
	gone, err := tx.ExecContext(ctx, `DELETE FROM family_exception WHERE case_id = $1 AND exception_id = $2`, id, exception)
	if err != nil {
		return fmt.Errorf("remove exception: %w", err)
	}
	if n, err := gone.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return fault.Missing("exception")
}

// OpenOfCase locks and reads the visits of a case that are unplaced or scheduled.
func (Store) OpenOfCase(ctx context.Context, tx *postgres.Tx, id schedule.CaseID) ([]schedule.Visit, error) {
	return visits(ctx, tx, `SELECT `+visitColumns+` FROM visit
		WHERE case_id = $1 AND status IN ('unplaced', 'scheduled') ORDER BY visit_id FOR UPDATE`, id)
}
