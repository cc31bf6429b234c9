package api_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
)

func TestEvents_VerdictsOfOne(t *testing.T) {
	b := newBench(t)
	school := b.as("referrer", "school", "/systems/school")
	first := read(school.Post("/intake/v1/events", event("a"), structured).Want(http.StatusAccepted))
	if text(first, "status") != "accepted" || text(first, "referral_id") == "" {
		t.Errorf("got %v", first)
	}
	again := read(school.Post("/intake/v1/events", event("a"), structured).Want(http.StatusOK))
	if text(again, "status") != "duplicate" || text(again, "receipt_id") != text(first, "receipt_id") {
		t.Errorf("got %v", again)
	}
	binary := read(school.Post("/intake/v1/events", event("a")["data"], apitest.Header("Content-Type", "application/json"), apitest.Header("ce-specversion", "1.0"),
		apitest.Header("ce-id", "a"), apitest.Header("ce-source", "/systems/school/one"), apitest.Header("ce-type", "org.hearth.referral.submitted.v1"),
		apitest.Header("ce-time", "2026-11-20T08:00:00Z"), apitest.Header("ce-subject", "S-1")).Want(http.StatusOK))
	if text(binary, "receipt_id") != text(first, "receipt_id") {
		t.Errorf("binary mode: got %v", binary)
	}
	edited := event("a")
	edited["data"].(object)["narrative"] = "Canary edited."
	school.Post("/intake/v1/events", edited, structured).WantProblem(http.StatusConflict, "event_conflict")

	bad := event("b")
	bad["data"].(object)["urgency"] = "now"
	bad["specversion"] = "0.3"
	p := school.Post("/intake/v1/events", bad, structured).WantProblem(http.StatusUnprocessableEntity, "event_refused")
	var at []string
	for _, e := range p.Errors {
		at = append(at, e.Pointer)
	}
	if diff := cmp.Diff([]string{"/specversion", "/data/urgency"}, at); diff != "" {
		t.Error(diff)
	}
	school.Post("/intake/v1/events", "{", structured).WantProblem(http.StatusUnprocessableEntity, "event_refused")
	school.Post("/intake/v1/events", event("c"), apitest.Header("Content-Type", "application/json")).WantProblem(http.StatusUnsupportedMediaType, "not_cloudevents")
	p = school.Post("/intake/v1/events", "{", apitest.Header("Content-Type", "application/json"), apitest.Header("ce-specversion", "1.0"), apitest.Header("ce-type", "org.hearth.referral.submitted.v1")).
		WantProblem(http.StatusUnprocessableEntity, "event_refused")
	if len(p.Errors) != 3 { // not JSON, no id, no source
		t.Errorf("got %+v", p.Errors)
	}
}

func TestEvents_ABatchAnswersEachInOrder(t *testing.T) {
	b := newBench(t)
	bad := event("b")
	delete(bad, "source")
	batch, err := json.Marshal([]any{event("a"), bad, 3, event("a"), event("c")})
	must(t, err)
	got := read(b.as("referrer", "school", "/systems/school").Post("/intake/v1/events", batch, apitest.Header("Content-Type", "application/cloudevents-batch+json")).Want(http.StatusOK))
	var statuses []string
	for i := range 5 {
		statuses = append(statuses, text(got, "items", i, "status"))
	}
	if diff := cmp.Diff([]string{"accepted", "refused", "refused", "duplicate", "accepted"}, statuses); diff != "" {
		t.Error(diff)
	}
	if p := text(got, "items", 1, "problems", 0, "pointer"); p != "/1/source" {
		t.Errorf("pointer %q", p)
	}
	b.as("referrer", "school", "/systems/school").Post("/intake/v1/events", "[]", apitest.Header("Content-Type", "application/cloudevents-batch+json")).WantProblem(http.StatusUnprocessableEntity, "event_refused")
}

func TestEvents_WhoMaySend(t *testing.T) {
	b := newBench(t)
	b.as("family_worker", "worker-1").Post("/intake/v1/events", event("a"), structured).Want(http.StatusForbidden)
	b.as("family_worker", "worker-1").Post("/intake/v1/events", "{", structured).Want(http.StatusForbidden)
	b.as("family_worker", "worker-1").Post("/intake/v1/events:import", "{", apitest.Header("Content-Type", "application/x-ndjson")).Want(http.StatusForbidden)
	b.client.Post("/intake/v1/events", event("a"), structured).Want(http.StatusUnauthorized)
	p := b.as("referrer", "police", "/systems/police").Post("/intake/v1/events", event("a"), structured).WantProblem(http.StatusUnprocessableEntity, "event_refused")
	if p.Errors[0].Code != "source_not_yours" {
		t.Errorf("got %+v", p.Errors)
	}
	other := event("a")
	other["agencyid"] = "northshore"
	b.as("referrer", "school", "/systems/school").Post("/intake/v1/events", other, structured).Want(http.StatusUnprocessableEntity)
	if n := b.column(`SELECT count(*)::text FROM inbound_event`)[0]; n != "0" {
		t.Errorf("%s events kept", n)
	}
}

