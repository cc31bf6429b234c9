package rules

// parts are all alerts, by file.
func parts() map[string]part {
	return map[string]part{
		"suite": {
			objectives: []Objective{requests, events},
			causes:     []Cause{gone, dependency, cache, notFetched, unassigned, lost, outbox, parked, manyParked, timersLate, timersParked, pool, behind, ahead, versions},
		},
		"intake":             {objectives: []Objective{accepted, screened}, causes: []Cause{expired, immediate, drift, reviews}},
		"assessment":         {causes: []Cause{assessments}},
		"planning":           {causes: []Cause{cases}},
		"visit-scheduling":   {objectives: []Objective{alarms}, causes: []Cause{unplaced}},
		"resource-directory": {causes: []Cause{unanswered}},
		"notification":       {objectives: []Objective{delivered}, causes: []Cause{overdue, tasks}},
	}
}

// What holds for every service.
var (
	requests = Objective{
		Name: "requests", Alert: "HearthRequestsFail", Target: 0.999, By: []string{"service"}, AtLeast: 5,
		Bad:     `rate(hearth_http_request_duration_seconds_count{status=~"5.."}[$w])`,
		All:     `rate(hearth_http_request_duration_seconds_count[$w])`,
		Summary: "{{ $labels.service }} fails {{ $value | humanizePercentage }} of its requests",
	}
	events = Objective{
		Name: "event-age", Alert: "HearthEventsLate", Target: 0.999, By: []string{"service"},
		Slice: `clamp_max(
  (max by (service) (hearth_events_oldest_unprocessed_age_seconds) > bool 30)
  + (max by (service) (hearth_outbox_oldest_age_seconds) > bool 30)
  + (max by (service) (hearth_events_fetch_age_seconds) > bool 30)
  + (sum by (service) (hearth_events_partitions) == bool 0),
  1)`,
		Summary: "{{ $labels.service }} is more than 30 seconds behind with events",
	}

	gone = Cause{
		"HearthServiceGone", "page",
		`max by (service) (max_over_time(hearth_build_info[6h])) unless max by (service) (hearth_build_info)`, "2m",
		"No {{ $labels.service }} is running", "Nothing of this service has been scraped for two minutes.",
	}
	dependency = Cause{
		"HearthDependencyDown", "page", `max by (service, dependency) (hearth_dependency_up{dependency!="cache"}) == 0`, "2m",
		"{{ $labels.service }} cannot reach its {{ $labels.dependency }}", "No replica of the service gets an answer.",
	}
	cache = Cause{
		"HearthCacheDown", "ticket", `max by (service) (hearth_dependency_up{dependency="cache"}) == 0`, "10m",
		"{{ $labels.service }} cannot reach Redis", "Requests are answered, but nobody's are limited.",
	}
	notFetched = Cause{
		"HearthEventsNotFetched", "page", `max by (service) (hearth_events_fetch_age_seconds and hearth_events_partitions > 0) > 60`, "2m",
		"{{ $labels.service }} has not fetched events for {{ $value | humanizeDuration }}", "A replica holds partitions and gets no answer from the brokers.",
	}
	unassigned = Cause{
		"HearthEventsUnassigned", "page", `sum by (service) (hearth_events_partitions) == 0`, "3m",
		"Nobody consumes the topics of {{ $labels.service }}", "No replica has a place in the consumer group.",
	}
	lost = Cause{
		"HearthEventsGone", "page", `sum by (service) (increase(hearth_events_out_of_range_total[1h])) > 0`, "",
		"A topic no longer held what {{ $labels.service }} was to take in next", "Retention was shorter than an outage, or a topic was made anew: events were not taken in.",
	}
	outbox = Cause{
		"HearthOutboxStuck", "page", `max by (service) (hearth_outbox_oldest_age_seconds) > 60`, "2m",
		"Events of {{ $labels.service }} have waited {{ $value | humanizeDuration }} to be sent", "Other services do not know what happened here.",
	}
	parked = Cause{
		"HearthKeysParked", "ticket", `max by (service) (hearth_events_parked_keys) > 0`, "10m",
		"{{ $labels.service }} has {{ $value }} parked keys", "The events of these families wait; those of others go on.",
	}
	manyParked = Cause{
		"HearthManyKeysParked", "page", `max by (service) (hearth_events_parked_keys) > 20`, "5m",
		"{{ $labels.service }} has {{ $value }} parked keys", "So many at once have one cause: a defect, a bad rollout, or a part that is away.",
	}
	timersLate = Cause{
		"HearthTimersLate", "page", `max by (service) (hearth_timers_late_seconds) > 120`, "5m",
		"Timers of {{ $labels.service }} are {{ $value | humanizeDuration }} late", "Statutory clocks, check-out alarms and messages stand on timers.",
	}
	timersParked = Cause{
		"HearthTimersParked", "ticket", `max by (service) (hearth_timers_parked) > 0`, "5m",
		"{{ $labels.service }} has {{ $value }} timers that failed for good", "What they were set for has not happened.",
	}
	pool = Cause{
		"HearthDatabasePoolShort", "ticket", `sum by (service) (rate(hearth_db_wait_seconds_total[5m])) > 1`, "10m",
		"{{ $labels.service }} waits for database connections", "Requests and events wait {{ $value | humanize }} seconds in each second for a connection.",
	}
	behind = Cause{
		"HearthSchemaBehind", "page",
		`max by (service, tables) (hearth_schema_version{of="code"}) > on (service, tables) max by (service, tables) (hearth_schema_version{of="database"})`, "5m",
		"The database of {{ $labels.service }} is older than its code", "Its {{ $labels.tables }} tables lack migrations this version needs.",
	}
	ahead = Cause{
		"HearthSchemaAhead", "ticket",
		`min by (service, tables) (hearth_schema_version{of="code"}) < on (service, tables) max by (service, tables) (hearth_schema_version{of="database"})`, "1h",
		"An old {{ $labels.service }} has run on newer tables for an hour", "A rollout began and did not end.",
	}
	versions = Cause{
		"HearthVersionsDiffer", "ticket", `count by (service) (count by (service, version, revision) (hearth_build_info)) > 1`, "1h",
		"{{ $labels.service }} has run in {{ $value }} versions for an hour", "A rollout began and did not end.",
	}
)
