package optimise

import (
	"errors"
	"fmt"
)

// Times are whole minutes since the problem's origin, which the caller sets to a
// midnight in the agency's zone; day d is the minutes from 1440·d to 1440·(d+1),
// week w the days from 7·w to 7·w+6.

// DayMinutes and WeekMinutes are the lengths limits are counted over.
const (
	DayMinutes  = 24 * 60
	WeekMinutes = 7 * DayMinutes
)

// Problem is what is to be scheduled. Ids are the caller's and are compared, never read.
type Problem struct {
	Visits  []Visit
	Workers []Worker
	Travel  Travel // nil is the zero Estimate
	Weights Weights
	Now     int // changes to visits published for soon after cost more
}

// Place is a position in degrees (WGS 84).
type Place struct{ Lat, Lon float64 }

// Window is a span of time, To excluded.
type Window struct{ From, To int }

// Visit is one visit to be made.
type Visit struct {
	ID      string
	Series  string // visits of one family; "" stands alone
	Place   *Place // nil is remote: no travel, wherever the worker is
	Minutes int
	Windows []Window // the visit lies wholly in one of them
	// Roles are the workers needed, one each; a visit without roles needs one
	// worker of any skill.
	Roles []Role
	// TeamSkills and TeamLanguages must each be had by at least one of the workers.
	TeamSkills    []string
	TeamLanguages []string
	// Gap set means one worker after the other in the order of Roles; nil means all together.
	Gap      *Gap
	Priority int  // ≥ 0; leaving a visit out costs Unplaced·(1+Priority)
	Optional bool // may be left out for Penalty
	Penalty  int
	Excluded []string // workers who must never come
	// Preferred workers cost nothing extra; others cost Stranger when there are any.
	Preferred []string
	PerDay    int // most visits of the series a day, 0 is no limit
	Spacing   int // days wished between visits of the series
	// Published is where the visit stands in the schedule people know.
	Published *Assignment
	Locked    bool // stays as published
}

// Role is one worker's part of a visit.
type Role struct {
	Skills    []string
	Languages []string
}

// Gap bounds the minutes between the starts of one worker and the next.
type Gap struct{ Min, Max int }

// Worker is one who makes visits.
type Worker struct {
	ID         string
	Skills     []string
	Languages  []string
	Start, End *Place // of every shift; nil starts at the first visit or ends at the last
	Shifts     []Window
	Absences   []Window
	// Limits on visits and the travel to, between and from them; 0 is no limit.
	MaxDayMinutes  int
	MaxWeekMinutes int
}

// Assignment says who makes a visit and when. Starts has one element for each
// worker; all are equal when the workers come together.
type Assignment struct {
	Workers []string
	Starts  []int
}

// Solution is a schedule: every visit of the problem is in exactly one of the two.
type Solution struct {
	Placed    []Placement
	Unplaced  []Unplaced
	Objective Objective
}

// Placement is one visit made, in the order of the problem's visits.
type Placement struct {
	Visit string
	Assignment
}

// Weights turn an agency's wishes into points; the zero value takes DefaultWeights.
type Weights struct {
	TravelMinute  int // each minute on the way
	Stranger      int // a worker who is not among those preferred
	NewFace       int // each worker of a series beyond the first
	ChangedWorker int // a worker other than published
	MovedMinute   int // each minute away from the published start, up to MovedMost
	MovedMost     int // minutes
	ShortNotice   int // factor on both when the published start is within 48 hours of Now
	SpacingDay    int // each day two visits of a series are nearer than wished
	Unplaced      int // a visit left out, times 1+Priority
}

// DefaultWeights are the weights a zero Weights stands for, with ten points to a
// minute of travel.
func DefaultWeights() Weights {
	return Weights{
		TravelMinute: 10, Stranger: 600, NewFace: 150, ChangedWorker: 300, MovedMinute: 2, MovedMost: 240,
		ShortNotice: 3, SpacingDay: 250, Unplaced: 100_000,
	}
}

// Objective is the cost of a schedule, term by term, in points.
type Objective struct {
	Travel     int64
	Preference int64
	Continuity int64
	Stability  int64
	Spacing    int64
	Unplaced   int64
}

// Total is the sum the search makes small.
func (o Objective) Total() int64 {
	return o.Travel + o.Preference + o.Continuity + o.Stability + o.Spacing + o.Unplaced
}

// Validate reports everything wrong with the problem, each with the id it
// concerns.
func (p *Problem) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	workers := map[string]bool{}
	for _, w := range p.Workers {
		if w.ID == "" || workers[w.ID] {
			bad("worker %q: id is empty or taken", w.ID)
		}
		workers[w.ID] = true
		for _, s := range append(append([]Window(nil), w.Shifts...), w.Absences...) {
			if !s.sound() {
				bad("worker %q: span %d to %d", w.ID, s.From, s.To)
			}
		}
		if w.MaxDayMinutes < 0 || w.MaxWeekMinutes < 0 {
			bad("worker %q: a limit is negative", w.ID)
		}
		for _, at := range []*Place{w.Start, w.End} {
			if !at.sound() {
				bad("worker %q: place out of range", w.ID)
			}
		}
	}
	visits := map[string]bool{}
	for _, v := range p.Visits {
		if v.ID == "" || visits[v.ID] {
			bad("visit %q: id is empty or taken", v.ID)
		}
		visits[v.ID] = true
		if v.Minutes < 1 || v.Minutes > DayMinutes {
			bad("visit %q: %d minutes; 1 to %d are possible", v.ID, v.Minutes, DayMinutes)
		}
		if v.Priority < 0 || v.Priority > 100 || v.Penalty < 0 || v.PerDay < 0 || v.Spacing < 0 {
			bad("visit %q: priority, penalty, per day and spacing are not negative, priority at most 100", v.ID)
		}
		if len(v.Roles) > maxRoles {
			bad("visit %q: %d roles; at most %d are possible", v.ID, len(v.Roles), maxRoles)
		}
		if v.Gap != nil && (v.Gap.Min < 0 || v.Gap.Max < v.Gap.Min) {
			bad("visit %q: gap %d to %d", v.ID, v.Gap.Min, v.Gap.Max)
		}
		if !v.Place.sound() {
			bad("visit %q: place out of range", v.ID)
		}
		for _, s := range v.Windows {
			if !s.sound() {
				bad("visit %q: window %d to %d", v.ID, s.From, s.To)
			}
		}
		if v.Locked && v.Published == nil {
			bad("visit %q: locked but not published", v.ID)
		}
		if v.Published != nil {
			if len(v.Published.Workers) != len(v.Published.Starts) {
				bad("visit %q: published with %d workers and %d starts", v.ID, len(v.Published.Workers), len(v.Published.Starts))
			}
			if v.Locked {
				for _, w := range v.Published.Workers {
					if !workers[w] {
						bad("visit %q: locked to unknown worker %q", v.ID, w)
					}
				}
			}
		}
	}
	return errors.Join(errs...)
}

const maxRoles = 4

func (w Window) sound() bool {
	return w.From < w.To && w.From > -100*WeekMinutes && w.To < 1000*WeekMinutes
}

func (p *Place) sound() bool {
	return p == nil || (p.Lat >= -90 && p.Lat <= 90 && p.Lon >= -180 && p.Lon <= 180)
}
