package api_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	specs "github.com/hearthfps/hearth/api-specs"
	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/pkg/testkit"
	"github.com/hearthfps/hearth/services/planning/api"
	"github.com/hearthfps/hearth/services/planning/casefile"
	"github.com/hearthfps/hearth/services/planning/goals"
	store "github.com/hearthfps/hearth/services/planning/postgres"
)

var opened = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// book is a program with a caseload of two, one to three visits a week and six
// months at most.
type book struct{}

func (book) Caseload(*casefile.Case) (int, error) { return 2, nil }
func (book) Limits(*casefile.Case) (casefile.Limits, error) {
	return casefile.Limits{MinTimesAWeek: 1, MaxTimesAWeek: 3, MaxWorkers: 2, Longest: clock.Deadline{Months: 6}}, nil
}

func (book) UsualVisits(*casefile.Case) (casefile.VisitPattern, error) {
	return casefile.VisitPattern{TimesAWeek: 2, Minutes: 90, Workers: 1, Place: "home", Skills: []string{}, Earliest: "08:00", Latest: "20:00", Weekdays: []string{"mon"}}, nil
}
func (book) Today(context.Context, time.Time) (string, error) { return "2026-03-02", nil }

// desk is planning's API over a database of its own.
type desk struct {
	t     *testing.T
	db    *postgres.DB
	clock *clock.Manual
	*apitest.Client
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	at := clock.NewManual(opened)
	db, _ := testkit.Database(t, store.Migrations, testkit.WithClock(at), testkit.WithConns(16))
	engine, err := policy.New(at)
	if err != nil {
		t.Fatal(err)
	}
	drafts, err := goals.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	spec, err := specs.OpenAPI.ReadFile("openapi/planning.yaml")
	if err != nil {
		t.Fatal(err)
	}
	contract, err := httpapi.LoadContract(spec)
	if err != nil {
		t.Fatal(err)
	}
	server := &api.Server{DB: db, Policy: engine, Rules: book{}, Goals: drafts, Clock: at}
	handler, err := httpapi.New(httpapi.Options{Service: "planning", Contract: contract, Routes: server.Routes, Authenticate: authenticate})
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, db: db, clock: at, Client: apitest.New(t, handler, contract)}
	d.seed("lakeland", "case-1")
	return d
}

// authenticate reads tokens agency/role/worker, and agency/role/worker/unit with
// dots for the slashes of the unit.
func authenticate(_ context.Context, token string) (auth.Principal, error) {
	parts := strings.Split(token, "/")
	var units []string
	if len(parts) == 4 {
		units, parts = []string{strings.ReplaceAll(parts[3], ".", "/")}, parts[:3]
	}
	if len(parts) != 3 {
		return auth.Principal{}, fault.New(fault.Unauthenticated, "token_invalid", "The token is not valid.")
	}
	agency, err := tenant.Parse(parts[0])
	return auth.Principal{Subject: "subject-of-" + parts[2], Agency: agency, Roles: []string{parts[1]}, WorkerID: parts[2], Units: units}, err
}

func (d *desk) in(agency string, fn func(ctx context.Context, tx *postgres.Tx) error) {
	d.t.Helper()
	id, err := tenant.Parse(agency)
	if err != nil {
		d.t.Fatal(err)
	}
	if err := d.db.InTenant(tenant.With(d.t.Context(), id), fn); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) seed(agency, id string) {
	d.t.Helper()
	d.in(agency, func(ctx context.Context, tx *postgres.Tx) error {
		return store.InsertCase(ctx, tx, &casefile.Case{
			ID: casefile.CaseID(id), ReferralID: "referral-of-" + id, HouseholdID: "household-1",
			Program: "perhetyo", ProgramVersion: "2026.1", Priority: "routine", Persons: []casefile.Person{{PersonID: "parent-1", Role: "caregiver"}, {PersonID: "child-1", Role: "child"}},
			Languages: []string{"fi"}, SafetyFlags: []string{}, ConcernCodes: []string{"neglect"}, OpenedBy: "worker-0", OpenedAt: d.clock.Now(), Status: casefile.Open, Version: 1,
		})
	})
}

func (d *desk) decide(decision string) {
	d.t.Helper()
	d.in("lakeland", func(ctx context.Context, tx *postgres.Tx) error {
		return store.PutSafety(ctx, tx, "case-1", casefile.Safety{}.Decided(decision, "assessment-1"))
	})
}

