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
	if s.loadWhole(list) {
		return
	}
	for _, p := range list {
		v, ok := s.visit[p.Visit]
		if !ok || s.placed(v) {
			continue
		}
		s.stand(v, p.Assignment)
	}
	s.accept()
}

// loadWhole places at once all that a rule of its own does not keep out. It
// reports false, and nothing is changed, if the tours cannot be so. Where travel
// breaks the triangle inequality a schedule may stand of which a part does not.
func (s *state) loadWhole(list []Placement) bool {
	s.accept()
	before, pin := s.cost, s.pin
	s.pin = true
	defer func() { s.pin = pin }()
	f := newFinder(s)
	parts := make([][]part, len(s.tours))
	var tours []int32
	for _, p := range list {
		v, ok := s.visit[p.Visit]
		if !ok || s.placed(v) || !s.shaped(&s.visits[v], p.Assignment) {
			continue
		}
		at, rule := f.allows(v, p.Assignment)
		if rule != "" {
			continue
		}
		for k := range s.visits[v].roles {
			if t := at[k]; parts[t] == nil {
				for _, x := range s.tours[t].stops {
					if !s.visits[x.visit].rest {
						parts[t] = append(parts[t], part{t, x.visit, int32(x.role), x.start})
					}
				}
				tours = append(tours, t)
			}
			parts[at[k]] = append(parts[at[k]], part{at[k], v, k, int32(p.Starts[k])})
		}
		s.count(v, at)
	}
	for _, t := range tours {
		if !f.set(t, parts[t]) || s.overLimits(t) {
			s.revert(before)
			return false
		}
	}
	if !pin {
		for _, t := range tours {
			s.float(t)
		}
	}
	s.accept()
	return true
}

// float lets the visits of one worker in a tour be pushed.
func (s *state) float(t int32) {
	for i := range s.tours[t].stops {
		x := &s.tours[t].stops[i]
		v := &s.visits[x.visit]
		x.fixed = (v.roles > 1 || v.locked) && !v.rest
	}
	s.resync(t)
}

// part is a stop that is to be.
type part struct{ tour, visit, role, start int32 }

// count takes a visit for placed in some tours, but for their stops.
func (s *state) count(v int32, tours [maxRoles]int32) {
	for k := range s.visits[v].roles {
		s.save(tours[k])
		s.where[v*maxRoles+k] = tours[k]
	}
	s.cost.Unplaced -= s.visits[v].leaveOut
	s.assignCost(v, tours, 1)
	s.countSeries(v, tours, true)
	s.log = append(s.log, op{visit: v, placed: true, tours: tours})
}

// set lays a tour out anew: the visits given, each at its start, with the breaks
// where they fit between; or if they do not, the breaks first and each visit where
// it may follow. It reports false when neither is possible.
func (f *finder) set(t int32, parts []part) bool {
	f.save(t)
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(a.start, b.start) })
	tr := &f.tours[t]
	var rests []int32
	for _, x := range f.saved[t].stops {
		if f.visits[x.visit].rest {
			rests = append(rests, x.visit)
		}
	}
	slices.Sort(rests)
	broken := f.broken
	defer func() { f.broken = f.broken || broken }()
	for _, restsFirst := range []bool{false, true} {
		f.broken = false
		tr.stops = tr.stops[:0]
		ok := true
		if restsFirst {
			f.resync(t)
			ok = f.rest(t, rests)
			for _, p := range parts {
				sp, free := f.slot(t, &f.visits[p.visit], p.start)
				if ok = ok && free; !ok {
					break
				}
				f.insert(sp, p.visit, p.role, p.start)
			}
		} else {
			for _, p := range parts {
				tr.stops = append(tr.stops, f.stop(p.visit, p.role, p.start))
			}
			f.resync(t)
			ok = !f.broken && f.rest(t, rests)
		}
		f.broken = false // what was between is over
		if f.resync(t); ok && !f.broken {
			return true
		}
	}
	return false
}

// rest puts breaks into their tour.
func (f *finder) rest(t int32, rests []int32) bool {
	one := [1]int32{t}
	in := &scope{tours: one[:]}
	for _, v := range rests {
		c, ok := f.best(v, in, restOut)
		if !ok {
			return false
		}
		f.insert(c.spots[0], v, 0, c.starts[0])
	}
	return true
}

// overLimits says whether the worker of a tour has more that day or week than
// they may.
func (s *state) overLimits(t int32) bool {
	def := &s.plan.tours[t]
	w := &s.workers[def.worker]
	return s.dayWork[def.day] > w.maxDay || s.weekWork[def.week] > w.maxWeek ||
		s.dayVisits[def.day] > w.maxDayVisits || s.weekVisits[def.week] > w.maxWeekVisits
}

func first(a []int) int {
	if len(a) == 0 {
		return 0
	}
	return a[0]
}

// stand places a visit where it is to be. It returns the rule that keeps it from
// there, the first one found, and then nothing is changed; "" if it stands.
func (s *state) stand(v int32, a Assignment) Rule {
	pv := &s.visits[v]
	if !s.shaped(pv, a) {
		return RuleNoWorkers
	}
	f := &finder{state: s}
	tours, rule := f.allows(v, a)
	if rule != "" {
		return rule
	}
	var spots [maxRoles]spot
	var starts [maxRoles]int32
	for k := range pv.roles {
		t := tours[k]
		starts[k] = int32(a.Starts[k])
		sp, ok := s.slot(t, pv, starts[k])
		if !ok {
			return RuleBooked
		}
		if !s.withinLimits(t, pv.minutes+sp.way) {
			return RuleLimit
		}
		spots[k] = sp
	}
	before := s.cost
	s.accept()
	s.put(v, spots[:pv.roles], starts[:])
	if s.broken {
		s.revert(before)
		return RuleBooked
	}
	s.accept()
	return ""
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
		if !pv.able[k].has(w) {
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
