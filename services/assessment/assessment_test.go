package assessment_test

import (
	"context"
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
	"github.com/hearthfps/hearth/services/assessment"
	"github.com/hearthfps/hearth/services/assessment/api"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	story     = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	storyID   = "4bf92f3577b34da6a3ce929d0e0e4736"
	due       = "org.hearth.assessment.assessment.due.v1"
	completed = "org.hearth.assessment.assessment.completed.v1"
	decided   = "org.hearth.assessment.safety.decided.v1"
)

// caseOpened is intake's event, in the family's trace.
func caseOpened(h *apptest.Harness, caseID, program string) events.Event {
	e := h.Happened("org.hearth.intake.case.opened.v1", caseID, caseID, map[string]any{
		"case_id": caseID, "referral_id": "referral-of-" + caseID, "household_id": "household-1", "program": program, "program_version": "2026.1",
		"persons": []any{map[string]any{"person_id": "parent-1", "role": "caregiver"}}, "languages": []any{"fi"}, "safety_flags": []any{},
		"concern_codes": []any{"neglect"}, "priority": "routine", "opened_by": "worker-0", "opened_at": h.Clock.Now(),
	})
	e.TraceParent = story
	return e
}

func assigned(h *apptest.Harness, caseID, worker string) {
	h.Tell("org.hearth.planning.case.assigned.v1", caseID, caseID, map[string]any{
		"case_id": caseID, "worker_id": worker, "supervisor_id": "supervisor-1", "role": "lead", "assigned_by": "supervisor-1", "assigned_at": h.Clock.Now(),
	})
}

func closed(h *apptest.Harness, caseID string) {
	h.Tell("org.hearth.planning.case.closed.v1", caseID, caseID, map[string]any{
		"case_id": caseID, "reason_code": "goals_met", "closed_by": "supervisor-1", "closed_at": h.Clock.Now(),
	})
}

func assessmentsOf(c *apitest.Client, caseID string) map[string]api.AssessmentSummary {
	out := map[string]api.AssessmentSummary{}
	for _, a := range apitest.Read[api.AssessmentPage](c.Get("/assessment/v1/cases/" + caseID + "/assessments").Want(http.StatusOK)).Items {
		out[a.Instrument] = a
	}
	return out
}

func TestCaseOpened_GivesWhatTheProgramSaysIsDueByTheAgencysCalendar(t *testing.T) {
	// A Tuesday: the 7th working day is the Monday after Easter Monday.
	h := apptest.Start(t, assessment.Service(), apptest.At(time.Date(2026, 3, 31, 10, 0, 0, 0, time.UTC)))
	e := caseOpened(h, "case-1", "perhetyo")
	h.Publish(e, e) // the same event twice
	got := map[string]string{}
	for _, e := range h.WaitEvents(due, 2) {
		var data struct {
			Instrument string    `json:"instrument"`
			DueAt      time.Time `json:"due_at"`
		}
		if err := e.Decode(&data); err != nil {
			t.Fatal(err)
		}
		got[data.Instrument] = data.DueAt.Format("2006-01-02 15:04")
		if !strings.Contains(e.TraceParent, storyID) {
			t.Errorf("traceparent %q left the family's trace", e.TraceParent)
		}
		if e.Key != "case-1" || e.Cause == "" {
			t.Errorf("key %q, cause %q", e.Key, e.Cause)
		}
	}
	want := map[string]string{"safety_checklist": "2026-04-13 20:59", "family_strengths_needs": "2026-04-30 20:59"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("due (-want +got):\n%s", diff)
	}
	// Another event about the same opening gives nothing more either.
	h.Publish(caseOpened(h, "case-1", "perhetyo"))
	h.Settle()
	if n := len(h.Events()); n != 2 {
		t.Errorf("%d events after the opening was told three times, want 2", n)
	}
}

