package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
)

const reviews = "/intake/v1/match-reviews"

// waiting are the open pairs a records officer sees.
func (b *bench) waiting(who, query string) []any {
	b.t.Helper()
	return read(b.as("records_officer", who).Get(reviews + query).Want(http.StatusOK))["items"].([]any)
}

// asked gives the only open pair there is.
func (b *bench) asked() object {
	b.t.Helper()
	items := b.waiting("rec-1", "")
	if len(items) != 1 {
		b.t.Fatalf("%d pairs wait, want one: %v", len(items), items)
	}
	return items[0].(object)
}

func (b *bench) decide(pair, version string, decision object) *apitest.Answer {
	b.t.Helper()
	return b.as("records_officer", "rec-1").Post(reviews+"/"+pair+":decide", decision, apitest.IfMatch(version))
}

func decision(what, reason string) object { return object{"decision": what, "reason_code": reason} }

func TestMatchReview_SideBySideDecidedOnceAndMerged(t *testing.T) {
	b := newBench(t)
	first, second := b.pair()
	pair := b.asked()
	if text(pair, "sides", 0, "name", "family") != "Lindqvist" || text(pair, "sides", 1, "name", "family") != "Lindkvist" || text(pair, "evidence", 0, "comparison") == "" || text(pair, "reasons", 0) == "" {
		t.Errorf("side by side: %v", pair)
	}
	if body := string(b.as("records_officer", "rec-1").Get(reviews).Want(http.StatusOK).Body); strings.Contains(body, "Canary") || strings.Contains(body, first) {
		t.Errorf("a pair tells more than is compared: %s", body)
	}
	id := text(pair, "pair_id")
	b.as("records_officer", "rec-1").Post(reviews+"/"+id+":decide", decision("same", "documents_seen")).WantProblem(http.StatusPreconditionRequired, "if_match_missing")
	decided := read(b.decide(id, `"1"`, decision("same", "documents_seen")).Want(http.StatusOK))
	if text(decided, "state") != "same" || text(decided, "decisions", 0, "decided_by") != "rec-1" || text(decided, "decisions", 0, "merge_id") == "" {
		t.Errorf("decided: %v", decided)
	}
	// Of two who look at once, one decides.
	b.decide(id, `"1"`, decision("different", "twins")).WantProblem(http.StatusPreconditionFailed, "version_changed")
	b.decide(id, `"2"`, decision("different", "twins")).WantProblem(http.StatusConflict, "already_decided")
	if left := b.waiting("rec-1", ""); len(left) != 0 {
		t.Errorf("decided, and still waits: %v", left)
	}
	if done := b.waiting("rec-1", "?state=decided"); len(done) != 1 {
		t.Errorf("decided: %v", done)
	}
	if got := read(b.as("intake_worker", "worker-1").Get(persons + second).Want(http.StatusOK)); text(got, "person_id") != first {
		t.Errorf("decided same, and not merged: %v", got)
	}
	// Taken back, the pair is two persons, and nobody is asked again.
	b.unmerge(first, text(decided, "decisions", 0, "merge_id")).Want(http.StatusOK)
	if got := read(b.as("records_officer", "rec-1").Get(reviews + "/" + id).Want(http.StatusOK)); text(got, "state") != "different" {
		t.Errorf("taken back: %v", got["state"])
	}
	if left := b.waiting("rec-1", ""); len(left) != 0 {
		t.Errorf("taken back, and asked again: %v", left)
	}
}

