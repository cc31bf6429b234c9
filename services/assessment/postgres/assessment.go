package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/assessment/instruments"
	"github.com/hearthfps/hearth/services/assessment/record"
	"github.com/hearthfps/hearth/services/assessment/scoring"
)

const insertAssessment = `
INSERT INTO assessment (assessment_id, case_id, instrument, instrument_version, instrument_hash, occasion, status, due_at,
                        answers, contributors, revision, trace)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '[]', $10, $11)
ON CONFLICT DO NOTHING`

// Insert stores a new assessment; inserted is false when the case was given the
// instrument at its opening before, or has an open review by it.
func Insert(ctx context.Context, tx *postgres.Tx, a *record.Assessment) (inserted bool, err error) {
	answers, err := postgres.WriteJSON(a.Answers)
	if err != nil {
		return false, err
	}
	res, err := tx.ExecContext(ctx, insertAssessment, a.ID, a.CaseID, a.Instrument, a.Version, a.Hash, a.Occasion, a.Status, a.DueAt,
		answers, a.Revision, a.Trace)
	if err != nil {
		return false, fmt.Errorf("insert assessment: %w", err)
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

const selectAssessment = `
SELECT a.assessment_id, a.case_id, a.instrument, a.instrument_version, a.instrument_hash, a.occasion, a.status, a.due_at,
       a.answers, a.contributors, a.completed_by, a.completed_at, a.result, a.revision, a.trace,
       d.decision, d.proposed, d.decided_by, d.decided_at, d.overridden, d.reason_code, d.reason
FROM assessment a
LEFT JOIN LATERAL (
    SELECT decision, proposed, decided_by, decided_at, overridden, reason_code, reason
    FROM safety_decision s
    WHERE s.agency_id = a.agency_id AND s.assessment_id = a.assessment_id
    ORDER BY revision DESC LIMIT 1
) d ON true
WHERE a.assessment_id = $1`

type assessmentRow struct {
	AssessmentID      record.AssessmentID            `db:"assessment_id"`
	CaseID            string                         `db:"case_id"`
	Instrument        string                         `db:"instrument"`
	InstrumentVersion string                         `db:"instrument_version"`
	InstrumentHash    string                         `db:"instrument_hash"`
	Occasion          record.Occasion                `db:"occasion"`
	Status            record.Status                  `db:"status"`
	DueAt             time.Time                      `db:"due_at"`
	Answers           postgres.JSON[scoring.Answers] `db:"answers"`
	Contributors      postgres.JSON[[]string]        `db:"contributors"`
	CompletedBy       sql.NullString                 `db:"completed_by"`
	CompletedAt       sql.NullTime                   `db:"completed_at"`
	Result            postgres.JSON[*scoring.Result] `db:"result"`
	Revision          int64                          `db:"revision"`
	Trace             string                         `db:"trace"`
	safetyColumns
}

type safetyColumns struct {
	Decision   sql.NullString `db:"decision"`
	Proposed   sql.NullString `db:"proposed"`
	DecidedBy  sql.NullString `db:"decided_by"`
	DecidedAt  sql.NullTime   `db:"decided_at"`
	Overridden sql.NullBool   `db:"overridden"`
	ReasonCode sql.NullString `db:"reason_code"`
	Reason     sql.NullString `db:"reason"`
}

func (c safetyColumns) decision() *record.SafetyDecision {
	if !c.Decision.Valid {
		return nil
	}
	return &record.SafetyDecision{
		Decision: instruments.Decision(c.Decision.String), Proposed: instruments.Decision(c.Proposed.String),
		DecidedBy: c.DecidedBy.String, DecidedAt: c.DecidedAt.Time.UTC(), Overridden: c.Overridden.Bool,
		ReasonCode: c.ReasonCode.String, Reason: c.Reason.String,
	}
}

// Get reads an assessment. It fails with NotFound (assessment_not_found).
func Get(ctx context.Context, tx *postgres.Tx, id record.AssessmentID) (*record.Assessment, error) {
	return get(ctx, tx, selectAssessment, id)
}

// Lock reads an assessment and keeps others from changing it until the end of
// the transaction. It fails with NotFound (assessment_not_found).
func Lock(ctx context.Context, tx *postgres.Tx, id record.AssessmentID) (*record.Assessment, error) {
	return get(ctx, tx, selectAssessment+" FOR UPDATE OF a", id)
}

// NotFound is the answer for an assessment that is not there, or not for the asker.
func NotFound() error {
	return fault.Missing("assessment")
}

func get(ctx context.Context, tx *postgres.Tx, query string, id record.AssessmentID) (*record.Assessment, error) {
	var row assessmentRow
	err := tx.GetContext(ctx, &row, query, id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, NotFound()
	}
	if err != nil {
		return nil, fmt.Errorf("read assessment: %w", err)
	}
	return row.assessment(), nil
}

func (r *assessmentRow) assessment() *record.Assessment {
	return &record.Assessment{
		ID: r.AssessmentID, CaseID: r.CaseID, Instrument: r.Instrument, Version: r.InstrumentVersion, Hash: r.InstrumentHash,
		Occasion: r.Occasion, Status: r.Status, DueAt: r.DueAt.UTC(), Answers: r.Answers.V, Contributors: r.Contributors.V,
		CompletedBy: r.CompletedBy.String, CompletedAt: utc(r.CompletedAt), Result: r.Result.V, Safety: r.decision(),
		Revision: r.Revision, Trace: r.Trace,
	}
}

func utc(t sql.NullTime) time.Time {
	if !t.Valid {
		return time.Time{}
	}
	return t.Time.UTC()
}

const updateAssessment = `
UPDATE assessment
SET status = $2, answers = $3, contributors = $4, completed_by = $5, completed_at = $6, result = $7, revision = $8
WHERE assessment_id = $1 AND revision < $8`

const insertDecision = `
INSERT INTO safety_decision (assessment_id, revision, case_id, decision, proposed, decided_by, decided_at, overridden, reason_code, reason)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

// Save stores an assessment that was locked and changed once. A safety decision
// it has is new: an assessment that is decided changes by a further decision alone.
func Save(ctx context.Context, tx *postgres.Tx, a *record.Assessment) error {
	answers, err := postgres.WriteJSON(a.Answers)
	if err != nil {
		return err
	}
	contributors, err := postgres.WriteJSON(append([]string{}, a.Contributors...))
	if err != nil {
		return err
	}
	var result *string
	if a.Result != nil {
		text, err := postgres.WriteJSON(a.Result)
		if err != nil {
			return err
		}
		result = &text
	}
	by := sql.NullString{String: a.CompletedBy, Valid: a.CompletedBy != ""}
	at := sql.NullTime{Time: a.CompletedAt, Valid: !a.CompletedAt.IsZero()}
	res, err := tx.ExecContext(ctx, updateAssessment, a.ID, a.Status, answers, contributors, by, at, result, a.Revision)
	if err != nil {
		return fmt.Errorf("update assessment: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, fmt.Errorf("update assessment: %d rows changed, want 1: it was not locked, or not changed", n))
	}
	if s := a.Safety; s != nil {
		_, err := tx.ExecContext(ctx, insertDecision, a.ID, a.Revision, a.CaseID, s.Decision, s.Proposed, s.DecidedBy, s.DecidedAt, s.Overridden, s.ReasonCode, s.Reason)
		if err != nil {
			return fmt.Errorf("insert safety decision: %w", err)
		}
	}
	return nil
}

const selectSafety = `
SELECT assessment_id, decision, proposed, decided_by, decided_at, overridden, reason_code, reason
FROM safety_decision WHERE case_id = $1
ORDER BY decided_at DESC, assessment_id DESC, revision DESC LIMIT 1`

// CurrentSafety returns a case's newest safety decision and the assessment it
// belongs to. It fails with NotFound (safety_not_decided).
func CurrentSafety(ctx context.Context, tx *postgres.Tx, caseID string) (record.AssessmentID, *record.SafetyDecision, error) {
	var row struct {
		AssessmentID record.AssessmentID `db:"assessment_id"`
		safetyColumns
	}
	err := tx.GetContext(ctx, &row, selectSafety, caseID)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil, fault.New(fault.NotFound, "safety_not_decided", "No safety decision has been made in this case.")
	}
	if err != nil {
		return "", nil, fmt.Errorf("read safety decision: %w", err)
	}
	return row.AssessmentID, row.decision(), nil
}
