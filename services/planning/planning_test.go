package planning_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/hearthfps/hearth/pkg/app/apptest"
	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/planning"
	"github.com/hearthfps/hearth/services/planning/api"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	story   = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	storyID = "4bf92f3577b34da6a3ce929d0e0e4736"
	theCase = "/planning/v1/cases/case-1"
)

func caseOpened(h *apptest.Harness, caseID, program string) events.Event {
	e := h.Happened("org.hearth.intake.case.opened.v1", caseID, caseID, map[string]any{
		"case_id": caseID, "referral_id": "referral-of-" + caseID, "household_id": "household-1", "program": program, "program_version": "2026.1",
		"persons":   []any{map[string]any{"person_id": "parent-1", "role": "caregiver"}, map[string]any{"person_id": "child-1", "role": "child"}},
		"languages": []any{"fi"}, "safety_flags": []any{}, "concern_codes": []any{"neglect"}, "priority": "routine", "opened_by": "worker-0", "opened_at": h.Clock.Now(),
	})
	e.TraceParent = story
	return e
}

func screened(h *apptest.Harness, referralID, caseID string) events.Event {
	return h.Happened("org.hearth.intake.referral.screened.v1", referralID, referralID, map[string]any{
		"referral_id": referralID, "decision": "screened_in", "reason_code": "needs_support", "decided_by": "worker-0", "case_id": caseID, "decided_at": h.Clock.Now(),
	})
}

func withdrawn(h *apptest.Harness, referralID string) events.Event {
	return h.Happened("org.hearth.intake.referral.withdrawn.v1", referralID, referralID, map[string]any{"referral_id": referralID})
}

func feedbackDue(h *apptest.Harness, referralID string) events.Event {
	return h.Happened("org.hearth.intake.referral.feedback_due.v1", referralID, referralID, map[string]any{"referral_id": referralID, "status": "screened_in"})
}

func decided(h *apptest.Harness, caseID, decision string) events.Event {
	return h.Happened("org.hearth.assessment.safety.decided.v1", "assessment-1", caseID, map[string]any{
		"assessment_id": "assessment-1", "case_id": caseID, "decision": decision, "decided_by": "worker-1", "overridden": false,
	})
}

func completed(h *apptest.Harness, caseID string) events.Event {
	return h.Happened("org.hearth.assessment.assessment.completed.v1", "assessment-2", caseID, map[string]any{
		"assessment_id": "assessment-2", "case_id": caseID, "instrument": "family_strengths_needs", "instrument_version": "1.0.0",
		"instrument_hash": strings.Repeat("ab", 32), "completed_by": "worker-1", "completed_at": h.Clock.Now(), "scores": []any{},
		"needs":     []any{map[string]any{"domain": "parenting", "level": "high"}, map[string]any{"domain": "health", "level": "none"}},
		"strengths": []any{"health"},
	})
}

func assign(h *apptest.Harness, worker string) *apitest.Answer {
	return h.As(auth.RoleSupervisor, "supervisor-1").Post(theCase+"/assignments", map[string]any{"worker_id": worker, "supervisor_id": "supervisor-1", "role": "lead"})
}

// timeline words what the timeline of case-1 shows, in order.
func timeline(h *apptest.Harness, c *apitest.Client) []string {
	h.T.Helper()
	var out []string
	for _, e := range apitest.Read[api.TimelinePage](c.Get(theCase+"/timeline", apitest.Query("limit", "200")).Want(http.StatusOK)).Items {
		out = append(out, strings.TrimSuffix(strings.TrimPrefix(e.Type, "org.hearth."), ".v1"))
	}
	return out
}

func TestTimeline_TellsTheStoryInOrderWhateverCameFirst(t *testing.T) {
	h := apptest.Start(t, planning.Service())
	var told []events.Event
	for _, e := range []func() events.Event{
		func() events.Event { return withdrawn(h, "referral-of-case-1") }, // any event from before the case
		func() events.Event { return feedbackDue(h, "referral-of-case-1") },
		func() events.Event { return screened(h, "referral-of-case-1", "case-1") },
		func() events.Event { return caseOpened(h, "case-1", "perhetyo") },
		func() events.Event { return decided(h, "case-1", "safe") },
		func() events.Event { return withdrawn(h, "referral-late") }, // a second referral of the family
		func() events.Event { return screened(h, "referral-late", "case-1") },
	} {
		h.Advance(time.Minute)
		told = append(told, e())
	}
	// The safety decision, of another topic, is heard of first; everything comes twice.
	h.Publish(told[4], told[0], told[3])
	h.Publish(told...)
	h.Settle()
	h.Advance(time.Minute)
	assign(h, "worker-1").Want(http.StatusCreated)
	h.Settle()
	want := []string{
		"intake.referral.withdrawn", "intake.referral.screened", "intake.case.opened", "assessment.safety.decided",
		"intake.referral.withdrawn", "intake.referral.screened", "planning.case.assigned",
	}
	if diff := cmp.Diff(want, timeline(h, h.As(auth.RoleFamilyWorker, "worker-1"))); diff != "" {
		t.Errorf("timeline (-want +got):\n%s", diff)
	}
	h.As(auth.RoleFamilyWorker, "worker-2").Get(theCase+"/timeline").WantProblem(http.StatusNotFound, "case_not_found")
}

