package optimise

import (
	"errors"
	"fmt"
)

const maxRoles = 4

// Validate reports everything wrong with the problem, each with the id it
// concerns.
func (p *Problem) Validate() error {
	a := audit{workers: map[string]bool{}, visits: map[string]bool{}, families: map[string]bool{}}
	for i := range p.Workers {
		a.worker(&p.Workers[i])
	}
	for i := range p.Visits {
		a.visit(&p.Visits[i])
	}
	for i := range p.Families {
		a.family(&p.Families[i])
	}
	for _, t := range p.Traffic {
		a.traffic(t)
	}
	for _, s := range p.Dark {
		if !s.sound() {
			a.bad("dark span %d to %d", s.From, s.To)
		}
	}
	if p.Evening < 0 || p.Evening > DayMinutes {
		a.bad("evening from minute %d; 0 to %d are possible", p.Evening, DayMinutes)
	}
	w := p.Weights
	for _, x := range []int{
		w.TravelMinute, w.Stranger, w.NewFace, w.ChangedWorker, w.MovedMinute, w.MovedMost, w.ShortNotice, w.SpacingDay,
		w.Weekday, w.OvertimeMinute, w.Unplaced, w.FairLoad, w.FairTravel, w.FairEvening,
	} {
		if x < 0 || x > maxWeight {
			a.bad("a weight is %d; 0 to %d are possible", x, maxWeight)
		}
	}
	return errors.Join(a.errs...)
}

// maxWeight keeps every sum of a schedule far from overflow.
const maxWeight = 100_000_000

type audit struct {
	workers, visits, families map[string]bool
	errs                      []error
}

func (a *audit) bad(format string, args ...any) { a.errs = append(a.errs, fmt.Errorf(format, args...)) }

func (a *audit) worker(w *Worker) {
	if w.ID == "" || a.workers[w.ID] {
		a.bad("worker %q: id is empty or taken", w.ID)
	}
	a.workers[w.ID] = true
	for _, s := range append(append([]Window(nil), w.Shifts...), w.Absences...) {
		if !s.sound() {
			a.bad("worker %q: span %d to %d", w.ID, s.From, s.To)
		}
	}
	for i, b := range w.Breaks {
		if !b.sound() || b.Minutes < 1 || b.Minutes > b.To-b.From {
			a.bad("worker %q: a break of %d minutes from %d to %d", w.ID, b.Minutes, b.From, b.To)
		}
		for _, earlier := range w.Breaks[:i] {
			if earlier.From < b.To && b.From < earlier.To {
				a.bad("worker %q: the windows of two breaks overlap at %d", w.ID, max(b.From, earlier.From))
			}
		}
	}
	for _, limit := range []int{w.MaxDayMinutes, w.MaxWeekMinutes, w.MaxDayVisits, w.MaxWeekVisits, w.Caseload, w.OvertimeMinutes} {
		if limit < 0 {
			a.bad("worker %q: a limit is negative", w.ID)
		}
	}
	if w.OvertimeMinutes > DayMinutes {
		a.bad("worker %q: %d minutes of overtime; at most %d are possible", w.ID, w.OvertimeMinutes, DayMinutes)
	}
	if !w.Mode.known() {
		a.bad("worker %q: no way of travelling is called %q", w.ID, w.Mode)
	}
	for _, at := range []*Place{w.Start, w.End} {
		if !at.sound() {
			a.bad("worker %q: place out of range", w.ID)
		}
	}
}

func (a *audit) visit(v *Visit) {
	if v.ID == "" || a.visits[v.ID] {
		a.bad("visit %q: id is empty or taken", v.ID)
	}
	a.visits[v.ID] = true
	if v.Minutes < 1 || v.Minutes > DayMinutes {
		a.bad("visit %q: %d minutes; 1 to %d are possible", v.ID, v.Minutes, DayMinutes)
	}
	if v.Priority < 0 || v.Priority > 100 || v.Penalty < 0 || v.PerDay < 0 || v.Spacing < 0 {
		a.bad("visit %q: priority, penalty, per day and spacing are not negative, priority at most 100", v.ID)
	}
	if len(v.Roles) > maxRoles {
		a.bad("visit %q: %d roles; at most %d are possible", v.ID, len(v.Roles), maxRoles)
	}
	if v.Gap != nil && (v.Gap.Min < 0 || v.Gap.Max < v.Gap.Min) {
		a.bad("visit %q: gap %d to %d", v.ID, v.Gap.Min, v.Gap.Max)
	}
	if v.NeverAlone && (len(v.Roles) < 2 || v.Gap != nil) {
		a.bad("visit %q: never alone, but not by two workers together", v.ID)
	}
	for _, x := range v.Wishes {
		if x.Points < 0 || x.Points > maxWeight || x.Attribute == "" {
			a.bad("visit %q: a wish for %q at %d points", v.ID, x.Attribute, x.Points)
		}
	}
	if !v.Place.sound() {
		a.bad("visit %q: place out of range", v.ID)
	}
	for _, s := range v.Windows {
		if !s.sound() {
			a.bad("visit %q: window %d to %d", v.ID, s.From, s.To)
		}
	}
	a.published(v)
}

func (a *audit) published(v *Visit) {
	if v.Published == nil {
		if v.Locked {
			a.bad("visit %q: locked but not published", v.ID)
		}
		return
	}
	if len(v.Published.Workers) != len(v.Published.Starts) {
		a.bad("visit %q: published with %d workers and %d starts", v.ID, len(v.Published.Workers), len(v.Published.Starts))
	}
	if !v.Locked {
		return
	}
	for _, w := range v.Published.Workers {
		if !a.workers[w] {
			a.bad("visit %q: locked to unknown worker %q", v.ID, w)
		}
	}
}

func (a *audit) family(f *Family) {
	if f.Series == "" || a.families[f.Series] {
		a.bad("family of series %q: the series is empty or has another", f.Series)
	}
	a.families[f.Series] = true
	if f.MaxWorkers < 0 || f.PerWeek < 0 {
		a.bad("family of series %q: a limit is negative", f.Series)
	}
	if s := f.Substitutes; s != nil {
		if s.Most < 0 || s.Used < 0 {
			a.bad("family of series %q: %d substitutes, %d used", f.Series, s.Most, s.Used)
		}
		if len(f.Regular) == 0 {
			a.bad("family of series %q: substitutes are bounded, but it has no regular workers", f.Series)
		}
	}
}

func (w Window) sound() bool {
	return w.From < w.To && w.From > -100*WeekMinutes && w.To < 1000*WeekMinutes
}

func (p *Place) sound() bool {
	return p == nil || (p.Lat >= -90 && p.Lat <= 90 && p.Lon >= -180 && p.Lon <= 180)
}
