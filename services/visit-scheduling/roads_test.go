package visitscheduling_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hearthfps/hearth/pkg/app/apptest"
	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
	"github.com/hearthfps/hearth/services/visit-scheduling/api"
)

// tables is a server of road distances as OSRM is one: ten minutes for every way. It
// keeps what it is asked.
type tables struct {
	mu    sync.Mutex
	asked []string
}

func (s *tables) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, r.URL.String()+" "+r.Header.Get("Authorization"))
	s.mu.Unlock()
	count := func(name string) int {
		_, after, _ := strings.Cut("&"+r.URL.RawQuery, "&"+name+"=")
		list, _, _ := strings.Cut(after, "&")
		return len(strings.Split(list, ";"))
	}
	durations := make([][]float64, count("sources"))
	for i := range durations {
		durations[i] = slices.Repeat([]float64{600}, count("destinations"))
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"code": "Ok", "durations": durations}) // a client that has gone is its own business
}

func TestService_AProviderIsToldRoundedPlacesAndNothingElse(t *testing.T) {
	roads := &tables{}
	server := httptest.NewServer(roads)
	defer server.Close()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("k3y-canary\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := start(t, apptest.Settings(map[string]any{"travel_provider": "osrm", "travel_url": server.URL, "travel_key_file": key}))
	hire(h, "worker-1")
	h.Publish(approved(h, "case-1", 1))
	for _, v := range planned(h, "case-1", 3) {
		if v.TravelMinutes == nil || *v.TravelMinutes != 15 || *v.TravelSource != "osrm" { // ten minutes and the stop
			t.Errorf("visit %s: %v minutes by %v", v.Status, v.TravelMinutes, v.TravelSource)
		}
	}
	roads.mu.Lock()
	asked := slices.Clone(roads.asked)
	roads.mu.Unlock()
	want := "/table/v1/car/25.640,60.970;25.654,60.988?sources=0;1&destinations=0;1&annotations=duration Bearer k3y-canary"
	if len(asked) != 1 || asked[0] != want {
		t.Errorf("asked %q, want %q alone", asked, want)
	}
	if got, want := roadWays(h), map[string]float64{"told": 2, "no_way": 0, "failed": 0}; !maps.Equal(got, want) {
		t.Errorf("ways counted %v, want %v", got, want)
	}
	e := apitest.Read[api.TravelEstimate](h.As(auth.RoleScheduler, "scheduler-1").Get("/visits/v1/travel-estimate").Want(200))
	if e.Provider == nil || *e.Provider != "osrm" || e.ProviderWays == nil || *e.ProviderWays != 2 {
		t.Errorf("the estimate is shown as %+v", e)
	}
	for _, secret := range []string{"60.98", "25.65", "60.97", "k3y-canary"} {
		if strings.Contains(h.Logs(), secret) {
			t.Errorf("the log holds %s", secret)
		}
	}
}

// roadWays are the ways that were counted for an agency, by what came of them.
func roadWays(h *apptest.Harness) map[string]float64 {
	h.T.Helper()
	families, err := h.Registry.Gather()
	if err != nil {
		h.T.Fatal(err)
	}
	counted := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			of := map[string]string{}
			for _, l := range m.Label {
				of[l.GetName()] = l.GetValue()
			}
			if f.GetName() == "hearth_road_ways_total" && of["agency"] == apptest.Lakeland(h.T).String() {
				counted[of["outcome"]] = m.GetCounter().GetValue()
			}
		}
	}
	return counted
}

// Nobody is asked by default, and a server that is not there keeps nobody from a visit.
func TestService_PlansByTheEstimateWithoutAnAnswer(t *testing.T) {
	for name, with := range map[string]map[string]any{
		"nobody named": nil, "nobody there": {"travel_provider": "valhalla", "travel_url": "http://127.0.0.1:1"},
	} {
		t.Run(name, func(t *testing.T) {
			h := start(t, apptest.Settings(with))
			hire(h, "worker-1")
			h.Publish(approved(h, "case-1", 1))
			for _, v := range planned(h, "case-1", 3) {
				if v.TravelSource == nil || *v.TravelSource != "estimate" {
					t.Errorf("visit %s by %v", v.Status, v.TravelSource)
				}
			}
			e := apitest.Read[api.TravelEstimate](h.As(auth.RoleScheduler, "scheduler-1").Get("/visits/v1/travel-estimate").Want(200))
			if (e.Provider == nil) != (with == nil) {
				t.Errorf("provider %v", e.Provider)
			}
			counted := roadWays(h)
			if failed := counted["failed"]; (failed > 0) != (with != nil) || counted["told"]+counted["no_way"] != 0 {
				t.Errorf("ways counted %v", counted)
			}
			if warned := strings.Contains(h.Logs(), "the estimate stands in"); warned != (with != nil) || strings.Contains(h.Logs(), "60.98") {
				t.Errorf("logged %s", h.Logs())
			}
		})
	}
}
