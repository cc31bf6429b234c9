package dashboards

// Requests and the like are rates over Grafana's own window.
const (
	requests = `hearth_http_request_duration_seconds_count{service=~"$service"}`
	buckets  = `hearth_http_request_duration_seconds_bucket{service=~"$service"}`
)

func one(expr, legend string) []Query { return []Query{{expr, legend}} }

// All are the dashboards, by file name.
func All() map[string]Dashboard {
	return map[string]Dashboard{
		"hearth-suite.json": suite(), "hearth-service.json": service(), "hearth-kafka.json": kafka(), "hearth-agencies.json": agencies(),
	}
}

func suite() Dashboard {
	return Dashboard{UID: "hearth-suite", Title: "Hearth: suite", Panels: []Panel{
		{Title: "Replicas", Says: "How many of each service run.", Unit: "short", Stat: true, Queries: one(`count by (service) (hearth_build_info)`, "{{service}}")},
		{Title: "Dependencies", Says: "1: every replica gets an answer. 0: one gets none.", Unit: "short", Stat: true, Queries: one(`min by (dependency) (hearth_dependency_up)`, "{{dependency}}")},
		{Title: "Parked keys", Says: "Families whose events wait for an operator.", Unit: "short", Stat: true, Queries: one(`max by (service) (hearth_events_parked_keys)`, "{{service}}")},
		{Title: "Error ratio over an hour, by objective", Says: "Referral accepted, requests, event age, screened in time, delivery, visit alarms.", Unit: "percentunit", Wide: true, Queries: one(`max by (slo) (hearth:slo_errors:ratio_1h)`, "{{slo}}")},
		{Title: "Referrals accepted", Says: "In an hour, by channel.", Unit: "short", Queries: one(`sum by (channel) (increase(hearth_referrals_received_total[1h]))`, "{{channel}}")},
		{Title: "Requests", Says: "In a second.", Unit: "reqps", Queries: one(`sum by (service) (rate(hearth_http_request_duration_seconds_count[$__rate_interval]))`, "{{service}}")},
		{Title: "Failed requests", Says: "The share answered with 5xx.", Unit: "percentunit", Queries: one(`hearth:slo_errors:ratio_5m{slo="requests"}`, "{{service}}")},
		{Title: "Slowest requests in a hundred", Says: "99th percentile.", Unit: "s", Queries: one(`histogram_quantile(0.99, sum by (service, le) (rate(hearth_http_request_duration_seconds_bucket[$__rate_interval])))`, "{{service}}")},
		{Title: "Oldest event not sent or not handled", Says: "How far services are behind each other.", Unit: "s", Queries: []Query{
			{`max by (service) (hearth_outbox_oldest_age_seconds)`, "{{service}} not sent"}, {`max by (service) (hearth_events_oldest_unprocessed_age_seconds)`, "{{service}} not handled"},
		}},
		{Title: "Timers late", Says: "Clocks, alarms and messages stand on timers.", Unit: "s", Queries: one(`max by (service) (hearth_timers_late_seconds)`, "{{service}}")},
		{Title: "Messages", Says: "What became of them, in an hour.", Unit: "short", Queries: one(`sum by (outcome) (increase(hearth_messages_total[1h]))`, "{{outcome}}")},
		{Title: "Workers out on visits", Says: "In time, and past the visit's end without a check-out.", Unit: "short", Queries: one(`sum by (state) (max by (agency, state) (hearth_visits_out))`, "{{state}}")},
		{Title: "Versions", Says: "Of the code that runs.", Unit: "short", Stat: true, Queries: one(`count by (service, version) (hearth_build_info)`, "{{service}} {{version}}")},
	}}
}

