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

const insertSafetyPlan = `
INSERT INTO safety_plan (safety_plan_id, case_id, assessment_id, actions, review_on, started_by, started_at, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`

// InsertSafetyPlan stores a safety plan in force.
func InsertSafetyPlan(ctx context.Context, tx *postgres.Tx, p casefile.SafetyPlan) error {
	actions, err := postgres.WriteJSON(p.Actions)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, insertSafetyPlan, p.ID, p.CaseID, p.AssessmentID, actions, p.ReviewOn, p.StartedBy, p.StartedAt, p.Version)
	if err != nil {
		return fmt.Errorf("insert safety plan: %w", err)
	}
	return nil
}

const endSafetyPlan = `
UPDATE safety_plan SET ended_at = $2, ended_by = $3, reason_code = $4, version = $5 WHERE safety_plan_id = $1 AND ended_at IS NULL`

// EndSafetyPlan stores that a safety plan ended.
func EndSafetyPlan(ctx context.Context, tx *postgres.Tx, p casefile.SafetyPlan) error {
	if p.Ended == nil {
		return fmt.Errorf("end safety plan: it has not ended")
	}
	res, err := tx.ExecContext(ctx, endSafetyPlan, p.ID, p.Ended.At, p.Ended.By, p.Ended.Reason, p.Version)
	if err != nil {
		return fmt.Errorf("end safety plan: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, fmt.Errorf("end safety plan: %d rows changed, want 1", n))
	}
	return nil
}

const safetyPlanColumns = `
safety_plan_id, case_id, assessment_id, actions, to_char(review_on, 'YYYY-MM-DD') AS review_on, started_by, started_at, ended_at, ended_by,
reason_code, version`

type safetyPlanRow struct {
	SafetyPlanID string                                 `db:"safety_plan_id"`
	CaseID       casefile.CaseID                        `db:"case_id"`
	AssessmentID string                                 `db:"assessment_id"`
	Actions      postgres.JSON[[]casefile.SafetyAction] `db:"actions"`
	ReviewOn     string                                 `db:"review_on"`
	StartedBy    string                                 `db:"started_by"`
	StartedAt    time.Time                              `db:"started_at"`
	Version      int64                                  `db:"version"`
	endingColumns
}

func (r safetyPlanRow) plan() casefile.SafetyPlan {
	return casefile.SafetyPlan{
		ID: r.SafetyPlanID, CaseID: r.CaseID, AssessmentID: r.AssessmentID, Actions: r.Actions.V, ReviewOn: r.ReviewOn,
		StartedBy: r.StartedBy, StartedAt: r.StartedAt.UTC(), Ended: r.ending(), Version: r.Version,
	}
}

// SafetyPlanNotFound is the answer for a safety plan that is not there, or not
// for the asker.
func SafetyPlanNotFound() error {
	return fault.Missing("safety_plan")
}

const selectSafetyPlan = `SELECT ` + safetyPlanColumns + ` FROM safety_plan WHERE safety_plan_id = $1`

// GetSafetyPlan reads a safety plan. It fails with NotFound (safety_plan_not_found).
func GetSafetyPlan(ctx context.Context, tx *postgres.Tx, id string) (casefile.SafetyPlan, error) {
	var row safetyPlanRow
	err := tx.GetContext(ctx, &row, selectSafetyPlan, id)
	if errors.Is(err, sql.ErrNoRows) {
		return casefile.SafetyPlan{}, SafetyPlanNotFound()
	}
	if err != nil {
		return casefile.SafetyPlan{}, fmt.Errorf("read safety plan: %w", err)
	}
	return row.plan(), nil
}
