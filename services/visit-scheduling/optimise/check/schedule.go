package check

import (
	"fmt"
	"slices"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
)

// Schedule verifies a solution of the product's model against every hard rule
// and returns all breaches, none when it is valid: each visit placed or reported
// unplaced, once; teams of the right size, skills, languages and distinct
// workers; windows; together or in order; exclusions; shifts, absences and
// travel at its hour; breaks; overtime; limits a day and a week; daylight, visits
// never alone and never last; visits of a series a day and a week; whom a family
// knows, its substitutes, how many people it meets; caseloads; locked visits.
func Schedule(p optimise.Problem, s optimise.Solution) []error {
	c := newSchedule(p)
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
	for i := range p.Workers {
		w := &p.Workers[i]
		c.worker(w, c.breaks(w, s.Breaks))
		c.caseload(w, s.Placed)
	}
	c.series(s.Placed)
	for i := range p.Families {
		c.family(&p.Families[i], s.Placed)
	}
	return c.breaches
}

func newSchedule(p optimise.Problem) *schedule {
	c := &schedule{p: p, visits: map[string]*optimise.Visit{}, workers: map[string]*optimise.Worker{}, seen: map[string]int{}, by: map[string][]part{}}
	for i := range p.Visits {
		c.visits[p.Visits[i].ID] = &p.Visits[i]
	}
	for i := range p.Workers {
		c.workers[p.Workers[i].ID] = &p.Workers[i]
	}
	return c
}

type schedule struct {
	p        optimise.Problem
	w        optimise.Weights
	visits   map[string]*optimise.Visit
	workers  map[string]*optimise.Worker
	seen     map[string]int
	by       map[string][]part
	bySeries map[string][]optimise.Placement // made when first asked for
	breaches []error
}

// part is one worker's time at a visit, or at rest when visit is nil.
type part struct {
	visit    *optimise.Visit
	from, to int
}

func (c *schedule) bad(format string, args ...any) {
	c.breaches = append(c.breaches, fmt.Errorf(format, args...))
}

// level is how well a worker has a skill, 0 not at all.
func level(w *optimise.Worker, skill string) int {
	if !has(w.Skills, skill) {
		return 0
	}
	if n, said := w.Levels[skill]; said {
		return n
	}
	return 1
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
			for s, least := range v.Roles[k].Levels {
				if level(w, s) < least {
					c.bad("visit %s: worker %s has skill %s at level %d, needs %d", v.ID, id, s, level(w, s), least)
				}
			}
			for _, x := range v.Roles[k].Attributes {
				if !has(w.Attributes, x) {
					c.bad("visit %s: worker %s lacks attribute %s", v.ID, id, x)
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
		for _, dark := range c.p.Dark {
			if v.Daylight && dark.From < to && from < dark.To {
				c.bad("visit %s: %d to %d is in the dark", v.ID, from, to)
			}
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
	if v.NeverAlone && (need < 2 || v.Gap != nil) {
		c.bad("visit %s: one worker would be alone", v.ID)
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
