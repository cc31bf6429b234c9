package optimise

import (
	"cmp"
	"slices"
)

const (
	// How many other visits are tried elsewhere to make room, for one worker and
	// for a team, so that an answer stays within milliseconds.
	displacements     = 48
	teamDisplacements = 12
	nearWorkers       = 12 // where one who gives way may go, beside their own workers
	teamTours         = 16 // where the rest of a team is looked for
)

// room is a visit that could give way and what its place would cost, near enough
// to try the cheapest first.
type room struct {
	visit, tour int32
	points      int64
}

// makeRoom adds ways in which one other visit, not locked and of no higher
// priority, goes elsewhere.
func (b *Board) makeRoom(id int32, out []way) []way {
	f := b.f
	pv := &f.visits[id]
	rooms := b.rooms(id)
	most := displacements
	var rest []int32 // where the rest of a team may stand
	if pv.roles > 1 {
		most = teamDisplacements
		rest = b.teamTours(id)
	}
	for _, r := range rooms[:min(len(rooms), most)] {
		if len(out) >= offersWanted {
			break
		}
		if b.banned[r.tour] {
			continue
		}
		if w, ok := b.instead(id, r, rest); ok {
			out = append(out, w)
			b.banned[w.at.spots[0].tour], b.banned[r.tour] = true, true
		}
	}
	return out
}

// rooms lists the visits whose place would suit, the cheapest first.
func (b *Board) rooms(id int32) []room {
	f := b.f
	pv := &f.visits[id]
	var out []room
	for _, w := range pv.able[0].list {
		for _, t := range f.workers[w].tours {
			if !f.open(pv, t) || b.banned[t] {
				continue
			}
			points, ok := f.sendCost(pv, 0, t, anyPrice)
			if !ok {
				// a day or week that is full has room once the other is gone
				points = 0
			}
			def, tr := &f.plan.tours[t], &f.tours[t]
			for i := range tr.stops {
				x := &tr.stops[i]
				u := &f.visits[x.visit]
				if u.locked || u.rest || u.leaveOut > pv.leaveOut {
					continue
				}
				if legs, fits := f.gap(def, tr, int32(i), pv); fits {
					out = append(out, room{x.visit, t, points + int64(legs)*int64(f.w.TravelMinute) + u.leaveOut/1000})
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b room) int {
		return cmp.Or(cmp.Compare(a.points, b.points), cmp.Compare(a.tour, b.tour), cmp.Compare(a.visit, b.visit))
	})
	return out
}

// gap says whether a visit fits where stop i is, and by how much that changes the
// travel. Remote visits around make it a guess.
func (f *finder) gap(def *pTour, tr *tour, i int32, pv *pVisit) (legs int32, fits bool) {
	at, now := def.start, def.from
	if i > 0 {
		p := &tr.stops[i-1]
		at, now = p.at, p.done
	}
	there, come := at, int32(0)
	if pv.place >= 0 {
		there = pv.place
		come = f.travel(def.mode, at, there)
	}
	next, by, was := def.end, def.to, tr.home
	if int(i)+1 < len(tr.stops) {
		n := &tr.stops[i+1]
		if next, by, was = n.at, n.latest, n.leg; n.remote {
			next = -1
		}
	}
	var go2 int32
	if next >= 0 {
		go2 = f.travel(def.mode, there, next)
	}
	start, ok := pv.earliest(now + come)
	return come + go2 - was - tr.stops[i].leg, ok && start+pv.minutes+go2 <= by
}

// teamTours are the tours in which some part of a team could stand as the
// schedule is, the cheapest first.
func (b *Board) teamTours(id int32) []int32 {
	f := b.f
	var all []spot
	f.ask()
	for k := range f.visits[id].roles {
		all = append(all, f.spotsOf(id, k, nil, anyPrice)...)
	}
	slices.SortFunc(all, func(x, y spot) int { return cmp.Or(cmp.Compare(x.points, y.points), cmp.Compare(x.tour, y.tour)) })
	var out []int32
	for _, sp := range all {
		if len(out) == teamTours {
			break
		}
		if !slices.Contains(out, sp.tour) {
			out = append(out, sp.tour)
		}
	}
	return out
}

// instead moves a visit out of its tour, puts the one asked about into the tour
// and the other wherever it fits.
func (b *Board) instead(id int32, r room, rest []int32) (way, bool) {
	f := b.f
	before := f.cost
	if b.at != nil {
		unit := b.at.unit()
		for mode := range f.modes { // the other may go with somebody who travels in another way
			b.reachOne(int32(mode), *b.at, unit, f.places, f.visits[r.visit].place)
		}
	}
	w := way{out: r.visit}
	found := func() bool {
		f.take(r.visit)
		if f.broken || f.breach > 0 {
			return false
		}
		var ok bool
		if w.at, ok = f.best(id, &scope{tours: append([]int32{r.tour}, rest...)}, anyPrice); !ok {
			return false
		}
		f.put(id, w.at.spots[:f.visits[id].roles], w.at.starts[:])
		w.back, ok = f.best(r.visit, &scope{tours: b.elsewhere(r)}, anyPrice)
		return ok && !f.broken
	}()
	f.revert(before)
	return w, found && b.try(id, &w)
}

// elsewhere are the tours in which one who gives way is looked for: those of the
// worker, of the workers who live nearest to them, and of those the family knows.
func (b *Board) elsewhere(r room) []int32 {
	f := b.f
	var out []int32
	add := func(w int32) {
		for _, t := range f.workers[w].tours {
			if !slices.Contains(out, t) && f.open(&f.visits[r.visit], t) {
				out = append(out, t)
			}
		}
	}
	for _, w := range f.visits[r.visit].known {
		add(w)
	}
	own := f.plan.tours[r.tour].worker
	add(own)
	for _, w := range b.nearby()[own] {
		add(w)
	}
	return out
}

// nearby lists for each worker those whose tours begin nearest.
func (b *Board) nearby() [][]int32 {
	if b.near != nil {
		return b.near
	}
	f := b.f
	n := int32(len(f.workers))
	home := func(w int32) int32 {
		if len(f.workers[w].tours) == 0 {
			return -1
		}
		return f.plan.tours[f.workers[w].tours[0]].start
	}
	b.near = make([][]int32, n)
	for w := range n {
		var list []room // visit: the worker
		for u := range n {
			if u != w {
				list = append(list, room{visit: u, points: int64(f.travel(0, home(w), home(u)))})
			}
		}
		slices.SortFunc(list, func(x, y room) int { return cmp.Or(cmp.Compare(x.points, y.points), cmp.Compare(x.visit, y.visit)) })
		for _, x := range list[:min(len(list), nearWorkers)] {
			b.near[w] = append(b.near[w], x.visit)
		}
	}
	return b.near
}
