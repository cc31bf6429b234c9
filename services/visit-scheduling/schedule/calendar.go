package schedule

import (
	"fmt"
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
)

// TimeOfDay is minutes after midnight on the agency's clock: 0 to 1439.
type TimeOfDay int

// ParseTimeOfDay reads HH:MM.
func ParseTimeOfDay(s string) (TimeOfDay, error) {
	t, err := time.Parse("15:04", s)
	if err != nil || len(s) != len("15:04") {
		return 0, fmt.Errorf("a time of day is written HH:MM, 00:00 to 23:59")
	}
	return TimeOfDay(t.Hour()*60 + t.Minute()), nil
}

// String writes HH:MM.
func (t TimeOfDay) String() string { return fmt.Sprintf("%02d:%02d", int(t)/60, int(t)%60) }

// MarshalText writes HH:MM.
func (t TimeOfDay) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads HH:MM.
func (t *TimeOfDay) UnmarshalText(text []byte) error {
	parsed, err := ParseTimeOfDay(string(text))
	if err != nil {
		return err
	}
	*t = parsed
	return nil
}

// on is the moment the agency's clock shows t on day d.
func (t TimeOfDay) on(d clock.Date, zone *time.Location) time.Time {
	return d.At(int(t)/60, int(t)%60, zone)
}

// Span is the time from From up to, and without, To.
type Span struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Length is how long the span is; 0 when it is empty or turned round.
func (s Span) Length() time.Duration { return max(s.To.Sub(s.From), 0) }

// Overlaps says whether the two share any time. Spans that touch do not.
func (s Span) Overlaps(o Span) bool { return s.From.Before(o.To) && o.From.Before(s.To) }

// Holds says whether o lies inside s.
func (s Span) Holds(o Span) bool { return !o.From.Before(s.From) && !o.To.After(s.To) }

// subtract takes the time of each of away from every span. Both may be in any
// order; the result is ordered by start, holds no empty span, and spans that
// touch or overlap are one.
func subtract(spans, away []Span) []Span {
	left := merge(spans)
	for _, a := range away {
		if !a.From.Before(a.To) {
			continue
		}
		var next []Span
		for _, s := range left {
			if !s.Overlaps(a) {
				next = append(next, s)
				continue
			}
			if s.From.Before(a.From) {
				next = append(next, Span{s.From, a.From})
			}
			if a.To.Before(s.To) {
				next = append(next, Span{a.To, s.To})
			}
		}
		left = next
	}
	return left
}

// fitting are the spans that hold so many minutes.
func fitting(spans []Span, minutes int) []Span {
	return slices.DeleteFunc(slices.Clone(spans), func(s Span) bool { return s.Length() < time.Duration(minutes)*time.Minute })
}

// daily parts a span at the midnights of a zone.
func daily(s Span, zone *time.Location) (all []Span) {
	for from := s.From; from.Before(s.To); {
		to := clock.DateOf(from, zone).AddDays(1).Start(zone)
		if to.After(s.To) {
			to = s.To
		}
		all = append(all, Span{from, to})
		from = to
	}
	return all
}

// cut takes a span from spans that may touch and stay apart.
func cut(spans []Span, away Span) []Span {
	var left []Span
	for _, s := range spans {
		left = append(left, subtract([]Span{s}, []Span{away})...)
	}
	return left
}

// merge orders spans, drops empty ones and joins those that touch or overlap.
func merge(spans []Span) []Span {
	ordered := slices.DeleteFunc(slices.Clone(spans), func(s Span) bool { return s.Length() == 0 })
	slices.SortFunc(ordered, func(a, b Span) int { return a.From.Compare(b.From) })
	var merged []Span
	for _, s := range ordered {
		if last := len(merged) - 1; last >= 0 && !s.From.After(merged[last].To) {
			if s.To.After(merged[last].To) {
				merged[last].To = s.To
			}
			continue
		}
		merged = append(merged, s)
	}
	return merged
}

// hours are a worker's shifts less absences, each with the overtime after it.
func (a Available) hours() []Span {
	all := subtract(a.Shifts, a.Away)
	over := time.Duration(a.Limits.OvertimeMinutes) * time.Minute
	for i := range all {
		to := all[i].To.Add(over)
		if i+1 < len(all) && to.After(all[i+1].From) {
			to = all[i+1].From
		}
		for _, away := range a.Away {
			if !away.To.After(all[i].To) || !away.From.Before(to) {
				continue
			}
			if to = away.From; to.Before(all[i].To) {
				to = all[i].To
			}
		}
		all[i].To = to
	}
	return all
}

// Stretches are the times a worker can be sent: shifts less absences, with the
// overtime after them, and less what is booked outside them, in order. The worker leaves the base when a stretch
// begins and is back when it ends. inside are the bookings that lie in one.
func Stretches(a Available, booked []Booking) (stretches []Span, inside []Booking) {
	stretches = a.hours()
	var outside []Span
	for _, b := range booked {
		if slices.ContainsFunc(stretches, func(s Span) bool { return s.Holds(b.Span) }) {
			inside = append(inside, b)
		} else {
			outside = append(outside, b.Span)
		}
	}
	slices.SortFunc(inside, func(a, b Booking) int { return a.Span.From.Compare(b.Span.From) })
	for _, s := range outside {
		stretches = cut(stretches, s)
	}
	return stretches, inside
}

// Week is a week from Monday to Sunday (ISO 8601), known by its Monday.
type Week struct{ Monday clock.Date }

// WeekOf is the week d lies in.
func WeekOf(d clock.Date) Week {
	return Week{d.AddDays(-((int(d.Weekday()) + 6) % 7))}
}

// Days are the week's seven days, Monday first.
func (w Week) Days() []clock.Date {
	days := make([]clock.Date, 7)
	for i := range days {
		days[i] = w.Monday.AddDays(i)
	}
	return days
}

// Next is the week n weeks later.
func (w Week) Next(n int) Week { return Week{w.Monday.AddDays(7 * n)} }

// Before says whether w is an earlier week than o.
func (w Week) Before(o Week) bool { return w.Monday.Before(o.Monday) }

// Span is the whole week in zone.
func (w Week) Span(zone *time.Location) Span {
	return Span{w.Monday.Start(zone), w.Monday.AddDays(7).Start(zone)}
}

// String is the week's Monday, YYYY-MM-DD.
func (w Week) String() string { return w.Monday.String() }
