package visitscheduling

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// urgency is the priority an urgent visit has over all others: it may move them,
// and none of them it.
const urgency = 100

// Lay implements schedule.Engine.
func (o Optimiser) Lay(s schedule.Standing) (schedule.Board, error) {
	s = s.Settle()
	t := newTranslation(s.Problem)
	known := t.solution(s.Plan)
	for _, v := range t.problem.Visits {
		if v.Locked {
			known.Placed = append(known.Placed, optimise.Placement{Visit: v.ID, Assignment: *v.Published})
		}
	}
	laid, err := optimise.NewBoard(t.problem, *known)
	if err != nil {
		return nil, fmt.Errorf("lay out %d visits: %w", len(t.problem.Visits), err)
	}
	return board{t, laid, s}, nil
}

type board struct {
	t    *translation
	laid *optimise.Board
	s    schedule.Standing
}

// Openings implements schedule.Board.
func (b board) Openings(d schedule.Demand) ([]schedule.Opening, error) {
	visit := b.t.demand(d)
	defer delete(b.t.demands, visit.ID)
	visit.Priority = urgency
	offers, err := b.laid.Insert(visit)
	if err != nil {
		return nil, err
	}
	openings := make([]schedule.Opening, len(offers))
	for i, o := range offers {
		openings[i].Slot = b.t.slot(o.Assignment, d)
		for _, m := range o.Moves {
			moved := b.t.demands[m.Visit]
			openings[i].Moves = append(openings[i].Moves, schedule.Placement{Visit: moved.Visit, Slot: b.t.slot(m.To, moved)})
		}
	}
	return openings, nil
}

// Why implements schedule.Board.
func (b board) Why(ctx context.Context, d schedule.Demand) ([]schedule.Reason, error) {
	p := b.s.Problem
	demands := map[schedule.VisitID]schedule.Demand{}
	for _, known := range p.Demands {
		demands[known.Visit] = known
	}
	p.Booked, p.Demands = slices.Clone(p.Booked), []schedule.Demand{d}
	for _, x := range b.s.Plan.Placed {
		known := demands[x.Visit]
		p.Booked = append(p.Booked, schedule.Booking{Visit: x.Visit, Series: known.Series, Workers: x.Slot.Workers, Span: x.Slot.Span(), At: known.At})
	}
	plan, err := schedule.Greedy{}.Plan(ctx, p)
	if err != nil || len(plan.Unplaced) == 0 {
		return nil, err
	}
	return plan.Unplaced[0].Reasons, nil
}

// steady is the priority of visits that have a place: they keep one.
const steady = 100

// Improve implements schedule.Engine.
func (o Optimiser) Improve(ctx context.Context, s schedule.Standing, budget time.Duration) (schedule.Plan, error) {
	s = s.Settle()
	t := newTranslation(s.Problem)
	had := map[schedule.VisitID]bool{}
	for _, p := range s.Plan.Placed {
		had[p.Visit] = true
	}
	for i := range t.problem.Visits {
		if had[schedule.VisitID(t.problem.Visits[i].ID)] {
			t.problem.Visits[i].Priority = steady
		}
	}
	found, err := optimise.Solve(ctx, t.problem, optimise.Options{Seed: 1, Start: t.solution(s.Plan), Deadline: time.Now().Add(budget)})
	if errors.Is(err, optimise.ErrProblem) {
		return schedule.Plan{}, fmt.Errorf("translate problem: %w", err)
	}
	if err != nil {
		return schedule.Plan{}, err
	}
	better := s.Problem.Fitting(t.plan(found).Placed)
	plan, err := complete(context.WithoutCancel(ctx), s.Problem, better)
	if err != nil {
		return schedule.Plan{}, err
	}
	plan = s.Problem.Round(plan, o.Grid)
	kept := 0
	for _, p := range plan.Placed {
		if had[p.Visit] {
			kept++
		}
	}
	if kept < len(had) || s.Problem.Check(plan) != nil {
		return complete(context.WithoutCancel(ctx), s.Problem, s.Plan.Placed)
	}
	return plan, nil
}
