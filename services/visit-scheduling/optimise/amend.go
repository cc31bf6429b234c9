package optimise

import (
	"fmt"
	"maps"
	"slices"
)

// Amendment alters a laid out schedule, all of it or nothing.
type Amendment struct {
	// Take names visits that are no longer of the problem, placed or not.
	Take []string
	// Place are visits that become part of the problem and stand where they are
	// said to. One that moves is taken and placed.
	Place []Placing
}

// Placing is a visit and where it is to stand.
type Placing struct {
	Visit Visit
	At    Assignment
}

// Place adds a visit where it is to stand, see Amend.
func (b *Board) Place(v Visit, at Assignment) error {
	return b.Amend(Amendment{Place: []Placing{{v, at}}})
}

// Take takes a visit out of the schedule and the problem, see Amend.
func (b *Board) Take(id string) error { return b.Amend(Amendment{Take: []string{id}}) }

// Accept adds a visit as an offer has it, with the moves of others that it needs,
// see Amend. The offer must be of the schedule as it stands.
func (b *Board) Accept(v Visit, o Offer) error {
	c := Amendment{Place: []Placing{{v, o.Assignment}}}
	for _, m := range o.Moves {
		at, known := b.f.visit[m.Visit]
		if !known {
			return fmt.Errorf("visit %s, which the offer moves, is not of the problem", m.Visit)
		}
		c.Take = append(c.Take, m.Visit)
		c.Place = append(c.Place, Placing{b.f.p.Visits[at], m.To})
	}
	return b.Amend(c)
}

// Amend changes the schedule where it is laid out, at the cost of the tours and
// families concerned. Afterwards the board answers as one laid out anew would, of
// the problem without the visits taken and with those placed at its end. It
// returns ErrProblem for an unsound visit, a Conflict for one that then could not
// stand, and leaves the board as it was on any error. Every visit placed takes a
// little memory for good.
func (b *Board) Amend(a Amendment) error {
	if err := b.sound(a); err != nil {
		return err
	}
	x := &amending{Board: b, cost: b.f.cost, first: int32(len(b.f.visits) - 1), series: map[int32][]int32{}}
	b.f.accept()
	if err := x.make(a); err != nil {
		x.undo()
		return err
	}
	b.f.accept()
	for _, v := range x.taken {
		b.f.visits[v], b.f.p.Visits[v] = pVisit{}, Visit{}
	}
	return nil
}

// sound looks for what is wrong with an amendment whatever the schedule.
func (b *Board) sound(a Amendment) error {
	taken := map[string]bool{}
	for _, id := range a.Take {
		if _, known := b.f.visit[id]; !known || taken[id] {
			return fmt.Errorf("take visit %s out: it is not of the problem, or taken twice", id)
		}
		taken[id] = true
	}
	var p Problem
	named := map[int32]bool{}
	for _, x := range a.Place {
		if _, known := b.f.visit[x.Visit.ID]; known && !taken[x.Visit.ID] {
			return fmt.Errorf("place visit %s: it is in the problem already, and not taken out", x.Visit.ID)
		}
		if !b.f.shaped(&pVisit{roles: int32(max(1, len(x.Visit.Roles)))}, x.At) {
			return fmt.Errorf("place visit %s: it needs a different worker of the problem and a start for each of its parts", x.Visit.ID)
		}
		p.Visits = append(p.Visits, x.Visit)
		if a := x.Visit.Published; a != nil {
			for _, w := range b.f.numbers(a.Workers) {
				named[w] = true
			}
		}
	}
	for _, w := range slices.Sorted(maps.Keys(named)) {
		p.Workers = append(p.Workers, b.f.p.Workers[w]) // a lock is to one of them
	}
	if err := p.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrProblem, err)
	}
	return nil
}

// amending is an amendment under way, with what it takes to undo it.
type amending struct {
	*Board
	cost   Objective
	first  int32 // number of the first visit placed
	taken  []int32
	series map[int32][]int32 // series → its visits as they were
	tours  []int32           // concerned
	fresh  []part            // of the visits placed
}

func (x *amending) make(a Amendment) error {
	f := x.f
	for _, id := range a.Take {
		v := f.visit[id]
		delete(f.visit, id)
		x.taken = append(x.taken, v)
		if f.placed(v) {
			for k := range f.visits[v].roles {
				x.tours = append(x.tours, f.where[v*maxRoles+k])
			}
			f.take(v)
		}
		f.cost.Unplaced -= f.visits[v].leaveOut // it is not left out, it is no more
		if k := f.visits[v].series; k >= 0 {
			x.remember(k)
			f.series[k].visits = slices.DeleteFunc(slices.Clone(f.series[k].visits), func(u int32) bool { return u == v })
			f.ruleSeries(k)
		}
	}
	for _, p := range a.Place {
		if err := x.add(p); err != nil {
			return err
		}
	}
	for k := range x.series {
		if v := f.overfull(k); v >= 0 {
			return Conflict{f.p.Visits[v].ID, RulePerDay}
		}
	}
	slices.Sort(x.tours)
	x.tours = slices.Compact(x.tours)
	f.pin = true
	for _, t := range x.tours {
		if !f.set(t, x.parts(t)) && !f.overLimits(t) {
			return Conflict{x.newest(t), RuleBooked}
		}
	}
	f.pin, f.broken = false, false
	return x.settle()
}

