package schedule

import (
	"cmp"
	"slices"
	"sort"
	"time"
)

// most is how many steps a remedy has at most: what needs more helps nobody.
const mostSteps = 4

// relaxed adds steps to a remedy until no rule stands against it.
func (s Standing) relaxed(d Demand, r Remedy) (Remedy, bool) {
	for {
		own, others := s.against(d, r)
		against := append(own, others...)
		if len(against) == 0 {
			return r.utc(), len(r.Steps) > 0
		}
		if len(r.Steps) == mostSteps {
			return r, false
		}
		step, ok := s.step(d, r, against[0].Rule)
		if !ok {
			return r, false
		}
		r.Steps = append(r.Steps, step)
	}
}

// utc is the remedy with its times as they are stored.
func (r Remedy) utc() Remedy {
	for i, s := range r.Steps {
		if s.Span != nil {
			r.Steps[i].Span = &Span{s.Span.From.UTC(), s.Span.To.UTC()}
		}
	}
	return r
}

// step relaxes one rule for d at the remedy's place.
func (s Standing) step(d Demand, r Remedy, rule Rule) (Step, bool) {
	step, place := Step{Rule: rule}, r.Place.Span()
	with := s.With(d, r)
	var team []Available
	for _, a := range with.Problem.Roster {
		if slices.Contains(r.Place.Workers, a.ID) {
			team = append(team, a)
		}
	}
	switch rule {
	case RuleWindow:
		step.Span, step.Minutes = &place, outside(d.Windows, place)
	case RuleSkill:
		for _, skill := range d.Skills {
			if !slices.ContainsFunc(team, func(a Available) bool { return slices.Contains(a.Skills, skill) }) {
				step.Skills = append(step.Skills, skill)
			}
		}
		for _, l := range d.Levels {
			if !slices.ContainsFunc(team, func(a Available) bool { return a.level(l.Skill) >= l.Level }) && l.Level > 1 {
				step.Levels = append(step.Levels, l)
			}
		}
	case RuleLanguage:
		step.Language = d.Language
	case RuleExcluded, RuleSubstitutes, RuleRunning, RulePeople, RuleKnownFirst:
	case RuleDark, RuleLast:
		step.Span = &place
	case RuleAttribute:
		for _, a := range team {
			for _, asked := range d.Attributes {
				if !slices.Contains(a.Attributes, asked) {
					step.Workers = append(step.Workers, a.ID)
					step.Attributes = append(step.Attributes, asked)
				}
			}
		}
		step.Workers, step.Attributes = sorted(step.Workers), sorted(step.Attributes)
	case RulePause, RuleDayWork, RuleWeekWork, RuleCaseload:
		day := s.day(place.From)
		step.Span = &day
		step.Workers = slices.Clone(r.Place.Workers)
		for _, a := range team {
			one := step
			if one.Workers = []WorkerID{a.ID}; s.helps(d, r, one) {
				step = one
				break
			}
		}
	case RuleDayLimit:
		day := s.day(place.From)
		step.Span = &day
	case RuleAbsent:
		day := s.day(place.From)
		for _, a := range team {
			if slices.ContainsFunc(a.Away, place.Overlaps) {
				step.Workers = append(step.Workers, a.ID)
			}
		}
		step.Span = &day
	case RuleHours, RuleTravel:
		if longer, ok := s.longer(d, r, team); ok {
			return longer, true
		}
		return s.giveWay(d, r, place)
	case RuleDoubleBooked:
		return s.giveWay(d, r, place)
	default:
		return step, false // a rule nobody relaxes
	}
	return step, !slices.ContainsFunc(r.Steps, func(x Step) bool { return x.Rule == rule })
}

func sorted[T cmp.Ordered](all []T) []T {
	slices.Sort(all)
	return slices.Compact(all)
}

// helps says whether fewer rules stand against a remedy with one more step.
func (s Standing) helps(d Demand, r Remedy, step Step) bool {
	had := s.count(d, r)
	r.Steps = append(slices.Clone(r.Steps), step)
	return s.count(d, r) < had
}

// count is how many rules stand against a remedy.
func (s Standing) count(d Demand, r Remedy) int {
	own, others := s.against(d, r)
	return len(own) + len(others)
}

