package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
)

func TestScreening_ScreenedInOpensOneCase(t *testing.T) {
	b := newBench(t)
	id := b.received(event("a"))
	path := "/intake/v1/referrals/" + id
	worker := b.as("intake_worker", "worker-1")
	tag := worker.Get(path).Want(http.StatusOK).ETag()
	decision := object{"decision": "screened_in", "reason_code": "family_needs_support"}

	worker.Post(path+":screen", decision).WantProblem(http.StatusPreconditionRequired, "if_match_missing")
	worker.Post(path+":screen", decision, apitest.IfMatch(`"99"`)).WantProblem(http.StatusPreconditionFailed, "version_changed")
	worker.Post(path+":screen", object{"decision": "screened_in", "reason_code": "no_concern_found"}, apitest.IfMatch(tag)).WantProblem(http.StatusUnprocessableEntity, "unknown_reason")
	worker.Post(path+":screen", object{"decision": "screened_in", "reason_code": "family_needs_support", "program": "nothing"}, apitest.IfMatch(tag)).WantProblem(http.StatusUnprocessableEntity, "unknown_program")
	b.as("family_worker", "worker-2").Post(path+":screen", decision, apitest.IfMatch(tag)).Want(http.StatusNotFound)

	first := worker.Post(path+":screen", decision, apitest.IfMatch(tag), apitest.Key("k1")).Want(http.StatusOK)
	again := worker.Post(path+":screen", decision, apitest.IfMatch(tag), apitest.Key("k1")).Want(http.StatusOK)
	if diff := cmp.Diff(read(first), read(again)); diff != "" || first.ETag() != again.ETag() {
		t.Errorf("the same key got another answer: %s", diff)
	}
	got := read(first)
	if text(got, "status") != "screened_in" || text(got, "case_id") == "" || text(got, "screening", "program_version") == "" || text(got, "taken_by") != "worker-1" {
		t.Errorf("got %s", first.Body)
	}
	worker.Post(path+":screen", decision, apitest.IfMatch(first.ETag())).WantProblem(http.StatusConflict, "already_screened")
	opened := b.column(`SELECT key || ' ' || data FROM outbox WHERE type = 'org.hearth.intake.case.opened.v1'`)
	if len(opened) != 1 || !strings.HasPrefix(opened[0], text(got, "case_id")+" ") {
		t.Errorf("case opened: %v", opened)
	}
	var history []string
	list := read(worker.Get(path + "/history").Want(http.StatusOK))
	for i := 0; at(list, "items", i) != nil; i++ {
		history = append(history, text(list, "items", i, "what"))
	}
	if diff := cmp.Diff([]string{"received", "screened"}, history); diff != "" {
		t.Error(diff)
	}
	page := read(worker.Get(path+"/history", apitest.Query("limit", "1")).Want(http.StatusOK))
	page = read(worker.Get(path+"/history", apitest.Query("limit", "1"), apitest.Query("cursor", text(page, "next_cursor"))).Want(http.StatusOK))
	if text(page, "items", 0, "what") != "screened" || at(page, "next_cursor") != nil {
		t.Errorf("second page: %v", page)
	}
}

func TestTake_FirstKeepsIt(t *testing.T) {
	b := newBench(t)
	urgent := event("a")
	urgent["data"].(object)["urgency"] = "immediate"
	path := "/intake/v1/referrals/" + b.received(urgent)
	one, two := b.as("intake_worker", "worker-1"), b.as("intake_worker", "worker-2")
	got := read(one.Post(path+":take", nil).Want(http.StatusOK))
	if text(got, "clocks", 0, "clock") != "take_up" || text(got, "clocks", 0, "state") != "met" {
		t.Errorf("clocks: %v", at(got, "clocks"))
	}
	one.Post(path+":take", nil).Want(http.StatusOK)
	two.Post(path+":take", nil).WantProblem(http.StatusConflict, "already_taken")
	list := read(two.Get("/intake/v1/referrals", apitest.Query("taken", "true"), apitest.Query("priority", "immediate")).Want(http.StatusOK))
	if text(list, "items", 0, "taken_by") != "worker-1" {
		t.Errorf("list: %v", list)
	}
	if list := read(two.Get("/intake/v1/referrals", apitest.Query("taken", "false")).Want(http.StatusOK)); at(list, "items", 0) != nil {
		t.Errorf("list: %v", list)
	}
}

