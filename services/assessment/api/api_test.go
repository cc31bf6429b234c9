package api_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
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
	"github.com/hearthfps/hearth/services/assessment/api"
	"github.com/hearthfps/hearth/services/assessment/instruments"
	store "github.com/hearthfps/hearth/services/assessment/postgres"
	"github.com/hearthfps/hearth/services/assessment/record"
)

var opened = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// quarterly is a program that reviews needs, and not safety, every 90 days.
type quarterly struct{}

func (quarterly) NextReview(_ tenant.AgencyID, _, _, instrument string, last time.Time) (time.Time, bool, error) {
	return last.AddDate(0, 0, 90), instrument == "family_strengths_needs", nil
}

// desk is assessment's API over a database of its own, in which case-1 of
// lakeland is worker-1's.
type desk struct {
	t       *testing.T
	db      *postgres.DB
	library *instruments.Library
	clock   *clock.Manual
	*apitest.Client
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	at := clock.NewManual(opened)
	db, _ := testkit.Database(t, store.Migrations, testkit.WithClock(at))
	engine, err := policy.New(at)
	if err != nil {
		t.Fatal(err)
	}
	library, err := instruments.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	spec, err := specs.OpenAPI.ReadFile("openapi/assessment.yaml")
	if err != nil {
		t.Fatal(err)
	}
	contract, err := httpapi.LoadContract(spec)
	if err != nil {
		t.Fatal(err)
	}
	server := &api.Server{DB: db, Policy: engine, Library: library, Programs: quarterly{}, Clock: at}
	handler, err := httpapi.New(httpapi.Options{Service: "assessment", Contract: contract, Routes: server.Routes, Authenticate: authenticate})
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, db: db, library: library, clock: at, Client: apitest.New(t, handler, contract)}
	d.seed("lakeland", "case-1", "worker-1")
	return d
}

