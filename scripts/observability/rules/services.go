package rules

// What a service promises beside that.
var (
	accepted = Objective{
		Name: "referral-accepted", Alert: "HearthReferralsNotAccepted", Target: 0.999, By: []string{"service"}, AtLeast: 2,
		Bad: `rate(hearth_http_request_duration_seconds_count{service="intake",operation=~"receiveEvents|importEvents",status=~"5.."}[$w])
  or (
    rate(hearth_http_request_duration_seconds_count{service="intake",operation="receiveEvents",status!~"5.."}[$w])
    - ignoring (le) rate(hearth_http_request_duration_seconds_bucket{service="intake",operation="receiveEvents",status!~"5..",le="2.5"}[$w])
  )`,
		All:     `rate(hearth_http_request_duration_seconds_count{service="intake",operation=~"receiveEvents|importEvents"}[$w])`,
		Summary: "Referrals are not accepted: {{ $value | humanizePercentage }} fail or take longer than 2.5 seconds",
	}
	screened = Objective{
		Name: "screened-in-time", Alert: "HearthScreeningLate", Target: 0.95, By: []string{"agency"}, AtLeast: 2,
		Bad:     `rate(hearth_clocks_expired_total[$w])`,
		Good:    `rate(hearth_clocks_met_total[$w])`,
		Summary: "{{ $labels.agency }} lets {{ $value | humanizePercentage }} of its response clocks run out",
	}
	alarms = Objective{
		Name: "visit-alarms", Alert: "HearthVisitAlarmsLate", Target: 0.999, By: nil,
		Slice: `clamp_max(
  (max(hearth_timers_late_seconds{service="visit-scheduling"}) > bool 120)
  + (max(hearth_messages_oldest_overdue_seconds{template="checkout_missed"}) > bool 300),
  1)`,
		Summary: "Alarms for workers who did not check out of a visit come late",
	}
	delivered = Objective{
		Name: "delivery", Alert: "HearthMessagesFail", Target: 0.99, By: []string{"agency"}, AtLeast: 3,
		Bad:     `rate(hearth_messages_total{outcome="failed"}[$w])`,
		All:     `rate(hearth_messages_total{outcome=~"sent|failed"}[$w])`,
		Summary: "{{ $value | humanizePercentage }} of the messages of {{ $labels.agency }} do not get out",
	}

	expired = Cause{
		"HearthClockExpired", "ticket", `sum by (agency, clock) (increase(hearth_clocks_expired_total[1h])) > 0`, "",
		"A response clock ran out: {{ $labels.clock }} at {{ $labels.agency }}", "A family waited longer than the law or the agency allows.",
	}
	immediate = Cause{
		"HearthImmediateReferralWaits", "page", `max by (agency) (hearth_referrals_waiting{priority="immediate"}) > 0`, "2h",
		"{{ $value }} referrals of immediate priority wait at {{ $labels.agency }}", "For two hours there has been one that nobody screened.",
	}
	drift = Cause{
		"HearthMatchDrift", "ticket", `max by (agency) (hearth_match_drift) >= 0.25`, "3h",
		"Persons reported to {{ $labels.agency }} are no longer like those its matching model was learnt from", "What it links and asks about may be wrong: a comparison has moved by {{ $value }}.",
	}
	reviews = Cause{
		"HearthMatchReviewsPile", "ticket", `max by (agency) (hearth_match_reviews_waiting) > 200`, "1d",
		"{{ $value }} pairs of persons of {{ $labels.agency }} wait for a records officer", "Until they are decided, what was reported before of a child may not be seen with what is reported now.",
	}
	assessments = Cause{
		"HearthAssessmentsOverdue", "ticket", `max by (agency) (hearth_assessments_open{state="overdue"}) > 0`, "1d",
		"{{ $value }} assessments are overdue at {{ $labels.agency }}", "For a day there has been one past its day.",
	}
	cases = Cause{
		"HearthCasesUnassigned", "ticket", `max by (agency) (hearth_cases_unassigned) > 0`, "1d",
		"{{ $value }} cases of {{ $labels.agency }} have no worker", "For a day there has been a family that nobody works with.",
	}
	unplaced = Cause{
		"HearthVisitsUnplaced", "ticket", `max by (agency) (hearth_visits_unplaced) > 0`, "1d",
		"{{ $value }} visits of {{ $labels.agency }} have neither time nor worker", "For a day the planner has not found a place for each visit.",
	}
	unanswered = Cause{
		"HearthResourceReferralsUnanswered", "ticket",
		`max by (agency) (hearth_resource_referrals_open{state="requested"}) > 0
unless on (agency) sum by (agency) (increase(hearth_resource_referrals_total{step=~"accepted|declined"}[3d])) > 0`, "1d",
		"Community services have not answered {{ $value }} referrals of {{ $labels.agency }}", "None has been accepted or declined for days.",
	}
	overdue = Cause{
		"HearthMessagesOverdue", "page", `max by (agency, template) (hearth_messages_oldest_overdue_seconds) > 900`, "5m",
		"A {{ $labels.template }} message of {{ $labels.agency }} has been due for {{ $value | humanizeDuration }}", "Somebody does not know what they should know by now.",
	}
	tasks = Cause{
		"HearthMessageTasksPile", "ticket", `max by (agency) (hearth_message_tasks_open) > 25`, "1h",
		"{{ $value }} messages of {{ $labels.agency }} wait for somebody to see to them by hand", "They could not be sent, or it was not safe to.",
	}
)
