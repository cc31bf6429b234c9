package httpapi

import (
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// observer counts requests and makes their spans. Names are the operation's
// template: neither ids nor queries become a label or a span's name.
type observer struct {
	tracer   trace.Tracer
	requests *prometheus.HistogramVec
	running  prometheus.Gauge
}

func newObserver(service string, registry prometheus.Registerer, tracers trace.TracerProvider) (*observer, error) {
	if tracers == nil {
		tracers = otel.GetTracerProvider()
	}
	o := &observer{
		tracer: tracers.Tracer("github.com/hearthfps/hearth/pkg/httpapi"),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:        "hearth_http_request_duration_seconds",
			Help:        "How long requests took, by operation, method and status.",
			ConstLabels: prometheus.Labels{"service": service},
			Buckets:     []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"operation", "method", "status"}),
		running: prometheus.NewGauge(prometheus.GaugeOpts{
			Name:        "hearth_http_requests_running",
			Help:        "Requests that are being answered.",
			ConstLabels: prometheus.Labels{"service": service},
		}),
	}
	if registry == nil {
		return o, nil
	}
	for _, c := range []prometheus.Collector{o.requests, o.running} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("register HTTP metrics of %s: %w", service, err)
		}
	}
	return o, nil
}

// begin opens the span of a request, and returns what closes it. It follows the
// OpenTelemetry conventions for HTTP servers, without the query string.
func (o *observer) begin(r *http.Request, op *Operation) (*http.Request, func(*writer)) {
	start := time.Now()
	name, route := r.Method, ""
	operation := "none"
	if op != nil {
		name, route, operation = op.Method+" "+op.Path, op.Path, op.ID
	}
	ctx := otel.GetTextMapPropagator().Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, span := o.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", r.Method),
		attribute.String("http.route", route),
		attribute.String("url.scheme", scheme(r)),
	))
	o.running.Inc()
	r = r.WithContext(ctx)
	return r, func(w *writer) {
		status := w.status
		if status == 0 {
			status = http.StatusOK
		}
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		if status >= 500 {
			span.SetStatus(codes.Error, "")
		}
		span.End()
		o.running.Dec()
		took := time.Since(start)
		observation := o.requests.WithLabelValues(operation, methodLabel(r.Method), strconv.Itoa(status))
		exemplar, ok := observation.(prometheus.ExemplarObserver)
		if sc := span.SpanContext(); ok && sc.IsSampled() {
			exemplar.ObserveWithExemplar(took.Seconds(), prometheus.Labels{"trace_id": sc.TraceID().String()})
		} else {
			observation.Observe(took.Seconds())
		}
		level := slog.LevelDebug
		if status >= 400 {
			level = slog.LevelInfo
		}
		logOf(r).LogAttrs(ctx, level, "request", slog.String("operation", operation), slog.String("method", methodLabel(r.Method)),
			slog.Int("status", status), slog.Duration("took", took), slog.Int64("bytes", w.bytes))
	}
}

// methodLabel keeps a made-up method from becoming a label of its own.
func methodLabel(method string) string {
	switch method {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead, http.MethodOptions:
		return method
	}
	return "_OTHER"
}

func scheme(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}
