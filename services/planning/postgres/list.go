package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/planning/casefile"
)

// Place is where a page begins: after the row with this time and id. The zero
// Place is the beginning.
type Place struct {
	At time.Time
	ID string
}

// Condition gives a condition in SQL whose placeholders come after args, and the
// arguments of both.
type Condition func(args []any) (string, []any, error)

// where builds the conditions of a list.
type where struct {
	parts []string
	args  []any
}

// add takes a condition with ? for each argument.
func (w *where) add(sql string, args ...any) {
	var b strings.Builder
	next := 0
	for _, r := range sql {
		if r != '?' {
			b.WriteRune(r)
			continue
		}
		w.args = append(w.args, args[next])
		next++
		b.WriteString("$" + strconv.Itoa(len(w.args)))
	}
	w.parts = append(w.parts, "("+b.String()+")")
}

// tail is the end of the statement: conditions, order and one row more than the
// page holds, which says that there is a next page.
func (w *where) tail(order string, limit int) string {
	conditions := ""
	if len(w.parts) > 0 {
		conditions = " WHERE " + strings.Join(w.parts, " AND ")
	}
	return conditions + " ORDER BY " + order + " LIMIT " + strconv.Itoa(limit+1)
}

// CaseQuery narrows a list of cases; zero fields do not.
type CaseQuery struct {
	Status, Program, WorkerID string
	Visible                   Condition // holds the list to the cases the asker may see
	After                     Place
	Limit                     int
}

// ListedCase is a case as a list shows it.
type ListedCase struct {
	ID       casefile.CaseID     `db:"case_id"`
	Program  string              `db:"program"`
	Status   casefile.CaseStatus `db:"status"`
	Priority string              `db:"priority"`
	Lead     *string             `db:"lead"`
	OpenedAt time.Time           `db:"opened_at"`
	ClosedAt *time.Time          `db:"closed_at"`
}

// ListCases returns cases, newest first, and one more than the limit if there are more.
func ListCases(ctx context.Context, tx *postgres.Tx, q CaseQuery) ([]ListedCase, error) {
	var w where
	if q.Status != "" {
		w.add("c.status = ?", q.Status)
	}
	if q.Program != "" {
		w.add("c.program = ?", q.Program)
	}
	if q.WorkerID != "" {
		w.add("EXISTS (SELECT FROM assignment w WHERE w.case_id = c.case_id AND w.ended_at IS NULL AND w.worker_id = ?)", q.WorkerID)
	}
	if q.After.ID != "" {
		w.add("(c.opened_at, c.case_id) < (?, ?)", q.After.At, q.After.ID)
	}
	visible, args, err := q.Visible(w.args)
	if err != nil {
		return nil, err
	}
	w.parts, w.args = append(w.parts, "("+visible+")"), args
	var rows []ListedCase
	err = tx.SelectContext(ctx, &rows, `
SELECT c.case_id, c.program, c.status, c.priority, c.opened_at, c.closed_at,
       (SELECT l.worker_id FROM assignment l WHERE l.case_id = c.case_id AND l.ended_at IS NULL AND l.role = 'lead') AS lead
FROM case_file c`+w.tail("c.opened_at DESC, c.case_id DESC", q.Limit), w.args...)
	if err != nil {
		return nil, fmt.Errorf("list cases: %w", err)
	}
	return rows, nil
}

// ListAssignments returns a case's assignments, ended ones too, newest first.
func ListAssignments(ctx context.Context, tx *postgres.Tx, id casefile.CaseID, after Place, limit int) ([]casefile.Assignment, error) {
	var w where
	w.add("case_id = ?", id)
	if after.ID != "" {
		w.add("(assigned_at, assignment_id) < (?, ?)", after.At, after.ID)
	}
	var rows []assignmentRow
	err := tx.SelectContext(ctx, &rows, `SELECT `+assignmentColumns+` FROM assignment`+w.tail("assigned_at DESC, assignment_id DESC", limit), w.args...)
	if err != nil {
		return nil, fmt.Errorf("list assignments: %w", err)
	}
	out := make([]casefile.Assignment, len(rows))
	for i, r := range rows {
		out[i] = r.assignment()
	}
	return out, nil
}

// ListExclusions returns a case's exclusions, lifted ones among them, newest first.
func ListExclusions(ctx context.Context, tx *postgres.Tx, id casefile.CaseID, after Place, limit int) ([]Exclusion, error) {
	var w where
	w.add("case_id = ?", id)
	if after.ID != "" {
		w.add("(excluded_at, worker_id) < (?, ?)", after.At, after.ID)
	}
	rows := []Exclusion{}
	err := tx.SelectContext(ctx, &rows, `
SELECT `+exclusionColumns+` FROM exclusion`+w.tail("excluded_at DESC, worker_id DESC", limit), w.args...)
	if err != nil {
		return nil, fmt.Errorf("list exclusions: %w", err)
	}
	return rows, nil
}

