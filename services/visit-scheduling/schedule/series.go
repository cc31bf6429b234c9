package schedule

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
)

// SeriesID names a visit series; VisitID a visit; CaseID a case of planning's;
// PlanID a plan of planning's.
type (
	SeriesID string
	VisitID  string
	CaseID   string
	PlanID   string
)

// Place is where a visit takes place.
type Place string

// The places a plan can ask for.
const (
	Home      Place = "home"
	Office    Place = "office"
	Community Place = "community"
	Remote    Place = "remote"
)

// Pattern is how a plan wants a family visited.
type Pattern struct {
	TimesAWeek int             `json:"times_a_week"`
	Minutes    int             `json:"minutes"`
	Workers    int             `json:"workers"`
	Place      Place           `json:"place"`
	Skills     []string        `json:"skills"`
	Language   string          `json:"language,omitempty"`
	Earliest   TimeOfDay       `json:"earliest"`
	Latest     TimeOfDay       `json:"latest"`
	Weekdays   []clock.Weekday `json:"weekdays"`
	// WithoutChild says that the visits do not need the child: they may fall in the
	// hours it is at school.
	WithoutChild bool `json:"without_child,omitempty"`
	Asks
}

// MaxLength is the longest a series may be, in days.
const MaxLength = 800

// namespace is the UUID under which ids of series and visits are derived
// (RFC 9562, version 5).
var namespace = uuid.MustParse("6f0c2b0e-5f57-5d0a-9a55-2c6f2a3a7d10")

// SeriesIDOf is the id of the series a plan version becomes: always the same.
func SeriesIDOf(agency string, plan PlanID, version int64) SeriesID {
	return SeriesID(uuid.NewSHA1(namespace, fmt.Appendf(nil, "series/%s/%s/%d", agency, plan, version)).String())
}

// VisitIDOf is the id of a series' nth visit: always the same.
func VisitIDOf(series SeriesID, occurrence int) VisitID {
	return VisitID(uuid.NewSHA1(namespace, fmt.Appendf(nil, "visit/%s/%d", series, occurrence)).String())
}

// SeriesStatus is active or ended.
type SeriesStatus string

// A series is active until its case closes or a newer plan version comes.
const (
	SeriesActive SeriesStatus = "active"
	SeriesEnded  SeriesStatus = "ended"
)

// Why a series ends.
const (
	PlanSuperseded = "plan_superseded"
	CaseClosed     = "case_closed"
)

// SeriesKind is where a series comes from.
type SeriesKind string

// A series is of an approved plan, or holds a case's urgent visits, which no plan
// asked for.
const (
	OfPlan SeriesKind = "plan"
	Urgent SeriesKind = "urgent"
)

// Series is the visits of one approved plan version, or a case's urgent ones.
type Series struct {
	ID          SeriesID
	Kind        SeriesKind
	Case        CaseID
	Household   string
	PlanID      PlanID
	PlanVersion int64
	StartsOn    clock.Date
	EndsOn      clock.Date
	Pattern     Pattern
	// Workers are those assigned to the case, the lead first.
	Workers []WorkerID
	// Recipients are person ids of caregivers to be reminded.
	Recipients []string
	Status     SeriesStatus
	EndReason  string
	// Exceptions are when the family is not visited, whatever the plan says.
	Exceptions []Exception
	// Planned is how many visits the series has ever had: the last occurrence number.
	Planned int
	// Trace is the traceparent of the family's story.
	Trace   string
	Version int64
}

// Validate says why a plan cannot become a series; nil when it can. Such a plan
// is a defect of its sender: trying again does not help.
func (s Series) Validate() error {
	p := s.Pattern
	var why string
	switch {
	case s.StartsOn.IsZero() || s.EndsOn.Before(s.StartsOn):
		why = "a plan ends on or after the day it starts"
	case s.StartsOn.DaysUntil(s.EndsOn) > MaxLength:
		why = fmt.Sprintf("a plan is at most %d days long", MaxLength)
	case p.TimesAWeek < 1 || p.TimesAWeek > 14:
		why = "times_a_week is 1 to 14"
	case p.Workers < 1 || p.Workers > 2:
		why = "workers is 1 or 2"
	case len(p.Weekdays) == 0:
		why = "weekdays names at least one day"
	case p.Minutes < 1 || TimeOfDay(p.Minutes) > p.Latest-p.Earliest:
		why = "a visit fits between earliest and latest"
	default:
		why = p.Asks.validate(p.Skills)
	}
	if why == "" {
		return nil
	}
	return fault.New(fault.Unprocessable, "plan_not_schedulable", "The plan cannot become visits: "+why+".")
}

