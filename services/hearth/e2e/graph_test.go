package e2e

import (
	"encoding/json"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/hearthfps/hearth/services/hearth"
)

// talk is who talked to whom.
type talk struct{ From, To string }

// talkedAsAllowed compares the graph of a run, read from its spans, with the graph
// that the charts' network policies allow, which a test of the charts keeps up to
// date. Neither may have what the other has not. Left out is what leaves no span:
// names (dns), the identity provider and the collector, which the suite in one
// process has inside it, and migrations, which are jobs of their own.
func (s *suite) talkedAsAllowed(t *testing.T) {
	text, err := os.ReadFile("../../../deploy/observability/who-talks-to-whom.json")
	if err != nil {
		t.Fatal(err)
	}
	var edges []talk
	if err := json.Unmarshal(text, &edges); err != nil {
		t.Fatal(err)
	}
	allowed := map[talk]bool{}
	for _, e := range edges {
		if !slices.Contains([]string{"dns", "oidc", "otlp"}, e.To) && !strings.Contains(e.From, "/") {
			allowed[e] = true
		}
	}
	talked := graph(s.spans.All(), paths())
	if diff := cmp.Diff(sorted(allowed), sorted(talked)); diff != "" {
		t.Errorf("the network policies allow (-) and the run did (+):\n%s", diff)
	}
}

func sorted(g map[talk]bool) []talk {
	return slices.SortedFunc(maps.Keys(g), func(a, b talk) int { return strings.Compare(a.From+" "+a.To, b.From+" "+b.To) })
}

// graph reads who talked to whom from spans: to the database, the broker and the
// cache by the system a span names, and to each other by a request whose client's
// span belongs to one service and whose server's to another.
// services are the services' names by the first part of their paths.
func graph(spans tracetest.SpanStubs, services map[string]string) map[talk]bool {
	byID := map[trace.SpanID]*tracetest.SpanStub{}
	for i := range spans {
		byID[spans[i].SpanContext.SpanID()] = &spans[i]
	}
	// owner is the service whose work a span is: it says so, or what it is part of does.
	known := map[trace.SpanID]string{}
	var owner func(span *tracetest.SpanStub) string
	owner = func(span *tracetest.SpanStub) string {
		id := span.SpanContext.SpanID()
		name, ok := known[id]
		if ok {
			return name
		}
		if name = says(span, services); name == "" {
			if parent := byID[span.Parent.SpanID()]; parent != nil {
				name = owner(parent)
			}
		}
		known[id] = name
		return name
	}
	systems := map[string]string{"postgresql": "postgresql", "redis": "redis"}
	talked := map[talk]bool{}
	for i := range spans {
		span := &spans[i]
		from := owner(span)
		if from == "" {
			continue // a person's request on its way in
		}
		if system := systems[attr(*span, "db.system.name")+attr(*span, "db.system")]; system != "" {
			talked[talk{from, system}] = true
		}
		if attr(*span, "messaging.system") == "kafka" {
			talked[talk{from, "kafka"}] = true
		}
		caller := byID[span.Parent.SpanID()]
		if span.SpanKind == trace.SpanKindServer && caller != nil && caller.SpanKind == trace.SpanKindClient {
			talked[talk{owner(caller), from}] = true
		}
	}
	return talked
}

// paths are the services' names by the first part of their paths.
func paths() map[string]string {
	all := map[string]string{}
	for _, service := range hearth.Services() {
		all[strings.SplitN(path.Clean(service.BasePath()), "/", 3)[1]] = service.Name
	}
	return all
}

// says is the service a span names by itself; "" for one that does not.
func says(s *tracetest.SpanStub, services map[string]string) string {
	span := *s
	const packages = "github.com/hearthfps/hearth/services/"
	if rest, ok := strings.CutPrefix(span.InstrumentationScope.Name, packages); ok {
		return strings.SplitN(rest, "/", 2)[0]
	}
	if group := attr(span, "messaging.consumer.group.name"); group != "" {
		return group
	}
	if name := attr(span, "hearth.service"); name != "" {
		return name
	}
	if topic, ok := strings.CutSuffix(attr(span, "messaging.destination.name"), ".events.v1"); ok && attr(span, "messaging.operation.type") == "send" {
		return topic
	}
	if database, ok := strings.CutPrefix(attr(span, "db.namespace"), "hearth_"); ok {
		return strings.ReplaceAll(database, "_", "-")
	}
	if route := attr(span, "http.route"); strings.HasPrefix(route, "/") && span.SpanKind == trace.SpanKindServer {
		return services[strings.SplitN(route, "/", 3)[1]]
	}
	return ""
}
