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
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/hearthfps/hearth/pkg/tenant"
)

type sqlArg = driver.NamedValue

// scope is whose rows a transaction may reach.
type scope struct {
	agency   tenant.AgencyID
	backbone bool
}

type scopeKey struct{}

// set is the statement that puts a transaction into the scope. A slug holds no
// quote, so it needs no escaping. Both settings are always written: one left
// over from elsewhere must not widen the other.
func (s scope) set() string {
	on := ""
	if s.backbone {
		on = "on"
	}
	return fmt.Sprintf("select set_config('hearth.agency', '%s', true), set_config('hearth.backbone', '%s', true)", s.agency, on)
}

// connector makes connections that begin a transaction only within a scope.
type connector struct{ driver.Connector }

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &scopedConn{Conn: conn.(*stdlib.Conn)}, nil
}

// scopedConn sends BEGIN and the scope as one message: one round trip less for
// every transaction, and no moment in which a transaction has no tenant.
type scopedConn struct{ *stdlib.Conn }

func (c *scopedConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	s, ok := ctx.Value(scopeKey{}).(scope)
	if !ok {
		return nil, errors.New("begin a transaction: it has no tenant; use InTenant")
	}
	begin := "begin"
	switch sql.IsolationLevel(opts.Isolation) {
	case sql.LevelDefault:
	case sql.LevelSerializable:
		begin += " isolation level serializable"
	case sql.LevelRepeatableRead:
		begin += " isolation level repeatable read"
	default:
		return nil, fmt.Errorf("begin a transaction: isolation %v is not used here", sql.IsolationLevel(opts.Isolation))
	}
	if opts.ReadOnly {
		begin += " read only"
	}

	conn := c.Conn.Conn()
	if conn.IsClosed() {
		return nil, driver.ErrBadConn
	}
	if _, err := conn.PgConn().Exec(ctx, begin+"; "+s.set()).ReadAll(); err != nil {
		// Nothing has been done yet: a connection that broke is no loss.
		if ctx.Err() == nil && (pgconn.SafeToRetry(err) || conn.IsClosed()) {
			return nil, driver.ErrBadConn
		}
		return nil, err
	}
	return &transaction{ctx: ctx, conn: conn}, nil
}

// transaction ends what BeginTx began.
type transaction struct {
	ctx  context.Context
	conn *pgx.Conn
}

func (t *transaction) Commit() error {
	if t.conn.IsClosed() {
		return driver.ErrBadConn
	}
	tag, err := t.conn.Exec(t.ctx, "commit")
	if err != nil {
		return err
	}
	// COMMIT of a transaction that has failed answers ROLLBACK, and no error.
	if tag.String() == "ROLLBACK" {
		return pgx.ErrTxCommitRollback
	}
	return nil
}

func (t *transaction) Rollback() error {
	if t.conn.IsClosed() {
		return nil // the server has rolled back
	}
	// The context of the work may be over; the connection is still to be freed.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), 5*time.Second)
	defer cancel()
	_, err := t.conn.Exec(ctx, "rollback")
	if err != nil {
		return errors.Join(err, t.conn.Close(ctx))
	}
	return nil
}

// pgxConn finds the pgx connection below the instrumented one.
func pgxConn(driverConn any) (*pgx.Conn, error) {
	for {
		switch c := driverConn.(type) {
		case *scopedConn:
			return c.Conn.Conn(), nil
		case interface{ Raw() driver.Conn }:
			driverConn = c.Raw()
		default:
			return nil, fmt.Errorf("a %T is not a PostgreSQL connection", driverConn)
		}
	}
}
