package check

import (
	"fmt"
	"slices"
	"sort"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
)

// Schedule verifies a solution of the product's model against every hard rule
// and returns all breaches, none when it is valid: each visit placed or reported
// unplaced, once; teams of the right size, skills, languages and distinct
// workers; windows; together or in order; exclusions; shifts, absences and
// travel; limits a day and a week; visits of a series a day; locked visits.
func Schedule(p optimise.Problem, s optimise.Solution) []error {
	c := &schedule{p: p, visits: map[string]*optimise.Visit{}, workers: map[string]*optimise.Worker{}, seen: map[string]int{}, by: map[string][]part{}}
	for i := range p.Visits {
		c.visits[p.Visits[i].ID] = &p.Visits[i]
	}
	for i := range p.Workers {
		c.workers[p.Workers[i].ID] = &p.Workers[i]
	}
	for _, x := range s.Placed {
		c.placement(x)
	}
	for _, u := range s.Unplaced {
		c.seen[u.Visit]++
		if c.visits[u.Visit] == nil {
			c.bad("unplaced visit %s is not of the problem", u.Visit)
		}
	}
	for _, v := range p.Visits {
		if c.seen[v.ID] != 1 {
			c.bad("visit %s is in the answer %d times", v.ID, c.seen[v.ID])
		}
	}
	for id, parts := range c.by {
		c.worker(c.workers[id], parts)
	}
	c.series(s.Placed)
	return c.breaches
}

type schedule struct {
	p        optimise.Problem
	visits   map[string]*optimise.Visit
	workers  map[string]*optimise.Worker
	seen     map[string]int
	by       map[string][]part
	breaches []error
}

type part struct {
	visit    *optimise.Visit
	from, to int
}

func (c *schedule) bad(format string, args ...any) {
	c.breaches = append(c.breaches, fmt.Errorf(format, args...))
}

func has(all []string, one string) bool { return slices.Contains(all, one) }

func (c *schedule) placement(x optimise.Placement) {
	c.seen[x.Visit]++
	v := c.visits[x.Visit]
	if v == nil {
		c.bad("visit %s is not of the problem", x.Visit)
		return
	}
	need := len(v.Roles)
	if need == 0 {
		need = 1
	}
	if len(x.Workers) != need || len(x.Starts) != need {
		c.bad("visit %s: %d workers and %d starts for %d roles", v.ID, len(x.Workers), len(x.Starts), need)
		return
	}
	for k, id := range x.Workers {
		w := c.workers[id]
		if w == nil {
			c.bad("visit %s: no worker %s", v.ID, id)
			return
		}
		if has(v.Excluded, id) {
			c.bad("visit %s: worker %s is excluded", v.ID, id)
		}
		if has(x.Workers[:k], id) {
			c.bad("visit %s: worker %s twice", v.ID, id)
		}
		if len(v.Roles) > 0 {
			for _, s := range v.Roles[k].Skills {
				if !has(w.Skills, s) {
					c.bad("visit %s: worker %s lacks skill %s", v.ID, id, s)
				}
			}
			for _, l := range v.Roles[k].Languages {
				if !has(w.Languages, l) {
					c.bad("visit %s: worker %s lacks language %s", v.ID, id, l)
				}
			}
		}
		from, to := x.Starts[k], x.Starts[k]+v.Minutes
		open := false
		for _, win := range v.Windows {
			open = open || (win.From <= from && to <= win.To)
		}
		if !open {
			c.bad("visit %s: %d to %d is in no window", v.ID, from, to)
		}
		if k > 0 {
			gap := x.Starts[k] - x.Starts[k-1]
			if v.Gap == nil && gap != 0 {
				c.bad("visit %s: workers do not start together", v.ID)
			}
			if v.Gap != nil && (gap < v.Gap.Min || gap > v.Gap.Max) {
				c.bad("visit %s: gap of %d, allowed %d to %d", v.ID, gap, v.Gap.Min, v.Gap.Max)
			}
		}
		c.by[id] = append(c.by[id], part{v, from, to})
	}
	c.team(v, x.Workers)
	if v.Locked {
		for k := range x.Workers {
			if k >= len(v.Published.Workers) || x.Workers[k] != v.Published.Workers[k] || x.Starts[k] != v.Published.Starts[k] {
				c.bad("visit %s is locked and was moved", v.ID)
			}
		}
	}
}

