package optimise

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Supposition is a change of the problem that is only thought of.
type Supposition interface {
	// apply changes a problem whose slices are its own.
	apply(*Problem) error
}

// The suppositions.
type (
	// WorkerAway takes a worker out for a while. Visits locked to them then are
	// unlocked: they cannot stay.
	WorkerAway struct {
		Worker string
		Window
	}
	// WorkerThere has a worker work for a while more.
	WorkerThere struct {
		Worker string
		Window
	}
	// WorkerMore adds one who is not there yet.
	WorkerMore struct{ Worker }
	// VisitMore adds a visit.
	VisitMore struct{ Visit }
	// VisitLess cancels a visit.
	VisitLess struct{ Visit string }
	// VisitAlso lets a visit be in one more window.
	VisitAlso struct {
		Visit string
		Window
	}
	// VisitAnyone lifts what a visit asks of its workers: skills, languages, attributes.
	VisitAnyone struct{ Visit string }
)

// WhatIf solves the problem as it would be, from the schedule that stands, and
// says what would change. Where nothing is published the schedule counts as
// published, so that little is disturbed. Nothing given is changed. Errors are
// those of Solve, one for a schedule that is not valid, and one for a supposition
// about what the problem does not have.
func WhatIf(ctx context.Context, p Problem, s Solution, opt Options, suppose ...Supposition) (Problem, Solution, Difference, error) {
	q := p
	q.Visits, q.Workers = slices.Clone(p.Visits), slices.Clone(p.Workers)
	at := places(s)
	for i := range q.Visits {
		if v := &q.Visits[i]; v.Published == nil {
			v.Published = at[v.ID]
		}
	}
	if err := q.Validate(); err != nil {
		return Problem{}, Solution{}, Difference{}, fmt.Errorf("%w: %w", ErrProblem, err)
	}
	s.Placed = slices.Clone(s.Placed)
	now := newPlan(&q)
	now.sort(s.Placed)
	if !now.stands(&s) {
		return Problem{}, Solution{}, Difference{}, errors.New("suppose from a schedule: it is not a valid one of the problem")
	}
	s.Objective = now.evaluate(&s)
	for _, x := range suppose {
		if err := x.apply(&q); err != nil {
			return Problem{}, Solution{}, Difference{}, err
		}
	}
	opt.Start = &s
	t, err := Solve(ctx, q, opt)
	if err != nil {
		return Problem{}, Solution{}, Difference{}, err
	}
	return q, t, Compare(p, s, q, t), nil
}

func (p *Problem) workerNamed(id string) (*Worker, error) {
	if i := slices.IndexFunc(p.Workers, func(w Worker) bool { return w.ID == id }); i >= 0 {
		return &p.Workers[i], nil
	}
	return nil, fmt.Errorf("supposed: worker %s is not of the problem", id)
}

func (p *Problem) visitNamed(id string) (*Visit, error) {
	if i := slices.IndexFunc(p.Visits, func(v Visit) bool { return v.ID == id }); i >= 0 {
		return &p.Visits[i], nil
	}
	return nil, fmt.Errorf("supposed: visit %s is not of the problem", id)
}

func (x WorkerAway) apply(p *Problem) error {
	w, err := p.workerNamed(x.Worker)
	if err != nil {
		return err
	}
	w.Absences = append(slices.Clone(w.Absences), x.Window)
	for i := range p.Visits {
		v := &p.Visits[i]
		if !v.Locked {
			continue
		}
		for k, id := range v.Published.Workers {
			if start := v.Published.Starts[k]; id == x.Worker && start < x.To && start+v.Minutes > x.From {
				v.Locked = false
			}
		}
	}
	return nil
}

func (x WorkerThere) apply(p *Problem) error {
	w, err := p.workerNamed(x.Worker)
	if err != nil {
		return err
	}
	w.Shifts = append(slices.Clone(w.Shifts), x.Window)
	w.Absences = subtract(merge(w.Absences), []Window{x.Window})
	return nil
}

func (x WorkerMore) apply(p *Problem) error {
	p.Workers = append(p.Workers, x.Worker)
	return nil
}

func (x VisitMore) apply(p *Problem) error {
	p.Visits = append(p.Visits, x.Visit)
	return nil
}

func (x VisitLess) apply(p *Problem) error {
	if _, err := p.visitNamed(x.Visit); err != nil {
		return err
	}
	p.Visits = slices.DeleteFunc(p.Visits, func(v Visit) bool { return v.ID == x.Visit })
	return nil
}

func (x VisitAlso) apply(p *Problem) error {
	v, err := p.visitNamed(x.Visit)
	if err != nil {
		return err
	}
	v.Windows = append(slices.Clone(v.Windows), x.Window)
	return nil
}

func (x VisitAnyone) apply(p *Problem) error {
	v, err := p.visitNamed(x.Visit)
	if err != nil {
		return err
	}
	v.Roles, v.TeamSkills, v.TeamLanguages = make([]Role, max(1, len(v.Roles))), nil, nil
	return nil
}
