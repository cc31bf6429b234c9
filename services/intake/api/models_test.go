package api_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
)

func TestMatchIndex_KeptByThoseWhoMay(t *testing.T) {
	b := newBench(t)
	const path = "/intake/v1/match-index"
	for _, role := range []string{"intake_worker", "supervisor", "family_worker", "operator", "referrer"} {
		b.as(role, "worker-1").Get(path).Want(http.StatusForbidden)
		b.as(role, "worker-1").Post(path+":learn", object{}).Want(http.StatusForbidden)
		b.as(role, "worker-1").Post(path+":activate", object{"model": "x"}, apitest.Header("If-Match", `"0"`)).Want(http.StatusForbidden)
	}
	admin := b.as("admin", "admin-1")
	got := read(admin.Get(path).Want(http.StatusOK))
	if text(got, "in_use", "model") == "" || got["beside"] != nil || at(got, "in_use", "link_from").(float64) < 0.99 {
		t.Errorf("got %v", got)
	}
	admin.Post(path+":learn", object{"costs": object{"false_link": 1, "missed_link": 2, "asking": 3}}).WantProblem(http.StatusUnprocessableEntity, "costs_out_of_order")
	key := apitest.Header("Idempotency-Key", "k")
	costs := object{"costs": object{"false_link": 5000, "missed_link": 20, "asking": 1}}
	first := admin.Post(path+":learn", costs, key).Want(http.StatusAccepted)
	if again := admin.Post(path+":learn", costs, key).Want(http.StatusAccepted); text(read(again), "job_id") != text(read(first), "job_id") {
		t.Error("the same request again asked for another job")
	}
	b.as("privacy_officer", "officer-1").Post(path+":learn", object{}).WantProblem(http.StatusConflict, "job_running")
	got = read(b.as("privacy_officer", "officer-1").Get(path).Want(http.StatusOK))
	if text(got, "jobs", 0, "state") != "queued" || text(got, "jobs", 0, "asked_by") != "admin-1" {
		t.Errorf("jobs %v", got["jobs"])
	}
	admin.Post(path+":activate", object{"model": "match/1/other"}).Want(http.StatusPreconditionRequired)
	admin.Post(path+":activate", object{"model": "match/1/other"}, apitest.Header("If-Match", `"7"`)).Want(http.StatusPreconditionFailed)
	admin.Post(path+":activate", object{"model": "match/1/other"}, apitest.Header("If-Match", fmt.Sprintf(`"%v"`, got["version"]))).WantProblem(http.StatusConflict, "model_not_beside")

	// The built-in model beside itself stands for one whose keys are ready, and is not.
	b.exec(`INSERT INTO match_index (version, model_id, generation, other_model_id, other_generation, other_state, changed_by, changed_at) VALUES (3, '', 1, '', 2, 'building', 'x', now())`)
	got = read(admin.Get(path).Want(http.StatusOK))
	model := text(got, "beside", "model")
	three := apitest.Header("If-Match", `"3"`)
	admin.Post(path+":activate", object{"model": model}, three).WantProblem(http.StatusConflict, "keys_not_built")
	b.exec(`UPDATE match_index SET other_state = 'ready'`)
	got = read(admin.Post(path+":activate", object{"model": model}, three).Want(http.StatusOK))
	if got["version"] != 4.0 || text(got, "beside_state") != "previous" {
		t.Errorf("got %v", got)
	}
	if generation := b.column(`SELECT generation::text || other_generation FROM match_index`); generation[0] != "21" {
		t.Errorf("generations %v", generation)
	}
}
