package timers

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
)

// MaxData is the most bytes of JSON a timer may carry.
const MaxData = 64 << 10

// Draft is a timer about to be set.
type Draft struct {
	// Kind names the handler; ID is unique within the kind and agency.
	Kind, ID string
	// DueAt is when it fires, by the service's clock.
	DueAt time.Time
	// Subject is what it is about: a case, a visit.
	Subject string
	// Data becomes JSON for the handler.
	Data any
	// Trace is the stored traceparent of the family's story; "" is the current span.
	Trace string
}

// Timer is a timer as its handler sees it.
type Timer struct {
	Kind    string
	ID      string
	Subject string
	DueAt   time.Time
	Data    json.RawMessage
}

// Decode reads the data into v.
func (t Timer) Decode(v any) error {
	if err := json.Unmarshal(t.Data, v); err != nil {
		return fault.New(fault.Internal, "timer_data", "The data of a "+t.Kind+" timer cannot be read.").Because(err)
	}
	return nil
}

// Handler does what a timer is for. ctx has its tenant, span and cause; the
// transaction removes the timer, so what goes through tx happens exactly once.
// A handler may set the same timer again.
type Handler func(ctx context.Context, tx *postgres.Tx, t Timer) error

// Set writes timers, each in place of any other of its kind and id, in one
// statement; of several drafts of one kind and id the last counts.
func Set(ctx context.Context, tx *postgres.Tx, drafts ...Draft) error {
	args, err := prepare(ctx, tx, drafts)
	if err != nil || args == nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, setTimers, args...); err != nil {
		return fmt.Errorf("set timer: %w", err)
	}
	return nil
}

// QueueSet is Set as a statement of a batch, to be sent with tx.SendBatch: a round
// trip less. It reports whether there is one; the batch's results have one more then.
func QueueSet(ctx context.Context, tx *postgres.Tx, batch *pgx.Batch, drafts ...Draft) (queued bool, err error) {
	args, err := prepare(ctx, tx, drafts)
	if err != nil || args == nil {
		return false, err
	}
	batch.Queue(setTimers, args...)
	return true, nil
}

// prepare makes the arguments of setTimers and has the engine woken after the
// commit if any is due; nil when there are no drafts.
func prepare(ctx context.Context, tx *postgres.Tx, drafts []Draft) ([]any, error) {
	if len(drafts) == 0 {
		return nil, nil
	}
	rows, err := newRows(ctx, drafts)
	if err != nil {
		return nil, err
	}
	cause, correlation := events.Cause(ctx)
	// One that comes due later is found by the poll.
	now, db := tx.Now(), tx.DB()
	if slices.ContainsFunc(rows.due, func(at time.Time) bool { return !at.After(now) }) {
		tx.AfterCommit(func() { db.Signal(wake) })
	}
	return []any{rows.kind, rows.id, rows.subject, rows.due, rows.data, rows.trace, rows.set, cause, correlation}, nil
}

const setTimers = `
	INSERT INTO timer (kind, timer_id, subject, due_at, data, traceparent, set_id, cause, correlation)
	SELECT kind, timer_id, subject, due_at, data, traceparent, set_id, $8, $9
	FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::text[])
		AS draft (kind, timer_id, subject, due_at, data, traceparent, set_id)
	ON CONFLICT (agency_id, kind, timer_id) DO UPDATE SET
		subject = excluded.subject, due_at = excluded.due_at, data = excluded.data, traceparent = excluded.traceparent,
		cause = excluded.cause, correlation = excluded.correlation, set_id = excluded.set_id,
		attempts = 0, retry_at = NULL, parked = false, reason_code = ''`

// timerRows are the columns of rows to insert.
type timerRows struct {
	kind, id, subject, data, trace, set []string
	due                                 []time.Time
}

func newRows(ctx context.Context, drafts []Draft) (timerRows, error) {
	var r timerRows
	last := map[[2]string]int{}
	for i, d := range drafts {
		last[[2]string{d.Kind, d.ID}] = i
	}
	current := events.TraceParent(ctx)
	for i, d := range drafts {
		if last[[2]string{d.Kind, d.ID}] != i {
			continue
		}
		if d.Kind == "" || d.ID == "" || d.DueAt.IsZero() {
			return r, fault.New(fault.Internal, "timer_incomplete", "A timer needs a kind, an id and a time.")
		}
		data, err := json.Marshal(d.Data)
		if err != nil {
			return r, fault.New(fault.Internal, "timer_data", "The data of a "+d.Kind+" timer cannot be written as JSON.").Because(err)
		}
		if len(data) > MaxData {
			return r, fault.New(fault.Internal, "timer_too_large", fmt.Sprintf("A %s timer has %d bytes of data; %d are allowed.", d.Kind, len(data), MaxData))
		}
		set, err := uuid.NewV7()
		if err != nil {
			return r, fmt.Errorf("draw timer id: %w", err)
		}
		trace := d.Trace
		if trace == "" {
			trace = current
		}
		r.kind, r.id, r.subject, r.due = append(r.kind, d.Kind), append(r.id, d.ID), append(r.subject, d.Subject), append(r.due, d.DueAt.UTC())
		r.data, r.trace, r.set = append(r.data, string(data)), append(r.trace, trace), append(r.set, set.String())
	}
	return r, nil
}

// Cancel removes a timer; one that is not there, or has fired, is no error.
func Cancel(ctx context.Context, tx *postgres.Tx, kind, id string) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM timer WHERE kind = $1 AND timer_id = $2`, kind, id); err != nil {
		return fmt.Errorf("cancel timer: %w", err)
	}
	return nil
}

// Parked describes a timer that failed for good.
type Parked struct {
	Kind       string    `db:"kind"`
	ID         string    `db:"timer_id"`
	Subject    string    `db:"subject"`
	DueAt      time.Time `db:"due_at"`
	Attempts   int       `db:"attempts"`
	ReasonCode string    `db:"reason_code"`
}

// ListParked lists the agency's parked timers, at most limit, by time.
func ListParked(ctx context.Context, tx *postgres.Tx, limit int) ([]Parked, error) {
	parked := []Parked{}
	if err := tx.SelectContext(ctx, &parked, `
		SELECT kind, timer_id, subject, due_at, attempts, reason_code FROM timer WHERE parked ORDER BY due_at, kind, timer_id LIMIT $1`, limit); err != nil {
		return nil, fmt.Errorf("list parked timers: %w", err)
	}
	return parked, nil
}

// Retry has a parked timer fire again. It fails with NotFound.
func Retry(ctx context.Context, tx *postgres.Tx, kind, id string) error {
	result, err := tx.ExecContext(ctx, `UPDATE timer SET parked = false, retry_at = NULL WHERE kind = $1 AND timer_id = $2 AND parked`, kind, id)
	if err != nil {
		return fmt.Errorf("retry timer: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		if err == nil {
			err = fault.New(fault.NotFound, "parked_timer_not_found", "No such parked timer.")
		}
		return err
	}
	db := tx.DB()
	tx.AfterCommit(func() { db.Signal(wake) })
	return nil
}

const wake = "timers"
