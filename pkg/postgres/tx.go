package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jmoiron/sqlx"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/tenant"
)

const attempts = 3

// Tx is a transaction of one agency (or, from InBackbone, of the backbone).
// Use it from one goroutine, and not after its function returned.
type Tx struct {
	*sqlx.Tx

	db          *DB
	conn        *sqlx.Conn
	agency      tenant.AgencyID
	afterCommit []func()
	afterFail   []func(context.Context) error
}

// InTenant runs fn in a transaction of the context's agency and commits when fn
// returns nil. fn may run more than once (guarantee 3), so it has no effect but
// through tx; what must follow a commit goes to tx.AfterCommit.
//
// It fails with Internal (agency_missing) when the context has no agency, and
// (transaction_nested) inside another transaction of the same database, which
// would wait for itself when connections run out.
func (db *DB) InTenant(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	agency, ok := tenant.From(ctx)
	if !ok {
		return fault.New(fault.Internal, "agency_missing", "A transaction needs an agency.")
	}
	return db.in(ctx, scope{agency: agency}, nil, fn)
}

// ReadInTenant is InTenant for reads of several statements that must agree with
// each other: read only, in one snapshot.
func (db *DB) ReadInTenant(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	agency, ok := tenant.From(ctx)
	if !ok {
		return fault.New(fault.Internal, "agency_missing", "A transaction needs an agency.")
	}
	return db.in(ctx, scope{agency: agency}, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}, fn)
}

// InBackbone runs fn in a transaction that reaches the rows of every agency in
// the kit's event, timer and lease tables, and no row of any other table.
func (db *DB) InBackbone(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	return db.in(ctx, scope{backbone: true}, nil, fn)
}

type nestedKey struct{ db *DB }

func (db *DB) in(ctx context.Context, s scope, opts *sql.TxOptions, fn func(context.Context, *Tx) error) error {
	if ctx.Value(nestedKey{db}) != nil {
		return fault.New(fault.Internal, "transaction_nested", "A transaction was asked for inside a transaction.")
	}
	outside := ctx
	ctx = context.WithValue(ctx, nestedKey{db}, true)
	ctx = context.WithValue(ctx, scopeKey{}, s)
	for attempt := 1; ; attempt++ {
		tx := &Tx{db: db, agency: s.agency}
		err := db.try(ctx, tx, opts, fn)
		if err == nil {
			for _, f := range tx.afterCommit {
				f()
			}
			return nil
		}
		if attempt == attempts || !retryable(err) || ctx.Err() != nil {
			for _, f := range tx.afterFail {
				err = errors.Join(err, f(context.WithoutCancel(outside)))
			}
			return err
		}
		time.Sleep(time.Duration(attempt) * 5 * time.Millisecond)
	}
}

func (db *DB) try(ctx context.Context, tx *Tx, opts *sql.TxOptions, fn func(context.Context, *Tx) error) (err error) {
	conn, begun, err := db.begin(ctx, opts)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	defer func() { err = errors.Join(err, release(conn)) }()
	tx.Tx, tx.conn = begun, conn
	ended := false
	defer func() {
		if ended {
			return
		}
		// After a panic in fn too. A rollback that fails leaves a connection the
		// pool throws away, and the error that led here is the one to tell.
		if rollback := begun.Rollback(); rollback != nil && !errors.Is(rollback, sql.ErrTxDone) && err == nil {
			err = fmt.Errorf("roll back transaction: %w", rollback)
		}
	}()

	if err := fn(ctx, tx); err != nil {
		return err
	}
	ended = true
	if err := begun.Commit(); err != nil {
		if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("commit transaction: %w", err)
	}
	return nil
}

// begin begins a transaction on a connection that works. After a restart of the
// server the pool may hold nothing but connections that broke, so it is tried
// with as many as it holds, and one more.
func (db *DB) begin(ctx context.Context, opts *sql.TxOptions) (*sqlx.Conn, *sqlx.Tx, error) {
	for broken := 0; ; broken++ {
		conn, err := db.pool.Connx(ctx)
		if err != nil {
			return nil, nil, err
		}
		tx, err := conn.BeginTxx(ctx, opts)
		if err == nil {
			return conn, tx, nil
		}
		if closed := release(conn); closed != nil {
			err = errors.Join(err, closed)
		}
		if !errors.Is(err, driver.ErrBadConn) || broken == db.config.MaxConns {
			return nil, nil, err
		}
	}
}

// release gives a connection back. One that broke the pool has thrown away.
func release(conn *sqlx.Conn) error {
	if err := conn.Close(); err != nil && !errors.Is(err, sql.ErrConnDone) {
		return err
	}
	return nil
}