func TestCase_FromItsOpeningToAnApprovedPlan(t *testing.T) {
	h := apptest.Start(t, planning.Service())
	s, w := h.As(auth.RoleSupervisor, "supervisor-1"), h.As(auth.RoleFamilyWorker, "worker-1")
	h.Publish(decided(h, "case-1", "safe_with_plan")) // heard of before the case
	h.Settle()
	opened := caseOpened(h, "case-1", "perhetyo")
	h.Publish(opened, opened, completed(h, "case-1"))
	h.Settle()
	assign(h, "worker-1").Want(http.StatusCreated)

	file := apitest.Read[api.Case](w.Get(theCase).Want(http.StatusOK))
	if !file.Safety.PlanDemanded || file.Status != "active" {
		t.Errorf("status %s, safety %+v; want it active and a safety plan demanded", file.Status, file.Safety)
	}
	drafts := apitest.Read[api.DraftGoalPage](w.Get(theCase + "/draft-goals").Want(http.StatusOK))
	if len(drafts.Items) != 1 || drafts.Items[0].Domain != "parenting" || drafts.VisitPattern.TimesAWeek != 2 {
		t.Fatalf("draft goals = %+v", drafts)
	}
	goal := drafts.Items[0]
	created := w.Post(theCase+"/plans", map[string]any{
		"starts_on": "2026-03-09", "ends_on": "2026-06-07", "visit_pattern": drafts.VisitPattern, "resource_needs": goal.ResourceNeeds, "recipients": []any{"parent-1"},
		"goals": []any{map[string]any{"domain": goal.Domain, "statement": goal.Statement, "from_need": goal.FromNeed, "due_on": "2026-06-01", "interventions": []any{
			map[string]any{"description": goal.Interventions[0], "responsible": map[string]any{"kind": "worker", "id": "worker-1"}},
			map[string]any{"description": goal.Interventions[1], "responsible": map[string]any{"kind": "family_member", "id": "parent-1"}},
		}}},
	}).Want(http.StatusCreated)
	path := "/planning/v1/plans/" + apitest.Read[api.Plan](created).PlanId
	created = w.Patch(path, map[string]any{"visit_pattern": map[string]any{
		"wishes": []any{map[string]any{"attribute": "woman", "must": true}}, "substitutes": map[string]any{"most": 4, "never_running": true},
	}}, apitest.IfMatch(created.ETag())).Want(http.StatusOK)
	submitted := w.Post(path+":submit", nil, apitest.IfMatch(created.ETag())).Want(http.StatusOK)
	w.Post(theCase+"/safety-plans", map[string]any{"review_on": "2026-03-09", "actions": []any{
		map[string]any{"description": "The aunt stays overnight.", "responsible": map[string]any{"kind": "network"}},
	}}).Want(http.StatusCreated)
	s.Post(path+":approve", nil, apitest.IfMatch(submitted.ETag())).Want(http.StatusOK)

	e := h.WaitEvent("org.hearth.planning.plan.approved.v1", "")
	var data struct {
		HouseholdID  string   `json:"household_id"`
		Workers      []string `json:"workers"`
		Recipients   []string `json:"recipients"`
		VisitPattern struct {
			TimesAWeek  int              `json:"times_a_week"`
			Wishes      []map[string]any `json:"wishes"`
			Substitutes map[string]any   `json:"substitutes"`
		} `json:"visit_pattern"`
	}
	if err := e.Decode(&data); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(data); got != "{household-1 [worker-1] [parent-1] {2 [map[attribute:woman must:true]] map[most:4 never_running:true]}}" {
		t.Errorf("approved plan tells %s", got)
	}
	h.Settle()
	var types []string
	for _, e := range h.Events() {
		types = append(types, strings.TrimPrefix(e.Type, "org.hearth.planning."))
		if !strings.Contains(e.TraceParent, storyID) {
			t.Errorf("%s left the family's trace: %q", e.Type, e.TraceParent)
		}
		if e.Key != "case-1" {
			t.Errorf("%s has key %q", e.Type, e.Key)
		}
	}
	if diff := cmp.Diff([]string{"case.assigned.v1", "plan.submitted.v1", "safety_plan.started.v1", "plan.approved.v1"}, types); diff != "" {
		t.Errorf("events in order (-want +got):\n%s", diff)
	}
	for _, words := range []string{"aunt", goal.Statement} {
		if strings.Contains(h.Logs(), words) {
			t.Errorf("the log holds %q", words)
		}
	}
}

