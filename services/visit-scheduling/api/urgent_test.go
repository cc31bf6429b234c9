package api_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
	"github.com/hearthfps/hearth/pkg/policy"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/api"
)

func urgent(caseID string, change ...func(map[string]any)) map[string]any {
	b := map[string]any{"case_id": caseID, "minutes": 60, "skills": []string{"parenting"}, "language": "fi"}
	for _, f := range change {
		f(b)
	}
	return b
}

func TestUrgentVisit_ThreePlacesOneIsAccepted(t *testing.T) {
	a := start(t)
	a.hire("w1", "w2", "w3")
	a.approve("case-1", 2, 1, "w1")
	scheduler := a.as("scheduler", "s-1")
	offer := apitest.Read[api.UrgentOffer](scheduler.Post("/visits/v1/urgent-visits:offer", urgent("case-1")).Want(201))
	if len(offer.Places) != 3 || !offer.Places[0].FamilyKnowsWorker || offer.Places[0].Words == "" || offer.Places[0].Tells.Caregivers != 1 {
		t.Fatalf("offered %+v", offer)
	}
	accept := "/visits/v1/urgent-offers/" + offer.OfferId + ":accept"
	a.as("scheduler", "s-2").Post(accept, map[string]any{"place": 1}).WantProblem(404, "visit_not_found")
	booked := apitest.Read[api.UrgentBooked](scheduler.Post(accept, map[string]any{"place": 2}).Want(200))
	if !booked.Visit.StartsAt.Equal(offer.Places[1].StartsAt) || booked.Visit.Workers[0] != offer.Places[1].Workers[0] {
		t.Errorf("booked %+v, offered %+v", booked.Visit, offer.Places[1])
	}
	scheduler.Post(accept, map[string]any{"place": 3}).WantProblem(409, "offer_taken")
	series := apitest.Read[api.SeriesPage](scheduler.Get("/visits/v1/series?case_id=case-1").Want(200)).Items
	kinds := map[api.SeriesKind]int{}
	for _, s := range series {
		kinds[*s.Kind] += s.Ledger.Planned
	}
	if kinds["urgent"] != 1 || kinds["plan"] != 4 {
		t.Errorf("planned by kind: %v", kinds)
	}
}

func TestUrgentVisit_NeedToKnow(t *testing.T) {
	a := start(t)
	a.hire("w1", "w2")
	a.approve("case-1", 5, 1, "w1")
	a.tx(func(ctx context.Context, tx *kit.Tx) error {
		if err := policy.ExcludeWorker(ctx, tx, "case-1", "s-1"); err != nil {
			return err
		}
		return a.desk.CaseOpened(ctx, tx, "case-2", "house-2", "")
	})
	hidden := a.as("scheduler", "s-1").Post("/visits/v1/urgent-visits:offer", urgent("case-1")).WantProblem(404, "visit_not_found")
	missing := a.as("scheduler", "s-1").Post("/visits/v1/urgent-visits:offer", urgent("case-9")).WantProblem(404, "visit_not_found")
	if hidden.Detail != missing.Detail {
		t.Error("a case that is hidden and one that is not there are told apart")
	}
	a.as("family_worker", "w2").Post("/visits/v1/urgent-visits:offer", urgent("case-2")).WantProblem(404, "visit_not_found")
	// Monday is full of case-1's visit for w1 only; a place that would move it is not offered to s-1.
	monday := time.Date(2026, 3, 2, 7, 0, 0, 0, time.UTC)
	visit := apitest.Read[api.VisitPage](a.as("scheduler", "s-2").Get("/visits/v1/visits?case_id=case-1&day=2026-03-02").Want(200)).Items[0]
	a.as("scheduler", "s-2").Post("/visits/v1/workers/w2/absences", map[string]any{"from": monday.Add(-time.Hour), "to": monday.Add(24 * time.Hour), "reason_code": "sick"}).Want(201)
	noon := monday.Add(4 * time.Hour)
	visit = apitest.Read[api.Visit](a.as("scheduler", "s-2").Post("/visits/v1/visits/"+visit.VisitId+":reschedule", map[string]any{
		"starts_at": noon, "side": "family", "reason_code": "family_asked",
	}, apitest.IfMatch(fmt.Sprintf("%q", fmt.Sprint(visit.Version)))).Want(200))
	during := func(b map[string]any) {
		b["not_before"], b["done_by"] = noon, noon.Add(65*time.Minute)
	}
	open := apitest.Read[api.UrgentOffer](a.as("scheduler", "s-2").Post("/visits/v1/urgent-visits:offer", urgent("case-2", during)).Want(201))
	shut := apitest.Read[api.UrgentOffer](a.as("scheduler", "s-1").Post("/visits/v1/urgent-visits:offer", urgent("case-2", during)).Want(201))
	if len(open.Places) != 1 || len(open.Places[0].Moves) != 1 || len(shut.Places) != 0 {
		t.Errorf("offered %+v to who may move the visit, %+v to who may not know of it", open.Places, shut.Places)
	}
}

