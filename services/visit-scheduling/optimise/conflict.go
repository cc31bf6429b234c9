package optimise

import "fmt"

// Conflict is a visit that cannot stand on a board, laid out or amended: of the
// rules it breaks the first one found. RuleBooked is the time of other visits or of
// a break, with the way between them; RuleNoWorkers a team that is none of the
// problem's.
type Conflict struct {
	Visit string
	Rule  Rule
}

func (c Conflict) Error() string {
	return fmt.Sprintf("visit %s cannot stand where it is to be: %s", c.Visit, c.Rule)
}

// Conflicts are all visits of a schedule that cannot stand, laid out in order of
// time. There is at least one. Without one of them another may yet be able to.
type Conflicts []Conflict

func (c Conflicts) Error() string {
	if len(c) == 1 {
		return c[0].Error()
	}
	return fmt.Sprintf("%v, and %d more cannot", c[0], len(c)-1)
}

// Unwrap lets errors.As find the first Conflict.
func (c Conflicts) Unwrap() []error {
	all := make([]error, len(c))
	for i, x := range c {
		all[i] = x
	}
	return all
}

// Stands lays a schedule of p out and returns nil if it can. It returns ErrProblem
// for an unsound problem, and Conflicts for the visits that cannot stand as given.
func Stands(p Problem, s Solution) error {
	if err := p.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrProblem, err)
	}
	st := newState(newPlan(&p))
	st.pin = true
	st.load(s.Placed)
	return st.stood(s.Placed)
}

// stood returns Conflicts for those of some placements, loaded together, that do not
// stand. It takes out what is against a rule that a later visit may mend.
func (s *state) stood(placed []Placement) error {
	var all Conflicts
	for _, x := range placed {
		v, known := s.visit[x.Visit]
		if !known {
			return fmt.Errorf("visit %s is not in the problem", x.Visit)
		}
		if !s.placed(v) {
			all = append(all, Conflict{x.Visit, s.against(v, x.Assignment)})
		}
	}
	for s.breach > 0 {
		v := s.offender()
		all = append(all, Conflict{s.p.Visits[v].ID, s.breached(v)})
		s.take(v)
	}
	if all == nil {
		return nil
	}
	return all
}

// against is the rule by which an unplaced visit is not where it was to stand.
func (s *state) against(v int32, a Assignment) Rule {
	pv := &s.visits[v]
	if !s.shaped(pv, a) {
		return RuleNoWorkers
	}
	f := &finder{state: s}
	tours, rule := f.allows(v, a)
	if rule != "" {
		return rule
	}
	for _, t := range tours[:pv.roles] {
		if !s.withinLimits(t, pv.minutes) {
			return RuleLimit
		}
	}
	return RuleBooked
}

// breached is the rule an offender is against.
func (s *state) breached(v int32) Rule {
	if s.isRunning(v) {
		return RuleSubstitute
	}
	return RuleLast
}