func TestPriority_RaisedAtOnceLoweredByFourEyes(t *testing.T) {
	b := newBench(t)
	path := "/intake/v1/referrals/" + b.received(event("a"))
	worker, boss := b.as("intake_worker", "worker-1"), b.as("supervisor", "boss-1")
	tag := worker.Get(path).Want(http.StatusOK).ETag()
	worker.Post(path+":prioritise", object{"priority": "immediate", "reason_code": "because"}, apitest.IfMatch(tag)).WantProblem(http.StatusUnprocessableEntity, "unknown_reason")
	up := worker.Post(path+":prioritise", object{"priority": "immediate", "reason_code": "new_information"}, apitest.IfMatch(tag)).Want(http.StatusOK)
	got := read(up)
	if text(got, "priority", "priority") != "immediate" || text(got, "priority", "proposed") != "within_72h" || at(got, "priority", "overridden") != true {
		t.Errorf("got %v", at(got, "priority"))
	}
	down := boss.Post(path+":prioritise", object{"priority": "routine", "reason_code": "known_to_agency"}, apitest.IfMatch(up.ETag())).Want(http.StatusOK)
	if got := read(down); text(got, "priority", "priority") != "immediate" || text(got, "priority_asked", "asked_by") != "boss-1" {
		t.Errorf("a lower priority held at once: %s", down.Body)
	}
	boss.Post(path+":confirm-priority", nil, apitest.IfMatch(down.ETag())).WantProblem(http.StatusForbidden, "own_work")
	worker.Post(path+":confirm-priority", nil, apitest.IfMatch(down.ETag())).Want(http.StatusForbidden)
	confirmed := read(b.as("supervisor", "boss-2").Post(path+":confirm-priority", nil, apitest.IfMatch(down.ETag())).Want(http.StatusOK))
	if text(confirmed, "priority", "priority") != "routine" || text(confirmed, "priority", "confirmed_by") != "boss-2" || at(confirmed, "priority_asked") != nil {
		t.Errorf("got %v", at(confirmed, "priority"))
	}
	said := b.column(`SELECT data FROM outbox WHERE type = 'org.hearth.intake.referral.prioritised.v1' ORDER BY seq`)
	if len(said) != 3 || !strings.Contains(said[2], `"overridden":true`) {
		t.Errorf("said %v", said)
	}
}

func TestNeedToKnow_ExclusionBeatsEveryRole(t *testing.T) {
	b := newBench(t)
	id := b.received(event("a"))
	screened := b.screen(id, "screened_in", "family_needs_support")
	path := "/intake/v1/referrals/" + id
	person := "/intake/v1/persons/" + text(screened, "persons", 0, "person_id")
	household := "/intake/v1/households/" + text(screened, "household_id")
	boss, assigned, stranger := b.as("supervisor", "boss-1"), b.as("family_worker", "worker-5"), b.as("family_worker", "worker-6")
	b.exec(`INSERT INTO case_access (case_id, worker_id, role) VALUES ($1, 'worker-5', 'lead')`, text(screened, "case_id"))
	for _, p := range []string{path, path + "/history", person, household} {
		boss.Get(p).Want(http.StatusOK)
		assigned.Get(p).Want(http.StatusOK)
		stranger.Get(p).Want(http.StatusNotFound)
	}
	if list := read(stranger.Get("/intake/v1/referrals").Want(http.StatusOK)); at(list, "items", 0) != nil {
		t.Errorf("a stranger's list: %v", list)
	}
	b.exec(`INSERT INTO case_access (case_id, worker_id, excluded) VALUES ($1, 'boss-1', true)`, text(screened, "case_id"))
	// A further referral of the family, which has no case yet, is theirs as little.
	further := b.received(event("b"))
	for _, p := range []string{path, path + "/history", person, household, household + "/travel-point", "/intake/v1/referrals/" + further, "/intake/v1/referrals/" + further + "/reporter"} {
		boss.Get(p).Want(http.StatusNotFound)
	}
	boss.Post("/intake/v1/referrals/"+further+":take", nil).Want(http.StatusNotFound)
	b.as("supervisor", "boss-2").Get("/intake/v1/referrals/" + further).Want(http.StatusOK)
	for _, list := range []string{"/intake/v1/referrals", "/intake/v1/clocks"} {
		if got := read(boss.Get(list).Want(http.StatusOK)); at(got, "items", 0) != nil {
			t.Errorf("excluded, and sees %s: %v", list, got)
		}
		if got := read(assigned.Get(list).Want(http.StatusOK)); at(got, "items", 0) == nil {
			t.Errorf("assigned, and sees nothing of %s", list)
		}
	}
	if n := b.column(`SELECT count(*)::text FROM audit WHERE actor = 'worker-5' AND decision = 'permit'`)[0]; n == "0" {
		t.Error("reads left no audit")
	}
}

