package events

import (
	"context"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

const scopeName = "github.com/hearthfps/hearth/pkg/events"

func tracer() trace.Tracer { return otel.Tracer(scopeName) }

// TraceParent is the W3C traceparent of the current span, to store in a row; ""
// when there is none.
func TraceParent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier["traceparent"]
}

// WithTraceParent gives a context whose spans are children of a stored
// traceparent; ctx itself when that cannot be read.
func WithTraceParent(ctx context.Context, traceparent string) context.Context {
	if sc, ok := parseTraceParent(traceparent); ok {
		return trace.ContextWithRemoteSpanContext(ctx, sc)
	}
	return ctx
}

func parseTraceParent(traceparent string) (trace.SpanContext, bool) {
	if traceparent == "" {
		return trace.SpanContext{}, false
	}
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{"traceparent": traceparent})
	sc := trace.SpanContextFromContext(ctx)
	return sc, sc.IsValid()
}

type causeKey struct{}

type causeValue struct{ cause, correlation string }

// WithCause gives a context in which what is published names an event as its
// cause, and belongs to that event's chain. Handlers are given one.
func WithCause(ctx context.Context, eventID, correlation string) context.Context {
	if correlation == "" {
		correlation = eventID
	}
	return context.WithValue(ctx, causeKey{}, causeValue{eventID, correlation})
}

// Cause is the event that led to the work of ctx, and the one its chain began
// with; both "" outside of handlers.
func Cause(ctx context.Context) (event, correlation string) {
	v, _ := ctx.Value(causeKey{}).(causeValue)
	return v.cause, v.correlation
}