func TestMatchReview_NotAskedAgainUntilWhatIsKnownChanges(t *testing.T) {
	b := newBench(t)
	b.pair()
	id := text(b.asked(), "pair_id")
	b.decide(id, `"1"`, decision("cannot_tell", "not_enough_known")).Want(http.StatusOK)
	// The same is told again, by an event of its own: no news.
	b.received(caregiver("c", "Catarina", "Lindkvist", "1990-02-03", "+358402222222"))
	if left := b.waiting("rec-1", ""); len(left) != 0 {
		t.Errorf("nothing is new, and asked again: %v", left)
	}
	// Undecided can be decided later; different is not the last word either, and has to be named.
	b.decide(id, `"2"`, decision("different", "two_persons")).Want(http.StatusOK)
	b.decide(id, `"3"`, decision("same", "documents_seen")).WantProblem(http.StatusUnprocessableEntity, "merge_needs_reason")
	same := decision("same", "documents_seen")
	same["despite"] = []string{"decided_apart"}
	got := read(b.decide(id, `"3"`, same).Want(http.StatusOK))
	var said []string
	for _, d := range got["decisions"].([]any) {
		said = append(said, text(d, "decision"))
	}
	if diff := cmp.Diff([]string{"cannot_tell", "different", "same"}, said); diff != "" {
		t.Error(diff)
	}
}

func TestMatchReview_WhoMayNotKnowOfOneSideIsNotAsked(t *testing.T) {
	b := newBench(t)
	ra, rb := b.received(caregiver("a", "Katariina", "Lindqvist", "1990-02-03", "+358401111111")), b.received(caregiver("b", "Catarina", "Lindkvist", "1990-02-03", "+358402222222"))
	id := text(b.asked(), "pair_id")
	kin := b.as("records_officer", "kin-1")
	kin.Get(reviews + "/" + id).Want(http.StatusOK)
	b.as("supervisor", "boss-1").Put("/intake/v1/referrals/"+ra+"/exclusions/kin-1", object{"reason_code": "relative"}).Want(http.StatusNoContent)
	if left := b.waiting("kin-1", ""); len(left) != 0 {
		t.Errorf("excluded, and asked: %v", left)
	}
	kin.Get(reviews+"/"+id).WantProblem(http.StatusNotFound, "match_review_not_found")
	kin.Post(reviews+"/"+id+":decide", decision("same", "documents_seen"), apitest.IfMatch(`"1"`)).WantProblem(http.StatusNotFound, "match_review_not_found")
	if left := b.waiting("rec-1", ""); len(left) != 1 {
		t.Errorf("others are asked: %v", left)
	}
	// A seal ends the question for everybody.
	_, second, _ := b.personOf(rb, 0)
	b.as("privacy_officer", "officer-1").Put(persons+second+"/seal", object{"kind": "protected_identity"}).Want(http.StatusNoContent)
	if left := b.waiting("rec-1", ""); len(left) != 0 {
		t.Errorf("sealed, and asked: %v", left)
	}
	b.as("records_officer", "rec-1").Get(reviews+"/"+id).WantProblem(http.StatusNotFound, "match_review_not_found")
}