// What is kept from somebody is told of in the words of what is not there.
func TestNeedToKnow_ARefusalDoesNotTellThatThereIsSomething(t *testing.T) {
	b := newBench(t)
	id := b.received(event("a"))
	screened := b.screen(id, "screened_in", "family_needs_support")
	b.exec(`INSERT INTO case_access (case_id, worker_id, excluded) VALUES ($1, 'boss-1', true)`, text(screened, "case_id"))
	const nobody = "019aa7b0-11f2-7a44-8a0e-5b8c0d9e1f22"
	boss := b.as("supervisor", "boss-1")
	told := func(a *apitest.Answer) object {
		t.Helper()
		problem := read(a.Want(http.StatusNotFound))
		delete(problem, "instance")
		delete(problem, "trace_id")
		return problem
	}
	rules := object{"contacts": []any{}}
	person, household := text(screened, "persons", 0, "person_id"), text(screened, "household_id")
	for _, c := range []struct {
		what, there string
		ask         func(id string) *apitest.Answer
	}{
		{"referral", id, func(id string) *apitest.Answer { return boss.Get("/intake/v1/referrals/" + id) }},
		{"reporter", id, func(id string) *apitest.Answer { return boss.Get("/intake/v1/referrals/" + id + "/reporter") }},
		{"person", person, func(id string) *apitest.Answer { return boss.Get("/intake/v1/persons/" + id) }},
		{"contact rules", person, func(id string) *apitest.Answer {
			return boss.Put("/intake/v1/persons/"+id+"/contact-rules", rules, apitest.IfMatch(`"1"`))
		}},
		{"household", household, func(id string) *apitest.Answer { return boss.Get("/intake/v1/households/" + id) }},
	} {
		if diff := cmp.Diff(told(c.ask(nobody)), told(c.ask(c.there))); diff != "" {
			t.Errorf("%s (-not there +kept away): %s", c.what, diff)
		}
	}
}

func TestReporter_OnlyByAGrantInOnesName(t *testing.T) {
	b := newBench(t)
	id := b.received(event("a"))
	path := "/intake/v1/referrals/" + id
	until := noon.Add(time.Hour)
	for _, role := range []string{"intake_worker", "supervisor", "privacy_officer", "admin"} {
		if a := b.as(role, "worker-1").Get(path + "/reporter"); a.Status == http.StatusOK {
			t.Errorf("%s sees the reporter without a grant", role)
		}
	}
	grant := object{"reason_code": "court_testimony", "until": until.Format(time.RFC3339)}
	b.as("intake_worker", "worker-1").Put(path+"/reporter-grants/worker-2", grant).Want(http.StatusForbidden)
	officer := b.as("privacy_officer", "officer-1")
	officer.Put(path+"/reporter-grants/officer-1", grant).WantProblem(http.StatusForbidden, "four_eyes")
	officer.Put(path+"/reporter-grants/worker-1", grant).Want(http.StatusOK)
	got := read(b.as("intake_worker", "worker-1").Get(path + "/reporter").Want(http.StatusOK))
	if text(got, "name", "family") != "Teller" || text(got, "contacts", 0, "value") != "canaryreporter@example.org" {
		t.Errorf("got %v", got)
	}
	if a := b.as("intake_worker", "worker-2").Get(path + "/reporter"); a.Status == http.StatusOK {
		t.Error("another worker sees the reporter")
	}
	b.clock.Set(until)
	if a := b.as("intake_worker", "worker-1").Get(path + "/reporter"); a.Status == http.StatusOK {
		t.Error("the grant outlives its end")
	}
	b.clock.Set(noon)
	officer.Delete(path + "/reporter-grants/worker-1").Want(http.StatusNoContent)
	if a := b.as("intake_worker", "worker-1").Get(path + "/reporter"); a.Status == http.StatusOK {
		t.Error("the grant outlives its taking back")
	}
	// Nothing else shows the reporter.
	for _, p := range []string{path, path + "/history", "/intake/v1/referrals", "/intake/v1/receipts"} {
		if body := string(b.as("supervisor", "boss-1").Get(p).Want(http.StatusOK).Body); strings.Contains(body, "Canaryreporter") || strings.Contains(body, "canaryreporter@") {
			t.Errorf("%s shows the reporter", p)
		}
	}
}

