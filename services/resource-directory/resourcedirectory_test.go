package resourcedirectory_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/pkg/app/apptest"
	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
	resourcedirectory "github.com/hearthfps/hearth/services/resource-directory"
	"github.com/hearthfps/hearth/services/resource-directory/api"
)

const (
	caseID  = "0192f49f-22b0-7c41-9d3a-5b8e6f7a0c21"
	traceID = "0af7651916cd43dd8448eb211c80319c"
	service = `{"id":"7c1f5b3e-2a94-4d0c-8f63-1b7d9e0a4c55","name":"Perhekahvila","status":"active","description":"Vertaistukea vanhemmille"}`
)

// openCase tells of a case, in a trace of its own, with worker-1 assigned.
func openCase(h *apptest.Harness) {
	h.T.Helper()
	opened := h.Happened("org.hearth.intake.case.opened.v1", caseID, caseID, map[string]any{
		"case_id": caseID, "referral_id": "r-1", "household_id": "h-1", "program": "perhetyo", "program_version": "2026.1",
		"persons": []map[string]any{{"person_id": "p-1", "role": "caregiver"}}, "languages": []string{"fi"}, "safety_flags": []string{},
		"concern_codes": []string{"neglect"}, "priority": "within_10_days", "opened_by": "intake-1", "opened_at": h.Clock.Now(),
	})
	opened.TraceParent = "00-" + traceID + "-b7ad6b7169203331-01"
	h.Publish(opened, opened)
	h.Tell("org.hearth.planning.case.assigned.v1", caseID, caseID, map[string]any{
		"case_id": caseID, "worker_id": "worker-1", "supervisor_id": "supervisor-1", "role": "lead", "assigned_by": "supervisor-1", "assigned_at": h.Clock.Now(),
	})
	h.Settle()
}

func TestCase_ItsEventsDecideWhoMayReferItAndUntilWhen(t *testing.T) {
	h := apptest.Start(t, resourcedirectory.Service())
	h.As(auth.RoleAdmin, "").Post("/directory/v1/imports", service+"\n", apitest.Header("Content-Type", "application/x-ndjson")).Want(200)
	worker := h.As(auth.RoleFamilyWorker, "worker-1")
	request := map[string]string{"case_id": caseID, "service_id": "7c1f5b3e-2a94-4d0c-8f63-1b7d9e0a4c55", "need": "peer_support"}
	worker.Post("/directory/v1/resource-referrals", request).Want(404)

	openCase(h)
	made := worker.Post("/directory/v1/resource-referrals", request, apitest.Key("k1")).Want(201)
	referral := apitest.Read[api.ResourceReferral](made)
	path := "/directory/v1/resource-referrals/" + referral.ResourceReferralId.String()
	accepted := worker.Post(path+":accept", nil, apitest.IfMatch(made.ETag())).Want(200)
	worker.Post(path+":complete", map[string]string{"outcome_code": "need_met"}, apitest.IfMatch(accepted.ETag())).Want(200)
	h.Settle()
	var told []string
	for _, e := range h.Events() {
		told = append(told, strings.TrimPrefix(e.Type, "org.hearth.resource-directory.resource_referral."))
		if e.Key != caseID || e.Subject != referral.ResourceReferralId.String() || !strings.Contains(e.TraceParent, traceID) || e.Version != int64(len(told)) {
			t.Errorf("%s: key %s, subject %s, version %d, trace %s", e.Type, e.Key, e.Subject, e.Version, e.TraceParent)
		}
	}
	if diff := cmp.Diff([]string{"requested.v1", "accepted.v1", "completed.v1"}, told); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}

	h.Tell("org.hearth.planning.case.excluded.v1", caseID, caseID, map[string]any{"case_id": caseID, "worker_id": "supervisor-2"})
	h.Tell("org.hearth.planning.case.unassigned.v1", caseID, caseID, map[string]any{"case_id": caseID, "worker_id": "worker-1", "reason_code": "caseload"})
	h.Settle()
	worker.Get(path).Want(404)
	h.As(auth.RoleSupervisor, "supervisor-2").Get(path).Want(404)
	boss := h.As(auth.RoleSupervisor, "supervisor-1")
	boss.Get(path).Want(200)
	h.Tell("org.hearth.planning.case.closed.v1", caseID, caseID, map[string]any{"case_id": caseID, "reason_code": "goals_met", "closed_by": "supervisor-1", "closed_at": h.Clock.Now()})
	h.Settle()
	boss.Post("/directory/v1/resource-referrals", request).WantProblem(409, "case_closed")
}

func TestCase_ClosedBeforeItIsKnownToBeOpenIsClosed(t *testing.T) {
	h := apptest.Start(t, resourcedirectory.Service())
	h.As(auth.RoleAdmin, "").Post("/directory/v1/imports", service+"\n", apitest.Header("Content-Type", "application/x-ndjson")).Want(200)
	h.Tell("org.hearth.planning.case.closed.v1", caseID, caseID, map[string]any{"case_id": caseID, "reason_code": "goals_met", "closed_by": "supervisor-1", "closed_at": h.Clock.Now()})
	h.Settle()
	openCase(h)
	h.As(auth.RoleSupervisor, "supervisor-1").Post("/directory/v1/resource-referrals", map[string]string{
		"case_id": caseID, "service_id": "7c1f5b3e-2a94-4d0c-8f63-1b7d9e0a4c55", "need": "peer_support",
	}).WantProblem(409, "case_closed")
}