func TestWorker_AnswersCompletesAndTheTopicTells(t *testing.T) {
	h := apptest.Start(t, assessment.Service())
	h.Publish(caseOpened(h, "case-1", "perhetyo"))
	h.WaitEvents(due, 2)
	w := h.As(auth.RoleFamilyWorker, "worker-1")
	w.Get("/assessment/v1/cases/case-1/assessments").WantProblem(http.StatusNotFound, "case_not_found") // not assigned yet
	assigned(h, "case-1", "worker-1")
	h.Settle()

	checklist := assessmentsOf(w, "case-1")["safety_checklist"]
	path := "/assessment/v1/assessments/" + checklist.AssessmentId
	saved := w.Patch(path, map[string]any{"answers": map[string]any{
		"children_seen": "present", "serious_harm": "absent", "sexual_harm": "absent", "violence_between_adults": "present",
		"violence_reaches_child": "absent", "weapon_at_hand": "absent", "caregiver_unable_now": "absent", "urgent_needs_unmet": "absent",
		"dangerous_home": "absent", "child_self_danger": "absent", "caregiver_acts": "present", "network_acts": "present",
	}}, apitest.IfMatch(`"1"`)).Want(http.StatusOK)
	done := w.Post(path+":complete", nil, apitest.IfMatch(saved.ETag())).Want(http.StatusOK)
	h.As(auth.RoleSupervisor, "supervisor-1").Post(path+":override-safety",
		map[string]any{"decision": "unsafe", "reason_code": "new_information", "reason": "A relative told of a threat."}, apitest.IfMatch(done.ETag())).Want(http.StatusOK)
	h.WaitEvents(decided, 2)

	var got []string
	for _, e := range h.Events() {
		if e.Type == due {
			continue // the program's reviews too
		}
		var data struct {
			Decision   string `json:"decision"`
			Overridden bool   `json:"overridden"`
		}
		if err := e.Decode(&data); err != nil {
			t.Fatal(err)
		}
		got = append(got, strings.TrimPrefix(e.Type, "org.hearth.assessment.")+" "+data.Decision)
		if !strings.Contains(e.TraceParent, storyID) {
			t.Errorf("%s left the family's trace", e.Type)
		}
	}
	want := []string{"assessment.completed.v1 ", "safety.decided.v1 safe_with_plan", "safety.decided.v1 unsafe"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events in order (-want +got):\n%s", diff)
	}
	if strings.Contains(h.Logs(), "relative told") {
		t.Error("the log holds the supervisor's words")
	}
}

func TestCaseClosed_CancelsWhatIsOpen_WhicheverCameFirst(t *testing.T) {
	h := apptest.Start(t, assessment.Service())
	h.Publish(caseOpened(h, "case-1", "perhetyo"))
	h.WaitEvents(due, 2)
	closed(h, "case-1")
	closed(h, "case-2") // heard of before its opening
	h.Settle()
	h.Publish(caseOpened(h, "case-2", "perhetyo"))
	h.Settle()
	s := h.As(auth.RoleSupervisor, "supervisor-1")
	for instrument, a := range assessmentsOf(s, "case-1") {
		if a.Status != "cancelled" {
			t.Errorf("%s is %s after the case closed, want cancelled", instrument, a.Status)
		}
	}
	if got := assessmentsOf(s, "case-2"); len(got) != 0 {
		t.Errorf("a closed case was given %v", got)
	}
	if n := len(h.Events()); n != 2 {
		t.Errorf("%d events, want the two of the case that was open", n)
	}
}

func TestCaseAccess_FollowsPlanningsEvents(t *testing.T) {
	h := apptest.Start(t, assessment.Service())
	h.Publish(caseOpened(h, "case-1", "perhetyo"))
	assigned(h, "case-1", "worker-1")
	assigned(h, "case-1", "worker-2")
	h.Settle()
	one, two := h.As(auth.RoleFamilyWorker, "worker-1"), h.As(auth.RoleFamilyWorker, "worker-2")
	path := "/assessment/v1/cases/case-1/assessments"
	one.Get(path).Want(http.StatusOK)
	two.Get(path).Want(http.StatusOK)
	h.Tell("org.hearth.planning.case.unassigned.v1", "case-1", "case-1", map[string]any{"case_id": "case-1", "worker_id": "worker-1", "reason_code": "workload"})
	h.Tell("org.hearth.planning.case.excluded.v1", "case-1", "case-1", map[string]any{"case_id": "case-1", "worker_id": "worker-2"})
	h.Settle()
	one.Get(path).WantProblem(http.StatusNotFound, "case_not_found")
	two.Get(path).WantProblem(http.StatusNotFound, "case_not_found")
	if got := apitest.Read[api.AssessmentPage](two.Get("/assessment/v1/assessments").Want(http.StatusOK)).Items; len(got) != 0 {
		t.Errorf("an excluded worker's list shows %+v", got)
	}
}

func TestCaseOpened_OfAProgramNobodyKnowsIsParkedAndNotLost(t *testing.T) {
	h := apptest.Start(t, assessment.Service())
	h.Publish(caseOpened(h, "case-1", "alchemy"), caseOpened(h, "case-2", "perhetyo"))
	h.WaitEvents(due, 2) // other families go on
	h.Settle()
	var parked int
	h.InTenant(func(ctx context.Context, tx *postgres.Tx) error {
		return tx.GetContext(ctx, &parked, `SELECT count(*) FROM parked_event WHERE key = 'case-1'`)
	})
	if parked != 1 {
		t.Errorf("%d parked events, want the one of the unknown program", parked)
	}
}
