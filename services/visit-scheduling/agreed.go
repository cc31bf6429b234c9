package visitscheduling

import (
	"fmt"
	"slices"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// worker is a worker in the words of the search. What is booked outside the hours
// is an absence there.
func (t *translation) worker(a schedule.Available, booked []schedule.Booking, stretches []schedule.Span) optimise.Worker {
	base := place(a.Base)
	w := optimise.Worker{
		ID: string(a.ID), Skills: slices.Clone(a.Skills), Levels: levels(a.Levels), Languages: a.Languages, Attributes: a.Attributes, Mode: a.Mode,
		Start: base, End: base, OvertimeMinutes: a.Limits.OvertimeMinutes,
		MaxDayMinutes: a.Limits.DayMinutes, MaxWeekMinutes: a.Limits.WeekMinutes, MaxDayVisits: a.Limits.DayVisits, MaxWeekVisits: a.Limits.WeekVisits,
		Caseload: a.Limits.Families,
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

// families are the rules of families, with what lies outside the problem summed up.
func (t *translation) families(all []schedule.Family) {
	t.regular = map[schedule.SeriesID][]schedule.WorkerID{}
	for _, f := range all {
		known, people := f.Acquainted()
		out := optimise.Family{Series: string(f.Series), Regular: names(f.Regular), Met: names(known), KnownFirst: f.KnownFirst}
		if f.People != nil {
			// There everybody met counts; here those of the last days do.
			out.MaxWorkers = max(1, len(known)+f.People.Most-people)
		}
		if f.Substitutes != nil {
			used, last := f.Substituted(t.origin)
			out.Substitutes = &optimise.Substitutes{Most: f.Substitutes.Most, Used: used, NeverRunning: f.Substitutes.NeverRunning, LastWas: last}
		}
		t.problem.Families = append(t.problem.Families, out)
		t.regular[f.Series] = f.Regular
	}
}

// turn says whether a booking counts for its family by this worker: by one of the
// family's own if one comes.
func (t *translation) turn(b schedule.Booking, w schedule.WorkerID) bool {
	own := t.regular[b.Series]
	mine := slices.Contains(own, w)
	return mine || !slices.ContainsFunc(b.Workers, func(id schedule.WorkerID) bool { return slices.Contains(own, id) })
}
