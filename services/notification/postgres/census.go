package postgres

import (
	"context"

	"github.com/hearthfps/hearth/pkg/postgres"
)

// A message that waits has a timer, so that the timers, which are few, find those
// that wait among all that ever were.
const waiting = `
	FROM unnest($1::text[]) AS known (template)
	LEFT JOIN (message JOIN timer ON timer.agency_id = message.agency_id AND timer.kind = 'deliver' AND timer.timer_id = message_id AND state = 'pending')
		ON message.template = known.template GROUP BY known.template`

// PendingMessages counts an agency's messages that are not sent yet, by template.
func PendingMessages(ctx context.Context, tx *postgres.Tx, templates []string) ([]postgres.Number, error) {
	return tx.Numbers(ctx, `SELECT known.template, count(message_id)`+waiting, templates)
}

// OldestOverdue is for how many seconds the oldest message that is due has waited, by template.
func OldestOverdue(ctx context.Context, tx *postgres.Tx, templates []string) ([]postgres.Number, error) {
	return tx.Numbers(ctx, `SELECT known.template, coalesce(greatest(extract(epoch FROM $2::timestamptz - min(message.due_at)), 0), 0)::float8`+waiting, templates, tx.Now())
}

// OpenTasks counts the tasks nobody has done.
func OpenTasks(ctx context.Context, tx *postgres.Tx) ([]postgres.Number, error) {
	return tx.Numbers(ctx, `SELECT count(*) FROM task WHERE NOT done`)
}
