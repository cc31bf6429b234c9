package optimise

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Options bound a search. With neither WorkUnits nor Deadline it does 20 units a
// visit.
type Options struct {
	Seed uint64
	// WorkUnits is how many times visits are taken out and put back. With it
	// alone the answer is the same on every machine.
	WorkUnits int64
	// Deadline ends the search by the clock; zero is none.
	Deadline time.Time
	// Start is a schedule to improve on. What of it cannot stand is placed anew.
	Start *Solution
}

// ErrProblem marks a problem that is not sound; the text says where.
var ErrProblem = errors.New("unsound scheduling problem")

// Solve schedules the visits. It returns ErrProblem, or a valid schedule,
// cancelled or not: cancelling ctx ends the search early with the best it has.
func Solve(ctx context.Context, p Problem, opt Options) (Solution, error) {
	if err := p.Validate(); err != nil {
		return Solution{}, fmt.Errorf("%w: %w", ErrProblem, err)
	}
	began := time.Now()
	if opt.WorkUnits <= 0 && opt.Deadline.IsZero() {
		opt.WorkUnits = 20 * int64(len(p.Visits))
	}
	halted := func() bool {
		return ctx.Err() != nil || (!opt.Deadline.IsZero() && !time.Now().Before(opt.Deadline))
	}
	c := newPlan(&p)
	s := newState(c)
	s.loadLocked()
	if opt.Start != nil {
		s.load(opt.Start.Placed)
	}
	x := newSearch(s, opt.Seed)
	x.construct(halted)
	x.keepBest()
	if !halted() {
		hot := hotFresh
		if opt.Start != nil {
			hot = hotStart
		}
		x.anneal(hot, func(steps int64) float64 {
			if halted() {
				return 1
			}
			done := 0.0
			if opt.WorkUnits > 0 {
				done = float64(steps) / float64(opt.WorkUnits)
			}
			if !opt.Deadline.IsZero() {
				done = max(done, float64(time.Since(began))/float64(opt.Deadline.Sub(began)))
			}
			return done
		})
	}
	out := c.solution(x.bestTours)
	out.Objective = c.evaluate(out.Placed)
	if opt.Start != nil {
		// The search may shift starts in ways the given schedule did not need.
		given := Solution{Placed: slices.Clone(opt.Start.Placed)}
		c.sort(given.Placed)
		if c.stands(given.Placed) {
			if given.Objective = c.evaluate(given.Placed); given.Objective.Total() < out.Objective.Total() {
				out = given
			}
		}
	}
	c.explain(ctx, &out)
	return out, nil
}

func (c *plan) sort(placed []Placement) {
	slices.SortStableFunc(placed, func(a, b Placement) int {
		return cmp.Compare(c.visit[a.Visit], c.visit[b.Visit])
	})
}

// solution reads a schedule out of tours.
func (c *plan) solution(tours []tour) Solution {
	var out Solution
	at := make([]Assignment, len(c.visits))
	for t := range tours {
		for _, x := range tours[t].stops {
			a := &at[x.visit]
			if a.Workers == nil {
				k := c.visits[x.visit].roles
				a.Workers, a.Starts = make([]string, k), make([]int, k)
			}
			a.Workers[x.role] = c.p.Workers[c.tours[t].worker].ID
			a.Starts[x.role] = int(x.start)
		}
	}
	for v, a := range at {
		if a.Workers != nil {
			out.Placed = append(out.Placed, Placement{c.p.Visits[v].ID, a})
		}
	}
	return out
}

// tourAt is the tour of a worker that holds a span, -1 if none does.
func (c *plan) tourAt(worker, from, to int32) int32 {
	for _, t := range c.workers[worker].tours {
		if c.tours[t].from <= from && to <= c.tours[t].to {
			return t
		}
	}
	return -1
}

// loadLocked puts the locked visits where they are published; one that cannot
// be there stays unplaced.
func (s *state) loadLocked() {
	var locked []Placement
	for i := range s.p.Visits {
		if v := &s.p.Visits[i]; v.Locked {
			locked = append(locked, Placement{v.ID, *v.Published})
		}
	}
	s.load(locked)
}

// load places what is given, in order of time, as far as every rule allows. A
// visit placed already is passed over.
func (s *state) load(placed []Placement) {
	list := slices.Clone(placed)
	slices.SortStableFunc(list, func(a, b Placement) int {
		return cmp.Compare(first(a.Starts), first(b.Starts))
	})
	for _, p := range list {
		v, ok := s.visit[p.Visit]
		if !ok || s.placed(v) {
			continue
		}
		s.loadOne(v, p.Assignment)
	}
	s.accept()
}

func first(a []int) int {
	if len(a) == 0 {
		return 0
	}
	return a[0]
}

