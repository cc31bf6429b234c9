package postgres

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hearthfps/hearth/pkg/fault"
)

// Describe tells an error for a log. A server's own words may repeat a row's
// values, so of its errors only the SQLSTATE and what they are about is told.
func Describe(err error) string {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return err.Error()
	}
	said := "database error " + pg.Code
	switch {
	case pg.ConstraintName != "":
		said += ", constraint " + pg.ConstraintName
	case pg.TableName != "":
		said += ", table " + pg.TableName
	}
	if f, ok := fault.As(err); ok {
		said = f.Code + ": " + said
	}
	return said
}
