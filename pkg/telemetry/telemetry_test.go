package telemetry_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/telemetry"
)

const canary = "Canary-Virtanen"

func TestGuarantee1_LinesCarryTheTrace(t *testing.T) {
	telemetry.Record()
	ctx, span := otel.Tracer("test").Start(t.Context(), "work")
	defer span.End()
	var b bytes.Buffer
	log := telemetry.NewLog(&b, "intake", slog.LevelInfo).With("part", "x").WithGroup("g")
	log.InfoContext(ctx, "hello", "a", 1)
	log.DebugContext(ctx, "not shown")
	var line map[string]any
	if err := json.Unmarshal(b.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	group, _ := line["g"].(map[string]any)
	if line["process"] != "intake" || line["part"] != "x" || group["trace_id"] != span.SpanContext().TraceID().String() {
		t.Errorf("got %v", line)
	}
}

func TestGuarantee2_NothingPersonalIsLogged(t *testing.T) {
	var number struct{ N int }
	typed := json.Unmarshal([]byte(`{"N":"`+canary+`"}`), &number)
	pg := &pgconn.PgError{Code: "22P02", Message: `invalid input syntax for type uuid: "` + canary + `"`, Detail: canary, TableName: "person", ConstraintName: "person_pkey"}
	for _, tc := range []struct {
		name string
		err  error
		want string
	}{
		{"database", fmt.Errorf("store person: %w", pg), "store person: SQLSTATE 22P02 on person by person_pkey"},
		{"inside a fault", fault.New(fault.Conflict, "taken", "It is taken.").Because(fmt.Errorf("store: %w", pg)), "taken: It is taken.: store: SQLSTATE 22P02 on person by person_pkey"},
		{"several", errors.Join(errors.New("a"), pg), "a\nSQLSTATE 22P02 on person by person_pkey"},
		{"JSON", fmt.Errorf("read: %w", typed), "read: JSON that does not fit"},
		{"quoted", fmt.Errorf("no template for %q", canary+` "x"`), "no template for …"},
		{"mail", errors.New("send to " + canary + "@example.test failed"), "send to … failed"},
		{"number", errors.New("send to +358 40 123 4567 failed"), "send to … failed"},
		{"plain", errors.New("dial tcp 127.0.0.1:5432: connection refused"), "dial tcp 127.0.0.1:5432: connection refused"},
	} {
		var b bytes.Buffer
		telemetry.NewLog(&b, "intake", slog.LevelInfo).Error("failed", "error", tc.err)
		var line map[string]any
		if err := json.Unmarshal(b.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if line["error"] != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, line["error"], tc.want)
		}
	}
	var b bytes.Buffer
	telemetry.NewLog(&b, "intake", slog.LevelInfo).Info("x", "phone", canary, "Email", canary, slog.Group("g", "narrative", canary), "case_id", "c-1")
	if strings.Contains(b.String(), canary) || !strings.Contains(b.String(), "c-1") {
		t.Errorf("got %s", b.String())
	}
	if telemetry.Describe(nil) != "" {
		t.Error("nil")
	}
}

func TestGuarantee3_SpansOfRedisHoldNoArguments(t *testing.T) {
	recorder := telemetry.Record()
	server := miniredis.RunT(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	t.Cleanup(func() { _ = client.Close() })
	if err := telemetry.TraceRedis(client); err != nil {
		t.Fatal(err)
	}
	ctx, span := otel.Tracer("test").Start(t.Context(), "work")
	if err := client.Set(ctx, canary, canary, 0).Err(); err != nil {
		t.Fatal(err)
	}
	span.End()
	spans := recorder.Trace(span.SpanContext().TraceID().String())
	if len(spans) < 2 || strings.Contains(fmt.Sprint(spans), canary) {
		t.Errorf("got %d spans, canary %v", len(spans), strings.Contains(fmt.Sprint(spans), canary))
	}
	if len(recorder.All()) < len(spans) {
		t.Error("all spans are fewer than some")
	}
}

func TestStart_RefusesNonsense(t *testing.T) {
	two := 2.0
	for name, c := range map[string]telemetry.Config{
		"ratio":    {OTLP: "http://127.0.0.1:1", TraceRatio: &two},
		"level":    {LogLevel: "loud"},
		"endpoint": {OTLP: "ftp://127.0.0.1:1"},
	} {
		c.Out = io.Discard
		if _, err := telemetry.Start(t.Context(), c); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestGuarantee4_MetersWriteToTheRegistry(t *testing.T) {
	started, err := telemetry.Start(t.Context(), telemetry.Config{Service: "hearth", Out: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	counter, err := otel.Meter("test").Int64Counter("hearth.things.done")
	if err != nil {
		t.Fatal(err)
	}
	for i, service := range []string{"intake", "planning"} {
		counter.Add(t.Context(), int64(i+1), metric.WithAttributes(attribute.String("service", service)))
	}
	w := httptest.NewRecorder()
	started.MetricsHandler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{`hearth_things_done_total{service="intake"} 1`, `hearth_things_done_total{service="planning"} 2`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("no %s in\n%s", want, w.Body)
		}
	}
	_, span := started.Tracer.Tracer("test").Start(t.Context(), "work")
	if !span.SpanContext().HasTraceID() || span.IsRecording() {
		t.Errorf("without an exporter: trace id %v, recording %v", span.SpanContext().HasTraceID(), span.IsRecording())
	}
	if err := started.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestGuarantee4_ServicesShareARegistry(t *testing.T) {
	registry := telemetry.NewRegistry()
	for _, service := range []string{"intake", "planning"} {
		if err := registry.Register(telemetry.Pool(service, func() sql.DBStats { return sql.DBStats{InUse: 3, Idle: 2, WaitCount: 1} })); err != nil {
			t.Fatal(err)
		}
	}
	w := httptest.NewRecorder()
	telemetry.MetricsHandler(registry).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{`hearth_db_connections{service="intake",state="in_use"} 3`, `hearth_db_connections{service="planning",state="idle"} 2`, "go_goroutines"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("no %s", want)
		}
	}
}
