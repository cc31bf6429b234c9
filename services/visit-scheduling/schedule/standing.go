package schedule

import (
	"context"
	"slices"
	"time"
)

// Standing is a schedule people know, laid out to be changed: Problem.Demands are
// the visits that may move, with Lost the place each has, and those that have
// none; Plan.Placed is where the former stand. Everything in Problem.Booked stays.
type Standing struct {
	Problem Problem
	Plan    Plan
}

// Engine searches in schedules that people know. Like Planner it does no I/O and
// keeps nothing between calls.
type Engine interface {
	// Lay lays a standing schedule out so that many questions can be asked of it.
	Lay(s Standing) (Board, error)
	// Improve searches for a better plan than s.Plan for at most budget, and
	// returns the better of the two: no visit that had a place is without one.
	// Cancelled, it returns the best it has.
	Improve(ctx context.Context, s Standing, budget time.Duration) (Plan, error)
	// Price is what s.Plan costs by the agency's weights (Problem.Weights), changes
	// against what people know included; false when the engine cannot tell.
	Price(s Standing) (points int64, ok bool)
	// Cover places visits that lost their workers, each near the place it had
	// (Demand.Lost), beside s, which holds neither them nor their workers' time; at
	// most maxMoved visits of s move for them. The plan is of both, and unplaced are
	// those of lost that found none.
	Cover(ctx context.Context, s Standing, lost []Demand, maxMoved int) (Plan, error)
	// Explain says what a placed visit of s costs it, and what the next best place
	// would. It returns ctx's error when the budget is over first.
	Explain(ctx context.Context, s Standing, visit VisitID, budget time.Duration) (Account, error)
	// Why finds what would give visits of s that have no place one while all else
	// stays, one after the other as they are named. Each remedy is proved by the
	// schedule's own rules. A visit for which none was found has an answer without
	// any; one that it did not come to within the budget has no answer.
	Why(ctx context.Context, s Standing, budget time.Duration, visits ...VisitID) (map[VisitID][]Remedy, error)
}

// Board answers where one more visit could go. It is not safe for concurrent use.
type Board interface {
	// Openings are up to three places for a visit that is not on the board, the
	// best first. Nothing is changed.
	Openings(d Demand) ([]Opening, error)
	// Amend makes visits stand as now says, in whose problem there are no others,
	// and takes away those that are gone; what is not on the board yet is added. An
	// error leaves the board as it was: it is to be laid out anew.
	Amend(gone []VisitID, now Standing) error
	// Why finds what would give a visit that has no opening one; see Engine.Why.
	Why(ctx context.Context, d Demand) ([]Remedy, error)
}

// Opening is a place for a visit, and what would have to move for it.
type Opening struct {
	Slot  Slot
	Moves []Placement
}

// Settle makes a standing schedule one that Check finds no fault in: a visit that
// a rule is against, such as one put outside its plan's hours by hand, stays where
// it is as a booking, and a booking that nobody could travel to takes its time
// from its workers and no more.
func (s Standing) Settle() Standing {
	p := s.Problem
	p.Roster = slices.Clone(p.Roster)
	placed := slices.Clone(s.Plan.Placed)
	demands := map[VisitID]Demand{}
	for _, d := range p.Demands {
		demands[d.Visit] = d
	}
	booked := map[VisitID]Booking{}
	for _, b := range p.Booked {
		booked[b.Visit] = b
	}
	at := map[WorkerID]int{}
	for i, a := range p.Roster {
		p.Roster[i].Away = slices.Clone(a.Away)
		at[a.ID] = i
	}
	known := func(b Booking) []WorkerID {
		return slices.DeleteFunc(slices.Clone(b.Workers), func(w WorkerID) bool { _, here := at[w]; return !here })
	}
	for {
		q := p
		q.Booked, q.Demands = nil, nil
		var all []Placement
		for _, b := range booked {
			workers := known(b)
			q.Demands = append(q.Demands, Demand{
				Visit: b.Visit, Series: b.Series, Windows: []Span{b.Span}, Minutes: int(b.Span.Length() / time.Minute), Workers: len(workers), At: b.At,
			})
			all = append(all, Placement{b.Visit, Slot{StartsAt: b.Span.From, EndsAt: b.Span.To, Workers: workers}})
		}
		for _, x := range placed {
			q.Demands = append(q.Demands, demands[x.Visit])
		}
		against := map[VisitID]bool{}
		for _, found := range q.Check(Plan{Placed: append(all, placed...)}) {
			against[found.Visit] = true
		}
		if len(against) == 0 {
			break
		}
		placed = slices.DeleteFunc(placed, func(x Placement) bool {
			if !against[x.Visit] {
				return false
			}
			d := demands[x.Visit]
			booked[x.Visit] = Booking{Visit: x.Visit, Series: d.Series, Workers: x.Slot.Workers, Span: x.Slot.Span(), At: d.At}
			delete(demands, x.Visit)
			delete(against, x.Visit)
			return true
		})
		for id := range against {
			b := booked[id]
			for _, w := range known(b) {
				p.Roster[at[w]].Away = append(p.Roster[at[w]].Away, b.Span)
			}
			delete(booked, id)
		}
	}
	settled := Standing{Problem: p, Plan: Plan{Placed: placed, Unplaced: s.Plan.Unplaced}}
	settled.Problem.Demands = slices.DeleteFunc(slices.Clone(p.Demands), func(d Demand) bool { _, stays := demands[d.Visit]; return !stays })
	settled.Problem.Booked = nil
	for _, b := range p.Booked {
		if _, stays := booked[b.Visit]; stays {
			settled.Problem.Booked = append(settled.Problem.Booked, b)
			delete(booked, b.Visit)
		}
	}
	for _, d := range p.Demands {
		if b, stays := booked[d.Visit]; stays {
			settled.Problem.Booked = append(settled.Problem.Booked, b)
		}
	}
	return settled
}

// LeaveOut is s without some visits that cannot stand in it: one that may move stays
// where it is as a booking, and a booking takes its time from its workers and no
// more. It is false when s has none of them.
func (s Standing) LeaveOut(visits []VisitID) (less Standing, changed bool) {
	out := map[VisitID]bool{}
	for _, v := range visits {
		out[v] = true
	}
	p := s.Problem
	p.Roster, p.Booked, p.Demands = slices.Clone(p.Roster), nil, nil
	less.Plan.Unplaced = s.Plan.Unplaced
	for _, b := range s.Problem.Booked {
		if !out[b.Visit] {
			p.Booked = append(p.Booked, b)
			continue
		}
		changed = true
		for i, a := range p.Roster {
			if slices.Contains(b.Workers, a.ID) {
				p.Roster[i].Away = append(slices.Clone(a.Away), b.Span)
			}
		}
	}
	to := map[VisitID]Slot{}
	for _, x := range s.Plan.Placed {
		if out[x.Visit] {
			changed, to[x.Visit] = true, x.Slot
		} else {
			less.Plan.Placed = append(less.Plan.Placed, x)
		}
	}
	for _, d := range s.Problem.Demands {
		if slot, stays := to[d.Visit]; stays {
			p.Booked = append(p.Booked, Booking{Visit: d.Visit, Series: d.Series, Workers: slot.Workers, Span: slot.Span(), At: d.At})
		} else {
			p.Demands = append(p.Demands, d)
		}
	}
	less.Problem = p
	return less, changed
}
