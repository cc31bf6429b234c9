package postgres

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/notification/message"
)

const messageColumns = `message_id, dedupe_key, template, template_version, audience, recipient, about_event, case_id, referral_id, visit_id,
       variables, state, reason_code, channel, language, claims, attempts, asks, due_at, expires_at, created_at, ended_at, trace, correlation, version`

type messageRow struct {
	ID              string          `db:"message_id"`
	DedupeKey       string          `db:"dedupe_key"`
	Template        string          `db:"template"`
	TemplateVersion string          `db:"template_version"`
	Audience        string          `db:"audience"`
	Recipient       string          `db:"recipient"`
	AboutEvent      string          `db:"about_event"`
	CaseID          string          `db:"case_id"`
	ReferralID      string          `db:"referral_id"`
	VisitID         string          `db:"visit_id"`
	Variables       json.RawMessage `db:"variables"`
	State           string          `db:"state"`
	ReasonCode      string          `db:"reason_code"`
	Channel         string          `db:"channel"`
	Language        string          `db:"language"`
	Claims          int64           `db:"claims"`
	Attempts        int             `db:"attempts"`
	Asks            int             `db:"asks"`
	DueAt           time.Time       `db:"due_at"`
	ExpiresAt       time.Time       `db:"expires_at"`
	CreatedAt       time.Time       `db:"created_at"`
	EndedAt         sql.NullTime    `db:"ended_at"`
	Trace           string          `db:"trace"`
	Correlation     string          `db:"correlation"`
	Version         int64           `db:"version"`
}

func (r messageRow) message() (message.Message, error) {
	m := message.Message{
		ID: message.MessageID(r.ID), DedupeKey: r.DedupeKey, Template: r.Template, TemplateVersion: r.TemplateVersion,
		Audience: message.Audience(r.Audience), Recipient: r.Recipient, AboutEvent: r.AboutEvent,
		CaseID: r.CaseID, ReferralID: r.ReferralID, VisitID: r.VisitID, State: message.State(r.State), ReasonCode: r.ReasonCode,
		Channel: r.Channel, Language: r.Language, Claims: r.Claims, Attempts: r.Attempts, Asks: r.Asks,
		DueAt: r.DueAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(), CreatedAt: r.CreatedAt.UTC(), EndedAt: r.EndedAt.Time.UTC(),
		Trace: r.Trace, Correlation: r.Correlation, Version: r.Version,
	}
	if err := json.Unmarshal(r.Variables, &m.Variables); err != nil {
		return m, fmt.Errorf("read message variables: %w", err)
	}
	return m, nil
}

