package postgres

import (
	"context"

	"github.com/hearthfps/hearth/pkg/postgres"
)

// OpenCases counts an agency's cases that are not closed, by status.
func OpenCases(ctx context.Context, tx *postgres.Tx) ([]postgres.Number, error) {
	return tx.Numbers(ctx, `
		SELECT side.status, count(case_id) FROM unnest(ARRAY['open', 'active']) AS side (status)
		LEFT JOIN case_file ON case_file.status = side.status GROUP BY side.status`)
}

// UnassignedCases counts the cases that are not closed and that nobody works on.
func UnassignedCases(ctx context.Context, tx *postgres.Tx) ([]postgres.Number, error) {
	return tx.Numbers(ctx, `
		SELECT count(*) FROM case_file WHERE status <> 'closed' AND NOT EXISTS (
			SELECT FROM assignment WHERE assignment.agency_id = case_file.agency_id AND assignment.case_id = case_file.case_id AND ended_at IS NULL)`)
}

// CaseloadWorkers counts the workers who have cases, by program.
func CaseloadWorkers(ctx context.Context, tx *postgres.Tx) ([]postgres.Number, error) {
	return tx.Numbers(ctx, `SELECT program, count(*) FILTER (WHERE cases > 0) FROM caseload GROUP BY program`)
}

// CaseloadCases counts what those workers have, by program.
func CaseloadCases(ctx context.Context, tx *postgres.Tx) ([]postgres.Number, error) {
	return tx.Numbers(ctx, `SELECT program, sum(cases) FROM caseload GROUP BY program`)
}

// CaseloadLargest is the most cases one worker has, by program.
func CaseloadLargest(ctx context.Context, tx *postgres.Tx) ([]postgres.Number, error) {
	return tx.Numbers(ctx, `SELECT program, max(cases) FROM caseload GROUP BY program`)
}
