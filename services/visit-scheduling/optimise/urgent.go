package optimise

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Board is a schedule laid out to answer "where could this visit still go?" at
// once. It is not safe for concurrent use.
type Board struct {
	f     *finder
	spare int32 // number of the place kept free for the visit asked about
	// stranger is the number of the series kept free for a family of no visit.
	stranger int32
	banned   map[int32]bool
}

// Offer is one way to make a visit.
type Offer struct {
	Assignment
	Points int64 // what it adds to the schedule's objective
	Moves  []Move
	// Breaks are those of the tours the offer concerns, where they then are.
	Breaks []BreakTaken
}

// Move is another visit that starts at another time, or with other workers, if
// the offer is taken.
type Move struct {
	Visit    string
	From, To Assignment
}

// offersWanted is how many places an urgent visit gets.
const offersWanted = 3

// How many other visits are tried elsewhere to make room, for one worker and for
// a team, so that an answer stays within milliseconds.
const (
	displacements     = 40
	teamDisplacements = 6
)

// NewBoard lays out a valid schedule of p. It returns ErrProblem for an unsound
// problem, and an error naming the first visit that cannot stand as given.
func NewBoard(p Problem, s Solution) (*Board, error) {
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProblem, err)
	}
	b := &Board{banned: map[int32]bool{}}
	c := newPlanWith(&p, nil)
	c.widen()
	b.spare = int32(c.places - 1)
	b.stranger = c.addSeries("\x00") // no caller's: it only has to differ from all of them
	st := newState(c)
	st.pin = true
	st.load(s.Placed)
	for _, x := range s.Placed {
		if v, ok := c.visit[x.Visit]; !ok || !st.placed(v) {
			return nil, fmt.Errorf("visit %s cannot stand where the schedule has it", x.Visit)
		}
	}
	if st.breach > 0 {
		return nil, fmt.Errorf("visit %s cannot stand where the schedule has it", c.p.Visits[st.offender()].ID)
	}
	st.unpin()
	// one more visit, filled in by Insert
	c.visits = append(c.visits, pVisit{})
	c.p.Visits = append(slices.Clone(c.p.Visits), Visit{})
	for range maxRoles {
		st.where = append(st.where, -1)
	}
	b.f = newFinder(st)
	return b, nil
}

// unpin lets visits of one worker be pushed again. Where they stand now is where
// they are wished to stay.
func (s *state) unpin() {
	s.pin = false
	for t := range s.tours {
		for i := range s.tours[t].stops {
			x := &s.tours[t].stops[i]
			if v := &s.visits[x.visit]; v.roles == 1 && !v.locked {
				x.fixed, v.start = false, x.start
				v.moved = max(v.moved, int64(s.w.MovedMinute))
			}
		}
		s.resync(int32(t))
	}
}

// widen adds a place nobody is at yet.
func (c *plan) widen() {
	n := c.places
	for mode, narrow := range c.minutes {
		wide := make([]uint16, (n+1)*(n+1))
		for i := range n {
			copy(wide[i*(n+1):], narrow[i*n:(i+1)*n])
		}
		c.minutes[mode] = wide
	}
	c.places = n + 1
}

// Insert finds up to three places for a visit that is not in the schedule, the
// cheapest first, in different tours, and says what each would move. Nothing is
// changed. With fewer than three free places it also tries to move one other
// visit of no higher priority out of the way.
func (b *Board) Insert(v Visit) ([]Offer, error) {
	f := b.f
	if _, taken := f.visit[v.ID]; taken {
		return nil, fmt.Errorf("visit %s is in the problem already", v.ID)
	}
	if v.Locked {
		return nil, errors.New("a locked visit has its place")
	}
	one := Problem{Visits: []Visit{v}}
	if err := one.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProblem, err)
	}
	id := int32(len(f.visits) - 1)
	f.p.Visits[id] = v
	series := b.seriesFor(v.Series)
	if series >= 0 && v.PerDay > 0 {
		old := f.series[series].perDay
		f.series[series].perDay = min(old, int32(v.PerDay))
		defer func() { f.series[series].perDay = old }()
	}
	place := int32(-1)
	if v.Place != nil {
		place = b.spare
		b.reach(*v.Place)
	}
	f.visits[id] = f.number(v, place, series)
	f.risky = f.risky || v.NotLast
	clear(b.banned)
	var offers []Offer
	for len(offers) < offersWanted {
		c, ok := f.bestWithout(id, b.banned)
		if !ok {
			break
		}
		if o, stands := b.offer(id, c); stands {
			offers = append(offers, o)
		}
		for k := range f.visits[id].roles {
			b.banned[c.spots[k].tour] = true
			break // another first worker or another day
		}
	}
	if len(offers) < offersWanted {
		offers = b.displace(id, offers)
	}
	slices.SortStableFunc(offers, func(x, y Offer) int { return cmp.Compare(x.Points, y.Points) })
	return offers[:min(len(offers), offersWanted)], nil
}

// seriesFor is the number of a visit's series: the spare one for a family nobody
// has heard of.
func (b *Board) seriesFor(name string) int32 {
	switch k, known := b.f.seriesOf[name]; {
	case name == "":
		return -1
	case known:
		return k
	}
	return b.stranger
}

