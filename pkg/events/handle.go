package events

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
)

// outcome is what became of a message.
type outcome string

const (
	handled   outcome = "handled"
	duplicate outcome = "duplicate" // its effect is there from before
	skipped   outcome = "skipped"   // nobody here wants its type
	waiting   outcome = "waiting"   // parked behind an earlier one of its key
	failed    outcome = "failed"    // parked, to be tried again
	poison    outcome = "poison"    // parked for good
)

// handle sees one message through, to its effect or to its parking. false says
// that it had to stop before either: stop has closed or ctx has ended.
func (e *Engine) handle(ctx context.Context, stop <-chan struct{}, i *item) bool {
	attempt := e.attemptEvent
	if e.routes.raw[i.message.Topic] != nil {
		attempt = e.attemptRaw
	}
	var failingSince time.Time
	for try := 0; ; try++ {
		became, err := attempt(ctx, i.message, try)
		if err == nil {
			e.metrics.consumed(ctx, i.message, became)
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		switch {
		case !fault.Transient(err):
			became, err = e.park(ctx, i.message, poison, err, try+1)
		case failingSince.IsZero():
			failingSince = time.Now()
		case time.Since(failingSince) < e.config.RetryFor:
		case e.config.DB.Ping(ctx) != nil:
			// The service's own database is away: every key fails, so none is
			// parked for it, nor could it be. The time does not count.
			failingSince = time.Now()
		default:
			became, err = e.park(ctx, i.message, failed, err, try+1)
		}
		if err == nil {
			e.metrics.consumed(ctx, i.message, became)
			return true
		}
		kind, _ := e.said(i.message)
		e.log.WarnContext(ctx, "cannot handle a message", "topic", i.message.Topic, "partition", i.message.Partition, "offset", i.message.Offset,
			"type", kind, "try", try+1, "error", postgres.Describe(err))
		select {
		case <-stop:
			return false
		case <-ctx.Done():
			return false
		case <-time.After(backoff(try + 1)):
		}
	}
}

// readEvent reads a message of one of the suite's own topics.
func readEvent(m Message) (Event, error) {
	decoded := m.Decode()
	if err := decoded.Err(); err != nil {
		return Event{}, err
	}
	event, err := decoded.Event.Event()
	if err == nil && event.Key != string(m.Key) {
		err = errors.New("partitionkey differs from the record's key")
	}
	if err != nil {
		return Event{}, fault.New(fault.Unprocessable, "event_foreign", "The message is not an event of the suite.").Because(err)
	}
	return event, nil
}

var errUnknownMajor = fault.New(fault.Unprocessable, "event_major_unknown", "Another major version of this type is handled here, and not this one.")

func (e *Engine) attemptEvent(ctx context.Context, m Message, try int) (outcome, error) {
	event, err := readEvent(m)
	if err != nil {
		return "", err
	}
	handlers, otherMajor := e.routes.find(m.Topic, event.Type)
	if otherMajor {
		return "", errUnknownMajor
	}
	if len(handlers) == 0 {
		return skipped, nil
	}
	ctx, end := e.processSpan(ctx, m, event.TraceParent, event.ID, event.Type, try)
	became, err := e.apply(ctx, m, event, handlers)
	end(err)
	return became, err
}

const (
	takeIn = `INSERT INTO inbox (event_id) VALUES ($1) ON CONFLICT DO NOTHING`
	// A key in which anything is parked takes in nothing directly.
	isParked = `SELECT EXISTS (SELECT FROM parked_event WHERE agency_id = $1 AND key = $2)`
)

// apply has an event's effects, once, unless its key is parked.
func (e *Engine) apply(ctx context.Context, m Message, event Event, handlers []Handler) (became outcome, err error) {
	ctx = WithCause(tenant.With(ctx, event.Agency), event.ID, event.Correlation)
	err = e.config.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		var parked bool
		batch := &pgx.Batch{}
		batch.Queue(takeIn, event.ID)
		batch.Queue(isParked, event.Agency.String(), event.Key)
		if err := tx.SendBatch(ctx, batch, func(results pgx.BatchResults) error {
			tag, err := results.Exec()
			if err != nil {
				return fmt.Errorf("write inbox: %w", err)
			}
			became = handled
			if tag.RowsAffected() == 0 {
				became = duplicate
			}
			return results.QueryRow().Scan(&parked)
		}); err != nil {
			return err
		}
		switch {
		case became == duplicate:
			return nil
		case parked:
			became = waiting
			return insertParked(ctx, tx, parkedRow(m, event, waiting, "", 0))
		default:
			return runHandlers(ctx, tx, event, handlers)
		}
	})
	return became, err
}

// runHandlers turns a panic into an error: a defect in one handler is one
// parked key, not a service that is down.
func runHandlers(ctx context.Context, tx *postgres.Tx, event Event, handlers []Handler) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
	}()
	for _, handler := range handlers {
		if err := handler(ctx, tx, event); err != nil {
			return err
		}
	}
	return nil
}

func panicked(p any) error {
	said := fmt.Sprintf("%T", p) // its words may be about a family
	if defect, ok := p.(runtime.Error); ok {
		said = defect.Error()
	}
	return fault.New(fault.Internal, "handler_panic", "The handler failed by a defect.").Because(fmt.Errorf("panic: %s\n%s", said, debug.Stack()))
}

// attemptRaw hands a message of a raw topic to its handler.
func (e *Engine) attemptRaw(ctx context.Context, m Message, try int) (_ outcome, err error) {
	if e.rawParked.Load() {
		parked, err := e.rawKeyParked(ctx, m)
		if err != nil {
			return "", err
		}
		if parked {
			return e.park(ctx, m, waiting, nil, 0)
		}
	}
	traceparent := m.Header("traceparent")
	if traceparent == "" {
		traceparent = m.Header("ce_traceparent")
	}
	ctx, end := e.processSpan(ctx, m, traceparent, "", "", try)
	err = runRaw(ctx, m, e.routes.raw[m.Topic])
	end(err)
	return handled, err
}

func runRaw(ctx context.Context, m Message, handler RawHandler) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
	}()
	return handler(ctx, m)
}

// freshFor is how recent an event is of which the handling belongs to the trace
// it was made in. A trace that grew for hours after is of use to nobody.
const freshFor = 5 * time.Minute

// processSpan begins the span "process <topic>".
func (e *Engine) processSpan(ctx context.Context, m Message, traceparent, id, kind string, try int) (context.Context, func(error)) {
	options := []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(
			attribute.String("messaging.system", "kafka"),
			attribute.String("messaging.operation.type", "process"),
			attribute.String("messaging.destination.name", m.Topic),
			attribute.String("messaging.destination.partition.id", fmt.Sprint(m.Partition)),
			attribute.String("messaging.consumer.group.name", e.config.Service),
			attribute.Int64("messaging.kafka.offset", m.Offset),
			attribute.Int("messaging.try", try+1),
		),
	}
	if id != "" {
		options = append(options, trace.WithAttributes(attribute.String("messaging.message.id", id), attribute.String("cloudevents.event_type", kind)))
	}
	if made, ok := parseTraceParent(traceparent); ok {
		if try == 0 && time.Since(m.Time) < freshFor {
			ctx = trace.ContextWithRemoteSpanContext(ctx, made)
		} else {
			options = append(options, trace.WithNewRoot(), trace.WithLinks(trace.Link{SpanContext: made}))
		}
	}
	ctx, span := tracer().Start(ctx, "process "+m.Topic, options...)
	return ctx, func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, reasonOf(err))
		}
		span.End()
	}
}
