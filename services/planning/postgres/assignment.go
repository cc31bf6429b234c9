package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/planning/casefile"
)

const assignmentColumns = `assignment_id, case_id, worker_id, supervisor_id, role, assigned_by, assigned_at, ended_at, ended_by, reason_code`

type assignmentRow struct {
	AssignmentID string                  `db:"assignment_id"`
	CaseID       casefile.CaseID         `db:"case_id"`
	WorkerID     string                  `db:"worker_id"`
	SupervisorID string                  `db:"supervisor_id"`
	Role         casefile.AssignmentRole `db:"role"`
	AssignedBy   string                  `db:"assigned_by"`
	AssignedAt   time.Time               `db:"assigned_at"`
	endingColumns
}

type endingColumns struct {
	EndedAt    sql.NullTime   `db:"ended_at"`
	EndedBy    sql.NullString `db:"ended_by"`
	ReasonCode sql.NullString `db:"reason_code"`
}

func (c endingColumns) ending() *casefile.Ending {
	if !c.EndedAt.Valid {
		return nil
	}
	return &casefile.Ending{Reason: c.ReasonCode.String, By: c.EndedBy.String, At: c.EndedAt.Time.UTC()}
}

func (r assignmentRow) assignment() casefile.Assignment {
	return casefile.Assignment{
		ID: r.AssignmentID, CaseID: r.CaseID, WorkerID: r.WorkerID, SupervisorID: r.SupervisorID, Role: r.Role,
		By: r.AssignedBy, At: r.AssignedAt.UTC(), Ended: r.ending(),
	}
}

const selectRoster = `SELECT ` + assignmentColumns + ` FROM assignment WHERE case_id = $1 AND ended_at IS NULL ORDER BY assigned_at, assignment_id`

func roster(ctx context.Context, tx *postgres.Tx, id casefile.CaseID) ([]casefile.Assignment, error) {
	var rows []assignmentRow
	if err := tx.SelectContext(ctx, &rows, selectRoster, id); err != nil {
		return nil, fmt.Errorf("read roster of case: %w", err)
	}
	out := make([]casefile.Assignment, len(rows))
	for i, r := range rows {
		out[i] = r.assignment()
	}
	return out, nil
}

const selectAssignment = `SELECT ` + assignmentColumns + ` FROM assignment WHERE assignment_id = $1`

// GetAssignment reads an assignment. It fails with NotFound (assignment_not_found).
func GetAssignment(ctx context.Context, tx *postgres.Tx, id string) (casefile.Assignment, error) {
	var row assignmentRow
	err := tx.GetContext(ctx, &row, selectAssignment, id)
	if errors.Is(err, sql.ErrNoRows) {
		return casefile.Assignment{}, fault.Missing("assignment")
	}
	if err != nil {
		return casefile.Assignment{}, fmt.Errorf("read assignment: %w", err)
	}
	return row.assignment(), nil
}

const insertAssignment = `
INSERT INTO assignment (assignment_id, case_id, worker_id, supervisor_id, role, assigned_by, assigned_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)`

const (
	openCaseload = `INSERT INTO caseload (worker_id, program, cases) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING`
	// An update waits for another one's row and then tests the limit again on what
	// that one left (READ COMMITTED), so no two take the last place.
	takePlace  = `UPDATE caseload SET cases = cases + 1 WHERE worker_id = $1 AND program = $2 AND ($3 = 0 OR cases < $3)`
	leavePlace = `UPDATE caseload SET cases = cases - 1 WHERE worker_id = $1 AND program = $2`
)

