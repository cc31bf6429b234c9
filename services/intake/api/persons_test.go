package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
)

// personOf is the path of a referral's nth person, and the household's.
func (b *bench) personOf(id string, n int) (person, personID, household string) {
	b.t.Helper()
	got := read(b.as("intake_worker", "worker-1").Get("/intake/v1/referrals/" + id).Want(http.StatusOK))
	return "/intake/v1/persons/" + text(got, "persons", n, "person_id"), text(got, "persons", n, "person_id"), "/intake/v1/households/" + text(got, "household_id")
}

func TestAddress_ConfidentialIsShownByNameOnly(t *testing.T) {
	b := newBench(t)
	hidden := event("a")
	hidden["data"].(object)["persons"].([]any)[0].(object)["addresses"].([]any)[0].(object)["confidential"] = true
	person, id, household := b.personOf(b.received(hidden), 0)
	for _, role := range []string{"intake_worker", "supervisor", "service"} {
		a := b.as(role, "worker-1").Get(person).Want(http.StatusOK)
		if strings.Contains(string(a.Body), "Canarykatu") || at(read(a), "addresses", 0, "withheld") != true {
			t.Errorf("%s: %s", role, a.Body)
		}
	}
	travel := read(b.as("service", "visit-scheduling").Get(household + "/travel-point").Want(http.StatusOK))
	if travel["known"] != false || text(travel, "source") != "withheld" || travel["lat"] != nil {
		t.Errorf("travel point %v", travel)
	}
	grant := object{"reason_code": "court_order", "until": noon.Add(time.Hour).Format(time.RFC3339)}
	b.as("supervisor", "boss-1").Put("/intake/v1/persons/"+id+"/address-grants/worker-1", grant).Want(http.StatusForbidden)
	b.as("privacy_officer", "officer-1").Put("/intake/v1/persons/"+id+"/address-grants/worker-1", grant).Want(http.StatusOK)
	if got := read(b.as("intake_worker", "worker-1").Get(person).Want(http.StatusOK)); text(got, "addresses", 0, "lines", 0) != "Canarykatu 1" {
		t.Errorf("granted, and sees %v", at(got, "addresses"))
	}
	if got := read(b.as("intake_worker", "worker-2").Get(person).Want(http.StatusOK)); at(got, "addresses", 0, "lines") != nil {
		t.Errorf("not granted, and sees %v", at(got, "addresses"))
	}
	b.as("privacy_officer", "officer-1").Delete("/intake/v1/persons/" + id + "/address-grants/worker-1").Want(http.StatusNoContent)
	b.as("privacy_officer", "officer-1").Delete("/intake/v1/persons/"+id+"/address-grants/worker-1").WantProblem(http.StatusNotFound, "grant_not_found")
}

// The address one person keeps to themselves is that of who lives with them.
func TestAddress_ConfidentialIsNotLearntFromTheChildsRecord(t *testing.T) {
	b := newBench(t)
	hidden := event("a")
	persons := hidden["data"].(object)["persons"].([]any)
	persons[0].(object)["addresses"].([]any)[0].(object)["confidential"] = true
	persons[1].(object)["addresses"] = []any{object{"lines": []string{"CANARYKATU  1"}, "confidential": false}, object{"lines": []string{"Toinen 2"}, "confidential": false}}
	child, _, _ := b.personOf(b.received(hidden), 1)
	a := b.as("intake_worker", "worker-1").Get(child).Want(http.StatusOK)
	if strings.Contains(strings.ToLower(string(a.Body)), "canarykatu") || !strings.Contains(string(a.Body), "Toinen 2") {
		t.Errorf("got %s", a.Body)
	}
}

func TestTravelPoint_IsTheMiddleOfThePostalArea(t *testing.T) {
	b := newBench(t)
	_, _, household := b.personOf(b.received(event("a")), 0)
	got := read(b.as("service", "visit-scheduling").Get(household + "/travel-point").Want(http.StatusOK))
	if got["known"] != true || text(got, "source") != "postal_area" || got["precision_m"].(float64) < 500 {
		t.Errorf("got %v", got)
	}
	unknown := read(b.as("service", "visit-scheduling").Get("/intake/v1/households/none/travel-point").Want(http.StatusOK))
	if unknown["known"] != false || text(unknown, "source") != "unknown" {
		t.Errorf("got %v", unknown)
	}
}

