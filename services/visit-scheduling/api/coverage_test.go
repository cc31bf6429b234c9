package api_test

import (
	"context"
	"testing"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/api"
	"github.com/hearthfps/hearth/services/visit-scheduling/rules"
)

func TestCoverage_AnAttemptIsNoVisitAndTheChildIsSeenAlone(t *testing.T) {
	a := start(t)
	book, err := rules.Load(rules.Files())
	if err != nil {
		t.Fatal(err)
	}
	a.desk.Coverage = book.Coverage
	every := book.Coverage("", clock.NewDate(2026, 3, 1)).Ref
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
		if r.Rule.Name != "visits" || r.Rule.Hash != every.Hash {
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

func TestCoverage_IsSummedByWorkerTeamProgramAndMonth(t *testing.T) {
	a := start(t)
	book, err := rules.Load(rules.Files())
	if err != nil {
		t.Fatal(err)
	}
	a.desk.Coverage = book.Coverage
	scheduler := a.as("scheduler", "s-1")
	for _, w := range []string{"w1", "w2"} {
		scheduler.Put("/visits/v1/workers/"+w, body(func(b map[string]any) { b["team"] = "north" })).Want(201)
	}
	a.approve("case-1", 1, 2, "w1")
	a.approve("case-2", 2, 1, "w1")
	a.tx(func(ctx context.Context, tx *kit.Tx) error {
		return a.desk.Store.SetProgram(ctx, tx, "case-1", "crisis_intervention")
	})
	a.clock.Advance(30 * 24 * time.Hour)
	summary := func(query string) map[string]api.CoverageGroup {
		all := map[string]api.CoverageGroup{}
		for _, g := range apitest.Read[page[api.CoverageGroup]](scheduler.Get("/visits/v1/coverage/summary?month=2026-03&" + query).Want(200)).Items {
			key := g.Month
			if g.Key != nil {
				key = *g.Key
			}
			all[key] = g
		}
		return all
	}
	held := func(g api.CoverageGroup) int {
		for _, m := range g.Gaps {
			if m.Code == "visits_held" {
				return m.Gap
			}
		}
		return 0
	}
	if got := summary("by=month&months=2"); len(got) != 1 || got["2026-03"].Due != 6 || got["2026-03"].Cases != 2 || held(got["2026-03"]) != 6 {
		t.Errorf("by month %+v", got)
	}
	if got := summary("by=program"); got["crisis_intervention"].Due != 2 || got["2026-03"].Due != 4 {
		t.Errorf("by program %+v", got)
	}
	byWorker := summary("by=worker")
	if w1, w2 := byWorker["w1"], byWorker["w2"]; w1.Due+w2.Due != 8 || w2.Cases == 0 || w2.Due < 2 {
		t.Errorf("by worker %+v", byWorker)
	}
	if got := summary("by=team"); len(got) != 1 || got["north"].Due != 6 {
		t.Errorf("by team %+v", got)
	}
	type report struct{ Items []api.CaseCoverage }
	cases := apitest.Read[report](scheduler.Get("/visits/v1/coverage?month=2026-03&gaps=true").Want(200)).Items
	if len(cases) != 2 || cases[0].Rule.Name != "crisis_intervention" || *cases[0].Program != "crisis_intervention" || cases[1].Rule.Name != "visits" || cases[1].Program != nil {
		t.Errorf("with gaps %+v", cases)
	}
	// Nothing is summed of what the asker may not know of.
	if items := apitest.Read[page[api.CoverageGroup]](a.as("family_worker", "w9").Get("/visits/v1/coverage/summary?month=2026-03&by=team").Want(200)).Items; len(items) != 0 {
		t.Errorf("a stranger is told %+v", items)
	}
	scheduler.Get("/visits/v1/coverage/summary?month=2026-03&by=family").Want(400)
	scheduler.Get("/visits/v1/coverage/summary?month=2026-03&by=team&months=7").Want(400)
}
