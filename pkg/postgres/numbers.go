package postgres

import (
	"context"
	"fmt"
)

// Number is a row of a count: codes, and how many or how much.
type Number struct {
	Of     []string
	Number float64
}

// Numbers runs a query whose last column is a number and whose others are text.
func (tx *Tx) Numbers(ctx context.Context, query string, args ...any) ([]Number, error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("count: %w", err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, fmt.Errorf("count: %w", err)
	}
	var numbers []Number
	for rows.Next() {
		n := Number{Of: make([]string, len(columns)-1)}
		into := make([]any, 0, len(columns))
		for i := range n.Of {
			into = append(into, &n.Of[i])
		}
		if err := rows.Scan(append(into, &n.Number)...); err != nil {
			return nil, fmt.Errorf("count: %w", err)
		}
		numbers = append(numbers, n)
	}
	return numbers, rows.Err()
}
