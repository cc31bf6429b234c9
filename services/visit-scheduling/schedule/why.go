package schedule

import (
	"slices"
	"time"
)

// why finds the first rule that leaves d without a team. Rules are looked at
// from the lasting (skills) to the passing (today's bookings): the one that is
// named is the one to relax, all before it are met by somebody.
func (g *greedy) why(d *Demand) Reason {
	if len(d.Windows) == 0 {
		if d.NoWindow != "" {
			return d.NoWindow
		}
		if d.Daylight {
			return InTheDark
		}
		return WeekOver
	}
	if len(g.workers) < d.Workers {
		return TooFewWorkers
	}
	languageless, unasked := *d, *d
	languageless.Language, languageless.Attributes = "", nil
	unasked.Attributes = nil
	anyone := func(*tourist) bool { return true }
	allowed := func(w *tourist) bool { return !slices.Contains(d.Excluded, w.ID) }
	length := time.Duration(d.Minutes) * time.Minute
	room := func(spans []Span) bool {
		return slices.ContainsFunc(spans, func(s Span) bool {
			return slices.ContainsFunc(d.Windows, func(w Span) bool {
				from, to := s.From, s.To
				if w.From.After(from) {
					from = w.From
				}
				if w.To.Before(to) {
					to = w.To
				}
				return to.Sub(from) >= length
			})
		})
	}
	atWork := func(w *tourist) bool { return allowed(w) && room(w.Shifts) }
	present := func(w *tourist) bool { return atWork(w) && room(subtract(w.Shifts, w.Away)) }
	anyDay := *d
	anyDay.PerDay = 0
	open := func(d *Demand, free slack) func(*tourist) bool {
		return func(w *tourist) bool { return present(w) && len(g.openings(w, d, free)) > 0 }
	}
	steps := []struct {
		demand *Demand
		meets  func(*tourist) bool
		reason Reason
	}{
		{&languageless, anyone, SkillMissing},
		{&unasked, anyone, LanguageMissing},
		{d, anyone, AttributeAsked},
		{d, allowed, AllExcluded},
		{d, atWork, OutsideHours},
		{d, present, WorkersAbsent},
		{d, open(&anyDay, slack{teleport: true, limits: true, last: true}), FullyBooked},
		{d, open(&anyDay, slack{limits: true, last: true}), TravelTooLong},
		{d, open(&anyDay, slack{last: true}), WorkerLimits},
		{d, open(&anyDay, slack{}), LastOfDay},
		{d, open(d, slack{}), DayLimit},
		{d, func(w *tourist) bool {
			return present(w) && (d.Workers > 1 || slices.ContainsFunc(g.openings(w, d, slack{}), func(o opening) bool {
				return g.familyAllows(d, g.start(d, o.lo, o.hi), w)
			}))
		}, FamilyRules},
	}
	for _, s := range steps {
		if !g.team(s.demand, s.meets) {
			return s.reason
		}
	}
	return PairNotTogether
}

// team says whether there are as many workers as d needs who have its skills and
// language together and each meet a condition.
func (g *greedy) team(d *Demand, meets func(*tourist) bool) bool {
	var met []*tourist
	for _, w := range g.workers {
		if !meets(w) {
			continue
		}
		if d.Workers == 1 {
			if canTogether(d, w) {
				return true
			}
			continue
		}
		for _, other := range met {
			if canTogether(d, other, w) {
				return true
			}
		}
		met = append(met, w)
	}
	return false
}