// reach fills in the travel to and from the spare place.
func (b *Board) reach(at Place) {
	c := b.f.plan
	n := c.places
	unit := at.unit()
	for k, mode := range c.modes {
		for i := range int(b.spare) {
			there, back := c.reach(mode, at, unit, i)
			c.minutes[k][int(b.spare)*n+i], c.minutes[k][i*n+int(b.spare)] = there, back
		}
	}
}

// bestWithout is best anywhere but with the first part in a banned tour.
func (f *finder) bestWithout(v int32, banned map[int32]bool) (choice, bool) {
	f.ban = banned
	defer func() { f.ban = nil }()
	return f.best(v, nil, math.MaxInt64/4)
}

// offer describes a choice by making it and taking it back. It is false where
// the hour of travel makes it break a limit after all.
func (b *Board) offer(v int32, c choice) (Offer, bool) {
	f := b.f
	before := f.cost
	roles := int(f.visits[v].roles)
	tours := make([]int32, roles)
	for k := range roles {
		tours[k] = c.spots[k].tour
	}
	old := f.starts(tours)
	f.put(v, c.spots[:roles], c.starts[:])
	o := Offer{Assignment: f.assignment(v)}
	o.Points = f.cost.Total() - before.Total() + f.visits[v].leaveOut
	o.Moves = f.moves(old, v)
	o.Breaks = f.breaks(tours)
	stands := !f.broken && f.breach == 0
	f.revert(before)
	return o, stands
}

// assignment reads where a placed visit stands.
func (f *finder) assignment(v int32) Assignment {
	var a Assignment
	for k := range f.visits[v].roles {
		t := f.where[v*maxRoles+k]
		for _, x := range f.tours[t].stops {
			if x.visit == v {
				a.Workers = append(a.Workers, f.p.Workers[f.plan.tours[t].worker].ID)
				a.Starts = append(a.Starts, int(x.start))
			}
		}
	}
	return a
}

type placedAt struct {
	visit int32
	at    Assignment
}

// starts remembers every visit of some tours.
func (f *finder) starts(tours []int32) []placedAt {
	var out []placedAt
	for _, t := range tours {
		for _, x := range f.tours[t].stops {
			if !f.visits[x.visit].rest {
				out = append(out, placedAt{x.visit, f.assignment(x.visit)})
			}
		}
	}
	return out
}

// moves lists what stands elsewhere now than in old.
func (f *finder) moves(old []placedAt, but int32) []Move {
	var out []Move
	seen := map[int32]bool{but: true}
	for _, o := range old {
		if seen[o.visit] {
			continue
		}
		seen[o.visit] = true
		now := f.assignment(o.visit)
		if !slices.Equal(now.Starts, o.at.Starts) || !slices.Equal(now.Workers, o.at.Workers) {
			out = append(out, Move{f.p.Visits[o.visit].ID, o.at, now})
		}
	}
	return out
}

// displace tries to put another visit elsewhere and this one in its stead.
func (b *Board) displace(id int32, offers []Offer) []Offer {
	f := b.f
	pv := &f.visits[id]
	tries, most := 0, displacements
	if pv.roles > 1 {
		most = teamDisplacements
	}
	for _, w := range pv.able[0] {
		for _, t := range f.workers[w].tours {
			if !f.open(pv, t) || b.banned[t] {
				continue
			}
			for i := 0; i < len(f.tours[t].stops); i++ {
				u := f.tours[t].stops[i].visit
				if f.visits[u].locked || f.visits[u].rest || f.visits[u].leaveOut > pv.leaveOut {
					continue
				}
				if tries++; tries > most {
					return offers
				}
				if o, ok := b.instead(id, u, t); ok {
					offers = append(offers, o)
					b.banned[t] = true
					break
				}
			}
		}
	}
	return offers
}

// instead moves visit u out of tour t, puts the visit asked about into the tour
// and u wherever it fits.
func (b *Board) instead(id, u, t int32) (Offer, bool) {
	f := b.f
	before := f.cost
	defer func() { f.revert(before) }()
	was := placedAt{u, f.assignment(u)}
	f.take(u)
	if f.broken || f.breach > 0 {
		return Offer{}, false
	}
	into := func(v int32, tours []int32) ([]placedAt, bool) {
		c, ok := f.best(v, tours, math.MaxInt64/4)
		if !ok {
			return nil, false
		}
		k := f.visits[v].roles
		var at []int32
		for _, sp := range c.spots[:k] {
			at = append(at, sp.tour)
		}
		old := f.starts(at)
		f.put(v, c.spots[:k], c.starts[:])
		return old, true
	}
	one := []int32{t}
	if f.visits[id].roles > 1 {
		one = nil
	}
	old, ok := into(id, one)
	if !ok {
		return Offer{}, false
	}
	old2, ok := into(u, nil)
	if !ok || f.broken || f.breach > 0 {
		return Offer{}, false
	}
	o := Offer{Assignment: f.assignment(id), Points: f.cost.Total() - before.Total() + f.visits[id].leaveOut}
	o.Moves = f.moves(append(append([]placedAt{was}, old...), old2...), id)
	o.Breaks = f.breaks(slices.Clone(f.touched))
	return o, true
}
