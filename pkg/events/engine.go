package events

import (
	"context"

	"github.com/hearthfps/hearth/pkg/postgres"
)

// Handler takes one event in. ctx has its tenant and its span; tx holds the
// event's inbox row already, so what goes through tx happens exactly once. An
// error rolls all of it back: one that is fault.Transient is tried again, any
// other parks the event and those of its key behind it.
type Handler func(ctx context.Context, tx *postgres.Tx, e Event) error

// Subscription says which events a service takes in. Types without a handler
// are skipped, unless Fallback is set. Several subscriptions may name the same
// type: all their handlers run, in one transaction.
type Subscription struct {
	Topics   []string
	Handlers map[string]Handler
	Fallback Handler
}

// RawHandler takes one message of a topic that is not the suite's own, at least
// once, in order by key. Errors are treated as a Handler's are.
type RawHandler func(ctx context.Context, m Message) error

// RawSubscription is a topic read without the suite's envelope.
type RawSubscription struct {
	Topic   string
	Handler RawHandler
}
