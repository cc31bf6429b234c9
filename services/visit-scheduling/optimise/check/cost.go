package check

import (
	"slices"
	"sort"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
)

// Cost prices a valid schedule term by term, from the words of the model alone.
func Cost(p optimise.Problem, s optimise.Solution) optimise.Objective {
	c := newSchedule(p)
	c.w = p.Weights
	if c.w == (optimise.Weights{}) {
		c.w = optimise.DefaultWeights()
	}
	var o optimise.Objective
	in := map[string]bool{}
	for _, x := range s.Placed {
		c.placement(x)
		in[x.Visit] = true
		c.sent(&o, x)
	}
	for i := range p.Visits {
		v := &p.Visits[i]
		switch {
		case in[v.ID]:
		case v.Optional:
			o.Unplaced += int64(v.Penalty)
		default:
			o.Unplaced += int64(c.w.Unplaced) * int64(1+v.Priority)
		}
	}
	for i := range p.Workers {
		c.shared(&o, &p.Workers[i], s.Breaks)
	}
	c.met(&o, s.Placed)
	return o
}

// sent prices who was sent, and when, for one visit.
func (c *schedule) sent(o *optimise.Objective, x optimise.Placement) {
	v := c.visits[x.Visit]
	changed := c.w.ChangedWorker
	if v.Published != nil && len(v.Published.Starts) > 0 {
		minute := c.w.MovedMinute
		// from the full factor now down to 1 when the days of notice are over
		if left := 1440*c.w.NoticeDays - max(0, v.Published.Starts[0]-c.p.Now); left > 0 && c.w.ShortNotice > 1 {
			minute += minute * (c.w.ShortNotice - 1) * left / (1440 * c.w.NoticeDays)
			changed += changed * (c.w.ShortNotice - 1) * left / (1440 * c.w.NoticeDays)
		}
		off := x.Starts[0] - v.Published.Starts[0]
		o.Stability += int64(minute * min(max(off, -off), c.w.MovedMost))
	}
	for _, id := range x.Workers {
		if len(v.Preferred) > 0 && !has(v.Preferred, id) {
			o.Preference += int64(c.w.Stranger)
		}
		if v.Published != nil && !has(v.Published.Workers, id) {
			o.Stability += int64(changed)
		}
		for _, wish := range v.Wishes {
			if !has(c.workers[id].Attributes, wish.Attribute) {
				o.Wishes += int64(wish.Points)
			}
		}
	}
}

// shared prices a worker's travel, overtime and share of the whole.
func (c *schedule) shared(o *optimise.Objective, w *optimise.Worker, taken []optimise.BreakTaken) {
	parts := c.breaks(w, taken)
	work, ride, late, of := 0, 0, 0, 0
	for _, s := range stretches(w) {
		x := walk(&c.p, w, s, inside(parts, s, overtime(w, s)), nil)
		work, ride, late, of = work+x.work, ride+x.ride, late+x.late, of+s[1]-s[0]
		o.Overtime += int64(c.w.OvertimeMinute * x.over)
	}
	o.Travel += int64(c.w.TravelMinute * ride)
	o.FairLoad += int64(c.w.FairLoad) * int64(work) * int64(work) / int64(max(1, of))
	o.FairTravel += int64(c.w.FairTravel) * int64(ride) * int64(ride) / int64(max(1, of))
	o.FairEvening += int64(c.w.FairEvening) * int64(late) * int64(late)
}

// met prices what each family meets: faces, spacing, weekdays.
func (c *schedule) met(o *optimise.Objective, placed []optimise.Placement) {
	spacing := map[string]int{}
	for _, v := range c.p.Visits {
		if v.Series != "" {
			spacing[v.Series] = max(spacing[v.Series], v.Spacing)
		}
	}
	for series, wish := range spacing {
		f := &optimise.Family{}
		if i := slices.IndexFunc(c.p.Families, func(f optimise.Family) bool { return f.Series == series }); i >= 0 {
			f = &c.p.Families[i]
		}
		days, visits := c.of(series, placed)
		people := map[string]bool{}
		for _, id := range f.Met {
			if c.workers[id] != nil {
				people[id] = true
			}
		}
		free := max(1, len(people))
		for _, x := range visits {
			for _, id := range x.Workers {
				people[id] = true
			}
		}
		o.Continuity += int64(c.w.NewFace * max(0, len(people)-free))
		sort.Ints(days)
		weekdays := map[int]bool{}
		for i, d := range days {
			weekdays[((d%7)+7)%7] = true
			if i > 0 {
				o.Spacing += int64(c.w.SpacingDay * max(0, wish-(d-days[i-1])))
			}
		}
		if f.SteadyWeekday {
			o.Weekday += int64(c.w.Weekday * max(0, len(weekdays)-max(1, f.PerWeek)))
		}
	}
}
