package postgres

import (
	"context"

	"github.com/hearthfps/hearth/pkg/postgres"
)

// AssessmentsByState counts an agency's assessments that are not completed: on_time and overdue.
func AssessmentsByState(ctx context.Context, tx *postgres.Tx) ([]postgres.Number, error) {
	return tx.Numbers(ctx, `
		SELECT side.state, count(assessment_id) FROM unnest(ARRAY['on_time', 'overdue']) AS side (state)
		LEFT JOIN assessment ON status IN ('due', 'in_progress') AND (due_at < $1) = (side.state = 'overdue')
		GROUP BY side.state`, tx.Now())
}
