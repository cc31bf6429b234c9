package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/assessment/record"
)

// CaseFile is what assessment knows of a case.
type CaseFile struct {
	CaseID         string
	Program        string
	ProgramVersion string
	OpenedAt       time.Time
	Closed         bool
	Trace          string
}

const openCase = `
INSERT INTO case_file (case_id, program, program_version, opened_at, trace)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (agency_id, case_id) DO UPDATE
SET program = excluded.program, program_version = excluded.program_version, opened_at = excluded.opened_at, trace = excluded.trace
RETURNING closed_at IS NOT NULL`

// OpenCase stores a case that opened. closed is true when its closing was heard
// of before.
func OpenCase(ctx context.Context, tx *postgres.Tx, c CaseFile) (closed bool, err error) {
	if err := tx.GetContext(ctx, &closed, openCase, c.CaseID, c.Program, c.ProgramVersion, c.OpenedAt, c.Trace); err != nil {
		return false, fmt.Errorf("store case: %w", err)
	}
	return closed, nil
}

const closeCase = `
INSERT INTO case_file (case_id, closed_at) VALUES ($1, $2)
ON CONFLICT (agency_id, case_id) DO UPDATE SET closed_at = excluded.closed_at`

// CloseCase stores that a case closed.
func CloseCase(ctx context.Context, tx *postgres.Tx, caseID string, at time.Time) error {
	if _, err := tx.ExecContext(ctx, closeCase, caseID, at); err != nil {
		return fmt.Errorf("store closing of case: %w", err)
	}
	return nil
}

const selectCase = `
SELECT program, program_version, opened_at, closed_at IS NOT NULL AS closed, trace
FROM case_file WHERE case_id = $1 AND opened_at IS NOT NULL`

// GetCase reads a case. It fails with NotFound (case_not_found).
func GetCase(ctx context.Context, tx *postgres.Tx, caseID string) (CaseFile, error) {
	return getCase(ctx, tx, selectCase, caseID)
}

// HoldCase reads a case and keeps it from closing until the end of the
// transaction. It fails with NotFound (case_not_found).
func HoldCase(ctx context.Context, tx *postgres.Tx, caseID string) (CaseFile, error) {
	return getCase(ctx, tx, selectCase+" FOR SHARE", caseID)
}

func getCase(ctx context.Context, tx *postgres.Tx, query, caseID string) (CaseFile, error) {
	var row struct {
		Program        string    `db:"program"`
		ProgramVersion string    `db:"program_version"`
		OpenedAt       time.Time `db:"opened_at"`
		Closed         bool      `db:"closed"`
		Trace          string    `db:"trace"`
	}
	err := tx.GetContext(ctx, &row, query, caseID)
	if errors.Is(err, sql.ErrNoRows) {
		return CaseFile{}, fault.Missing("case")
	}
	if err != nil {
		return CaseFile{}, fmt.Errorf("read case: %w", err)
	}
	return CaseFile{CaseID: caseID, Program: row.Program, ProgramVersion: row.ProgramVersion, OpenedAt: row.OpenedAt.UTC(), Closed: row.Closed, Trace: row.Trace}, nil
}

const openAssessments = `
SELECT assessment_id FROM assessment WHERE case_id = $1 AND status IN ('due', 'in_progress') ORDER BY assessment_id FOR UPDATE`

// OpenAssessments locks the assessments of a case that are neither completed nor
// cancelled and returns their ids.
func OpenAssessments(ctx context.Context, tx *postgres.Tx, caseID string) ([]record.AssessmentID, error) {
	var ids []record.AssessmentID
	if err := tx.SelectContext(ctx, &ids, openAssessments, caseID); err != nil {
		return nil, fmt.Errorf("list open assessments: %w", err)
	}
	return ids, nil
}
