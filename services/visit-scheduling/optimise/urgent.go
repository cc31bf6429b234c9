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
	spare int32  // number of the place kept free for the visit asked about
	at    *Place // where the visit asked about is, nil if its place has a number of its own
	used  int    // numbers of places given out
	// stranger is the number of the series kept free for a family of no visit.
	stranger int32
	banned   map[int32]bool
	near     [][]int32 // worker → those who live nearest, made when first asked for
	one      [1]int32
	speeds   [][]band // by mode
	asked    []int32  // mode, place → last question that looked up its travel
	round    int32
}

// Offer is one way to make a visit.
type Offer struct {
	Assignment
	Points int64     // what it adds to the schedule's objective
	Terms  Objective // the same, term by term
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

// NewBoard lays out a valid schedule of p. It returns ErrProblem for an unsound
// problem, and Conflicts for the visits that cannot stand as given.
func NewBoard(p Problem, s Solution) (*Board, error) {
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProblem, err)
	}
	b := &Board{banned: map[int32]bool{}}
	c := newPlanWith(&p, nil)
	b.used = c.places
	c.widen(placesAhead)
	b.spare = b.newPlace(c)
	b.stranger = c.addSeries("\x00") // no caller's: it only has to differ from all of them
	st, err := c.laid(s.Placed)
	if err != nil {
		return nil, err
	}
	for t := range st.tours {
		st.unpin(int32(t))
	}
	st.pin = false
	st.oneMore()
	b.f = newFinder(st)
	for _, m := range c.modes {
		b.speeds = append(b.speeds, bands(m))
	}
	return b, nil
}

// unpin lets the visits of one worker in a tour be pushed again. Where they stand
// now is where they are wished to stay.
func (s *state) unpin(t int32) {
	for i := range s.tours[t].stops {
		x := &s.tours[t].stops[i]
		if v := &s.visits[x.visit]; v.roles == 1 && !v.locked && !v.rest {
			v.start, v.moved = x.start, max(v.moved, int64(s.w.MovedMinute))
		}
	}
	s.float(t)
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
		if f.overfull(series) >= 0 {
			return nil, nil // the family has more on some day already than with this visit it may
		}
	}
	place := int32(-1)
	if b.at = v.Place; v.Place != nil {
		place = b.spare
	}
	f.visits[id] = f.number(v, place, series)
	if place >= 0 {
		f.all[place] = *v.Place
		if f.units != nil {
			f.units[place] = v.Place.unit()
		}
		b.reach(id, *v.Place)
	}
	f.risky = f.risky || v.NotLast
	var offers []Offer
	for _, w := range b.ways(id) {
		offers = append(offers, w.offer)
	}
	return offers, nil
}

// way is one way to make a visit: where it stands and, where another gave way to
// it, where that one goes. It holds for the schedule it was found in.
type way struct {
	at    choice
	out   int32 // the visit that gives way, -1 if none
	back  choice
	offer Offer
}

// ways are up to three of them, in different tours, the cheapest first: free
// places, and where there are fewer than three, places another visit gives up.
func (b *Board) ways(id int32) []way {
	clear(b.banned)
	var out []way
	for _, c := range b.free(id) {
		b.banned[c.spots[0].tour] = true
		if w := (way{at: c, out: -1}); b.try(id, &w) {
			out = append(out, w)
		}
	}
	if len(out) < offersWanted {
		out = b.makeRoom(id, out)
	}
	slices.SortStableFunc(out, func(x, y way) int { return cmp.Compare(x.offer.Points, y.offer.Points) })
	return out[:min(len(out), offersWanted)]
}

