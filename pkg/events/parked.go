package events

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
)

// nobody is the agency of parked messages that name none: those of raw topics,
// and those that cannot be read. No tenant can have this name.
const nobody = "_"

// parkedEvent is a row of parked_event.
type parkedEvent struct {
	agency   string
	id       string
	state    outcome // waiting, failed or poison
	key      string
	eventID  string
	kind     string
	reason   string
	attempts int
	message  Message
	retryIn  *time.Duration // nil: not by itself
}

func parkedRow(m Message, event Event, state outcome, reason string, attempts int) parkedEvent {
	return parkedEvent{
		agency: event.Agency.String(), state: state, key: event.Key, eventID: event.ID, kind: event.Type,
		reason: reason, attempts: attempts, message: m, retryIn: retryIn(state, attempts),
	}
}

// retryIn is when a parked event that failed for a passing reason is tried
// again: after 2 s, doubling to 10 minutes.
func retryIn(state outcome, attempts int) *time.Duration {
	if state != failed {
		return nil
	}
	after := min(2*time.Second<<min(max(attempts-8, 0), 20), 10*time.Minute)
	return &after
}

const insertParkedRow = `
INSERT INTO parked_event (agency_id, parked_id, state, topic, partition, record, key, event_id, type, reason_code, attempts, headers, record_key, value, recorded_at, retry_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, clock_timestamp() + $16::interval)
ON CONFLICT (agency_id, topic, partition, record, recorded_at) DO NOTHING`

func insertParked(ctx context.Context, tx *postgres.Tx, p parkedEvent) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("draw parked event id: %w", err)
	}
	headers, err := json.Marshal(p.message.Headers)
	if err != nil {
		return fmt.Errorf("write parked event: %w", err)
	}
	m := p.message
	if _, err := tx.ExecContext(ctx, insertParkedRow, p.agency, id.String(), string(p.state), m.Topic, m.Partition, m.Offset, p.key, p.eventID, p.kind,
		p.reason, p.attempts, string(headers), m.Key, m.Value, m.Time, p.retryIn); err != nil {
		return fmt.Errorf("write parked event: %w", err)
	}
	return nil
}

// park keeps a message that cannot be handled. because is nil for one that only
// waits behind another.
func (e *Engine) park(ctx context.Context, m Message, state outcome, because error, attempts int) (outcome, error) {
	reason := ""
	if because != nil {
		reason = reasonOf(because)
	}
	var became outcome
	var err error
	if event, unread := readEvent(m); e.routes.raw[m.Topic] == nil && unread == nil {
		became, err = e.parkEvent(ctx, parkedRow(m, event, state, reason, attempts))
	} else {
		became, err = state, e.parkUnattributed(ctx, m, state, reason, attempts)
	}
	if err != nil {
		return "", errors.Join(because, err)
	}
	if because != nil && became == state {
		say := e.log.WarnContext
		if state == poison {
			say = e.log.ErrorContext
		}
		kind, id := e.said(m)
		say(ctx, "a key is parked", "state", string(state), "topic", m.Topic, "partition", m.Partition, "offset", m.Offset,
			"type", kind, "event_id", id, "reason", reason, "tries", attempts, "error", postgres.Describe(because))
	}
	return became, nil
}

// said is what a message says of its type and id, for logs: nothing of one of a
// raw topic, in which whoever writes there may write anything, a name too.
func (e *Engine) said(m Message) (kind, id string) {
	if e.routes.raw[m.Topic] != nil {
		return "", ""
	}
	return m.Header("ce_type"), m.Header("ce_id")
}

