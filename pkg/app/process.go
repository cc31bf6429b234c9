package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/hearthfps/hearth/pkg/telemetry"
)

// Process is what all services of a process share: its log, its traces and its metrics.
type Process struct {
	Log      *slog.Logger
	Registry *prometheus.Registry

	end []func(context.Context) error
}

// Begin makes the log, to out, and the global providers of spans and metrics.
// name is the process's: the service's, or the suite's.
func Begin(ctx context.Context, name string, c Config, out io.Writer) (*Process, error) {
	level := slog.LevelInfo
	if c.LogLevel != "" {
		if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
			return nil, fmt.Errorf("log_level: %w", err)
		}
	}
	p := &Process{Log: telemetry.NewLog(out, name, level), Registry: telemetry.NewRegistry()}
	stopTraces, err := telemetry.StartTraces(ctx, name, c.Traces)
	if err != nil {
		return nil, err
	}
	p.end = append(p.end, stopTraces)
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(p.Registry), otelprometheus.WithoutScopeInfo())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("export metrics: %w", err), p.End(ctx))
	}
	meters := metric.NewMeterProvider(metric.WithReader(exporter))
	otel.SetMeterProvider(meters)
	p.end = append(p.end, meters.Shutdown)
	return p, nil
}

// End sends what is left of spans and metrics.
func (p *Process) End(ctx context.Context) error {
	var errs []error
	for _, end := range p.end {
		errs = append(errs, end(ctx))
	}
	return errors.Join(errs...)
}
