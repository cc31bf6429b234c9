package optimise

import (
	"cmp"
	"slices"
	"sync"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/chance"
)

// Above regionsFrom visits one search over everything spends its time waiting for
// memory. Instead workers near each other are put into regions, each region's
// visits are searched as a problem of its own on one thread, and then the regions
// are drawn anew, until the budget ends. What crosses a border stands still
// meanwhile. Regions of one round share no worker, and of a series only one moves
// visits, so their answers together keep every rule, and the result does not
// depend on how many threads there are.
const (
	regionsFrom   = 1500
	regionWorkers = 100 // at most, and no more than half of all
	stepsPerVisit = 1   // of a region in a round
	fillRounds    = 8   // at most, that only place what is left out
)

// regions is a schedule improved region by region.
type regions struct {
	*plan
	rng     *chance.Source
	at      []Assignment // visit → where it stands; no workers: unplaced
	series  [][]int32    // series → its visits
	posts   [][]post     // worker → parts they have, made anew for each round
	where   []vector     // worker → middle of their visits
	part    []int32      // worker → region of this round
	home    []int32      // visit → region all its workers are in, -1 if there is none
	cuts    []cut        // how the land is cut in this round
	cutInto [][]int32    // region → its workers
	tell    func(Progress)
}

type post struct{ visit, role int32 }

func newRegions(c *plan, seed uint64) *regions {
	g := &regions{
		plan: c, rng: chance.New(seed, 1<<32), at: make([]Assignment, len(c.given.Visits)), series: make([][]int32, len(c.series)),
		posts: make([][]post, len(c.workers)), where: make([]vector, len(c.workers)), part: make([]int32, len(c.workers)),
		home: make([]int32, len(c.given.Visits)),
	}
	for v := range g.at {
		if s := c.visits[v].series; s >= 0 {
			g.series[s] = append(g.series[s], int32(v))
		}
	}
	return g
}

// take puts visits where a schedule has them.
func (g *regions) take(placed []Placement) {
	for _, p := range placed {
		if v, ok := g.visit[p.Visit]; ok {
			g.at[v] = p.Assignment
		}
	}
}

func (g *regions) placed() []Placement {
	var out []Placement
	for v, a := range g.at {
		if a.Workers != nil {
			out = append(out, Placement{g.given.Visits[v].ID, a})
		}
	}
	return out
}

// searchRegions improves the start, or what it makes of nothing, by regions.
func (c *plan) searchRegions(b *budget, opt Options) Solution {
	s := newState(c)
	s.loadLocked()
	hot := hotFresh
	if opt.Start != nil {
		s.load(opt.Start.Placed)
		hot = hotStart
	}
	g := newRegions(c, opt.Seed)
	g.take(c.solution(s.tours).Placed)
	g.tell = opt.Progress
	g.solve(b, max(1, opt.Threads), hot)
	end := newState(c)
	end.pin = true
	end.load(g.placed())
	return c.solution(end.tours)
}

