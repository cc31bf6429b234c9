package telemetry

import (
	"context"
	"io"
	"log/slog"
	"strings"

	"go.opentelemetry.io/otel/trace"
)

// Redacted stands for what is not shown.
const Redacted = "[redacted]"

// NewLog writes JSON lines to w, from level up. Each names the process: the
// service, or the suite, in which each service adds its own name as "service".
func NewLog(w io.Writer, process string, level slog.Leveler) *slog.Logger {
	json := slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: redact})
	return slog.New(traced{json}).With("process", process)
}

// traced adds the trace and span of the context to each line.
type traced struct{ slog.Handler }

func (h traced) Handle(ctx context.Context, record slog.Record) error {
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		record.AddAttrs(slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	}
	return h.Handler.Handle(ctx, record)
}

func (h traced) WithAttrs(attrs []slog.Attr) slog.Handler { return traced{h.Handler.WithAttrs(attrs)} }
func (h traced) WithGroup(name string) slog.Handler       { return traced{h.Handler.WithGroup(name)} }

// redact is the last look at every attribute. Types of personal data redact
// themselves (slog.LogValuer); this catches what was handed over bare.
func redact(_ []string, a slog.Attr) slog.Attr {
	if sensitive[strings.ToLower(a.Key)] {
		return slog.String(a.Key, Redacted)
	}
	if a.Value.Kind() == slog.KindAny {
		if err, ok := a.Value.Any().(error); ok {
			return slog.String(a.Key, Describe(err))
		}
	}
	return a
}

// sensitive are names of attributes that hold persons or secrets.
var sensitive = func() map[string]bool {
	set := map[string]bool{}
	for _, name := range strings.Fields(`
		name given family given_name family_name full_name birth_date phone email address addresses lines city postal_code contact contacts
		contact_value recipient narrative identifiers identifier reporter person body payload data query token authorization cookie
		password secret client_secret key_material lat lon latitude longitude`) {
		set[name] = true
	}
	return set
}()
