package optimise

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/chance"
)

// coverOrders is how many orders of the visits to be covered are tried.
const coverOrders = 8

// Covered is a schedule after Cover.
type Covered struct {
	Solution
	// Uncovered visits could not stay where they were: those of who is away, and
	// now and then the next one of a partner, whose way there is longer without
	// them. Each is in the schedule at its new place or unplaced.
	Uncovered []string
	Moves     []Move // of others
}

// Cover places anew the visits of a schedule that can no longer stand, those of a
// worker who fell ill for example: p is the problem as it is now, s the schedule
// as it was. Of the other visits at most maxMoved change their time or workers,
// each counted once; below zero it is one and a half for each that lost its
// place. Visits locked where they cannot be stay unplaced: the caller unlocks
// what may move. It returns ErrProblem, or a valid schedule; what found no place
// within the cap is unplaced, with reasons. Of the options Seed, Deadline and
// Unexplained count.
func Cover(ctx context.Context, p Problem, s Solution, maxMoved int, opt Options) (Covered, error) {
	if err := p.Validate(); err != nil {
		return Covered{}, fmt.Errorf("%w: %w", ErrProblem, err)
	}
	c := newPlan(&p)
	k := cover{plan: c, given: s.Placed}
	st := k.lay()
	for _, x := range s.Placed {
		if v, ok := c.visit[x.Visit]; ok && !st.placed(v) {
			k.lost = append(k.lost, v)
		}
	}
	if k.most = maxMoved; maxMoved < 0 {
		k.most = len(k.lost) * 3 / 2
	}
	slices.SortStableFunc(k.lost, func(a, b int32) int {
		x, y := &c.visits[a], &c.visits[b]
		return cmp.Or(-cmp.Compare(x.leaveOut, y.leaveOut), -cmp.Compare(x.roles, y.roles), cmp.Compare(len(x.able[0].list), len(y.able[0].list)))
	})
	b := newBudget(ctx, opt, len(p.Visits))
	rng := chance.New(opt.Seed, 0)
	best, cost := st, st.cost.Total()
	for try := range coverOrders {
		if try > 0 {
			rng.Shuffle(k.lost)
		}
		if x := k.attempt(); x.cost.Total() < cost {
			best, cost = x, x.cost.Total()
		}
		if b.over() {
			break
		}
	}
	out := Covered{Solution: c.solution(best.tours), Moves: k.moves(best)}
	out.Objective = c.evaluate(&out.Solution)
	c.explain(func() bool { return opt.Unexplained || b.over() }, &out.Solution)
	slices.Sort(k.lost)
	for _, v := range k.lost {
		out.Uncovered = append(out.Uncovered, p.Visits[v].ID)
	}
	return out, nil
}

// cover is one request to cover.
type cover struct {
	*plan
	given []Placement
	lost  []int32
	most  int
}

// lay is the schedule as far as it stands, to the minute, and free to be pushed
// from there.
func (k *cover) lay() *state {
	st := newState(k.plan)
	st.pin = true
	st.load(k.given)
	for st.breach > 0 {
		st.take(st.offender())
	}
	st.accept()
	for t := range st.tours {
		st.unpin(int32(t))
	}
	st.pin = false
	return st
}

// attempt places the lost visits one by one in their present order, each the
// cheapest way that keeps the cap.
func (k *cover) attempt() *state {
	b := &Board{f: newFinder(k.lay()), banned: map[int32]bool{}}
	moved := map[string]bool{}
	lost := map[string]bool{}
	for _, v := range k.lost {
		lost[k.p.Visits[v].ID] = true
	}
	for _, v := range k.lost {
		if k.visits[v].locked || b.f.placed(v) {
			continue
		}
		for _, w := range b.ways(v) {
			more := 0
			for _, m := range w.offer.Moves {
				if !moved[m.Visit] && !lost[m.Visit] {
					more++
				}
			}
			if len(moved)+more > k.most {
				continue
			}
			before := b.f.cost
			if !b.follow(v, &w) {
				b.f.revert(before)
				continue
			}
			b.f.accept()
			for _, m := range w.offer.Moves {
				if !lost[m.Visit] {
					moved[m.Visit] = true
				}
			}
			break
		}
	}
	return b.f.state
}

// moves lists the visits that had a place they could keep and stand elsewhere.
func (k *cover) moves(st *state) []Move {
	f := &finder{state: st}
	var out []Move
	for _, x := range k.given {
		v, ok := k.visit[x.Visit]
		if !ok || slices.Contains(k.lost, v) || !st.placed(v) {
			continue
		}
		if now := f.assignment(v); !slices.Equal(now.Starts, x.Starts) || !slices.Equal(now.Workers, x.Workers) {
			out = append(out, Move{x.Visit, x.Assignment, now})
		}
	}
	return out
}