// days are the pattern's days of a week that lie in the series.
func (s Series) days(week Week) []clock.Date {
	return slices.DeleteFunc(week.Days(), func(d clock.Date) bool {
		return d.Before(s.StartsOn) || d.After(s.EndsOn) || !slices.Contains(s.Pattern.Weekdays, clock.WeekdayOf(d.Weekday()))
	})
}

// Windows are the times of a week a visit of the series may take place in, each
// at least as long as a visit, none before notBefore, none on a holiday and none in
// an exception of the family. When there are none, why says so.
func (s Series) Windows(week Week, notBefore time.Time, cal *clock.Calendar) (windows []Span, why Reason) {
	why = WeekOver
	for _, day := range s.days(week) {
		w := Span{s.Pattern.Earliest.on(day, cal.Zone()), s.Pattern.Latest.on(day, cal.Zone())}
		if w.From.Before(notBefore) {
			w.From = notBefore
		}
		if w.Length() < time.Duration(s.Pattern.Minutes)*time.Minute {
			continue
		}
		if _, holiday := cal.Holiday(day); holiday {
			why = Holiday
			continue
		}
		windows = append(windows, w)
	}
	if windows == nil {
		return nil, why
	}
	if windows = s.free(windows, s.Pattern.Minutes, cal); windows == nil {
		return nil, FamilyNotFree
	}
	return windows, ""
}

// WindowsOf are the times one visit of the series may take place in: those of its
// own when it has them, else those of the series in the visit's week.
func (s Series) WindowsOf(v Visit, notBefore time.Time, cal *clock.Calendar) (windows []Span, why Reason) {
	if v.Within == nil {
		return s.Windows(v.Week, notBefore, cal)
	}
	from := v.Within.From
	if from.Before(notBefore) {
		from = notBefore
	}
	for day := cal.Today(from); !day.Start(cal.Zone()).After(v.Within.To); day = day.AddDays(1) {
		w := Span{day.Start(cal.Zone()), day.AddDays(1).Start(cal.Zone())}
		if w.From.Before(from) {
			w.From = from
		}
		if v.Within.To.Before(w.To) {
			w.To = v.Within.To
		}
		if w.Length() >= time.Duration(v.Minutes)*time.Minute {
			windows = append(windows, w)
		}
	}
	if windows == nil {
		return nil, WeekOver
	}
	return windows, ""
}

// PerDay is how many visits the family has on one day at most: one, or as many
// as the pattern needs when it asks for more visits than it names days.
func (p Pattern) PerDay() int { return (p.TimesAWeek + len(p.Weekdays) - 1) / len(p.Weekdays) }

// Plan makes the series' visits, all unplaced. approved is when the plan was
// approved: no visit is planned for time that had passed then. A week that the
// series has only in part gets its share of visits, rounded up. done is how many
// visits of an earlier version the family had, or is having, in a week: they
// count. The result depends on the arguments alone.
func (s *Series) Plan(approved time.Time, done map[Week]int, cal *clock.Calendar) []Visit {
	var visits []Visit
	for week := WeekOf(s.StartsOn); !week.Monday.After(s.EndsOn); week = week.Next(1) {
		left := 0
		for _, day := range s.days(week) {
			lastStart := s.Pattern.Latest.on(day, cal.Zone()).Add(-time.Duration(s.Pattern.Minutes) * time.Minute)
			if !lastStart.Before(approved) {
				left++
			}
		}
		full := len(s.Pattern.Weekdays)
		share := (s.Pattern.TimesAWeek*left+full-1)/full - done[week]
		for range share {
			visits = append(visits, s.next(week))
		}
	}
	return visits
}

