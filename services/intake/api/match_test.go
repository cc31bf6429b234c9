package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
)

const (
	matchPath = "/intake/v1/persons:match"
	fhirPath  = "/intake/fhir/Patient/$match"
)

// ada is the caregiver of event as somebody else describes her.
func ada() object {
	return object{"name": object{"given": []string{"CANARYADA"}, "family": "Koski"}, "birth_date": "1990-02-03", "contacts": []object{{"kind": "phone", "value": "0401234567"}}}
}

func adaPatient(parameters ...object) object {
	list := []object{{"name": "resource", "resource": object{
		"resourceType": "Patient", "name": []object{{"use": "official", "family": "Koski", "given": []string{"Canaryada"}}}, "birthDate": "1990-02-03",
		"telecom": []object{{"system": "phone", "value": "0401234567"}},
	}}}
	return object{"resourceType": "Parameters", "parameter": append(list, parameters...)}
}

var asFHIR = apitest.Header("Content-Type", "application/fhir+json")

func TestMatch_SaysWhoAndWhy(t *testing.T) {
	b := newBench(t)
	_, id, _ := b.personOf(b.received(event("a")), 0)
	got := read(b.as("intake_worker", "worker-1").Post(matchPath, ada()).Want(http.StatusOK))
	if text(got, "candidates", 0, "person_id") != id || text(got, "candidates", 0, "grade") != "certain" || got["records_officer"] != false || text(got, "model") == "" {
		t.Fatalf("got %v", got)
	}
	levels := map[string]string{}
	for _, e := range at(got, "candidates", 0, "evidence").([]any) {
		levels[text(e, "comparison")] = text(e, "level")
		if text(e, "why") == "" {
			t.Errorf("%v does not say why", e)
		}
	}
	if levels["given_name"] != "same" || levels["birth_date"] != "same" || levels["phone"] != "same" {
		t.Errorf("evidence %v", levels)
	}
	if len(at(got, "candidates", 0, "changes").([]any)) == 0 {
		t.Error("it does not say what would alter the outcome")
	}
	audited := b.column(`SELECT action || ' ' || resource_type || ' ' || coalesce(resource_id, '') FROM audit WHERE resource_type IN ('person', 'person_index') ORDER BY at, 1`)
	if len(audited) != 2 || audited[1] != "match person_index " && audited[0] != "match person_index " {
		t.Errorf("audited %q", audited)
	}
	b.as("intake_worker", "worker-1").Post(matchPath, object{}).WantProblem(http.StatusUnprocessableEntity, "nothing_described")
	b.as("intake_worker", "worker-1").Post(matchPath, object{"name": object{"family": "Koski"}, "shoe_size": 4}).Want(http.StatusBadRequest)
	stranger := object{"name": object{"given": []string{"Eero"}, "family": "Virtanen"}, "birth_date": "1971-09-30"}
	if got := read(b.as("intake_worker", "worker-1").Post(matchPath, stranger).Want(http.StatusOK)); len(got["candidates"].([]any)) != 0 || got["records_officer"] != false {
		t.Errorf("a stranger: %v", got)
	}
}

// Who is kept from a case learns of a person in it only that a records officer
// should look: no name, no id, no number of them.
func TestMatch_OfACaseTheCallerMayNotSeeSaysNothingMore(t *testing.T) {
	b := newBench(t)
	referral := b.received(event("a"))
	_, id, _ := b.personOf(referral, 0)
	b.exec(`UPDATE referral SET case_id = 'case-1', status = 'screened_in' WHERE referral_id = $1`, referral)
	b.exec(`INSERT INTO case_access (case_id, worker_id, role, excluded) VALUES ('case-1', 'worker-2', '', true)`)
	hidden := b.as("intake_worker", "worker-2").Post(matchPath, ada()).Want(http.StatusOK)
	if got := read(hidden); got["records_officer"] != true || len(got["candidates"].([]any)) != 0 || strings.Contains(string(hidden.Body), id) || strings.Contains(string(hidden.Body), "Canary") {
		t.Errorf("excluded, and gets %s", hidden.Body)
	}
	bundle := b.as("intake_worker", "worker-2").Post(fhirPath, adaPatient(), asFHIR).Want(http.StatusOK)
	if got := read(bundle); text(got, "entry", 0, "search", "mode") != "outcome" || text(got, "entry", 0, "resource", "issue", 0, "code") != "suppressed" ||
		got["total"] != 0.0 || strings.Contains(string(bundle.Body), id) || strings.Contains(string(bundle.Body), "Canary") {
		t.Errorf("excluded, and gets %s", bundle.Body)
	}
	if got := read(b.as("intake_worker", "worker-1").Post(matchPath, ada()).Want(http.StatusOK)); text(got, "candidates", 0, "person_id") != id {
		t.Errorf("not excluded, and gets %v", got)
	}
	for _, role := range []string{"family_worker", "scheduler", "operator", "referrer"} {
		b.as(role, "worker-3").Post(matchPath, ada()).Want(http.StatusForbidden)
	}
	if other := read(b.client.As("northshore intake_worker worker-1").Post(matchPath, ada()).Want(http.StatusOK)); len(other["candidates"].([]any)) != 0 || other["records_officer"] != false {
		t.Errorf("another agency is told %v", other)
	}
}