// parkEvent parks an event under its agency and key. The inbox row says that it
// is taken care of, to a consumer that does not know it was replaced too.
func (e *Engine) parkEvent(ctx context.Context, row parkedEvent) (became outcome, err error) {
	agency, err := tenant.Parse(row.agency)
	if err != nil {
		return "", err
	}
	err = e.config.DB.InTenant(tenant.With(ctx, agency), func(ctx context.Context, tx *postgres.Tx) error {
		became = row.state
		result, err := tx.ExecContext(ctx, takeIn, row.eventID)
		if err != nil {
			return fmt.Errorf("write inbox: %w", err)
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			became = duplicate
			return err
		}
		// Behind others of its key it is not what holds the key.
		var behind bool
		if err := tx.GetContext(ctx, &behind, isParked, row.agency, row.key); err != nil {
			return err
		}
		if behind {
			became = waiting
			row.state, row.reason, row.attempts, row.retryIn = waiting, "", 0, nil
		}
		return insertParked(ctx, tx, row)
	})
	return became, err
}

// parkUnattributed parks what has no agency. A message of a raw topic is held by
// its key; one that cannot be read holds nothing back.
func (e *Engine) parkUnattributed(ctx context.Context, m Message, state outcome, reason string, attempts int) error {
	key := m.place()
	if e.routes.raw[m.Topic] != nil {
		key = rawKey(m)
		e.rawMu.RLock()
		defer e.rawMu.RUnlock()
		e.rawParked.Store(true)
	}
	row := parkedEvent{agency: nobody, state: state, key: key, reason: reason, attempts: attempts, message: m, retryIn: retryIn(state, attempts)}
	return e.config.DB.InBackbone(ctx, func(ctx context.Context, tx *postgres.Tx) error { return insertParked(ctx, tx, row) })
}

// rawKey names a raw topic's key in a text column.
func rawKey(m Message) string {
	switch {
	case len(m.Key) == 0:
		return m.place()
	case validText(string(m.Key)):
		return m.Topic + "/" + string(m.Key)
	default:
		return m.Topic + "/0x" + hex.EncodeToString(m.Key)
	}
}

func (e *Engine) rawKeyParked(ctx context.Context, m Message) (parked bool, err error) {
	err = e.config.DB.AskBackbone(ctx, isParked, []any{nobody, rawKey(m)}, func(rows pgx.Rows) error {
		for rows.Next() {
			if err := rows.Scan(&parked); err != nil {
				return err
			}
		}
		return nil
	})
	return parked, err
}