// free are the three cheapest places that are free, in different tours.
func (b *Board) free(id int32) []choice {
	f := b.f
	pv := &f.visits[id]
	var out []choice
	if pv.roles > 1 {
		f.ask()
		if !f.listTeam(id, nil, anyPrice) {
			return nil
		}
		f.ban = b.banned
		defer func() { f.ban = nil }()
		defer clear(b.banned)
		for len(out) < offersWanted {
			c := choice{points: anyPrice}
			if f.choose(id, &c); c.points == anyPrice {
				break
			}
			out = append(out, c)
			b.banned[c.spots[0].tour] = true // another first worker or another day
		}
		return out
	}
	limit, in := anyPrice, &scope{tours: b.one[:]}
	for _, w := range pv.able[0].list {
		for _, t := range f.workers[w].tours {
			if !f.open(pv, t) {
				continue
			}
			b.one[0] = t
			c, ok := f.best(id, in, limit)
			if !ok {
				continue
			}
			at := len(out)
			for at > 0 && out[at-1].points > c.points {
				at--
			}
			out = slices.Insert(out, at, c)
			if len(out) > offersWanted {
				out = out[:offersWanted]
			}
			if len(out) == offersWanted {
				limit = out[offersWanted-1].points
			}
		}
	}
	return out
}

// anyPrice lets a visit cost more than leaving it out.
const anyPrice = int64(math.MaxInt64 / 4)

// follow makes a way part of the schedule, as far as put and take go, and reports
// false where it breaks a rule after all: the caller reverts or accepts.
func (b *Board) follow(id int32, w *way) bool {
	f := b.f
	if w.out >= 0 {
		f.take(w.out)
	}
	f.put(id, w.at.spots[:f.visits[id].roles], w.at.starts[:])
	if w.out >= 0 {
		f.put(w.out, w.back.spots[:f.visits[w.out].roles], w.back.starts[:])
	}
	return !f.broken && f.breach == 0
}

// try describes a way by following it and going back.
func (b *Board) try(id int32, w *way) bool {
	f := b.f
	before := f.cost
	var tours []int32
	add := func(v int32, spots []spot) {
		for _, sp := range spots[:f.visits[v].roles] {
			tours = append(tours, sp.tour)
		}
	}
	add(id, w.at.spots[:])
	if w.out >= 0 {
		add(w.out, w.back.spots[:])
		for k := range f.visits[w.out].roles {
			tours = append(tours, f.where[w.out*maxRoles+k])
		}
	}
	slices.Sort(tours)
	tours = slices.Compact(tours)
	old := f.starts(tours)
	stands := b.follow(id, w)
	if stands {
		o := Offer{Assignment: f.assignment(id), Terms: f.cost.minus(before)}
		o.Terms.Unplaced += f.visits[id].leaveOut
		o.Points = o.Terms.Total()
		o.Moves = f.moves(old, id)
		o.Breaks = f.breaks(tours)
		w.offer = o
	}
	f.revert(before)
	return stands
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

// reach fills in the travel between the spare place, where a visit is, and every
// place in the tours its workers could make it in.
func (b *Board) reach(id int32, at Place) {
	f := b.f
	c := f.plan
	n := c.places
	unit := at.unit()
	b.round++
	for k := range f.visits[id].roles {
		for _, w := range f.visits[id].able[k].list {
			for _, t := range c.workers[w].tours {
				if !f.open(&f.visits[id], t) {
					continue
				}
				def := &c.tours[t]
				b.reachOne(def.mode, at, unit, n, def.start)
				b.reachOne(def.mode, at, unit, n, def.end)
				for i := range f.tours[t].stops {
					b.reachOne(def.mode, at, unit, n, f.visits[f.tours[t].stops[i].visit].place)
				}
			}
		}
	}
}

func (b *Board) reachOne(mode int32, at Place, unit vector, n int, place int32) {
	if place < 0 || place == b.spare || b.asked[int(mode)*n+int(place)] == b.round {
		return
	}
	b.asked[int(mode)*n+int(place)] = b.round
	c := b.f.plan
	if c.minutes[mode] == nil {
		return // worked out when asked for
	}
	there, back := c.reach(c.modes[mode], b.speeds[mode], at, unit, int(place))
	c.minutes[mode][int(b.spare)*n+int(place)], c.minutes[mode][int(place)*n+int(b.spare)] = there, back
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
