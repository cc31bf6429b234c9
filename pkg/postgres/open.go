package postgres

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/XSAM/otelsql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/jmoiron/sqlx"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/tenant"
)

// Config says how to reach a service's database.
type Config struct {
	// URL is a PostgreSQL connection URL of the runtime role.
	URL string
	// MaxConns bounds the connections open at once. 0 is 4 for each CPU, at least 8.
	MaxConns int
	// ConnectWithin bounds the making of one connection. 0 is five seconds. The address
	// of a server that was moved may swallow packets without an answer: unbounded, all
	// work would wait as long as it may, rather than be told to come back.
	ConnectWithin time.Duration
	// Clock is the time that transactions know as Tx.Now. nil is the machine's clock.
	Clock clock.Clock
	// CheckEvent, if set, is asked about every event before it is written to
	// the outbox; an error refuses it. Tests check events against their schemas so.
	CheckEvent func(eventType string, data []byte) error
	// Published, if set, is told of every event once the transaction that wrote it
	// to the outbox has committed.
	Published func(agency tenant.AgencyID, eventType string, data []byte)
}

// DB is a service's database. It is safe for concurrent use.
type DB struct {
	pool    *sqlx.DB
	config  Config
	signals signals
}

// Open connects to a database and checks that it answers. It fails with the
// driver's error when it does not.
func Open(ctx context.Context, config Config) (*DB, error) {
	parsed, err := pgx.ParseConfig(config.URL)
	if err != nil {
		return nil, errors.New("the database URL cannot be read: want postgres://role@host:port/database")
	}
	if config.MaxConns <= 0 {
		config.MaxConns = max(8, 4*runtime.GOMAXPROCS(0))
	}
	if config.Clock == nil {
		config.Clock = clock.System()
	}
	if parsed.ConnectTimeout == 0 { // a URL may say connect_timeout
		parsed.ConnectTimeout = cmp.Or(config.ConnectWithin, 5*time.Second)
	}
	if parsed.RuntimeParams["application_name"] == "" {
		parsed.RuntimeParams["application_name"] = "hearth"
	}

	pool := otelsql.OpenDB(connector{stdlib.GetConnector(*parsed)},
		otelsql.WithAttributes(attribute.String("db.system.name", "postgresql"), attribute.String("db.namespace", parsed.Database)),
		otelsql.WithSpanOptions(otelsql.SpanOptions{
			DisableErrSkip:       true,
			OmitConnResetSession: true,
			OmitConnPrepare:      true,
			OmitRows:             true,
			OmitConnectorConnect: true,
			// The server's messages may hold a row's values.
			RecordError: func(error) bool { return false },
			// Polls and other work that belongs to no trace make no spans.
			SpanFilter: func(ctx context.Context, _ otelsql.Method, _ string, _ []sqlArg) bool {
				return trace.SpanFromContext(ctx).IsRecording()
			},
		}),
		otelsql.WithSpanErrorAttributesGetter(func(err error) []attribute.KeyValue {
			return []attribute.KeyValue{attribute.String("error.type", sqlState(err))}
		}),
	)
	pool.SetMaxOpenConns(config.MaxConns)
	pool.SetMaxIdleConns(config.MaxConns)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	pool.SetConnMaxLifetime(time.Hour)

	db := &DB{pool: sqlx.NewDb(pool, "pgx"), config: config}
	if err := db.Ping(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("reach database %s at %s: %w", parsed.Database, parsed.Host, err), pool.Close())
	}
	return db, nil
}

// Ping says whether the database answers.
func (db *DB) Ping(ctx context.Context) error { return db.pool.PingContext(ctx) }

// Close closes every connection, after waiting for running statements.
func (db *DB) Close() error { return db.pool.Close() }

// Stats shows the state of the connection pool.
func (db *DB) Stats() sql.DBStats { return db.pool.Stats() }

// Clock is the clock of Config.
func (db *DB) Clock() clock.Clock { return db.config.Clock }

// sqlState names a database error without its words.
func sqlState(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return "_OTHER"
}
