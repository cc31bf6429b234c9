package postgres

import (
	"context"
	"time"

	"github.com/hearthfps/hearth/pkg/postgres"
)

// UnplacedVisits counts an agency's visits without time and worker, whose week is not over.
func UnplacedVisits(ctx context.Context, tx *postgres.Tx) ([]postgres.Number, error) {
	return tx.Numbers(ctx, `SELECT count(*) FROM visit WHERE status = 'unplaced' AND week_of > $1::timestamptz::date - 7`, tx.Now())
}

// VisitsToday counts the visits that begin within 12 hours of now, by status.
func VisitsToday(ctx context.Context, tx *postgres.Tx) ([]postgres.Number, error) {
	return tx.Numbers(ctx, `
		SELECT side.status, count(visit_id) FROM unnest(ARRAY['scheduled', 'in_progress', 'completed', 'attempted']) AS side (status)
		LEFT JOIN visit ON visit.status = side.status AND starts_at BETWEEN $1 AND $2 GROUP BY side.status`,
		tx.Now().Add(-12*time.Hour), tx.Now().Add(12*time.Hour))
}

// VisitsOut counts the visits of the last day that workers are at: in_time, and
// overdue when the visit should have ended.
func VisitsOut(ctx context.Context, tx *postgres.Tx) ([]postgres.Number, error) {
	return tx.Numbers(ctx, `
		SELECT side.state, count(visit_id) FROM unnest(ARRAY['in_time', 'overdue']) AS side (state)
		LEFT JOIN visit ON status = 'in_progress' AND starts_at > $1 AND (ends_at < $2) = (side.state = 'overdue') GROUP BY side.state`,
		tx.Now().Add(-24*time.Hour), tx.Now())
}