// What would have to give way is shown to who may know of it alone.
func TestUrgentVisit_RemediesKeepToWhatTheAskerMayKnow(t *testing.T) {
	a := start(t)
	a.hire("w1")
	a.approve("case-1", 5, 1, "w1")
	a.tx(func(ctx context.Context, tx *kit.Tx) error {
		if err := policy.ExcludeWorker(ctx, tx, "case-1", "s-1"); err != nil {
			return err
		}
		return a.desk.CaseOpened(ctx, tx, "case-2", "house-2", "")
	})
	s2 := a.as("scheduler", "s-2")
	visit := apitest.Read[api.VisitPage](s2.Get("/visits/v1/visits?case_id=case-1&day=2026-03-02").Want(200)).Items[0]
	noon := time.Date(2026, 3, 2, 11, 0, 0, 0, time.UTC)
	visit = apitest.Read[api.Visit](s2.Post("/visits/v1/visits/"+visit.VisitId+":reschedule", map[string]any{
		"starts_at": noon, "side": "family", "reason_code": "family_asked",
	}, apitest.IfMatch(fmt.Sprintf("%q", fmt.Sprint(visit.Version)))).Want(200))
	asked := urgent("case-2", func(b map[string]any) { // as long as the day: nowhere else for the visit to go
		b["minutes"], b["not_before"], b["done_by"] = 420, noon.Add(-4*time.Hour), noon.Add(195*time.Minute)
	})
	giveWay := func(o api.UrgentOffer) (visits []string) {
		if o.Remedies == nil {
			return nil
		}
		for _, r := range *o.Remedies {
			for _, s := range r.Steps {
				if s.Visits != nil {
					visits = append(visits, *s.Visits...)
				}
			}
		}
		return visits
	}
	open := apitest.Read[api.UrgentOffer](s2.Post("/visits/v1/urgent-visits:offer", asked).Want(201))
	shut := apitest.Read[api.UrgentOffer](a.as("scheduler", "s-1").Post("/visits/v1/urgent-visits:offer", asked).Want(201))
	if len(open.Places) != 0 || !slices.Contains(giveWay(open), visit.VisitId) {
		t.Errorf("to who may know of the visit: %+v", open)
	}
	if len(shut.Places) != 0 || giveWay(shut) != nil || len(shut.Reasons) == 0 {
		t.Errorf("to who may not: %+v", shut)
	}
}

func TestUrgentVisit_BadRequestsAreNamed(t *testing.T) {
	a := start(t)
	a.hire("w1")
	a.approve("case-1", 1, 1, "w1")
	s := a.as("scheduler", "s-1")
	s.Post("/visits/v1/urgent-visits:offer", urgent("case-1", func(b map[string]any) { b["minutes"] = 5 })).Want(http.StatusBadRequest)
	s.Post("/visits/v1/urgent-visits:offer", urgent("case-1", func(b map[string]any) { b["done_by"] = a.clock.Now().Add(25 * time.Hour) })).WantProblem(422, "urgent_invalid")
	offer := apitest.Read[api.UrgentOffer](s.Post("/visits/v1/urgent-visits:offer", urgent("case-1", func(b map[string]any) { b["skills"] = []string{"flying"} })).Want(201))
	if len(offer.Places) != 0 || len(offer.Reasons) != 1 || offer.Reasons[0] != "skill_missing" {
		t.Errorf("nobody flies: %+v", offer)
	}
	s.Post("/visits/v1/urgent-offers/"+offer.OfferId+":accept", map[string]any{"place": 1}).WantProblem(422, "place_unknown")
}
