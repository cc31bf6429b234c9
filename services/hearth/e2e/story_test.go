package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/common/expfmt"
	"github.com/segmentio/kafka-go"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/services/hearth"
	"github.com/hearthfps/hearth/services/hearth/demo"
	"github.com/hearthfps/hearth/services/hearth/play"
)

// The demo is played once, and looked at from every side.
func TestSuite_PlayedFromReferralToClosing(t *testing.T) {
	s := start(t, func(o *hearth.Options) { o.RateLimit = httpapi.Rate{PerSecond: 100_000} }) // Redis is asked, and lets everybody through
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	lakeland := s.play("lakeland")
	sent, err := demo.Rebase(demo.Events, s.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	result, err := demo.Run(ctx, demo.Options{URL: s.URL(), Token: lakeland.Token, HTTP: lakeland.HTTP, Events: sent})
	if err != nil {
		t.Fatalf("%v; ledger: %+v", err, result.Ledger)
	}
	t.Run("the ledger adds up and families had a visit, a resource and a closing", func(t *testing.T) {
		l := result.Ledger
		if len(l.Faults) > 0 || l.CasesByStatus["closed"] == 0 || l.VisitsBy["completed"] == 0 || l.ResourceBy["completed"] == 0 || l.Alarms == 0 {
			t.Errorf("ledger: %+v", l)
		}
		if l.MessagesTo["family"] == 0 || l.MessagesTo["duty_team"] == 0 || l.MessagesTo["worker"] == 0 || l.MessagesTo["supervisor"] == 0 {
			t.Errorf("messages were sent to %v, want family, duty team, workers and supervisors", l.MessagesTo)
		}
		if s := l.Scheduling; s.SickVisits == 0 || s.Covered == 0 || s.Rearranged == 0 || s.Urgent != 1 || s.Offered == 0 {
			t.Errorf("scheduling: %+v", s)
		}
		if l.VisitsTold["visit_changed"] == 0 || l.VisitsTold["visit_taken"] == 0 || l.VisitsTold["visit_moved"] == 0 {
			t.Errorf("of visits that moved were told: %v", l.VisitsTold)
		}
		if l.MessagesBy["withheld"] == 0 {
			t.Errorf("messages by state: %v; a person under a domestic-violence flag without a safe contact was to be left alone", l.MessagesBy)
		}
	})
	t.Run("one trace runs from the referral to the visit reminder", func(t *testing.T) { s.oneTrace(ctx, t) })
	t.Run("services talk to whom the network policies let them, and to nobody else", s.talkedAsAllowed)
	t.Run("what spans say passes the collector", s.passesTheCollector)
	t.Run("every answer is as its OpenAPI file says", func(t *testing.T) {
		s.checks.mu.Lock()
		defer s.checks.mu.Unlock()
		for i, f := range s.checks.faults {
			if i < 10 {
				t.Error(f)
			}
		}
		if s.checks.checked < 200 {
			t.Errorf("%d answers were checked, too few to say anything", s.checks.checked)
		}
	})
	t.Run("no personal data in events, logs, spans and metrics", func(t *testing.T) { s.noCanaries(ctx, t, sent) })
	t.Run("what is withheld answers as what is missing", func(t *testing.T) { s.withheldAsMissing(ctx, t) })
	t.Run("no list shows anything of another agency", func(t *testing.T) { s.listsAcrossAgencies(ctx, t) })
}

// oneTrace sends one referral with a trace of its own and follows the family to
// the reminder before its first visit.
func (s *suite) oneTrace(ctx context.Context, t *testing.T) {
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	lakeland := s.play("lakeland")
	now := s.Clock.Now()
	_, _, event := play.Generate("traced", 1, now)
	// A family that can be reached: the contact is safe.
	event = bytes.ReplaceAll(event, []byte(`"safe":"no"`), []byte(`"safe":"yes"`))
	event = bytes.ReplaceAll(event, []byte(`"safe":"unknown"`), []byte(`"safe":"yes"`))
	var v verdict
	_, err := lakeland.As("referrer", "").Post(ctx, "/intake/v1/events", event, &v,
		play.Header("Content-Type", "application/cloudevents+json"), play.Header("traceparent", "00-"+trace+"-00f067aa0ba902b7-01"))
	if err != nil {
		t.Fatal(err)
	}
	cast, err := play.NewCast(lakeland, 8)
	if err != nil {
		t.Fatal(err)
	}
	caseID, err := cast.Screen(ctx, v.ReferralID, play.Screening{Decision: "screened_in", ReasonCode: "family_needs_support", Program: "in_home_services"})
	if err != nil {
		t.Fatal(err)
	}
	file, err := cast.Assign(ctx, caseID)
	if err == nil {
		err = cast.Assess(ctx, file)
	}
	if err == nil {
		file, err = cast.MakeSafe(ctx, file, now)
	}
	if err == nil {
		_, err = cast.Plan(ctx, file, now, 2)
	}
	if err == nil {
		_, err = cast.Series(ctx, caseID)
	}
	if err != nil {
		t.Fatal(err)
	}
	visit, found, err := cast.NextVisit(ctx, caseID)
	if err != nil || !found {
		t.Fatalf("the first visit: found %v, %v", found, err)
	}
	s.moveTo(ctx, t, visit.StartsAt.Add(-2*time.Hour))
	s.await(t, "the reminder", func() bool {
		sent := false
		err := play.Each(ctx, lakeland.As("supervisor", "supervisor-1"), "/notifications/v1/messages?case_id="+caseID, func(m struct {
			Template, State string
		},
		) error {
			sent = sent || m.Template == "visit_reminder" && m.State == "sent"
			return nil
		})
		return err == nil && sent
	})
	s.await(t, "the reminder's span", func() bool { return reminded(s.spans.Trace(trace)) })
	// A span is recorded when it ends: its children before it. What is looked at is
	// one moment, for the suite goes on.
	var spans tracetest.SpanStubs
	s.await(t, "a moment at which every span that has a child has ended", func() bool {
		spans = s.spans.Trace(trace)
		return len(hanging(spans)) == 0
	})
	assertShape(t, spans)
}

// reminded says whether the trace holds the sending of a visit reminder.
func reminded(spans tracetest.SpanStubs) bool {
	return slices.ContainsFunc(spans, func(span tracetest.SpanStub) bool {
		return span.Name == "deliver message" && attr(span, "hearth.template") == "visit_reminder" && attr(span, "hearth.outcome") == "sent"
	})
}

func attr(span tracetest.SpanStub, key string) string {
	for _, a := range span.Attributes {
		if string(a.Key) == key {
			return a.Value.Emit()
		}
	}
	return ""
}

// hanging are the spans whose parent is not among spans, and is not the sender's.
func hanging(spans tracetest.SpanStubs) []tracetest.SpanStub {
	ids := map[string]bool{"00f067aa0ba902b7": true}
	for _, span := range spans {
		ids[span.SpanContext.SpanID().String()] = true
	}
	return slices.DeleteFunc(slices.Clone(spans), func(span tracetest.SpanStub) bool { return ids[span.Parent.SpanID().String()] })
}

// assertShape checks that the trace holds the way of a referral through every
// service, and that no span of it hangs in the air.
func assertShape(t *testing.T, spans tracetest.SpanStubs) {
	t.Helper()
	names := map[string]int{}
	for _, span := range spans {
		names[span.Name]++
	}
	for _, span := range hanging(spans) {
		t.Errorf("span %q has parent %s, which is not in the trace", span.Name, span.Parent.SpanID())
	}
	for _, want := range []string{
		"POST /intake/v1/events", "send intake.events.v1", "process intake.events.v1",
		"send assessment.events.v1", "process assessment.events.v1", "send planning.events.v1", "process planning.events.v1",
		"send visit-scheduling.events.v1", "process visit-scheduling.events.v1",
		"timer deliver", "POST /intake/v1/contact-decisions", "deliver message",
	} {
		if names[want] == 0 {
			t.Errorf("the trace has no span %q", want)
		}
	}
	if t.Failed() {
		t.Logf("the trace holds %v", names)
	}
}

func (s *suite) moveTo(ctx context.Context, t *testing.T, to time.Time) {
	t.Helper()
	_, err := s.play("lakeland").As("admin", "").Post(ctx, "/dev/clock", map[string]any{"to": to.UTC().Format(time.RFC3339Nano)}, nil)
	if err != nil {
		t.Fatal(err)
	}
}

// canaries are the names, addresses, contacts and words of the events' people.
func canaries(t *testing.T, sent []byte) []string {
	t.Helper()
	var found []string
	for _, line := range bytes.Split(bytes.TrimSpace(sent), []byte("\n")) {
		var e struct {
			Data struct {
				Narrative string
				Reporter  struct {
					Name     struct{ Family string }
					Contacts []struct{ Value string }
				}
				Persons []struct {
					Name struct {
						Given  []string
						Family string
					}
					Contacts  []struct{ Value string }
					Addresses []struct{ Lines []string }
				}
			}
		}
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		add := func(s string) {
			if len(s) > 3 {
				found = append(found, s)
			}
		}
		add(e.Data.Narrative)
		add(e.Data.Reporter.Name.Family)
		for _, c := range e.Data.Reporter.Contacts {
			add(c.Value)
		}
		for _, p := range e.Data.Persons {
			add(p.Name.Family)
			for _, g := range p.Name.Given {
				add(g)
			}
			for _, c := range p.Contacts {
				add(c.Value)
			}
			for _, a := range p.Addresses {
				for _, l := range a.Lines {
					add(l)
				}
			}
		}
	}
	slices.Sort(found)
	return append(slices.Compact(found), "@example.org", "@agency.example")
}

func (s *suite) noCanaries(ctx context.Context, t *testing.T, sent []byte) {
	words := canaries(t, sent)
	if len(words) < 100 {
		t.Fatalf("only %d canaries", len(words))
	}
	look := func(where, text string) {
		t.Helper()
		for _, w := range words {
			if i := strings.Index(text, w); i >= 0 {
				t.Errorf("%s holds a person's data: …%s…", where, text[max(0, i-80):min(len(text), i+len(w)+40)])
				return
			}
		}
	}
	total := 0
	for _, topic := range hearth.Topics() {
		if topic == hearth.InboundTopic {
			continue // external systems write there; intake alone reads it
		}
		n, text := s.readTopic(ctx, t, topic)
		total += n
		look("topic "+topic, text)
	}
	if total < 500 {
		t.Errorf("the topics hold %d events, too few to say anything", total)
	}
	look("the log", s.log.String())
	for _, span := range s.spans.All() {
		text := fmt.Sprint(span.Name, span.Attributes, span.Status)
		for _, e := range span.Events {
			text += fmt.Sprint(e.Name, e.Attributes)
		}
		look("span "+span.Name, text)
	}
	families, err := s.tel.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&text, f); err != nil {
			t.Fatal(err)
		}
	}
	look("the metrics", text.String())
}