func (d *desk) worker() *apitest.Client     { return d.As("lakeland/family_worker/worker-1") }
func (d *desk) supervisor() *apitest.Client { return d.As("lakeland/supervisor/supervisor-1") }

const theCase = "/planning/v1/cases/case-1"

func assignment(worker, role string) map[string]any {
	return map[string]any{"worker_id": worker, "supervisor_id": "supervisor-1", "role": role}
}

// assigned gives case-1 to worker-1.
func (d *desk) assigned() *desk {
	d.t.Helper()
	d.supervisor().Post(theCase+"/assignments", assignment("worker-1", "lead")).Want(http.StatusCreated)
	return d
}

func plan() map[string]any {
	return map[string]any{
		"starts_on": "2026-03-16", "ends_on": "2026-06-14",
		"goals": []any{map[string]any{"domain": "parenting", "statement": "Evenings are calm.", "due_on": "2026-06-01", "interventions": []any{
			map[string]any{"description": "Practise together.", "responsible": map[string]any{"kind": "worker", "id": "worker-1"}, "due_on": "2026-05-01"},
			map[string]any{"description": "Read a story.", "responsible": map[string]any{"kind": "family_member", "id": "parent-1"}},
		}}},
		"visit_pattern": map[string]any{
			"times_a_week": 2, "minutes": 90, "workers": 1, "place": "home", "skills": []any{"family_work"},
			"earliest": "09:00", "latest": "17:00", "weekdays": []any{"mon", "wed"},
		},
		"resource_needs": []any{"peer_support"}, "recipients": []any{"parent-1"},
	}
}

// published are the types of the events in the outbox, in order, without the
// words every one begins with.
func (d *desk) published() []string {
	d.t.Helper()
	var types []string
	d.in("lakeland", func(ctx context.Context, tx *postgres.Tx) error {
		return tx.SelectContext(ctx, &types, `SELECT replace(replace(type, 'org.hearth.planning.', ''), '.v1', '') FROM outbox ORDER BY seq`)
	})
	return types
}

