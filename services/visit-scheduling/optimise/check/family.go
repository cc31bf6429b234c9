package check

import (
	"slices"
	"sort"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
)

// of lists a series' placements with the day each belongs to: the one the first
// worker's stretch begins on.
func (c *schedule) of(series string, placed []optimise.Placement) (days []int, visits []optimise.Placement) {
	for _, x := range c.placedOf(series, placed) {
		v := c.visits[x.Visit]
		if len(x.Workers) == 0 || len(x.Starts) == 0 || c.workers[x.Workers[0]] == nil {
			continue
		}
		w := c.workers[x.Workers[0]]
		for _, s := range stretches(w) {
			if s[0] <= x.Starts[0] && x.Starts[0]+v.Minutes <= s[1]+overtime(w, s) {
				days, visits = append(days, day(s[0])), append(visits, x)
				break
			}
		}
	}
	return days, visits
}

// series counts the visits of each series a day.
func (c *schedule) series(placed []optimise.Placement) {
	most := map[string]int{}
	for _, v := range c.p.Visits {
		if v.Series == "" || v.PerDay == 0 {
			continue
		}
		if old, said := most[v.Series]; !said || v.PerDay < old {
			most[v.Series] = v.PerDay
		}
	}
	for key, most := range most {
		count := map[int]int{}
		days, _ := c.of(key, placed)
		for _, d := range days {
			count[d]++
		}
		for d, n := range count {
			if n > most {
				c.bad("series %s: %d visits on day %d, at most %d", key, n, d, most)
			}
		}
	}
}

// placedOf are the placements of a series.
func (c *schedule) placedOf(series string, placed []optimise.Placement) []optimise.Placement {
	if c.bySeries == nil {
		c.bySeries = map[string][]optimise.Placement{}
		for _, x := range placed {
			if v := c.visits[x.Visit]; v != nil {
				c.bySeries[v.Series] = append(c.bySeries[v.Series], x)
			}
		}
	}
	return c.bySeries[series]
}

// family verifies the rules of one family.
func (c *schedule) family(f *optimise.Family, placed []optimise.Placement) {
	days, visits := c.of(f.Series, placed)
	weeks := map[int]int{}
	people := map[string]bool{}
	for _, id := range f.Met {
		people[id] = true
	}
	met := len(people)
	for i, x := range visits {
		weeks[week(days[i]*optimise.DayMinutes)]++
		known := false
		for _, id := range x.Workers {
			people[id] = true
			known = known || has(f.Met, id) || has(f.Regular, id)
		}
		if f.KnownFirst && !known && len(f.Regular)+len(f.Met) > 0 {
			c.bad("visit %s: nobody of %v is known to the family", x.Visit, x.Workers)
		}
		if f.NotRunning && slices.Contains(days, days[i]+1) {
			c.bad("series %s: visits on day %d and the next", f.Series, days[i])
		}
	}
	for k, n := range weeks {
		if f.PerWeek > 0 && n > f.PerWeek {
			c.bad("series %s: %d visits in week %d, at most %d", f.Series, n, k, f.PerWeek)
		}
	}
	if f.MaxWorkers > 0 && len(people) > max(f.MaxWorkers, met) {
		c.bad("series %s: %d workers, at most %d", f.Series, len(people), f.MaxWorkers)
	}
	if f.Substitutes != nil {
		c.substitutes(f, days, visits)
	}
}

func (c *schedule) substitutes(f *optimise.Family, days []int, visits []optimise.Placement) {
	used := f.Substitutes.Used
	by := map[int]bool{} // day → a substitute came
	for i, x := range visits {
		substitute := !slices.ContainsFunc(x.Workers, func(id string) bool { return has(f.Regular, id) })
		if substitute {
			used++
		}
		by[days[i]] = by[days[i]] || substitute
	}
	if used > max(f.Substitutes.Most, f.Substitutes.Used) {
		c.bad("series %s: %d visits by substitutes, at most %d", f.Series, used, f.Substitutes.Most)
	}
	if !f.Substitutes.NeverRunning {
		return
	}
	order := slices.Clone(days)
	sort.Ints(order)
	before := f.Substitutes.LastWas
	for _, d := range slices.Compact(order) {
		if before && by[d] {
			c.bad("series %s: a substitute on day %d and the time before", f.Series, d)
		}
		before = by[d]
	}
}

// caseload counts the families of a worker.
func (c *schedule) caseload(w *optimise.Worker, placed []optimise.Placement) {
	if w.Caseload == 0 {
		return
	}
	families := map[string]bool{}
	for _, f := range w.Families {
		families[f] = true
	}
	held := len(families)
	for _, x := range placed {
		if v := c.visits[x.Visit]; v != nil && v.Series != "" && has(x.Workers, w.ID) {
			families[v.Series] = true
		}
	}
	if len(families) > max(w.Caseload, held) {
		c.bad("worker %s: %d families, at most %d", w.ID, len(families), w.Caseload)
	}
}
