package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// replayer inserts a recording into empty tables by plain pgx, again and again:
// a pipelined batch a transaction, on connections that stay open and have their
// statements prepared.
type replayer struct {
	adminURL   string
	recording  recording
	statements map[string]string
	conns      []*pgx.Conn
}

func newReplayer(ctx context.Context, adminURL string, r recording, connections int) (*replayer, error) {
	p := &replayer{adminURL: adminURL, recording: r, statements: map[string]string{}}
	for table, columns := range r.columns {
		marks := make([]string, len(columns))
		for i := range marks {
			marks[i] = fmt.Sprintf("$%d", i+1)
		}
		p.statements[table] = fmt.Sprintf("INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE VALUES (%s)",
			pgx.Identifier{table}.Sanitize(), quoted(columns), strings.Join(marks, ", "))
	}
	for range connections {
		c, err := pgx.Connect(ctx, adminURL)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("connect to replay: %w", err), p.close(ctx))
		}
		p.conns = append(p.conns, c)
	}
	// Prepares the statements, and shows that the recording can be replayed.
	if _, err := p.once(ctx); err != nil {
		return nil, errors.Join(err, p.close(ctx))
	}
	return p, nil
}

func (p *replayer) close(ctx context.Context) error {
	var errs []error
	for _, c := range p.conns {
		errs = append(errs, c.Close(ctx))
	}
	p.conns = nil
	return errors.Join(errs...)
}

// run replays for about span, each time into empty tables, and returns how often
// and how long that took, emptying aside.
func (p *replayer) run(ctx context.Context, span time.Duration) (times int, took time.Duration, _ error) {
	for took < span {
		t, err := p.once(ctx)
		if err != nil {
			return 0, 0, err
		}
		took += t
		times++
	}
	return times, took, nil
}

// once replays the recording and returns how long that took. References are
// checked as they are for the service, so no transaction may refer to another's rows.
func (p *replayer) once(ctx context.Context) (time.Duration, error) {
	if err := empty(ctx, p.adminURL); err != nil {
		return 0, fmt.Errorf("empty the tables: %w", err)
	}
	var (
		next     atomic.Int64
		wg       sync.WaitGroup
		failures = make([]error, len(p.conns))
		started  = time.Now()
	)
	for i, c := range p.conns {
		wg.Go(func() {
			for failures[i] == nil {
				n := int(next.Add(1)) - 1
				if n >= len(p.recording.transactions) {
					return
				}
				failures[i] = p.insert(ctx, c, p.recording.transactions[n])
			}
		})
	}
	wg.Wait()
	return time.Since(started), errors.Join(failures...)
}

// insert is one transaction: its rows go as one pipelined batch.
func (p *replayer) insert(ctx context.Context, c *pgx.Conn, rows []insertion) error {
	return pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
		var batch pgx.Batch
		for _, row := range rows {
			args := make([]any, len(row.values))
			for k, v := range row.values {
				if v != nil {
					args[k] = *v
				}
			}
			batch.Queue(p.statements[row.table], args...)
		}
		return tx.SendBatch(ctx, &batch).Close()
	})
}

func quoted(columns []string) string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = pgx.Identifier{c}.Sanitize()
	}
	return strings.Join(out, ", ")
}

// empty removes every row of the tables of public at adminURL, but for what migrations noted.
func empty(ctx context.Context, adminURL string) error {
	db, err := pgx.Connect(ctx, adminURL)
	if err != nil {
		return err
	}
	_, err = db.Exec(ctx, `DO $$
DECLARE names text;
BEGIN
    SELECT string_agg(format('public.%I', relname), ', ') INTO names
    FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname NOT LIKE 'goose%';
    EXECUTE 'TRUNCATE ' || names || ' CASCADE';
END
$$`)
	return errors.Join(err, db.Close(ctx))
}
