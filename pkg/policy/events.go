package policy

import (
	"context"

	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/postgres"
)

// CaseAccessHandlers keep the service's case_access as planning's events say.
// Every service but planning subscribes to them.
func CaseAccessHandlers() map[string]events.Handler {
	return map[string]events.Handler{
		"org.hearth.planning.case.assigned.v1": func(ctx context.Context, tx *postgres.Tx, e events.Event) error {
			var data struct {
				CaseID   string `json:"case_id"`
				WorkerID string `json:"worker_id"`
				Role     string `json:"role"`
				Unit     string `json:"unit"`
			}
			if err := e.Decode(&data); err != nil {
				return err
			}
			if data.Unit != "" {
				if err := PlaceCase(ctx, tx, data.CaseID, data.Unit); err != nil {
					return err
				}
			}
			return AssignWorker(ctx, tx, data.CaseID, data.WorkerID, data.Role)
		},
		"org.hearth.planning.case.unassigned.v1": func(ctx context.Context, tx *postgres.Tx, e events.Event) error {
			var data caseWorker
			if err := e.Decode(&data); err != nil {
				return err
			}
			return UnassignWorker(ctx, tx, data.CaseID, data.WorkerID)
		},
		"org.hearth.planning.case.excluded.v1": func(ctx context.Context, tx *postgres.Tx, e events.Event) error {
			var data caseWorker
			if err := e.Decode(&data); err != nil {
				return err
			}
			return ExcludeWorker(ctx, tx, data.CaseID, data.WorkerID)
		},
		"org.hearth.planning.case.exclusion_lifted.v1": func(ctx context.Context, tx *postgres.Tx, e events.Event) error {
			var data caseWorker
			if err := e.Decode(&data); err != nil {
				return err
			}
			return LiftExclusion(ctx, tx, data.CaseID, data.WorkerID)
		},
	}
}

type caseWorker struct {
	CaseID   string `json:"case_id"`
	WorkerID string `json:"worker_id"`
}
