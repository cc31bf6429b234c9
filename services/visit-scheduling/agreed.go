package visitscheduling

import (
	"fmt"
	"slices"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// worker is a worker in the words of the search. What is booked outside the hours
// is an absence there.
//
// What is booked beyond what was agreed, by hand or before it was agreed, stays
// booked: the limits there are at least that. What comes in beyond the limits here
// is judged by Problem.Check.
func (t *translation) worker(a schedule.Available, booked []schedule.Booking, stretches []schedule.Span, burden schedule.Limits) optimise.Worker {
	base := place(a.Base)
	limit := func(agreed, booked int) int {
		if agreed == 0 {
			return 0
		}
		return max(agreed, booked)
	}
	w := optimise.Worker{
		ID: string(a.ID), Skills: slices.Clone(a.Skills), Levels: levels(a.Levels), Languages: a.Languages, Attributes: a.Attributes, Mode: a.Mode,
		Start: base, End: base, OvertimeMinutes: a.Limits.OvertimeMinutes,
		MaxDayMinutes: limit(a.Limits.DayMinutes, burden.DayMinutes), MaxWeekMinutes: limit(a.Limits.WeekMinutes, burden.WeekMinutes),
		MaxDayVisits: limit(a.Limits.DayVisits, burden.DayVisits), MaxWeekVisits: limit(a.Limits.WeekVisits, burden.WeekVisits),
		Caseload: limit(a.Limits.Families, burden.Families),
	}
	for _, l := range a.Levels {
		for n := 2; n <= l.Level; n++ {
			w.Skills = append(w.Skills, atLeast(l.Skill, n))
		}
	}
	// of a pair one must reach a level, and nobody falls short of the first
	for _, s := range a.Skills {
		w.Skills = append(w.Skills, atLeast(s, 1))
	}
	for _, s := range a.Families {
		w.Families = append(w.Families, string(s))
	}
	for _, s := range a.Shifts {
		if from, to := t.up(s.From), t.down(s.To); from < to {
			w.Shifts = append(w.Shifts, optimise.Window{From: from, To: to})
		}
	}
	away := func(s schedule.Span) {
		// An absence may be for ever.
		if from, to := max(t.down(s.From), -aYear), min(t.up(s.To), aYear); from < to {
			w.Absences = append(w.Absences, optimise.Window{From: from, To: to})
		}
	}
	for _, s := range a.Away {
		away(s)
	}
	for _, b := range booked {
		if !slices.ContainsFunc(stretches, func(s schedule.Span) bool { return s.Holds(b.Span) }) {
			away(b.Span)
		}
	}
	for _, p := range a.Pauses {
		if from, to := t.up(p.From), t.down(p.To); to-from >= p.Minutes {
			w.Breaks = append(w.Breaks, optimise.Break{Window: optimise.Window{From: from, To: to}, Minutes: p.Minutes})
		}
	}
	return w
}

// aYear is more than a problem spans, in minutes.
const aYear = 53 * optimise.WeekMinutes

// atLeast names a skill at a level, to ask a team for it.
func atLeast(skill string, level int) string { return fmt.Sprintf("%s≥%d", skill, level) }

func levels(all []schedule.SkillLevel) map[string]int {
	if len(all) == 0 {
		return nil
	}
	of := map[string]int{}
	for _, l := range all {
		of[l.Skill] = l.Level
	}
	return of
}

// families are the rules of families, with what lies outside the problem summed up,
// and with those bookings left out of them that break them already: made by hand, or
// before the rules were. Their time stays booked.
func (t *translation) families(p schedule.Problem) {
	t.regular, t.outside = map[schedule.SeriesID][]schedule.WorkerID{}, map[schedule.VisitID]bool{}
	booked := map[schedule.SeriesID][]schedule.Booking{}
	if len(p.Families) > 0 {
		for _, b := range p.Booked {
			booked[b.Series] = append(booked[b.Series], b)
		}
	}
	for _, f := range p.Families {
		t.regular[f.Series] = f.Regular
		known, people := f.Acquainted()
		out := optimise.Family{Series: string(f.Series), Regular: names(f.Regular), Met: names(known), KnownFirst: f.KnownFirst}
		if f.People != nil {
			// There everybody met counts; here those of the last days do.
			out.MaxWorkers = max(1, len(known)+f.People.Most-people)
		}
		last := false
		if f.Substitutes != nil {
			out.Substitutes = &optimise.Substitutes{Most: f.Substitutes.Most, NeverRunning: f.Substitutes.NeverRunning}
			out.Substitutes.Used, last = f.Substituted(t.origin)
			out.Substitutes.LastWas = last
		}
		own := booked[f.Series]
		slices.SortStableFunc(own, func(a, b schedule.Booking) int { return a.Span.From.Compare(b.Span.From) })
		t.leaveOut(&out, own, last)
		t.problem.Families = append(t.problem.Families, out)
	}
}

// leaveOut finds the bookings of a family, in order, that break its rules.
func (t *translation) leaveOut(f *optimise.Family, booked []schedule.Booking, last bool) {
	met, substitutes := slices.Clone(f.Met), 0
	for _, b := range booked {
		workers := names(b.Workers)
		if len(workers) == 0 {
			continue
		}
		comes := workers[0]
		for _, w := range workers {
			if slices.Contains(f.Regular, w) {
				comes = w
				break
			}
		}
		own := slices.Contains(f.Regular, comes)
		known := own || slices.Contains(f.Met, comes)
		fresh := !slices.Contains(met, comes)
		breaks := f.KnownFirst && !known && len(f.Regular)+len(f.Met) > 0 || f.MaxWorkers > 0 && fresh && len(met) >= f.MaxWorkers
		if s := f.Substitutes; s != nil {
			switch {
			case own:
				last = false
			case s.Used+substitutes >= s.Most:
				breaks = true
			case breaks || s.NeverRunning && last:
				s.Used++ // it counts all the same
				breaks = true
			default:
				substitutes++
				last = true
			}
		}
		if breaks {
			t.outside[b.Visit] = true
		} else if fresh {
			met = append(met, comes)
		}
	}
}

// turn says whether a booking counts for its family by this worker: by one of the
// family's own if one comes.
func (t *translation) turn(b schedule.Booking, w schedule.WorkerID) bool {
	if t.outside[b.Visit] {
		return false
	}
	own := t.regular[b.Series]
	mine := slices.Contains(own, w)
	return mine || !slices.ContainsFunc(b.Workers, func(id schedule.WorkerID) bool { return slices.Contains(own, id) })
}
