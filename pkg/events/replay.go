package events

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
)

// tend looks after what lies still, until ctx ends: parked keys that may go on,
// old inbox rows, and the figures about both and about the outbox.
func (e *Engine) tend(ctx context.Context) error {
	pruned := time.Now().Add(-pruneEvery + time.Minute) // not at once, when all start
	for {
		keys, err := e.look(ctx)
		if err != nil && ctx.Err() == nil {
			e.log.WarnContext(ctx, "cannot look at parked events", "error", postgres.Describe(err))
		}
		for _, key := range keys {
			if ctx.Err() != nil {
				return nil
			}
			e.replay(ctx, key)
		}
		if time.Since(pruned) > pruneEvery {
			pruned = time.Now()
			if err := e.prune(ctx); err != nil && ctx.Err() == nil {
				e.log.WarnContext(ctx, "cannot prune the inbox", "error", postgres.Describe(err))
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-e.config.DB.Signals(parkedSignal):
		case <-time.After(time.Second):
		}
	}
}

// parkedKey is one agency's key.
type parkedKey struct{ agency, key string }

const lookQuery = `
SELECT agency_id, key, state = 'waiting' OR (state = 'failed' AND retry_at <= clock_timestamp()) FROM (
	SELECT DISTINCT ON (agency_id, key) agency_id, key, state, retry_at FROM parked_event ORDER BY agency_id, key, seq
) AS first`

const outboxAge = `
SELECT coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8
FROM generate_series(0, $1) AS shard CROSS JOIN LATERAL (SELECT created_at FROM outbox WHERE outbox.shard = shard.shard ORDER BY seq LIMIT 1) AS first`

// look counts what is parked and waits, and gives the keys that may go on.
func (e *Engine) look(ctx context.Context) (ready []parkedKey, err error) {
	// Nobody parks a raw message between the query and what is concluded from it.
	e.rawMu.Lock()
	defer e.rawMu.Unlock()
	batch := &pgx.Batch{}
	batch.Queue(lookQuery)
	batch.Queue(outboxAge, shards-1)
	parked, raw := 0, false
	var age float64
	err = e.config.DB.BatchBackbone(ctx, batch, func(results pgx.BatchResults) error {
		rows, err := results.Query()
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var key parkedKey
			var may bool
			if err := rows.Scan(&key.agency, &key.key, &may); err != nil {
				return err
			}
			parked++
			raw = raw || key.agency == nobody
			if may {
				ready = append(ready, key)
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
		return results.QueryRow().Scan(&age)
	})
	if err != nil {
		return nil, err
	}
	e.metrics.parkedKeys.Store(int64(parked))
	e.metrics.outboxAge.Store(int64(age * float64(time.Second)))
	e.metrics.lookedAt.Store(time.Now().UnixNano())
	e.rawParked.Store(raw)
	return ready, nil
}

// replay handles a key's parked events in order, until none is left or one
// fails.
func (e *Engine) replay(ctx context.Context, key parkedKey) {
	step := e.replayEvent
	if key.agency == nobody {
		step = e.replayUnattributed
	}
	for ctx.Err() == nil {
		row, err := step(ctx, key)
		if err == nil && row == nil {
			return
		}
		if err == nil {
			e.metrics.consumed(ctx, row.message, handled)
			continue
		}
		if ctx.Err() != nil || row == nil {
			e.log.WarnContext(ctx, "cannot replay a parked key", "error", postgres.Describe(err))
			return
		}
		state := failed
		say := e.log.WarnContext
		if !fault.Transient(err) {
			state, say = poison, e.log.ErrorContext
		}
		say(ctx, "a parked event failed again", "state", string(state), "topic", row.message.Topic, "partition", row.message.Partition, "offset", row.message.Offset,
			"type", row.kind, "event_id", row.eventID, "tries", row.attempts+1, "error", postgres.Describe(err))
		if err := e.failAgain(ctx, *row, state, reasonOf(err)); err != nil {
			e.log.WarnContext(ctx, "cannot record that a parked event failed", "error", postgres.Describe(err))
		}
		return
	}
}

func (e *Engine) failAgain(ctx context.Context, row parkedEvent, state outcome, reason string) error {
	attempts := row.attempts + 1
	return e.config.DB.InBackbone(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		_, err := tx.ExecContext(ctx, `
			UPDATE parked_event SET state = $3, reason_code = $4, attempts = $5, retry_at = clock_timestamp() + $6::interval
			WHERE agency_id = $1 AND parked_id = $2`, row.agency, row.id, string(state), reason, attempts, retryIn(state, attempts))
		return err
	})
}

// first locks a key and reads its first parked event; nil when there is none or
// it is not to be tried now.
func first(ctx context.Context, tx *postgres.Tx, key parkedKey) (*parkedEvent, error) {
	if err := lockKey(ctx, tx, key.agency, key.key); err != nil {
		return nil, err
	}
	row := parkedEvent{agency: key.agency, key: key.key}
	var headers, state string
	m := &row.message
	err := tx.QueryRowxContext(ctx, `
		SELECT parked_id, state, topic, partition, record, event_id, type, attempts, headers, record_key, value, recorded_at
		FROM parked_event WHERE agency_id = $1 AND key = $2 ORDER BY seq LIMIT 1`, key.agency, key.key).
		Scan(&row.id, &state, &m.Topic, &m.Partition, &m.Offset, &row.eventID, &row.kind, &row.attempts, &headers, &m.Key, &m.Value, &m.Time)
	if errors.Is(err, sql.ErrNoRows) || (err == nil && outcome(state) == poison) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read parked event: %w", err)
	}
	row.state = outcome(state)
	if err := json.Unmarshal([]byte(headers), &m.Headers); err != nil {
		return nil, fmt.Errorf("read parked event: %w", err)
	}
	return &row, nil
}

