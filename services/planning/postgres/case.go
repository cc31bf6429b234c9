package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/planning/casefile"
)

const insertCase = `
INSERT INTO case_file (case_id, referral_id, household_id, program, program_version, priority, persons, languages,
                       safety_flags, concern_codes, opened_by, opened_at, status, version, trace)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`

// InsertCase stores a case that opened, and the referral it grew from.
func InsertCase(ctx context.Context, tx *postgres.Tx, c *casefile.Case) error {
	lists := make([]string, 5)
	for i, v := range []any{c.Persons, c.Languages, c.SafetyFlags, c.ConcernCodes} {
		text, err := postgres.WriteJSON(v)
		if err != nil {
			return err
		}
		lists[i] = text
	}
	_, err := tx.ExecContext(ctx, insertCase, c.ID, c.ReferralID, c.HouseholdID, c.Program, c.ProgramVersion, c.Priority,
		lists[0], lists[1], lists[2], lists[3], c.OpenedBy, c.OpenedAt, c.Status, c.Version, c.Trace)
	if err != nil {
		return fmt.Errorf("insert case: %w", err)
	}
	return LinkReferral(ctx, tx, c.ID, c.ReferralID)
}

const linkReferral = `INSERT INTO case_referral (case_id, referral_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`

// LinkReferral makes what happened to a referral part of a case's timeline.
func LinkReferral(ctx context.Context, tx *postgres.Tx, id casefile.CaseID, referralID string) error {
	if _, err := tx.ExecContext(ctx, linkReferral, id, referralID); err != nil {
		return fmt.Errorf("link referral to case: %w", err)
	}
	return nil
}

const selectCase = `
SELECT c.case_id, c.referral_id, c.household_id, c.program, c.program_version, c.priority, c.persons, c.languages, c.safety_flags,
       c.concern_codes, c.opened_by, c.opened_at, c.status, c.closing_reason, c.closing_summary, c.closed_by, c.closed_at,
       c.version, c.trace
FROM case_file c WHERE c.case_id = $1`

type caseRow struct {
	CaseID         casefile.CaseID                  `db:"case_id"`
	ReferralID     string                           `db:"referral_id"`
	HouseholdID    string                           `db:"household_id"`
	Program        string                           `db:"program"`
	ProgramVersion string                           `db:"program_version"`
	Priority       string                           `db:"priority"`
	Persons        postgres.JSON[[]casefile.Person] `db:"persons"`
	Languages      postgres.JSON[[]string]          `db:"languages"`
	SafetyFlags    postgres.JSON[[]string]          `db:"safety_flags"`
	ConcernCodes   postgres.JSON[[]string]          `db:"concern_codes"`
	OpenedBy       string                           `db:"opened_by"`
	OpenedAt       time.Time                        `db:"opened_at"`
	Status         casefile.CaseStatus              `db:"status"`
	ClosingReason  sql.NullString                   `db:"closing_reason"`
	ClosingSummary sql.NullString                   `db:"closing_summary"`
	ClosedBy       sql.NullString                   `db:"closed_by"`
	ClosedAt       sql.NullTime                     `db:"closed_at"`
	Version        int64                            `db:"version"`
	Trace          string                           `db:"trace"`
}

// GetCase reads a case with its roster, exclusions and safety. It fails with
// NotFound (case_not_found).
func GetCase(ctx context.Context, tx *postgres.Tx, id casefile.CaseID) (*casefile.Case, error) {
	return getCase(ctx, tx, selectCase, id)
}

// LockCase reads a case and keeps others from changing it, or its plans, until
// the end of the transaction. It fails with NotFound (case_not_found).
func LockCase(ctx context.Context, tx *postgres.Tx, id casefile.CaseID) (*casefile.Case, error) {
	return getCase(ctx, tx, selectCase+" FOR UPDATE", id)
}

// CaseNotFound is the answer for a case that is not there, or not for the asker.
func CaseNotFound() error {
	return fault.Missing("case")
}

