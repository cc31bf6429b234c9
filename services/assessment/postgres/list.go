package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/assessment/record"
)

// Condition gives a condition in SQL whose placeholders come after args, and the
// arguments of both.
type Condition func(args []any) (string, []any, error)

// Query narrows a list of assessments; zero fields do not. The page begins after
// the assessment with AfterDue and AfterID.
type Query struct {
	CaseID    string
	Status    record.Status
	DueBefore time.Time
	Visible   Condition // holds the list to the cases the asker may see
	AfterDue  time.Time
	AfterID   string
	Limit     int
}

// Listed is an assessment as a list shows it.
type Listed struct {
	ID          record.AssessmentID
	CaseID      string
	Instrument  string
	Version     string
	Hash        string
	Occasion    record.Occasion
	Status      record.Status
	DueAt       time.Time
	CompletedAt time.Time
	Safety      string
}

type listedRow struct {
	ID          record.AssessmentID `db:"assessment_id"`
	CaseID      string              `db:"case_id"`
	Instrument  string              `db:"instrument"`
	Version     string              `db:"instrument_version"`
	Hash        string              `db:"instrument_hash"`
	Occasion    record.Occasion     `db:"occasion"`
	Status      record.Status       `db:"status"`
	DueAt       time.Time           `db:"due_at"`
	CompletedAt sql.NullTime        `db:"completed_at"`
	Safety      sql.NullString      `db:"safety"`
}

// List returns assessments by due date, and one more than the limit if there
// are more.
func List(ctx context.Context, tx *postgres.Tx, q Query) ([]Listed, error) {
	var conditions []string
	var args []any
	add := func(condition string, values ...any) {
		var b strings.Builder
		next := 0
		for _, r := range condition {
			if r != '?' {
				b.WriteRune(r)
				continue
			}
			args = append(args, values[next])
			next++
			b.WriteString("$" + strconv.Itoa(len(args)))
		}
		conditions = append(conditions, "("+b.String()+")")
	}
	if q.CaseID != "" {
		add("a.case_id = ?", q.CaseID)
	}
	if q.Status != "" {
		add("a.status = ?", q.Status)
	}
	if !q.DueBefore.IsZero() {
		add("a.due_at < ?", q.DueBefore)
	}
	if q.AfterID != "" {
		add("(a.due_at, a.assessment_id) > (?, ?)", q.AfterDue, q.AfterID)
	}
	visible, args, err := q.Visible(args)
	if err != nil {
		return nil, err
	}
	conditions = append(conditions, "("+visible+")")
	where := "WHERE " + strings.Join(conditions, " AND ")
	var rows []listedRow
	err = tx.SelectContext(ctx, &rows, `
SELECT a.assessment_id, a.case_id, a.instrument, a.instrument_version, a.instrument_hash, a.occasion, a.status, a.due_at, a.completed_at,
       (SELECT s.decision FROM safety_decision s WHERE s.agency_id = a.agency_id AND s.assessment_id = a.assessment_id
        ORDER BY s.revision DESC LIMIT 1) AS safety
FROM assessment a `+where+`
ORDER BY a.due_at, a.assessment_id LIMIT `+strconv.Itoa(q.Limit+1), args...)
	if err != nil {
		return nil, fmt.Errorf("list assessments: %w", err)
	}
	out := make([]Listed, len(rows))
	for i, r := range rows {
		out[i] = Listed{
			ID: r.ID, CaseID: r.CaseID, Instrument: r.Instrument, Version: r.Version, Hash: r.Hash, Occasion: r.Occasion,
			Status: r.Status, DueAt: r.DueAt.UTC(), CompletedAt: utc(r.CompletedAt), Safety: r.Safety.String,
		}
	}
	return out, nil
}