func service() Dashboard {
	return Dashboard{UID: "hearth-service", Title: "Hearth: service", Variables: []Variable{{"service", "hearth_build_info"}}, Panels: []Panel{
		{Title: "Requests by operation", Unit: "reqps", Queries: one(`sum by (service, operation) (rate(`+requests+`[$__rate_interval]))`, "{{service}} {{operation}}")},
		{Title: "Errors by operation", Says: "Refused (4xx) and failed (5xx).", Unit: "reqps", Queries: []Query{
			{`sum by (service, operation, status) (rate(hearth_http_request_duration_seconds_count{service=~"$service",status=~"[45].."}[$__rate_interval]))`, "{{service}} {{operation}} {{status}}"},
			{`0 * sum by (service) (rate(` + requests + `[$__rate_interval]))`, "{{service}}"},
		}},
		{Title: "Duration", Says: "50th, 95th and 99th percentile.", Unit: "s", Queries: []Query{
			{`histogram_quantile(0.5, sum by (service, le) (rate(` + buckets + `[$__rate_interval])))`, "{{service}} p50"},
			{`histogram_quantile(0.95, sum by (service, le) (rate(` + buckets + `[$__rate_interval])))`, "{{service}} p95"},
			{`histogram_quantile(0.99, sum by (service, le) (rate(` + buckets + `[$__rate_interval])))`, "{{service}} p99"},
		}},
		{Title: "Requests being answered", Unit: "short", Queries: one(`sum by (service) (hearth_http_requests_running{service=~"$service"})`, "{{service}}")},
		{Title: "Dependencies", Says: "1 answers, 0 does not.", Unit: "short", Queries: one(`min by (service, dependency) (hearth_dependency_up{service=~"$service"})`, "{{service}} {{dependency}}")},
		{Title: "Database connections", Unit: "short", Queries: one(`sum by (service, state) (hearth_db_connections{service=~"$service"})`, "{{service}} {{state}}")},
		{Title: "Waiting for a connection", Says: "Seconds waited, in each second.", Unit: "short", Queries: one(`sum by (service) (rate(hearth_db_wait_seconds_total{service=~"$service"}[$__rate_interval]))`, "{{service}}")},
		{Title: "Statements", Says: "Calls to PostgreSQL, by database and kind.", Unit: "reqps", Queries: one(`sum by (db_namespace, db_operation_name) (rate(db_client_operation_duration_seconds_count[$__rate_interval]))`, "{{db_namespace}} {{db_operation_name}}")},
		{Title: "Timers fired", Unit: "reqps", Queries: one(`sum by (service, kind, became) (rate(hearth_timers_fired_total{service=~"$service"}[$__rate_interval]))`, "{{service}} {{kind}} {{became}}")},
		{Title: "Timers late, timers parked", Unit: "short", Queries: []Query{
			{`max by (service) (hearth_timers_late_seconds{service=~"$service"})`, "{{service}} seconds late"}, {`max by (service) (hearth_timers_parked{service=~"$service"})`, "{{service}} parked"},
		}},
		{Title: "Migrations", Says: "The last one the code knows, and the last the database has.", Unit: "short", Stat: true, Queries: one(`max by (service, tables, of) (hearth_schema_version{service=~"$service"})`, "{{service}} {{tables}} {{of}}")},
		{Title: "Memory", Says: "Resident, by process.", Unit: "bytes", Queries: one(`process_resident_memory_bytes`, "{{instance}}")},
		{Title: "Processor", Says: "Cores in use, by process.", Unit: "short", Queries: one(`rate(process_cpu_seconds_total[$__rate_interval])`, "{{instance}}")},
		{Title: "Goroutines", Unit: "short", Queries: one(`go_goroutines`, "{{instance}}")},
	}}
}

func kafka() Dashboard {
	return Dashboard{UID: "hearth-kafka", Title: "Hearth: Kafka", Variables: []Variable{{"service", "hearth_build_info"}}, Panels: []Panel{
		{Title: "Events sent", Says: "In a second, by topic.", Unit: "reqps", Queries: one(`sum by (topic) (rate(hearth_events_sent_total{service=~"$service"}[$__rate_interval]))`, "{{topic}}")},
		{Title: "Events taken in", Says: "In a second, by what became of them.", Unit: "reqps", Queries: one(`sum by (service, outcome) (rate(hearth_events_consumed_total{service=~"$service"}[$__rate_interval]))`, "{{service}} {{outcome}}")},
		{Title: "Lag", Says: "Messages not handled yet, by consumer and topic.", Unit: "short", Queries: one(`sum by (service, topic) (hearth_events_lag{service=~"$service"})`, "{{service}} {{topic}}")},
		{Title: "Oldest event not sent", Unit: "s", Queries: one(`max by (service) (hearth_outbox_oldest_age_seconds{service=~"$service"})`, "{{service}}")},
		{Title: "Oldest event not handled", Unit: "s", Queries: one(`max by (service) (hearth_events_oldest_unprocessed_age_seconds{service=~"$service"})`, "{{service}}")},
		{Title: "Since the last fetch", Says: "A broker that does not answer lets it grow.", Unit: "s", Queries: one(`max by (service) (hearth_events_fetch_age_seconds{service=~"$service"})`, "{{service}}")},
		{Title: "Since the outbox was looked at", Says: "A database that does not answer lets it grow.", Unit: "s", Queries: one(`max by (service) (hearth_outbox_look_age_seconds{service=~"$service"})`, "{{service}}")},
		{Title: "Partitions consumed", Says: "Twelve for each topic, over all replicas.", Unit: "short", Queries: one(`sum by (service) (hearth_events_partitions{service=~"$service"})`, "{{service}}")},
		{Title: "Parked keys", Says: "See the runbook HearthKeysParked.", Unit: "short", Queries: one(`max by (service) (hearth_events_parked_keys{service=~"$service"})`, "{{service}}")},
		{Title: "Relay turns that failed", Unit: "reqps", Queries: one(`sum by (service) (rate(hearth_events_relay_failures_total{service=~"$service"}[$__rate_interval]))`, "{{service}}")},
		{Title: "Events that were gone", Says: "Times a topic no longer held what was to come next: retention was shorter than an outage.", Unit: "short", Queries: one(`sum by (service) (increase(hearth_events_out_of_range_total{service=~"$service"}[1d]))`, "{{service}}")},
	}}
}

