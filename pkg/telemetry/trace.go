package telemetry

import (
	"context"
	"sync"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// Recorder keeps finished spans in memory, for tests of the shape of a trace.
type Recorder struct {
	mu    sync.Mutex
	spans []sdktrace.ReadOnlySpan
}

var installed struct {
	once     sync.Once
	recorder *Recorder
}

// Record sets, once in the process, a global tracer provider that keeps every
// span, and returns its recorder. Tests that run at once share it and tell their
// spans apart by trace.
func Record() *Recorder {
	installed.once.Do(func() {
		otel.SetTextMapPropagator(propagation.TraceContext{})
		installed.recorder = &Recorder{}
		otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(installed.recorder)))
	})
	return installed.recorder
}

// OnStart implements sdktrace.SpanProcessor.
func (r *Recorder) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd implements sdktrace.SpanProcessor.
func (r *Recorder) OnEnd(s sdktrace.ReadOnlySpan) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spans = append(r.spans, s)
}

// Shutdown implements sdktrace.SpanProcessor.
func (r *Recorder) Shutdown(context.Context) error { return nil }

// ForceFlush implements sdktrace.SpanProcessor.
func (r *Recorder) ForceFlush(context.Context) error { return nil }

// Trace lists the finished spans of one trace, in the order they ended.
func (r *Recorder) Trace(traceID string) tracetest.SpanStubs {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []sdktrace.ReadOnlySpan
	for _, s := range r.spans {
		if s.SpanContext().TraceID().String() == traceID {
			found = append(found, s)
		}
	}
	return tracetest.SpanStubsFromReadOnlySpans(found)
}

// All lists every finished span.
func (r *Recorder) All() tracetest.SpanStubs {
	r.mu.Lock()
	defer r.mu.Unlock()
	return tracetest.SpanStubsFromReadOnlySpans(r.spans)
}