const forget = `DELETE FROM parked_event WHERE agency_id = $1 AND parked_id = $2`

// replayEvent handles a key's first event and forgets it, in one transaction. It
// returns the event it was about.
func (e *Engine) replayEvent(ctx context.Context, key parkedKey) (row *parkedEvent, err error) {
	agency, err := tenant.Parse(key.agency)
	if err != nil {
		return nil, err
	}
	err = e.config.DB.InTenant(tenant.With(ctx, agency), func(ctx context.Context, tx *postgres.Tx) (err error) {
		if row, err = first(ctx, tx, key); err != nil || row == nil {
			return err
		}
		event, err := readEvent(row.message)
		if err != nil {
			return err
		}
		handlers, otherMajor := e.routes.find(row.message.Topic, event.Type)
		if otherMajor {
			return errUnknownMajor
		}
		if len(handlers) > 0 {
			spanned, end := e.processSpan(ctx, row.message, event.TraceParent, event.ID, event.Type, max(row.attempts, 1))
			err = runHandlers(WithCause(spanned, event.ID, event.Correlation), tx, event, handlers)
			end(err)
			if err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, forget, key.agency, row.id)
		return err
	})
	return row, err
}

// replayUnattributed does the same for what names no agency: a raw message goes
// to its handler again; one that could not be read may be readable now.
func (e *Engine) replayUnattributed(outer context.Context, key parkedKey) (row *parkedEvent, err error) {
	err = e.config.DB.InBackbone(outer, func(ctx context.Context, tx *postgres.Tx) (err error) {
		if row, err = first(ctx, tx, key); err != nil || row == nil {
			return err
		}
		// The handler has transactions of its own; this one only holds the key.
		if handler := e.routes.raw[row.message.Topic]; handler != nil {
			spanned, end := e.processSpan(outer, row.message, row.message.Header("ce_traceparent"), "", "", max(row.attempts, 1))
			err = runRaw(spanned, row.message, handler)
			end(err)
		} else {
			_, err = e.attemptEvent(outer, row.message, max(row.attempts, 1))
		}
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, forget, key.agency, row.id)
		return err
	})
	return row, err
}

const pruneEvery = time.Hour

// prune forgets handled events that topics no longer hold, a few at a time.
func (e *Engine) prune(ctx context.Context) error {
	for {
		var pruned int64
		err := e.config.DB.InBackbone(ctx, func(ctx context.Context, tx *postgres.Tx) error {
			result, err := tx.ExecContext(ctx, `
				DELETE FROM inbox WHERE ctid = ANY (ARRAY(
					SELECT ctid FROM inbox WHERE received_at < clock_timestamp() - $1::interval LIMIT 5000 FOR UPDATE SKIP LOCKED))`, e.config.KeepInbox)
			if err != nil {
				return err
			}
			pruned, err = result.RowsAffected()
			return err
		})
		if err != nil || pruned == 0 {
			return err
		}
	}
}