func TestCase_FromAssignmentToClosing(t *testing.T) {
	d := newDesk(t).assigned()
	w, s := d.worker(), d.supervisor()

	created := w.Post(theCase+"/plans", map[string]any{"goals": plan()["goals"]}, apitest.Key("p")).Want(http.StatusCreated)
	p := apitest.Read[api.Plan](created)
	again := apitest.Read[api.Plan](w.Post(theCase+"/plans", map[string]any{"goals": plan()["goals"]}, apitest.Key("p")).Want(http.StatusCreated))
	if p.PlanId != again.PlanId || p.Goals[0].GoalId == "" {
		t.Errorf("plan %s, then %s, goal id %q", p.PlanId, again.PlanId, p.Goals[0].GoalId)
	}
	w.Post(theCase+"/plans", plan()).WantProblem(http.StatusConflict, "plan_exists")
	path := "/planning/v1/plans/" + p.PlanId

	gaps := w.Post(path+":submit", nil, apitest.IfMatch(created.ETag())).WantProblem(http.StatusUnprocessableEntity, "plan_incomplete")
	if len(gaps.Errors) != 3 {
		t.Errorf("gaps = %+v, want both days and the visit pattern", gaps.Errors)
	}
	rest := plan()
	delete(rest, "goals")
	edited := w.Patch(path, rest, apitest.IfMatch(created.ETag())).Want(http.StatusOK)
	if got := apitest.Read[api.Plan](edited); got.Goals[0].GoalId != p.Goals[0].GoalId || got.VisitPattern == nil {
		t.Errorf("edited = %+v, want the goal kept and the visits added", got)
	}
	w.Patch(path, map[string]any{"starts_on": "2026-03-17"}, apitest.IfMatch(created.ETag())).WantProblem(http.StatusPreconditionFailed, "version_changed")

	submitted := w.Post(path+":submit", nil, apitest.IfMatch(edited.ETag())).Want(http.StatusOK)
	w.Patch(path, map[string]any{"starts_on": "2026-03-17"}, apitest.IfMatch(submitted.ETag())).WantProblem(http.StatusConflict, "plan_not_editable")
	returned := s.Post(path+":return", map[string]any{"reason_code": "goals_unclear", "comment": "How will it be seen?"}, apitest.IfMatch(submitted.ETag())).Want(http.StatusOK)
	if got := apitest.Read[api.Plan](returned); got.Status != "returned" || got.Returned == nil || *got.Returned.Comment != "How will it be seen?" {
		t.Errorf("returned = %+v", got)
	}
	submitted = w.Post(path+":submit", nil, apitest.IfMatch(returned.ETag())).Want(http.StatusOK)

	w.Post(path+":approve", nil, apitest.IfMatch(submitted.ETag())).WantProblem(http.StatusForbidden, "not_allowed")
	d.As("lakeland/supervisor/worker-1").Post(path+":approve", nil, apitest.IfMatch(submitted.ETag())).WantProblem(http.StatusForbidden, "own_plan")
	s.Post(path+":approve", nil).WantProblem(http.StatusPreconditionRequired, "if_match_missing")
	approved := s.Post(path+":approve", nil, apitest.IfMatch(submitted.ETag())).Want(http.StatusOK)

	review := apitest.Read[api.Review](w.Post(path+"/reviews", map[string]any{"held_on": "2026-03-02", "ratings": []any{map[string]any{"goal_id": p.Goals[0].GoalId, "level": 1}}}).Want(http.StatusCreated))
	listed := apitest.Read[api.ReviewPage](w.Get(path + "/reviews").Want(http.StatusOK))
	if review.TScore != 60 || len(listed.Items) != 1 || listed.Items[0].TScore != 60 {
		t.Errorf("review = %+v, listed %+v; want T 60", review, listed)
	}

	next := w.Post(path+":revise", nil, apitest.IfMatch(approved.ETag())).Want(http.StatusCreated)
	next = w.Patch(path, map[string]any{"ends_on": "2026-07-01"}, apitest.IfMatch(next.ETag())).Want(http.StatusOK)
	next = w.Post(path+":submit", nil, apitest.IfMatch(next.ETag())).Want(http.StatusOK)
	s.Post(path+":approve", nil, apitest.IfMatch(next.ETag())).Want(http.StatusOK)
	versions := apitest.Read[api.PlanPage](w.Get(theCase + "/plans").Want(http.StatusOK))
	var got []string
	for _, v := range versions.Items {
		got = append(got, fmt.Sprint(v.Version, " ", v.Status, " ", v.EndsOn))
	}
	if diff := cmp.Diff([]string{"2 approved 2026-07-01", "1 superseded 2026-06-14"}, got); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
	if first := apitest.Read[api.Plan](w.Get(path + "/versions/1").Want(http.StatusOK)); first.EndsOn.String() != "2026-06-14" {
		t.Errorf("version 1 ends on %s, want it as it was", first.EndsOn)
	}
	w.Get(path+"/versions/3").WantProblem(http.StatusNotFound, "plan_version_not_found")

	file := s.Get(theCase).Want(http.StatusOK)
	w.Post(theCase+":close", map[string]any{"reason_code": "goals_met"}, apitest.IfMatch(file.ETag())).WantProblem(http.StatusForbidden, "own_case")
	closed := apitest.Read[api.Case](s.Post(theCase+":close", map[string]any{"reason_code": "goals_met", "summary": "Evenings are calm."}, apitest.IfMatch(file.ETag())).Want(http.StatusOK))
	if closed.Status != "closed" || len(closed.Workers) != 0 || *closed.ClosingReason != "goals_met" {
		t.Errorf("closed = %+v", closed)
	}
	w.Get(theCase).WantProblem(http.StatusNotFound, "case_not_found") // no longer the worker's to know
	s.Patch(path, map[string]any{"ends_on": "2026-07-02"}, apitest.IfMatch("*")).WantProblem(http.StatusConflict, "case_closed")

	want := []string{"case.assigned", "plan.submitted", "plan.returned", "plan.submitted", "plan.approved", "plan.submitted", "plan.approved", "case.closed", "case.unassigned"}
	if diff := cmp.Diff(want, d.published()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	var data string
	d.in("lakeland", func(ctx context.Context, tx *postgres.Tx) error {
		return tx.GetContext(ctx, &data, `SELECT string_agg(data, ' ') FROM outbox`)
	})
	for _, words := range []string{"calm", "Practise", "seen?"} {
		if strings.Contains(data, words) {
			t.Errorf("an event holds the words %q", words)
		}
	}
}

func TestAssign_TwoAtOnceNeverExceedTheCaseloadLimit(t *testing.T) {
	d := newDesk(t)
	const cases = 8
	for i := 2; i <= cases; i++ {
		d.seed("lakeland", fmt.Sprint("case-", i))
	}
	var wg sync.WaitGroup
	answers := make([]*apitest.Answer, cases)
	for i := range cases {
		wg.Go(func() {
			answers[i] = d.supervisor().Post(fmt.Sprintf("/planning/v1/cases/case-%d/assignments", i+1), assignment("worker-1", "lead"))
		})
	}
	wg.Wait()
	given := 0
	for _, a := range answers {
		if a.Status == http.StatusCreated {
			given++
			continue
		}
		a.WantProblem(http.StatusConflict, "caseload_limit_reached")
	}
	if given != 2 {
		t.Errorf("worker-1 was given %d cases at once, want the limit of 2", given)
	}
	d.in("lakeland", func(ctx context.Context, tx *postgres.Tx) error {
		var counted, had int
		if err := tx.GetContext(ctx, &counted, `SELECT cases FROM caseload WHERE worker_id = 'worker-1'`); err != nil {
			return err
		}
		if err := tx.GetContext(ctx, &had, `SELECT count(*) FROM assignment WHERE worker_id = 'worker-1' AND ended_at IS NULL`); err != nil {
			return err
		}
		if counted != 2 || had != 2 {
			t.Errorf("counted %d, has %d; want 2 and 2", counted, had)
		}
		return nil
	})

	// A place that is given up can be taken again.
	page := apitest.Read[api.CasePage](d.supervisor().Get("/planning/v1/cases", apitest.Query("worker_id", "worker-1")).Want(http.StatusOK))
	if len(page.Items) != 2 {
		t.Fatalf("worker-1 has %d cases in the list, want 2", len(page.Items))
	}
	held := apitest.Read[api.AssignmentPage](d.supervisor().Get("/planning/v1/cases/" + page.Items[0].CaseId + "/assignments").Want(http.StatusOK)).Items[0]
	d.supervisor().Post("/planning/v1/assignments/"+held.AssignmentId+":end", map[string]any{"reason_code": "workload"}).Want(http.StatusOK)
	d.supervisor().Post("/planning/v1/assignments/"+held.AssignmentId+":end", map[string]any{"reason_code": "workload"}).WantProblem(http.StatusConflict, "assignment_ended")
	d.supervisor().Post("/planning/v1/cases/"+page.Items[0].CaseId+"/assignments", assignment("worker-1", "lead")).Want(http.StatusCreated)
}

func TestAssign_OnlyBySupervisors(t *testing.T) {
	d := newDesk(t).assigned()
	d.worker().Post(theCase+"/assignments", assignment("worker-2", "co_worker")).WantProblem(http.StatusForbidden, "not_allowed")
	d.As("lakeland/family_worker/worker-5").Post(theCase+"/assignments", assignment("worker-5", "co_worker")).WantProblem(http.StatusNotFound, "case_not_found")
	d.supervisor().Post(theCase+"/assignments", assignment("worker-2", "lead")).WantProblem(http.StatusConflict, "lead_exists")
	d.As("lakeland/supervisor/").Post(theCase+"/assignments", assignment("worker-2", "co_worker")).WantProblem(http.StatusForbidden, "worker_unknown")
}

func TestAssign_ACaseGoesToTheUnitOfWhoAssigns(t *testing.T) {
	d := newDesk(t)
	first, second := d.As("lakeland/supervisor/supervisor-1/north.team-1"), d.As("lakeland/supervisor/supervisor-2/north.team-2")
	first.Post(theCase+"/assignments", assignment("worker-1", "lead")).Want(http.StatusCreated)
	if got := apitest.Read[api.Case](first.Get(theCase).Want(http.StatusOK)).Unit; got == nil || *got != "north/team-1" {
		t.Errorf("the case's unit is %v, want north/team-1", got)
	}
	second.Get(theCase).WantProblem(http.StatusNotFound, "case_not_found")
	if page := apitest.Read[api.CasePage](second.Get("/planning/v1/cases").Want(http.StatusOK)); len(page.Items) != 0 {
		t.Errorf("another team is listed %d cases", len(page.Items))
	}

	// Handed over, it is the other team's, and no longer the first's.
	handed := assignment("worker-2", "co_worker")
	handed["unit"] = "north/team-2"
	second.Post(theCase+"/assignments", handed).WantProblem(http.StatusNotFound, "case_not_found")
	first.Post(theCase+"/assignments", handed).Want(http.StatusCreated)
	first.Get(theCase).WantProblem(http.StatusNotFound, "case_not_found")
	second.Get(theCase).Want(http.StatusOK)
	handed["unit"] = "North Team"
	second.Post(theCase+"/assignments", handed).WantProblem(http.StatusBadRequest, "invalid_request")
}

func TestExclusion_BeatsTheAssignmentAtOnce(t *testing.T) {
	d := newDesk(t).assigned()
	d.worker().Get(theCase).Want(http.StatusOK)
	d.supervisor().Post(theCase+"/exclusions", map[string]any{"worker_id": "worker-1", "reason_code": "relative"}).Want(http.StatusCreated)
	d.worker().Get(theCase).WantProblem(http.StatusNotFound, "case_not_found")
	d.supervisor().Post(theCase+"/assignments", assignment("worker-1", "lead")).WantProblem(http.StatusConflict, "worker_excluded")
	page := apitest.Read[api.ExclusionPage](d.supervisor().Get(theCase + "/exclusions").Want(http.StatusOK))
	if len(page.Items) != 1 || page.Items[0].ReasonCode != "relative" {
		t.Errorf("exclusions = %+v", page.Items)
	}
	if diff := cmp.Diff([]string{"case.assigned", "case.excluded", "case.unassigned"}, d.published()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestLiftExclusion_LetsTheWorkerBeAssignedAgainAndStaysOnRecord(t *testing.T) {
	d := newDesk(t).assigned()
	exclude := map[string]any{"worker_id": "worker-1", "reason_code": "relative"}
	lift := map[string]any{"reason_code": "excluded_in_error"}
	d.supervisor().Post(theCase+"/exclusions/worker-1:lift", lift).WantProblem(http.StatusNotFound, "exclusion_not_found")
	d.supervisor().Post(theCase+"/exclusions", exclude).Want(http.StatusCreated)
	d.worker().Post(theCase+"/exclusions/worker-1:lift", lift).WantProblem(http.StatusNotFound, "case_not_found")
	d.supervisor().Post(theCase+"/exclusions", map[string]any{"worker_id": "supervisor-7", "reason_code": "own_family"}).Want(http.StatusCreated)
	d.As("lakeland/supervisor/supervisor-7").Post(theCase+"/exclusions/supervisor-7:lift", lift).WantProblem(http.StatusNotFound, "case_not_found")
	lifted := apitest.Read[api.Exclusion](d.supervisor().Post(theCase+"/exclusions/worker-1:lift", lift).Want(http.StatusOK))
	if lifted.LiftedBy == nil || *lifted.LiftedBy != "supervisor-1" || lifted.LiftReasonCode == nil || *lifted.LiftReasonCode != "excluded_in_error" {
		t.Errorf("lifted = %+v", lifted)
	}
	d.worker().Get(theCase).WantProblem(http.StatusNotFound, "case_not_found")
	d.supervisor().Post(theCase+"/assignments", assignment("worker-1", "lead")).Want(http.StatusCreated)
	d.worker().Get(theCase).Want(http.StatusOK)
	d.supervisor().Post(theCase+"/exclusions", exclude).Want(http.StatusCreated)
	d.worker().Get(theCase).WantProblem(http.StatusNotFound, "case_not_found")
	standing := 0
	page := apitest.Read[api.ExclusionPage](d.supervisor().Get(theCase + "/exclusions").Want(http.StatusOK))
	for _, e := range page.Items {
		if e.LiftedAt == nil {
			standing++
		}
	}
	if len(page.Items) != 3 || standing != 2 {
		t.Errorf("%d on record, %d standing; want 3 and 2: %+v", len(page.Items), standing, page.Items)
	}
	want := []string{"case.assigned", "case.excluded", "case.unassigned", "case.excluded", "case.exclusion_lifted", "case.assigned", "case.excluded", "case.unassigned"}
	if diff := cmp.Diff(want, d.published()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// Who both works on cases and supervises gives the case away, and closes it as a
// supervisor.
func TestClose_NotByWhoWorkedOnItBefore(t *testing.T) {
	d := newDesk(t)
	s, both := d.As("lakeland/supervisor/boss-1"), d.As("lakeland/supervisor/worker-1")
	a := apitest.Read[api.Assignment](s.Post(theCase+"/assignments", map[string]any{"worker_id": "worker-1", "supervisor_id": "boss-1", "role": "lead"}).Want(http.StatusCreated))
	both.Post("/planning/v1/assignments/"+a.AssignmentId+":end", map[string]any{"reason_code": "workload"}).Want(http.StatusOK)
	file := both.Get(theCase).Want(http.StatusOK)
	both.Post(theCase+":close", map[string]any{"reason_code": "goals_met"}, apitest.IfMatch(file.ETag())).WantProblem(http.StatusForbidden, "own_case")
	s.Post(theCase+":close", map[string]any{"reason_code": "goals_met"}, apitest.IfMatch(file.ETag())).Want(http.StatusOK)
}

func TestSafetyPlan_DemandedStartedEndedAndInTheWayOfClosing(t *testing.T) {
	d := newDesk(t).assigned()
	d.decide("unsafe")
	w, s := d.worker(), d.supervisor()
	if got := apitest.Read[api.Case](w.Get(theCase).Want(http.StatusOK)).Safety; !got.PlanDemanded || got.PlanInForce || *got.Decision != "unsafe" {
		t.Errorf("safety = %+v, want a plan demanded", got)
	}
	file := s.Get(theCase).Want(http.StatusOK)
	s.Post(theCase+":close", map[string]any{"reason_code": "goals_met"}, apitest.IfMatch(file.ETag())).WantProblem(http.StatusConflict, "safety_plan_demanded")

	created := w.Post(theCase+"/plans", plan()).Want(http.StatusCreated)
	path := "/planning/v1/plans/" + apitest.Read[api.Plan](created).PlanId
	submitted := w.Post(path+":submit", nil, apitest.IfMatch(created.ETag())).Want(http.StatusOK)
	s.Post(path+":approve", nil, apitest.IfMatch(submitted.ETag())).WantProblem(http.StatusConflict, "safety_plan_demanded")

	body := map[string]any{"review_on": "2026-03-09", "actions": []any{map[string]any{"description": "The aunt stays overnight.", "responsible": map[string]any{"kind": "network"}}}}
	w.Post(theCase+"/safety-plans", map[string]any{"review_on": "2026-03-01", "actions": body["actions"]}).WantProblem(http.StatusUnprocessableEntity, "safety_plan_invalid")
	started := w.Post(theCase+"/safety-plans", body, apitest.Key("sp")).Want(http.StatusCreated)
	sp := apitest.Read[api.SafetyPlan](started)
	if *sp.AssessmentId != "assessment-1" || sp.Status != "in_force" {
		t.Errorf("safety plan = %+v", sp)
	}
	w.Post(theCase+"/safety-plans", body).WantProblem(http.StatusConflict, "safety_plan_in_force")
	s.Post(path+":approve", nil, apitest.IfMatch(submitted.ETag())).Want(http.StatusOK)
	file = s.Get(theCase).Want(http.StatusOK)
	s.Post(theCase+":close", map[string]any{"reason_code": "child_placed"}, apitest.IfMatch(file.ETag())).WantProblem(http.StatusConflict, "safety_plan_in_force")

	spPath := "/planning/v1/safety-plans/" + sp.SafetyPlanId
	w.Post(spPath+":end", map[string]any{"reason_code": "danger_resolved"}, apitest.IfMatch(`"9"`)).WantProblem(http.StatusPreconditionFailed, "version_changed")
	ended := w.Post(spPath+":end", map[string]any{"reason_code": "danger_resolved"}, apitest.IfMatch(started.ETag())).Want(http.StatusOK)
	w.Post(spPath+":end", map[string]any{"reason_code": "danger_resolved"}, apitest.IfMatch(ended.ETag())).WantProblem(http.StatusConflict, "safety_plan_ended")
	if got := apitest.Read[api.SafetyPlanPage](w.Get(theCase + "/safety-plans").Want(http.StatusOK)).Items; len(got) != 1 || got[0].Status != "ended" || got[0].ReviewOn.String() != "2026-03-09" {
		t.Errorf("safety plans = %+v", got)
	}
	file = s.Get(theCase).Want(http.StatusOK)
	s.Post(theCase+":close", map[string]any{"reason_code": "goals_met"}, apitest.IfMatch(file.ETag())).Want(http.StatusOK)
}

func TestDraftGoals_ComeFromNeedsAndSayWhichRules(t *testing.T) {
	d := newDesk(t).assigned()
	d.in("lakeland", func(ctx context.Context, tx *postgres.Tx) error {
		for _, n := range []goals.Need{
			{Domain: "parenting", Level: "high"}, {Domain: "supports", Level: "some"}, {Domain: "health", Level: "none", Strength: true},
		} {
			n.AssessmentID, n.Instrument, n.InstrumentVersion, n.At = "assessment-1", "family_strengths_needs", "1.0.0", opened
			if err := store.PutNeed(ctx, tx, "case-1", n); err != nil {
				return err
			}
		}
		// An older assessment, heard of later, changes nothing.
		return store.PutNeed(ctx, tx, "case-1", goals.Need{Domain: "parenting", Level: "none", AssessmentID: "assessment-0", Instrument: "family_strengths_needs", InstrumentVersion: "1.0.0", At: opened.Add(-time.Hour)})
	})
	page := apitest.Read[api.DraftGoalPage](d.worker().Get(theCase + "/draft-goals").Want(http.StatusOK))
	var got []string
	for _, g := range page.Items {
		got = append(got, fmt.Sprint(g.Domain, " ", g.Level, " ", g.FromNeed.AssessmentId, " ", g.Rules.Version))
	}
	if diff := cmp.Diff([]string{"parenting high assessment-1 1.0.0", "supports some assessment-1 1.0.0"}, got); diff != "" {
		t.Errorf("draft goals (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]api.Domain{"health"}, page.Strengths); diff != "" || page.VisitPattern == nil || page.VisitPattern.TimesAWeek != 2 {
		t.Errorf("strengths (-want +got):\n%s, visits %+v", diff, page.VisitPattern)
	}
}

func TestTimeline_JoinsTheReferralWithItsCaseInOrderAndPages(t *testing.T) {
	d := newDesk(t).assigned()
	d.in("lakeland", func(ctx context.Context, tx *postgres.Tx) error {
		for i, e := range []struct{ id, eventType, key string }{
			{"e5", "org.hearth.assessment.assessment.due.v1", "case-1"},
			{"e1", "org.hearth.intake.referral.received.v1", "referral-of-case-1"},
			{"e2", "org.hearth.intake.referral.prioritised.v1", "referral-of-case-1"},
			{"e3", "org.hearth.intake.referral.screened.v1", "referral-of-case-1"},
			{"e4", "org.hearth.intake.case.opened.v1", "case-1"},
			{"x1", "org.hearth.intake.case.opened.v1", "case-9"},
		} {
			at := opened.Add(time.Duration(e.id[1]) * time.Minute)
			entry := casefile.TimelineEntry{EventID: e.id, FamilyKey: e.key, At: at, Service: strings.Split(e.eventType, ".")[2], Type: e.eventType, Subject: "s", Data: []byte(fmt.Sprintf(`{"n":%d}`, i))}
			for range 2 { // the same event twice is one entry
				if err := store.InsertTimelineEntry(ctx, tx, entry); err != nil {
					return err
				}
			}
		}
		return nil
	})
	w := d.worker()
	var got []string
	cursor := ""
	for {
		options := []apitest.Option{apitest.Query("limit", "2")}
		if cursor != "" {
			options = append(options, apitest.Query("cursor", cursor))
		}
		page := apitest.Read[api.TimelinePage](w.Get(theCase+"/timeline", options...).Want(http.StatusOK))
		for _, e := range page.Items {
			got = append(got, e.EventId)
		}
		if page.NextCursor == nil {
			break
		}
		cursor = *page.NextCursor
	}
	if diff := cmp.Diff([]string{"e1", "e2", "e3", "e4", "e5"}, got); diff != "" {
		t.Errorf("timeline (-want +got):\n%s", diff)
	}
	only := apitest.Read[api.TimelinePage](w.Get(theCase+"/timeline", apitest.Query("service", "assessment")).Want(http.StatusOK))
	if len(only.Items) != 1 || only.Items[0].EventId != "e5" {
		t.Errorf("of assessment = %+v", only.Items)
	}
	d.As("lakeland/family_worker/worker-5").Get(theCase+"/timeline").WantProblem(http.StatusNotFound, "case_not_found")
}

func TestNeedToKnow_HoldsForEveryReadAndList(t *testing.T) {
	d := newDesk(t).assigned()
	d.seed("lakeland", "case-2")
	d.seed("northshore", "case-1")
	created := d.worker().Post(theCase+"/plans", plan()).Want(http.StatusCreated)
	planPath := "/planning/v1/plans/" + apitest.Read[api.Plan](created).PlanId
	sp := apitest.Read[api.SafetyPlan](d.worker().Post(theCase+"/safety-plans", map[string]any{
		"review_on": "2026-03-09",
		"actions":   []any{map[string]any{"description": "The aunt stays.", "responsible": map[string]any{"kind": "network"}}},
	}).Want(http.StatusCreated))
	d.supervisor().Post("/planning/v1/cases/case-2/assignments", assignment("worker-2", "lead")).Want(http.StatusCreated)
	d.supervisor().Post(theCase+"/exclusions", map[string]any{"worker_id": "supervisor-7", "reason_code": "own_family"}).Want(http.StatusCreated)

	strangers := map[string]*apitest.Client{
		"a worker of another case": d.As("lakeland/family_worker/worker-2"),
		"an excluded supervisor":   d.As("lakeland/supervisor/supervisor-7"),
	}
	for name, c := range strangers {
		t.Run(name, func(t *testing.T) {
			c := c.For(t)
			for _, path := range []string{
				theCase, theCase + "/assignments", theCase + "/exclusions", theCase + "/draft-goals", theCase + "/plans",
				theCase + "/safety-plans", theCase + "/timeline", planPath, planPath + "/versions/1", planPath + "/reviews", "/planning/v1/safety-plans/" + sp.SafetyPlanId,
			} {
				c.Get(path).Want(http.StatusNotFound)
			}
			c.Patch(planPath, map[string]any{"starts_on": "2026-03-17"}, apitest.IfMatch("*")).WantProblem(http.StatusNotFound, "plan_not_found")
			c.Post(planPath+":submit", nil, apitest.IfMatch("*")).WantProblem(http.StatusNotFound, "plan_not_found")
			c.Post("/planning/v1/safety-plans/"+sp.SafetyPlanId+":end", map[string]any{"reason_code": "danger_resolved"}, apitest.IfMatch("*")).WantProblem(http.StatusNotFound, "safety_plan_not_found")
			for _, listed := range apitest.Read[api.CasePage](c.Get("/planning/v1/cases").Want(http.StatusOK)).Items {
				if listed.CaseId == "case-1" {
					t.Error("the list shows the case")
				}
			}
		})
	}
	other := d.As("northshore/supervisor/supervisor-1")
	if got := apitest.Read[api.Case](other.Get(theCase).Want(http.StatusOK)); len(got.Workers) != 0 {
		t.Errorf("the case of the same id in another agency has workers %+v", got.Workers)
	}
	other.Get(planPath).WantProblem(http.StatusNotFound, "plan_not_found")
	if got := apitest.Read[api.CasePage](other.Get("/planning/v1/cases").Want(http.StatusOK)).Items; len(got) != 1 {
		t.Errorf("another agency lists %d cases, want its own one", len(got))
	}
}

func TestList_CasesPageNewestFirst(t *testing.T) {
	d := newDesk(t)
	for i := 2; i <= 7; i++ {
		d.clock.Advance(time.Minute)
		d.seed("lakeland", fmt.Sprint("case-", i))
	}
	var got []string
	cursor := ""
	for {
		options := []apitest.Option{apitest.Query("limit", "3"), apitest.Query("status", "open"), apitest.Query("program", "perhetyo")}
		if cursor != "" {
			options = append(options, apitest.Query("cursor", cursor))
		}
		page := apitest.Read[api.CasePage](d.supervisor().Get("/planning/v1/cases", options...).Want(http.StatusOK))
		for _, c := range page.Items {
			got = append(got, c.CaseId)
		}
		if page.NextCursor == nil {
			break
		}
		cursor = *page.NextCursor
	}
	if diff := cmp.Diff([]string{"case-7", "case-6", "case-5", "case-4", "case-3", "case-2", "case-1"}, got); diff != "" {
		t.Errorf("cases (-want +got):\n%s", diff)
	}
	d.supervisor().Get("/planning/v1/cases", apitest.Query("cursor", "!")).WantProblem(http.StatusBadRequest, "cursor_malformed")
}
