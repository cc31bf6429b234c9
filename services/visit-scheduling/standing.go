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
	var laid *optimise.Board
	given, whole := s, s.Settle()
	s, t, err := o.stand(context.Background(), whole, func(t *translation, given optimise.Solution) (err error) {
		laid, err = optimise.NewBoard(t.problem, given)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("lay out %d visits: %w", len(t.problem.Visits), err)
	}
	b := &board{o: o, t: t, laid: laid, s: s, short: shortened(whole, s), names: map[schedule.VisitID][]string{}, roster: map[schedule.WorkerID]schedule.Available{}}
	for _, a := range s.Problem.Roster {
		b.roster[a.ID] = a
	}
	for _, v := range t.problem.Visits {
		id := visitOf(v.ID)
		b.names[id] = append(b.names[id], v.ID)
	}
	all, _ := given.Fixing(nil)
	b.aside = slices.DeleteFunc(all.Problem.Booked, func(x schedule.Booking) bool { return b.names[x.Visit] != nil })
	return b, nil
}

type board struct {
	o      Optimiser
	t      *translation
	laid   *optimise.Board
	s      schedule.Standing
	names  map[schedule.VisitID][]string // what each visit is called where it is laid out
	roster map[schedule.WorkerID]schedule.Available
	// short are the workers with a visit that was left out: with another day it may
	// stand again.
	short map[schedule.WorkerID]bool
	// aside are visits that are not laid out, as their workers cannot be there. Their
	// families have them all the same.
	aside []schedule.Booking
}

// shortened are the workers whose visits are not all laid out as they were.
func shortened(whole, laid schedule.Standing) map[schedule.WorkerID]bool {
	of, stands := map[schedule.WorkerID]bool{}, map[schedule.VisitID]bool{}
	for i, a := range laid.Problem.Roster {
		if len(a.Away) != len(whole.Problem.Roster[i].Away) {
			of[a.ID] = true
		}
	}
	for _, x := range laid.Plan.Placed {
		stands[x.Visit] = true
	}
	for _, x := range whole.Plan.Placed {
		for _, w := range x.Slot.Workers {
			of[w] = of[w] || !stands[x.Visit]
		}
	}
	return of
}

// shorts says whether a visit as it is on the board, or as now has it, is by a worker
// with one that was left out.
func (b *board) shorts(id schedule.VisitID, now schedule.Standing) bool {
	by := func(s schedule.Standing) (all []schedule.WorkerID) {
		for _, x := range s.Plan.Placed {
			if x.Visit == id {
				all = append(all, x.Slot.Workers...)
			}
		}
		for _, x := range s.Problem.Booked {
			if x.Visit == id {
				all = append(all, x.Workers...)
			}
		}
		return all
	}
	return slices.ContainsFunc(append(by(b.s), by(now)...), func(w schedule.WorkerID) bool { return b.short[w] })
}

