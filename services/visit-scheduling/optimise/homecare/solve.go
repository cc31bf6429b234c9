package homecare

import (
	"errors"
	"math"
	"slices"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/chance"
)

// Options bound a search. One of Steps and Progress must be set.
type Options struct {
	Seed uint64
	// Steps is the number of ruins tried; the cooling follows it.
	Steps int64
	// Progress, when set, says how much of the time is over; at 1 the search
	// ends. The cooling follows whichever of the two is further.
	Progress func() float64
}

const (
	hot  = 100.0 * unit
	cold = 1.0 * unit
	// One slow cooling ends in as bad a valley as a fast one, now and then; the
	// best of three or more seldom does. The rest of the time goes to that one.
	leastRounds   = 3
	mostRounds    = 30
	stepsARound   = 300       // a patient, where there is time for more than the least
	coolingShare  = 0.9       // of the budget, all rounds together
	settledBudget = 1.0 / 256 // used up when the number of rounds is settled
	warm          = 10.0 * unit
	// Small moves between two ruins: they are a thousand times cheaper, and
	// shake out what a recreation leaves uneven.
	smallMoves = 200
)

// Solve searches until a limit is reached. Every answer is feasible; lateness
// is cost.
func Solve(in *Instance, opt Options) (*Plan, int64, error) {
	if opt.Steps <= 0 && opt.Progress == nil {
		return nil, 0, errors.New("options set no limit: give Steps or Progress")
	}
	for p := range in.patients {
		if !in.double[p] {
			continue
		}
		a, b := in.able[2*p], in.able[2*p+1]
		if len(a) == 1 && len(b) == 1 && a[0] == b[0] {
			return nil, 0, errors.New("a patient needs two workers, and only one has the skills")
		}
	}
	s := newState(in)
	s.construct()
	r := newRuin(s, chance.New(opt.Seed, 0))
	r.keep()
	r.neighbours(30)
	r.reorder()
	r.run(opt)
	return r.best, r.steps, nil
}

func (r *ruin) run(opt Options) {
	in := r.in
	t := hot
	last := false
	share := coolingShare / leastRounds // of one round
	settled := false
	for {
		if r.steps&63 == 0 {
			p := 0.0
			if opt.Steps > 0 {
				p = float64(r.steps) / float64(opt.Steps)
			}
			if opt.Progress != nil {
				p = max(p, opt.Progress())
			}
			if p >= 1 {
				return
			}
			if !settled && p >= settledBudget && r.steps > 0 {
				// by now it is known how many steps the budget allows
				settled = true
				rounds := math.Floor(coolingShare * (float64(r.steps) / p) / float64(stepsARound*in.patients))
				share = coolingShare / min(max(rounds, leastRounds), mostRounds)
			}
			if p < coolingShare {
				t = chance.Cool(hot, cold, math.Mod(p, share)/share)
			} else {
				if !last {
					r.restore()
					last = true
				}
				t = chance.Cool(warm, cold, (p-coolingShare)/(1-coolingShare))
			}
		}
		r.steps++
		for range smallMoves {
			allowed := int64(t * r.rng.Exp())
			switch k := r.rng.Next() & 15; {
			case k < 11 || in.patients < 2:
				r.relocate(allowed)
			case k < 14:
				r.swap(allowed)
			case k < 15:
				r.tails(allowed)
			default:
				r.swapDays()
			}
		}
		r.reorder()
		r.step(int64(t * r.rng.Exp()))
	}
}

// construct gives each patient, in order of their windows, to the first able
// workers who can be there earliest.
func (s *state) construct() {
	in := s.in
	for p := range s.order {
		s.order[p] = int32(p)
	}
	slices.SortStableFunc(s.order, func(x, y int32) int { return int(in.due[x]) - int(in.due[y]) })
	for i, p := range s.order {
		s.place[p] = int32(i)
	}
	end := func(w int32) int32 { return int32(2*s.n) + w }
	for _, p := range s.order {
		first := int32(-1)
		for k := range int32(2) {
			if k == 1 && !in.double[p] {
				break
			}
			v := 2*p + k
			best, at := int32(math.MaxInt32), int32(-1)
			for _, w := range in.able[v] {
				if k == 1 && w == first {
					continue
				}
				// leave the other service someone
				if k == 0 && in.double[p] && len(in.able[v+1]) == 1 && in.able[v+1][0] == w {
					continue
				}
				last := s.prev[end(w)]
				t := s.d(last, v)
				if int(last) < 2*s.n {
					t += s.start[last] + in.length[last]
				}
				if t = max(t, in.from[p]) + s.d(last, v); t < best {
					best, at = t, w
				}
			}
			first = at
			s.putIn(v, s.prev[end(at)], at)
		}
		s.propagate()
	}
	s.settle()
	s.log = s.log[:0]
}
