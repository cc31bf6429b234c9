package visitscheduling

import (
	"github.com/hearthfps/hearth/pkg/app"
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
