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
		w.TravelMinute, w.Stranger, w.NewFace, w.ChangedWorker, w.MovedMinute, w.MovedMost, w.ShortNotice, w.NoticeDays, w.SpacingDay,
		w.Weekday, w.OvertimeMinute, w.Unplaced, w.FairLoad, w.FairTravel, w.FairEvening,
	} {
		if x < 0 || x > maxWeight {
			a.bad("a weight is %d; 0 to %d are possible", x, maxWeight)
		}
	}
	if w.ShortNotice > maxFactor {
		a.bad("the factor for short notice is %d; at most %d is possible", w.ShortNotice, maxFactor)
	}
	if w.NoticeDays > maxNotice {
		a.bad("%d days of notice; at most %d are possible", w.NoticeDays, maxNotice)
	}
	if p.Now < earliest || p.Now > latest {
		a.bad("now is minute %d; %d to %d are possible", p.Now, earliest, latest)
	}
	return errors.Join(a.errs...)
}

// What a number may be at most, so that every sum of a schedule stays far from
// overflow: points, a factor, a count or minutes.
const (
	maxWeight = 10_000_000
	maxFactor = 100
	maxNotice = 366
	maxCount  = 100_000_000
)

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
		if limit < 0 || limit > maxCount {
			a.bad("worker %q: a limit is %d; 0 to %d are possible", w.ID, limit, maxCount)
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
	if v.Priority < 0 || v.Priority > 100 {
		a.bad("visit %q: priority %d; 0 to 100 are possible", v.ID, v.Priority)
	}
	for _, x := range []int{v.Penalty, v.PerDay, v.Spacing} {
		if x < 0 || x > maxCount {
			a.bad("visit %q: penalty, per day or spacing is %d; 0 to %d are possible", v.ID, x, maxCount)
		}
	}
	if len(v.Roles) > maxRoles {
		a.bad("visit %q: %d roles; at most %d are possible", v.ID, len(v.Roles), maxRoles)
	}
	if v.Gap != nil && (v.Gap.Min < 0 || v.Gap.Max < v.Gap.Min || v.Gap.Max > maxCount) {
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
	for _, start := range v.Published.Starts {
		if start < earliest || start > latest {
			a.bad("visit %q: published at minute %d; %d to %d are possible", v.ID, start, earliest, latest)
		}
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
	if f.MaxWorkers < 0 || f.MaxWorkers > maxCount || f.PerWeek < 0 || f.PerWeek > maxCount {
		a.bad("family of series %q: %d workers, %d visits a week; 0 to %d are possible", f.Series, f.MaxWorkers, f.PerWeek, maxCount)
	}
	if s := f.Substitutes; s != nil {
		if s.Most < 0 || s.Most > maxCount || s.Used < 0 || s.Used > maxCount {
			a.bad("family of series %q: %d substitutes, %d used", f.Series, s.Most, s.Used)
		}
		if len(f.Regular) == 0 {
			a.bad("family of series %q: substitutes are bounded, but it has no regular workers", f.Series)
		}
	}
}

// Times of a problem lie between these minutes.
const (
	earliest = -100 * WeekMinutes
	latest   = 1000 * WeekMinutes
)

func (w Window) sound() bool {
	return w.From < w.To && w.From > earliest && w.To < latest
}

func (p *Place) sound() bool {
	return p == nil || (p.Unknown && *p == Place{Unknown: true}) || (!p.Unknown && p.Lat >= -90 && p.Lat <= 90 && p.Lon >= -180 && p.Lon <= 180)
}
