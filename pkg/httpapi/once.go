package httpapi

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
)

const (
	// The lock says whether the first request under this key still runs: its row
	// cannot be seen before it commits, and waiting for it would hold a
	// connection for each repeat.
	claimKey = `
INSERT INTO idempotency (actor, operation, key, request_hash)
SELECT $1, $2, $3, $4 WHERE pg_try_advisory_xact_lock($5)
ON CONFLICT DO NOTHING`

	readKey = `SELECT request_hash, response FROM idempotency WHERE actor = $1 AND operation = $2 AND key = $3`

	keepAnswer = `UPDATE idempotency SET response = $4 WHERE actor = $1 AND operation = $2 AND key = $3`

	sweepKeys = `DELETE FROM idempotency WHERE created_at < $1`
)

// Once runs fn in a transaction of the request's agency, at most once for each
// Idempotency-Key: key, effect and answer are committed together. A repeat of the
// same request gets the stored answer, and fn does not run. Without a key fn just
// runs in a transaction. A failed fn stores nothing, so it may be tried again.
//
// T is a concrete type that JSON keeps whole, such as a generated response
// struct; an interface type cannot be read back.
//
// It fails with Unprocessable (idempotency_key_reused) when the key was used for
// another request, with Conflict (idempotency_key_in_flight) while the first
// request runs, and as fn fails. fn may run more than once before it commits.
func Once[T any](ctx context.Context, db *postgres.DB, fn func(ctx context.Context, tx *postgres.Tx) (T, error)) (T, error) {
	var answer T
	r, ok := requestOf(ctx)
	if !ok || r.idempotencyKey == "" {
		err := db.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) (err error) {
			answer, err = fn(ctx, tx)
			return err
		})
		return answer, err
	}
	key := claimOf(ctx, r)
	err := db.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		mine, err := key.claim(ctx, tx)
		if err != nil {
			return err
		}
		if !mine {
			stored, err := key.stored(ctx, tx)
			if err != nil {
				return err
			}
			if err := json.Unmarshal(stored, &answer); err != nil {
				return fmt.Errorf("read stored answer: %w", err)
			}
			return nil
		}
		if answer, err = fn(ctx, tx); err != nil {
			return err
		}
		return key.keep(ctx, tx, answer)
	})
	return answer, err
}

// claim names one use of an Idempotency-Key: whose, for what, and under which key.
type claim struct {
	actor, operation, key string
	hash                  [sha256.Size]byte
}

func claimOf(ctx context.Context, r *request) claim {
	c := claim{key: r.idempotencyKey, operation: r.operation.ID, hash: r.hash}
	if p, ok := auth.From(ctx); ok {
		c.actor = p.Subject
	}
	return c
}

// lock is the advisory lock of the key within one agency.
func (c claim) lock(agency string) int64 {
	h := sha256.New()
	for _, part := range []string{"hearth idempotency", agency, c.actor, c.operation, c.key} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	return int64(binary.BigEndian.Uint64(h.Sum(nil)))
}

// claim inserts the key; false when it is there already, or about to be.
func (c claim) claim(ctx context.Context, tx *postgres.Tx) (bool, error) {
	result, err := tx.ExecContext(ctx, claimKey, c.actor, c.operation, c.key, c.hash[:], c.lock(tx.Agency().String()))
	if err != nil {
		return false, fmt.Errorf("claim idempotency key: %w", err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// stored is the answer the first request got.
func (c claim) stored(ctx context.Context, tx *postgres.Tx) ([]byte, error) {
	var hash, answer []byte
	err := tx.QueryRowxContext(ctx, readKey, c.actor, c.operation, c.key).Scan(&hash, &answer)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, fault.New(fault.Conflict, "idempotency_key_in_flight",
			"The first request with this Idempotency-Key is still running. Ask again shortly for its answer.").After(time.Second)
	case err != nil:
		return nil, fmt.Errorf("read idempotency key: %w", err)
	case string(hash) != string(c.hash[:]):
		return nil, fault.New(fault.Unprocessable, "idempotency_key_reused",
			"This Idempotency-Key was used for another request. Take a new key for a new request.",
			fault.Field{Pointer: "header/Idempotency-Key", Code: "idempotency_key_reused", Detail: "This key belongs to another request."})
	}
	return answer, nil
}

func (c claim) keep(ctx context.Context, tx *postgres.Tx, answer any) error {
	data, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("store answer: %w", err)
	}
	if _, err := tx.ExecContext(ctx, keepAnswer, c.actor, c.operation, c.key, data); err != nil {
		return fmt.Errorf("store answer: %w", err)
	}
	return nil
}

// SweepKeys forgets the keys that the transaction's agency used before the given
// time; a request repeated after that is a new one.
func SweepKeys(ctx context.Context, tx *postgres.Tx, before time.Time) error {
	if _, err := tx.ExecContext(ctx, sweepKeys, before); err != nil {
		return fmt.Errorf("forget idempotency keys: %w", err)
	}
	return nil
}