func TestCaseload_IsTheProgramsOwn(t *testing.T) {
	h := apptest.Start(t, planning.Service())
	for i := range 3 {
		h.Publish(caseOpened(h, fmt.Sprint("case-", i+1), "homebuilders")) // two families a worker
	}
	h.Settle()
	s := h.As(auth.RoleSupervisor, "supervisor-1")
	for i := range 3 {
		a := s.Post(fmt.Sprintf("/planning/v1/cases/case-%d/assignments", i+1), map[string]any{"worker_id": "worker-1", "supervisor_id": "supervisor-1", "role": "lead"})
		if i < 2 {
			a.Want(http.StatusCreated)
			continue
		}
		a.WantProblem(http.StatusConflict, "caseload_limit_reached")
	}
	var placed int
	h.InTenant(func(ctx context.Context, tx *postgres.Tx) error {
		return tx.GetContext(ctx, &placed, `SELECT cases FROM caseload WHERE worker_id = 'worker-1'`)
	})
	if placed != 2 {
		t.Errorf("a refused assignment counted: %d, want 2", placed)
	}
}

func TestSafetyDecision_TheNewestHolds(t *testing.T) {
	h := apptest.Start(t, planning.Service())
	h.Publish(caseOpened(h, "case-1", "perhetyo"))
	h.Settle()
	s := h.As(auth.RoleSupervisor, "supervisor-1")
	for _, tt := range []struct {
		decision string
		demanded bool
	}{{"unsafe", true}, {"safe", false}, {"safe_with_plan", true}} {
		h.Publish(decided(h, "case-1", tt.decision))
		h.Settle()
		got := apitest.Read[api.Case](s.Get(theCase).Want(http.StatusOK)).Safety
		if string(*got.Decision) != tt.decision || got.PlanDemanded != tt.demanded {
			t.Errorf("after %s: %s, demanded %v; want demanded %v", tt.decision, *got.Decision, got.PlanDemanded, tt.demanded)
		}
	}
}

// Who was kept from a referral, before there was a case, is kept from the case it opens.
func TestPlanning_ExclusionsFromBeforeTheCase(t *testing.T) {
	h := apptest.Start(t, planning.Service())
	opened := caseOpened(h, "case-1", "perhetyo")
	var data map[string]any
	if err := json.Unmarshal(opened.Data, &data); err != nil {
		t.Fatal(err)
	}
	data["excluded"] = []any{map[string]any{"worker_id": "kin-1", "reason_code": "relative", "excluded_by": "boss-1"}}
	told := h.Happened(opened.Type, "case-1", "case-1", data)
	h.Publish(told)
	h.Settle()
	h.As(auth.RoleSupervisor, "kin-1").Get(theCase).Want(http.StatusNotFound)
	boss := h.As(auth.RoleSupervisor, "boss-1")
	var listed struct {
		Items []struct {
			Worker string `json:"worker_id"`
			Reason string `json:"reason_code"`
			By     string `json:"excluded_by"`
		}
	}
	boss.Get(theCase + "/exclusions").Want(http.StatusOK).Into(&listed)
	if len(listed.Items) != 1 || listed.Items[0].Worker != "kin-1" || listed.Items[0].Reason != "relative" || listed.Items[0].By != "boss-1" {
		t.Errorf("excluded: %+v", listed.Items)
	}
	if e := h.WaitEvent("org.hearth.planning.case.excluded.v1", "case-1"); !strings.Contains(string(e.Data), "kin-1") {
		t.Errorf("told %s", e.Data)
	}
	tag := boss.Get(theCase).Want(http.StatusOK).ETag()
	boss.Post(theCase+"/assignments", map[string]any{"worker_id": "kin-1", "supervisor_id": "boss-1", "role": "lead"}, apitest.IfMatch(tag)).WantProblem(http.StatusConflict, "worker_excluded")
}
