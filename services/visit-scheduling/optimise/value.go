package optimise

import (
	"cmp"
	"slices"
)

// stands reports whether a schedule as given keeps every rule, starts included.
// Its breaks are filled in.
func (c *plan) stands(sol *Solution) bool {
	s, err := c.laid(sol.Placed)
	if err != nil {
		return false
	}
	for i := range c.visits {
		if c.visits[i].locked && !s.placed(int32(i)) && s.lockable(int32(i)) {
			return false
		}
	}
	sol.Breaks = c.allBreaks(s.tours)
	return true
}

// lockable reports whether a locked visit can stand where it is locked, with the
// other locked ones and no more.
func (s *state) lockable(v int32) bool {
	fresh := newState(s.plan)
	fresh.loadLocked()
	for fresh.breach > 0 {
		fresh.take(fresh.offender())
	}
	return fresh.placed(v)
}

// lay is a schedule laid out as its starts say, nothing checked: only its sums are
// meant. The schedule must be valid.
func (c *plan) lay(sol *Solution) *state {
	s := newState(c)
	for t := range s.tours {
		s.tours[t].stops = s.tours[t].stops[:0]
	}
	add := func(v, k int32, worker string, start int32) int32 {
		t := c.tourAt(c.worker[worker], start, start+c.visits[v].minutes)
		s.tours[t].stops = append(s.tours[t].stops, stop{visit: v, role: int8(k), at: c.visits[v].place, remote: c.visits[v].place < 0, fixed: true, start: start})
		s.where[v*maxRoles+k] = t
		return t
	}
	for _, p := range sol.Placed {
		v := c.visit[p.Visit]
		var tours [maxRoles]int32
		for k, w := range p.Workers {
			tours[k] = add(v, int32(k), w, int32(p.Starts[k]))
		}
		s.cost.Unplaced -= c.visits[v].leaveOut
		s.assignCost(v, tours, 1)
		s.countSeries(v, tours, true)
	}
	left := slices.Clone(sol.Breaks)
	for v := range c.visits {
		if !c.visits[v].rest {
			continue
		}
		w, open := c.p.Workers[c.visits[v].able[0].list[0]].ID, c.visits[v].windows[0]
		if i := slices.IndexFunc(left, func(b BreakTaken) bool { return b.Worker == w && b.Start >= open.From && b.Start < open.To }); i >= 0 {
			add(int32(v), 0, w, int32(left[i].Start))
			left = slices.Delete(left, i, i+1)
		}
	}
	for t := range s.tours {
		slices.SortStableFunc(s.tours[t].stops, func(a, b stop) int { return cmp.Compare(a.start, b.start) })
		s.resync(int32(t))
	}
	s.accept()
	return s
}

// evaluate prices a valid schedule term by term, from its starts alone.
func (c *plan) evaluate(sol *Solution) Objective { return c.lay(sol).cost }