func (s Standing) day(t time.Time) Span {
	y, m, d := t.In(s.Problem.Zone).Date()
	return Span{time.Date(y, m, d, 0, 0, 0, 0, s.Problem.Zone).UTC(), time.Date(y, m, d+1, 0, 0, 0, 0, s.Problem.Zone).UTC()}
}

// outside is how many minutes of a place lie outside the window that is nearest.
func outside(windows []Span, place Span) int {
	least := int(place.Length() / time.Minute)
	for _, w := range windows {
		if out := max(w.From.Sub(place.From), 0) + max(place.To.Sub(w.To), 0); place.Overlaps(w) {
			least = min(least, int(out/time.Minute))
		}
	}
	return least
}

const (
	// longest is how much longer a worker's hours are made before or after.
	longest = time.Hour
	// pace is what hours are made longer by.
	pace = 5 * time.Minute
)

// longer finds the worker whose hours are too short for the remedy's place, and by
// how much: the fewest minutes, before or after what they work.
func (s Standing) longer(d Demand, r Remedy, team []Available) (Step, bool) {
	place := r.Place.Span()
	had := s.count(d, r)
	try := func(a Available, more Span) (Step, bool) {
		step := Step{Rule: RuleHours, Workers: []WorkerID{a.ID}, Span: &more, Minutes: int(more.Length() / time.Minute)}
		tried := r
		tried.Steps = append(slices.Clone(r.Steps), step)
		return step, s.count(d, tried) < had
	}
	for _, a := range team {
		shift, works := nearest(a.Shifts, place, s.day(place.From))
		if !works {
			continue
		}
		for _, more := range []func(time.Duration) Span{
			func(by time.Duration) Span { return Span{shift.To, shift.To.Add(by)} },
			func(by time.Duration) Span { return Span{shift.From.Add(-by), shift.From} },
		} {
			if _, helps := try(a, more(longest)); !helps {
				continue
			}
			// What helps helps when there is more of it, too.
			paces := sort.Search(int(longest/pace)-1, func(i int) bool { _, helps := try(a, more(time.Duration(i+1)*pace)); return helps })
			return try(a, more(time.Duration(paces+1)*pace))
		}
	}
	return Step{}, false
}

// nearest is the shift of a day that lies nearest to a place.
func nearest(shifts []Span, place, day Span) (Span, bool) {
	best, found := Span{}, false
	distance := func(x Span) time.Duration { return max(x.From.Sub(place.From), place.To.Sub(x.To), 0) }
	for _, x := range merge(slices.Clone(shifts)) {
		if x.Overlaps(day) && (!found || distance(x) < distance(best)) {
			best, found = x, true
		}
	}
	return best, found
}

// giveWay finds the visits that stand in the way of the remedy's place: those of
// its workers at its time, and where the way is too long the one before or after.
func (s Standing) giveWay(d Demand, r Remedy, place Span) (Step, bool) {
	type other struct {
		id   VisitID
		span Span
	}
	var overlapping, before, after []other
	for _, p := range s.Plan.Placed {
		span := p.Slot.Span()
		gone := slices.ContainsFunc(r.Steps, func(x Step) bool { return slices.Contains(x.Visits, p.Visit) })
		if gone || !slices.ContainsFunc(p.Slot.Workers, func(w WorkerID) bool { return slices.Contains(r.Place.Workers, w) }) {
			continue
		}
		switch {
		case span.Overlaps(place):
			overlapping = append(overlapping, other{p.Visit, span})
		case span.From.Before(place.From):
			before = append(before, other{p.Visit, span})
		default:
			after = append(after, other{p.Visit, span})
		}
	}
	slices.SortFunc(before, func(a, b other) int { return b.span.To.Compare(a.span.To) })
	slices.SortFunc(after, func(a, b other) int { return a.span.From.Compare(b.span.From) })
	for _, n := range []struct{ before, after int }{{0, 0}, {1, 0}, {0, 1}, {1, 1}} {
		if n.before > len(before) || n.after > len(after) {
			continue
		}
		step := Step{Rule: RuleDoubleBooked}
		for _, o := range slices.Concat(overlapping, before[:n.before], after[:n.after]) {
			step.Visits = append(step.Visits, o.id)
		}
		if len(step.Visits) == 0 {
			continue
		}
		if s.helps(d, r, step) {
			return step, true
		}
	}
	return Step{}, false
}
