package optimise

import (
	"math"
	"slices"
)

// pSeries are the visits of one family and what holds for all of them.
type pSeries struct {
	visits     []int32
	perDay     int32
	perWeek    int32
	spacing    int32
	notRunning bool
	steady     bool
	weekdays   int // weekdays that cost nothing
	met        []int32
	maxFaces   int
	knownFirst bool
	regular    []int32
	subs       bool // substitutes are bounded
	subsLeft   int  // visits
	notTwice   bool // never substitutes running
	lastWas    bool
}

// together says whether a team must be looked at as one to keep the rules.
func (x *pSeries) together() bool {
	return x.knownFirst || x.subs || x.maxFaces < math.MaxInt
}

func (x *pSeries) knows(w int32) bool {
	return slices.Contains(x.met, w) || slices.Contains(x.regular, w)
}

// addSeries is the number of a series, a new one if it has none.
func (c *plan) addSeries(name string) int32 {
	k, ok := c.seriesOf[name]
	if !ok {
		k = int32(len(c.series))
		c.seriesOf[name] = k
		c.series = append(c.series, pSeries{perDay: math.MaxInt32, perWeek: math.MaxInt32, maxFaces: math.MaxInt, weekdays: 1})
	}
	return k
}

func (c *plan) numberSeries(i int32) {
	v := &c.p.Visits[i]
	if v.Series == "" {
		return
	}
	x := &c.series[c.addSeries(v.Series)]
	x.visits = append(x.visits, i)
	x.hear(v)
}

// hear takes in what a visit says for all of its series.
func (x *pSeries) hear(v *Visit) {
	x.spacing = max(x.spacing, int32(v.Spacing))
	if v.PerDay > 0 {
		x.perDay = min(x.perDay, int32(v.PerDay))
	}
}

// ask hears all visits of a series anew.
func (x *pSeries) ask(all []Visit) {
	x.perDay, x.spacing = math.MaxInt32, 0
	for _, v := range x.visits {
		x.hear(&all[v])
	}
}

// numberFamilies fills in the rules of families, those without a visit included:
// one may yet be asked about.
func (c *plan) numberFamilies() {
	for i := range c.p.Families {
		f := &c.p.Families[i]
		x := &c.series[c.addSeries(f.Series)]
		x.met, x.regular = c.numbers(f.Met), c.numbers(f.Regular)
		x.notRunning, x.steady = f.NotRunning, f.SteadyWeekday
		x.knownFirst = f.KnownFirst && len(f.Regular)+len(f.Met) > 0
		if f.PerWeek > 0 {
			x.perWeek, x.weekdays = int32(f.PerWeek), f.PerWeek
		}
		if f.MaxWorkers > 0 {
			// those who came and left the agency count too
			x.maxFaces = f.MaxWorkers - len(unique(f.Met)) + len(x.met)
		}
		if s := f.Substitutes; s != nil {
			x.subs, x.subsLeft, x.notTwice, x.lastWas = true, s.Most-s.Used, s.NeverRunning, s.LastWas
			c.mendable = c.mendable || s.NeverRunning
		}
	}
	for i := range c.workers {
		families := unique(c.p.Workers[i].Families)
		for _, f := range families {
			c.workers[i].families = append(c.workers[i].families, c.addSeries(f))
		}
		if w := &c.workers[i]; w.caseload < math.MaxInt32 {
			w.caseload -= int32(len(families))
		}
	}
}

func unique(a []string) []string {
	a = slices.Clone(a)
	slices.Sort(a)
	return slices.Compact(a)
}

// face is a worker a series has met, and in how many parts of placed visits.
type face struct {
	worker, parts int32
	met           bool // before the problem began
}

// seen is a placed visit of a series.
type seen struct {
	date       int32
	substitute bool // by none of the family's own workers
}

func newFaces(c *plan) [][]face {
	out := make([][]face, len(c.series))
	for k := range c.series {
		for _, w := range c.series[k].met {
			out[k] = append(out[k], face{worker: w, met: true})
		}
	}
	return out
}

