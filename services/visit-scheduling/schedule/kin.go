package schedule

import (
	"slices"
	"time"
)

// kin is a family's rules as the simple planner keeps them.
type kin struct {
	Family
	regular, familiar map[WorkerID]bool
	people            map[WorkerID]bool
	used              int
	days              map[int]bool // visiting day → a substitute came
}

// relate reads the rules of families and what is booked for them.
func (g *greedy) relate() {
	g.kin = map[SeriesID]*kin{}
	for _, f := range g.problem.Families {
		k := &kin{Family: f, regular: map[WorkerID]bool{}, familiar: map[WorkerID]bool{}, people: map[WorkerID]bool{}, used: f.used(), days: map[int]bool{}}
		for _, w := range f.Regular {
			k.regular[w] = true
		}
		for _, w := range f.known() {
			k.familiar[w] = true
		}
		for _, w := range f.met() {
			k.people[w] = true
		}
		for _, v := range f.Past {
			if !v.Urgent {
				day := g.day(floorMinute(v.At))
				k.days[day] = k.days[day] || v.Substitute
			}
		}
		g.kin[f.Series] = k
	}
	for _, b := range g.problem.Booked {
		g.book(b.Series, g.day(floorMinute(b.Span.From)), b.Workers)
	}
}

// book counts a visit of a family.
func (g *greedy) book(series SeriesID, day int, workers []WorkerID) {
	k := g.kin[series]
	if k == nil {
		return
	}
	substitute := k.substitute(workers)
	if substitute {
		k.used++
	}
	k.days[day] = k.days[day] || substitute
	for _, w := range workers {
		k.people[w] = true
	}
}

// meet counts a visit that was placed.
func (g *greedy) meet(series SeriesID, c choice) {
	if g.kin[series] == nil {
		return
	}
	var workers []WorkerID
	for _, o := range c.openings {
		workers = append(workers, o.worker.ID)
	}
	g.book(series, g.day(c.start), workers)
}

func (k *kin) substitute(workers []WorkerID) bool {
	return !slices.ContainsFunc(workers, func(w WorkerID) bool { return k.regular[w] })
}

// familyAllows says whether the rules of d's family let a team come at a time.
func (g *greedy) familyAllows(d *Demand, start int64, team ...*tourist) bool {
	k := g.kin[d.Series]
	if k == nil {
		return true
	}
	workers := make([]WorkerID, len(team))
	fresh, familiar := 0, len(k.familiar) == 0
	for i, w := range team {
		workers[i] = w.ID
		fresh += boolean(!k.people[w.ID])
		familiar = familiar || k.familiar[w.ID]
	}
	if k.KnownFirst && !familiar {
		return false
	}
	if k.People != nil && fresh > 0 && len(k.people)+fresh > k.People.Most {
		return false
	}
	if k.Substitutes == nil || !k.substitute(workers) {
		return true
	}
	return k.used < k.Substitutes.Most && !(k.Substitutes.NeverRunning && k.runs(g.day(start)))
}

// runs says whether a substitute comes on the visiting day before or after a day.
func (k *kin) runs(day int) bool {
	before, after := -1, -1
	for d := range k.days {
		if d < day && d > before {
			before = d
		}
		if d > day && (after < 0 || d < after) {
			after = d
		}
	}
	return before >= 0 && k.days[before] || after >= 0 && k.days[after]
}

// Since is how far back a family's visits are asked for.
func (a Asks) Since() time.Duration {
	since := substituteYear
	if a.People != nil {
		since = max(since, time.Duration(a.People.Days)*24*time.Hour)
	}
	return since
}