// Openings implements schedule.Board.
func (b *board) Openings(d schedule.Demand) ([]schedule.Opening, error) {
	if d.Windows = b.daysOpen(d); len(d.Windows) == 0 {
		return nil, nil
	}
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

// daysOpen are the windows of a visit on days its family may have one more, where the
// search does not know of all they have.
func (b *board) daysOpen(d schedule.Demand) []schedule.Span {
	if d.PerDay == 0 || !slices.ContainsFunc(b.aside, func(x schedule.Booking) bool { return x.Series == d.Series }) {
		return d.Windows
	}
	days := newCrowd(schedule.Problem{Zone: b.s.Problem.Zone, Demands: []schedule.Demand{d}})
	have, _ := b.s.Fixing(nil)
	laid := slices.DeleteFunc(have.Problem.Booked, func(x schedule.Booking) bool { return b.names[x.Visit] == nil })
	for _, x := range slices.Concat(b.aside, laid) {
		if x.Series == d.Series {
			days.counts(x)
		}
	}
	return slices.DeleteFunc(slices.Clone(d.Windows), func(w schedule.Span) bool { return days.full(d.Series, w.From) })
}

// Why implements schedule.Board.
func (b *board) Why(ctx context.Context, d schedule.Demand) ([]schedule.Remedy, error) {
	s := b.s
	s.Problem.Demands = append(slices.Clone(s.Problem.Demands), d)
	why, err := b.o.Why(ctx, s, whyUrgent, d.Visit)
	return why[d.Visit], err
}

// whyUrgent is how long somebody with a crisis waits to hear why there is no place.
const whyUrgent = 2 * time.Second

// Why implements schedule.Engine: the search proposes places, and the schedule's
// own rules say, and prove, what stands against each.
func (o Optimiser) Why(ctx context.Context, s schedule.Standing, budget time.Duration, visits ...schedule.VisitID) (map[schedule.VisitID][]schedule.Remedy, error) {
	s = s.Settle()
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	of := map[schedule.VisitID]schedule.Demand{}
	standing := schedule.Standing{Problem: s.Problem, Plan: s.Plan}
	standing.Problem.Demands = nil
	placed := map[schedule.VisitID]bool{}
	for _, p := range s.Plan.Placed {
		placed[p.Visit] = true
	}
	for _, d := range s.Problem.Demands {
		switch {
		case placed[d.Visit]:
			standing.Problem.Demands = append(standing.Problem.Demands, d)
		case len(d.Windows) > 0:
			of[d.Visit] = d
		}
	}
	var names []string
	for _, v := range visits { // the search looks at them in the order of the problem
		if d, open := of[v]; open && !slices.Contains(names, string(v)) {
			standing.Problem.Demands, names = append(standing.Problem.Demands, d), append(names, string(v))
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	// Reasons are the standing schedule's, where what is left out is booked.
	laid, t, err := o.stand(ctx, standing, layable)
	if err != nil {
		return nil, fmt.Errorf("translate problem: %w", err)
	}
	// Half of the time for finding places, half for what stands against them.
	finding, done := context.WithTimeout(ctx, budget/2)
	defer done()
	found, err := optimise.Why(finding, t.problem, t.whole(laid.Plan), names...)
	if err != nil {
		return nil, fmt.Errorf("translate problem: %w", err)
	}
	remedies, why := schedule.RemediesIn(standing), map[schedule.VisitID][]schedule.Remedy{}
	cut := false
	for _, u := range found {
		if ctx.Err() != nil {
			break
		}
		// The search breaks off in the midst of one visit, and does not begin with those after it.
		stopped := slices.ContainsFunc(u.Reasons, func(r optimise.Reason) bool { return slices.Contains(r.Rules, optimise.RuleStopped) })
		if cut && stopped {
			continue
		}
		cut = cut || stopped
		d := of[schedule.VisitID(u.Visit)]
		var all []schedule.Remedy
		for _, reason := range u.Reasons {
			if reason.Proof == nil {
				continue
			}
			if r, ok := remedies.At(d, t.slot(*reason.Proof, d)); ok {
				all = append(all, r)
			}
		}
		if !slices.ContainsFunc(all, schedule.Remedy.Allowed) {
			if r, ok := remedies.More(d); ok {
				all = append(all, r)
			}
		}
		why[d.Visit] = all
	}
	return why, nil
}

// whole is a plan in the words of the search, bookings included.
func (t *translation) whole(plan schedule.Plan) optimise.Solution {
	known := t.solution(plan)
	for _, v := range t.problem.Visits {
		if v.Locked {
			known.Placed = append(known.Placed, optimise.Placement{Visit: v.ID, Assignment: *v.Published})
		}
	}
	return *known
}

// coverBudget is how long a cover may be looked for; a day needs less.
const coverBudget = 5 * time.Second

// Cover implements schedule.Engine. A cover that breaks a rule, or the limit, is
// none: everything is left open.
func (o Optimiser) Cover(ctx context.Context, s schedule.Standing, lost []schedule.Demand, maxMoved int) (schedule.Plan, error) {
	s, _, err := o.stand(ctx, s.Settle(), layable)
	if err != nil {
		return schedule.Plan{}, fmt.Errorf("translate problem: %w", err)
	}
	whole := s.Problem
	whole.Demands = slices.Concat(s.Problem.Demands, lost)
	t := newTranslation(whole)
	given := t.whole(s.Plan)
	had := map[schedule.VisitID]schedule.Slot{}
	for _, p := range s.Plan.Placed {
		had[p.Visit] = p.Slot
	}
	open := schedule.Plan{Placed: s.Plan.Placed, Unplaced: s.Plan.Unplaced}
	for _, d := range lost {
		open.Unplaced = append(open.Unplaced, d.Unplaced())
		if d.Lost != nil && len(d.Windows) > 0 {
			given.Placed = append(given.Placed, optimise.Placement{Visit: string(d.Visit), Assignment: *t.assignment(*d.Lost)})
		}
	}
	found, err := optimise.Cover(ctx, t.problem, given, maxMoved, optimise.Options{Seed: 1, Unexplained: true, Deadline: time.Now().Add(coverBudget)})
	if err != nil {
		return schedule.Plan{}, fmt.Errorf("translate problem: %w", err)
	}
	plan := schedule.Plan{Placed: t.plan(found.Solution).Placed, Unplaced: s.Plan.Unplaced}
	placed, moved := map[schedule.VisitID]bool{}, 0
	for _, p := range plan.Placed {
		placed[p.Visit] = true
		if from, theirs := had[p.Visit]; theirs && !from.Same(p.Slot) {
			moved++
		}
	}
	for _, d := range lost {
		if !placed[d.Visit] {
			plan.Unplaced = append(plan.Unplaced, d.Unplaced())
		}
	}
	plan = whole.Round(plan, o.Grid)
	if moved > maxMoved || whole.Check(plan) != nil {
		return open, nil
	}
	return plan, nil
}

// Price implements schedule.Engine.
func (o Optimiser) Price(s schedule.Standing) (int64, bool) {
	t := newTranslation(s.Problem)
	cost, err := optimise.Price(t.problem, t.whole(s.Plan))
	return cost.Total(), err == nil
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
	found, err := optimise.Solve(ctx, t.problem, optimise.Options{Seed: 1, Start: t.solution(s.Plan), Deadline: time.Now().Add(budget), Unexplained: true})
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