func agencies() Dashboard {
	const of = `{agency=~"$agency"}`
	day := func(metric, by string) string {
		return `sum by (agency, ` + by + `) (increase(` + metric + of + `[1d]))`
	}
	now := func(metric, by string) string { return `max by (agency, ` + by + `) (` + metric + of + `)` }
	return Dashboard{UID: "hearth-agencies", Title: "Hearth: agencies", Variables: []Variable{{"agency", "hearth_census_timestamp_seconds"}}, Panels: []Panel{
		{Title: "Clocks that run, and that ran out", Says: "By clock; those that ran out in the last 30 days and were not met since.", Unit: "short", Wide: true, Queries: one(now("hearth_clocks_open", "clock, state"), "{{agency}} {{clock}} {{state}}")},
		{Title: "Clocks met in a day", Unit: "short", Queries: one(day("hearth_clocks_met_total", "clock"), "{{agency}} {{clock}}")},
		{Title: "Clocks run out in a day", Unit: "short", Queries: one(day("hearth_clocks_expired_total", "clock"), "{{agency}} {{clock}}")},
		{Title: "Referrals that wait", Says: "By priority.", Unit: "short", Queries: one(now("hearth_referrals_waiting", "priority"), "{{agency}} {{priority}}")},
		{Title: "Referrals received in a day", Unit: "short", Queries: one(day("hearth_referrals_received_total", "channel"), "{{agency}} {{channel}}")},
		{Title: "Screening decisions in a day", Unit: "short", Queries: one(day("hearth_referrals_screened_total", "decision"), "{{agency}} {{decision}}")},
		{Title: "Pairs of persons to decide", Says: "Whether they are one.", Unit: "short", Queries: one(`max by (agency) (hearth_match_reviews_waiting`+of+`)`, "{{agency}}")},
		{Title: "Drift of matching", Says: "Of the comparison that changed most since the model came into use; an alarm from 0.25.", Unit: "short", Queries: one(`max by (agency) (hearth_match_drift`+of+`)`, "{{agency}}")},
		{Title: "Cases", Says: "Open until a plan is approved, then active.", Unit: "short", Queries: []Query{
			{now("hearth_cases_open", "status"), "{{agency}} {{status}}"}, {`max by (agency) (hearth_cases_unassigned` + of + `)`, "{{agency}} without a worker"},
		}},
		{Title: "Caseload, mean", Says: "Cases a worker, by program.", Unit: "short", Queries: one(`max by (agency, program) (hearth_caseload_cases`+of+`) / (max by (agency, program) (hearth_caseload_workers`+of+`) > 0)`, "{{agency}} {{program}}")},
		{Title: "Caseload, largest", Says: "Of one worker, by program.", Unit: "short", Queries: one(now("hearth_caseload_largest", "program"), "{{agency}} {{program}}")},
		{Title: "Assessments not completed", Unit: "short", Queries: one(now("hearth_assessments_open", "state"), "{{agency}} {{state}}")},
		{Title: "Safety decisions in a day", Unit: "short", Queries: one(day("hearth_safety_decisions_total", "decision"), "{{agency}} {{decision}}")},
		{Title: "Plans in a day", Unit: "short", Queries: []Query{
			{`sum by (agency) (increase(hearth_plans_approved_total` + of + `[1d]))`, "{{agency}} approved"}, {`sum by (agency) (increase(hearth_plans_returned_total` + of + `[1d]))`, "{{agency}} returned"},
		}},
		{Title: "Visits about now", Says: "That begin within 12 hours, before or after.", Unit: "short", Queries: one(now("hearth_visits_today", "status"), "{{agency}} {{status}}")},
		{Title: "What became of visits in a day", Unit: "short", Queries: one(day("hearth_visits_total", "outcome"), "{{agency}} {{outcome}}")},
		{Title: "Visits without time and worker", Unit: "short", Queries: one(`max by (agency) (hearth_visits_unplaced`+of+`)`, "{{agency}}")},
		{Title: "Alarms for missed check-outs in a day", Unit: "short", Queries: one(`sum by (agency) (increase(hearth_visit_alarms_total`+of+`[1d]))`, "{{agency}}")},
		{Title: "Ways by road asked for in a day", Says: "Of the provider of road times, where one is named. For no_way and failed the estimate stands in.", Unit: "short", Queries: one(day("hearth_road_ways_total", "outcome"), "{{agency}} {{outcome}}")},
		{Title: "Messages in a day", Unit: "short", Queries: one(day("hearth_messages_total", "outcome"), "{{agency}} {{outcome}}")},
		{Title: "Messages to see to by hand", Unit: "short", Queries: one(`max by (agency) (hearth_message_tasks_open`+of+`)`, "{{agency}}")},
		{Title: "Referrals to community services", Unit: "short", Queries: one(now("hearth_resource_referrals_open", "state"), "{{agency}} {{state}}")},
		{Title: "Cases opened and closed in a day", Unit: "short", Queries: []Query{
			{`sum by (agency) (increase(hearth_cases_opened_total` + of + `[1d]))`, "{{agency}} opened"}, {`sum by (agency) (increase(hearth_cases_closed_total` + of + `[1d]))`, "{{agency}} closed"},
		}},
	}}
}
