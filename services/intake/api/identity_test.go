package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
)

// caregiver is a submission about one caregiver.
func caregiver(id, given, family, born, phone string) object {
	e := event(id)
	data := e["data"].(object)
	data["external_id"] = id
	data["persons"] = []any{object{
		"ref": "p1", "role": "caregiver", "name": object{"given": []string{given}, "family": family}, "birth_date": born, "languages": []string{"fi"},
		"contacts":  []any{object{"kind": "phone", "value": phone, "safe": "unknown"}},
		"addresses": []any{object{"lines": []string{given + "katu 1"}, "postal_code": "90100", "country": "FI", "confidential": false}},
	}}
	data["relationships"], data["household"] = []any{}, object{"members": []string{"p1"}}
	data["concerns"] = []any{object{"code": "neglect", "subjects": []string{"p1"}}}
	return e
}

const persons = "/intake/v1/persons/"

// pair takes in two referrals of a woman under two spellings and gives her two records, the
// older first.
func (b *bench) pair() (first, second string) {
	b.t.Helper()
	_, first, _ = b.personOf(b.received(caregiver("a", "Katariina", "Lindqvist", "1990-02-03", "+358401111111")), 0)
	_, second, _ = b.personOf(b.received(caregiver("b", "Catarina", "Lindkvist", "1990-02-03", "+358402222222")), 0)
	return first, second
}

func (b *bench) version(of string) float64 {
	b.t.Helper()
	return read(b.as("records_officer", "rec-1").Get(persons + of + "/identity").Want(http.StatusOK))["version"].(float64)
}

func (b *bench) merge(x, y string, despite ...string) *apitest.Answer {
	b.t.Helper()
	officer := b.as("records_officer", "rec-1")
	tag := officer.Get(persons + x + "/identity").Want(http.StatusOK).ETag()
	body := object{"with": y, "with_version": b.version(y), "reason_code": "documents_seen"}
	if despite != nil {
		body["despite"] = despite
	}
	return officer.Post(persons+x+":merge", body, apitest.IfMatch(tag))
}

func (b *bench) unmerge(of, merge string) *apitest.Answer {
	b.t.Helper()
	officer := b.as("records_officer", "rec-1")
	tag := officer.Get(persons + of + "/identity").Want(http.StatusOK).ETag()
	return officer.Post(persons+of+":unmerge", object{"merge_id": merge, "reason_code": "two_persons"}, apitest.IfMatch(tag))
}

// same is an answer without what goes up with every change.
func same(a *apitest.Answer) object {
	m := read(a)
	delete(m, "version")
	return m
}

