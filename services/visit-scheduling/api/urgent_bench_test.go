package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/services/visit-scheduling/desk"
	"github.com/hearthfps/hearth/services/visit-scheduling/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// region puts each household at one of 120 postal areas.
type region struct{}

func (region) TravelPoint(_ context.Context, household string) (postgres.TravelPoint, error) {
	h := fnv.New32a()
	h.Write([]byte(household))
	area := int(h.Sum32() % 120)
	lat, lon := 61+float64(area%12)*0.02, 25.3+float64(area/12)*0.04
	return postgres.TravelPoint{Known: true, Lat: &lat, Lon: &lon, Source: "postal_area"}, nil
}

// published is an agency with a published week of 5,000 families' two visits.
func published(b *testing.B) *agency {
	const families, workers = 5000, 250
	a := start(b)
	a.desk.Points, a.desk.Settings.Horizon = region{}, 1
	var hours []map[string]any
	for _, day := range []string{"mon", "tue", "wed", "thu", "fri"} {
		hours = append(hours, map[string]any{"weekday": day, "from": "08:00", "to": "18:00"})
	}
	for i := range workers {
		a.as("scheduler", "s-1").Put(fmt.Sprintf("/visits/v1/workers/w%03d", i), body(func(m map[string]any) {
			m["weekly_hours"] = hours
			m["base"] = map[string]any{"lat": 61 + float64(i%12)*0.02, "lon": 25.3 + float64(i/12%10)*0.04}
		})).Want(201)
	}
	for i := range families {
		weekdays := []clock.Weekday{"mon", "tue", "wed", "thu", "fri"}
		weekdays = []clock.Weekday{weekdays[i%5], weekdays[(i+2)%5]}
		w := schedule.WorkerID(fmt.Sprintf("w%03d", i%workers))
		a.tx(func(ctx context.Context, tx *kit.Tx) error {
			return a.desk.Approve(ctx, tx, desk.ApprovedPlan{
				PlanID: schedule.PlanID(fmt.Sprintf("plan-%d", i)), Version: 1, Case: schedule.CaseID(fmt.Sprintf("case-%d", i)), Household: fmt.Sprintf("house-%d", i),
				StartsOn: clock.NewDate(2026, 3, 2), EndsOn: clock.NewDate(2026, 3, 8), Workers: []schedule.WorkerID{w}, Recipients: []string{"person-1"},
				Pattern: schedule.Pattern{
					TimesAWeek: 2, Minutes: 30, Workers: 1, Place: schedule.Home, Skills: []string{"parenting"},
					Language: "fi", Earliest: 8 * 60, Latest: 18 * 60, Weekdays: weekdays,
				},
			}, a.clock.Now(), "")
		})
	}
	id, err := tenant.Parse("lakeland")
	if err != nil {
		b.Fatal(err)
	}
	for planned := true; planned; {
		if planned, err = a.desk.PlanNext(tenant.With(b.Context(), id), "bench"); err != nil {
			b.Fatal(err)
		}
	}
	var booked int
	a.tx(func(ctx context.Context, tx *kit.Tx) error {
		return tx.GetContext(ctx, &booked, `SELECT count(*) FROM visit WHERE status = 'scheduled'`)
	})
	b.Logf("%d visits are booked", booked)
	return a
}

// BenchmarkUrgentOffer asks for places of urgent visits by HTTP against the store
// with a published week of 10,000 visits: single, pair, and single while every
// tenth offer is accepted.
func BenchmarkUrgentOffer(b *testing.B) {
	a := published(b)
	post := func(path string, body map[string]any) []byte {
		sent, err := json.Marshal(body)
		if err != nil {
			b.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(sent))
		r.Header.Set("Authorization", "Bearer lakeland/scheduler/s-1")
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		a.http.ServeHTTP(w, r)
		if w.Code >= 300 {
			b.Fatalf("%s: %d %s", path, w.Code, w.Body)
		}
		return w.Body.Bytes()
	}
	keep, stop := context.WithCancel(b.Context())
	kept := make(chan error)
	go func() { kept <- a.desk.KeepBoards(keep) }()
	defer func() { stop(); <-kept }()
	n := 0
	for name, test := range map[string]struct{ workers, accept int }{"single": {1, 0}, "pair": {2, 0}, "accepted": {1, 10}} {
		b.Run(name, func(b *testing.B) {
			var took []time.Duration
			places := 0
			post("/visits/v1/urgent-visits:offer", urgent("case-1"))
			for b.Loop() {
				n++
				began := time.Now()
				answer := post("/visits/v1/urgent-visits:offer", urgent(fmt.Sprintf("case-%d", n*37%5000), func(m map[string]any) { m["workers"] = test.workers }))
				took = append(took, time.Since(began))
				var offer struct {
					ID     string `json:"offer_id"`
					Places []any  `json:"places"`
				}
				if err := json.Unmarshal(answer, &offer); err != nil {
					b.Fatal(err)
				}
				places += len(offer.Places)
				if test.accept > 0 && n%test.accept == 0 && len(offer.Places) > 0 {
					post("/visits/v1/urgent-offers/"+offer.ID+":accept", map[string]any{"place": 1})
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
			b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "max-ms")
			b.ReportMetric(float64(places)/float64(len(took)), "places/op")
		})
	}
}
