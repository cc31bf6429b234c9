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

const insertPlan = `INSERT INTO plan (plan_id, case_id, revision) VALUES ($1, $2, $3) ON CONFLICT (agency_id, case_id) DO NOTHING`

// InsertPlan stores a new plan. It fails with Conflict (plan_exists) when the
// case has one.
func InsertPlan(ctx context.Context, tx *postgres.Tx, p *casefile.Plan) error {
	res, err := tx.ExecContext(ctx, insertPlan, p.ID, p.CaseID, p.Revision)
	if err != nil {
		return fmt.Errorf("insert plan: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("insert plan: %w", err)
	}
	if n == 0 {
		return fault.New(fault.Conflict, "plan_exists", "The case has a plan. Change it, or revise it once it is approved.")
	}
	return putVersions(ctx, tx, p)
}

const updatePlan = `UPDATE plan SET revision = $2 WHERE plan_id = $1 AND revision < $2`

// SavePlan stores a plan that was locked and changed.
func SavePlan(ctx context.Context, tx *postgres.Tx, p *casefile.Plan) error {
	res, err := tx.ExecContext(ctx, updatePlan, p.ID, p.Revision)
	if err != nil {
		return fmt.Errorf("update plan: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, fmt.Errorf("update plan: %d rows changed, want 1: it was not locked, or not changed", n))
	}
	return putVersions(ctx, tx, p)
}

const putVersion = `
INSERT INTO plan_version (plan_id, version, status, author, editors, supervisor_id, content, created_at, submitted_by, submitted_at,
                          approved_by, approved_at, returned)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT (agency_id, plan_id, version) DO UPDATE
SET status = excluded.status, editors = excluded.editors, supervisor_id = excluded.supervisor_id, content = excluded.content,
    submitted_by = excluded.submitted_by, submitted_at = excluded.submitted_at, approved_by = excluded.approved_by,
    approved_at = excluded.approved_at, returned = excluded.returned
WHERE plan_version.status NOT IN ('approved', 'superseded') OR excluded.status = 'superseded'`

// putVersions writes the versions oldest first, so that the one superseded gives
// up its place before the next is approved. An approved one is left as it is.
func putVersions(ctx context.Context, tx *postgres.Tx, p *casefile.Plan) error {
	for i := range p.Versions {
		v := &p.Versions[i]
		editors, err := postgres.WriteJSON(v.Editors)
		if err != nil {
			return err
		}
		content, err := postgres.WriteJSON(v.Content)
		if err != nil {
			return err
		}
		var returned *string
		if v.Return != nil {
			text, err := postgres.WriteJSON(v.Return)
			if err != nil {
				return err
			}
			returned = &text
		}
		_, err = tx.ExecContext(ctx, putVersion, p.ID, v.Number, v.Status, v.Author, editors, v.SupervisorID, content, v.CreatedAt,
			v.SubmittedBy, moment(v.SubmittedAt), v.ApprovedBy, moment(v.ApprovedAt), returned)
		if err != nil {
			return fmt.Errorf("store plan version %d: %w", v.Number, err)
		}
	}
	return nil
}

func moment(t time.Time) sql.NullTime { return sql.NullTime{Time: t, Valid: !t.IsZero()} }

func utc(t sql.NullTime) time.Time {
	if !t.Valid {
		return time.Time{}
	}
	return t.Time.UTC()
}

type versionRow struct {
	Version      int                             `db:"version"`
	Status       casefile.PlanStatus             `db:"status"`
	Author       string                          `db:"author"`
	Editors      postgres.JSON[[]string]         `db:"editors"`
	SupervisorID string                          `db:"supervisor_id"`
	Content      postgres.JSON[casefile.Content] `db:"content"`
	CreatedAt    time.Time                       `db:"created_at"`
	SubmittedBy  string                          `db:"submitted_by"`
	SubmittedAt  sql.NullTime                    `db:"submitted_at"`
	ApprovedBy   string                          `db:"approved_by"`
	ApprovedAt   sql.NullTime                    `db:"approved_at"`
	Returned     postgres.JSON[*casefile.Return] `db:"returned"`
}

func (r versionRow) version() casefile.PlanVersion {
	return casefile.PlanVersion{
		Number: r.Version, Status: r.Status, Author: r.Author, Editors: r.Editors.V, SupervisorID: r.SupervisorID, Content: r.Content.V,
		CreatedAt: r.CreatedAt.UTC(), SubmittedBy: r.SubmittedBy, SubmittedAt: utc(r.SubmittedAt), ApprovedBy: r.ApprovedBy,
		ApprovedAt: utc(r.ApprovedAt), Return: r.Returned.V,
	}
}

const (
	planCase       = `SELECT case_id FROM plan WHERE plan_id = $1`
	selectPlan     = `SELECT case_id, revision FROM plan WHERE plan_id = $1`
	selectVersions = `
SELECT version, status, author, editors, supervisor_id, content, created_at, submitted_by, submitted_at, approved_by, approved_at, returned
FROM plan_version WHERE plan_id = $1 ORDER BY version`
)

// PlanNotFound is the answer for a plan that is not there, or not for the asker.
func PlanNotFound() error {
	return fault.Missing("plan")
}

// PlanCase says which case a plan belongs to. It fails with NotFound
// (plan_not_found).
func PlanCase(ctx context.Context, tx *postgres.Tx, planID string) (casefile.CaseID, error) {
	var id casefile.CaseID
	err := tx.GetContext(ctx, &id, planCase, planID)
	if errors.Is(err, sql.ErrNoRows) {
		return "", PlanNotFound()
	}
	if err != nil {
		return "", fmt.Errorf("read case of plan: %w", err)
	}
	return id, nil
}

// GetPlan reads a plan with its versions. A plan is changed under the lock of
// its case. It fails with NotFound (plan_not_found).
func GetPlan(ctx context.Context, tx *postgres.Tx, planID string) (*casefile.Plan, error) {
	var row struct {
		CaseID   casefile.CaseID `db:"case_id"`
		Revision int64           `db:"revision"`
	}
	err := tx.GetContext(ctx, &row, selectPlan, planID)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, PlanNotFound()
	}
	if err != nil {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	var rows []versionRow
	if err := tx.SelectContext(ctx, &rows, selectVersions, planID); err != nil {
		return nil, fmt.Errorf("read plan versions: %w", err)
	}
	p := &casefile.Plan{ID: planID, CaseID: row.CaseID, Revision: row.Revision, Versions: make([]casefile.PlanVersion, len(rows))}
	for i, r := range rows {
		p.Versions[i] = r.version()
	}
	return p, nil
}

const selectPlanOfCase = `SELECT plan_id FROM plan WHERE case_id = $1`

// PlanOfCase returns a case's plan; nil when it has none.
func PlanOfCase(ctx context.Context, tx *postgres.Tx, id casefile.CaseID) (*casefile.Plan, error) {
	var planID string
	err := tx.GetContext(ctx, &planID, selectPlanOfCase, id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read plan of case: %w", err)
	}
	return GetPlan(ctx, tx, planID)
}

const insertReview = `
INSERT INTO review (review_id, plan_id, plan_version, case_id, held_on, ratings, t_score, goals, reviewed_by, reviewed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

// InsertReview stores a review.
func InsertReview(ctx context.Context, tx *postgres.Tx, r casefile.Review) error {
	ratings, err := postgres.WriteJSON(r.Ratings)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, insertReview, r.ID, r.PlanID, r.PlanVersion, r.CaseID, r.HeldOn, ratings, r.TScore, r.Goals, r.By, r.At)
	if err != nil {
		return fmt.Errorf("insert review: %w", err)
	}
	return nil
}
