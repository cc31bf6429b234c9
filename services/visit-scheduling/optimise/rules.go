package optimise

import (
	"math"
	"slices"
)

// dateCost is what one more visit of the series on a date would cost, or false
// when the series may have no more then.
func (s *state) dateCost(pv *pVisit, date int32) (int64, bool) {
	if pv.series < 0 {
		return 0, true
	}
	x := &s.series[pv.series]
	d := s.dates[pv.series]
	at, _ := slices.BinarySearchFunc(d, date, bySeen)
	same := 0
	for at+same < len(d) && d[at+same].date == date {
		same++
	}
	if int32(same) >= x.perDay && pv.free&freePerDay == 0 {
		return 0, false
	}
	if pv.free&freePattern == 0 && !x.patternAllows(d, at, at+same, date) {
		return 0, false
	}
	var c int64
	if x.spacing > 0 {
		short := func(gap int32) int64 { return int64(max(0, x.spacing-gap)) }
		if at > 0 {
			c += short(date - d[at-1].date)
		}
		if at < len(d) {
			c += short(d[at].date - date)
		}
		if at > 0 && at < len(d) {
			c -= short(d[at].date - d[at-1].date)
		}
		c *= int64(s.w.SpacingDay)
	}
	if x.steady && !onWeekdayOf(d, date) {
		used := 0
		for i := range d {
			if !onWeekdayOf(d[:i], d[i].date) {
				used++
			}
		}
		if used >= x.weekdays {
			c += int64(s.w.Weekday)
		}
	}
	return c, true
}

// patternAllows says whether the week and the days around a date have room for
// one more. d[from:to] are the visits of that date.
func (x *pSeries) patternAllows(d []seen, from, to int, date int32) bool {
	if x.notRunning && (from > 0 && d[from-1].date == date-1 || to < len(d) && d[to].date == date+1) {
		return false
	}
	if x.perWeek == math.MaxInt32 {
		return true
	}
	week, n := floorDiv(int(date), 7), int32(0)
	for _, v := range d {
		if floorDiv(int(v.date), 7) == week {
			n++
		}
	}
	return n < x.perWeek
}

// faceCost is what sending a worker adds to the series' continuity, or false when
// the family may meet no more people or the worker no more families.
func (s *state) faceCost(pv *pVisit, worker int32) (int64, bool) {
	k := pv.series
	if k < 0 {
		return 0, true
	}
	faces := s.faces[k]
	at := -1
	for i := range faces {
		if faces[i].worker == worker {
			at = i
			break
		}
	}
	if at >= 0 && faces[at].parts > 0 {
		return 0, true
	}
	w, x := &s.workers[worker], &s.series[k]
	if s.families[worker] >= w.caseload && pv.free&freeCaseload == 0 && !s.onCaseload(worker, k) {
		return 0, false
	}
	if at >= 0 {
		return 0, true
	}
	if len(faces) >= x.maxFaces && pv.free&freeFaces == 0 {
		return 0, false
	}
	if len(faces) < max(1, len(x.met)) {
		return 0, true
	}
	return int64(s.w.NewFace), true
}

// strangerCost is the least it costs to send one whom the family neither knows nor
// has met.
func (s *state) strangerCost(pv *pVisit) int64 {
	points := int64(pv.stranger + pv.changed)
	if k := pv.series; k >= 0 && len(s.faces[k]) >= max(1, len(s.series[k].met)) {
		points += int64(s.w.NewFace)
	}
	return points
}

func (s *state) onCaseload(worker, series int32) bool {
	return slices.Contains(s.workers[worker].families, series)
}

// substitutable says whether the series may have one more visit by a substitute
// on a date.
func (s *state) substitutable(pv *pVisit, date int32) bool {
	x := &s.series[pv.series]
	if pv.free&freeSubstitute != 0 {
		return true
	}
	if s.subs[pv.series] >= x.subsLeft {
		return false
	}
	if !x.notTwice || s.loose {
		return true
	}
	d := s.dates[pv.series]
	at, _ := slices.BinarySearchFunc(d, date, bySeen)
	to := at
	for to < len(d) && d[to].date == date {
		to++
	}
	before := x.lastWas
	for i := at - 1; i >= 0; i-- {
		before = i != at-1 && before || d[i].substitute
		if i == 0 || d[i-1].date != d[i].date {
			break
		}
	}
	after := false
	for i := to; i < len(d) && d[i].date == d[to].date; i++ {
		after = after || d[i].substitute
	}
	return !before && !after
}

// fits says whether a team keeps the rules that look at all of it.
func (f *finder) fits(v int32, spots []spot) bool {
	visit, pv := &f.p.Visits[v], &f.visits[v]
	has := func(of func(*Worker) []string, need string) bool {
		for _, sp := range spots {
			if slices.Contains(of(&f.p.Workers[f.plan.tours[sp.tour].worker]), need) {
				return true
			}
		}
		return false
	}
	if pv.free&freeTeam == 0 {
		for _, need := range visit.TeamSkills {
			if !has(func(w *Worker) []string { return w.Skills }, need) {
				return false
			}
		}
		for _, need := range visit.TeamLanguages {
			if !has(func(w *Worker) []string { return w.Languages }, need) {
				return false
			}
		}
	}
	if len(spots) < 2 || pv.series < 0 {
		return true
	}
	x := &f.series[pv.series]
	known, regular, fresh := false, false, 0
	for _, sp := range spots {
		w := f.plan.tours[sp.tour].worker
		known = known || x.knows(w)
		regular = regular || slices.Contains(x.regular, w)
		if !slices.ContainsFunc(f.faces[pv.series], func(g face) bool { return g.worker == w }) {
			fresh++
		}
	}
	switch {
	case x.knownFirst && !known && pv.free&freeKnown == 0:
		return false
	case x.maxFaces < math.MaxInt && fresh > 0 && len(f.faces[pv.series])+fresh > x.maxFaces && pv.free&freeFaces == 0:
		return false
	}
	return !x.subs || regular || f.substitutable(pv, f.plan.tours[spots[0].tour].date)
}
