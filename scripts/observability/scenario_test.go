package observability

import (
	"math"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/hearthfps/hearth/scripts/observability/watch"
)

// absent is the value of a series that is not there.
var absent = math.NaN()

// made is one series of a scenario: a gauge's value, or a counter's increase in a
// minute, while all is well and while something is wrong.
type made struct {
	series     string
	well, ill  float64
	increasing bool
}

func gauge(series string, well, ill float64) made   { return made{series, well, ill, false} }
func counter(series string, well, ill float64) made { return made{series, well, ill, true} }

// scenario makes an alert's condition true, by series as a running suite has them.
type scenario struct {
	series []made
	// within is how long the fault lasts, and by when the alert must fire.
	within time.Duration
	// tells are labels the alert must have.
	tells map[string]string
}

const (
	received = `hearth_http_request_duration_seconds_count{service="intake",operation="receiveEvents",method="POST",status="202"}`
	inTime   = `hearth_http_request_duration_seconds_bucket{service="intake",operation="receiveEvents",method="POST",status="202",le="2.5"}`
	listed   = `hearth_http_request_duration_seconds_count{service="planning",operation="listCases",method="GET",status="200"}`
	failed   = `hearth_http_request_duration_seconds_count{service="planning",operation="listCases",method="GET",status="500"}`
	sent     = `hearth_messages_total{agency="lakeland",outcome="sent",service="notification",template="assignment"}`
	unsent   = `hearth_messages_total{agency="lakeland",outcome="failed",service="notification",template="assignment"}`
	met      = `hearth_clocks_met_total{agency="lakeland",clock="take_up",service="intake"}`
	ranOut   = `hearth_clocks_expired_total{agency="lakeland",clock="take_up",service="intake"}`
	outboxOf = `hearth_outbox_oldest_age_seconds{service="intake"}`
)

// behind are the four ways a service can be behind with events.
func behind(unprocessed, outbox, fetched, partitions made) []made {
	return []made{unprocessed, outbox, fetched, partitions}
}

var (
	handled    = gauge(`hearth_events_oldest_unprocessed_age_seconds{service="intake"}`, 0, 0)
	relayed    = gauge(outboxOf, 0, 0)
	fetched    = gauge(`hearth_events_fetch_age_seconds{service="intake"}`, 0.2, 0.2)
	partitions = gauge(`hearth_events_partitions{service="intake"}`, 48, 48)
	onTime     = gauge(`hearth_timers_late_seconds{service="visit-scheduling"}`, 0, 0)
	told       = gauge(`hearth_messages_oldest_overdue_seconds{agency="lakeland",service="notification",template="checkout_missed"}`, 0, 0)
)

func ill(m made, v float64) made { m.ill = v; return m }

