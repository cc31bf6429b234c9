package household

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/services/visit-scheduling/postgres"
)

func TestTravelPoint_ReadsWhatIntakeAnswers(t *testing.T) {
	lat, lon := 61.0, 25.5
	for _, test := range []struct {
		name, body string
		status     int
		want       postgres.TravelPoint
		kind       fault.Kind
	}{
		{
			"known", `{"known": true, "lat": 61, "lon": 25.5, "precision_m": 3000, "source": "postal_area"}`, 200,
			postgres.TravelPoint{Known: true, Lat: &lat, Lon: &lon, Source: "postal_area"},
			0,
		},
		{"withheld", `{"known": false, "source": "withheld"}`, 200, postgres.TravelPoint{Source: "withheld"}, 0},
		{"withheld, whatever else is sent", `{"known": false, "lat": 61, "lon": 25.5, "source": "withheld"}`, 200, postgres.TravelPoint{Source: "withheld"}, 0},
		{"nowhere on earth", `{"known": true, "lat": 610, "lon": 25.5, "source": "postal_area"}`, 200, postgres.TravelPoint{Source: "postal_area"}, 0},
		{"no such household", `{}`, 404, postgres.TravelPoint{Source: "unknown_household"}, 0},
		{"broken", `{`, 200, postgres.TravelPoint{}, fault.Unavailable},
		{"down", `{}`, 503, postgres.TravelPoint{}, fault.Unavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			asked := ""
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = r.URL.EscapedPath()
				w.WriteHeader(test.status)
				_, _ = w.Write([]byte(test.body))
			}))
			defer server.Close()
			got, err := Intake{Base: server.URL + "/", HTTP: server.Client(), Timeout: time.Second}.TravelPoint(t.Context(), "h/1")
			if asked != "/intake/v1/households/h%2F1/travel-point" {
				t.Errorf("asked %s", asked)
			}
			if (err != nil) != (test.kind != 0) || (err != nil && fault.KindOf(err) != test.kind) {
				t.Fatalf("error %v", err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTravelPoint_DoesNotWaitForEver(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	_, err := Intake{Base: server.URL, HTTP: server.Client(), Timeout: 20 * time.Millisecond}.TravelPoint(t.Context(), "h")
	if fault.KindOf(err) != fault.Unavailable {
		t.Errorf("got %v, want unavailable", err)
	}
}
