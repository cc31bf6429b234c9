package check

import (
	"slices"
	"sort"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
)

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

// overtime is how long after a stretch the worker may still be on the way.
func overtime(w *optimise.Worker, stretch [2]int) int {
	m := w.OvertimeMinutes
	for _, s := range stretches(w) {
		if s[0] >= stretch[1] {
			m = min(m, s[0]-stretch[1])
		}
	}
	for _, a := range w.Absences {
		if a.To > stretch[1] {
			m = min(m, max(0, a.From-stretch[1]))
		}
	}
	return m
}

// breaks matches the breaks taken with those due, and returns a worker's whole
// time in order.
func (c *schedule) breaks(w *optimise.Worker, taken []optimise.BreakTaken) []part {
	parts := slices.Clone(c.by[w.ID])
	var left []optimise.BreakTaken
	for _, b := range taken {
		if b.Worker == w.ID {
			left = append(left, b)
		}
	}
	for _, b := range w.Breaks {
		for _, s := range stretches(w) {
			if b.From < s[0] || b.To > s[1] {
				continue
			}
			i := slices.IndexFunc(left, func(x optimise.BreakTaken) bool {
				return x.Minutes == b.Minutes && x.Start >= b.From && x.Start+x.Minutes <= b.To
			})
			if i < 0 {
				c.bad("worker %s: no break of %d minutes between %d and %d", w.ID, b.Minutes, b.From, b.To)
				continue
			}
			parts = append(parts, part{nil, left[i].Start, left[i].Start + left[i].Minutes})
			left = slices.Delete(left, i, i+1)
		}
	}
	for _, b := range left {
		c.bad("worker %s: a break at %d that is not due", w.ID, b.Start)
	}
	sort.Slice(parts, func(i, j int) bool { return parts[i].from < parts[j].from })
	return parts
}

// minutes is how long a way takes at the full speed of the worker's mode.
func minutes(p *optimise.Problem, w *optimise.Worker, a, b *optimise.Place) int {
	if a == nil || b == nil {
		return 0
	}
	travel := p.Travel
	if travel == nil {
		travel = optimise.Estimate{}
	}
	if by, ok := travel.(optimise.ByMode); ok {
		return by.MinutesBy(w.Mode, *a, *b)
	}
	return travel.Minutes(*a, *b)
}

// arrive lets a way pass minute by minute, each as fast as the traffic is then.
func arrive(p *optimise.Problem, w *optimise.Worker, depart, way int) int {
	t := depart
	for left := 100 * way; left > 0; t++ {
		left -= speed(p, w.Mode, t)
	}
	return t
}

func speed(p *optimise.Problem, mode optimise.Mode, t int) int {
	percent := 100
	for _, x := range p.Traffic {
		weekday := ((day(t) % 7) + 7) % 7
		if x.Mode != mode || (len(x.Days) > 0 && !slices.Contains(x.Days, weekday)) {
			continue
		}
		// in force is the latest begun today, or else the latest of all, from yesterday
		minute := t - day(t)*optimise.DayMinutes
		best, last := -1, 0
		for i, b := range x.Bands {
			if b.From <= minute && (best < 0 || b.From >= x.Bands[best].From) {
				best = i
			}
			if b.From >= x.Bands[last].From {
				last = i
			}
		}
		if best < 0 {
			best = last
		}
		percent = x.Bands[best].Percent
	}
	return percent
}

// trip is what a worker does in one stretch.
type trip struct {
	from             int
	visits, work     int // work is visits and travel
	ride, over, late int // minutes on the way, of overtime; visits that end in the evening
	last             *optimise.Visit
}

// walk follows a worker through a stretch. Where wrong is not nil it is told every
// start that cannot be.
func walk(p *optimise.Problem, w *optimise.Worker, s [2]int, parts []part, wrong func(format string, args ...any)) trip {
	out := trip{from: s[0]}
	at, now, home := w.Start, s[0], s[0]
	ride, way, back, left := 0, 0, 0, false
	for _, x := range parts {
		if x.visit != nil && x.visit.Place != nil {
			usual := minutes(p, w, at, x.visit.Place)
			there := arrive(p, w, now, usual)
			way += usual
			ride += there - now
			now, at, left = there, x.visit.Place, true
		}
		if x.from < now && wrong != nil {
			what := "a break"
			if x.visit != nil {
				what = "visit " + x.visit.ID
			}
			wrong("worker %s: %s starts at %d, there at %d", w.ID, what, x.from, now)
		}
		now = x.to
		if x.visit == nil {
			continue
		}
		out.visits++
		out.work += x.visit.Minutes
		out.last = x.visit
		if x.to-day(x.from)*optimise.DayMinutes > evening(p) {
			out.late++
		}
		home, back = now, 0 // who has not left the base is back
		if left || at == nil || w.End == nil || *at != *w.End {
			back = minutes(p, w, at, w.End)
			home = arrive(p, w, now, back)
		}
		out.ride = ride + home - now
	}
	if out.visits > 0 {
		out.work += way + back
	}
	out.over = max(0, home-s[1])
	return out
}

func evening(p *optimise.Problem) int {
	if p.Evening == 0 {
		return 17 * 60
	}
	return p.Evening
}

// inside are the parts of a stretch, those that run into overtime included.
func inside(parts []part, s [2]int, over int) []part {
	var out []part
	for _, x := range parts {
		if x.from >= s[0] && x.to <= s[1]+over {
			out = append(out, x)
		}
	}
	return out
}

func (c *schedule) worker(w *optimise.Worker, parts []part) {
	minutes, visits := map[int]int{}, map[int]int{}
	weekMinutes, weekVisits := map[int]int{}, map[int]int{}
	last := map[int]*optimise.Visit{}
	left := len(parts)
	for _, s := range stretches(w) {
		over := overtime(w, s)
		own := inside(parts, s, over)
		left -= len(own)
		x := walk(&c.p, w, s, own, c.bad)
		if x.visits == 0 {
			continue
		}
		if x.over > over {
			c.bad("worker %s: back %d minutes after the stretch that ends at %d, allowed %d", w.ID, x.over, s[1], over)
		}
		minutes[day(s[0])] += x.work
		visits[day(s[0])] += x.visits
		weekMinutes[week(s[0])] += x.work
		weekVisits[week(s[0])] += x.visits
		last[day(s[0])] = x.last
	}
	if left != 0 {
		c.bad("worker %s: %d visits outside the hours worked", w.ID, left)
	}
	for _, limit := range []struct {
		had  map[int]int
		most int
		what string
	}{
		{minutes, w.MaxDayMinutes, "minutes on day"},
		{visits, w.MaxDayVisits, "visits on day"},
		{weekMinutes, w.MaxWeekMinutes, "minutes in week"},
		{weekVisits, w.MaxWeekVisits, "visits in week"},
	} {
		for k, n := range limit.had {
			if limit.most > 0 && n > limit.most {
				c.bad("worker %s: %d %s %d, limit %d", w.ID, n, limit.what, k, limit.most)
			}
		}
	}
	for d, v := range last {
		if v.NotLast {
			c.bad("worker %s: visit %s is the last of day %d", w.ID, v.ID, d)
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