// settle lets the tours concerned run and looks whether every rule is kept.
func (x *amending) settle() error {
	f := x.f
	for _, t := range x.tours {
		if f.tours[t].visits > 0 && f.overLimits(t) {
			return Conflict{x.newest(t), RuleLimit}
		}
		if f.unpin(t); f.broken {
			return Conflict{x.newest(t), RuleBooked}
		}
	}
	if f.breach > 0 {
		v := f.offender()
		return Conflict{f.p.Visits[v].ID, f.breached(v)}
	}
	return nil
}

// newest names the visit of a tour that was numbered last. There must be one.
func (x *amending) newest(t int32) string {
	at := int32(-1)
	for _, p := range x.parts(t) {
		at = max(at, p.visit)
	}
	return x.f.p.Visits[at].ID
}

// parts are the stops a tour is to have, those that stood there each at the start
// it had before anything was taken.
func (x *amending) parts(t int32) []part {
	f := x.f
	f.save(t)
	var out []part
	for _, s := range f.saved[t].stops {
		if !f.visits[s.visit].rest && f.where[s.visit*maxRoles+int32(s.role)] == t {
			out = append(out, part{t, s.visit, int32(s.role), s.start})
		}
	}
	for _, p := range x.fresh {
		if p.tour == t {
			out = append(out, p)
		}
	}
	return out
}

func (x *amending) remember(series int32) {
	if _, seen := x.series[series]; !seen {
		x.series[series] = x.f.series[series].visits
	}
}

// add numbers a visit and counts it where it is to stand; its tours are laid out
// later.
func (x *amending) add(p Placing) error {
	f := x.f
	v := int32(len(f.visits) - 1)
	series := int32(-1)
	if p.Visit.Series != "" {
		series = f.seriesNumber(p.Visit.Series)
	}
	place := x.placeOf(p.Visit.Place)
	f.risky = f.risky || p.Visit.NotLast
	f.visits[v], f.p.Visits[v] = f.number(p.Visit, place, series), p.Visit
	f.visit[p.Visit.ID] = v
	f.cost.Unplaced += f.visits[v].leaveOut
	f.oneMore()
	if series >= 0 {
		x.remember(series)
		f.series[series].visits = append(slices.Clone(f.series[series].visits), v)
		f.ruleSeries(series)
	}
	tours, rule := f.allows(v, p.At)
	if rule != "" {
		return Conflict{p.Visit.ID, rule}
	}
	for k := range f.visits[v].roles {
		x.tours = append(x.tours, tours[k])
		x.fresh = append(x.fresh, part{tours[k], v, k, int32(p.At.Starts[k])})
	}
	f.count(v, tours)
	return nil
}

// undo brings back what was before the amendment.
func (x *amending) undo() {
	f := x.f
	f.pin = false
	f.revert(x.cost)
	for v := x.first; v < int32(len(f.visits)-1); v++ {
		delete(f.visit, f.p.Visits[v].ID)
	}
	f.visits, f.p.Visits, f.where = f.visits[:x.first+1], f.p.Visits[:x.first+1], f.where[:(x.first+1)*maxRoles]
	for _, v := range x.taken {
		f.visit[f.p.Visits[v].ID] = v
	}
	for k, visits := range x.series {
		f.series[k].visits = visits
		f.ruleSeries(k)
	}
	f.cost = x.cost
}

// oneMore makes room for the number of one more visit, unplaced.
func (s *state) oneMore() {
	s.visits = append(s.visits, pVisit{})
	s.p.Visits = append(s.p.Visits, Visit{})
	for range maxRoles {
		s.where = append(s.where, -1)
	}
}

// seriesNumber is the number of a series, with the sums of a new one.
func (s *state) seriesNumber(name string) int32 {
	k := s.addSeries(name)
	if int(k) == len(s.faces) {
		s.faces, s.dates, s.subs = append(s.faces, nil), append(s.dates, nil), append(s.subs, 0)
	}
	return k
}

// ruleSeries brings up to date what a series' visits say for all of it.
func (s *state) ruleSeries(k int32) {
	x := &s.series[k]
	before := s.spacingCost(k)
	x.ask(s.p.Visits)
	s.cost.Spacing += s.spacingCost(k) - before
}

// overfull is a visit of a series on a date that has more than it may, -1 if there
// is none.
func (s *state) overfull(k int32) int32 {
	d := s.dates[k]
	for i, n := 0, int32(0); i < len(d); i++ {
		if n++; i > 0 && d[i].date != d[i-1].date {
			n = 1
		}
		if n <= s.series[k].perDay {
			continue
		}
		for _, v := range s.series[k].visits {
			if s.placed(v) && s.plan.tours[s.where[v*maxRoles]].date == d[i].date {
				return v
			}
		}
	}
	return -1
}

// isRunning says whether a placed visit is by a substitute where substitutes run.
func (s *state) isRunning(v int32) bool {
	k := s.visits[v].series
	if k < 0 {
		return false
	}
	n, date := s.runs(k)
	return n > 0 && s.plan.tours[s.where[v*maxRoles]].date == date && s.isSubstituted(v)
}