// A sender that waits for each verdict before it sends the next line gets it.
func TestImport_AnswersWhileItReads(t *testing.T) {
	b := newBench(t)
	server := httptest.NewServer(b.handler)
	defer server.Close()
	body, lines := io.Pipe()
	r, err := http.NewRequest(http.MethodPost, server.URL+"/intake/v1/events:import", body)
	must(t, err)
	r.Header.Set("Authorization", "Bearer lakeland intake_worker worker-1")
	r.Header.Set("Content-Type", "application/x-ndjson")
	answers := make(chan *http.Response, 1)
	failed := make(chan error, 1)
	go func() {
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			failed <- err
			return
		}
		answers <- response
	}()
	var verdicts *bufio.Scanner
	for i, line := range []struct{ send, want string }{
		{oneLine(t, event("a")), "accepted"}, {"{", "refused"}, {oneLine(t, event("a")), "duplicate"}, {oneLine(t, event("b")), "accepted"},
	} {
		_, err := io.WriteString(lines, line.send+"\n")
		must(t, err)
		if verdicts == nil {
			select {
			case response := <-answers:
				defer response.Body.Close()
				verdicts = bufio.NewScanner(response.Body)
			case err := <-failed:
				t.Fatal(err)
			}
		}
		if !verdicts.Scan() {
			t.Fatalf("line %d: no verdict: %v", i+1, verdicts.Err())
		}
		got := parse(verdicts.Text())
		if text(got, "status") != line.want || got["line"] != float64(i+1) {
			t.Errorf("line %d: got %s", i+1, verdicts.Text())
		}
	}
	must(t, lines.Close())
	if verdicts.Scan() {
		t.Errorf("one answer too many: %s", verdicts.Text())
	}
}

func oneLine(t testing.TB, v any) string {
	t.Helper()
	s, err := json.Marshal(v)
	must(t, err)
	return string(s)
}

func TestReceipts_AReferrerSeesItsOwnWithTheStatus(t *testing.T) {
	b := newBench(t)
	school := b.as("referrer", "school", "/systems/school")
	v := read(school.Post("/intake/v1/events", event("a"), structured).Want(http.StatusAccepted))
	receipt := "/intake/v1/receipts/" + text(v, "receipt_id")
	got := read(school.Get(receipt).Want(http.StatusOK))
	if text(got, "status") != "applied" || text(got, "referral_status") != "received" || text(got, "type") != "org.hearth.referral.submitted.v1" {
		t.Errorf("got %v", got)
	}
	b.screen(text(v, "referral_id"), "screened_out", "no_concern_found")
	if got := read(school.Get(receipt).Want(http.StatusOK)); text(got, "referral_status") != "screened_out" {
		t.Errorf("got %v", got)
	}
	police := b.as("referrer", "police", "/systems/police")
	police.Get(receipt).WantProblem(http.StatusNotFound, "receipt_not_found")
	if got := read(police.Get("/intake/v1/receipts").Want(http.StatusOK)); at(got, "items", 0) != nil {
		t.Errorf("police sees %v", got)
	}
	if got := read(school.Get("/intake/v1/receipts").Want(http.StatusOK)); text(got, "items", 0, "event_id") != "a" {
		t.Errorf("school sees %v", got)
	}
	b.as("referrer", "nobody").Get(receipt).Want(http.StatusForbidden)
	b.as("intake_worker", "worker-1").Get(receipt).Want(http.StatusOK)
	if said := b.column(`SELECT data FROM outbox WHERE type = 'org.hearth.intake.referral.feedback_due.v1'`); len(said) != 1 || !strings.Contains(said[0], "screened_out") {
		t.Errorf("feedback due: %v", said)
	}
}

func TestQuarantine_ListsWhatIsKeptAside(t *testing.T) {
	b := newBench(t)
	school := b.as("referrer", "school", "/systems/school")
	school.Post("/intake/v1/events", event("a"), structured).Want(http.StatusAccepted)
	edited := event("a")
	edited["data"].(object)["narrative"] = "Canary edited."
	for range 2 {
		school.Post("/intake/v1/events", edited, structured).Want(http.StatusConflict)
	}
	answer := b.as("intake_worker", "worker-1").Get("/intake/v1/quarantine").Want(http.StatusOK)
	got := read(answer)
	if text(got, "items", 0, "reason") != "conflict" || at(got, "items", 1) != nil {
		t.Errorf("got %s", answer.Body)
	}
	if strings.Contains(string(answer.Body), "Canary") {
		t.Error("the quarantine shows what the event says")
	}
	school.Get("/intake/v1/quarantine").Want(http.StatusForbidden)
}

// screen makes a screening decision as an intake worker would.
func (b *bench) screen(id, decision, reason string) object {
	b.t.Helper()
	worker := b.as("intake_worker", "worker-1")
	tag := worker.Get("/intake/v1/referrals/" + id).Want(http.StatusOK).ETag()
	return read(worker.Post("/intake/v1/referrals/"+id+":screen", object{"decision": decision, "reason_code": reason}, apitest.IfMatch(tag)).Want(http.StatusOK))
}