// readTopic returns how many events stand in a topic, and all of their text.
func (s *suite) readTopic(ctx context.Context, t *testing.T, topic string) (int, string) {
	t.Helper()
	var (
		n    int
		text strings.Builder
	)
	for p := range 12 {
		leader, err := kafka.DialLeader(ctx, "tcp", s.Brokers[0], topic, p)
		if err != nil {
			t.Fatal(err)
		}
		_, end, err := leader.ReadOffsets()
		if err = errors.Join(err, leader.Close()); err != nil {
			t.Fatal(err)
		}
		reader := kafka.NewReader(kafka.ReaderConfig{Brokers: s.Brokers, Topic: topic, Partition: p, MaxWait: 100 * time.Millisecond})
		for at := int64(0); at < end; {
			m, err := reader.ReadMessage(ctx)
			if err != nil && !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			at = m.Offset + 1
			n++
			fmt.Fprintf(&text, "%s %s %s\n", m.Key, m.Headers, m.Value)
		}
		if err := reader.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return n, text.String()
}

// listsAcrossAgencies asks every list, and everything by its id, as people of
// another agency.
func (s *suite) listsAcrossAgencies(ctx context.Context, t *testing.T) {
	other := s.play("northshore")
	lists := []struct{ role, path string }{
		{"intake_worker", "/intake/v1/referrals"},
		{"intake_worker", "/intake/v1/receipts"},
		{"intake_worker", "/intake/v1/clocks"},
		{"intake_worker", "/intake/v1/quarantine"},
		{"operator", "/intake/v1/parked-events"},
		{"supervisor", "/assessment/v1/assessments"},
		{"operator", "/assessment/v1/parked-events"},
		{"supervisor", "/planning/v1/cases"},
		{"operator", "/planning/v1/parked-events"},
		{"scheduler", "/visits/v1/workers"},
		{"scheduler", "/visits/v1/visits"},
		{"scheduler", "/visits/v1/series"},
		{"scheduler", "/visits/v1/unplaced"},
		{"operator", "/visits/v1/parked-events"},
		{"supervisor", "/directory/v1/resource-referrals"},
		{"supervisor", "/directory/v1/search?need=food"},
		{"operator", "/directory/v1/parked-events"},
		{"supervisor", "/notifications/v1/messages"},
		{"supervisor", "/notifications/v1/tasks"},
		{"operator", "/notifications/v1/parked-events"},
	}
	for _, l := range lists {
		var page struct {
			Items []json.RawMessage `json:"items"`
		}
		if _, err := other.As(l.role, l.role+"-1").Get(ctx, l.path, &page); err != nil {
			t.Errorf("%s as %s: %v", l.path, l.role, err)
		} else if len(page.Items) > 0 {
			t.Errorf("%s shows %d things of another agency: %s", l.path, len(page.Items), page.Items[0])
		}
	}
	for path, role := range s.byID(ctx, t) {
		if _, err := other.As(role, role+"-1").Get(ctx, path, nil); !play.Refused(err, http.StatusNotFound) {
			t.Errorf("%s as %s of another agency: %v, want 404", path, role, err)
		}
	}
}

// withheldAsMissing asks for things of families as a worker who has nothing to do
// with them, and for things that do not exist: the answers are alike to the letter.
func (s *suite) withheldAsMissing(ctx context.Context, t *testing.T) {
	outsider := s.play("lakeland").As("family_worker", "outsider-1")
	id := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)
	answer := func(path string) string {
		_, err := outsider.Get(ctx, path, nil)
		if !play.Refused(err, http.StatusNotFound) {
			t.Errorf("%s as a worker who has nothing to do with it: %v, want 404", path, err)
			return ""
		}
		return id.ReplaceAllString(regexp.MustCompile(`[0-9a-f]{32}`).ReplaceAllString(err.Error(), "TRACE"), "ID")
	}
	for path := range s.byID(ctx, t) {
		withheld := answer(path)
		missing := answer(id.ReplaceAllString(path, uuid.NewString()))
		if withheld != missing {
			t.Errorf("%s tells that it exists:\nwithheld: %s\nmissing:  %s", path, withheld, missing)
		}
	}
}

