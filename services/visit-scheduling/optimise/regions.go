package optimise

import (
	"sync"
	"sync/atomic"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/chance"
)

// From regionsFrom visits on several threads search one schedule. The land is cut
// into regions, each of them is searched for a while on one thread, and then it is
// cut anew, until the budget ends. Every thread has the whole schedule and is told
// after each round what the others have found.
const (
	regionsFrom   = 1500
	regionWorkers = 100  // at most, and no more than half of all
	regionSteps   = 0.25 // a visit, in a round: few, so that no border stands for long
)

// regions is a schedule searched region by region.
type regions struct {
	*land
	same []*search // one for each thread; between rounds all have the same schedule
	tell func(Progress)
}

// region is one region's part of a round.
type region struct {
	task               // its visits include breaks
	busy *atomic.Int32 // regions still searched, where each has a thread
	by   int           // thread
	gain Objective     // what the schedule costs more
}

// searchRegions improves the start, or what it makes of nothing, by regions.
func (c *plan) searchRegions(b *budget, opt Options) Solution {
	g := c.newRegions(opt)
	g.solve(b, opt.heat())
	return c.solution(g.same[0].tours)
}

func (c *plan) newRegions(opt Options) *regions {
	g := &regions{land: newLand(c, opt.Seed), tell: opt.Progress}
	for range max(1, opt.Threads) {
		s := newState(c)
		s.loadLocked()
		if opt.Start != nil {
			s.load(opt.Start.Placed)
		}
		x := newSearch(s, 0, 0)
		x.mend()
		x.best = Objective{Unplaced: -anyPrice} // what one region finds is never remembered as the best of all
		g.same = append(g.same, x)
	}
	for v := range c.given.Visits {
		g.note(int32(v), g.same[0].state)
	}
	return g
}

// note takes down who makes a visit.
func (g *regions) note(v int32, s *state) {
	for k, t := range s.where[v*maxRoles : (v+1)*maxRoles] {
		if g.who[v*maxRoles+int32(k)] = -1; t >= 0 {
			g.who[v*maxRoles+int32(k)] = g.tours[t].worker
		}
	}
}

// solve places what it can in some rounds and then improves the schedule until the
// budget ends.
func (g *regions) solve(b *budget, hot float64) {
	round := func(do func(*task) bool) { g.round(b, do) }
	g.fill(b, round)
	g.report(b, 0)
	if b.progress(0) >= 1 {
		return
	}
	g.same[0].neighbours()
	for _, x := range g.same {
		x.near = g.same[0].near
	}
	g.anneal(b, hot, regionSteps, round, func(steps int64) { g.report(b, steps) })
}

// round cuts the land and searches the regions that are to be.
func (g *regions) round(b *budget, do func(*task) bool) {
	var jobs []*region
	for _, t := range g.tasks(regionWorkers, func(v int32) bool { return !g.visits[v].locked }) {
		if j := (&region{task: t}); len(j.visits) > 0 && do(&j.task) {
			jobs = append(jobs, j)
		}
	}
	if len(jobs) <= len(g.same) {
		busy := new(atomic.Int32)
		busy.Store(int32(len(jobs)))
		for _, j := range jobs {
			j.busy = busy
		}
	}
	before := g.same[0].cost
	inParallel(jobs, len(g.same), func(thread int, j *region) {
		j.by = thread
		g.same[thread].solve(j, &border{g.part, g.claim, j.number}, b)
	})
	for _, j := range jobs {
		before = before.Plus(j.gain)
		for _, v := range j.visits {
			if !g.visits[v].rest {
				g.note(v, g.same[j.by].state)
			}
		}
	}
	var group sync.WaitGroup
	for i, x := range g.same {
		group.Go(func() {
			for _, j := range jobs {
				if j.by != i {
					x.hear(g.same[j.by].state, j)
				}
			}
			x.cost = before
		})
	}
	group.Wait()
}

func (g *regions) report(b *budget, steps int64) {
	if g.tell != nil {
		g.tell(g.progress(0, b.progress(steps), len(g.given.Visits)-g.left(), g.same[0].cost))
	}
}

// border bounds a search to one region: its workers' tours, and the visits it claims.
type border struct {
	part   []int32 // worker → region
	claim  []int32 // visit → region
	region int32
}

// reaches says whether a tour may be changed.
func (x *finder) reaches(t int32) bool {
	return x.in == nil || x.in.part[x.plan.tours[t].worker] == x.in.region
}

// moves says whether a visit may be moved.
func (x *search) moves(v int32) bool {
	return !x.visits[v].locked && (x.in == nil || x.in.claim[v] == x.in.region)
}

// foreign says whether another region may be moving a visit.
func (x *search) foreign(v int32) bool {
	return x.in != nil && x.in.claim[v] >= 0 && x.in.claim[v] != x.in.region
}

// solve searches a region for as many steps as its quota at the heat of the round.
// Like any annealing it may end worse than it began; the heat is the whole
// schedule's, and it is the last rounds that are cold.
func (x *search) solve(j *region, in *border, b *budget) {
	if b.over() {
		return
	}
	x.in, x.seeds = in, j.visits
	x.rng = chance.New(j.seed, 0)
	for _, v := range x.unplaced {
		x.slot[v] = -1
	}
	x.unplaced = x.unplaced[:0]
	for _, v := range j.visits {
		x.track(v)
	}
	before := x.cost
	x.construct(b.over)
	if j.quota > 0 {
		progress := b.steps(j.quota)
		if j.busy != nil {
			progress = b.together(j.quota, j.busy)
		}
		x.anneal(j.heat, j.heat, progress)
	}
	j.gain = x.cost.minus(before)
}

// hear takes over what another search of the same schedule found in a region.
func (s *state) hear(from *state, j *region) {
	for _, w := range j.workers {
		for _, t := range s.workers[w].tours {
			def, tr := &s.plan.tours[t], &s.tours[t]
			stops := append(tr.stops[:0], from.tours[t].stops...)
			*tr = from.tours[t]
			tr.stops = stops
			s.dayWork[def.day], s.dayVisits[def.day], s.dayRisk[def.day] = from.dayWork[def.day], from.dayVisits[def.day], from.dayRisk[def.day]
			s.weekWork[def.week], s.weekVisits[def.week] = from.weekWork[def.week], from.weekVisits[def.week]
		}
		s.shares[w], s.families[w] = from.shares[w], from.families[w]
	}
	for _, v := range j.visits {
		copy(s.where[v*maxRoles:(v+1)*maxRoles], from.where[v*maxRoles:(v+1)*maxRoles])
		if k := s.visits[v].series; k >= 0 {
			s.faces[k] = append(s.faces[k][:0], from.faces[k]...)
			s.dates[k] = append(s.dates[k][:0], from.dates[k]...)
			s.subs[k] = from.subs[k]
		}
	}
}
