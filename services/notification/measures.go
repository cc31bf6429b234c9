package notification

import (
	"context"

	"github.com/hearthfps/hearth/pkg/app"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/notification/postgres"
)

// signals are what notification counts as it happens.
func signals(templates []string) []app.Signal {
	var all []app.Signal
	for _, outcome := range []string{"sent", "failed", "withheld"} {
		all = append(all, app.Signal{
			Metric: "hearth_messages_total", Help: "What became of messages, by template. One that is withheld was not safe, or had nowhere to go.",
			Event: "org.hearth.notification.message." + outcome + ".v1",
			Fixed: map[string]string{"outcome": outcome}, Fields: map[string][]string{"template": templates},
		})
	}
	return all
}

// censuses are what stands in notification's tables.
func censuses(templates []string) []app.Census {
	by := []string{"template"}
	of := func(count func(context.Context, *kit.Tx, []string) ([]kit.Number, error)) func(context.Context, *kit.Tx) ([]kit.Number, error) {
		return func(ctx context.Context, tx *kit.Tx) ([]kit.Number, error) { return count(ctx, tx, templates) }
	}
	return []app.Census{
		{Metric: "hearth_messages_pending", Help: "Messages that are not sent yet, by template.", Labels: by, Count: of(postgres.PendingMessages)},
		{Metric: "hearth_messages_oldest_overdue_seconds", Help: "How long the oldest message that is due has not been sent, by template.", Labels: by, Count: of(postgres.OldestOverdue)},
		{Metric: "hearth_message_tasks_open", Help: "Messages that did not reach anybody and that somebody has to see to by hand.", Count: postgres.OpenTasks},
	}
}