// InsertMessage stores a new message; false when one with its dedupe key is there already.
func InsertMessage(ctx context.Context, tx *postgres.Tx, m message.Message) (bool, error) {
	variables := m.Variables
	if variables == nil {
		variables = map[string]string{}
	}
	data, err := json.Marshal(variables)
	if err != nil {
		return false, fmt.Errorf("store message: %w", err)
	}
	res, err := tx.ExecContext(ctx, `
INSERT INTO message (message_id, dedupe_key, template, template_version, audience, recipient, about_event, case_id, referral_id, visit_id,
                     variables, state, reason_code, due_at, expires_at, created_at, ended_at, trace, correlation, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
ON CONFLICT (agency_id, dedupe_key) DO NOTHING`,
		m.ID, m.DedupeKey, m.Template, m.TemplateVersion, m.Audience, m.Recipient, m.AboutEvent, m.CaseID, m.ReferralID, m.VisitID,
		string(data), m.State, m.ReasonCode, m.DueAt, m.ExpiresAt, m.CreatedAt, postgres.NullTime(m.EndedAt), m.Trace, m.Correlation, m.Version)
	if err != nil {
		return false, fmt.Errorf("store message: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("store message: %w", err)
	}
	return n == 1, nil
}

// Message reads a message. It fails with NotFound.
func Message(ctx context.Context, tx *postgres.Tx, id message.MessageID) (message.Message, error) {
	return oneMessage(ctx, tx, id, "")
}

// LockMessage reads a message to change it in this transaction. It fails with NotFound.
func LockMessage(ctx context.Context, tx *postgres.Tx, id message.MessageID) (message.Message, error) {
	return oneMessage(ctx, tx, id, " FOR UPDATE")
}

func oneMessage(ctx context.Context, tx *postgres.Tx, id message.MessageID, lock string) (message.Message, error) {
	var row messageRow
	err := tx.GetContext(ctx, &row, `SELECT `+messageColumns+` FROM message WHERE message_id = $1`+lock, id)
	if errors.Is(err, sql.ErrNoRows) {
		return message.Message{}, fault.Missing("message")
	}
	if err != nil {
		return message.Message{}, fmt.Errorf("read message: %w", err)
	}
	return row.message()
}

// UpdateMessage stores the next version of a locked message. It fails with
// Internal when the stored version is not the one before.
func UpdateMessage(ctx context.Context, tx *postgres.Tx, m message.Message) error {
	res, err := tx.ExecContext(ctx, `
UPDATE message SET state = $2, reason_code = $3, channel = $4, language = $5, claims = $6, attempts = $7, asks = $8, due_at = $9, ended_at = $10, version = $11
 WHERE message_id = $1 AND version = $11 - 1`,
		m.ID, m.State, m.ReasonCode, m.Channel, m.Language, m.Claims, m.Attempts, m.Asks, m.DueAt, postgres.NullTime(m.EndedAt), m.Version)
	return one(res, err, "message")
}

// LockPendingOfVisit reads the messages about a visit that have not gone yet, to change them.
func LockPendingOfVisit(ctx context.Context, tx *postgres.Tx, visitID string, template string) ([]message.Message, error) {
	return messages(ctx, tx, `SELECT `+messageColumns+` FROM message WHERE visit_id = $1 AND template = $2 AND state = 'pending' ORDER BY message_id FOR UPDATE`, visitID, template)
}

// LockPendingOfCase reads the messages of a template about a case that have not gone yet, to change them.
func LockPendingOfCase(ctx context.Context, tx *postgres.Tx, caseID string, template string) ([]message.Message, error) {
	return messages(ctx, tx, `SELECT `+messageColumns+` FROM message WHERE case_id = $1 AND template = $2 AND state = 'pending' ORDER BY message_id FOR UPDATE`, caseID, template)
}

// Filter narrows a list of messages or tasks. Access is a condition on case_id
// with its arguments numbered from $1, as pkg/policy makes it; "" is no limit.
type Filter struct {
	CaseID, ReferralID, State, Template string
	Access                              string
	AccessArgs                          []any
	After                               string // id of the last of the page before
	Limit                               int
}

// Messages lists messages, newest first (ids are UUIDv7).
func Messages(ctx context.Context, tx *postgres.Tx, f Filter) ([]message.Message, error) {
	q := conditionsOf(f)
	q.Equal("template", f.Template)
	q.Equal("state", f.State)
	if f.After != "" {
		q.Where = append(q.Where, "message_id < "+q.Arg(f.After))
	}
	return messages(ctx, tx, `SELECT `+messageColumns+` FROM message`+q.SQL()+` ORDER BY message_id DESC LIMIT `+strconv.Itoa(f.Limit), q.Args...)
}

func messages(ctx context.Context, tx *postgres.Tx, query string, args ...any) ([]message.Message, error) {
	var rows []messageRow
	if err := tx.SelectContext(ctx, &rows, query, args...); err != nil {
		return nil, fmt.Errorf("list messages: %w", err)
	}
	out := make([]message.Message, len(rows))
	for i, r := range rows {
		m, err := r.message()
		if err != nil {
			return nil, err
		}
		out[i] = m
	}
	return out, nil
}

func conditionsOf(f Filter) *postgres.Conditions {
	q := &postgres.Conditions{Args: f.AccessArgs}
	if f.Access != "" {
		q.Where = append(q.Where, "("+f.Access+")")
	}
	q.Equal("case_id", f.CaseID)
	q.Equal("referral_id", f.ReferralID)
	return q
}

// one checks that an update met the one row of the version before.
func one(res sql.Result, err error, what string) error {
	if err != nil {
		return fmt.Errorf("store %s: %w", what, err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("store %s: %w", what, err)
	}
	if n != 1 {
		return fault.New(fault.Internal, "version_lost", "The "+what+" changed while it was locked.")
	}
	return nil
}
