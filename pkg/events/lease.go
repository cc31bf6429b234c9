package events

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hearthfps/hearth/pkg/postgres"
)

// leases keep pieces of work to one process at a time. A lease has a term, which
// grows with every change of holder; who writes under a lease names the term, so
// that a holder that slept through its end writes nothing more. All times are the
// database's, or spans of this process's monotonic clock.
type leases struct {
	db     *postgres.DB
	holder string
	length time.Duration
	names  []string

	mu   sync.Mutex
	held map[string]lease
}

type lease struct {
	term  int64
	until time.Time // by the monotonic clock; the database's end is no earlier
}

// newLeases prepares to hold the named leases. holder is this process's own name
// among its peers.
func newLeases(db *postgres.DB, holder string, length time.Duration, names ...string) *leases {
	return &leases{db: db, holder: holder, length: length, names: names, held: map[string]lease{}}
}

const takeLeases = `
INSERT INTO lease AS had (name, holder, term, expires_at)
SELECT name, $2, 1, clock_timestamp() + $3::interval FROM unnest($1::text[]) AS name ORDER BY name
ON CONFLICT (name) DO UPDATE SET
	holder = excluded.holder, expires_at = excluded.expires_at,
	term = had.term + CASE WHEN had.holder = excluded.holder THEN 0 ELSE 1 END
WHERE had.holder = excluded.holder OR had.expires_at < clock_timestamp()
RETURNING name, term`

// take renews what is held and takes what is free. Call it several times within
// a lease's length.
func (l *leases) take(ctx context.Context) error {
	asked := time.Now()
	held := map[string]lease{}
	err := l.db.AskBackbone(ctx, takeLeases, []any{l.names, l.holder, l.length}, func(rows pgx.Rows) error {
		for rows.Next() {
			var name string
			var term int64
			if err := rows.Scan(&name, &term); err != nil {
				return err
			}
			held[name] = lease{term: term, until: asked.Add(l.length)}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("take leases: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = held
	return nil
}

// term is the term under which a lease is held now; false when it is not.
func (l *leases) term(name string) (int64, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	had, ok := l.held[name]
	if !ok || time.Now().After(had.until) {
		return 0, false
	}
	return had.term, true
}

// release ends what is held, so that another process need not wait.
func (l *leases) release(ctx context.Context) error {
	l.mu.Lock()
	l.held = map[string]lease{}
	l.mu.Unlock()
	err := l.db.AskBackbone(ctx, `UPDATE lease SET expires_at = '-infinity' WHERE name = ANY($1) AND holder = $2`, []any{l.names, l.holder}, nil)
	if err != nil {
		return fmt.Errorf("release leases: %w", err)
	}
	return nil
}

// keep takes the leases again and again until ctx ends, then releases them.
// taken, if not nil, is called after each successful take, failed after the others.
func (l *leases) keep(ctx context.Context, taken func(), failed func(error)) error {
	for {
		if err := l.take(ctx); err == nil && taken != nil {
			taken()
		} else if err != nil && ctx.Err() == nil {
			failed(err)
		}
		if !sleep(ctx, l.length/4) {
			break
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return l.release(ctx)
}