func TestMatchReview_ListedByZoneAndAge(t *testing.T) {
	b := newBench(t)
	b.pair()
	b.clock.Advance(5 * time.Hour)
	for query, want := range map[string]int{"?zone=ask": 1, "?zone=new": 0, "?older_than_hours=4": 1, "?older_than_hours=6": 0, "?limit=1": 1} {
		if got := len(b.waiting("rec-1", query)); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
}

// related are the other referrals a referral's answer tells of, and how many it does not.
func (b *bench) related(who *apitest.Client, id string) (ids []string, withheld float64) {
	b.t.Helper()
	got := read(who.Get("/intake/v1/referrals/" + id).Want(http.StatusOK))
	for _, item := range at(got, "family_history", "items").([]any) {
		ids = append(ids, text(item, "referral_id"))
	}
	return ids, at(got, "family_history", "withheld").(float64)
}

// Two referrals of one woman under two spellings: asked, decided, seen, taken back.
func TestFamilyHistory_FollowsWhoIsOnePerson(t *testing.T) {
	b := newBench(t)
	ra, rb := b.received(caregiver("a", "Katariina", "Lindqvist", "1990-02-03", "+358401111111")), b.received(caregiver("b", "Catarina", "Lindkvist", "1990-02-03", "+358402222222"))
	worker := b.as("intake_worker", "worker-1")
	expect := func(when, of string, want ...string) {
		t.Helper()
		got, withheld := b.related(worker, of)
		if diff := cmp.Diff(want, got); diff != "" || withheld != 0 {
			t.Errorf("%s: %s, %v withheld", when, diff, withheld)
		}
	}
	expect("before", ra)
	decided := read(b.decide(text(b.asked(), "pair_id"), `"1"`, decision("same", "documents_seen")).Want(http.StatusOK))
	expect("merged", ra, rb)
	expect("merged", rb, ra)
	// Told of again, they are known by either record, and nobody is asked.
	rc := b.received(caregiver("c", "Catarina", "Lindkvist", "1990-02-03", "+358401111111"))
	if left := b.waiting("rec-1", ""); len(left) != 0 {
		t.Errorf("one person by decision, and asked which of them: %v", left)
	}
	expect("told again", rc, rb, ra)
	_, first, _ := b.personOf(ra, 0)
	b.unmerge(first, text(decided, "decisions", 0, "merge_id")).Want(http.StatusOK)
	expect("taken back", ra)
	expect("taken back", rb, rc)
}

func TestFamilyHistory_ByNeedToKnow(t *testing.T) {
	b := newBench(t)
	var all []string
	for _, id := range []string{"a", "b", "c"} {
		all = append(all, b.received(event(id)))
	}
	first, second := b.screenIn(all[0]), b.screenIn(all[1])
	b.exec(`INSERT INTO case_access (case_id, worker_id, role) VALUES ($1, 'family-1', 'lead')`, first)
	b.exec(`INSERT INTO case_access (case_id, worker_id, excluded) VALUES ($1, 'kin-1', true)`, second)
	for who, want := range map[*apitest.Client]struct {
		ids      []string
		withheld float64
	}{
		b.as("intake_worker", "worker-1"): {[]string{all[2], all[1]}, 0},
		b.as("family_worker", "family-1"): {nil, 2},
		b.as("intake_worker", "kin-1"):    {nil, 0}, // excluded: neither the case nor what its household's other referrals are
	} {
		got, withheld := b.related(who, all[0])
		if diff := cmp.Diff(want.ids, got); diff != "" || withheld != want.withheld {
			t.Errorf("want %v: %s, %v withheld", want, diff, withheld)
		}
	}
	shown := read(b.as("intake_worker", "worker-1").Get("/intake/v1/referrals/" + all[2]).Want(http.StatusOK))
	latest := at(shown, "family_history", "items", 0)
	if text(latest, "status") != "screened_in" || text(latest, "case_id") != second || text(latest, "decided_at") == "" || text(latest, "because", 0) != "household" || text(latest, "because", 1) != "person" {
		t.Errorf("got %v", latest)
	}
}

func TestExclusion_BeforeThereIsACase(t *testing.T) {
	b := newBench(t)
	id := b.received(event("a"))
	kin := b.as("intake_worker", "kin-1")
	person, _, household := b.personOf(id, 0)
	kin.Get(person).Want(http.StatusOK)
	exclusion := "/intake/v1/referrals/" + id + "/exclusions/kin-1"
	kin.Put(exclusion, object{"reason_code": "relative"}).Want(http.StatusForbidden)
	b.as("supervisor", "boss-1").Put(exclusion, object{"reason_code": "relative"}).Want(http.StatusNoContent)
	again := b.received(event("b")) // of the same household
	for _, path := range []string{"/intake/v1/referrals/" + id, "/intake/v1/referrals/" + again, person, household, "/intake/v1/referrals/" + id + "/history"} {
		kin.Get(path).Want(http.StatusNotFound)
		b.as("intake_worker", "worker-1").Get(path).Want(http.StatusOK)
	}
	if got := read(kin.Get("/intake/v1/referrals").Want(http.StatusOK))["items"].([]any); len(got) != 0 {
		t.Errorf("excluded, and listed: %v", got)
	}
	b.as("supervisor", "boss-1").Put("/intake/v1/referrals/"+id+"/exclusions/worker-1", object{"reason_code": "threat"}).Want(http.StatusNoContent)
	lift := func(who string) *apitest.Answer {
		return b.as("supervisor", who).Delete("/intake/v1/referrals/" + id + "/exclusions/worker-1")
	}
	b.as("intake_worker", "worker-1").Get("/intake/v1/referrals/" + id).Want(http.StatusNotFound)
	lift("worker-1").Want(http.StatusNotFound) // their own
	lift("boss-1").Want(http.StatusNoContent)
	lift("boss-1").Want(http.StatusNoContent)
	b.as("intake_worker", "worker-1").Get("/intake/v1/referrals/" + id).Want(http.StatusOK)
	if kept := b.column(`SELECT worker_id || ' ' || lifted_by FROM referral_exclusion_lifted`); len(kept) != 1 || kept[0] != "worker-1 boss-1" {
		t.Errorf("what was taken back is on record as %v", kept)
	}
	b.screenIn(id)
	if told := b.column(`SELECT data::json ->> 'excluded' FROM outbox WHERE type LIKE '%.case.opened.%'`); len(told) != 1 || told[0] != `[{"worker_id":"kin-1","reason_code":"relative","excluded_by":"boss-1"}]` {
		t.Errorf("the case is opened, and who is kept from it is told as %v", told)
	}
	b.as("supervisor", "boss-1").Put("/intake/v1/referrals/"+id+"/exclusions/kin-2", object{"reason_code": "relative"}).WantProblem(http.StatusConflict, "case_opened")
	kin.Get("/intake/v1/referrals/" + id).Want(http.StatusNotFound)
	if got := read(kin.Get("/intake/v1/referrals").Want(http.StatusOK))["items"].([]any); len(got) != 0 {
		t.Errorf("screened in, and listed: %v", got)
	}
}

// A link made without asking is judged by somebody who is not told; when it was
// wrong, the person is taken out of the record, and both are who they would have been.
func TestMatchReview_AFalseLinkIsFoundAndUndone(t *testing.T) {
	b := newBench(t)
	b.reception.SampleShare = 1
	ra := b.received(caregiver("a", "Katariina", "Lindqvist", "1990-02-03", "+358401111111"))
	_, first, _ := b.personOf(ra, 0)
	worker := b.as("intake_worker", "worker-1")
	before := same(worker.Get(persons + first).Want(http.StatusOK))
	again := caregiver("b", "Katariina", "Lindqvist", "1990-02-03", "+358401111111")
	again["data"].(object)["persons"].([]any)[0].(object)["contacts"] = []any{object{"kind": "phone", "value": "+358401111111", "safe": "no"}, object{"kind": "email", "value": "other@example.org", "safe": "unknown"}}
	rb := b.received(again)
	_, linked, _ := b.personOf(rb, 0)
	if linked != first {
		t.Fatalf("not linked: %s and %s", first, linked)
	}
	pair := b.asked()
	if n := len(at(pair, "sides", 0, "contacts").([]any)); n != 2 {
		t.Errorf("the one side is what the referral told: %v", pair)
	}
	if n := len(at(pair, "sides", 1, "contacts").([]any)); n != 1 {
		t.Errorf("the other is the record without it: %v", pair)
	}
	id := text(pair, "pair_id")
	decided := read(b.decide(id, `"1"`, decision("different", "relatives")).Want(http.StatusOK))
	if text(decided, "state") != "different" {
		t.Errorf("decided: %v", decided)
	}
	_, own, _ := b.personOf(rb, 0)
	if own == first {
		t.Fatal("still of the same record")
	}
	after := same(worker.Get(persons + first).Want(http.StatusOK))
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the record is not what it was: %s", diff)
	}
	if got := read(worker.Get(persons + own).Want(http.StatusOK)); len(got["contacts"].([]any)) != 2 || text(got, "name", "family") != "Lindqvist" {
		t.Errorf("the person of their own: %v", got)
	}
	if told := b.column(`SELECT data::json ->> 'changed' FROM outbox WHERE type LIKE '%.referral.corrected.%'`); len(told) != 1 || told[0] != `["persons"]` {
		t.Errorf("told %v", told)
	}
	if left := b.waiting("rec-1", ""); len(left) != 0 {
		t.Errorf("decided, and asked again: %v", left)
	}
	b.decide(id, `"2"`, decision("different", "relatives")).WantProblem(http.StatusConflict, "not_linked")
}