func TestLists_EveryPageOnceAndOnlyOnesOwnAgency(t *testing.T) {
	b := newBench(t)
	want := map[string]bool{}
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		want[b.received(event(id))] = true
	}
	worker := b.as("intake_worker", "worker-1")
	got := map[string]bool{}
	cursor := ""
	for {
		options := []apitest.Option{apitest.Query("limit", "2")}
		if cursor != "" {
			options = append(options, apitest.Query("cursor", cursor))
		}
		page := read(worker.Get("/intake/v1/referrals", options...).Want(http.StatusOK))
		for i := 0; at(page, "items", i) != nil; i++ {
			id := text(page, "items", i, "referral_id")
			if got[id] {
				t.Errorf("%s is on two pages", id)
			}
			got[id] = true
		}
		if cursor = text(page, "next_cursor"); cursor == "" {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	other := b.client.As("northshore supervisor boss-9")
	for _, list := range []string{"/intake/v1/referrals", "/intake/v1/clocks", "/intake/v1/receipts", "/intake/v1/quarantine"} {
		if page := read(other.Get(list).Want(http.StatusOK)); at(page, "items", 0) != nil {
			t.Errorf("northshore sees %s of lakeland: %v", list, page)
		}
		worker.Get(list, apitest.Query("cursor", "forged")).WantProblem(http.StatusBadRequest, "cursor_malformed")
	}
	for id := range want {
		other.Get("/intake/v1/referrals/" + id).Want(http.StatusNotFound)
		referral := read(worker.Get("/intake/v1/referrals/" + id).Want(http.StatusOK))
		other.Get("/intake/v1/persons/" + text(referral, "persons", 0, "person_id")).Want(http.StatusNotFound)
		other.Get("/intake/v1/households/" + text(referral, "household_id")).Want(http.StatusNotFound)
		other.Get("/intake/v1/receipts/" + text(referral, "receipt_id")).Want(http.StatusNotFound)
	}
}

func TestClocks_FinnishPairOnTheReferral(t *testing.T) {
	b := newBench(t)
	b.clock.Set(time.Date(2026, 3, 31, 9, 0, 0, 0, time.UTC))
	contact := event("a")
	contact["data"].(object)["received_at"] = "2026-03-31T08:00:00Z" // a Tuesday before Easter
	got := read(b.as("intake_worker", "worker-1").Get("/intake/v1/referrals/" + b.received(contact)).Want(http.StatusOK))
	due := map[string]string{}
	for i := 0; at(got, "clocks", i) != nil; i++ {
		when, err := time.Parse(time.RFC3339, text(got, "clocks", i, "due_at"))
		must(t, err)
		helsinki, err := time.LoadLocation("Europe/Helsinki")
		must(t, err)
		due[text(got, "clocks", i, "clock")] = when.In(helsinki).Format("2006-01-02")
	}
	if diff := cmp.Diff(map[string]string{"fi_assessment_start": "2026-04-13", "fi_assessment_done": "2026-06-30"}, due); diff != "" {
		t.Error(diff)
	}
}

func TestLogs_HoldNoPersonalData(t *testing.T) {
	b := newBench(t)
	id := b.received(event("a"))
	bad := event("b")
	bad["data"].(object)["persons"].([]any)[0].(object)["birth_date"] = "Canarydate"
	b.as("referrer", "school", "/systems/school").Post("/intake/v1/events", bad, structured).Want(http.StatusUnprocessableEntity)
	b.screen(id, "screened_in", "family_needs_support")
	b.as("supervisor", "boss-1").Get("/intake/v1/referrals?status=Canarystatus").Want(http.StatusBadRequest)
	said := b.log.String() + strings.Join(b.column(`SELECT data FROM outbox`), "\n") + strings.Join(b.column(`SELECT codes FROM referral_history`), "\n")
	for _, canary := range []string{"Canary", "canary", "Koski", "+358401234567", "1990-02-03"} {
		if strings.Contains(said, canary) {
			t.Errorf("%q is in a log or an event", canary)
		}
	}
}
