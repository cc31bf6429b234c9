package events

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hearthfps/hearth/pkg/fault"
)

// reasonOf is the code a parked event shows for an error.
func reasonOf(err error) string {
	if f, ok := fault.As(err); ok {
		return f.Code
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return "sqlstate_" + pg.Code
	}
	return fault.KindOf(err).String()
}
