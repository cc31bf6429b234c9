package schedule

import (
	"slices"
	"time"
)

// familyVisit is one visit of a family, wherever it is known from.
type familyVisit struct {
	at         time.Time
	workers    []WorkerID
	visit      VisitID // a placement's; empty for what was booked before
	substitute bool
}

// families checks the rules that look at all visits of one series: what is placed,
// what was booked and what lies outside the problem, in order of time.
func (c *checker) families(plan Plan) {
	if len(c.problem.Families) == 0 {
		return
	}
	of := map[SeriesID][]familyVisit{}
	for _, b := range c.problem.Booked {
		of[b.Series] = append(of[b.Series], familyVisit{at: b.Span.From, workers: b.Workers})
	}
	for _, p := range plan.Placed {
		if d, known := c.demands[p.Visit]; known {
			of[d.Series] = append(of[d.Series], familyVisit{at: p.Slot.StartsAt, workers: p.Slot.Workers, visit: p.Visit})
		}
	}
	for _, f := range c.problem.Families {
		c.family(f, of[f.Series])
	}
}

func (c *checker) family(f Family, visits []familyVisit) {
	for i, v := range visits {
		visits[i].substitute = !slices.ContainsFunc(v.workers, func(w WorkerID) bool { return slices.Contains(f.Regular, w) })
	}
	if !slices.ContainsFunc(visits, func(v familyVisit) bool { return v.visit != "" }) {
		return
	}
	slices.SortStableFunc(visits, func(a, b familyVisit) int { return a.at.Compare(b.at) })
	c.strangers(f, visits)
	c.people(f, visits)
	if f.Substitutes != nil {
		c.substitutes(f, visits)
	}
}

// strangers checks that somebody new does not come alone.
func (c *checker) strangers(f Family, visits []familyVisit) {
	if !f.KnownFirst {
		return
	}
	known := map[WorkerID]bool{}
	for _, w := range f.Regular {
		known[w] = true
	}
	for _, v := range f.Past {
		for _, w := range v.Workers {
			known[w] = known[w] || v.Took
		}
	}
	anybody := false
	for _, k := range known {
		anybody = anybody || k
	}
	if !anybody {
		return // whoever comes first is new
	}
	for _, v := range visits {
		if v.visit != "" && !slices.ContainsFunc(v.workers, func(w WorkerID) bool { return known[w] }) {
			c.breaks(v.visit, RuleKnownFirst)
		}
	}
}

// people checks how many different workers the family meets.
func (c *checker) people(f Family, visits []familyVisit) {
	if f.People == nil {
		return
	}
	met := map[WorkerID]bool{}
	add := func(workers []WorkerID) {
		for _, w := range workers {
			met[w] = true
		}
	}
	for _, v := range f.Past {
		if !v.Urgent && !v.At.Before(f.Until.AddDate(0, 0, -f.People.Days)) {
			add(v.Workers)
		}
	}
	for _, v := range visits {
		if v.visit == "" {
			add(v.workers)
		}
	}
	for _, v := range visits {
		fresh := 0
		for _, w := range v.workers {
			if !met[w] {
				fresh++
			}
		}
		if v.visit == "" || fresh == 0 {
			continue
		}
		if len(met)+fresh > f.People.Most {
			c.breaks(v.visit, RulePeople)
			continue
		}
		add(v.workers)
	}
}

// substitutes checks how many visits the family's own workers do not make, and
// that none of them follows another.
func (c *checker) substitutes(f Family, visits []familyVisit) {
	used := 0
	all := slices.Clone(visits)
	for _, v := range f.Past {
		if v.Urgent {
			continue
		}
		if v.Substitute && v.At.After(f.Until.Add(-365*24*time.Hour)) {
			used++
		}
		all = append(all, familyVisit{v.At, v.Workers, "", v.Substitute})
	}
	for _, v := range visits {
		if v.substitute && v.visit == "" {
			used++
		}
	}
	for _, v := range visits {
		if v.substitute && v.visit != "" {
			if used >= f.Substitutes.Most {
				c.breaks(v.visit, RuleSubstitutes)
				continue
			}
			used++
		}
	}
	if f.Substitutes.NeverRunning {
		c.running(all)
	}
}

// running finds placements by substitutes on two visiting days running.
func (c *checker) running(visits []familyVisit) {
	slices.SortStableFunc(visits, func(a, b familyVisit) int { return a.at.Compare(b.at) })
	day := func(v familyVisit) string { return v.at.In(c.problem.Zone).Format(time.DateOnly) }
	var before, today []familyVisit // by substitutes
	for i, v := range visits {
		if i > 0 && day(v) != day(visits[i-1]) {
			before, today = today, nil
		}
		if !v.substitute {
			continue
		}
		today = append(today, v)
		if before == nil {
			continue
		}
		if v.visit != "" {
			c.breaks(v.visit, RuleRunning)
			continue
		}
		for _, b := range before { // the later one stays: the earlier is to blame
			if b.visit != "" {
				c.breaks(b.visit, RuleRunning)
			}
		}
	}
}
