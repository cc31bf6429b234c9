package optimise

import (
	"cmp"
	"slices"
)

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

// load places what is given, in order of time, as far as every rule allows but
// those that a later visit may mend: the state may be left with breaches. A visit
// placed already is passed over.
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
	if !s.shaped(pv, a) {
		return false
	}
	f := &finder{state: s}
	tours, rule := f.allows(v, a)
	if rule != "" {
		return false
	}
	var spots [maxRoles]spot
	var starts [maxRoles]int32
	for k := range pv.roles {
		t := tours[k]
		starts[k] = int32(a.Starts[k])
		sp, ok := s.slot(t, pv, starts[k])
		if !ok || !s.withinLimits(t, pv.minutes+sp.legs) {
			return false
		}
		spots[k] = sp
	}
	before := s.cost
	s.accept()
	s.put(v, spots[:pv.roles], starts[:])
	if s.broken {
		s.revert(before)
		return false
	}
	s.accept()
	return true
}

// shaped says whether an assignment has a different worker of the problem and a
// start for each part of a visit.
func (c *plan) shaped(pv *pVisit, a Assignment) bool {
	if len(a.Workers) != int(pv.roles) || len(a.Starts) != int(pv.roles) {
		return false
	}
	for k, id := range a.Workers {
		if _, known := c.worker[id]; !known || slices.Contains(a.Workers[:k], id) {
			return false
		}
	}
	return true
}

// allows names the rule that keeps a visit from a shaped assignment, "" if none
// does, whatever else is in its tours and whatever a later visit may mend.
func (f *finder) allows(v int32, a Assignment) (tours [maxRoles]int32, rule Rule) {
	pv := &f.visits[v]
	if pv.locked && !f.asPublished(v, a) {
		return tours, RuleLocked
	}
	var spots [maxRoles]spot
	for k := range pv.roles {
		w, start := f.worker[a.Workers[k]], int32(a.Starts[k])
		if _, able := slices.BinarySearch(pv.able[k], w); !able {
			return tours, f.unable(v, k, w)
		}
		t := f.tourAt(w, start, start+pv.minutes)
		if t < 0 {
			return tours, f.off(w, start, start+pv.minutes)
		}
		if b, ok := pv.earliest(start); !ok || b != start {
			return tours, f.closed(v, start)
		}
		if rule := f.unfaced(pv, w); rule != "" {
			return tours, rule
		}
		tours[k], spots[k].tour = t, t
	}
	for k := 1; k < int(pv.roles); k++ {
		gap := int32(a.Starts[k] - a.Starts[k-1])
		if !pv.ordered && gap != 0 || pv.ordered && (gap < pv.gapMin || gap > pv.gapMax) {
			return tours, RuleTogether
		}
	}
	if _, free := f.dateCost(pv, f.plan.tours[tours[0]].date); !free {
		return tours, f.crowded(pv, f.plan.tours[tours[0]].date)
	}
	if pv.team && !f.fits(v, spots[:pv.roles]) {
		return tours, f.unfit(v, spots[:pv.roles])
	}
	if x := pv.series; pv.roles == 1 && x >= 0 && f.series[x].subs && f.subs[x] >= f.series[x].subsLeft &&
		!slices.Contains(f.series[x].regular, f.plan.tours[tours[0]].worker) {
		return tours, RuleSubstitute
	}
	return tours, ""
}

// slot is where in a tour a visit with a given start stands: after all that start
// before it, or before the breaks among them, which can wait.
func (s *state) slot(t int32, pv *pVisit, start int32) (spot, bool) {
	tr := &s.tours[t]
	i := int32(0)
	for int(i) < len(tr.stops) && tr.stops[i].start <= start {
		i++
	}
	for {
		sp, ok, _ := s.look(t, i, pv)
		// one who comes alone may be moved to where the tour allows it
		exact := pv.roles > 1 || pv.locked || s.pin
		if ok && (!exact || (start >= sp.lo && start <= sp.hi)) {
			return sp, true
		}
		if i == 0 || !s.visits[tr.stops[i-1].visit].rest {
			return spot{}, false
		}
		i--
	}
}

func (s *state) asPublished(v int32, a Assignment) bool {
	p := s.p.Visits[v].Published
	return slices.Equal(p.Workers, a.Workers) && slices.Equal(p.Starts, a.Starts)
}
