package schedule

import (
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
)

// ExceptionID names one exception of a family.
type ExceptionID string

// ExceptionKind is what keeps a family from being visited.
type ExceptionKind string

const (
	// AtSchool is the hours the child is at school: a visit that needs the child
	// does not fall in them.
	AtSchool ExceptionKind = "school"
	// FamilyAway is days, or hours of days, on which the family is not visited: a
	// holiday, an absence, a single date.
	FamilyAway ExceptionKind = "away"
)

// DayHours are the hours of a day an exception holds, on the agency's clock.
type DayHours struct {
	From TimeOfDay `json:"from"`
	To   TimeOfDay `json:"to"`
}

// Exception is time a family is not to be visited in, whatever its plan says. It is
// of the case and not of a series: a newer plan keeps it.
type Exception struct {
	ID   ExceptionID   `json:"-"`
	Kind ExceptionKind `json:"kind"`
	// From and To are the first and the last day it holds; a zero To is without end.
	From clock.Date `json:"from_on"`
	To   clock.Date `json:"to_on,omitzero"`
	// Weekdays are those it holds on; none is every day.
	Weekdays []clock.Weekday `json:"weekdays,omitempty"`
	// Hours are those it holds of each day; nil is the whole day.
	Hours *DayHours `json:"hours,omitempty"`
}

const (
	// MaxException is the longest the family may be away, in days; a family that is
	// away longer needs another plan.
	MaxException = 400
	// MaxExceptions is how many exceptions a case has at most.
	MaxExceptions = 100
)

// Validate lists what is wrong with an exception as sent, in JSON pointers into the
// body of POST /cases/{id}/exceptions.
func (e Exception) Validate() []fault.Field {
	var faults []fault.Field
	bad := func(pointer, code, detail string) {
		faults = append(faults, fault.Field{Pointer: pointer, Code: code, Detail: detail})
	}
	if e.Hours != nil && e.Hours.From >= e.Hours.To {
		bad("/to", "order", "Hours end after they start; split what goes over midnight.")
	}
	switch e.Kind {
	case AtSchool:
		if e.Hours == nil {
			bad("/from", "required", "School has hours: give from and to.")
		}
		if len(e.Weekdays) == 0 {
			bad("/weekdays", "required", "School has weekdays: name at least one.")
		}
	case FamilyAway:
		if e.To.IsZero() {
			bad("/to_on", "required", "Give the last day the family is away; the same day twice for a single date.")
		}
	default:
		bad("/kind", "unknown", "An exception is school or away.")
	}
	switch {
	case e.From.IsZero():
		bad("/from_on", "required", "Give the first day.")
	case e.To.IsZero():
	case e.To.Before(e.From):
		bad("/to_on", "order", "An exception ends on or after the day it starts.")
	case e.Kind == FamilyAway && e.From.DaysUntil(e.To) >= MaxException:
		bad("/to_on", "too_long", "A family is away for at most 400 days; close the case or change its plan instead.")
	}
	for _, d := range e.Weekdays {
		if _, known := d.Time(); !known {
			bad("/weekdays", "unknown", "A weekday is one of mon tue wed thu fri sat sun.")
			break
		}
	}
	return faults
}

// Normalise puts the weekdays in one order, without repeats, so that the same
// exception written twice is equal.
func (e *Exception) Normalise() {
	var days []clock.Weekday
	for _, d := range (Week{clock.NewDate(2026, 1, 5)}).Days() { // a Monday
		if w := clock.WeekdayOf(d.Weekday()); slices.Contains(e.Weekdays, w) {
			days = append(days, w)
		}
	}
	e.Weekdays = days
}

// Same says whether two exceptions say the same, whatever their ids.
func (e Exception) Same(o Exception) bool {
	hours := (e.Hours == nil) == (o.Hours == nil) && (e.Hours == nil || *e.Hours == *o.Hours)
	return hours && e.Kind == o.Kind && e.From == o.From && e.To == o.To && slices.Equal(e.Weekdays, o.Weekdays)
}

// on is the time of a day the exception takes; false when it does not hold then.
func (e Exception) on(day clock.Date, cal *clock.Calendar) (Span, bool) {
	if day.Before(e.From) || (!e.To.IsZero() && day.After(e.To)) ||
		(len(e.Weekdays) > 0 && !slices.Contains(e.Weekdays, clock.WeekdayOf(day.Weekday()))) {
		return Span{}, false
	}
	if e.Hours == nil {
		return Span{day.Start(cal.Zone()), day.AddDays(1).Start(cal.Zone())}, true
	}
	return Span{e.Hours.From.on(day, cal.Zone()), e.Hours.To.on(day, cal.Zone())}, true
}

// binds says whether the exception concerns a series' visits: school those that need
// the child. An urgent visit has its own hours, which people decided on.
func (s Series) binds(e Exception) bool {
	return s.Kind != Urgent && (e.Kind != AtSchool || !s.Pattern.WithoutChild)
}

// away is the time of span, and of the days it touches, that the family's exceptions take.
func (s Series) away(span Span, cal *clock.Calendar) []Span {
	var away []Span
	for day := cal.Today(span.From); day.Start(cal.Zone()).Before(span.To); day = day.AddDays(1) {
		for _, e := range s.Exceptions {
			if taken, holds := e.on(day, cal); holds && s.binds(e) {
				away = append(away, taken)
			}
		}
	}
	return away
}

// Free is what the family's exceptions leave of a span.
func (s Series) Free(span Span, cal *clock.Calendar) []Span {
	return subtract([]Span{span}, s.away(span, cal))
}

// Excepted says whether a time lies, in part at least, in one of the family's
// exceptions.
func (s Series) Excepted(span Span, cal *clock.Calendar) bool {
	return slices.ContainsFunc(s.away(span, cal), span.Overlaps)
}

// free are the parts of windows that the exceptions leave and that hold a visit of so
// many minutes.
func (s Series) free(windows []Span, minutes int, cal *clock.Calendar) []Span {
	if len(s.Exceptions) == 0 {
		return windows
	}
	var left []Span
	for _, w := range windows {
		for _, part := range s.Free(w, cal) {
			if part.Length() >= time.Duration(minutes)*time.Minute {
				left = append(left, part)
			}
		}
	}
	return left
}