func TestMerge_OnePersonByEveryIdAndBackAgain(t *testing.T) {
	b := newBench(t)
	first, second := b.pair()
	worker := b.as("intake_worker", "worker-1")
	beforeFirst, beforeSecond := same(worker.Get(persons+first).Want(http.StatusOK)), same(worker.Get(persons+second).Want(http.StatusOK))

	merged := read(b.merge(second, first).Want(http.StatusOK))
	if text(merged, "person_id") != first {
		t.Errorf("named %s, want the older %s", text(merged, "person_id"), first)
	}
	for _, id := range []string{first, second} {
		got := read(worker.Get(persons + id).Want(http.StatusOK))
		if text(got, "person_id") != first || len(got["record_ids"].([]any)) != 2 || len(got["contacts"].([]any)) != 2 || len(got["addresses"].([]any)) != 2 || len(got["household_ids"].([]any)) != 2 {
			t.Errorf("%s: %v", id, got)
		}
		if said := text(got, "asked_for"); said != map[bool]string{true: second}[id == second] {
			t.Errorf("asked for %s, and says %q", id, said)
		}
	}
	if diff := cmp.Diff([]string{"org.hearth.intake.person.merged.v1 persons " + first}, b.told()); diff != "" {
		t.Error(diff)
	}

	merge := text(merged, "merges", 0, "merge_id")
	b.unmerge(second, merge).Want(http.StatusOK)
	if diff := cmp.Diff(beforeFirst, same(worker.Get(persons+first).Want(http.StatusOK))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(beforeSecond, same(worker.Get(persons+second).Want(http.StatusOK))); diff != "" {
		t.Error(diff)
	}
	b.unmerge(first, merge).WantProblem(http.StatusNotFound, "merge_not_found")
	// It was decided that they are two: to merge them again is to say so.
	b.merge(first, second).WantProblem(http.StatusUnprocessableEntity, "merge_needs_reason")
	b.merge(first, second, "decided_apart").Want(http.StatusOK)
	history := read(b.as("records_officer", "rec-1").Get(persons + second + "/identity").Want(http.StatusOK))
	if text(history, "merges", 0, "undone", "reason_code") != "two_persons" || text(history, "merges", 1, "despite", 0) != "decided_apart" || at(history, "merges", 1, "undone") != nil {
		t.Errorf("history %v", history)
	}
}

// told are the identity events in the outbox, with key and subject.
func (b *bench) told() []string {
	return b.column(`SELECT type || ' ' || key || ' ' || subject FROM outbox WHERE type LIKE '%.person.%' ORDER BY seq`)
}

func TestMerge_DecidesAboutWhatWasLookedAt(t *testing.T) {
	b := newBench(t)
	first, second := b.pair()
	officer := b.as("records_officer", "rec-1")
	tag := officer.Get(persons + first + "/identity").Want(http.StatusOK).ETag()
	body := object{"with": second, "with_version": b.version(second), "reason_code": "documents_seen"}
	officer.Post(persons+first+":merge", body).WantProblem(http.StatusPreconditionRequired, "if_match_missing")
	stale := object{"with": second, "with_version": b.version(second) + 1, "reason_code": "documents_seen"}
	officer.Post(persons+first+":merge", stale, apitest.IfMatch(tag)).WantProblem(http.StatusPreconditionFailed, "version_changed")
	once := apitest.Header("Idempotency-Key", "k-1")
	answer := officer.Post(persons+first+":merge", body, apitest.IfMatch(tag), once).Want(http.StatusOK)
	again := officer.Post(persons+first+":merge", body, apitest.IfMatch(tag), once).Want(http.StatusOK)
	if string(answer.Body) != string(again.Body) || len(b.told()) != 1 {
		t.Errorf("sent again: %s, told %v", again.Body, b.told())
	}
	b.merge(first, second).WantProblem(http.StatusConflict, "already_one")
	// Edited between the look and the decision.
	merge := text(read(officer.Get(persons+first+"/identity").Want(http.StatusOK)), "merges", 0, "merge_id")
	tag = officer.Get(persons + second + "/identity").Want(http.StatusOK).ETag()
	worker := b.as("intake_worker", "worker-1")
	worker.Put(persons+second+"/contact-rules", object{"contacts": []any{}}, apitest.IfMatch(tag)).Want(http.StatusOK)
	officer.Post(persons+first+":unmerge", object{"merge_id": merge, "reason_code": "mistake"}, apitest.IfMatch(tag)).WantProblem(http.StatusPreconditionFailed, "version_changed")
}

func TestMerge_IsForRecordsOfficersAlone(t *testing.T) {
	b := newBench(t)
	first, second := b.pair()
	for _, role := range []string{"intake_worker", "supervisor", "privacy_officer", "admin", "family_worker"} {
		c := b.as(role, "worker-1")
		c.Post(persons+first+":merge", object{"with": second, "with_version": 1, "reason_code": "mistake"}, apitest.IfMatch(`"1"`)).Want(http.StatusNotFound)
		c.Get(persons + first + "/identity").Want(http.StatusNotFound)
		c.Get("/intake/v1/match-reviews").Want(http.StatusForbidden)
	}
	b.as("records_officer", "rec-1").Get(persons + first).Want(http.StatusNotFound)
}

// screenIn opens a case for the referral a person is in, and gives its id.
func (b *bench) screenIn(id string) string {
	b.t.Helper()
	c := b.as("intake_worker", "worker-1")
	tag := c.Get("/intake/v1/referrals/" + id).Want(http.StatusOK).ETag()
	return text(read(c.Post("/intake/v1/referrals/"+id+":screen", object{"decision": "screened_in", "reason_code": "family_needs_support", "program": "perhetyo"}, apitest.IfMatch(tag)).Want(http.StatusOK)), "case_id")
}

func TestMerge_SeeingOneCaseGivesNoSightOfTheOther(t *testing.T) {
	b := newBench(t)
	ra, rb := b.received(caregiver("a", "Katariina", "Lindqvist", "1990-02-03", "+358401111111")), b.received(caregiver("b", "Catarina", "Lindkvist", "1990-02-03", "+358402222222"))
	_, first, _ := b.personOf(ra, 0)
	_, second, _ := b.personOf(rb, 0)
	ca, cb := b.screenIn(ra), b.screenIn(rb)
	b.exec(`INSERT INTO case_access (case_id, worker_id, role) VALUES ($1, 'family-1', 'lead'), ($2, 'family-2', 'lead')`, ca, cb)
	b.exec(`INSERT INTO case_access (case_id, worker_id, excluded) VALUES ($1, 'kin-1', true)`, ca)
	two := b.as("family_worker", "family-2")
	before := same(two.Get(persons + second).Want(http.StatusOK))
	b.merge(first, second).Want(http.StatusOK)

	if diff := cmp.Diff(before, same(two.Get(persons+second).Want(http.StatusOK))); diff != "" {
		t.Errorf("who works on one case sees otherwise: %s", diff)
	}
	two.Get(persons + first).Want(http.StatusNotFound)
	b.as("family_worker", "family-3").Get(persons + second).Want(http.StatusNotFound)
	// An exclusion from one case leaves the other record as it was, and hides the one.
	kin := b.as("intake_worker", "kin-1")
	kin.Get(persons + first).Want(http.StatusNotFound)
	if diff := cmp.Diff(before, same(kin.Get(persons+second).Want(http.StatusOK))); diff != "" {
		t.Error(diff)
	}
	// Nor may somebody excluded from either decide who is who.
	officer := b.as("records_officer", "kin-1")
	officer.Get(persons + second + "/identity").Want(http.StatusNotFound)
	// Broken glass opens what was asked for, and no more.
	glass := b.as("family_worker", "family-3")
	got := read(glass.Get(persons+second, apitest.Header("Hearth-Break-Glass", "child alone at night")).Want(http.StatusOK))
	if got["record_ids"] != nil || text(got, "person_id") != second {
		t.Errorf("broken glass: %v", got)
	}
}

func TestMerge_NobodyIsEasierToReach(t *testing.T) {
	b := newBench(t)
	first, second := b.pair()
	ask := func(id string) string {
		t.Helper()
		got := read(b.as("service", "notification").Post("/intake/v1/contact-decisions", object{"person_id": id, "purpose": "visit_reminder"}).Want(http.StatusOK))
		return text(got, "reason_code") + " " + text(got, "contact_value")
	}
	worker := b.as("intake_worker", "worker-1")
	settle := func(id string, rules object) {
		t.Helper()
		b.clock.Advance(time.Minute)
		worker.Put(persons+id+"/contact-rules", rules, apitest.IfMatch(worker.Get(persons+id).Want(http.StatusOK).ETag())).Want(http.StatusOK)
	}
	settle(second, object{"do_not_contact": true, "contacts": []any{}})
	if got := ask(first); got != "allowed +358401111111" {
		t.Fatalf("before: %s", got)
	}
	merge := text(read(b.merge(first, second).Want(http.StatusOK)), "merges", 0, "merge_id")
	for _, id := range []string{first, second} {
		if got := ask(id); got != "do_not_contact " {
			t.Errorf("merged, and %s is %s", id, got)
		}
	}
	if shown := read(worker.Get(persons + first).Want(http.StatusOK)); at(shown, "contact_rules", "do_not_contact") != true {
		t.Errorf("a worker is not told: %v", shown["contact_rules"])
	}
	// Settled with the person as a whole: it holds for all of them.
	settle(first, object{"contacts": []any{object{"kind": "phone", "value": "+358402222222", "safe": "yes"}}})
	if got := ask(second); got != "allowed +358402222222" {
		t.Errorf("settled for both: %s", got)
	}
	// Parted again, each keeps of it what is its own: the number is the second's.
	b.unmerge(first, merge).Want(http.StatusOK)
	if got := ask(first); got != "no_contact_recorded " {
		t.Errorf("parted, the first: %s", got)
	}
	if got := ask(second); got != "do_not_contact " {
		t.Errorf("parted, the second, who asked not to be contacted: %s", got)
	}
	if shown := string(worker.Get(persons + first).Want(http.StatusOK).Body); strings.Contains(shown, "2222222") {
		t.Errorf("another's number is shown: %s", shown)
	}
	settle(first, object{"contacts": []any{object{"kind": "phone", "value": "+358401111111", "safe": "yes"}}})
	if got := ask(first); got != "allowed +358401111111" {
		t.Errorf("settled anew: %s", got)
	}
}

func TestMerge_WhatIsConfidentialInOneIsSoInAll(t *testing.T) {
	b := newBench(t)
	hidden := caregiver("a", "Katariina", "Lindqvist", "1990-02-03", "+358401111111")
	hidden["data"].(object)["persons"].([]any)[0].(object)["addresses"].([]any)[0].(object)["confidential"] = true
	_, first, _ := b.personOf(b.received(hidden), 0)
	open := caregiver("b", "Catarina", "Lindkvist", "1990-02-03", "+358402222222")
	open["data"].(object)["persons"].([]any)[0].(object)["addresses"] = []any{object{"lines": []string{"KATARIINAKATU 1"}, "confidential": false}}
	_, second, _ := b.personOf(b.received(open), 0)
	b.merge(first, second).WantProblem(http.StatusUnprocessableEntity, "merge_needs_reason")
	_, _, household := b.personOf(text(read(b.as("intake_worker", "worker-1").Get("/intake/v1/referrals").Want(http.StatusOK)), "items", 0, "referral_id"), 0)
	b.merge(first, second, "address_confidential").Want(http.StatusOK)
	if travel := read(b.as("service", "visit-scheduling").Get(household + "/travel-point").Want(http.StatusOK)); text(travel, "source") != "withheld" {
		t.Errorf("the way to the other household: %v", travel)
	}
	grant := object{"reason_code": "court_order", "until": noon.Add(time.Hour).Format(time.RFC3339)}
	privacy := b.as("privacy_officer", "officer-1")
	for _, granted := range []string{"", second, first} {
		if granted != "" {
			privacy.Put(persons+granted+"/address-grants/worker-1", grant).Want(http.StatusOK)
		}
		body := strings.ToLower(string(b.as("intake_worker", "worker-1").Get(persons + second).Want(http.StatusOK).Body))
		if got := strings.Contains(body, "katariinakatu"); got != (granted == first) {
			t.Errorf("granted up to %q, shown %v: %s", granted, got, body)
		}
	}
}

func TestSeal_PartsAtOnceAndForEver(t *testing.T) {
	b := newBench(t)
	first, second := b.pair()
	b.merge(first, second).Want(http.StatusOK)
	seal := object{"kind": "adoption"}
	b.as("supervisor", "boss-1").Put(persons+second+"/seal", seal).Want(http.StatusNotFound)
	b.as("records_officer", "rec-1").Put(persons+second+"/seal", seal).Want(http.StatusForbidden)
	privacy := b.as("privacy_officer", "officer-1")
	privacy.Put(persons+second+"/seal", seal).Want(http.StatusNoContent)
	privacy.Put(persons+second+"/seal", seal).Want(http.StatusNoContent)
	if got := read(b.as("intake_worker", "worker-1").Get(persons + first).Want(http.StatusOK)); got["record_ids"] != nil {
		t.Errorf("sealed, and still one: %v", got)
	}
	if diff := cmp.Diff([]string{"org.hearth.intake.person.merged.v1 persons " + first, "org.hearth.intake.person.unmerged.v1 persons " + first}, b.told()); diff != "" {
		t.Error(diff)
	}
	for _, id := range []string{first, second} {
		if got := string(b.as("records_officer", "rec-1").Get(persons + id + "/identity").Want(http.StatusOK).Body); strings.Contains(got, "merge_id") {
			t.Errorf("the history tells what the seal hides: %s", got)
		}
	}
	b.merge(first, second, "decided_apart").WantProblem(http.StatusForbidden, "sealed")
	privacy.Delete(persons + second + "/seal").Want(http.StatusNoContent)
	b.merge(first, second, "decided_apart").Want(http.StatusOK)
}

// Officers who decide at once about the same persons, in every direction: each decision
// is about what its maker looked at, or refused; what comes of it is one person held
// together by one merge less than there are records.
func TestMerge_ManyAtOnce(t *testing.T) {
	b := newBench(t)
	var ids []string
	for n, name := range []string{"Katariina", "Johanna", "Liisa", "Helena"} {
		_, id, _ := b.personOf(b.received(caregiver(name, name, name+"nen", "1990-02-0"+string(rune('1'+n)), "+35840111111"+string(rune('1'+n)))), 0)
		ids = append(ids, id)
	}
	officer := b.as("records_officer", "rec-1")
	type seen struct {
		PersonID string   `json:"person_id"`
		Version  int64    `json:"version"`
		Records  []string `json:"record_ids"`
		Merges   []object `json:"merges"`
	}
	look := func(id string) seen {
		return apitest.Read[seen](officer.Get(persons + id + "/identity").Want(http.StatusOK))
	}
	for round := 0; len(look(ids[0]).Records) < len(ids); round++ {
		if round == 20 {
			t.Fatal("never one person")
		}
		answers := make(chan *apitest.Answer)
		asked := 0
		for _, x := range ids {
			for _, y := range ids {
				sx, sy := look(x), look(y)
				if sx.PersonID == sy.PersonID {
					continue
				}
				asked++
				body := object{"with": y, "with_version": sy.Version, "reason_code": "documents_seen", "despite": []string{"birth_dates_differ", "perhaps_twins"}}
				go func() {
					answers <- officer.Post(persons+x+":merge", body, apitest.IfMatch(httpapi.ETag(sx.Version)))
				}()
			}
		}
		merged := 0
		for range asked {
			switch a := <-answers; a.Status {
			case http.StatusOK:
				merged++
			case http.StatusConflict, http.StatusPreconditionFailed:
			default:
				t.Errorf("answered %d: %s", a.Status, a.Body)
			}
		}
		if merged == 0 {
			t.Fatal("nobody decided")
		}
	}
	for _, id := range ids {
		if got := look(id); len(got.Merges) != len(ids)-1 || got.PersonID != ids[0] {
			t.Errorf("%s: %+v", id, got)
		}
	}
}

// Rules settled while nobody knew of violence do not make a contact safe once it is
// known, until they are settled anew.
func TestContact_SettledBeforeViolenceWasKnown(t *testing.T) {
	b := newBench(t)
	person, id, _ := b.personOf(b.received(event("a")), 0)
	worker := b.as("intake_worker", "worker-1")
	settle := func() {
		t.Helper()
		b.clock.Advance(time.Hour)
		rules := object{"contacts": []any{object{"kind": "phone", "value": "+358401234567", "safe": "yes"}}}
		worker.Put(person+"/contact-rules", rules, apitest.IfMatch(worker.Get(person).Want(http.StatusOK).ETag())).Want(http.StatusOK)
		b.clock.Advance(time.Hour)
	}
	ask := func() string {
		t.Helper()
		return text(read(b.as("service", "notification").Post("/intake/v1/contact-decisions", object{"person_id": id, "purpose": "visit_reminder"}).Want(http.StatusOK)), "reason_code")
	}
	settle()
	if got := ask(); got != "allowed" {
		t.Fatalf("settled: %s", got)
	}
	violence := event("b")
	violence["data"].(object)["safety_flags"] = []string{"domestic_violence"}
	b.received(violence)
	if got := ask(); got != "no_safe_contact" {
		t.Errorf("violence became known: %s", got)
	}
	settle()
	if got := ask(); got != "allowed" {
		t.Errorf("settled anew: %s", got)
	}
}
