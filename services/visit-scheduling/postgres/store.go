// Package postgres keeps workers, series, visits and the work of planning. Every
// method takes the tenant transaction it runs in.
//
// Order of locks, for whoever locks several: workers by id, then series, then
// visits by id.
package postgres

import (
	"database/sql/driver"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hearthfps/hearth/pkg/fault"
)

// Migrations are the service's tables.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// Store has the queries. It holds no state.
type Store struct{}

// column is a value kept as JSON; nil pointers are NULL.
type column[T any] struct{ V T }

func (c column[T]) Value() (driver.Value, error) {
	data, err := json.Marshal(c.V)
	if err != nil {
		return nil, err
	}
	if string(data) == "null" {
		return nil, nil
	}
	return string(data), nil
}

func (c *column[T]) Scan(src any) error {
	switch data := src.(type) {
	case nil:
		return nil
	case []byte:
		return json.Unmarshal(data, &c.V)
	case string:
		return json.Unmarshal([]byte(data), &c.V)
	}
	return fmt.Errorf("cannot read a JSON column from %T", src)
}

// list is a JSON array that is never null.
func list[T any](items []T) column[[]T] {
	if items == nil {
		items = []T{}
	}
	return column[[]T]{items}
}

// refused turns what the guards of the tables refuse into faults.
func refused(err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return err
	}
	switch {
	case pg.Code == "23P01":
		return fault.New(fault.Conflict, "double_booked", "A worker is at another visit then.").Because(err)
	case pg.Code == "23503" && pg.TableName == "booking":
		return fault.New(fault.Unprocessable, "unknown_worker", "No worker of this agency has that id.").Because(err)
	}
	return err
}

// conditions collects what a list asks for.
type conditions struct {
	where string
	args  []any
}

// numbered turns each ? of text into the placeholder of the next value.
func (c *conditions) numbered(text string, values ...any) string {
	for _, v := range values {
		c.args = append(c.args[:len(c.args):len(c.args)], v)
		text = strings.Replace(text, "?", "$"+strconv.Itoa(len(c.args)), 1)
	}
	return text
}

// and adds a condition.
func (c *conditions) and(text string, values ...any) {
	if c.where != "" {
		c.where += " AND "
	}
	c.where += "(" + c.numbered(text, values...) + ")"
}