// retryable is what PostgreSQL asks to be run again from the start.
func retryable(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}

// Agency is the transaction's tenant; the zero value in InBackbone.
func (tx *Tx) Agency() tenant.AgencyID { return tx.agency }

// Now is the time by the clock the database was opened with.
func (tx *Tx) Now() time.Time { return tx.db.config.Clock.Now() }

// CheckEvent asks Config.CheckEvent; nil when there is none.
func (tx *Tx) CheckEvent(eventType string, data []byte) error {
	if tx.db.config.CheckEvent == nil {
		return nil
	}
	return tx.db.config.CheckEvent(eventType, data)
}

// Published tells Config.Published of a committed event.
func (tx *Tx) Published(eventType string, data []byte) {
	if told := tx.db.config.Published; told != nil {
		told(tx.agency, eventType, data)
	}
}

// AfterFailure has f called when the transaction has failed for good and is rolled
// back: to keep what must be known of it, in a transaction of its own. What f fails
// with is told beside what the transaction failed with.
func (tx *Tx) AfterFailure(f func(ctx context.Context) error) { tx.afterFail = append(tx.afterFail, f) }

// AfterCommit has f run once the transaction has committed.
func (tx *Tx) AfterCommit(f func()) { tx.afterCommit = append(tx.afterCommit, f) }

// DB is the database of the transaction.
func (tx *Tx) DB() *DB { return tx.db }

// SendBatch sends many statements in one round trip, inside the transaction,
// and hands their results to read, in the order they were queued. read may be
// nil, or leave results unread; the first error among them is returned.
func (tx *Tx) SendBatch(ctx context.Context, batch *pgx.Batch, read func(pgx.BatchResults) error) error {
	if trace.SpanFromContext(ctx).IsRecording() {
		var span trace.Span
		ctx, span = otel.Tracer(scopeName).Start(ctx, "sql.conn.batch", trace.WithSpanKind(trace.SpanKindClient))
		defer span.End()
	}
	return tx.raw(func(conn *pgx.Conn) (err error) {
		results := conn.SendBatch(ctx, batch)
		defer func() { err = errors.Join(err, results.Close()) }()
		if read == nil {
			return nil
		}
		return read(results)
	})
}

const scopeName = "github.com/hearthfps/hearth/pkg/postgres"

func (tx *Tx) raw(f func(*pgx.Conn) error) error { return rawConn(tx.conn, f) }

func rawConn(conn *sqlx.Conn, f func(*pgx.Conn) error) error {
	// An error returned from Raw's function could be taken for a broken
	// connection; ours are about statements.
	var failed error
	err := conn.Raw(func(driverConn any) error {
		pgxConn, err := pgxConn(driverConn)
		if err != nil {
			return err
		}
		failed = f(pgxConn)
		return nil
	})
	return errors.Join(err, failed)
}

// BatchBackbone runs a batch of statements over the backbone tables as one
// transaction of its own, in a single round trip, and hands their results to
// read, which may be nil. For what runs often: polls, relays, leases.
func (db *DB) BatchBackbone(ctx context.Context, batch *pgx.Batch, read func(pgx.BatchResults) error) (err error) {
	conn, err := db.pool.Connx(ctx)
	if err != nil {
		return fmt.Errorf("get a database connection: %w", err)
	}
	defer func() { err = errors.Join(err, release(conn)) }()
	return rawConn(conn, func(conn *pgx.Conn) (err error) {
		// The statements of a batch are one transaction.
		scoped := &pgx.Batch{QueuedQueries: make([]*pgx.QueuedQuery, 0, 1+batch.Len())}
		scoped.Queue(scope{backbone: true}.set())
		scoped.QueuedQueries = append(scoped.QueuedQueries, batch.QueuedQueries...)
		results := conn.SendBatch(ctx, scoped)
		defer func() { err = errors.Join(err, results.Close()) }()
		if _, err := results.Exec(); err != nil {
			return err
		}
		if read == nil {
			return nil
		}
		return read(results)
	})
}

// AskBackbone is BatchBackbone of one query.
func (db *DB) AskBackbone(ctx context.Context, query string, args []any, read func(pgx.Rows) error) error {
	batch := &pgx.Batch{}
	batch.Queue(query, args...)
	return db.BatchBackbone(ctx, batch, func(results pgx.BatchResults) error {
		rows, err := results.Query()
		if err != nil {
			return err
		}
		defer rows.Close()
		if read != nil {
			if err := read(rows); err != nil {
				return err
			}
		}
		rows.Close()
		return rows.Err()
	})
}
