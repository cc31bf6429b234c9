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
	_, err := newPlan(&p).laid(s.Placed)
	return err
}

// laid is a schedule laid out as given. It returns Conflicts for the visits that cannot
// stand, among them those against a rule that a later visit might have mended.
func (c *plan) laid(placed []Placement) (*state, error) {
	s := newState(c)
	s.pin = true
	s.load(placed)
	var all Conflicts
	for _, x := range placed {
		v, known := s.visit[x.Visit]
		if !known {
			return nil, fmt.Errorf("visit %s is not in the problem", x.Visit)
		}
		if s.placed(v) {
			continue
		}
		if rule := s.stand(v, x.Assignment); rule != "" {
			all = append(all, Conflict{x.Visit, rule})
		}
	}
	for s.breach > 0 {
		v := s.offender()
		all = append(all, Conflict{s.p.Visits[v].ID, s.breached(v)})
		s.take(v)
	}
	if all != nil {
		return nil, all
	}
	return s, nil
}

// breached is the rule an offender is against.
func (s *state) breached(v int32) Rule {
	if s.isRunning(v) {
		return RuleSubstitute
	}
	return RuleLast
}