// scenarios has at least one for every alert.
func scenarios() map[string][]scenario {
	intake, lakeland := map[string]string{"service": "intake"}, map[string]string{"agency": "lakeland"}
	one := func(within time.Duration, tells map[string]string, m ...made) []scenario {
		return []scenario{{m, within, tells}}
	}
	const minute, hour = time.Minute, time.Hour
	return map[string][]scenario{
		"HearthServiceGone":       one(4*minute, intake, gauge(`hearth_build_info{service="intake",version="v1",revision="a"}`, 1, absent)),
		"HearthDependencyDown":    one(5*minute, map[string]string{"service": "intake", "dependency": "database"}, gauge(`hearth_dependency_up{service="intake",dependency="database"}`, 1, 0)),
		"HearthCacheDown":         one(12*minute, intake, gauge(`hearth_dependency_up{service="intake",dependency="cache"}`, 1, 0)),
		"HearthEventsNotFetched":  one(5*minute, intake, ill(fetched, 90), partitions),
		"HearthEventsUnassigned":  one(5*minute, intake, ill(partitions, 0)),
		"HearthEventsGone":        one(3*minute, intake, counter(`hearth_events_out_of_range_total{service="intake"}`, 0, 1)),
		"HearthOutboxStuck":       one(5*minute, intake, ill(relayed, 90)),
		"HearthKeysParked":        one(12*minute, intake, gauge(`hearth_events_parked_keys{service="intake"}`, 0, 1)),
		"HearthManyKeysParked":    one(7*minute, intake, gauge(`hearth_events_parked_keys{service="intake"}`, 20, 21)),
		"HearthTimersLate":        one(7*minute, map[string]string{"service": "visit-scheduling"}, ill(onTime, 150)),
		"HearthTimersParked":      one(7*minute, intake, gauge(`hearth_timers_parked{service="intake"}`, 0, 1)),
		"HearthDatabasePoolShort": one(20*minute, intake, counter(`hearth_db_wait_seconds_total{service="intake"}`, 1, 90)),
		"HearthSchemaBehind": one(7*minute, map[string]string{"service": "intake", "tables": "service"},
			gauge(`hearth_schema_version{of="code",service="intake",tables="service"}`, 1, 2), gauge(`hearth_schema_version{of="database",service="intake",tables="service"}`, 1, 1)),
		"HearthSchemaAhead": one(65*minute, map[string]string{"service": "intake", "tables": "kit"},
			gauge(`hearth_schema_version{of="code",service="intake",tables="kit"}`, 3, 3), gauge(`hearth_schema_version{of="database",service="intake",tables="kit"}`, 3, 4)),
		"HearthVersionsDiffer": one(65*minute, intake,
			gauge(`hearth_build_info{service="intake",version="v1",revision="a"}`, 1, 1), gauge(`hearth_build_info{service="intake",version="v2",revision="b"}`, absent, 1)),
		"HearthRequestsFailFast": one(30*minute, map[string]string{"service": "planning"}, counter(listed, 60, 55), counter(failed, 0, 5)),
		"HearthRequestsFailSlow": one(3*hour, map[string]string{"service": "planning"}, counter(listed, 60, 60), counter(failed, 0, 0.5)),
		"HearthEventsLateFast": {
			{behind(ill(handled, 45), relayed, fetched, partitions), 10 * minute, intake},
			{behind(handled, ill(relayed, 45), fetched, partitions), 10 * minute, intake},
			{behind(handled, relayed, ill(fetched, 45), partitions), 10 * minute, intake},
			{behind(handled, relayed, fetched, ill(partitions, 0)), 10 * minute, intake},
		},
		"HearthEventsLateSlow":           one(3*hour, intake, behind(ill(handled, 45), relayed, fetched, partitions)...),
		"HearthReferralsNotAcceptedFast": {{[]made{counter(received, 20, 10), counter(inTime, 20, 5)}, 30 * minute, intake}, {[]made{counter(received, 20, 0), counter(inTime, 20, 0), counter(`hearth_http_request_duration_seconds_count{service="intake",operation="importEvents",method="POST",status="503"}`, 0, 5)}, 30 * minute, intake}},
		"HearthReferralsNotAcceptedSlow": one(3*hour, intake, counter(received, 20, 20), counter(inTime, 20, 19.8)),
		"HearthScreeningLateFast":        one(2*hour, lakeland, counter(met, 1, 0), counter(ranOut, 0, 1)),
		"HearthScreeningLateSlow":        one(5*hour, lakeland, counter(met, 1, 0.7), counter(ranOut, 0, 0.3)),
		"HearthClockExpired":             one(5*minute, map[string]string{"agency": "lakeland", "clock": "take_up"}, counter(ranOut, 0, 1)),
		"HearthImmediateReferralWaits":   one(125*minute, lakeland, gauge(`hearth_referrals_waiting{agency="lakeland",priority="immediate",service="intake"}`, 0, 1)),
		"HearthMatchDrift":               one(4*hour, lakeland, gauge(`hearth_match_drift{agency="lakeland",service="intake"}`, 0.1, 0.3)),
		"HearthMatchReviewsPile":         one(25*hour, lakeland, gauge(`hearth_match_reviews_waiting{agency="lakeland",service="intake"}`, 200, 201)),
		"HearthAssessmentsOverdue":       one(25*hour, lakeland, gauge(`hearth_assessments_open{agency="lakeland",service="assessment",state="overdue"}`, 0, 2)),
		"HearthCasesUnassigned":          one(25*hour, lakeland, gauge(`hearth_cases_unassigned{agency="lakeland",service="planning"}`, 0, 1)),
		"HearthVisitsUnplaced":           one(25*hour, lakeland, gauge(`hearth_visits_unplaced{agency="lakeland",service="visit-scheduling"}`, 0, 1)),
		"HearthVisitAlarmsLateFast":      {{[]made{ill(onTime, 150), told}, 10 * minute, nil}, {[]made{onTime, ill(told, 400)}, 10 * minute, nil}},
		"HearthVisitAlarmsLateSlow":      one(3*hour, nil, onTime, ill(told, 400)),
		"HearthMessagesFailFast":         one(time.Hour, lakeland, counter(sent, 10, 5), counter(unsent, 0, 5)),
		"HearthMessagesFailSlow":         one(3*hour, lakeland, counter(sent, 10, 9.2), counter(unsent, 0, 0.8)),
		"HearthMessagesOverdue":          one(7*minute, map[string]string{"agency": "lakeland", "template": "checkout_missed"}, ill(told, 1000)),
		"HearthMessageTasksPile":         one(65*minute, lakeland, gauge(`hearth_message_tasks_open{agency="lakeland",service="notification"}`, 25, 26)),
		"HearthResourceReferralsUnanswered": one(98*hour, lakeland,
			gauge(`hearth_resource_referrals_open{agency="lakeland",service="resource-directory",state="requested"}`, 3, 3),
			counter(`hearth_resource_referrals_total{agency="lakeland",service="resource-directory",step="accepted"}`, 0.1, 0)),
	}
}

// player feeds a scenario: a sample of each series at each step.
type player struct {
	t      *testing.T
	p      *watch.Prometheus
	series []made
	sums   []float64
	now    time.Time
	step   time.Duration
}

func (p *player) minute(ill bool) []watch.Alert {
	p.t.Helper()
	p.now = p.now.Add(p.step)
	for i, m := range p.series {
		v := m.well
		if ill {
			v = m.ill
		}
		if m.increasing {
			p.sums[i] += v * p.step.Minutes()
			v = p.sums[i]
		}
		l, err := parser.ParseMetric(m.series)
		if err != nil {
			p.t.Fatal(err)
		}
		if !math.IsNaN(v) {
			p.p.Append(l, p.now, v)
		} else if !math.IsNaN(m.well) {
			p.p.End(l, p.now)
		}
	}
	firing, err := p.p.Evaluate(p.t.Context(), p.now)
	if err != nil {
		p.t.Fatal(err)
	}
	return firing
}