// countSeries keeps the series' faces and dates, the workers' families, their cost
// and the rules they break.
func (s *state) countSeries(v int32, tours [maxRoles]int32, add bool) {
	pv := &s.visits[v]
	k := pv.series
	if k < 0 {
		return
	}
	x := &s.series[k]
	spacing, weekday, running := s.spacingCost(k), s.weekdayCost(k), s.running(k)
	faces := s.faces[k]
	s.cost.Continuity -= s.facesCost(k, faces)
	substitute := x.subs
	for r := range pv.roles {
		w := s.plan.tours[tours[r]].worker
		substitute = substitute && !slices.Contains(x.regular, w)
		faces = s.countFace(k, faces, w, add)
	}
	s.faces[k] = faces
	s.cost.Continuity += s.facesCost(k, faces)
	one := seen{s.plan.tours[tours[0]].date, substitute}
	if substitute {
		s.subs[k] += sign(add)
	}
	if add {
		at, _ := slices.BinarySearchFunc(s.dates[k], one.date, bySeen)
		s.dates[k] = slices.Insert(s.dates[k], at, one)
	} else {
		at := slices.Index(s.dates[k], one)
		s.dates[k] = slices.Delete(s.dates[k], at, at+1)
	}
	s.cost.Spacing += s.spacingCost(k) - spacing
	s.cost.Weekday += s.weekdayCost(k) - weekday
	s.breach += s.running(k) - running
}

func bySeen(a seen, date int32) int { return int(a.date) - int(date) }

func sign(add bool) int {
	if add {
		return 1
	}
	return -1
}

func (s *state) countFace(k int32, faces []face, w int32, add bool) []face {
	at := slices.IndexFunc(faces, func(f face) bool { return f.worker == w })
	if add && at < 0 {
		at = len(faces)
		faces = append(faces, face{worker: w})
	}
	if add {
		if faces[at].parts++; faces[at].parts == 1 && !s.onCaseload(w, k) {
			s.families[w]++
		}
		return faces
	}
	if faces[at].parts--; faces[at].parts == 0 {
		if !s.onCaseload(w, k) {
			s.families[w]--
		}
		if !faces[at].met {
			faces[at] = faces[len(faces)-1]
			return faces[:len(faces)-1]
		}
	}
	return faces
}

func (s *state) facesCost(k int32, f []face) int64 {
	return int64(max(0, len(f)-max(1, len(s.series[k].met)))) * int64(s.w.NewFace)
}

func (s *state) spacingCost(series int32) int64 {
	wish := s.series[series].spacing
	if wish == 0 {
		return 0
	}
	var short int64
	d := s.dates[series]
	for i := 1; i < len(d); i++ {
		short += int64(max(0, wish-(d[i].date-d[i-1].date)))
	}
	return short * int64(s.w.SpacingDay)
}

func (s *state) weekdayCost(series int32) int64 {
	x := &s.series[series]
	if !x.steady {
		return 0
	}
	used := 0
	for i := range s.dates[series] {
		if !onWeekdayOf(s.dates[series][:i], s.dates[series][i].date) {
			used++
		}
	}
	return int64(max(0, used-x.weekdays)) * int64(s.w.Weekday)
}

func onWeekdayOf(d []seen, date int32) bool {
	return slices.ContainsFunc(d, func(x seen) bool { return (x.date-date)%7 == 0 })
}

// running is how often substitutes come on two visiting days of a series running,
// where they may not.
func (s *state) running(series int32) int {
	n, _ := s.runs(series)
	return n
}

// runs counts them, and names the later day of the first.
func (s *state) runs(series int32) (n int, first int32) {
	x := &s.series[series]
	if !x.notTwice {
		return 0, 0
	}
	before := x.lastWas
	d := s.dates[series]
	for i := 0; i < len(d); {
		now, date := false, d[i].date
		for ; i < len(d) && d[i].date == date; i++ {
			now = now || d[i].substitute
		}
		if now && before {
			if n++; n == 1 {
				first = date
			}
		}
		before = now
	}
	return n, first
}
