package postgres

import (
	"context"
	"time"

	"github.com/hearthfps/hearth/pkg/postgres"
)

// OpenClocks counts an agency's clocks by code and state: running, and expired in
// the last 30 days without being met since.
func OpenClocks(ctx context.Context, tx *postgres.Tx) ([]postgres.Number, error) {
	return tx.Numbers(ctx, `
		SELECT clock, state, count(*) FROM response_clock
		WHERE state = 'running' OR (state = 'expired' AND met_at IS NULL AND due_at > $1)
		GROUP BY clock, state`, tx.Now().Add(-30*24*time.Hour))
}

// WaitingReferrals counts the referrals nobody has screened, by priority.
func WaitingReferrals(ctx context.Context, tx *postgres.Tx) ([]postgres.Number, error) {
	return tx.Numbers(ctx, `
		SELECT level.priority, count(referral_id) FROM unnest(ARRAY['immediate', 'within_24h', 'within_72h', 'within_10_days', 'routine']) AS level (priority)
		LEFT JOIN referral ON referral.priority = level.priority AND referral.status = 'received'
		GROUP BY level.priority`)
}
