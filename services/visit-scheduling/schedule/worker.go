package schedule

import (
	"fmt"
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
)

// WorkerID is the agency's own id of a worker.
type WorkerID string

// AbsenceID names one absence of a worker.
type AbsenceID string

// Hours is a stretch of one weekday that a worker works, every week.
type Hours struct {
	Weekday clock.Weekday `json:"weekday"`
	From    TimeOfDay     `json:"from"`
	To      TimeOfDay     `json:"to"`
}

// Absence is time a worker is away.
type Absence struct {
	ID     AbsenceID `json:"id"`
	Span             // from, to
	Reason string    `json:"reason_code"`
}

// MaxAbsence is the longest an absence may be; a longer one is a worker who left.
const MaxAbsence = 400 * 24 * time.Hour

// Validate lists what is wrong with an absence, with pointers under at.
func (a Absence) Validate(at string) []fault.Field {
	switch {
	case !a.From.Before(a.To):
		return []fault.Field{{Pointer: at + "/to", Code: "order", Detail: "An absence ends after it starts."}}
	case a.Length() > MaxAbsence:
		return []fault.Field{{Pointer: at + "/to", Code: "too_long", Detail: "An absence is at most 400 days; end the worker's hours instead."}}
	}
	return nil
}

// Worker is who can be sent, with what they can do and when they work.
type Worker struct {
	ID WorkerID
	// Team is who they plan with; "" is none.
	Team      string
	Skills    []string
	Languages []string
	// Base is where the worker's day begins and ends; nil is unknown.
	Base     *Point
	Hours    []Hours
	Absences []Absence
	Terms
	Version int64
}

// Normalise puts lists in one order, without repeats, so that the same worker
// written twice is equal.
func (w *Worker) Normalise() {
	slices.Sort(w.Skills)
	w.Skills = slices.Compact(w.Skills)
	slices.Sort(w.Languages)
	w.Languages = slices.Compact(w.Languages)
	w.Terms.normalise()
	slices.SortFunc(w.Hours, func(a, b Hours) int {
		da, _ := a.Weekday.Time()
		db, _ := b.Weekday.Time()
		if da != db {
			return (int(da)+6)%7 - (int(db)+6)%7
		}
		return int(a.From - b.From)
	})
	slices.SortFunc(w.Absences, func(a, b Absence) int {
		if c := a.From.Compare(b.From); c != 0 {
			return c
		}
		return a.To.Compare(b.To)
	})
}

// Validate lists what is wrong with a worker as sent, in JSON pointers into the
// body of PUT /workers/{id}.
func (w Worker) Validate() []fault.Field {
	var faults []fault.Field
	for i, h := range w.Hours {
		at := fmt.Sprintf("/weekly_hours/%d", i)
		if _, ok := h.Weekday.Time(); !ok {
			faults = append(faults, fault.Field{Pointer: at + "/weekday", Code: "unknown", Detail: "A weekday is one of mon tue wed thu fri sat sun."})
		}
		if h.From >= h.To {
			faults = append(faults, fault.Field{Pointer: at + "/to", Code: "order", Detail: "Hours end after they start; split what goes over midnight."})
		}
		for _, earlier := range w.Hours[:i] {
			if earlier.Weekday == h.Weekday && earlier.From < h.To && h.From < earlier.To {
				faults = append(faults, fault.Field{Pointer: at, Code: "overlap", Detail: "Hours of one weekday do not overlap."})
				break
			}
		}
	}
	for i, a := range w.Absences {
		faults = append(faults, a.Validate(fmt.Sprintf("/absences/%d", i))...)
	}
	return append(faults, w.Terms.validate(w.Skills)...)
}

// Shifts are the spans the worker works in a week, absences not yet taken off.
// On a holiday of the calendar nobody works.
func (w Worker) Shifts(week Week, cal *clock.Calendar) []Span {
	var shifts []Span
	for _, day := range week.Days() {
		if _, holiday := cal.Holiday(day); holiday {
			continue
		}
		for _, h := range w.Hours {
			if h.Weekday == clock.WeekdayOf(day.Weekday()) {
				shifts = append(shifts, Span{h.From.on(day, cal.Zone()), h.To.on(day, cal.Zone())})
			}
		}
	}
	return subtract(shifts, nil)
}

// Away are the worker's absences as spans.
func (w Worker) Away() []Span {
	away := make([]Span, len(w.Absences))
	for i, a := range w.Absences {
		away[i] = a.Span
	}
	return away
}

// Has says whether the worker has one skill.
func (w Worker) Has(skill string) bool { return slices.Contains(w.Skills, skill) }

// Speaks says whether the worker speaks a language; no language asked for is
// spoken by everybody.
func (w Worker) Speaks(language string) bool {
	return language == "" || slices.Contains(w.Languages, language)
}

// StillServes says whether a visit the worker has can stay theirs after a change
// from what they were before: it lies in their hours, they are there, and have
// lost no skill, level or language it asks for, nor what its family asked.
func (w Worker) StillServes(v Visit, asks Asks, before Worker, cal *clock.Calendar) bool {
	if v.Slot == nil {
		return false
	}
	week := WeekOf(cal.Today(v.Slot.StartsAt))
	at := slices.ContainsFunc(w.Available([]Week{week}, cal).hours(), func(s Span) bool { return s.Holds(v.Slot.Span()) })
	lost := slices.ContainsFunc(v.Skills, func(s string) bool { return before.Has(s) && !w.Has(s) })
	lost = lost || slices.ContainsFunc(asks.Levels, func(l SkillLevel) bool { return before.level(l.Skill) >= l.Level && w.level(l.Skill) < l.Level })
	lost = lost || slices.ContainsFunc(asks.Attributes(true), func(a string) bool {
		return slices.Contains(before.Attributes, a) && !slices.Contains(w.Attributes, a)
	})
	return at && !lost && (!before.Speaks(v.Language) || w.Speaks(v.Language))
}
