package intake_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/hearthfps/hearth/pkg/app/apptest"
	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/intake"
)

const (
	received     = "org.hearth.intake.referral.received.v1"
	caseOpened   = "org.hearth.intake.case.opened.v1"
	clockExpired = "org.hearth.intake.clock.expired.v1"
	clockMet     = "org.hearth.intake.clock.met.v1"
)

var structured = apitest.Header("Content-Type", "application/cloudevents+json")

func submission(id, urgency string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/systems/school/one","type":"org.hearth.referral.submitted.v1","time":"2026-03-02T06:50:00Z",
	 "traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","data":{
	 "external_id":"S-1","received_at":"2026-03-02T06:50:00Z","channel":"school","kind":"notification","narrative":"Canarynarrative.",
	 "concerns":[{"code":"housing","subjects":["p2"]}],"requested_program":"perhetyo","urgency":%q,"safety_flags":[],
	 "reporter":{"name":{"given":["Canaryreporter"]},"contacts":[{"kind":"email","value":"canaryreporter@example.org"}],"wants_feedback":true},
	 "persons":[{"ref":"p1","role":"caregiver","name":{"given":["Canaryada"],"family":"Canarykoski"},"birth_date":"1990-02-03","languages":["fi"],"contacts":[{"kind":"phone","value":"+358401234567"}],"addresses":[{"lines":["Canarykatu 1"],"postal_code":"90100","country":"FI"}]},
	            {"ref":"p2","role":"child","name":{"given":["Canarybo"],"family":"Canarykoski"},"birth_date":"2018-05-01"}],
	 "household":{"members":["p1","p2"]}}}`, id, urgency)
}

type verdict struct {
	Status   string `json:"status"`
	Receipt  string `json:"receipt_id"`
	Referral string `json:"referral_id"`
}

type view struct {
	Status, CaseID string
	Clocks         []struct {
		Clock string `json:"clock"`
		State string `json:"state"`
		ID    string `json:"clock_id"`
	}
}

func clocks(h *apptest.Harness, id string) map[string]string {
	h.T.Helper()
	var v view
	h.As(auth.RoleIntakeWorker, "worker-1").Get("/intake/v1/referrals/" + id).Want(200).Into(&v)
	states := map[string]string{}
	for _, c := range v.Clocks {
		states[c.Clock] = c.State
	}
	return states
}

func (v verdict) path() string { return "/intake/v1/referrals/" + v.Referral }

func send(h *apptest.Harness, event string) verdict {
	h.T.Helper()
	return apitest.Read[verdict](h.As(auth.RoleIntakeWorker, "worker-1").Post("/intake/v1/events", event, structured).Want(202))
}

func TestIntake_FromEventToCaseAndItsClocks(t *testing.T) {
	h := apptest.Start(t, intake.Service())
	v := send(h, submission("a", "standard"))
	if e := h.WaitEvent(received, v.Referral); !strings.Contains(e.TraceParent, "0af7651916cd43dd8448eb211c80319c") {
		t.Errorf("the sender's trace is lost: %q", e.TraceParent)
	}
	worker := h.As(auth.RoleIntakeWorker, "worker-1")
	tag := worker.Get(v.path()).Want(200).ETag()
	var screened struct {
		Case string `json:"case_id"`
	}
	worker.Post(v.path()+":screen", map[string]string{"decision": "screened_in", "reason_code": "family_needs_support"}, apitest.IfMatch(tag)).Want(200).Into(&screened)
	opened := h.WaitEvent(caseOpened, screened.Case)
	if opened.Key != screened.Case || !strings.Contains(opened.TraceParent, "0af7651916cd43dd8448eb211c80319c") {
		t.Errorf("case opened under key %s in trace %s", opened.Key, opened.TraceParent)
	}

	// Two assessments are due; the safety decision starts them, the last one ends them.
	tell := func(kind, id string, data map[string]any) {
		h.T.Helper()
		data["case_id"], data["assessment_id"] = screened.Case, id
		h.Tell(kind, id, screened.Case, data)
	}
	for _, id := range []string{"s-1", "s-2"} {
		tell("org.hearth.assessment.assessment.due.v1", id, map[string]any{"instrument": "safety", "instrument_version": "1", "due_at": h.Clock.Now()})
	}
	tell("org.hearth.assessment.safety.decided.v1", "s-1", map[string]any{"decision": "safe", "decided_by": "worker-5", "overridden": false})
	h.Settle()
	if got := clocks(h, v.Referral); got["fi_assessment_start"] != "met" || got["fi_assessment_done"] != "running" {
		t.Errorf("after the safety decision: %v", got)
	}
	completed := func(id string) {
		h.T.Helper()
		tell("org.hearth.assessment.assessment.completed.v1", id, map[string]any{
			"instrument": "safety", "instrument_version": "1", "instrument_hash": strings.Repeat("0", 64), "completed_by": "worker-5", "completed_at": h.Clock.Now(), "scores": []any{}, "needs": []any{}, "strengths": []any{},
		})
		h.Settle()
	}
	completed("s-1")
	if got := clocks(h, v.Referral); got["fi_assessment_done"] != "running" {
		t.Errorf("one of two done: %v", got)
	}
	completed("s-2")
	if got := clocks(h, v.Referral); got["fi_assessment_done"] != "met" {
		t.Errorf("both done: %v", got)
	}

	// Who is excluded from the case knows nothing of its referral, until that is lifted.
	about := map[string]string{"case_id": screened.Case, "worker_id": "worker-1"}
	h.Tell("org.hearth.planning.case.excluded.v1", screened.Case, screened.Case, about)
	h.Settle()
	worker.Get(v.path()).Want(404)
	h.Tell("org.hearth.planning.case.exclusion_lifted.v1", screened.Case, screened.Case, about)
	h.Settle()
	worker.Get(v.path()).Want(200)
	if n := len(of(h, clockMet)); n != 2 {
		t.Errorf("%d clocks met, want 2", n)
	}
	noCanary(h)
}

func TestIntake_UrgentReferralNobodyTakesUpEscalatesOverARestart(t *testing.T) {
	h := apptest.Start(t, intake.Service())
	left, taken := send(h, submission("left", "immediate")), send(h, submission("taken", "immediate"))
	h.As(auth.RoleIntakeWorker, "worker-1").Post(taken.path()+":take", nil).Want(200)
	h.Restart()
	h.Clock.Advance(61 * time.Minute)
	h.Wait("the clock to run out", func() bool { return len(of(h, clockExpired)) > 0 })
	h.Settle()
	expired := of(h, clockExpired)
	if len(expired) != 1 || expired[0].Key != left.Referral {
		t.Errorf("expired: %+v", expired)
	}
	if got := clocks(h, left.Referral)["take_up"]; got != "expired" {
		t.Errorf("left: %s", got)
	}
	if got := clocks(h, taken.Referral)["take_up"]; got != "met" {
		t.Errorf("taken: %s", got)
	}
}

func TestIntake_TakesTheTopicInAnyOrderAndKeepsWhatItRefuses(t *testing.T) {
	h := apptest.Start(t, intake.Service())
	correction := `{"specversion":"1.0","id":"c","source":"/systems/school/one","type":"org.hearth.referral.corrected.v1","data":{"corrects":{"source":"/systems/school/one","id":"a"},"changes":{"urgency":"high"}}}`
	bad := strings.Replace(submission("bad", "standard"), `"1.0"`, `"0.3"`, 1)
	publish(h, correction, bad, submission("a", "standard"), submission("a", "standard"))
	h.Wait("the referral of the topic", func() bool { return len(of(h, received)) == 1 })
	h.Settle()
	var states []string
	h.InTenant(func(ctx context.Context, tx *postgres.Tx) error {
		states = nil
		return tx.SelectContext(ctx, &states, `SELECT event_id || ' ' || status FROM inbound_event UNION ALL SELECT event_id || ' ' || reason FROM quarantined_event ORDER BY 1`)
	})
	if got := strings.Join(states, ", "); got != "a applied, bad refused, c applied" {
		t.Errorf("got %s", got)
	}
	noCanary(h)
}

func TestWeek_ThroughTheTopicInAnotherOrder(t *testing.T) {
	stream := week(t)
	h := apptest.Start(t, intake.Service(), apptest.At(time.Date(2026, 11, 9, 8, 0, 0, 0, time.UTC)))
	lines := strings.Split(strings.TrimSpace(stream), "\n")
	for i := range lines { // a stride that is prime to the length: every line once, far from its neighbours
		lines[i], lines[(i*7919)%len(lines)] = lines[(i*7919)%len(lines)], lines[i]
	}
	publish(h, lines...)
	for n := 0; n < 600; n = len(of(h, received)) { // a wait has a limit; the week is long
		h.Wait(fmt.Sprintf("more than %d referrals of the week", n), func() bool { return len(of(h, received)) > n })
	}
	h.Settle()
	var n, waiting int
	h.InTenant(func(ctx context.Context, tx *postgres.Tx) error {
		return tx.QueryRowxContext(ctx, `SELECT (SELECT count(*) FROM referral), (SELECT count(*) FROM inbound_event WHERE status = 'waiting')`).Scan(&n, &waiting)
	})
	if n != 600 || waiting != 0 || len(of(h, received)) != 600 {
		t.Errorf("%d referrals, %d said, %d waiting", n, len(of(h, received)), waiting)
	}
}

// publish writes structured events to the inbound topic, each keyed by itself.
func publish(h *apptest.Harness, lines ...string) {
	h.T.Helper()
	w := &kafka.Writer{Addr: kafka.TCP(h.Brokers...), Topic: "referrals.inbound.v1", RequiredAcks: kafka.RequireAll, Balancer: kafka.Murmur2Balancer{Consistent: true}, BatchTimeout: 5 * time.Millisecond}
	defer func() {
		if err := w.Close(); err != nil {
			h.T.Error(err)
		}
	}()
	var messages []kafka.Message
	for i, e := range lines {
		messages = append(messages, kafka.Message{Key: fmt.Append(nil, i), Value: []byte(e), Headers: []kafka.Header{{Key: "content-type", Value: []byte("application/cloudevents+json")}}})
	}
	if err := w.WriteMessages(h.T.Context(), messages...); err != nil {
		h.T.Fatal(err)
	}
}

// of are the events of a type that intake has published so far.
func of(h *apptest.Harness, kind string) []events.Event {
	h.T.Helper()
	return slices.DeleteFunc(h.Events(), func(e events.Event) bool { return e.Type != kind })
}

// noCanary looks for a family's data in all that intake said and logged.
func noCanary(h *apptest.Harness) {
	h.T.Helper()
	said, err := json.Marshal(h.Events())
	if err != nil {
		h.T.Fatal(err)
	}
	for _, canary := range []string{"Canary", "canary", "+358401234567", "1990-02-03"} {
		if strings.Contains(string(said), canary) {
			h.T.Errorf("%q is in an event", canary)
		}
		if strings.Contains(h.Logs(), canary) {
			h.T.Errorf("%q is in the log", canary)
		}
	}
}

func week(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if b, err := os.ReadFile(filepath.Join(dir, "..", "shared", "data", "referrals", "week", "events.ndjson")); err == nil {
			return string(b)
		}
	}
	t.Skip("shared/data/referrals/week/events.ndjson is not beside the project")
	return ""
}
