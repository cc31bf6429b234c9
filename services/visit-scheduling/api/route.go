package api

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// GeoJSON, as far as a route takes (RFC 7946). Positions are longitude, latitude.
type (
	featureCollection struct {
		Type     string    `json:"type"`
		Features []feature `json:"features"`
	}
	feature struct {
		Type       string         `json:"type"`
		ID         string         `json:"id,omitempty"`
		Geometry   *geometry      `json:"geometry"` // null when the place is not known, or not shown
		Properties map[string]any `json:"properties"`
	}
	geometry struct {
		Type        string `json:"type"`
		Coordinates any    `json:"coordinates"`
	}
)

// GetWorkerRoute answers a worker's day as a map.
func (s Server) GetWorkerRoute(ctx context.Context, r GetWorkerRouteRequestObject) (GetWorkerRouteResponseObject, error) {
	id := schedule.WorkerID(r.WorkerId)
	var worker schedule.Worker
	var visits []schedule.Visit
	var households map[schedule.CaseID]string
	var base bool
	err := s.Desk.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) (err error) {
		if base, err = s.Access.readWorker(ctx, tx, id); err != nil {
			return err
		}
		if worker, err = s.Desk.Store.Worker(ctx, tx, id, false); err != nil {
			return err
		}
		cal, err := s.Desk.Calendar(tx.Agency())
		if err != nil {
			return err
		}
		seen, args, err := s.Access.listVisits(ctx, tx)
		if err != nil {
			return err
		}
		day := dateOf(r.Date)
		visits, err = s.Desk.Store.VisitList(ctx, tx, postgres.VisitPage{
			Worker: id, Day: schedule.Span{From: day.Start(cal.Zone()), To: day.AddDays(1).Start(cal.Zone())}, Limit: calendarMost, Seen: seen, Args: args,
		})
		if err != nil {
			return err
		}
		var cases []schedule.CaseID
		for _, v := range visits {
			cases = append(cases, v.Case)
		}
		households, err = s.Desk.Store.HouseholdsOf(ctx, tx, cases)
		return err
	})
	if err != nil {
		return nil, err
	}
	var asked []string
	for _, v := range visits {
		if h := households[v.Case]; v.Place == schedule.Home && h != "" && !slices.Contains(asked, h) {
			asked = append(asked, h)
		}
	}
	points, err := s.Desk.PlacesNow(ctx, asked)
	if err != nil {
		return nil, err
	}
	if !base {
		worker.Base = nil
	}
	data, err := json.Marshal(route(worker, visits, func(v schedule.Visit) *schedule.Point {
		if v.Place != schedule.Home {
			return nil
		}
		return points[households[v.Case]].Point()
	}))
	if err != nil {
		return nil, err
	}
	var answer GetWorkerRoute200ApplicationGeoPlusJSONResponse
	err = json.Unmarshal(data, &answer)
	return answer, err
}

// route lays a day out in order: the base, if it may be shown, each visit, and
// straight lines between places that follow each other and are known.
func route(w schedule.Worker, visits []schedule.Visit, where func(schedule.Visit) *schedule.Point) featureCollection {
	out := featureCollection{Type: "FeatureCollection", Features: []feature{}}
	at := func(p schedule.Point) []float64 { return []float64{p.Lon, p.Lat} }
	var last *schedule.Point
	leg := func(to *schedule.Point) {
		if last != nil && to != nil && *last != *to {
			out.Features = append(out.Features, feature{
				Type: "Feature", Geometry: &geometry{"LineString", [][]float64{at(*last), at(*to)}},
				Properties: map[string]any{"kind": "leg", "estimate": true, "note": "a straight line, no road"},
			})
		}
		last = to
	}
	if w.Base != nil {
		out.Features = append(out.Features, feature{Type: "Feature", Geometry: &geometry{"Point", at(*w.Base)}, Properties: map[string]any{"kind": "base"}})
		last = w.Base
	}
	travelled := false
	for i, v := range visits {
		f := feature{Type: "Feature", ID: string(v.ID), Properties: map[string]any{
			"kind": "visit", "order": i + 1, "starts_at": v.Slot.StartsAt.Format(time.RFC3339), "ends_at": v.Slot.EndsAt.Format(time.RFC3339),
			"place": string(v.Place), "status": string(v.Status), "travel_minutes": v.Slot.Travel, "travel_source": string(sourceOf(*v.Slot)),
		}}
		if v.Place != schedule.Remote { // nobody goes anywhere for a remote one
			p := where(v)
			leg(p)
			if p != nil {
				travelled = true
				f.Geometry = &geometry{"Point", at(*p)}
			}
		}
		out.Features = append(out.Features, f)
	}
	if travelled && w.Base != nil {
		leg(w.Base)
	}
	return out
}
