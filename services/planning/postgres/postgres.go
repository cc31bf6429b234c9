// Package postgres stores case files. Every function takes a transaction of one
// agency and sees that agency's rows alone.
package postgres

import (
	"embed"
	"encoding/json"
	"fmt"
)

// Migrations are the service's goose files.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// document is a jsonb column.
type document[T any] struct{ V T }

// Scan reads a jsonb value; NULL leaves the zero V.
func (d *document[T]) Scan(src any) error {
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

// write gives v as jsonb text.
func write(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("write jsonb column: %w", err)
	}
	return string(b), nil
}
