package telemetry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Config says what a process tells of itself, and where.
type Config struct {
	// Service names the process in logs and traces.
	Service string
	// OTLP is a collector for traces, http://host:port (gRPC without TLS),
	// https://host:port, or host:port, which is with TLS. Empty sends none.
	OTLP string
	// TraceRatio is the share of the traces that begin here that is kept, 0 to 1;
	// nil is all. A trace that began elsewhere is kept if it was there.
	TraceRatio *float64
	// LogLevel is debug, info, warn or error; empty is info.
	LogLevel string
	// Out takes the log's lines.
	Out io.Writer
}

// Telemetry is what a process tells of itself. Make one with Start.
type Telemetry struct {
	Log      *slog.Logger
	Tracer   trace.TracerProvider
	Registry *prometheus.Registry

	stop []func(context.Context) error
}

// Start makes log, tracer and registry, and sets the tracer, W3C propagation and
// a meter that writes to the registry as the process's global ones.
func Start(ctx context.Context, c Config) (*Telemetry, error) {
	level, err := levelOf(c.LogLevel)
	if err != nil {
		return nil, err
	}
	t := &Telemetry{Log: NewLog(c.Out, c.Service, level), Registry: NewRegistry()}
	about := resource.NewSchemaless(attribute.String("service.name", c.Service))

	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(t.Registry), otelprometheus.WithoutScopeInfo(), otelprometheus.WithoutTargetInfo())
	if err != nil {
		return nil, fmt.Errorf("make metrics exporter: %w", err)
	}
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter), sdkmetric.WithResource(about))
	otel.SetMeterProvider(meters)
	t.stop = append(t.stop, meters.Shutdown)

	tracers, err := newTracers(ctx, about, c)
	if err != nil {
		return nil, errors.Join(err, t.Shutdown(ctx))
	}
	otel.SetTextMapPropagator(propagation.TraceContext{})
	otel.SetTracerProvider(tracers)
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { t.Log.Warn("telemetry is incomplete", "error", err) }))
	t.Tracer = tracers
	t.stop = append(t.stop, tracers.Shutdown)
	return t, nil
}

// MetricsHandler answers scrapes.
func (t *Telemetry) MetricsHandler() http.Handler { return MetricsHandler(t.Registry) }

// Shutdown sends what is left and stops.
func (t *Telemetry) Shutdown(ctx context.Context) error {
	var errs []error
	for _, stop := range t.stop {
		errs = append(errs, stop(ctx))
	}
	return errors.Join(errs...)
}

func levelOf(name string) (slog.Level, error) {
	var level slog.Level
	if name == "" {
		return slog.LevelInfo, nil
	}
	if err := level.UnmarshalText([]byte(name)); err != nil {
		return level, errors.New("log_level is debug, info, warn or error")
	}
	return level, nil
}

func newTracers(ctx context.Context, about *resource.Resource, c Config) (*sdktrace.TracerProvider, error) {
	options := []sdktrace.TracerProviderOption{sdktrace.WithResource(about)}
	if c.OTLP == "" {
		return sdktrace.NewTracerProvider(append(options, sdktrace.WithSampler(sdktrace.NeverSample()))...), nil
	}
	ratio := 1.0
	if c.TraceRatio != nil {
		ratio = *c.TraceRatio
	}
	if ratio < 0 || ratio > 1 {
		return nil, errors.New("trace_ratio is from 0 to 1")
	}
	dial, err := collector(c.OTLP)
	if err != nil {
		return nil, err
	}
	exporter, err := otlptracegrpc.New(ctx, dial...)
	if err != nil {
		return nil, fmt.Errorf("reach trace collector: %w", err)
	}
	return sdktrace.NewTracerProvider(append(options, sdktrace.WithBatcher(exporter),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(ratio))))...), nil
}

// collector reads where traces go.
func collector(address string) ([]otlptracegrpc.Option, error) {
	if !strings.Contains(address, "://") {
		return []otlptracegrpc.Option{otlptracegrpc.WithEndpoint(address)}, nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, errors.New("otlp: want http://host:port")
	}
	dial := []otlptracegrpc.Option{otlptracegrpc.WithEndpoint(u.Host)}
	if u.Scheme == "http" {
		dial = append(dial, otlptracegrpc.WithInsecure())
	}
	return dial, nil
}
