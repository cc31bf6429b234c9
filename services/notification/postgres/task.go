package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/notification/message"
)

const taskColumns = `task_id, message_id, template, audience, reason_code, case_id, referral_id, done, outcome_code, completed_by, completed_at, created_at, version`

type taskRow struct {
	ID          string       `db:"task_id"`
	MessageID   string       `db:"message_id"`
	Template    string       `db:"template"`
	Audience    string       `db:"audience"`
	ReasonCode  string       `db:"reason_code"`
	CaseID      string       `db:"case_id"`
	ReferralID  string       `db:"referral_id"`
	Done        bool         `db:"done"`
	OutcomeCode string       `db:"outcome_code"`
	CompletedBy string       `db:"completed_by"`
	CompletedAt sql.NullTime `db:"completed_at"`
	CreatedAt   time.Time    `db:"created_at"`
	Version     int64        `db:"version"`
}

func (r taskRow) task() message.Task {
	return message.Task{
		ID: message.TaskID(r.ID), MessageID: message.MessageID(r.MessageID), Template: r.Template, Audience: message.Audience(r.Audience),
		ReasonCode: r.ReasonCode, CaseID: r.CaseID, ReferralID: r.ReferralID, Done: r.Done, OutcomeCode: r.OutcomeCode,
		CompletedBy: r.CompletedBy, CompletedAt: r.CompletedAt.Time.UTC(), CreatedAt: r.CreatedAt.UTC(), Version: r.Version,
	}
}

// InsertTask stores the task of a message; there is one at most.
func InsertTask(ctx context.Context, tx *postgres.Tx, t message.Task) error {
	_, err := tx.ExecContext(ctx, `
INSERT INTO task (task_id, message_id, template, audience, reason_code, case_id, referral_id, created_at, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		t.ID, t.MessageID, t.Template, t.Audience, t.ReasonCode, t.CaseID, t.ReferralID, t.CreatedAt, t.Version)
	if err != nil {
		return fmt.Errorf("store task: %w", err)
	}
	return nil
}

// Task reads a task. It fails with NotFound.
func Task(ctx context.Context, tx *postgres.Tx, id message.TaskID) (message.Task, error) {
	return oneTask(ctx, tx, id, "")
}

// LockTask reads a task to change it in this transaction. It fails with NotFound.
func LockTask(ctx context.Context, tx *postgres.Tx, id message.TaskID) (message.Task, error) {
	return oneTask(ctx, tx, id, " FOR UPDATE")
}

func oneTask(ctx context.Context, tx *postgres.Tx, id message.TaskID, lock string) (message.Task, error) {
	var row taskRow
	err := tx.GetContext(ctx, &row, `SELECT `+taskColumns+` FROM task WHERE task_id = $1`+lock, id)
	if errors.Is(err, sql.ErrNoRows) {
		return message.Task{}, fault.Missing("task")
	}
	if err != nil {
		return message.Task{}, fmt.Errorf("read task: %w", err)
	}
	return row.task(), nil
}

// UpdateTask stores the next version of a locked task.
func UpdateTask(ctx context.Context, tx *postgres.Tx, t message.Task) error {
	res, err := tx.ExecContext(ctx, `
UPDATE task SET done = $2, outcome_code = $3, completed_by = $4, completed_at = $5, version = $6 WHERE task_id = $1 AND version = $6 - 1`,
		t.ID, t.Done, t.OutcomeCode, t.CompletedBy, postgres.NullTime(t.CompletedAt), t.Version)
	return one(res, err, "task")
}

// Tasks lists tasks, oldest first. Filter.State is open, done or "".
func Tasks(ctx context.Context, tx *postgres.Tx, f Filter) ([]message.Task, error) {
	q := conditionsOf(f)
	switch f.State {
	case "open":
		q.Where = append(q.Where, "NOT done")
	case "done":
		q.Where = append(q.Where, "done")
	}
	if f.After != "" {
		q.Where = append(q.Where, "task_id > "+q.Arg(f.After))
	}
	var rows []taskRow
	err := tx.SelectContext(ctx, &rows, `SELECT `+taskColumns+` FROM task`+q.SQL()+` ORDER BY task_id LIMIT `+strconv.Itoa(f.Limit), q.Args...)
	if err != nil {
		return nil, fmt.Errorf("list tasks: %w", err)
	}
	out := make([]message.Task, len(rows))
	for i, r := range rows {
		out[i] = r.task()
	}
	return out, nil
}
