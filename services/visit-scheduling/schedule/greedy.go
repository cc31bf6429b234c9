package schedule

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"
)

// Greedy is the simple planner: visits one by one, the hardest to place first,
// each in the place that costs least. It never moves what it has placed. The
// zero value is ready.
type Greedy struct{}

// What things cost, in minutes of travel.
const (
	costStranger    = 60.0 // a worker the family does not know, when it knows some
	costLessKnown   = 5.0  // each step down the list of those it knows
	costWish        = 30.0 // an attribute wished for and not had
	costLostWorker  = 30.0 // another worker than the visit had
	costMovedMinute = 0.25 // each minute away from the time the visit had
	costMovedMost   = 120.0
	costSpacing     = 25.0 // each day nearer to another visit of the series than it should be
	costLoad        = 0.01 // each minute the worker is booked already: spreads the work
	grid            = 5    // visits start at a multiple of this many minutes
	pairCandidates  = 24   // how many workers are tried with each other before all are
)

// Plan places what can be placed.
func (Greedy) Plan(ctx context.Context, problem Problem) (Plan, error) {
	g := newGreedy(problem)
	var plan Plan
	for _, d := range g.order() {
		if err := ctx.Err(); err != nil {
			return Plan{}, err
		}
		best, ok := g.best(d)
		if !ok {
			plan.Unplaced = append(plan.Unplaced, d.Unplaced())
			continue
		}
		plan.Placed = append(plan.Placed, Placement{d.Visit, g.take(d, best)})
	}
	return plan, nil
}

// greedy is one run. Times are minutes since the epoch.
type greedy struct {
	problem Problem
	workers []*tourist
	ways    *ways
	paces   paces
	days    map[SeriesID]map[int]int // visits of a series by day number
	known   map[SeriesID]map[int]int // worker index → visits placed in this run
	origin  time.Time
	demands []Demand // with daylight taken into account
	kin     map[SeriesID]*kin
}

func floorMinute(t time.Time) int64 { return int64(math.Floor(float64(t.Unix()) / 60)) }

func ceilMinute(t time.Time) int64 {
	if t.Nanosecond() > 0 || t.Unix()%60 != 0 {
		return floorMinute(t) + 1
	}
	return floorMinute(t)
}

