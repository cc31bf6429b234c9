package optimise

import (
	"cmp"
	"slices"
)

// Where there are more places than a matrix of travel times may have, each region is
// a problem of its own, with a matrix of its own, in which what crosses its border is
// locked. Making one takes time, so it is searched for longer.
const (
	districtWorkers = 100
	districtSteps   = 4 // a visit, in a round
)

// districts is a schedule searched district by district.
type districts struct {
	*land
	at    []Assignment // visit → where it stands; no workers: unplaced
	posts [][]post     // worker → parts they have, made anew for each round
	tell  func(Progress)
}

type post struct{ visit, role int32 }

// district is one of them in a round.
type district struct {
	task
	of    *districts
	mine  map[int32]bool
	found []Placement // nil: as it was
}

// searchDistricts improves the start, or what it makes of nothing, by districts.
func (c *plan) searchDistricts(b *budget, opt Options) Solution {
	s := newState(c)
	s.loadLocked()
	if opt.Start != nil {
		s.load(opt.Start.Placed)
	}
	g := &districts{land: newLand(c, opt.Seed), at: make([]Assignment, len(c.given.Visits)), posts: make([][]post, len(c.workers)), tell: opt.Progress}
	for _, p := range c.solution(s.tours).Placed {
		g.put(c.visit[p.Visit], p.Assignment)
	}
	g.solve(b, max(1, opt.Threads), opt.heat())
	end := newState(c)
	end.pin = true
	end.load(g.schedule())
	return c.solution(end.tours)
}

// put notes where a visit stands.
func (g *districts) put(v int32, a Assignment) {
	g.at[v] = a
	for k := range int32(maxRoles) {
		g.who[v*maxRoles+k] = -1
		if int(k) < len(a.Workers) {
			g.who[v*maxRoles+k] = g.worker[a.Workers[k]]
		}
	}
}

func (g *districts) schedule() []Placement {
	var out []Placement
	for v, a := range g.at {
		if a.Workers != nil {
			out = append(out, Placement{g.given.Visits[v].ID, a})
		}
	}
	return out
}

func (g *districts) solve(b *budget, threads int, hot float64) {
	round := func(do func(*task) bool) { g.round(b, threads, do) }
	g.fill(b, round)
	g.report(b, 0)
	g.anneal(b, hot, districtSteps, round, func(steps int64) { g.report(b, steps) })
}

// round cuts the land and solves the districts that are to be, on some threads.
func (g *districts) round(b *budget, threads int, do func(*task) bool) {
	tasks := g.tasks(districtWorkers, func(v int32) bool { return int(v) < len(g.at) })
	for w := range g.posts {
		g.posts[w] = g.posts[w][:0]
	}
	for v := range g.at {
		for k, id := range g.at[v].Workers {
			g.posts[g.worker[id]] = append(g.posts[g.worker[id]], post{int32(v), int32(k)})
		}
	}
	var jobs []*district
	for _, t := range tasks {
		if j := (&district{task: t, of: g}); do(&j.task) {
			jobs = append(jobs, j)
		}
	}
	inParallel(jobs, threads, func(_ int, j *district) { j.solve(b) })
	for _, j := range jobs {
		g.apply(j)
	}
}

func (g *districts) report(b *budget, steps int64) {
	if g.tell == nil {
		return
	}
	now := Solution{Placed: g.schedule()}
	g.tell(g.progress(0, b.progress(steps), len(now.Placed), g.evaluate(&now)))
}

func (g *districts) apply(j *district) {
	if j.found == nil {
		return
	}
	for _, v := range j.visits {
		g.put(v, Assignment{})
	}
	for _, p := range j.found {
		if v := g.visit[p.Visit]; j.mine[v] {
			g.put(v, p.Assignment)
		}
	}
}

// problem is the district as a problem of its own: its workers with all they do,
// where what may not move is locked, and beside them the outsiders of locked
// visits, who have time for those only.
func (j *district) problem() (*Problem, []Placement) {
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
		if !j.mine[v] {
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
			for _, v := range g.series[s].visits {
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
		if _, there := outside[w]; !there && g.part[w] != g.part[j.workers[0]] {
			outside[w] = nil
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

// outsider adds a worker of another district with the time of some visits only.
func (j *district) outsider(q *Problem, w int32, posts []post) {
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
			// somebody the district does not know comes after
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

// solve searches the district as a region is searched.
func (j *district) solve(b *budget) {
	if b.over() || len(j.visits) == 0 {
		return
	}
	q, start := j.problem()
	c := newPlanOf(q, j.of.plan)
	c.only(int32(len(j.workers))) // outsiders have no time for what may move
	s := newState(c)
	s.loadLocked()
	s.load(start)
	for _, p := range start {
		if v := c.visit[p.Visit]; !s.placed(v) && c.visits[v].locked {
			return // cannot be, and if it were, nothing could be said of the rest
		}
	}
	x := newSearch(s, j.seed, 0)
	x.construct(b.over)
	if x.keepBest(); j.quota > 0 {
		x.anneal(j.heat, j.heat, b.steps(j.quota))
	}
	j.found = c.solution(x.tours).Placed
}
