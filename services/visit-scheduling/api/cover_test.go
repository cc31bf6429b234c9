package api_test

import (
	"testing"

	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
	"github.com/hearthfps/hearth/services/visit-scheduling/api"
)

func TestCoverAbsence_PreviewThenForReal(t *testing.T) {
	a := start(t)
	a.hire("w1")
	a.approve("case-1", 5, 1, "w1")
	a.hire("w2")
	scheduler := a.as("scheduler", "s-1")
	const path = "/visits/v1/workers/w1/absences:cover"
	body := map[string]any{"from": "2026-03-03T00:00:00Z", "to": "2026-03-05T00:00:00Z", "reason_code": "sick", "max_moved": 0}
	a.as("family_worker", "w1").Post(path, body).WantProblem(403, "not_allowed")
	preview := apitest.Read[api.Cover](scheduler.Post(path+"?preview=true", body).Want(200))
	if !preview.Preview || preview.Absence != nil || len(preview.Covered) != 2 || preview.Tells.Caregivers != 2 || len(preview.Tells.Workers) != 2 {
		t.Fatalf("preview %+v", preview)
	}
	if w := apitest.Read[api.Worker](scheduler.Get("/visits/v1/workers/w1").Want(200)); len(w.Absences) != 0 {
		t.Error("a preview recorded the absence")
	}
	done := apitest.Read[api.Cover](scheduler.Post(path, body, apitest.Key("ill")).Want(200))
	again := apitest.Read[api.Cover](scheduler.Post(path, body, apitest.Key("ill")).Want(200))
	if done.Absence == nil || again.Absence == nil || done.Absence.Id != again.Absence.Id || len(done.Covered) != 2 || done.Covered[0].Words == "" {
		t.Errorf("done %+v, again %+v", done, again)
	}
	for _, c := range done.Covered {
		v := apitest.Read[api.Visit](scheduler.Get("/visits/v1/visits/" + c.VisitId).Want(200))
		if v.Workers[0] != "w2" || !v.StartsAt.Equal(c.To.StartsAt) {
			t.Errorf("visit %+v, the cover said %+v", v, c.To)
		}
	}
	scheduler.Post("/visits/v1/workers/nobody/absences:cover", body).WantProblem(404, "worker_not_found")
}