func TestContact_DecidedWhenAsked(t *testing.T) {
	b := newBench(t)
	person, id, _ := b.personOf(b.received(event("a")), 0)
	ask := func(body object) object {
		t.Helper()
		return read(b.as("service", "notification").Post("/intake/v1/contact-decisions", body).Want(http.StatusOK))
	}
	reminder := object{"person_id": id, "purpose": "visit_reminder"}
	if got := ask(reminder); got["allowed"] != true || text(got, "contact_kind") != "sms" || text(got, "contact_value") != "+358401234567" || text(got, "language") != "fi" {
		t.Errorf("got %v", got)
	}
	b.as("intake_worker", "worker-1").Post("/intake/v1/contact-decisions", reminder).Want(http.StatusForbidden)
	b.as("service", "notification").Post("/intake/v1/contact-decisions", object{"purpose": "visit_reminder"}).WantProblem(http.StatusUnprocessableEntity, "one_subject")

	// A later referral of the same household tells of violence: from then on no.
	violence := event("b")
	violence["data"].(object)["safety_flags"] = []string{"domestic_violence"}
	b.received(violence)
	if got := ask(reminder); got["allowed"] != false || text(got, "reason_code") != "no_safe_contact" || got["contact_value"] != nil {
		t.Errorf("under a domestic-violence flag: %v", got)
	}

	// A worker and the person settle a safe way.
	worker := b.as("intake_worker", "worker-1")
	rules := object{"language": "sv", "contacts": []any{object{"kind": "email", "value": "safe@example.org", "safe": "yes", "purposes": []string{"visit_reminder"}, "from": "09:00", "until": "15:00"}}}
	worker.Put(person+"/contact-rules", rules).WantProblem(http.StatusPreconditionRequired, "if_match_missing")
	tag := worker.Get(person).Want(http.StatusOK).ETag()
	worker.Put(person+"/contact-rules", rules, apitest.IfMatch(tag)).Want(http.StatusOK)
	worker.Put(person+"/contact-rules", rules, apitest.IfMatch(tag)).WantProblem(http.StatusPreconditionFailed, "version_changed")
	if got := ask(reminder); got["allowed"] != true || text(got, "contact_value") != "safe@example.org" || text(got, "language") != "sv" {
		t.Errorf("got %v", got)
	}
	if got := ask(object{"person_id": id, "purpose": "survey"}); text(got, "reason_code") != "no_contact_for_purpose" {
		t.Errorf("got %v", got)
	}
	b.clock.Set(noon.Add(2 * time.Hour)) // 16:00 in Helsinki
	if got := ask(reminder); text(got, "reason_code") != "outside_hours" {
		t.Errorf("got %v", got)
	}
}

// Whoever may send referrals could have reminders of a person's visits sent to a
// telephone of their own, by calling it a safe one of that person.
func TestContact_NotAtTheNumberOfAnotherAdultUnderViolence(t *testing.T) {
	b := newBench(t)
	person := func(e object, n int) object { return e["data"].(object)["persons"].([]any)[n].(object) }
	violence := event("a")
	violence["data"].(object)["safety_flags"] = []string{"domestic_violence"}
	person(violence, 0)["contacts"] = []any{object{"kind": "email", "value": "ada@example.org", "safe": "unknown"}}
	persons := violence["data"].(object)["persons"].([]any)
	violence["data"].(object)["persons"] = append(persons, object{
		"ref": "p3", "role": "other_adult", "name": object{"given": []string{"Canarycal"}, "family": "Koski"}, "birth_date": "1988-01-01",
		"contacts": []any{object{"kind": "phone", "value": "040 765 4321", "safe": "unknown"}},
	})
	_, id, _ := b.personOf(b.received(violence), 0)

	trap := event("b")
	person(trap, 0)["contacts"] = []any{object{"kind": "sms", "value": "+358407654321", "safe": "yes"}}
	b.received(trap)
	got := read(b.as("service", "notification").Post("/intake/v1/contact-decisions", object{"person_id": id, "purpose": "visit_reminder"}).Want(http.StatusOK))
	if got["allowed"] != false || text(got, "reason_code") != "no_safe_contact" || got["contact_value"] != nil {
		t.Errorf("at the number of another adult: %v", got)
	}
}

func TestContact_ReporterOnlyForFeedbackTheyAskedFor(t *testing.T) {
	b := newBench(t)
	asked := b.received(event("a"))
	silent := event("b")
	silent["data"].(object)["reporter"] = object{"anonymous": true}
	anonymous := b.received(silent)
	// Somebody tells of violence at home, by themselves; their mail may be read there.
	own := event("c")
	own["data"].(object)["kind"], own["data"].(object)["channel"] = "self_referral", "self"
	own["data"].(object)["safety_flags"] = []string{"domestic_violence"}
	self := b.received(own)
	service := b.as("service", "notification")
	for _, c := range []struct {
		id, purpose, want string
	}{{self, "feedback", "no_safe_contact"}, {asked, "feedback", "allowed"}, {asked, "survey", "purpose_not_allowed"}, {anonymous, "feedback", "anonymous"}} {
		got := read(service.Post("/intake/v1/contact-decisions", object{"referral_id": c.id, "purpose": c.purpose}).Want(http.StatusOK))
		if text(got, "reason_code") != c.want || (got["contact_value"] != nil) != (c.want == "allowed") {
			t.Errorf("%s: got %v", c.want, got)
		}
	}
	b.as("supervisor", "boss-1").Post("/intake/v1/contact-decisions", object{"referral_id": asked, "purpose": "feedback"}).Want(http.StatusForbidden)
}

func TestHousehold_RepeatReferralsMeet(t *testing.T) {
	b := newBench(t)
	first := b.received(event("a"))
	again := event("b")
	again["data"].(object)["persons"].([]any)[1].(object)["name"] = object{"given": []string{"CANARYBO"}, "family": "Koski"}
	second := b.received(again)
	_, one, household := b.personOf(first, 1)
	_, two, same := b.personOf(second, 1)
	if one != two || household != same {
		t.Errorf("the same child is %s and %s, in %s and %s", one, two, household, same)
	}
	got := read(b.as("intake_worker", "worker-1").Get(household).Want(http.StatusOK))
	if text(got, "referral_ids", 0) != second || text(got, "referral_ids", 1) != first || text(got, "relationships", 0, "type") != "parent_of" || at(got, "relationships", 1) != nil || at(got, "members", 2) != nil {
		t.Errorf("got %v", got)
	}
	shown := read(b.as("intake_worker", "worker-1").Get("/intake/v1/referrals/" + second).Want(http.StatusOK))
	if text(shown, "earlier_referrals", 0) != first {
		t.Errorf("earlier: %v", at(shown, "earlier_referrals"))
	}
}
