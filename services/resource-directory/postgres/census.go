package postgres

import (
	"context"

	"github.com/hearthfps/hearth/pkg/postgres"
)

// OpenResourceReferrals counts an agency's referrals to services that are not ended, by state.
func OpenResourceReferrals(ctx context.Context, tx *postgres.Tx) ([]postgres.Number, error) {
	return tx.Numbers(ctx, `
		SELECT side.state, count(resource_referral_id) FROM unnest(ARRAY['requested', 'accepted']) AS side (state)
		LEFT JOIN resource_referral ON resource_referral.state = side.state GROUP BY side.state`)
}
