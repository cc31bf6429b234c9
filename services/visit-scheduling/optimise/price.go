package optimise

import (
	"errors"
	"fmt"
)

// ErrInvalid is what a schedule that breaks a rule cannot be priced for.
var ErrInvalid = errors.New("the schedule breaks a rule")

// Price is what a schedule costs, term by term, as it stands. Visits that are not
// placed in it are left out, and breaks are where they fit. It returns ErrProblem or
// ErrInvalid.
func Price(p Problem, s Solution) (Objective, error) {
	if err := p.Validate(); err != nil {
		return Objective{}, fmt.Errorf("%w: %w", ErrProblem, err)
	}
	c := newPlan(&p)
	if !c.stands(&s) {
		return Objective{}, ErrInvalid
	}
	return c.evaluate(&s), nil
}
