package timers

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/postgres"
)

// Draft is a timer to be set.
type Draft struct {
	// Kind says whose handler it is for; Kind and ID together name it.
	Kind, ID string
	// DueAt is when it fires, by the service's clock.
	DueAt time.Time
	// Subject is what it is about; timers of one subject fire in their order.
	Subject string
	// Data is given back to the handler, as JSON. Ids and codes, no personal data.
	Data any
	// Trace is the traceparent of the story it belongs to; "" is the current span.
	Trace string
}

// Timer is one that fires.
type Timer struct {
	Kind, ID, Subject string
	DueAt             time.Time
	Data              json.RawMessage
}

// Decode reads the timer's data into v.
func (t Timer) Decode(v any) error {
	if err := json.Unmarshal(t.Data, v); err != nil {
		return fmt.Errorf("read timer %s: %w", t.Kind, err)
	}
	return nil
}

// Handler does what is due. ctx has the tenant and the span; the timer is gone
// when tx commits.
type Handler func(ctx context.Context, tx *postgres.Tx, t Timer) error

const setTimer = `
INSERT INTO timer (kind, timer_id, subject, due_at, data, traceparent, cause, correlation, set_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (agency_id, kind, timer_id) DO UPDATE SET
	subject = excluded.subject, due_at = excluded.due_at, data = excluded.data, traceparent = excluded.traceparent,
	cause = excluded.cause, correlation = excluded.correlation, set_id = excluded.set_id,
	attempts = 0, retry_at = NULL, parked = false, reason_code = ''`

// Set sets a timer, or sets it anew. It takes effect when tx commits.
func Set(ctx context.Context, tx *postgres.Tx, d Draft) error {
	data, err := json.Marshal(d.Data)
	if err != nil {
		return fmt.Errorf("write timer %s: %w", d.Kind, err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("draw timer id: %w", err)
	}
	trace := d.Trace
	if trace == "" {
		trace = events.TraceParent(ctx)
	}
	cause, correlation := events.Cause(ctx)
	if _, err := tx.ExecContext(ctx, setTimer, d.Kind, d.ID, d.Subject, d.DueAt, string(data), trace, cause, correlation, id.String()); err != nil {
		return fmt.Errorf("set timer %s: %w", d.Kind, err)
	}
	db := tx.DB()
	tx.AfterCommit(func() { db.Signal(signal) })
	return nil
}

// Cancel removes a timer; one that is not there, or has fired, is no error.
func Cancel(ctx context.Context, tx *postgres.Tx, kind, id string) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM timer WHERE agency_id = $1 AND kind = $2 AND timer_id = $3`, tx.Agency(), kind, id); err != nil {
		return fmt.Errorf("cancel timer %s: %w", kind, err)
	}
	return nil
}

const signal = "timers"