// refreshRawParked learns, before a generation consumes, whether any raw key is
// parked, so that in the common case no message has to ask.
func (e *Engine) refreshRawParked(ctx context.Context) bool {
	if len(e.routes.raw) == 0 {
		return true
	}
	for ctx.Err() == nil {
		found := false
		err := e.config.DB.AskBackbone(ctx, `SELECT EXISTS (SELECT FROM parked_event WHERE agency_id = $1)`, []any{nobody}, func(rows pgx.Rows) error {
			for rows.Next() {
				if err := rows.Scan(&found); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil {
			e.rawParked.Store(found)
			return true
		}
		e.log.WarnContext(ctx, "cannot look for parked messages", "error", postgres.Describe(err))
		sleep(ctx, 500*time.Millisecond)
	}
	return false
}

// Parked describes a parked event, as operators are told of it. Its content is not shown.
type Parked struct {
	ID         string     `db:"parked_id" json:"id"`
	State      string     `db:"state" json:"state"` // failed, poison or waiting
	Topic      string     `db:"topic" json:"topic"`
	Partition  int        `db:"partition" json:"partition"`
	Offset     int64      `db:"record" json:"offset"`
	Key        string     `db:"key" json:"key"`
	EventID    string     `db:"event_id" json:"event_id,omitempty"`
	Type       string     `db:"type" json:"type,omitempty"`
	ReasonCode string     `db:"reason_code" json:"reason_code,omitempty"`
	Attempts   int        `db:"attempts" json:"attempts"`
	ParkedAt   time.Time  `db:"parked_at" json:"parked_at"`
	RetryAt    *time.Time `db:"retry_at" json:"retry_at,omitempty"`
	HoldsKey   bool       `db:"holds_key" json:"holds_key"` // it is the first of its key
}

// whose is the agency whose parked events a transaction is about: its tenant, or
// in InBackbone those that name none.
func whose(tx *postgres.Tx) string {
	if tx.Agency().IsZero() {
		return nobody
	}
	return tx.Agency().String()
}

// ListParked lists parked events, oldest first, after the one with the given id
// ("" for the first). In a tenant's transaction they are that agency's; in
// InBackbone those that name no agency.
func ListParked(ctx context.Context, tx *postgres.Tx, after string, limit int) ([]Parked, error) {
	parked := []Parked{}
	err := tx.SelectContext(ctx, &parked, `
		SELECT parked_id, state, topic, partition, record, key, event_id, type, reason_code, attempts, parked_at, retry_at,
			NOT EXISTS (SELECT FROM parked_event earlier WHERE earlier.agency_id = p.agency_id AND earlier.key = p.key AND earlier.seq < p.seq) AS holds_key
		FROM parked_event p WHERE agency_id = $1 AND parked_id > $2 ORDER BY parked_id LIMIT $3`, whose(tx), after, limit)
	if err != nil {
		return nil, fmt.Errorf("list parked events: %w", err)
	}
	return parked, nil
}

// RetryParked has a key go on: its first parked event is handled again shortly,
// and those behind it after. It fails with NotFound, and with Conflict
// (parked_behind) for an event that is not the first of its key.
func RetryParked(ctx context.Context, tx *postgres.Tx, id string) error {
	if err := holdsKey(ctx, tx, id); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE parked_event SET state = 'waiting', retry_at = NULL WHERE agency_id = $1 AND parked_id = $2`, whose(tx), id); err != nil {
		return fmt.Errorf("retry parked event: %w", err)
	}
	db := tx.DB()
	tx.AfterCommit(func() { db.Signal(parkedSignal) })
	return nil
}

// SkipParked gives a parked event up: it has no effect, ever, and those behind it
// go on. It fails as RetryParked does.
func SkipParked(ctx context.Context, tx *postgres.Tx, id string) error {
	if err := holdsKey(ctx, tx, id); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM parked_event WHERE agency_id = $1 AND parked_id = $2`, whose(tx), id); err != nil {
		return fmt.Errorf("skip parked event: %w", err)
	}
	db := tx.DB()
	tx.AfterCommit(func() { db.Signal(parkedSignal) })
	return nil
}

const parkedSignal = "parked"

func holdsKey(ctx context.Context, tx *postgres.Tx, id string) error {
	var keys []string
	if err := tx.SelectContext(ctx, &keys, `SELECT key FROM parked_event WHERE agency_id = $1 AND parked_id = $2`, whose(tx), id); err != nil {
		return fmt.Errorf("find parked event: %w", err)
	}
	if len(keys) == 0 {
		return fault.New(fault.NotFound, "parked_event_not_found", "No such parked event.")
	}
	if err := lockKey(ctx, tx, whose(tx), keys[0]); err != nil {
		return err
	}
	var first string
	if err := tx.GetContext(ctx, &first, `SELECT coalesce((SELECT parked_id FROM parked_event WHERE agency_id = $1 AND key = $2 ORDER BY seq LIMIT 1), '')`, whose(tx), keys[0]); err != nil {
		return fmt.Errorf("find parked event: %w", err)
	}
	switch first {
	case id:
		return nil
	case "":
		return fault.New(fault.NotFound, "parked_event_not_found", "No such parked event.")
	default:
		return fault.New(fault.Conflict, "parked_behind", "Another event of the same key is parked before this one: deal with that one first.")
	}
}

// lockKey keeps two replays of one key apart, until the end of the transaction.
func lockKey(ctx context.Context, tx *postgres.Tx, agency, key string) error {
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1, 7))`, agency+" "+key); err != nil {
		return fmt.Errorf("lock parked key: %w", err)
	}
	return nil
}
