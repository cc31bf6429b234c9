package schedule

import (
	"slices"
	"time"
)

// margin is what somebody who would have to be found has to come and go in.
const margin = 2 * time.Hour

// newcomer stands for a worker who would have to be found.
func newcomer(i int) WorkerID { return WorkerID("newcomer " + string(rune('1'+i))) }

// With is the standing schedule as it would be with a remedy for d: its rules
// relaxed, what gives way gone, and d at its place.
func (s Standing) With(d Demand, r Remedy) Standing {
	p := s.Problem
	p.Roster = slices.Clone(p.Roster)
	slot := r.Place
	slot.Workers = slices.Clone(slot.Workers)
	worker := func(id WorkerID, change func(*Available)) {
		for i := range p.Roster {
			if p.Roster[i].ID == id {
				change(&p.Roster[i])
			}
		}
	}
	gone := map[VisitID]bool{}
	perDay := 0
	for _, x := range r.Steps {
		switch x.Rule {
		case RuleWindow:
			d.Windows = append(slices.Clone(d.Windows), *x.Span)
		case RuleHours:
			for _, id := range x.Workers {
				worker(id, func(a *Available) { a.Shifts = merge(append(slices.Clone(a.Shifts), *x.Span)) })
			}
		case RuleAbsent:
			for _, id := range x.Workers {
				worker(id, func(a *Available) { a.Away = subtract(a.Away, []Span{*x.Span}) })
			}
		case RuleAttribute, RulePause, RuleDayWork, RuleWeekWork, RuleCaseload:
			for _, id := range x.Workers {
				worker(id, func(a *Available) { a.lift(x) })
			}
		case RuleDark:
			d.Daylight = false
		case RuleLast:
			d.NotLast = false
		case RuleSubstitutes, RuleRunning, RulePeople, RuleKnownFirst:
			p.Families = lifted(p.Families, d, x.Rule)
		case RuleSkill, RuleLanguage:
			worker(slot.Workers[0], func(a *Available) {
				a.Skills = append(slices.Clone(a.Skills), x.Skills...)
				a.Levels = slices.DeleteFunc(slices.Clone(a.Levels), func(l SkillLevel) bool {
					return slices.ContainsFunc(x.Levels, func(better SkillLevel) bool { return better.Skill == l.Skill })
				})
				a.Levels = append(a.Levels, x.Levels...)
				if x.Language != "" {
					a.Languages = append(slices.Clone(a.Languages), x.Language)
				}
			})
		case RuleExcluded:
			d.Excluded = slices.DeleteFunc(slices.Clone(d.Excluded), func(w WorkerID) bool { return slices.Contains(slot.Workers, w) })
		case RuleDoubleBooked:
			for _, v := range x.Visits {
				gone[v] = true
			}
		case RuleDayLimit:
			perDay = 1
		case RuleWorkersNeeded:
			for i := range x.More {
				found := Available{ID: newcomer(i), Skills: x.Skills, Levels: x.Levels, Attributes: x.Attributes, Shifts: []Span{{x.Span.From.Add(-margin), x.Span.To.Add(margin)}}, Base: d.At.Point}
				if x.Language != "" {
					found.Languages = []string{x.Language}
				}
				p.Roster = append(p.Roster, found)
				slot.Workers = append(slot.Workers, found.ID)
			}
		}
	}
	out := Standing{Problem: p}
	out.Problem.Demands = nil
	gone[d.Visit] = true
	for _, other := range p.Demands {
		if !gone[other.Visit] {
			out.Problem.Demands = append(out.Problem.Demands, other)
		}
	}
	out.Problem.Demands = append(out.Problem.Demands, d)
	for i := range out.Problem.Demands {
		if other := &out.Problem.Demands[i]; other.Series == d.Series && other.PerDay > 0 {
			other.PerDay += perDay
		}
	}
	for _, x := range s.Plan.Placed {
		if !gone[x.Visit] {
			out.Plan.Placed = append(out.Plan.Placed, x)
		}
	}
	out.Plan.Placed = append(out.Plan.Placed, Placement{d.Visit, slot})
	return out
}

// lift is the worker with what was agreed set aside as far as a step says.
func (a *Available) lift(x Step) {
	switch x.Rule {
	case RuleAttribute:
		a.Attributes = append(slices.Clone(a.Attributes), x.Attributes...)
	case RulePause:
		a.Pauses = slices.DeleteFunc(slices.Clone(a.Pauses), func(p Pause) bool { return p.Overlaps(*x.Span) })
	case RuleDayWork:
		a.Limits.DayMinutes, a.Limits.DayVisits = 0, 0
	case RuleWeekWork:
		a.Limits.WeekMinutes, a.Limits.WeekVisits = 0, 0
	case RuleCaseload:
		a.Limits.Families = 0
	}
}

// lifted are families' rules with one more of what a rule bounds, for d's family.
func lifted(families []Family, d Demand, rule Rule) []Family {
	families = slices.Clone(families)
	for i := range families {
		f := &families[i]
		if f.Series != d.Series {
			continue
		}
		switch rule {
		case RuleSubstitutes:
			more := *f.Substitutes
			more.Most++
			f.Substitutes = &more
		case RuleRunning:
			more := *f.Substitutes
			more.NeverRunning = false
			f.Substitutes = &more
		case RulePeople:
			more := *f.People
			more.Most += d.Workers
			f.People = &more
		case RuleKnownFirst:
			f.KnownFirst = false
		}
	}
	return families
}

// against are the rules that stand against a remedy for d, in d's own visit and
// in others.
func (s Standing) against(d Demand, r Remedy) (own, others []Violation) {
	with := s.With(d, r)
	for _, found := range with.Problem.Check(with.Plan) {
		switch {
		case found.Rule == RuleLost: // what has no place is no fault of this one's
		case found.Visit == d.Visit:
			own = append(own, found)
		default:
			others = append(others, found)
		}
	}
	return own, others
}

// Proves says whether a remedy gives d its place without any other rule broken.
func (s Standing) Proves(d Demand, r Remedy) bool {
	own, others := s.against(d, r)
	return len(r.Steps) > 0 && len(own)+len(others) == 0
}
