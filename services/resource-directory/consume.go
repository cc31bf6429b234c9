package resourcedirectory

import (
	"context"
	"maps"

	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/policy"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/resource-directory/postgres"
)

// subscriptions are the events this service learns from: that a case opened or
// closed, and who works on it.
func subscriptions() []events.Subscription {
	fromPlanning := map[string]events.Handler{"org.hearth.planning.case.closed.v1": caseClosed}
	maps.Copy(fromPlanning, policy.CaseAccessHandlers())
	return []events.Subscription{
		{Topics: []string{events.Topic("intake")}, Handlers: map[string]events.Handler{"org.hearth.intake.case.opened.v1": caseOpened}},
		{Topics: []string{events.Topic("planning")}, Handlers: fromPlanning},
	}
}

func caseOpened(ctx context.Context, tx *kit.Tx, e events.Event) error {
	var data struct {
		CaseID string `json:"case_id"`
	}
	if err := e.Decode(&data); err != nil {
		return err
	}
	return postgres.OpenCase(ctx, tx, data.CaseID, e.TraceParent)
}

func caseClosed(ctx context.Context, tx *kit.Tx, e events.Event) error {
	var data struct {
		CaseID string `json:"case_id"`
	}
	if err := e.Decode(&data); err != nil {
		return err
	}
	return postgres.CloseCase(ctx, tx, data.CaseID)
}
