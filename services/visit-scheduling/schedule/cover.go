package schedule

import (
	"cmp"
	"slices"
	"time"
)

// CoverRequest asks for the visits of a worker who will be away to be placed again
// with least disturbance.
type CoverRequest struct {
	Worker WorkerID
	Span   Span
	Reason string
	// MaxMoved is how many visits of others may move, all together.
	MaxMoved int
}

// Cover is what an absence does to a schedule: what becomes of each visit the
// worker had, and what else moves for it.
type Cover struct {
	Request CoverRequest
	// Covered are the worker's visits that got another place, Moved the other
	// visits that make room, Open the worker's visits without a place.
	Covered []ProposedChange
	Moved   []ProposedChange
	Open    []ProposedChange
}

// CoverBy places the given visits on boards that lay makes of the standing
// schedule, the most urgent first: each where it disturbs least, moving others only
// while the limit lasts. s holds neither the visits nor their worker's time.
// It returns where the visits go, what moves, and why the rest has no place.
func (s Standing) CoverBy(lay func(Standing) (Board, error), lost []Demand, maxMoved int) (placed []Placement, moved []Placement, open []Demand, err error) {
	lost = slices.Clone(lost)
	// Those who need two at once first, then the earliest: what is soon has the fewest other times.
	slices.SortStableFunc(lost, func(a, b Demand) int {
		return cmp.Or(cmp.Compare(b.Workers, a.Workers), first(a).Compare(first(b)), cmp.Compare(a.Visit, b.Visit))
	})
	was := map[VisitID]Slot{}
	for _, p := range s.Plan.Placed {
		was[p.Visit] = p.Slot
	}
	for _, d := range lost {
		board, err := lay(s)
		if err != nil {
			return nil, nil, nil, err
		}
		openings, err := board.Openings(d)
		if err != nil {
			return nil, nil, nil, err
		}
		best, found := Opening{}, false
		for _, o := range openings { // the best of those that move least
			if s.stands(d, o) && s.movesOf(o, was) <= maxMoved && (!found || len(o.Moves) < len(best.Moves)) {
				best, found = o, true
			}
		}
		if !found {
			open = append(open, d)
			continue
		}
		s = s.with(d, best)
		placed = append(placed, Placement{d.Visit, best.Slot})
		maxMoved -= s.movesOf(Opening{Moves: best.Moves}, was)
		for _, m := range best.Moves {
			if _, others := was[m.Visit]; others {
				moved = slices.DeleteFunc(moved, func(p Placement) bool { return p.Visit == m.Visit })
				moved = append(moved, m)
			}
		}
	}
	// A visit that was covered may have been moved again for a later one.
	for i, p := range placed {
		for _, now := range s.Plan.Placed {
			if now.Visit == p.Visit {
				placed[i].Slot = now.Slot
			}
		}
	}
	for i, p := range moved {
		for _, now := range s.Plan.Placed {
			if now.Visit == p.Visit {
				moved[i].Slot = now.Slot
			}
		}
	}
	return placed, slices.DeleteFunc(moved, func(p Placement) bool {
		from := was[p.Visit]
		return from.StartsAt.Equal(p.Slot.StartsAt) && sameWorkers(from.Workers, p.Slot.Workers)
	}), open, nil
}

// first is when a demand was to begin, or may begin.
func first(d Demand) time.Time {
	switch {
	case d.Lost != nil:
		return d.Lost.StartsAt
	case len(d.Windows) > 0:
		return d.Windows[0].From
	}
	return time.Time{}
}

// movesOf counts the visits of others an opening moves that have not moved yet.
func (s Standing) movesOf(o Opening, was map[VisitID]Slot) int {
	n := 0
	for _, m := range o.Moves {
		from, others := was[m.Visit]
		if !others {
			continue
		}
		at := slices.IndexFunc(s.Plan.Placed, func(p Placement) bool { return p.Visit == m.Visit })
		if at >= 0 && s.Plan.Placed[at].Slot.StartsAt.Equal(from.StartsAt) && sameWorkers(s.Plan.Placed[at].Slot.Workers, from.Workers) {
			n++
		}
	}
	return n
}

// with is the standing schedule after an opening of d was taken.
func (s Standing) with(d Demand, o Opening) Standing {
	to := map[VisitID]Slot{d.Visit: o.Slot}
	for _, m := range o.Moves {
		to[m.Visit] = m.Slot
	}
	out := Standing{Problem: s.Problem, Plan: Plan{Unplaced: s.Plan.Unplaced}}
	out.Problem.Demands = append(slices.Clone(s.Problem.Demands), d)
	for _, p := range s.Plan.Placed {
		if slot, moves := to[p.Visit]; moves {
			p.Slot = slot
		}
		out.Plan.Placed = append(out.Plan.Placed, p)
	}
	out.Plan.Placed = append(out.Plan.Placed, Placement{d.Visit, o.Slot})
	return out
}

// stands says whether the schedule keeps every rule with an opening of d taken.
func (s Standing) stands(d Demand, o Opening) bool {
	after := s.with(d, o)
	for _, found := range after.Problem.Check(after.Plan) {
		if found.Rule != RuleLost {
			return false
		}
	}
	return true
}
