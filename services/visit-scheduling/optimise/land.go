package optimise

import (
	"cmp"
	"slices"
	"sync"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/chance"
)

// land is who goes where, cut into regions anew for each round: workers near each
// other, and the visits they may move. Regions of one round share no worker, and of
// a series only one moves visits, so what each finds keeps every rule beside what
// the others find, and does not depend on them.
type land struct {
	*plan
	rng   *chance.Source
	who   []int32  // visit*maxRoles+role → worker, -1 not placed; breaks are not in it
	homes []vector // worker → where they start
	units []vector // place → where it is
	where []vector // worker → middle of their visits
	part  []int32  // worker → region of this round
	into  [][]int32
	claim []int32 // visit or break → region that may move it, -1 for none
	cuts  []cut   // how the land is cut in this round; the first is of all of it
}

func newLand(c *plan, seed uint64) *land {
	l := &land{
		plan: c, rng: chance.New(seed, 1<<32), who: make([]int32, len(c.given.Visits)*maxRoles), homes: make([]vector, len(c.workers)),
		units: c.units, where: make([]vector, len(c.workers)), part: make([]int32, len(c.workers)), claim: make([]int32, len(c.visits)),
	}
	for i := range l.who {
		l.who[i] = -1
	}
	if l.units == nil {
		l.units = make([]vector, len(c.all))
		for i, p := range c.all {
			l.units[i] = p.unit()
		}
	}
	for w := range c.workers {
		if p := c.given.Workers[w].Start; p != nil {
			l.homes[w] = p.unit()
		}
	}
	return l
}

// placed says whether a visit is.
func (l *land) placed(v int32) bool { return l.who[v*maxRoles] >= 0 }

// left is how many visits are left out.
func (l *land) left() int {
	n := 0
	for v := range l.given.Visits {
		if !l.placed(int32(v)) {
			n++
		}
	}
	return n
}

// task is one region's part of a round.
type task struct {
	number  int32
	workers []int32
	visits  []int32 // that may move
	seed    uint64
	quota   int64 // steps; 0 only places what is left out
	heat    float64
}

// tasks cuts the land into regions of so many workers at most and lists what may be
// moved in each.
func (l *land) tasks(most int, may func(v int32) bool) []task {
	l.cutInto(most)
	out := make([]task, len(l.into))
	for v, r := range l.claim {
		if r >= 0 && may(int32(v)) {
			out[r].visits = append(out[r].visits, int32(v))
		}
	}
	for i, ws := range l.into {
		out[i].number, out[i].workers, out[i].seed = int32(i), ws, l.rng.Next()
	}
	return out
}

// fillRounds is how many rounds at most only place what is left out.
const fillRounds = 8

// fill places what it can. A round does the tasks it is told to.
func (l *land) fill(b *budget, round func(do func(*task) bool)) {
	left := l.left()
	for n := 0; n < fillRounds && left > 0 && !b.over(); n++ {
		round(func(j *task) bool {
			return slices.ContainsFunc(j.visits, func(v int32) bool { return !l.visits[v].rest && !l.placed(v) })
		})
		now := l.left()
		if 10*now > 9*left {
			break
		}
		left = now
	}
}

// anneal improves the schedule round by round, with so many steps a visit in each,
// until the budget ends.
func (l *land) anneal(b *budget, hot, steps float64, round func(do func(*task) bool), report func(steps int64)) {
	var made, told int64
	for b.progress(made) < 1 {
		if l.left() == 0 {
			b.explained()
		}
		heat, before := chance.Cool(hot, cold, b.progress(made)), made
		round(func(j *task) bool {
			j.heat, j.quota = heat, b.quota(int(float64(len(j.visits))*steps), before, len(l.into))
			made += j.quota
			return true
		})
		if made-told >= int64(len(l.given.Visits)) {
			report(made)
			told = made
		}
	}
	report(made)
}

// inParallel does jobs on some threads.
func inParallel[J any](jobs []J, threads int, do func(thread int, j J)) {
	var group sync.WaitGroup
	next := make(chan J)
	for i := range threads {
		group.Go(func() {
			for j := range next {
				do(i, j)
			}
		})
	}
	for _, j := range jobs {
		next <- j
	}
	close(next)
	group.Wait()
}

// cutInto cuts the land into regions of so many workers at most.
func (l *land) cutInto(most int) {
	l.survey()
	l.draw(most)
	l.claims()
}

// survey finds the workers' middles.
func (l *land) survey() {
	count := make([]int32, len(l.workers))
	copy(l.where, l.homes)
	for w, p := range l.homes {
		if p != (vector{}) {
			count[w] = 1
		}
	}
	for v := range l.given.Visits {
		at := l.visits[v].place
		if at < 0 {
			continue
		}
		u := l.units[at]
		for _, w := range l.who[v*maxRoles : (v+1)*maxRoles] {
			if w >= 0 {
				x := &l.where[w]
				*x = vector{x.x + u.x, x.y + u.y, x.z + u.z}
				count[w]++
			}
		}
	}
	for w, n := range count {
		if n > 0 {
			x, k := &l.where[w], float64(n)
			*x = vector{x.x / k, x.y / k, x.z / k}
		}
	}
}

// cut is a line between two parts of the land, or a region at its end.
type cut struct {
	dir         vector
	at          float64
	left, right int32 // cuts; a region has none
	region      int32 // -1 for a line
	reach       float64
}

