package visitscheduling

import (
	"context"
	"time"

	"github.com/hearthfps/hearth/pkg/events"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/desk"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// take decodes an event's data and does something with it.
func take[T any](do func(ctx context.Context, tx *kit.Tx, e events.Event, data T) error) events.Handler {
	return func(ctx context.Context, tx *kit.Tx, e events.Event) error {
		var data T
		if err := e.Decode(&data); err != nil {
			return err
		}
		return do(ctx, tx, e, data)
	}
}

func intakeHandlers(d *desk.Desk) map[string]events.Handler {
	return map[string]events.Handler{
		"org.hearth.intake.case.opened.v1": take(func(ctx context.Context, tx *kit.Tx, e events.Event, opened struct {
			Case      schedule.CaseID `json:"case_id"`
			Household string          `json:"household_id"`
		},
		) error {
			return d.CaseOpened(ctx, tx, opened.Case, opened.Household, e.TraceParent)
		}),
	}
}

// caseWorker is a case and a worker, as several of planning's events name them.
type caseWorker struct {
	Case   schedule.CaseID   `json:"case_id"`
	Worker schedule.WorkerID `json:"worker_id"`
	Role   string            `json:"role"`
}

func planningHandlers(d *desk.Desk) map[string]events.Handler {
	leave := take(func(ctx context.Context, tx *kit.Tx, _ events.Event, left caseWorker) error {
		return d.Unassigned(ctx, tx, left.Case, left.Worker)
	})
	return map[string]events.Handler{
		"org.hearth.planning.plan.approved.v1": take(func(ctx context.Context, tx *kit.Tx, e events.Event, plan desk.ApprovedPlan) error {
			// Approved when the event happened, so that a late delivery makes the same visits.
			return d.Approve(ctx, tx, plan, e.Time.UTC().Truncate(time.Microsecond), e.TraceParent)
		}),
		"org.hearth.planning.case.assigned.v1": take(func(ctx context.Context, tx *kit.Tx, _ events.Event, a caseWorker) error {
			return d.Assigned(ctx, tx, a.Case, a.Worker, a.Role == "lead")
		}),
		"org.hearth.planning.case.unassigned.v1": leave,
		"org.hearth.planning.case.excluded.v1":   leave,
		"org.hearth.planning.case.closed.v1": take(func(ctx context.Context, tx *kit.Tx, _ events.Event, closed struct {
			Case schedule.CaseID `json:"case_id"`
		},
		) error {
			return d.CloseCase(ctx, tx, closed.Case)
		}),
	}
}
