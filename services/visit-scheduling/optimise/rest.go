package optimise

import "slices"

// restOut is the price of a break not taken: far above every schedule, so that no
// search ends without one.
const restOut = int64(1) << 44

// addBreaks makes a visit of every break that is due: a remote one, by its worker
// alone, in the stretch that holds its window.
func (c *plan) addBreaks() {
	c.p.Visits = slices.Clip(c.p.Visits)
	for i := range c.workers {
		own := c.alone(int32(i))
		for _, b := range c.p.Workers[i].Breaks {
			for _, t := range c.workers[i].tours {
				def := &c.tours[t]
				if int32(b.From) < def.from || int32(b.To) > def.due {
					continue
				}
				c.p.Visits = append(c.p.Visits, Visit{})
				c.visits = append(c.visits, pVisit{
					place: -1, minutes: int32(b.Minutes), windows: []Window{b.Window}, roles: 1, able: []crew{own},
					series: -1, leaveOut: restOut, start: -1 << 31, rest: true,
				})
			}
		}
	}
}

// takeBreaks puts every break into its tour. On empty tours that always works:
// their windows lie in the tour and not on each other.
func (s *state) takeBreaks() {
	f := finder{state: s}
	for v := range s.visits {
		if !s.visits[v].rest {
			continue
		}
		if c, ok := f.best(int32(v), nil, restOut); ok {
			s.put(int32(v), c.spots[:1], c.starts[:])
		}
	}
	s.accept()
}

// breaks reads when the workers of some tours rest.
func (s *state) breaks(tours []int32) []BreakTaken {
	var out []BreakTaken
	for _, t := range tours {
		out = append(out, s.plan.breaks(int(t), &s.tours[t])...)
	}
	return out
}

func (c *plan) breaks(t int, tr *tour) []BreakTaken {
	var out []BreakTaken
	for _, x := range tr.stops {
		if v := &c.visits[x.visit]; v.rest {
			out = append(out, BreakTaken{c.p.Workers[c.tours[t].worker].ID, int(x.start), int(v.minutes)})
		}
	}
	return out
}

func (c *plan) allBreaks(tours []tour) []BreakTaken {
	var out []BreakTaken
	for t := range tours {
		out = append(out, c.breaks(t, &tours[t])...)
	}
	return out
}

// dueBreaks are those of a worker's breaks that are due in their hours.
func dueBreaks(w *Worker) []Break {
	var out []Break
	spans := subtract(merge(w.Shifts), merge(w.Absences))
	for _, b := range w.Breaks {
		if slices.ContainsFunc(spans, func(s Window) bool { return s.From <= b.From && b.To <= s.To }) {
			out = append(out, b)
		}
	}
	return out
}
