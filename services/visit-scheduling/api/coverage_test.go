package api_test

import (
	"testing"
	"time"

	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
	"github.com/hearthfps/hearth/services/visit-scheduling/api"
	"github.com/hearthfps/hearth/services/visit-scheduling/rules"
)

func TestCoverage_AnAttemptIsNoVisitAndTheChildIsSeenAlone(t *testing.T) {
	a := start(t)
	book, err := rules.Load(rules.Files())
	if err != nil {
		t.Fatal(err)
	}
	a.desk.Coverage, a.desk.CoverageRule = book.Coverage, book.CoverageRule
	a.hire("w1")
	a.approve("case-1", 2, 1, "w1")
	scheduler, worker := a.as("scheduler", "s-1"), a.as("family_worker", "w1")
	visits := apitest.Read[api.VisitPage](scheduler.Get("/visits/v1/visits?case_id=case-1").Want(200)).Items
	at := func(v api.Visit) { a.clock.Advance(v.StartsAt.Sub(a.clock.Now())) }
	at(visits[0])
	worker.Post("/visits/v1/visits/"+visits[0].VisitId+":check-in", nil).Want(200)
	out := apitest.Read[api.Visit](worker.Post("/visits/v1/visits/"+visits[0].VisitId+":check-out", map[string]any{"child_seen_alone": map[string]any{"seen": true}}).Want(200))
	if out.ChildSeenAlone == nil || !out.ChildSeenAlone.Seen {
		t.Errorf("checked out as %+v", out)
	}
	at(visits[1])
	worker.Post("/visits/v1/visits/"+visits[1].VisitId+":attempt", map[string]any{"reason_code": "no_one_home"}).Want(200)
	a.clock.Advance(24 * time.Hour)
	type report struct {
		Rule  api.RuleRef
		Items []api.CaseCoverage
	}
	gaps := func(query string) map[string]int {
		r := apitest.Read[report](scheduler.Get("/visits/v1/coverage?month=2026-03" + query).Want(200))
		if r.Rule.Name != "visits" || r.Rule.Hash != book.CoverageRule.Hash {
			t.Errorf("decided by %+v", r.Rule)
		}
		all := map[string]int{}
		for _, c := range r.Items {
			for _, f := range c.Findings {
				all[string(f.Code)] = f.Gap
			}
		}
		return all
	}
	if got := gaps("&case_id=case-1"); got["visits_held"] != 1 || got["child_seen_alone"] != 0 || len(got) != 4 {
		t.Errorf("gaps %v", got)
	}
	if got := gaps("&worker_id=w2"); len(got) != 0 {
		t.Errorf("gaps of a worker without visits: %v", got)
	}
	// A colleague sees nothing of it.
	if r := apitest.Read[report](a.as("family_worker", "w2").Get("/visits/v1/coverage?month=2026-03").Want(200)); len(r.Items) != 0 {
		t.Errorf("a colleague sees %+v", r.Items)
	}
	scheduler.Get("/visits/v1/coverage?month=2026-13").Want(400)
}
