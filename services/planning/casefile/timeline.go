package casefile

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// TimelineEntry is one thing that happened to a family, made from an event. It
// holds ids, codes and times, as events do.
type TimelineEntry struct {
	EventID string
	// FamilyKey is the case id the event tells of, or the referral id from before
	// there was a case.
	FamilyKey string
	At        time.Time
	Service   string
	Type      string
	Subject   string
	Data      json.RawMessage
}

// NewTimelineEntry makes the entry of an event; ok is false for an event that
// does not belong in a family's file. What tells of the reporter never does:
// that a reporter waits for an answer, or was sent one, says that there is one.
func NewTimelineEntry(eventID, eventType, subject, key string, at time.Time, data json.RawMessage) (entry TimelineEntry, ok bool, err error) {
	var about struct {
		CaseID     string   `json:"case_id"`
		ReferralID string   `json:"referral_id"`
		Audience   string   `json:"audience"`
		Changed    []string `json:"changed"`
	}
	if err := json.Unmarshal(data, &about); err != nil {
		return TimelineEntry{}, false, fmt.Errorf("read event data: %w", err)
	}
	// Who is one person belongs to no one case: it would tell of the other's.
	if strings.HasPrefix(eventType, "org.hearth.intake.person.") {
		return TimelineEntry{}, false, nil
	}
	if strings.HasPrefix(eventType, "org.hearth.intake.referral.feedback_due.") || about.Audience == "reporter" {
		return TimelineEntry{}, false, nil
	}
	if slices.ContainsFunc(about.Changed, aboutReporter) {
		if data, err = withoutReporter(data, about.Changed); err != nil {
			return TimelineEntry{}, false, err
		}
	}
	family := key
	switch {
	case about.CaseID != "":
		family = about.CaseID
	case about.ReferralID != "":
		family = about.ReferralID
	}
	return TimelineEntry{
		EventID: eventID, FamilyKey: family, At: at, Service: serviceOf(eventType), Type: eventType, Subject: subject, Data: data,
	}, true, nil
}

func aboutReporter(field string) bool { return strings.HasPrefix(field, "reporter") }

// withoutReporter takes the reporter's fields out of the names of what a
// correction changed.
func withoutReporter(data json.RawMessage, changed []string) (json.RawMessage, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, fmt.Errorf("read event data: %w", err)
	}
	kept, err := json.Marshal(slices.DeleteFunc(slices.Clone(changed), aboutReporter))
	if err != nil {
		return nil, fmt.Errorf("write event data: %w", err)
	}
	all["changed"] = kept
	return json.Marshal(all)
}

// serviceOf is the third part of org.hearth.<service>.<thing>.<what>.v1.
func serviceOf(eventType string) string {
	parts := strings.Split(eventType, ".")
	if len(parts) < 4 {
		return "unknown"
	}
	return parts[2]
}
