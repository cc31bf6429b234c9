package api_test

import (
	"net/http"
	"testing"
)

const quality = "/intake/v1/match-quality"

func TestMatchQuality_FromWhatWasJudged(t *testing.T) {
	b := newBench(t)
	b.reception.SampleShare = 1
	b.as("supervisor", "boss-1").Get(quality).Want(http.StatusForbidden)
	officer := b.as("records_officer", "rec-1")
	empty := read(officer.Get(quality).Want(http.StatusOK))
	if at(empty, "judged", "false_link_rate") != nil || text(empty, "drift", "state") != "too_few" {
		t.Errorf("of nothing: %v", empty)
	}
	// One family told of seven times: a mother and a child linked each time, all judged right but one.
	for _, id := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		b.received(event(id))
	}
	items := b.waiting("rec-1", "")
	if len(items) != 12 {
		t.Fatalf("%d links to judge, want 12", len(items))
	}
	for n, item := range items {
		answer := decision("same", "agrees_in_all")
		if n == 0 {
			answer = decision("different", "relatives")
		}
		if n == 1 {
			answer = decision("cannot_tell", "not_enough_known")
		}
		b.decide(text(item, "pair_id"), `"1"`, answer).Want(http.StatusOK)
	}
	got := read(officer.Get(quality).Want(http.StatusOK))
	if at(got, "judged", "links") != 11.0 || at(got, "judged", "links_false") != 1.0 || at(got, "judged", "links_undecided") != 1.0 || at(got, "judged", "same") != 0.0 {
		t.Errorf("judged %v", got["judged"])
	}
	low, high := at(got, "judged", "false_link_rate", "low").(float64), at(got, "judged", "false_link_rate", "high").(float64)
	if low > 0.02 || low < 0.015 || high < 0.37 || high > 0.39 { // Wilson, 1 of 11
		t.Errorf("false links from %v to %v", low, high)
	}
	if text(got, "by_language", 0, "group") != "fi" || text(got, "by_writing", 0, "group") != "latin" || len(got["by_language"].([]any)) != 1 {
		t.Errorf("groups %v, %v", got["by_language"], got["by_writing"])
	}
}

func TestMatchQuality_TellsWhenScoresDrift(t *testing.T) {
	b := newBench(t)
	b.received(event("a"))
	// A thousand links made a year ago, all by telephone; three hundred of this week, none.
	links := func(prefix string, n int, arrived, evidence string) {
		b.exec(`INSERT INTO referral (referral_id, version, status, receipt_id, source, event_id, received_at, arrived_at, channel, kind, urgency, concern_codes, safety_flags, wants_feedback, household_id, priority, urgent, due_at, priority_decision, trace)
			SELECT $1 || to_char(n, 'FM0000'), 1, status, receipt_id, source, event_id, received_at, $3::timestamptz, channel, kind, urgency, concern_codes, safety_flags, wants_feedback, household_id, priority, urgent, due_at, priority_decision, trace
			FROM generate_series(1, $2) AS n, (SELECT * FROM referral ORDER BY referral_id LIMIT 1) AS r`, prefix, n, arrived)
		b.exec(`INSERT INTO referral_person (referral_id, ref, person_id, role, basis, model, log_odds, evidence)
			SELECT $1 || to_char(n, 'FM0000'), 'p1', (SELECT min(person_id) FROM person), 'caregiver', 'linked', 'model-1', 25, $3 FROM generate_series(1, $2) AS n`, prefix, n, evidence)
	}
	links("old-", 1000, "2025-11-20T00:00:00Z", `[{"comparison":"phone","level":"same","weight":9},{"comparison":"street","level":"same","weight":9}]`)
	links("z-new-", 300, "2026-11-18T00:00:00Z", `[{"comparison":"street","level":"same","weight":9}]`)
	got := read(b.as("records_officer", "rec-1").Get(quality).Want(http.StatusOK))["drift"]
	if text(got, "state") != "alarm" || text(got, "model") != "model-1" || text(got, "comparisons", 0, "what") != "phone" || text(got, "comparisons", 0, "state") != "alarm" || text(got, "comparisons", 1, "state") != "stable" {
		t.Errorf("got %v", got)
	}
}
