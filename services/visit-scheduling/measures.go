package visitscheduling

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hearthfps/hearth/pkg/app"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/services/visit-scheduling/desk"
	"github.com/hearthfps/hearth/services/visit-scheduling/postgres"
)

// signals are what visit scheduling counts as it happens.
func signals() []app.Signal {
	const metric, help = "hearth_visits_total", "What became of visits."
	became := func(outcome, event string) app.Signal {
		return app.Signal{Metric: metric, Help: help, Event: "org.hearth.visit-scheduling.visit." + event + ".v1", Fixed: map[string]string{"outcome": outcome}}
	}
	return []app.Signal{
		became("scheduled", "scheduled"), became("rescheduled", "rescheduled"), became("completed", "completed"),
		became("attempted", "attempted"), became("cancelled", "cancelled"), became("unplaced", "unplaced"),
		{Metric: "hearth_visit_alarms_total", Help: "Alarms for workers who did not check out of a visit.", Event: "org.hearth.visit-scheduling.visit.checkout_missed.v1"},
	}
}

// censuses are what stands in visit scheduling's tables.
func censuses() []app.Census {
	return []app.Census{
		{Metric: "hearth_visits_unplaced", Help: "Visits of this week and later that have neither time nor worker.", Count: postgres.UnplacedVisits},
		{Metric: "hearth_visits_today", Help: "Visits that begin within 12 hours of now, before or after, by status.", Labels: []string{"status"}, Count: postgres.VisitsToday},
		{Metric: "hearth_visits_out", Help: "Visits that workers are at: in time, or past their end without a check-out.", Labels: []string{"state"}, Count: postgres.VisitsOut},
	}
}

// countRoads counts what comes of the ways that a provider of road times is asked about,
// from 0 on for each agency, whether one is named or not.
func countRoads(registry prometheus.Registerer, agencies []tenant.AgencyID) (func(tenant.AgencyID, desk.RoadOutcome, int), error) {
	ways := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hearth_road_ways_total", ConstLabels: prometheus.Labels{"service": Name},
		Help: "Ways a provider of road times was asked about: told, or estimated instead for there being no way (no_way) or no answer (failed).",
	}, []string{"agency", "outcome"})
	if err := registry.Register(ways); err != nil {
		return nil, fmt.Errorf("register hearth_road_ways_total: %w", err)
	}
	count := func(agency tenant.AgencyID, came desk.RoadOutcome, n int) {
		ways.WithLabelValues(agency.String(), string(came)).Add(float64(n))
	}
	for _, agency := range agencies {
		for _, came := range desk.RoadOutcomes() {
			count(agency, came, 0)
		}
	}
	return count, nil
}