// ListSafetyPlans returns a case's safety plans, newest first.
func ListSafetyPlans(ctx context.Context, tx *postgres.Tx, id casefile.CaseID, after Place, limit int) ([]casefile.SafetyPlan, error) {
	var w where
	w.add("case_id = ?", id)
	if after.ID != "" {
		w.add("(started_at, safety_plan_id) < (?, ?)", after.At, after.ID)
	}
	var rows []safetyPlanRow
	err := tx.SelectContext(ctx, &rows, `SELECT `+safetyPlanColumns+` FROM safety_plan`+w.tail("started_at DESC, safety_plan_id DESC", limit), w.args...)
	if err != nil {
		return nil, fmt.Errorf("list safety plans: %w", err)
	}
	out := make([]casefile.SafetyPlan, len(rows))
	for i, r := range rows {
		out[i] = r.plan()
	}
	return out, nil
}

// ListReviews returns a plan's reviews, newest first.
func ListReviews(ctx context.Context, tx *postgres.Tx, planID string, after Place, limit int) ([]casefile.Review, error) {
	var w where
	w.add("plan_id = ?", planID)
	if after.ID != "" {
		w.add("(reviewed_at, review_id) < (?, ?)", after.At, after.ID)
	}
	var rows []struct {
		ReviewID    string                               `db:"review_id"`
		PlanID      string                               `db:"plan_id"`
		PlanVersion int                                  `db:"plan_version"`
		CaseID      casefile.CaseID                      `db:"case_id"`
		HeldOn      string                               `db:"held_on"`
		Ratings     postgres.JSON[[]casefile.GoalRating] `db:"ratings"`
		TScore      float64                              `db:"t_score"`
		Goals       int                                  `db:"goals"`
		ReviewedBy  string                               `db:"reviewed_by"`
		ReviewedAt  time.Time                            `db:"reviewed_at"`
	}
	err := tx.SelectContext(ctx, &rows, `
SELECT review_id, plan_id, plan_version, case_id, to_char(held_on, 'YYYY-MM-DD') AS held_on, ratings, t_score::float8 AS t_score, goals,
       reviewed_by, reviewed_at
FROM review`+w.tail("reviewed_at DESC, review_id DESC", limit), w.args...)
	if err != nil {
		return nil, fmt.Errorf("list reviews: %w", err)
	}
	out := make([]casefile.Review, len(rows))
	for i, r := range rows {
		out[i] = casefile.Review{
			ID: r.ReviewID, PlanID: r.PlanID, PlanVersion: r.PlanVersion, CaseID: r.CaseID, HeldOn: r.HeldOn,
			Ratings: r.Ratings.V, TScore: r.TScore, Goals: r.Goals, By: r.ReviewedBy, At: r.ReviewedAt.UTC(),
		}
	}
	return out, nil
}

const insertEntry = `
INSERT INTO timeline_entry (event_id, family_key, at, service, type, subject, data) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT DO NOTHING`

// InsertTimelineEntry stores an entry; an event that is there already stays as it is.
func InsertTimelineEntry(ctx context.Context, tx *postgres.Tx, e casefile.TimelineEntry) error {
	if _, err := tx.ExecContext(ctx, insertEntry, e.EventID, e.FamilyKey, e.At, e.Service, e.Type, e.Subject, string(e.Data)); err != nil {
		return fmt.Errorf("insert timeline entry: %w", err)
	}
	return nil
}

// ListTimeline returns what happened to a case and to the referrals it grew
// from, oldest first. service narrows it; "" does not. Entries keyed by a
// referral need no linking when its case opens: the link is looked up here.
func ListTimeline(ctx context.Context, tx *postgres.Tx, id casefile.CaseID, service string, after Place, limit int) ([]casefile.TimelineEntry, error) {
	var w where
	// An array, and not OR or IN, lets the index on family_key answer.
	w.add("family_key = ANY (ARRAY(SELECT r.referral_id FROM case_referral r WHERE r.case_id = ?) || ?::text)", id, id)
	if service != "" {
		w.add("service = ?", service)
	}
	if after.ID != "" {
		w.add("(at, event_id) > (?, ?)", after.At, after.ID)
	}
	var rows []struct {
		EventID   string    `db:"event_id"`
		FamilyKey string    `db:"family_key"`
		At        time.Time `db:"at"`
		Service   string    `db:"service"`
		Type      string    `db:"type"`
		Subject   string    `db:"subject"`
		Data      string    `db:"data"`
	}
	err := tx.SelectContext(ctx, &rows, `
SELECT event_id, family_key, at, service, type, subject, data::text AS data FROM timeline_entry`+w.tail("at, event_id", limit), w.args...)
	if err != nil {
		return nil, fmt.Errorf("list timeline: %w", err)
	}
	out := make([]casefile.TimelineEntry, len(rows))
	for i, r := range rows {
		out[i] = casefile.TimelineEntry{EventID: r.EventID, FamilyKey: r.FamilyKey, At: r.At.UTC(), Service: r.Service, Type: r.Type, Subject: r.Subject, Data: json.RawMessage(r.Data)}
	}
	return out, nil
}