func (c *schedule) team(v *optimise.Visit, ids []string) {
	var skills, languages []string
	for _, id := range ids {
		skills = append(skills, c.workers[id].Skills...)
		languages = append(languages, c.workers[id].Languages...)
	}
	for _, s := range v.TeamSkills {
		if !has(skills, s) {
			c.bad("visit %s: nobody of the team has skill %s", v.ID, s)
		}
	}
	for _, l := range v.TeamLanguages {
		if !has(languages, l) {
			c.bad("visit %s: nobody of the team speaks %s", v.ID, l)
		}
	}
}

// stretches are the unbroken times a worker works: in a shift, not absent.
func stretches(w *optimise.Worker) [][2]int {
	var cuts []int
	for _, s := range append(slices.Clone(w.Shifts), w.Absences...) {
		cuts = append(cuts, s.From, s.To)
	}
	sort.Ints(cuts)
	var out [][2]int
	for i := 1; i < len(cuts); i++ {
		a, b := cuts[i-1], cuts[i]
		if a == b {
			continue
		}
		on := false
		for _, s := range w.Shifts {
			on = on || (s.From <= a && b <= s.To)
		}
		for _, s := range w.Absences {
			on = on && !(s.From <= a && b <= s.To)
		}
		if !on {
			continue
		}
		if k := len(out); k > 0 && out[k-1][1] == a {
			out[k-1][1] = b
		} else {
			out = append(out, [2]int{a, b})
		}
	}
	return out
}

func (c *schedule) minutes(a, b *optimise.Place) int {
	if a == nil || b == nil || *a == *b {
		return 0
	}
	if c.p.Travel == nil {
		return optimise.Estimate{}.Minutes(*a, *b)
	}
	return c.p.Travel.Minutes(*a, *b)
}

func (c *schedule) worker(w *optimise.Worker, parts []part) {
	sort.Slice(parts, func(i, j int) bool { return parts[i].from < parts[j].from })
	days, weeks := map[int]int{}, map[int]int{}
	left := len(parts)
	for _, s := range stretches(w) {
		at, now, any := w.Start, s[0], false
		work := 0
		for _, x := range parts {
			if x.from < s[0] || x.to > s[1] {
				continue
			}
			left--
			any = true
			if x.visit.Place != nil {
				way := c.minutes(at, x.visit.Place)
				now += way
				work += way
				at = x.visit.Place
			}
			if x.from < now {
				c.bad("worker %s: visit %s starts at %d, there at %d", w.ID, x.visit.ID, x.from, now)
			}
			now = x.to
			work += x.visit.Minutes
		}
		if !any {
			continue
		}
		way := c.minutes(at, w.End)
		if now+way > s[1] {
			c.bad("worker %s: back at %d, the stretch ends at %d", w.ID, now+way, s[1])
		}
		work += way
		days[day(s[0])] += work
		weeks[week(s[0])] += work
	}
	if left != 0 {
		c.bad("worker %s: %d visits outside the hours worked", w.ID, left)
	}
	for d, m := range days {
		if w.MaxDayMinutes > 0 && m > w.MaxDayMinutes {
			c.bad("worker %s: %d minutes on day %d, limit %d", w.ID, m, d, w.MaxDayMinutes)
		}
	}
	for k, m := range weeks {
		if w.MaxWeekMinutes > 0 && m > w.MaxWeekMinutes {
			c.bad("worker %s: %d minutes in week %d, limit %d", w.ID, m, k, w.MaxWeekMinutes)
		}
	}
}

func day(minute int) int {
	d := minute / optimise.DayMinutes
	if minute%optimise.DayMinutes < 0 {
		d--
	}
	return d
}

func week(minute int) int {
	w := minute / optimise.WeekMinutes
	if minute%optimise.WeekMinutes < 0 {
		w--
	}
	return w
}

// series counts the visits of each series a day: the day the first worker's
// stretch begins.
func (c *schedule) series(placed []optimise.Placement) {
	type key struct {
		series string
		day    int
	}
	count := map[key]int{}
	for _, x := range placed {
		v := c.visits[x.Visit]
		if v == nil || v.Series == "" || len(x.Workers) == 0 || c.workers[x.Workers[0]] == nil {
			continue
		}
		for _, s := range stretches(c.workers[x.Workers[0]]) {
			if s[0] <= x.Starts[0] && x.Starts[0] < s[1] {
				count[key{v.Series, day(s[0])}]++
			}
		}
	}
	for _, v := range c.p.Visits {
		if v.Series == "" || v.PerDay == 0 {
			continue
		}
		for k, n := range count {
			if k.series == v.Series && n > v.PerDay {
				c.bad("series %s: %d visits on day %d, at most %d", v.Series, n, k.day, v.PerDay)
			}
		}
	}
}
