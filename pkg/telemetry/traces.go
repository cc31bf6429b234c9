package telemetry

import (
	"context"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
)

// Traces say where spans go.
type Traces struct {
	// Endpoint is an OTLP collector (gRPC): host:port, http://host:port or
	// https://host:port; empty exports nothing.
	Endpoint string `yaml:"endpoint"`
	// Insecure sends to host:port without TLS, to a collector on the same node.
	Insecure bool `yaml:"insecure"`
	// SampleRatio is how many of the traces that begin here are kept, 0 to 1;
	// 0 is all of them. A trace that began elsewhere is kept if it was there.
	SampleRatio float64 `yaml:"sample_ratio"`
}

// StartTraces makes the process's tracer provider and sets it, with W3C
// propagation, as the global one. The function it returns sends what is left and
// stops it.
func StartTraces(ctx context.Context, service string, t Traces) (stop func(context.Context) error, err error) {
	c := Config{Service: service, OTLP: t.Endpoint}
	if t.Endpoint != "" && t.Insecure {
		c.OTLP = "http://" + t.Endpoint
	}
	if t.SampleRatio != 0 {
		c.TraceRatio = &t.SampleRatio
	}
	provider, err := newTracers(ctx, resource.NewSchemaless(attribute.String("service.name", service)), c)
	if err != nil {
		return nil, err
	}
	otel.SetTextMapPropagator(propagation.TraceContext{})
	otel.SetTracerProvider(provider)
	return provider.Shutdown, nil
}
