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

// replay inserts a recording into the empty tables at adminURL by plain pgx: a
// pipelined batch a transaction, on the given number of connections. It returns
// how long that took, the connections being open already. References are
// checked as they are for the service, so no transaction may refer to another's rows.
func replay(ctx context.Context, adminURL string, r recording, connections int) (time.Duration, error) {
	statements := map[string]string{}
	for table, columns := range r.columns {
		marks := make([]string, len(columns))
		for i := range marks {
			marks[i] = fmt.Sprintf("$%d", i+1)
		}
		statements[table] = fmt.Sprintf("INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE VALUES (%s)",
			pgx.Identifier{table}.Sanitize(), quoted(columns), strings.Join(marks, ", "))
	}
	conns := make([]*pgx.Conn, connections)
	for i := range conns {
		c, err := pgx.Connect(ctx, adminURL)
		if err != nil {
			return 0, fmt.Errorf("connect to replay: %w", err)
		}
		defer c.Close(ctx)
		conns[i] = c
	}
	var (
		next     atomic.Int64
		wg       sync.WaitGroup
		failures = make([]error, connections)
		started  = time.Now()
	)
	for i, c := range conns {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for {
				n := int(next.Add(1)) - 1
				if n >= len(r.transactions) || failures[i] != nil {
					return
				}
				failures[i] = pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
					var batch pgx.Batch
					for _, row := range r.transactions[n] {
						args := make([]any, len(row.values))
						for k, v := range row.values {
							if v != nil {
								args[k] = *v
							}
						}
						batch.Queue(statements[row.table], args...)
					}
					return tx.SendBatch(ctx, &batch).Close()
				})
			}
		}()
	}
	wg.Wait()
	return time.Since(started), errors.Join(failures...)
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
	defer db.Close(ctx)
	_, err = db.Exec(ctx, `DO $$
DECLARE names text;
BEGIN
    SELECT string_agg(format('public.%I', relname), ', ') INTO names
    FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname NOT LIKE 'goose%';
    EXECUTE 'TRUNCATE ' || names || ' CASCADE';
END
$$`)
	return err
}