func getCase(ctx context.Context, tx *postgres.Tx, query string, id casefile.CaseID) (*casefile.Case, error) {
	var row caseRow
	err := tx.GetContext(ctx, &row, query, id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, CaseNotFound()
	}
	if err != nil {
		return nil, fmt.Errorf("read case: %w", err)
	}
	c := &casefile.Case{
		ID: row.CaseID, ReferralID: row.ReferralID, HouseholdID: row.HouseholdID, Program: row.Program, ProgramVersion: row.ProgramVersion,
		Priority: row.Priority, Persons: row.Persons.V, Languages: row.Languages.V, SafetyFlags: row.SafetyFlags.V, ConcernCodes: row.ConcernCodes.V,
		OpenedBy: row.OpenedBy, OpenedAt: row.OpenedAt.UTC(), Status: row.Status, Version: row.Version, Trace: row.Trace,
	}
	if row.ClosedAt.Valid {
		c.Closing = &casefile.Closing{Reason: row.ClosingReason.String, Summary: row.ClosingSummary.String, By: row.ClosedBy.String, At: row.ClosedAt.Time.UTC()}
	}
	if c.Roster, err = roster(ctx, tx, id); err != nil {
		return nil, err
	}
	if c.Barred, err = barred(ctx, tx, id); err != nil {
		return nil, err
	}
	c.Safety, err = safety(ctx, tx, id)
	return c, err
}

const updateCase = `
UPDATE case_file SET status = $2, closing_reason = $3, closing_summary = $4, closed_by = $5, closed_at = $6, version = $7
WHERE case_id = $1 AND version < $7`

// SaveCase stores the status and closing of a case that was locked and changed.
// Assignments, exclusions and safety have functions of their own.
func SaveCase(ctx context.Context, tx *postgres.Tx, c *casefile.Case) error {
	var reason, summary, by sql.NullString
	var at sql.NullTime
	if cl := c.Closing; cl != nil {
		reason, summary, by = known(cl.Reason), known(cl.Summary), known(cl.By)
		at = sql.NullTime{Time: cl.At, Valid: true}
	}
	res, err := tx.ExecContext(ctx, updateCase, c.ID, c.Status, reason, summary, by, at, c.Version)
	if err != nil {
		return fmt.Errorf("update case: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, fmt.Errorf("update case: %d rows changed, want 1: it was not locked, or not changed", n))
	}
	return nil
}

func known(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }

const selectSafety = `
SELECT s.decision, s.assessment_id, s.demanded,
       (SELECT p.safety_plan_id FROM safety_plan p WHERE p.case_id = $1 AND p.ended_at IS NULL) AS in_force
FROM (SELECT 1) one LEFT JOIN case_safety s ON s.case_id = $1`

func safety(ctx context.Context, tx *postgres.Tx, id casefile.CaseID) (casefile.Safety, error) {
	var row struct {
		Decision     sql.NullString `db:"decision"`
		AssessmentID sql.NullString `db:"assessment_id"`
		Demanded     sql.NullBool   `db:"demanded"`
		InForce      sql.NullString `db:"in_force"`
	}
	if err := tx.GetContext(ctx, &row, selectSafety, id); err != nil {
		return casefile.Safety{}, fmt.Errorf("read safety of case: %w", err)
	}
	return casefile.Safety{Decision: row.Decision.String, AssessmentID: row.AssessmentID.String, Demanded: row.Demanded.Bool, PlanInForce: row.InForce.String}, nil
}

// Safety reads what is known of the children's safety in a case, which may not
// have been opened yet.
func Safety(ctx context.Context, tx *postgres.Tx, id casefile.CaseID) (casefile.Safety, error) {
	return safety(ctx, tx, id)
}

const putSafety = `
INSERT INTO case_safety (case_id, decision, assessment_id, demanded) VALUES ($1, $2, $3, $4)
ON CONFLICT (agency_id, case_id) DO UPDATE
SET decision = excluded.decision, assessment_id = excluded.assessment_id, demanded = excluded.demanded`

// PutSafety stores the safety decision of a case and what it demands; without a
// decision there is nothing to store.
func PutSafety(ctx context.Context, tx *postgres.Tx, id casefile.CaseID, s casefile.Safety) error {
	if s.Decision == "" {
		return nil
	}
	if _, err := tx.ExecContext(ctx, putSafety, id, s.Decision, s.AssessmentID, s.Demanded); err != nil {
		return fmt.Errorf("store safety of case: %w", err)
	}
	return nil
}