// next is the series' next visit, in week, unplaced.
func (s *Series) next(week Week) Visit {
	s.Planned++
	return Visit{
		ID: VisitIDOf(s.ID, s.Planned), Series: s.ID, Case: s.Case, Occurrence: s.Planned, Week: week,
		Minutes: s.Pattern.Minutes, Place: s.Pattern.Place, WorkersNeeded: s.Pattern.Workers,
		Skills: s.Pattern.Skills, Language: s.Pattern.Language, Recipients: s.Recipients,
		Status: Unplaced, Reasons: []Reason{NotYetPlanned}, Version: 1,
	}
}

// Assign makes worker one of the family's, the lead before all others. It
// says whether anything changed.
func (s *Series) Assign(worker WorkerID, lead bool) bool {
	at := slices.Index(s.Workers, worker)
	if at >= 0 && (!lead || at == 0) {
		return false
	}
	others := slices.DeleteFunc(slices.Clone(s.Workers), func(w WorkerID) bool { return w == worker })
	if lead {
		s.Workers = append([]WorkerID{worker}, others...)
	} else {
		s.Workers = append(others, worker)
	}
	s.Version++
	return true
}

// Unassign is the reverse of Assign.
func (s *Series) Unassign(worker WorkerID) bool {
	if !slices.Contains(s.Workers, worker) {
		return false
	}
	s.Workers = slices.DeleteFunc(slices.Clone(s.Workers), func(w WorkerID) bool { return w == worker })
	s.Version++
	return true
}

// Replace makes one more visit in the stead of old, which is cancelled or
// attempted: in old's week while that has time left, else in the next week the
// series has time in. Unprocessable when the series has no time left, Conflict
// when old has been replaced before or the series has ended.
func (s *Series) Replace(old *Visit, now time.Time, cal *clock.Calendar) (Visit, error) {
	switch {
	case s.Kind == Urgent:
		return Visit{}, fault.New(fault.Conflict, "urgent_visit", "An urgent visit is not replaced by the plan: ask for places for another one.")
	case old.ReplacedBy != "":
		return Visit{}, fault.New(fault.Conflict, "already_replaced", "The visit has a replacement already.")
	case s.Status != SeriesActive:
		return Visit{}, fault.New(fault.Conflict, "series_ended", "The series has ended; a new plan makes new visits.")
	}
	week := old.Week
	if current := WeekOf(cal.Today(now)); week.Before(current) {
		week = current
	}
	for ; !week.Monday.After(s.EndsOn); week = week.Next(1) {
		if windows, _ := s.Windows(week, now, cal); windows == nil {
			continue
		}
		v := s.next(week)
		v.Replaces, old.ReplacedBy = old.ID, v.ID
		s.Version++
		return v, nil
	}
	return Visit{}, fault.New(fault.Unprocessable, "no_week_left", "The plan ends before another visit could take place; cancel without a replacement.")
}

// End ends the series. It returns nil when it had ended before.
func (s *Series) End(reason string) *Event {
	if s.Status == SeriesEnded {
		return nil
	}
	s.Status, s.EndReason = SeriesEnded, reason
	s.Version++
	return &Event{
		Type: "series.ended", Subject: string(s.ID), Version: s.Version,
		Data: SeriesEndedData{Series: s.ID, Case: s.Case, Reason: reason},
	}
}

// Created is the event of a new series.
func (s Series) Created() Event {
	return Event{
		Type: "series.created", Subject: string(s.ID), Version: s.Version,
		Data: SeriesCreatedData{Series: s.ID, Case: s.Case, Plan: s.PlanID, PlanVersion: s.PlanVersion, Visits: s.Planned},
	}
}

// Ledger counts a series' visits by how they stand.
type Ledger struct {
	Planned, Scheduled, Unplaced, Completed, Attempted, Cancelled int
}

// Balances says whether every planned visit is accounted for once.
func (l Ledger) Balances() bool {
	return l.Planned == l.Scheduled+l.Unplaced+l.Completed+l.Attempted+l.Cancelled
}

// Count adds n visits that stand at status.
func (l *Ledger) Count(status Status, n int) {
	switch status {
	case Scheduled, InProgress:
		l.Scheduled += n
	case Unplaced:
		l.Unplaced += n
	case Completed:
		l.Completed += n
	case Attempted:
		l.Attempted += n
	case Cancelled:
		l.Cancelled += n
	}
}