func (g *greedy) day(minute int64) int {
	y, m, d := time.Unix(minute*60, 0).In(g.problem.Zone).Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

func newGreedy(p Problem) *greedy {
	g := &greedy{problem: p, ways: newWays(p.Travel), paces: newPaces(p), days: map[SeriesID]map[int]int{}, known: map[SeriesID]map[int]int{}}
	g.demands = slices.Clone(p.Demands)
	for i := range g.demands {
		g.demands[i].Windows = p.lit(g.demands[i])
	}
	byID := map[WorkerID]*tourist{}
	roster := slices.Clone(p.Roster)
	slices.SortFunc(roster, func(a, b Available) int { return cmp.Compare(a.ID, b.ID) })
	for i, a := range roster {
		w := &tourist{Available: a, index: i, base: g.ways.point(a.Base)}
		g.workers = append(g.workers, w)
		byID[a.ID] = w
	}
	bookings := map[WorkerID][]Booking{}
	for _, b := range p.Booked {
		g.count(b.Series, floorMinute(b.Span.From))
		for _, id := range b.Workers {
			bookings[id] = append(bookings[id], b)
		}
	}
	for _, w := range g.workers {
		g.tours(w, bookings[w.ID])
		g.loads(w, bookings[w.ID])
	}
	g.relate()
	return g
}

func (g *greedy) count(series SeriesID, minute int64) {
	if g.days[series] == nil {
		g.days[series] = map[int]int{}
	}
	g.days[series][g.day(minute)]++
}

// order is the demands, the hardest to place first: pairs, then those that few
// can do, then those with little time to choose from.
func (g *greedy) order() []*Demand {
	type ranked struct {
		*Demand
		able int
		room time.Duration
	}
	able := map[string]int{}
	all := make([]ranked, len(g.demands))
	for i := range g.demands {
		d := &g.demands[i]
		key := fmt.Sprint(d.Language, d.Levels, d.Attributes)
		for _, s := range d.Skills {
			key += "\x00" + s
		}
		n, seen := able[key]
		if !seen {
			for _, w := range g.workers {
				if w.canAlone(d) {
					n++
				}
			}
			able[key] = n
		}
		all[i] = ranked{d, n - len(d.Excluded), 0}
		for _, s := range d.Windows {
			all[i].room += s.Length()
		}
	}
	slices.SortFunc(all, func(a, b ranked) int {
		// What may not be last comes last: it needs a visit after it.
		return cmp.Or(boolean(a.NotLast)-boolean(b.NotLast), cmp.Compare(b.Workers, a.Workers), cmp.Compare(a.able, b.able), cmp.Compare(a.room, b.room),
			cmp.Compare(a.Series, b.Series), cmp.Compare(a.Visit, b.Visit))
	})
	ordered := make([]*Demand, len(all))
	for i, r := range all {
		ordered[i] = r.Demand
	}
	return ordered
}

func (w *tourist) canAlone(d *Demand) bool {
	for _, s := range d.Skills {
		if !slices.Contains(w.Skills, s) {
			return false
		}
	}
	return w.asked(d) && leveled(d, w) && (d.Language == "" || slices.Contains(w.Languages, d.Language))
}

// asked says whether the worker is as the family asked.
func (w *tourist) asked(d *Demand) bool {
	return !slices.ContainsFunc(d.Attributes, func(a string) bool { return !slices.Contains(w.Attributes, a) })
}

// leveled says whether somebody of a team has each skill at its level.
func leveled(d *Demand, team ...*tourist) bool {
	for _, l := range d.Levels {
		if !slices.ContainsFunc(team, func(w *tourist) bool { return w.level(l.Skill) >= l.Level }) {
			return false
		}
	}
	return true
}

// level is how well a worker holds a skill; 0 is not at all.
func (w *Available) level(skill string) int {
	if !slices.Contains(w.Skills, skill) {
		return 0
	}
	if i := slices.IndexFunc(w.Levels, func(l SkillLevel) bool { return l.Skill == skill }); i >= 0 {
		return w.Levels[i].Level
	}
	return 1
}

// canTogether says whether a team has the skills and the language of d.
func canTogether(d *Demand, team ...*tourist) bool {
	for _, s := range d.Skills {
		if !slices.ContainsFunc(team, func(w *tourist) bool { return slices.Contains(w.Skills, s) }) {
			return false
		}
	}
	if !leveled(d, team...) || slices.ContainsFunc(team, func(w *tourist) bool { return !w.asked(d) }) {
		return false
	}
	return d.Language == "" || slices.ContainsFunc(team, func(w *tourist) bool { return slices.Contains(w.Languages, d.Language) })
}

// choice is a time with one opening for each worker.
type choice struct {
	start    int64
	cost     float64
	openings []opening
}

// better orders choices by cost, then start, then workers, so that the best is
// the best whatever the order they are looked at.
func better(a, b choice) bool {
	if c := cmp.Compare(math.Round(a.cost*1000), math.Round(b.cost*1000)); c != 0 {
		return c < 0
	}
	if a.start != b.start {
		return a.start < b.start
	}
	for i := range a.openings {
		if c := cmp.Compare(a.openings[i].worker.index, b.openings[i].worker.index); c != 0 {
			return c < 0
		}
	}
	return false
}

// best finds the cheapest place for d.
func (g *greedy) best(d *Demand) (choice, bool) {
	type candidate struct {
		worker   *tourist
		openings []opening
		alone    float64
	}
	var candidates []candidate
	best, found := choice{cost: math.Inf(1)}, false
	for _, w := range g.workers {
		if slices.Contains(d.Excluded, w.ID) || (d.Workers == 1 && !w.canAlone(d)) || !w.asked(d) {
			continue
		}
		openings := g.openings(w, d)
		if len(openings) == 0 {
			continue
		}
		person, alone := g.personCost(w, d), math.Inf(1)
		for _, o := range openings {
			start := g.start(d, o.lo, o.hi)
			c := choice{start, o.cost + person + g.timeCost(d, start), []opening{o}}
			alone = min(alone, c.cost)
			if d.Workers == 1 && (!found || better(c, best)) && g.familyAllows(d, start, w) {
				best, found = c, true
			}
		}
		candidates = append(candidates, candidate{w, openings, alone})
	}
	if d.Workers == 1 {
		return best, found
	}
	slices.SortStableFunc(candidates, func(a, b candidate) int { return cmp.Compare(a.alone, b.alone) })
	try := func(from, n int) {
		for j := from; j < n; j++ {
			for i := range j {
				a, b := candidates[i], candidates[j]
				if !canTogether(d, a.worker, b.worker) {
					continue
				}
				if a.worker.index > b.worker.index {
					a, b = b, a
				}
				person := g.personCost(a.worker, d) + g.personCost(b.worker, d)
				for _, x := range a.openings {
					for _, y := range b.openings {
						lo, hi := max(x.lo, y.lo), min(x.hi, y.hi)
						if lo > hi {
							continue
						}
						start := g.start(d, lo, hi)
						c := choice{start, x.cost + y.cost + person + g.timeCost(d, start), []opening{x, y}}
						if (!found || better(c, best)) && g.familyAllows(d, start, a.worker, b.worker) {
							best, found = c, true
						}
					}
				}
			}
		}
	}
	near := min(pairCandidates, len(candidates))
	if try(1, near); !found {
		try(max(near, 1), len(candidates))
	}
	return best, found
}

// start chooses from lo to hi: the time the visit had, else the earliest, on the
// grid where the room allows.
func (g *greedy) start(d *Demand, lo, hi int64) int64 {
	want := lo
	if d.Lost != nil {
		want = min(max(floorMinute(d.Lost.StartsAt), lo), hi)
		if want == floorMinute(d.Lost.StartsAt) {
			return want
		}
	}
	if up := (want + grid - 1) / grid * grid; up <= hi {
		return up
	}
	if down := want / grid * grid; down >= lo {
		return down
	}
	return want
}

// personCost is what it costs the family to be visited by w.
func (g *greedy) personCost(w *tourist, d *Demand) float64 {
	cost := costLoad * float64(w.booked)
	if len(d.Known) > 0 || len(g.known[d.Series]) > 0 {
		rank := slices.Index(d.Known, w.ID)
		switch {
		case rank >= 0:
			cost += costLessKnown * float64(max(rank-(d.Workers-1), 0))
		case g.known[d.Series][w.index] > 0:
			cost += costLessKnown * float64(max(len(d.Known)-(d.Workers-1), 1))
		default:
			cost += costStranger
		}
	}
	if d.Lost != nil && !slices.Contains(d.Lost.Workers, w.ID) {
		cost += costLostWorker
	}
	for _, wish := range d.Wishes {
		if !slices.Contains(w.Attributes, wish) {
			cost += costWish
		}
	}
	return cost
}

// timeCost is what it costs to start then.
func (g *greedy) timeCost(d *Demand, start int64) float64 {
	cost := 0.0
	if d.Lost != nil {
		moved := start - floorMinute(d.Lost.StartsAt)
		cost += min(costMovedMinute*float64(max(moved, -moved)), costMovedMost)
	}
	if d.Spacing > 0 {
		day, nearest := g.day(start), d.Spacing
		for other, n := range g.days[d.Series] {
			if n > 0 {
				nearest = min(nearest, max(day-other, other-day))
			}
		}
		cost += costSpacing * float64(d.Spacing-nearest)
	}
	return cost
}

// take books a choice and gives the slot it makes.
func (g *greedy) take(d *Demand, c choice) Slot {
	end := c.start + int64(d.Minutes)
	slot := Slot{StartsAt: time.Unix(c.start*60, 0).UTC(), EndsAt: time.Unix(end*60, 0).UTC(), Source: Estimated}
	if g.known[d.Series] == nil {
		g.known[d.Series] = map[int]int{}
	}
	for _, o := range c.openings {
		o.tour.stops = slices.Insert(o.tour.stops, o.pos, stop{from: c.start, to: end, at: g.ways.point(d.At.Point), remote: d.At.Remote})
		o.worker.booked += int64(d.Minutes)
		o.worker.load.add(o.tour.day, d.Series, d.Minutes+int(o.cost))
		g.known[d.Series][o.worker.index]++
		slot.Workers = append(slot.Workers, o.worker.ID)
		if took := int(c.start - g.leave(o.worker.Mode, c.start, o.way)); took >= slot.Travel && !d.At.Remote {
			slot.Travel, slot.Source = took, g.ways.source(o.worker.Mode, o.from, g.ways.point(d.At.Point))
		}
	}
	// The one the family knows best comes first.
	slices.SortStableFunc(slot.Workers, func(a, b WorkerID) int {
		rank := func(w WorkerID) int {
			if i := slices.Index(d.Known, w); i >= 0 {
				return i
			}
			return len(d.Known)
		}
		return cmp.Compare(rank(a), rank(b))
	})
	g.count(d.Series, c.start)
	g.meet(d.Series, c)
	return slot
}
