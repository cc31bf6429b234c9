package optimise

import (
	"context"
	"fmt"
	"slices"
)

// Account says what one placed visit costs and why it stands where it does.
type Account struct {
	Visit string
	At    Assignment
	// Cost is what the schedule would save without the visit, term by term; the
	// price of leaving it out is not in it. A term may be below zero: the visit
	// spares something.
	Cost Objective
	// Locked visits stand where they do because they are locked.
	Locked bool
	// Next is the cheapest other place by another worker or on another day while
	// everything else stays, and NextCost what that costs more, term by term. It is nil when no
	// rule lets the visit be anywhere else.
	Next     *Assignment
	NextCost Objective
}

// Explain accounts for the visits named, or for all placed ones when none is, in
// the order of the schedule. The schedule must be a valid one of p. It returns
// ErrProblem, Conflicts for visits that cannot stand, or ctx's error with the
// accounts made until then.
func Explain(ctx context.Context, p Problem, s Solution, visits ...string) ([]Account, error) {
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProblem, err)
	}
	c := newPlan(&p)
	st, err := c.laid(s.Placed)
	if err != nil {
		return nil, err
	}
	f := newFinder(st)
	var out []Account
	for _, x := range s.Placed {
		if len(visits) > 0 && !slices.Contains(visits, x.Visit) {
			continue
		}
		if ctx.Err() != nil {
			return out, ctx.Err()
		}
		out = append(out, f.account(c.visit[x.Visit]))
	}
	return out, nil
}

// account takes a visit out, looks for another place, and puts all back.
func (f *finder) account(v int32) Account {
	pv := &f.visits[v]
	a := Account{Visit: f.p.Visits[v].ID, At: f.assignment(v), Locked: pv.locked}
	with := f.cost
	f.accept()
	here := map[int32]bool{f.where[v*maxRoles]: true}
	f.take(v)
	without := f.cost
	without.Unplaced -= pv.leaveOut
	a.Cost = with.minus(without)
	if !pv.locked && !f.broken {
		if c, ok := f.bestWithout(v, here); ok {
			f.put(v, c.spots[:pv.roles], c.starts[:])
			if !f.broken && f.breach == 0 {
				next := f.assignment(v)
				a.Next, a.NextCost = &next, f.cost.minus(with)
			}
		}
	}
	f.revert(with)
	return a
}
