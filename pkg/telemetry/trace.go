package telemetry

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// Traces say where spans go.
type Traces struct {
	// Endpoint is an OTLP collector (gRPC, host:port); empty exports nothing.
	Endpoint string `yaml:"endpoint"`
	// Insecure sends without TLS, to a collector on the same node.
	Insecure bool `yaml:"insecure"`
	// SampleRatio is how many of the traces that begin here are kept, 0 to 1;
	// 0 is all of them. A trace that began elsewhere is kept if it was there.
	SampleRatio float64 `yaml:"sample_ratio"`
}

// StartTraces makes the process's tracer provider and sets it, with W3C
// propagation, as the global one. The function it returns sends what is left and
// stops it.
func StartTraces(ctx context.Context, service string, t Traces) (stop func(context.Context) error, err error) {
	if t.SampleRatio < 0 || t.SampleRatio > 1 {
		return nil, errors.New("traces.sample_ratio is from 0 to 1")
	}
	otel.SetTextMapPropagator(propagation.TraceContext{})
	options := []sdktrace.TracerProviderOption{sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", service)))}
	if t.Endpoint == "" {
		options = append(options, sdktrace.WithSampler(sdktrace.NeverSample()))
	} else {
		dial := []otlptracegrpc.Option{otlptracegrpc.WithEndpoint(t.Endpoint)}
		if t.Insecure {
			dial = append(dial, otlptracegrpc.WithInsecure())
		}
		exporter, err := otlptracegrpc.New(ctx, dial...)
		if err != nil {
			return nil, fmt.Errorf("reach trace collector: %w", err)
		}
		ratio := t.SampleRatio
		if ratio == 0 {
			ratio = 1
		}
		options = append(options, sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(ratio))), sdktrace.WithBatcher(exporter))
	}
	provider := sdktrace.NewTracerProvider(options...)
	otel.SetTracerProvider(provider)
	return provider.Shutdown, nil
}

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