func (s *state) loadOne(v int32, a Assignment) bool {
	pv := &s.visits[v]
	if len(a.Workers) != int(pv.roles) || len(a.Starts) != int(pv.roles) || (pv.locked && !s.asPublished(v, a)) {
		return false
	}
	var spots [maxRoles]spot
	var starts [maxRoles]int32
	f := &finder{state: s}
	for k := range pv.roles {
		w, known := s.worker[a.Workers[k]]
		start := int32(a.Starts[k])
		if !known {
			return false
		}
		if _, able := slices.BinarySearch(pv.able[k], w); !able {
			return false
		}
		t := s.tourAt(w, start, start+pv.minutes)
		if t < 0 {
			return false
		}
		if b, ok := pv.earliest(start); !ok || b != start {
			return false
		}
		i := int32(0)
		for int(i) < len(s.tours[t].stops) && s.tours[t].stops[i].start <= start {
			i++
		}
		sp, ok, _ := s.look(t, i, pv)
		if !ok || !s.withinLimits(t, pv.minutes+sp.legs) || f.sameWorker(spots[:k], sp) {
			return false
		}
		// one who comes alone may be moved to where the tour allows it
		if start < sp.lo || start > sp.hi {
			if pv.roles > 1 || pv.locked || s.pin {
				return false
			}
		}
		spots[k], starts[k] = sp, start
	}
	for k := 1; k < int(pv.roles); k++ {
		gap := starts[k] - starts[k-1]
		if !pv.ordered && gap != 0 || pv.ordered && (gap < pv.gapMin || gap > pv.gapMax) {
			return false
		}
	}
	if _, free := s.dateCost(pv.series, s.plan.tours[spots[0].tour].date); !free {
		return false
	}
	if pv.team && !f.teamCovered(v, spots[:pv.roles]) {
		return false
	}
	s.put(v, spots[:pv.roles], starts[:])
	return true
}

func (s *state) asPublished(v int32, a Assignment) bool {
	p := s.p.Visits[v].Published
	return slices.Equal(p.Workers, a.Workers) && slices.Equal(p.Starts, a.Starts)
}

// stands reports whether a schedule as given keeps every rule, starts included.
func (c *plan) stands(placed []Placement) bool {
	s := newState(c)
	s.pin = true
	s.load(placed)
	for _, p := range placed {
		if v, ok := c.visit[p.Visit]; !ok || !s.placed(v) {
			return false
		}
	}
	for i := range c.visits {
		if c.visits[i].locked && !s.placed(int32(i)) && s.lockable(int32(i)) {
			return false
		}
	}
	return true
}

// lockable reports whether a locked visit can stand where it is locked.
func (s *state) lockable(v int32) bool {
	fresh := newState(s.plan)
	fresh.loadLocked()
	return fresh.placed(v)
}

// parts sorts a schedule into tours, in order of time.
func (c *plan) parts(placed []Placement) [][]stop {
	out := make([][]stop, len(c.tours))
	for _, p := range placed {
		v := c.visit[p.Visit]
		for k := range p.Workers {
			start := int32(p.Starts[k])
			if t := c.tourAt(c.worker[p.Workers[k]], start, start+c.visits[v].minutes); t >= 0 {
				out[t] = append(out[t], stop{visit: v, role: int32(k), start: start})
			}
		}
	}
	for _, parts := range out {
		slices.SortFunc(parts, func(a, b stop) int { return cmp.Compare(a.start, b.start) })
	}
	return out
}

// evaluate prices a valid schedule term by term, from its starts alone.
func (c *plan) evaluate(placed []Placement) Objective {
	var o Objective
	for t, parts := range c.parts(placed) {
		if len(parts) == 0 {
			continue
		}
		at, legs := c.tours[t].start, int32(0)
		for _, x := range parts {
			if v := &c.visits[x.visit]; v.place >= 0 {
				legs += c.travel(at, v.place)
				at = v.place
			}
		}
		legs += c.travel(at, c.tours[t].end)
		o.Travel += int64(legs) * int64(c.w.TravelMinute)
	}
	s := &state{plan: c, faces: make([][]face, len(c.series)), dates: make([][]int32, len(c.series))}
	in := make([]bool, len(c.visits))
	for _, p := range placed {
		v := c.visit[p.Visit]
		pv := &c.visits[v]
		in[v] = true
		var tours [maxRoles]int32
		for k := range p.Workers {
			tours[k] = c.tourAt(c.worker[p.Workers[k]], int32(p.Starts[k]), int32(p.Starts[k])+pv.minutes)
		}
		s.assignCost(v, tours, 1)
		s.countSeries(v, tours, true)
		if pv.moved > 0 {
			o.Stability += pv.moved * int64(min(absolute(int32(p.Starts[0])-pv.start), int32(c.w.MovedMost)))
		}
	}
	for v := range c.visits {
		if !in[v] {
			o.Unplaced += c.visits[v].leaveOut
		}
	}
	o.Preference, o.Continuity, o.Spacing = s.cost.Preference, s.cost.Continuity, s.cost.Spacing
	return o
}