// A sealed identity is not found, not counted and not hinted at.
func TestMatch_SealedIdentityIsNotHintedAt(t *testing.T) {
	b := newBench(t)
	_, id, _ := b.personOf(b.received(event("a")), 0)
	b.exec(`UPDATE person SET seal = 'adoption' WHERE person_id = $1`, id)
	for _, role := range []string{"intake_worker", "records_officer", "service"} {
		got := read(b.as(role, "worker-1").Post(matchPath, ada()).Want(http.StatusOK))
		if got["records_officer"] != false || len(got["candidates"].([]any)) != 0 {
			t.Errorf("%s: %v", role, got)
		}
	}
}

// A confidential address is not compared, so that nobody learns it by asking.
func TestMatch_ConfidentialAddressIsNotCompared(t *testing.T) {
	b := newBench(t)
	e := event("a")
	e["data"].(object)["persons"].([]any)[0].(object)["addresses"].([]any)[0].(object)["confidential"] = true
	b.received(e)
	asked := ada()
	odds := func() (float64, string) {
		got := read(b.as("intake_worker", "worker-1").Post(matchPath, asked).Want(http.StatusOK))
		if text(got, "candidates", 0, "grade") != "probable" {
			t.Errorf("grade %v", at(got, "candidates", 0, "grade"))
		}
		n, _ := at(got, "candidates", 0, "log_odds").(float64)
		for _, ev := range at(got, "candidates", 0, "evidence").([]any) {
			if c := text(ev, "comparison"); c == "street" || c == "postcode" || c == "place" {
				return n, c
			}
		}
		return n, ""
	}
	without, _ := odds()
	asked["addresses"] = []object{{"lines": []string{"Canarykatu 1"}, "city": "Oulu", "postal_code": "90100"}}
	with, compared := odds()
	if with != without || compared != "" {
		t.Errorf("log odds %v without the address and %v with it; compared: %q", without, with, compared)
	}
}

func TestMatchPatient_AnswersABundleOrAnOutcome(t *testing.T) {
	b := newBench(t)
	_, id, _ := b.personOf(b.received(event("a")), 0)
	worker := b.as("intake_worker", "worker-1")
	got := read(worker.Post(fhirPath, adaPatient(object{"name": "onlyCertainMatches", "valueBoolean": true}, object{"name": "count", "valueInteger": 1}), asFHIR).Want(http.StatusOK))
	if got["resourceType"] != "Bundle" || got["type"] != "searchset" || got["total"] != 1.0 || text(got, "entry", 0, "resource", "id") != id ||
		text(got, "entry", 0, "search", "extension", 0, "valueCode") != "certain" || at(got, "entry", 0, "search", "score").(float64) < 0.999 {
		t.Errorf("got %v", got)
	}
	if at(got, "entry", 0, "resource", "telecom") != nil || at(got, "entry", 0, "resource", "address") != nil {
		t.Error("a match tells how to find or reach the person")
	}
	weak := object{"resourceType": "Parameters", "parameter": []object{{"name": "resource", "resource": object{"resourceType": "Patient", "name": []object{{"text": "Canaryada Koski"}}}}, {"name": "onlyCertainMatches", "valueBoolean": true}}}
	if got := read(worker.Post(fhirPath, weak, asFHIR).Want(http.StatusOK)); got["total"] != 0.0 {
		t.Errorf("certain of a name alone: %v", got)
	}
	bad := adaPatient(object{"name": "count", "valueInteger": "many"})
	if got := read(worker.Post(fhirPath, bad, asFHIR).Want(http.StatusBadRequest)); got["resourceType"] != "OperationOutcome" || text(got, "issue", 0, "expression", 0) != "Parameters.parameter[1].valueInteger" {
		t.Errorf("got %v", got)
	}
	if got := read(b.as("family_worker", "worker-1").Post(fhirPath, adaPatient(), asFHIR).Want(http.StatusForbidden)); text(got, "issue", 0, "code") != "forbidden" {
		t.Errorf("got %v", got)
	}
	if got := read(worker.Post(fhirPath, adaPatient(), apitest.Header("Content-Type", "text/plain")).Want(http.StatusUnsupportedMediaType)); got["resourceType"] != "OperationOutcome" {
		t.Errorf("got %v", got)
	}
}