// survey brings posts and the workers' middles up to date.
func (g *regions) survey() {
	for w := range g.posts {
		g.posts[w] = g.posts[w][:0]
	}
	for v, a := range g.at {
		for k, id := range a.Workers {
			w := g.worker[id]
			g.posts[w] = append(g.posts[w], post{int32(v), int32(k)})
		}
	}
	for w := range g.where {
		sum, n := vector{}, 0.0
		add := func(p *Place) {
			if p != nil {
				u := p.unit()
				sum.x, sum.y, sum.z, n = sum.x+u.x, sum.y+u.y, sum.z+u.z, n+1
			}
		}
		add(g.given.Workers[w].Start)
		for _, x := range g.posts[w] {
			add(g.given.Visits[x.visit].Place)
		}
		if n > 0 {
			sum = vector{sum.x / n, sum.y / n, sum.z / n}
		}
		g.where[w] = sum
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

// draw cuts the workers into regions by lines in random directions. The first of
// its cuts is of all the land.
func (g *regions) draw() [][]int32 {
	all := make([]int32, len(g.workers))
	for w := range all {
		all[w] = int32(w)
	}
	most := min(regionWorkers, (len(all)+1)/2)
	var out [][]int32
	g.cuts = g.cuts[:0]
	var divide func(ws []int32) int32
	divide = func(ws []int32) int32 {
		k := int32(len(g.cuts))
		if len(ws) <= most+most/8 {
			for _, w := range ws {
				g.part[w] = int32(len(out))
			}
			g.cuts = append(g.cuts, cut{region: int32(len(out)), reach: g.extent(ws)})
			slices.Sort(ws)
			out = append(out, ws)
			return k
		}
		dir := vector{g.rng.Unit() - 0.5, g.rng.Unit() - 0.5, g.rng.Unit() - 0.5}
		key := func(w int32) float64 { return dir.times(g.where[w]) }
		slices.SortStableFunc(ws, func(a, b int32) int { return cmp.Compare(key(a), key(b)) })
		half := len(ws)/2 + int(g.rng.Unit()*float64(len(ws))/8) - len(ws)/16
		g.cuts = append(g.cuts, cut{dir: dir, at: key(ws[half]), region: -1})
		left := divide(ws[:half])
		right := divide(ws[half:])
		g.cuts[k].left, g.cuts[k].right = left, right
		return k
	}
	divide(all)
	return out
}

// extent is how far the places of workers lie apart, along the axis where it is most.
func (g *regions) extent(ws []int32) float64 {
	lo, hi := g.where[ws[0]], g.where[ws[0]]
	for _, w := range ws[1:] {
		u := g.where[w]
		lo = vector{min(lo.x, u.x), min(lo.y, u.y), min(lo.z, u.z)}
		hi = vector{max(hi.x, u.x), max(hi.y, u.y), max(hi.z, u.z)}
	}
	return max(hi.x-lo.x, hi.y-lo.y, hi.z-lo.z)
}

// regionAt is the cut of the region in which a place lies.
func (g *regions) regionAt(u vector) *cut {
	c := &g.cuts[0]
	for c.region < 0 {
		if c.dir.times(u) < c.at {
			c = &g.cuts[c.left]
		} else {
			c = &g.cuts[c.right]
		}
	}
	return c
}

// claims says which region may move each visit, -1 for none. Of a series it is one
// region: its visits there, all parts of them, and those that are not placed. The
// others are seen by it and stand still, or where the region of their workers is
// another move within their day.
func (g *regions) claims() []int32 {
	out := make([]int32, len(g.at))
	regionOf := func(v int32) int32 {
		region := int32(-1)
		for _, id := range g.at[v].Workers {
			switch r := g.part[g.worker[id]]; {
			case region < 0:
				region = r
			case region != r:
				return -1
			}
		}
		return region
	}
	settle := func(visits []int32) {
		region, placed, n := int32(-1), false, 0
		for _, v := range visits {
			g.home[v] = regionOf(v)
			out[v] = g.home[v]
			placed = placed || g.at[v].Workers != nil
			if out[v] >= 0 {
				if n++; g.rng.Intn(n) == 0 {
					region = out[v]
				}
			}
		}
		if !placed {
			region = g.invite(visits[0])
		}
		for _, v := range visits {
			if g.at[v].Workers == nil {
				out[v] = region
			} else if out[v] != region {
				out[v] = -1
			}
		}
	}
	for _, visits := range g.series {
		if len(visits) > 0 {
			settle(visits)
		}
	}
	var one [1]int32
	for v := range g.at {
		if g.visits[v].series < 0 {
			one[0] = int32(v)
			settle(one[:])
		}
	}
	return out
}

// invite chooses a region for visits none of which is placed: that of a worker
// they know, or the one they lie in or near, if somebody there could go.
func (g *regions) invite(v int32) int32 {
	able := &g.visits[v].able[0]
	if len(able.list) == 0 {
		return -1
	}
	if known := g.visits[v].known; len(known) > 0 && g.rng.Intn(4) > 0 {
		return g.part[known[g.rng.Intn(len(known))]]
	}
	if p := g.given.Visits[v].Place; p != nil {
		at := p.unit()
		in := g.regionAt(at)
		if g.rng.Intn(2) == 0 { // somewhere near, as the one it lies in may be full
			far := in.reach
			in = g.regionAt(vector{
				at.x + float64(far*(2*g.rng.Unit()-1)), at.y + float64(far*(2*g.rng.Unit()-1)), at.z + float64(far*(2*g.rng.Unit()-1)),
			})
		}
		for _, w := range g.cutInto[in.region] {
			if able.has(w) {
				return in.region
			}
		}
	}
	return g.part[g.nearestOf(v, able.list)]
}

// nearestOf is the nearest to a visit of some workers of those who could go.
func (g *regions) nearestOf(v int32, able []int32) int32 {
	best, least := int32(-1), 0.0
	var at vector
	if p := g.given.Visits[v].Place; p != nil {
		at = p.unit()
	}
	for range 1 + min(len(able), 12) {
		w := able[g.rng.Intn(len(able))]
		u := g.where[w]
		dx, dy, dz := at.x-u.x, at.y-u.y, at.z-u.z
		if far := float64(dx*dx) + float64(dy*dy) + float64(dz*dz); best < 0 || far < least {
			best, least = w, far
		}
	}
	return best
}

// solve places what it can in some rounds and then improves the schedule until the
// budget ends.
func (g *regions) solve(b *budget, threads int, hot float64) {
	left := g.left()
	for round := 0; round < fillRounds && left > 0 && !b.over(); round++ {
		g.round(b, threads, func(j *region) bool {
			return slices.ContainsFunc(j.visits, func(v int32) bool { return g.at[v].Workers == nil })
		})
		now := g.left()
		if 10*now > 9*left {
			break
		}
		left = now
	}
	g.report(b, 0)
	var steps int64
	for b.progress(steps) < 1 {
		heat, before := chance.Cool(hot, cold, b.progress(steps)), steps
		g.round(b, threads, func(j *region) bool {
			j.heat, j.quota = heat, int64(len(j.visits)*stepsPerVisit)
			if b.work > 0 { // not beyond the work there is
				j.quota = min(j.quota, (b.work-before)/int64(len(g.cutInto))+1)
			}
			steps += max(1, j.quota)
			return true
		})
		g.report(b, steps)
	}
}

// round draws regions and solves those that are to be, on some threads.
func (g *regions) round(b *budget, threads int, do func(*region) bool) {
	g.survey()
	g.cutInto = g.draw()
	visits := make([][]int32, len(g.cutInto))
	for v, r := range g.claims() {
		if r >= 0 {
			visits[r] = append(visits[r], int32(v))
		}
	}
	var jobs []*region
	for i, ws := range g.cutInto {
		j := &region{of: g, workers: ws, visits: visits[i], seed: g.rng.Next()}
		if do(j) {
			jobs = append(jobs, j)
		}
	}
	var group sync.WaitGroup
	next := make(chan *region)
	for range threads {
		group.Go(func() {
			for j := range next {
				j.solve(b)
			}
		})
	}
	for _, j := range jobs {
		next <- j
	}
	close(next)
	group.Wait()
	for _, j := range jobs {
		g.apply(j)
	}
}

// left is how many visits are left out.
func (g *regions) left() int {
	n := 0
	for _, a := range g.at {
		if a.Workers == nil {
			n++
		}
	}
	return n
}

func (g *regions) report(b *budget, steps int64) {
	if g.tell == nil {
		return
	}
	now := Solution{Placed: g.placed()}
	g.tell(g.progress(0, b.progress(steps), len(now.Placed), g.evaluate(&now)))
}

// only lets none but the first workers make what is not locked.
func (c *plan) only(workers int32) {
	made := map[*uint64]crew{} // those of equal demands are one
	for v := range c.visits {
		x := &c.visits[v]
		if x.locked || x.rest {
			continue
		}
		for k := range x.able {
			few, ok := made[&x.able[k].in[0]]
			if !ok {
				few = x.able[k].first(workers)
				made[&x.able[k].in[0]] = few
			}
			x.able[k] = few
		}
		n, _ := slices.BinarySearch(x.known, workers)
		x.known = x.known[:n:n]
	}
}

func (g *regions) apply(j *region) {
	if j.found == nil {
		return
	}
	for _, v := range j.visits {
		g.at[v] = Assignment{}
	}
	for _, v := range j.tied {
		j.mine[v] = true
	}
	for _, p := range j.found {
		if v := g.visit[p.Visit]; j.mine[v] {
			g.at[v] = p.Assignment
		}
	}
}

// tie leaves a visit the workers and the stretch of a shift it has.
func (c *plan) tie(v int32, a *Assignment) {
	x := &c.visits[v]
	x.able = make([]crew, x.roles)
	x.leaveOut = tied
	for k := range x.able {
		w := c.worker[a.Workers[k]]
		x.able[k] = c.alone(w)
		def := &c.tours[c.tourAt(w, int32(a.Starts[k]), int32(a.Starts[k])+x.minutes)]
		var open []Window
		for _, w := range x.windows {
			if w.From, w.To = max(w.From, int(def.from)), min(w.To, int(def.to)); w.From < w.To {
				open = append(open, w)
			}
		}
		x.windows = open
	}
}

// tied is what leaving out a visit of another region's family costs: more than
// anything there is to gain.
const tied = restOut

// region is one region's part of a round.
type region struct {
	of      *regions
	workers []int32
	visits  []int32 // that may move
	seed    uint64
	quota   int64 // steps; 0 only places what is left out
	heat    float64
	mine    map[int32]bool
	tied    []int32     // of other regions' families: they keep their workers and day
	found   []Placement // nil: as it was
}

// problem is the region as a problem of its own: its workers with all they do,
// where what may not move is locked, and beside them the outsiders of locked
// visits, who have time for those only.
func (j *region) problem() (*Problem, []Placement) {
	g := j.of
	q := *g.given
	q.Visits, q.Workers, q.Families = nil, nil, nil
	j.mine = make(map[int32]bool, len(j.visits))
	var start []Placement
	outside := map[int32][]post{}
	in := map[int32]bool{}
	series := map[int32]bool{}
	add := func(v int32) {
		if in[v] {
			return
		}
		in[v] = true
		x := g.given.Visits[v]
		a := g.at[v]
		if s := g.visits[v].series; s >= 0 {
			series[s] = true
		}
		if a.Workers != nil {
			start = append(start, Placement{x.ID, a})
		}
		switch {
		case j.mine[v]:
		case g.home[v] == g.part[j.workers[0]] && !x.Locked:
			j.tied = append(j.tied, v)
		default:
			x.Locked, x.Published = true, &a
		}
		for k, id := range a.Workers {
			if w := g.worker[id]; g.part[w] != g.part[j.workers[0]] {
				outside[w] = append(outside[w], post{v, int32(k)})
			}
		}
		q.Visits = append(q.Visits, x)
	}
	for _, v := range j.visits {
		j.mine[v] = true
	}
	for _, v := range j.visits {
		add(v)
	}
	for _, w := range j.workers {
		for _, x := range g.posts[w] {
			add(x.visit)
		}
	}
	// the visits that share a series with one that is here but may not move
	for i := 0; i < len(q.Visits); i++ {
		if s := g.visits[g.visit[q.Visits[i].ID]].series; s >= 0 {
			for _, v := range g.series[s] {
				if g.at[v].Workers != nil {
					add(v)
				}
			}
		}
	}
	for _, w := range j.workers {
		q.Workers = append(q.Workers, g.given.Workers[w])
	}
	known := map[int32]bool{}
	for i := range g.given.Families {
		f := &g.given.Families[i]
		if s := g.seriesIndex(f.Series); s >= 0 && series[s] {
			q.Families = append(q.Families, *f)
			for _, ids := range [][]string{f.Regular, f.Met} {
				for _, w := range g.numbers(ids) {
					known[w] = true
				}
			}
		}
	}
	for w := range known {
		if g.part[w] != g.part[j.workers[0]] {
			outside[w] = append(outside[w], []post{}...)
		}
	}
	var order []int32
	for w := range outside {
		order = append(order, w)
	}
	slices.Sort(order)
	for _, w := range order {
		j.outsider(&q, w, outside[w])
	}
	return &q, start
}

// outsider adds a worker of another region with the time of some visits only.
func (j *region) outsider(q *Problem, w int32, posts []post) {
	g := j.of
	from := &g.given.Workers[w]
	x := Worker{ID: from.ID, Skills: from.Skills, Levels: from.Levels, Languages: from.Languages, Attributes: from.Attributes, Mode: from.Mode}
	slices.SortFunc(posts, func(a, b post) int { return cmp.Compare(g.at[a.visit].Starts[a.role], g.at[b.visit].Starts[b.role]) })
	for i, p := range posts {
		v := &g.given.Visits[p.visit]
		begin := g.at[p.visit].Starts[p.role]
		end := begin + v.Minutes
		last := i+1 == len(posts)
		if !last {
			next := posts[i+1]
			last = floorDiv(g.at[next.visit].Starts[next.role], DayMinutes) != floorDiv(begin, DayMinutes)
		}
		if v.NotLast && last {
			// somebody the region does not know comes after
			w := Window{end, end + 1}
			after := Visit{ID: "after " + v.ID + " " + x.ID, Minutes: 1, Windows: []Window{w}, Locked: true}
			after.Published = &Assignment{[]string{x.ID}, []int{end}}
			q.Visits = append(q.Visits, after)
			end++
		}
		x.Shifts = append(x.Shifts, Window{begin, end})
	}
	q.Workers = append(q.Workers, x)
}

// solve searches the region for as many steps as its quota at the heat of the
// round. Like any annealing it may end worse than it began; the heat is the
// whole schedule's, and it is the last rounds that are cold.
func (j *region) solve(b *budget) {
	if b.over() || len(j.visits) == 0 {
		return
	}
	q, start := j.problem()
	c := newPlanOf(q, j.of.plan)
	c.only(int32(len(j.workers))) // outsiders have no time for what may move
	for _, v := range j.tied {
		c.tie(c.visit[j.of.given.Visits[v].ID], &j.of.at[v])
	}
	s := newState(c)
	s.loadLocked()
	s.load(start)
	for _, p := range start {
		if v := c.visit[p.Visit]; !s.placed(v) && (c.visits[v].locked || c.visits[v].leaveOut == tied) {
			return // cannot be, and if it were, nothing could be said of the rest
		}
	}
	x := newSearch(s, j.seed, 0)
	x.construct(b.over)
	if x.keepBest(); j.quota == 0 {
		j.found = c.solution(x.tours).Placed
		return
	}
	x.anneal(j.heat, j.heat, func(steps int64) float64 {
		if b.progress(0) >= 1 {
			return 1
		}
		return float64(steps) / float64(max(1, j.quota))
	})
	j.found = c.solution(x.tours).Placed
}
