package postgres

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// JSON is a jsonb column whose document is a T.
type JSON[T any] struct{ V T }

// Scan implements sql.Scanner; NULL leaves the zero V.
func (d *JSON[T]) Scan(src any) error {
	switch b := src.(type) {
	case nil:
		return nil
	case []byte:
		return json.Unmarshal(b, &d.V)
	case string:
		return json.Unmarshal([]byte(b), &d.V)
	}
	return fmt.Errorf("jsonb column: cannot read %T", src)
}

// WriteJSON gives v as jsonb text.
func WriteJSON(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("write jsonb column: %w", err)
	}
	return string(b), nil
}

// Conditions gather a WHERE clause with numbered arguments. Args may hold some
// already; the zero value has none.
type Conditions struct {
	Where []string
	Args  []any
}

// Arg adds an argument and returns its placeholder.
func (c *Conditions) Arg(v any) string {
	c.Args = append(c.Args, v)
	return "$" + strconv.Itoa(len(c.Args))
}

// Equal asks for column to be value; "" asks nothing.
func (c *Conditions) Equal(column, value string) {
	if value != "" {
		c.Where = append(c.Where, column+" = "+c.Arg(value))
	}
}

// SQL is the clause, "" when nothing is asked.
func (c *Conditions) SQL() string {
	if len(c.Where) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.Where, " AND ")
}

// NullTime is t as an argument: NULL when it is zero.
func NullTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}