// InsertAssignment stores a new assignment within the worker's caseload limit in
// the program; limit 0 is none. It fails with Conflict (caseload_limit_reached).
func InsertAssignment(ctx context.Context, tx *postgres.Tx, a casefile.Assignment, program string, limit int) error {
	if _, err := tx.ExecContext(ctx, openCaseload, a.WorkerID, program); err != nil {
		return fmt.Errorf("open caseload: %w", err)
	}
	res, err := tx.ExecContext(ctx, takePlace, a.WorkerID, program, limit)
	if err != nil {
		return fmt.Errorf("take place in caseload: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("take place in caseload: %w", err)
	}
	if n == 0 {
		return fault.New(fault.Conflict, "caseload_limit_reached",
			fmt.Sprintf("The worker has %d cases of this program, which is its limit. Choose another worker.", limit),
			fault.Field{Pointer: "/worker_id", Code: "caseload_limit_reached", Detail: "Choose another worker."})
	}
	if _, err := tx.ExecContext(ctx, insertAssignment, a.ID, a.CaseID, a.WorkerID, a.SupervisorID, a.Role, a.By, a.At); err != nil {
		return fmt.Errorf("insert assignment: %w", err)
	}
	return nil
}

const endAssignment = `
UPDATE assignment SET ended_at = $2, ended_by = $3, reason_code = $4 WHERE assignment_id = $1 AND ended_at IS NULL`

// EndAssignments stores that assignments of a program ended and frees their
// places. Places are freed in one order everywhere, so that two closings do not
// wait for each other.
func EndAssignments(ctx context.Context, tx *postgres.Tx, program string, ended ...casefile.Assignment) error {
	ended = slices.SortedFunc(slices.Values(ended), func(a, b casefile.Assignment) int { return strings.Compare(a.WorkerID, b.WorkerID) })
	for _, a := range ended {
		if a.Ended == nil {
			return fmt.Errorf("end assignment: it has not ended")
		}
		res, err := tx.ExecContext(ctx, endAssignment, a.ID, a.Ended.At, a.Ended.By, a.Ended.Reason)
		if err != nil {
			return fmt.Errorf("end assignment: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n != 1 {
			return errors.Join(err, fmt.Errorf("end assignment: %d rows changed, want 1", n))
		}
		if _, err := tx.ExecContext(ctx, leavePlace, a.WorkerID, program); err != nil {
			return fmt.Errorf("leave place in caseload: %w", err)
		}
	}
	return nil
}

// Exclusion keeps a worker out of a case until it is lifted.
type Exclusion struct {
	CaseID     casefile.CaseID `db:"case_id"`
	WorkerID   string          `db:"worker_id"`
	ReasonCode string          `db:"reason_code"`
	ExcludedBy string          `db:"excluded_by"`
	ExcludedAt time.Time       `db:"excluded_at"`
	LiftedBy   *string         `db:"lifted_by"`
	LiftedAt   *time.Time      `db:"lifted_at"`
	LiftReason *string         `db:"lift_reason"`
}

const exclusionColumns = `case_id, worker_id, reason_code, excluded_by, excluded_at, lifted_by, lifted_at, lift_reason`

const insertExclusion = `
INSERT INTO exclusion (case_id, worker_id, reason_code, excluded_by, excluded_at) VALUES ($1, $2, $3, $4, $5)`

// InsertExclusion stores a new exclusion.
func InsertExclusion(ctx context.Context, tx *postgres.Tx, e Exclusion) error {
	if _, err := tx.ExecContext(ctx, insertExclusion, e.CaseID, e.WorkerID, e.ReasonCode, e.ExcludedBy, e.ExcludedAt); err != nil {
		return fmt.Errorf("insert exclusion: %w", err)
	}
	return nil
}

const liftExclusion = `
UPDATE exclusion SET lifted_by = $3, lifted_at = $4, lift_reason = $5 WHERE case_id = $1 AND worker_id = $2 AND lifted_at IS NULL
RETURNING ` + exclusionColumns

// LiftExclusion ends the exclusion of a worker from a case and returns it. It fails
// with NotFound when there is none.
func LiftExclusion(ctx context.Context, tx *postgres.Tx, id casefile.CaseID, worker, reason, by string, at time.Time) (e Exclusion, err error) {
	switch err := tx.GetContext(ctx, &e, liftExclusion, id, worker, by, at, reason); {
	case errors.Is(err, sql.ErrNoRows):
		return e, fault.Missing("exclusion")
	case err != nil:
		return e, fmt.Errorf("lift exclusion: %w", err)
	}
	return e, nil
}

func barred(ctx context.Context, tx *postgres.Tx, id casefile.CaseID) ([]string, error) {
	var workers []string
	if err := tx.SelectContext(ctx, &workers, `SELECT worker_id FROM exclusion WHERE case_id = $1 AND lifted_at IS NULL ORDER BY worker_id`, id); err != nil {
		return nil, fmt.Errorf("read exclusions of case: %w", err)
	}
	return workers, nil
}

// Worked says whether a worker has, or ever had, a case.
func Worked(ctx context.Context, tx *postgres.Tx, id casefile.CaseID, worker string) (bool, error) {
	var worked bool
	if err := tx.GetContext(ctx, &worked, `SELECT EXISTS (SELECT FROM assignment WHERE case_id = $1 AND worker_id = $2)`, id, worker); err != nil {
		return false, fmt.Errorf("read assignments: %w", err)
	}
	return worked, nil
}