// byID are paths of things of lakeland, with a role that may read them there.
func (s *suite) byID(ctx context.Context, t *testing.T) map[string]string {
	t.Helper()
	lakeland := s.play("lakeland")
	first := func(role, list, id string) string {
		var page struct {
			Items []map[string]any `json:"items"`
		}
		if _, err := lakeland.As(role, role+"-1").Get(ctx, list, &page); err != nil || len(page.Items) == 0 {
			t.Fatalf("%s as %s: %d items, %v", list, role, len(page.Items), err)
		}
		return fmt.Sprint(page.Items[0][id])
	}
	referral := first("intake_worker", "/intake/v1/referrals", "referral_id")
	kase := first("supervisor", "/planning/v1/cases", "case_id")
	return map[string]string{
		"/intake/v1/referrals/" + referral:                                                                                    "intake_worker",
		"/intake/v1/referrals/" + referral + "/history":                                                                       "intake_worker",
		"/intake/v1/referrals/" + referral + "/reporter":                                                                      "privacy_officer",
		"/planning/v1/cases/" + kase:                                                                                          "supervisor",
		"/planning/v1/cases/" + kase + "/timeline":                                                                            "supervisor",
		"/assessment/v1/cases/" + kase + "/assessments":                                                                       "supervisor",
		"/visits/v1/series/" + first("scheduler", "/visits/v1/series", "series_id"):                                           "scheduler",
		"/visits/v1/visits/" + first("scheduler", "/visits/v1/visits", "visit_id"):                                            "scheduler",
		"/directory/v1/resource-referrals/" + first("supervisor", "/directory/v1/resource-referrals", "resource_referral_id"): "supervisor",
		"/notifications/v1/messages/" + first("supervisor", "/notifications/v1/messages", "message_id"):                       "supervisor",
	}
}

func TestSuite_NobodyIsLetInWithoutAToken(t *testing.T) {
	s := start(t, nil)
	for _, svc := range hearth.Services() {
		res, err := http.Get(s.URL() + svc.OperationsPath() + "/parked-events")
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != http.StatusUnauthorized || res.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s without a token: %d %s, want 401 and a problem", svc.Name, res.StatusCode, res.Header.Get("Content-Type"))
		}
	}
}

func TestSuite_APathOfNobodyIsAProblemWithATrace(t *testing.T) {
	s := start(t, nil)
	res, err := http.Get(s.URL() + "/nowhere")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var problem httpapi.Problem
	if err := json.NewDecoder(res.Body).Decode(&problem); err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusNotFound || problem.Code != "path_not_found" || len(problem.TraceID) != 32 {
		t.Errorf("%d %+v, want 404, path_not_found and a trace id", res.StatusCode, problem)
	}
}
