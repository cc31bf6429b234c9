package optimise

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Options bound a search. With neither WorkUnits nor Deadline it does 20 units a
// visit.
type Options struct {
	Seed uint64
	// WorkUnits is how many times visits are taken out and put back, by each
	// search. With it alone the answer is the same on every machine and with any
	// number of threads.
	WorkUnits int64
	// Deadline ends everything by the clock, the reasons of what is left out
	// included; zero is none.
	Deadline time.Time
	// Clock tells the time Deadline is in; nil is time.Now. A clock of the processor's
	// time makes figures that do not depend on what else it computes.
	Clock func() time.Time
	// Progress is told how far a search is, now and then and from one goroutine at a
	// time; it must return soon.
	Progress func(Progress)
	// Start is a schedule to improve on. What of it cannot stand is placed anew.
	Start *Solution
	// Searches is how many independent searches are made, the best of which is
	// the answer, of equal ones the first. 0 is one, or as many as Threads where
	// the clock alone ends them. A week large enough to be cut into regions has one.
	Searches int
	// Unexplained leaves the reasons of what has no place to Why, and their time to
	// the search.
	Unexplained bool
	// Threads is how many of them, or of the regions, run at once; 0 is one.
	Threads int
}

// heat is where annealing begins.
func (o *Options) heat() float64 {
	if o.Start != nil {
		return hotStart
	}
	return hotFresh
}

// Progress is how far a search is.
type Progress struct {
	Search   int     // which of Searches
	Done     float64 // share of its work or time
	Placed   int     // visits of the schedule it would answer with now
	Unplaced int
	Cost     Objective
}

// ErrProblem marks a problem that is not sound; the text says where.
var ErrProblem = errors.New("unsound scheduling problem")

// Solve schedules the visits. It returns ErrProblem, or a valid schedule,
// cancelled or not: cancelling ctx ends the search early with the best it has.
func Solve(ctx context.Context, p Problem, opt Options) (Solution, error) {
	if err := p.Validate(); err != nil {
		return Solution{}, fmt.Errorf("%w: %w", ErrProblem, err)
	}
	b := newBudget(ctx, opt, len(p.Visits))
	c := newPlan(&p)
	var out Solution
	switch {
	case len(p.Visits) < regionsFrom:
		out = c.searchAll(b, opt)
	case c.places <= matrixMost:
		out = c.searchRegions(b, opt)
	default:
		out = c.searchDistricts(b, opt)
	}
	out.Objective = c.evaluate(&out)
	if opt.Start != nil {
		// The search may shift starts in ways the given schedule did not need.
		given := Solution{Placed: slices.Clone(opt.Start.Placed)}
		c.sort(given.Placed)
		if c.stands(&given) {
			if given.Objective = c.evaluate(&given); given.Objective.Total() < out.Objective.Total() {
				out = given
			}
		}
	}
	over := b.over
	if opt.Unexplained {
		over = func() bool { return true }
	}
	c.explain(over, &out)
	return out, nil
}

// searchAll makes every search and returns the best of their schedules.
func (c *plan) searchAll(b *budget, opt Options) Solution {
	threads := max(1, opt.Threads)
	n := opt.Searches
	if n == 0 && b.work == 0 {
		n = threads
	}
	n = max(1, n)
	found := make([]*search, n)
	if told := opt.Progress; told != nil {
		var one sync.Mutex
		opt.Progress = func(p Progress) {
			one.Lock()
			defer one.Unlock()
			told(p)
		}
	}
	waves := (n + threads - 1) / threads
	for w := range waves {
		of := b.share(w, waves)
		var group sync.WaitGroup
		for i := w * threads; i < min(n, (w+1)*threads); i++ {
			group.Go(func() { found[i] = c.search(of, opt, uint64(i)) })
		}
		group.Wait()
	}
	best := found[0]
	for _, x := range found[1:] {
		if x.best.Total() < best.best.Total() {
			best = x
		}
	}
	return c.solution(best.bestTours)
}

// search makes one search from the start or from nothing.
func (c *plan) search(b *budget, opt Options, number uint64) *search {
	s := newState(c)
	s.loadLocked()
	if opt.Start != nil {
		s.load(opt.Start.Placed)
	}
	x := newSearch(s, opt.Seed, number)
	x.construct(b.over)
	x.keepBest()
	if b.over() {
		return x
	}
	progress := b.progress
	if opt.Progress != nil {
		progress = func(steps int64) float64 {
			p := b.progress(steps)
			if steps%tellEvery == 0 || p >= 1 {
				opt.Progress(c.progress(int(number), p, x.placedBest(), x.best))
			}
			return p
		}
	}
	x.anneal(opt.heat(), cold, progress)
	return x
}

func (c *plan) progress(search int, done float64, placed int, cost Objective) Progress {
	return Progress{Search: search, Done: min(done, 1), Placed: placed, Unplaced: len(c.given.Visits) - placed, Cost: cost}
}

// placedBest counts the visits of the best schedule.
func (x *search) placedBest() int {
	n := 0
	for t := range x.bestTours {
		for _, s := range x.bestTours[t].stops {
			if s.role == 0 && !x.visits[s.visit].rest {
				n++
			}
		}
	}
	return n
}

// tellEvery is how many steps of a search lie between reports of its progress.
const tellEvery = 1 << 14

func (c *plan) sort(placed []Placement) {
	slices.SortStableFunc(placed, func(a, b Placement) int {
		return cmp.Compare(c.visit[a.Visit], c.visit[b.Visit])
	})
}

// solution reads a schedule out of tours.
func (c *plan) solution(tours []tour) Solution {
	var out Solution
	at := make([]Assignment, len(c.visits))
	for t := range tours {
		for _, x := range tours[t].stops {
			if c.visits[x.visit].rest {
				continue
			}
			a := &at[x.visit]
			if a.Workers == nil {
				k := c.visits[x.visit].roles
				a.Workers, a.Starts = make([]string, k), make([]int, k)
			}
			a.Workers[x.role] = c.p.Workers[c.tours[t].worker].ID
			a.Starts[x.role] = int(x.start)
		}
	}
	for v, a := range at {
		if a.Workers != nil {
			out.Placed = append(out.Placed, Placement{c.p.Visits[v].ID, a})
		}
	}
	out.Breaks = c.allBreaks(tours)
	return out
}
