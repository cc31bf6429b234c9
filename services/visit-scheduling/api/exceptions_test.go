package api_test

import (
	"net/http"
	"testing"

	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
	"github.com/hearthfps/hearth/services/visit-scheduling/api"
)

func TestExceptions_AreOfWhoSchedulesTheCase(t *testing.T) {
	a := start(t)
	a.hire("w1")
	a.approve("case-1", 1, 1, "w1")
	scheduler := a.as("scheduler", "s-1")
	const path = "/visits/v1/cases/case-1/exceptions"
	away := map[string]any{"kind": "away", "from_on": "2026-03-02", "to_on": "2026-03-08"}
	type added struct {
		Exception   api.Exception `json:"exception"`
		VisitsFreed int           `json:"visits_freed"`
	}
	first := scheduler.Post(path, away, apitest.Key("k1")).Want(201)
	got := apitest.Read[added](first)
	if got.VisitsFreed != 1 || got.Exception.Kind != "away" || got.Exception.ToOn == nil {
		t.Errorf("added %+v", got)
	}
	if again := apitest.Read[added](scheduler.Post(path, away, apitest.Key("k1")).Want(201)); again.Exception.ExceptionId != got.Exception.ExceptionId || again.VisitsFreed != 1 {
		t.Errorf("the same request again: %+v", again)
	}
	list := func(c *apitest.Client) []api.Exception {
		return apitest.Read[struct{ Items []api.Exception }](c.Get(path).Want(200)).Items
	}
	if items := list(a.as("family_worker", "w1")); len(items) != 1 {
		t.Errorf("the family's worker sees %+v", items)
	}
	a.as("family_worker", "w1").Post(path, away).Want(http.StatusForbidden)
	a.as("family_worker", "w2").Get(path).Want(http.StatusNotFound)
	a.in("rivertown", "scheduler", "s-9").Post(path, away).Want(http.StatusNotFound)
	scheduler.Post("/visits/v1/cases/nobody/exceptions", away).Want(http.StatusNotFound)
	for name, body := range map[string]map[string]any{
		"no end":           {"kind": "away", "from_on": "2026-03-02"},
		"hours by half":    {"kind": "away", "from_on": "2026-03-02", "to_on": "2026-03-02", "from": "10:00"},
		"school all day":   {"kind": "school", "from_on": "2026-03-02", "weekdays": []string{"mon"}},
		"an unknown field": {"kind": "away", "from_on": "2026-03-02", "to_on": "2026-03-02", "why": "illness"},
	} {
		if status := scheduler.Post(path, body).Status; status != 400 && status != 422 {
			t.Errorf("%s: %d", name, status)
		}
	}
	scheduler.Delete(path + "/" + got.Exception.ExceptionId).Want(204)
	scheduler.Delete(path + "/" + got.Exception.ExceptionId).Want(404)
	if items := list(scheduler); len(items) != 0 {
		t.Errorf("left: %+v", items)
	}
}
