package intake

import (
	"context"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/events"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/intake/postgres"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// exclusionHandlers lift the exclusions of a case's referrals when the case's is
// lifted: the case took them over, and a worker it lets in must find how it began.
func exclusionHandlers(c clock.Clock) map[string]events.Handler {
	return map[string]events.Handler{
		"org.hearth.planning.case.exclusion_lifted.v1": func(ctx context.Context, tx *kit.Tx, e events.Event) error {
			var data struct {
				Case   referral.CaseID `json:"case_id"`
				Worker string          `json:"worker_id"`
			}
			if err := e.Decode(&data); err != nil {
				return err
			}
			return postgres.LiftCaseExclusion(ctx, tx, data.Case, data.Worker, "planning", c.Now())
		},
	}
}
