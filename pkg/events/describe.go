package events

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hearthfps/hearth/pkg/fault"
)

// describe tells an error for a log. A database's own words may repeat a row's
// values, so of those only the code and what they are about is told.
func describe(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		said := "database error " + pg.Code
		if pg.ConstraintName != "" {
			said += ", constraint " + pg.ConstraintName
		} else if pg.TableName != "" {
			said += ", table " + pg.TableName
		}
		if f, ok := fault.As(err); ok {
			said = f.Code + ": " + said
		}
		return said
	}
	return err.Error()
}

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
