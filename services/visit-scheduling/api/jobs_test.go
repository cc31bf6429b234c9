package api_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
	"github.com/hearthfps/hearth/pkg/policy"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/rules"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/services/visit-scheduling/api"
)

// work works one planning job off.
func (a *agency) work() {
	a.t.Helper()
	id, err := tenant.Parse("lakeland")
	if err != nil {
		a.t.Fatal(err)
	}
	if worked, err := a.desk.WorkJob(tenant.With(a.t.Context(), id), "planner"); err != nil || !worked {
		a.t.Fatalf("worked %v, %v", worked, err)
	}
}

type page[T any] struct {
	Items      []T     `json:"items"`
	NextCursor *string `json:"next_cursor"`
}

func TestPlanningJob_FromTheWishToTheDecision(t *testing.T) {
	a := start(t)
	a.hire("w1")
	for i := range 3 {
		a.approve(fmt.Sprintf("case-%d", i), 2, 1, "w1")
	}
	a.hire("w2", "w3")
	// The visits of case-0 have no place in the second week, and nobody is told.
	a.tx(func(ctx context.Context, tx *kit.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE visit SET status = 'unplaced', starts_at = NULL, ends_at = NULL, workers = '[]', reasons = '["fully_booked"]' WHERE week_of = '2026-03-09' AND case_id = 'case-0'`)
		if err == nil {
			_, err = tx.ExecContext(ctx, `DELETE FROM booking b USING visit v WHERE v.visit_id = b.visit_id AND v.starts_at IS NULL`)
		}
		if err == nil {
			err = policy.ExcludeWorker(ctx, tx, "case-0", "s-2")
		}
		return err
	})
	scheduler := a.as("scheduler", "s-1")
	wish := map[string]any{"first_week": "2026-03-09", "weeks": 1, "budget_seconds": 1}
	a.as("family_worker", "w1").Post("/visits/v1/planning-jobs", wish).WantProblem(403, "not_allowed")
	scheduler.Post("/visits/v1/planning-jobs", map[string]any{"first_week": "2026-03-10", "weeks": 1}).WantProblem(422, "job_invalid")
	asked := scheduler.Post("/visits/v1/planning-jobs", wish, apitest.Key("k")).Want(202)
	job := apitest.Read[api.PlanningJob](asked)
	again := apitest.Read[api.PlanningJob](scheduler.Post("/visits/v1/planning-jobs", wish, apitest.Key("k")).Want(202))
	if again.JobId != job.JobId || job.Status != "queued" || job.FrozenHours != 48 {
		t.Fatalf("asked %+v, again %+v", job, again)
	}
	path := "/visits/v1/planning-jobs/" + job.JobId
	scheduler.Get(path, apitest.Header("If-None-Match", asked.ETag())).Want(http.StatusNotModified)
	a.desk.WeightsRule = rules.Ref{Name: "weights", Version: "2026.1", Hash: "0a"}
	a.work()
	done := scheduler.Get(path, apitest.Header("If-None-Match", asked.ETag())).Want(200)
	job = apitest.Read[api.PlanningJob](done)
	if job.Status != "proposed" || job.Placed != 2 || job.Best.Placed != job.Before.Placed+2 || len(job.WorkersAffected) == 0 {
		t.Fatalf("proposed %+v", job)
	}
	if r := job.WeightsRule; r == nil || r.Name != "weights" || r.Hash != "0a" {
		t.Errorf("weighed by %+v", r)
	}
	if jobs := apitest.Read[page[api.PlanningJob]](scheduler.Get("/visits/v1/planning-jobs?status=proposed").Want(200)).Items; len(jobs) != 1 {
		t.Errorf("%d jobs", len(jobs))
	}
	changes := apitest.Read[page[api.PlanningChange]](scheduler.Get(path + "/changes?kind=new").Want(200)).Items
	if len(changes) != 2 || changes[0].To == nil || changes[0].Words == "" {
		t.Errorf("changes %+v", changes)
	}
	families := apitest.Read[page[api.FamilyEffect]](scheduler.Get(path + "/families").Want(200)).Items
	if len(families) == 0 || families[0].CaseId != "case-0" || families[0].Placed != 2 {
		t.Errorf("families %+v", families)
	}
	// Who may not know of a family sees nothing of it, and does not decide over it.
	other := a.as("scheduler", "s-2")
	if got := apitest.Read[page[api.PlanningChange]](other.Get(path + "/changes?case_id=case-0").Want(200)).Items; len(got) != 0 {
		t.Errorf("an excluded scheduler sees %+v", got)
	}
	other.Post(path+":accept", nil, apitest.IfMatch(done.ETag())).WantProblem(403, "not_all_yours")
	scheduler.Post(path+":accept", nil).WantProblem(428, "if_match_missing")
	scheduler.Post(path+":accept", nil, apitest.IfMatch(asked.ETag())).WantProblem(412, "version_changed")
	accepted := apitest.Read[api.PlanningJob](scheduler.Post(path+":accept", nil, apitest.IfMatch(done.ETag())).Want(200))
	if accepted.Status != "published" || accepted.Published != job.Placed+job.Moved {
		t.Errorf("accepted %+v", accepted)
	}
	scheduler.Post(path+":discard", nil, apitest.IfMatch("*")).WantProblem(409, "no_proposal")
	scheduler.Post(path+":cancel", nil).WantProblem(409, "job_over")
	scheduler.Get("/visits/v1/planning-jobs/0192f4c0-1d00-5a10-8b2c-1f2e3d4c5b01").WantProblem(404, "planning_job_not_found")
}

func TestPlanningJob_DiscardedChangesNothing(t *testing.T) {
	a := start(t)
	a.hire("w1", "w2")
	a.approve("case-1", 2, 1, "w1")
	scheduler := a.as("scheduler", "s-1")
	before := apitest.Read[api.VisitPage](scheduler.Get("/visits/v1/visits").Want(200))
	job := apitest.Read[api.PlanningJob](scheduler.Post("/visits/v1/planning-jobs", map[string]any{"first_week": "2026-03-09", "weeks": 1, "budget_seconds": 1}).Want(202))
	a.work()
	path := "/visits/v1/planning-jobs/" + job.JobId
	tag := scheduler.Get(path).Want(200).ETag()
	rebased := apitest.Read[api.PlanningJob](scheduler.Post(path+":rebase", nil, apitest.IfMatch(tag)).Want(202))
	if rebased.Status != "queued" || rebased.Rebased != 1 {
		t.Errorf("rebased %+v", rebased)
	}
	a.work()
	tag = scheduler.Get(path).Want(200).ETag()
	if got := apitest.Read[api.PlanningJob](scheduler.Post(path+":discard", nil, apitest.IfMatch(tag)).Want(200)); got.Status != "discarded" || got.EndedAt == nil {
		t.Errorf("discarded %+v", got)
	}
	after := apitest.Read[api.VisitPage](scheduler.Get("/visits/v1/visits").Want(200))
	for i, v := range after.Items {
		if v.Version != before.Items[i].Version {
			t.Errorf("visit %s changed", v.VisitId)
		}
	}
}

func TestPlanningJob_WhatIfIsLookedAtAndNeverPublished(t *testing.T) {
	a := start(t)
	a.hire("w1", "w2")
	a.approve("case-0", 1, 1, "w1")
	a.tx(func(ctx context.Context, tx *kit.Tx) error { return policy.ExcludeWorker(ctx, tx, "case-0", "s-2") })
	scheduler := a.as("scheduler", "s-1")
	visit := apitest.Read[api.VisitPage](scheduler.Get("/visits/v1/visits?case_id=case-0").Want(200)).Items[1]
	from := time.Date(2026, 3, 9, 0, 0, 0, 0, time.UTC)
	wish := map[string]any{"first_week": "2026-03-09", "weeks": 1, "budget_seconds": 1, "what_if": []map[string]any{
		{"kind": "worker_away", "worker_id": visit.Workers[0], "from": from, "to": from.AddDate(0, 0, 7)},
		{"kind": "visit_more", "visit_id": visit.VisitId},
		{"kind": "visit_also", "visit_id": visit.VisitId, "from": from, "to": from.AddDate(0, 0, 5)},
		{"kind": "visit_anyone", "visit_id": visit.VisitId},
	}}
	scheduler.Post("/visits/v1/planning-jobs", map[string]any{"first_week": "2026-03-09", "weeks": 1, "what_if": []map[string]any{
		{"kind": "visit_also", "visit_id": visit.VisitId, "from": from, "to": from.AddDate(0, 0, 8)},
	}}).WantProblem(422, "job_invalid")
	a.as("scheduler", "s-2").Post("/visits/v1/planning-jobs", wish).WantProblem(404, "visit_not_found")
	job := apitest.Read[api.PlanningJob](scheduler.Post("/visits/v1/planning-jobs", wish).Want(202))
	if job.WhatIf == nil || len(*job.WhatIf) != 4 || (*job.WhatIf)[0].From == nil || (*job.WhatIf)[2].To == nil {
		t.Fatalf("supposed %+v", job.WhatIf)
	}
	a.work()
	path := "/visits/v1/planning-jobs/" + job.JobId
	done := scheduler.Get(path).Want(200)
	changes := apitest.Read[page[api.PlanningChange]](scheduler.Get(path + "/changes").Want(200)).Items
	kinds := map[api.ChangeKind]int{}
	for _, c := range changes {
		kinds[c.Kind]++
	}
	if len(changes) != 2 || kinds["moved"] != 1 || kinds["new"] != 1 {
		t.Errorf("changes %+v", changes)
	}
	hidden := apitest.Read[page[api.PlanningChange]](a.as("scheduler", "s-2").Get(path + "/changes").Want(200)).Items
	if len(hidden) != 0 {
		t.Errorf("shown to who may not know of the family: %+v", hidden)
	}
	scheduler.Post(path+":accept", nil, apitest.IfMatch(done.ETag())).WantProblem(409, "what_if")
}