// draw cuts the workers into regions by lines in random directions.
func (l *land) draw(most int) {
	all := make([]int32, len(l.workers))
	for w := range all {
		all[w] = int32(w)
	}
	most = min(most, (len(all)+1)/2)
	l.into, l.cuts = l.into[:0], l.cuts[:0]
	var divide func(ws []int32) int32
	divide = func(ws []int32) int32 {
		k := int32(len(l.cuts))
		if len(ws) <= most+most/8 {
			for _, w := range ws {
				l.part[w] = int32(len(l.into))
			}
			l.cuts = append(l.cuts, cut{region: int32(len(l.into)), reach: l.extent(ws)})
			slices.Sort(ws)
			l.into = append(l.into, ws)
			return k
		}
		dir := vector{l.rng.Unit() - 0.5, l.rng.Unit() - 0.5, l.rng.Unit() - 0.5}
		key := func(w int32) float64 { return dir.times(l.where[w]) }
		slices.SortStableFunc(ws, func(a, b int32) int { return cmp.Compare(key(a), key(b)) })
		half := len(ws)/2 + int(l.rng.Unit()*float64(len(ws))/8) - len(ws)/16
		l.cuts = append(l.cuts, cut{dir: dir, at: key(ws[half]), region: -1})
		left := divide(ws[:half])
		right := divide(ws[half:])
		l.cuts[k].left, l.cuts[k].right = left, right
		return k
	}
	divide(all)
}

// extent is how far the places of workers lie apart, along the axis where it is most.
func (l *land) extent(ws []int32) float64 {
	lo, hi := l.where[ws[0]], l.where[ws[0]]
	for _, w := range ws[1:] {
		u := l.where[w]
		lo = vector{min(lo.x, u.x), min(lo.y, u.y), min(lo.z, u.z)}
		hi = vector{max(hi.x, u.x), max(hi.y, u.y), max(hi.z, u.z)}
	}
	return max(hi.x-lo.x, hi.y-lo.y, hi.z-lo.z)
}

// regionAt is the cut of the region in which a place lies.
func (l *land) regionAt(u vector) *cut {
	c := &l.cuts[0]
	for c.region < 0 {
		if c.dir.times(u) < c.at {
			c = &l.cuts[c.left]
		} else {
			c = &l.cuts[c.right]
		}
	}
	return c
}

// claims says which region may move each visit. Of a series it is one region: its
// visits there, all parts of them, and those that are not placed. The others stay
// with their workers and are seen by it. Breaks are moved with the worker's tours.
func (l *land) claims() {
	for k := range l.series {
		if visits := l.series[k].visits; len(visits) > 0 {
			l.settle(visits)
		}
	}
	var one [1]int32
	for v := range l.visits {
		switch x := &l.visits[v]; {
		case x.rest:
			l.claim[v] = l.part[x.able[0].list[0]]
		case x.series < 0:
			one[0] = int32(v)
			l.settle(one[:])
		}
	}
}

// settle chooses a region for the visits of a series, or for one that has none.
func (l *land) settle(visits []int32) {
	region, placed, n := int32(-1), false, 0
	for _, v := range visits {
		l.claim[v] = l.regionOf(v)
		placed = placed || l.placed(v)
		if l.claim[v] >= 0 {
			if n++; l.rng.Intn(n) == 0 {
				region = l.claim[v]
			}
		}
	}
	if !placed {
		region = l.invite(visits[0])
	}
	for _, v := range visits {
		switch {
		case !l.placed(v):
			l.claim[v] = region
		case l.claim[v] != region:
			l.claim[v] = -1
		}
	}
}

// regionOf is the region all workers of a visit are in, -1 if there is none.
func (l *land) regionOf(v int32) int32 {
	region := int32(-1)
	for _, w := range l.who[v*maxRoles : (v+1)*maxRoles] {
		switch {
		case w < 0:
		case region < 0:
			region = l.part[w]
		case region != l.part[w]:
			return -1
		}
	}
	return region
}

// invite chooses a region for visits none of which is placed: that of a worker
// they know, or the one they lie in or near, if somebody there could go.
func (l *land) invite(v int32) int32 {
	able := &l.visits[v].able[0]
	if len(able.list) == 0 {
		return -1
	}
	if known := l.visits[v].known; len(known) > 0 && l.rng.Intn(4) > 0 {
		return l.part[known[l.rng.Intn(len(known))]]
	}
	if p := l.visits[v].place; p >= 0 {
		at := l.units[p]
		in := l.regionAt(at)
		if l.rng.Intn(2) == 0 { // somewhere near, as the one it lies in may be full
			far := in.reach
			in = l.regionAt(vector{
				at.x + float64(far*(2*l.rng.Unit()-1)), at.y + float64(far*(2*l.rng.Unit()-1)), at.z + float64(far*(2*l.rng.Unit()-1)),
			})
		}
		if slices.ContainsFunc(l.into[in.region], able.has) {
			return in.region
		}
	}
	return l.part[l.nearestOf(v, able.list)]
}

// nearestOf is the nearest to a visit of some workers of those who could go.
func (l *land) nearestOf(v int32, able []int32) int32 {
	best, least := int32(-1), 0.0
	var at vector
	if p := l.visits[v].place; p >= 0 {
		at = l.units[p]
	}
	for range 1 + min(len(able), 12) {
		w := able[l.rng.Intn(len(able))]
		u := l.where[w]
		dx, dy, dz := at.x-u.x, at.y-u.y, at.z-u.z
		if far := float64(dx*dx) + float64(dy*dy) + float64(dz*dz); best < 0 || far < least {
			best, least = w, far
		}
	}
	return best
}