// authenticate reads tokens agency/role/worker.
func authenticate(_ context.Context, token string) (auth.Principal, error) {
	parts := strings.Split(token, "/")
	if len(parts) != 3 {
		return auth.Principal{}, fault.New(fault.Unauthenticated, "token_invalid", "The token is not valid.")
	}
	agency, err := tenant.Parse(parts[0])
	return auth.Principal{Subject: "subject-of-" + parts[2], Agency: agency, Roles: []string{parts[1]}, WorkerID: parts[2]}, err
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

// seed opens a case with both instruments due, and gives it to a worker.
func (d *desk) seed(agency, caseID, worker string) {
	d.t.Helper()
	d.in(agency, func(ctx context.Context, tx *postgres.Tx) error {
		if _, err := store.OpenCase(ctx, tx, store.CaseFile{CaseID: caseID, Program: "perhetyo", ProgramVersion: "2026.1", OpenedAt: opened}); err != nil {
			return err
		}
		for i, code := range []string{"safety_checklist", "family_strengths_needs"} {
			ins, _ := d.library.Get(code, "1.0.0")
			a := record.New(record.AssessmentID(caseID+"-"+code), caseID, ins, record.Opening, opened.AddDate(0, 0, 7*(i+1)), "")
			if _, err := store.Insert(ctx, tx, a); err != nil {
				return err
			}
		}
		return policy.AssignWorker(ctx, tx, caseID, worker, "lead")
	})
}

func (d *desk) worker() *apitest.Client     { return d.As("lakeland/family_worker/worker-1") }
func (d *desk) supervisor() *apitest.Client { return d.As("lakeland/supervisor/supervisor-1") }

const (
	checklist = "/assessment/v1/assessments/case-1-safety_checklist"
	scale     = "/assessment/v1/assessments/case-1-family_strengths_needs"
)

func calm() map[string]any {
	return map[string]any{
		"children_seen": "present", "serious_harm": "absent", "sexual_harm": "absent", "violence_between_adults": "absent",
		"caregiver_unable_now": "absent", "urgent_needs_unmet": "absent", "dangerous_home": "absent", "child_self_danger": "absent",
		"caregiver_acts": "present", "network_acts": "present",
	}
}

// published are the types of the events in the outbox, in order.
func (d *desk) published() []string {
	var types []string
	d.in("lakeland", func(ctx context.Context, tx *postgres.Tx) error {
		return tx.SelectContext(ctx, &types, `SELECT type FROM outbox ORDER BY seq`)
	})
	return types
}

func TestAssessment_AnsweredInPartsCompletedOnceAndRecomputed(t *testing.T) {
	d := newDesk(t)
	w := d.worker()
	first := w.Get(checklist).Want(http.StatusOK)

	answers := calm()
	delete(answers, "sexual_harm")
	answers["weapon_at_hand"] = "present" // not asked, since there is no violence
	saved := w.Patch(checklist, map[string]any{"answers": answers}, apitest.IfMatch(first.ETag())).Want(http.StatusOK)
	a := apitest.Read[api.Assessment](saved)
	if a.Status != "in_progress" || a.SetAside["weapon_at_hand"] != "present" || a.Answers["weapon_at_hand"] != "" {
		t.Errorf("status %s, set aside %v; want the weapon kept apart", a.Status, a.SetAside)
	}
	if diff := cmp.Diff([]string{"sexual_harm"}, a.Missing); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}

	w.Patch(checklist, map[string]any{"answers": calm()}, apitest.IfMatch(first.ETag())).WantProblem(http.StatusPreconditionFailed, "version_changed")
	w.Patch(checklist, map[string]any{"answers": calm()}).WantProblem(http.StatusPreconditionRequired, "if_match_missing")
	p := w.Post(checklist+":complete", nil, apitest.IfMatch(saved.ETag())).WantProblem(http.StatusUnprocessableEntity, "safety_undecided")
	if len(p.Errors) != 1 || p.Errors[0].Pointer != "/answers/sexual_harm" {
		t.Errorf("errors = %+v, want the missing answer", p.Errors)
	}
	w.Patch(checklist, map[string]any{"answers": map[string]any{"sexual_harm": "perhaps", "zebra": nil}}, apitest.IfMatch(saved.ETag())).
		WantProblem(http.StatusUnprocessableEntity, "answers_invalid")

	saved = w.Patch(checklist, map[string]any{"answers": map[string]any{"sexual_harm": "absent"}}, apitest.IfMatch(saved.ETag())).Want(http.StatusOK)
	done := w.Post(checklist+":complete", nil, apitest.IfMatch(saved.ETag()), apitest.Key("complete-1")).Want(http.StatusOK)
	again := w.Post(checklist+":complete", nil, apitest.IfMatch(saved.ETag()), apitest.Key("complete-1")).Want(http.StatusOK)
	if diff := cmp.Diff(string(done.Body), string(again.Body)); diff != "" || done.ETag() != again.ETag() {
		t.Errorf("the same request again got another answer:\n%s", diff)
	}
	w.Post(checklist+":complete", nil, apitest.IfMatch(done.ETag())).WantProblem(http.StatusConflict, "assessment_completed")
	if got := apitest.Read[api.Assessment](done).SafetyDecision; got == nil || got.Decision != "safe" {
		t.Errorf("decision = %+v, want safe", got)
	}

	again2 := apitest.Read[api.Recomputation](w.Post(checklist+":recompute", nil).Want(http.StatusOK))
	if !again2.Same || len(again2.Recomputed.Items) == 0 {
		t.Errorf("recomputed = %+v, want the same", again2)
	}
	score := apitest.Read[api.Score](w.Get(checklist + "/score").Want(http.StatusOK))
	if !score.Final || score.Subscales[0].PointSum != 0 || len(score.Subscales[0].Contributions) != 10 {
		t.Errorf("score = %+v", score)
	}
	if diff := cmp.Diff([]string{"org.hearth.assessment.assessment.completed.v1", "org.hearth.assessment.safety.decided.v1"}, d.published()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestRecompute_TellsAScoreThatWasTamperedWith(t *testing.T) {
	d := newDesk(t)
	w := d.worker()
	w.Post(checklist+":recompute", nil).WantProblem(http.StatusConflict, "assessment_open")
	saved := w.Patch(checklist, map[string]any{"answers": calm()}, apitest.IfMatch(`"1"`)).Want(http.StatusOK)
	w.Post(checklist+":complete", nil, apitest.IfMatch(saved.ETag())).Want(http.StatusOK)
	d.in("lakeland", func(ctx context.Context, tx *postgres.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE assessment SET result = jsonb_set(result, '{subscales,0,point_sum}', '7') WHERE assessment_id = 'case-1-safety_checklist'`)
		return err
	})
	got := apitest.Read[api.Recomputation](w.Post(checklist+":recompute", nil).Want(http.StatusOK))
	if got.Same || got.Stored.Subscales[0].PointSum != 7 || got.Recomputed.Subscales[0].PointSum != 0 {
		t.Errorf("same %v, stored %d, recomputed %d; want the difference shown", got.Same, got.Stored.Subscales[0].PointSum, got.Recomputed.Subscales[0].PointSum)
	}
}

func TestOverride_BySomeoneElseWithAReason(t *testing.T) {
	d := newDesk(t)
	w := d.worker()
	saved := w.Patch(checklist, map[string]any{"answers": calm()}, apitest.IfMatch(`"1"`)).Want(http.StatusOK)
	done := w.Post(checklist+":complete", nil, apitest.IfMatch(saved.ETag())).Want(http.StatusOK)

	override := map[string]any{"decision": "unsafe", "reason_code": "new_information", "reason": "A relative told of a threat."}
	w.Post(checklist+":override-safety", override, apitest.IfMatch(done.ETag())).WantProblem(http.StatusForbidden, "not_allowed")
	d.As("lakeland/supervisor/worker-1").Post(checklist+":override-safety", override, apitest.IfMatch(done.ETag())).
		WantProblem(http.StatusForbidden, "own_assessment")
	d.supervisor().Post(checklist+":override-safety", map[string]any{"decision": "unsafe", "reason_code": "new_information"}, apitest.IfMatch(done.ETag())).
		Want(http.StatusBadRequest)
	d.supervisor().Post(checklist+":override-safety", override, apitest.IfMatch(done.ETag())).Want(http.StatusOK)

	got := apitest.Read[api.SafetyDecision](w.Get("/assessment/v1/cases/case-1/safety-decision").Want(http.StatusOK))
	if got.Decision != "unsafe" || got.Proposed != "safe" || !got.Overridden || got.DecidedBy != "supervisor-1" || *got.Reason != "A relative told of a threat." {
		t.Errorf("decision in force = %+v", got)
	}
	var data []string
	d.in("lakeland", func(ctx context.Context, tx *postgres.Tx) error {
		return tx.SelectContext(ctx, &data, `SELECT data FROM outbox ORDER BY seq`)
	})
	if len(data) != 3 || strings.Contains(strings.Join(data, ""), "relative") {
		t.Errorf("events = %v; want completed, decided, decided, and no words of the supervisor's", data)
	}
}

func TestNeedToKnow_HoldsForEveryReadAndList(t *testing.T) {
	d := newDesk(t)
	d.seed("lakeland", "case-2", "worker-2")
	d.seed("northshore", "case-1", "worker-1") // the same ids in another agency
	d.in("lakeland", func(ctx context.Context, tx *postgres.Tx) error {
		return policy.ExcludeWorker(ctx, tx, "case-1", "supervisor-7")
	})

	strangers := map[string]*apitest.Client{
		"a worker of another case": d.As("lakeland/family_worker/worker-2"),
		"an excluded supervisor":   d.As("lakeland/supervisor/supervisor-7"),
	}
	for name, c := range strangers {
		t.Run(name, func(t *testing.T) {
			c := c.For(t)
			for _, path := range []string{checklist, checklist + "/score"} {
				c.Get(path).WantProblem(http.StatusNotFound, "assessment_not_found")
			}
			c.Post(checklist+":recompute", nil).WantProblem(http.StatusNotFound, "assessment_not_found")
			c.Patch(checklist, map[string]any{"answers": calm()}, apitest.IfMatch(`"1"`)).WantProblem(http.StatusNotFound, "assessment_not_found")
			c.Get("/assessment/v1/cases/case-1/assessments").WantProblem(http.StatusNotFound, "case_not_found")
			c.Get("/assessment/v1/cases/case-1/safety-decision").WantProblem(http.StatusNotFound, "case_not_found")
			for _, a := range apitest.Read[api.AssessmentPage](c.Get("/assessment/v1/assessments").Want(http.StatusOK)).Items {
				if a.CaseId == "case-1" {
					t.Errorf("the list shows %s", a.AssessmentId)
				}
			}
		})
	}
	var reads int
	d.in("lakeland", func(ctx context.Context, tx *postgres.Tx) error {
		return tx.GetContext(ctx, &reads, `SELECT count(*) FROM audit`)
	})
	d.worker().Get(checklist).Want(http.StatusOK)
	d.in("lakeland", func(ctx context.Context, tx *postgres.Tx) error {
		var after int
		if err := tx.GetContext(ctx, &after, `SELECT count(*) FROM audit`); err != nil {
			return err
		}
		if after != reads+1 {
			t.Errorf("a reading left %d audit rows, want 1", after-reads)
		}
		return nil
	})
	other := d.As("northshore/family_worker/worker-1")
	other.Patch(checklist, map[string]any{"answers": calm()}, apitest.IfMatch(`"1"`)).Want(http.StatusOK)
	if got := apitest.Read[api.Assessment](d.worker().Get(checklist).Want(http.StatusOK)); got.Status != "due" {
		t.Errorf("status %s in one agency after an answer in another, want due", got.Status)
	}
	d.As("lakeland/referrer/").Get("/assessment/v1/assessments").Want(http.StatusForbidden)
}

func TestList_PagesInDueOrderAndIsNarrowed(t *testing.T) {
	d := newDesk(t)
	for i := 2; i <= 6; i++ {
		d.seed("lakeland", fmt.Sprint("case-", i), "worker-1")
	}
	w := d.worker()
	seen, last, cursor := map[string]bool{}, time.Time{}, ""
	for pages := 0; ; pages++ {
		options := []apitest.Option{apitest.Query("limit", "5")}
		if cursor != "" {
			options = append(options, apitest.Query("cursor", cursor))
		}
		page := apitest.Read[api.AssessmentPage](w.Get("/assessment/v1/assessments", options...).Want(http.StatusOK))
		for _, a := range page.Items {
			if seen[a.AssessmentId] || a.DueAt.Before(last) {
				t.Fatalf("%s comes twice or out of order", a.AssessmentId)
			}
			seen[a.AssessmentId], last = true, a.DueAt
		}
		if page.NextCursor == nil {
			break
		}
		cursor = *page.NextCursor
		if pages > 5 {
			t.Fatal("the list does not end")
		}
	}
	if len(seen) != 12 {
		t.Errorf("%d assessments over all pages, want 12", len(seen))
	}
	due := apitest.Read[api.AssessmentPage](w.Get("/assessment/v1/assessments", apitest.Query("status", "due"),
		apitest.Query("due_before", opened.AddDate(0, 0, 8).Format(time.RFC3339))).Want(http.StatusOK))
	if len(due.Items) != 6 {
		t.Errorf("%d due within 8 days, want 6", len(due.Items))
	}
	w.Get("/assessment/v1/assessments", apitest.Query("cursor", "garbage")).WantProblem(http.StatusBadRequest, "cursor_malformed")
}

func TestStart_AnotherAssessmentOfTheCase(t *testing.T) {
	d := newDesk(t)
	w := d.worker()
	path := "/assessment/v1/cases/case-1/assessments"
	body := map[string]any{"instrument": "safety_checklist", "occasion": "change"}
	a := apitest.Read[api.Assessment](w.Post(path, body, apitest.Key("s1")).Want(http.StatusCreated))
	b := apitest.Read[api.Assessment](w.Post(path, body, apitest.Key("s1")).Want(http.StatusCreated))
	if a.AssessmentId != b.AssessmentId || a.Occasion != "change" || a.InstrumentVersion != "1.0.0" {
		t.Errorf("first %s, again %s", a.AssessmentId, b.AssessmentId)
	}
	w.Post(path, map[string]any{"instrument": "horoscope", "occasion": "change"}).WantProblem(http.StatusUnprocessableEntity, "instrument_unknown")
	w.Post(path, map[string]any{"instrument": "safety_checklist", "occasion": "change", "extra": 1}).Want(http.StatusBadRequest)
	d.in("lakeland", func(ctx context.Context, tx *postgres.Tx) error { return store.CloseCase(ctx, tx, "case-1", opened) })
	w.Post(path, body).WantProblem(http.StatusConflict, "case_closed")
	if diff := cmp.Diff([]string{"org.hearth.assessment.assessment.due.v1"}, d.published()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestComplete_SchedulesTheNextReviewTheProgramAsksFor(t *testing.T) {
	d := newDesk(t)
	w := d.worker()
	answer := func(path string) {
		t.Helper()
		first := w.Get(path).Want(http.StatusOK)
		saved := w.Patch(path, map[string]any{"answers": map[string]any{"child_of_school_age": "no", "warmth": "strength"}}, apitest.IfMatch(first.ETag())).Want(http.StatusOK)
		w.Post(path+":complete", nil, apitest.IfMatch(saved.ETag())).Want(http.StatusOK)
	}
	open := func() []api.AssessmentSummary {
		t.Helper()
		var out []api.AssessmentSummary
		for _, a := range apitest.Read[api.AssessmentPage](w.Get("/assessment/v1/assessments", apitest.Query("status", "due")).Want(http.StatusOK)).Items {
			if a.Occasion == "review" {
				out = append(out, a)
			}
		}
		return out
	}
	answer(scale)
	first := open()
	if len(first) != 1 || !first[0].DueAt.Equal(opened.AddDate(0, 0, 90)) {
		t.Fatalf("open reviews = %+v, want one due in 90 days", first)
	}
	w.Post("/assessment/v1/cases/case-1/assessments", map[string]any{"instrument": "family_strengths_needs", "occasion": "review"}).
		WantProblem(http.StatusConflict, "review_open")
	d.clock.Advance(24 * time.Hour)
	answer("/assessment/v1/assessments/" + first[0].AssessmentId)
	if second := open(); len(second) != 1 || !second[0].DueAt.Equal(opened.AddDate(0, 0, 91)) {
		t.Errorf("open reviews = %+v, want the next, counted from the last", second)
	}
}

func TestInstruments_AreReadByAnyoneOfTheAgency(t *testing.T) {
	d := newDesk(t)
	c := d.As("lakeland/scheduler/worker-9")
	page := apitest.Read[api.InstrumentPage](c.Get("/assessment/v1/instruments", apitest.Query("limit", "1")).Want(http.StatusOK))
	if len(page.Items) != 1 || page.NextCursor == nil {
		t.Fatalf("first page = %+v", page)
	}
	rest := apitest.Read[api.InstrumentPage](c.Get("/assessment/v1/instruments", apitest.Query("cursor", *page.NextCursor)).Want(http.StatusOK))
	if len(rest.Items) != 1 || rest.NextCursor != nil || rest.Items[0].Instrument == page.Items[0].Instrument {
		t.Errorf("second page = %+v", rest)
	}
	full := apitest.Read[api.Instrument](c.Get("/assessment/v1/instruments/safety_checklist/versions/1.0.0").Want(http.StatusOK))
	if len(full.Items) < 10 || full.Licence == "" || full.Attribution == "" {
		t.Errorf("instrument = %d items, licence %q", len(full.Items), full.Licence)
	}
	c.Get("/assessment/v1/instruments/safety_checklist/versions/9.9.9").WantProblem(http.StatusNotFound, "instrument_not_found")
}
