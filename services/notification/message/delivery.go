package message

import (
	"errors"
	"fmt"
	"time"
)

// Delivery says when messages go and how often a failed one is tried again.
// It is read from rules/delivery.yaml.
type Delivery struct {
	ReminderBefore  time.Duration   // how long before a visit a family is reminded
	ReminderAtLeast time.Duration   // not closer to the visit than this
	From, To        TimeOfDay       // messages outside the agency go in [From, To), agency time
	RetryAfter      []time.Duration // waits between tries at a provider
	AskAgainAfter   []time.Duration // waits between asking intake; the last is repeated
	ExpiresAfter    time.Duration
	Claim           time.Duration // how long one try may take
}

// Check says what is wrong with the rules, every fault at once.
func (d Delivery) Check() error {
	var faults []error
	wrong := func(ok bool, what string) {
		if !ok {
			faults = append(faults, errors.New(what))
		}
	}
	wrong(d.ReminderBefore > 0, "reminder_before must be a positive duration, such as 24h")
	wrong(d.ReminderAtLeast >= 0 && d.ReminderAtLeast < d.ReminderBefore, "reminder_at_least must be less than reminder_before")
	wrong(d.From < d.To, "outside_hours: from must be earlier in the day than to")
	wrong(len(d.RetryAfter) > 0, "retry_after needs at least one wait")
	wrong(len(d.AskAgainAfter) > 0, "ask_again_after needs at least one wait")
	wrong(d.ExpiresAfter > 0, "expires_after must be a positive duration")
	wrong(d.Claim >= 30*time.Second, "claim must be at least 30s, longer than a provider's time limit")
	for _, w := range append(append([]time.Duration{}, d.RetryAfter...), d.AskAgainAfter...) {
		wrong(w > 0, "every wait must be a positive duration")
	}
	return errors.Join(faults...)
}

// TimeOfDay is minutes after midnight.
type TimeOfDay int

// ParseTimeOfDay reads "HH:MM".
func ParseTimeOfDay(s string) (TimeOfDay, error) {
	t, err := time.Parse("15:04", s)
	if err != nil {
		return 0, fmt.Errorf("read time of day %q: use HH:MM", s)
	}
	return TimeOfDay(t.Hour()*60 + t.Minute()), nil
}

// on is that time on the day of t, in t's zone. A time the clock skips on that
// day is the next there is.
func (d TimeOfDay) on(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), int(d)/60, int(d)%60, 0, 0, t.Location())
}

// Allowed tells whether a message may go outside the agency at t.
func (d Delivery) Allowed(t time.Time, zone *time.Location) bool {
	local := t.In(zone)
	return !local.Before(d.From.on(local)) && local.Before(d.To.on(local))
}

// NextAllowed is the first allowed time at or after t.
func (d Delivery) NextAllowed(t time.Time, zone *time.Location) time.Time {
	if d.Allowed(t, zone) {
		return t
	}
	local := t.In(zone)
	from := d.From.on(local)
	if local.Before(from) {
		return from.UTC()
	}
	return d.From.on(from.AddDate(0, 0, 1)).UTC()
}

// lastAllowed is the last allowed minute before t, where t is not allowed itself.
func (d Delivery) lastAllowed(t time.Time, zone *time.Location) time.Time {
	local := t.In(zone)
	to := d.To.on(local)
	if local.Before(to) {
		to = d.To.on(to.AddDate(0, 0, -1))
	}
	return to.Add(-time.Minute).UTC()
}

// ReminderAt is when a family is reminded of a visit that begins at start, seen
// from now: the stated time before it, moved from the night to the evening
// before; at once, or as soon as the night is over, when that has passed. ok is
// false when no allowed time is left before the visit.
func (d Delivery) ReminderAt(start, now time.Time, zone *time.Location) (at time.Time, ok bool) {
	at = start.Add(-d.ReminderBefore)
	if !d.Allowed(at, zone) {
		at = d.lastAllowed(at, zone)
	}
	if at.Before(now) {
		at = d.NextAllowed(now, zone)
	}
	return at, !at.After(start.Add(-d.ReminderAtLeast))
}
