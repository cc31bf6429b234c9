package optimise

import "slices"

// offender is a visit whose removal undoes a breach: the last of a day that must
// not be the last, or the later of two substitutes' running. There must be one.
// Visits that may be moved go first.
func (s *state) offender() int32 {
	found := int32(-1)
	consider := func(v int32) {
		if found < 0 || (s.visits[found].locked && !s.visits[v].locked) {
			found = v
		}
	}
	for d, risk := range s.dayRisk {
		if !risk {
			continue
		}
		for i := len(s.dayTours[d]) - 1; i >= 0; i-- {
			if tr := &s.tours[s.dayTours[d][i]]; tr.visits > 0 {
				consider(tr.stops[tr.last].visit)
				break
			}
		}
	}
	for k := range s.series {
		n, date := s.runs(int32(k))
		for _, v := range s.series[k].visits {
			if n > 0 && s.placed(v) && s.plan.tours[s.where[v*maxRoles]].date == date && s.isSubstituted(v) {
				consider(v)
			}
		}
	}
	return found
}

// isSubstituted says whether a placed visit is made by none of the family's own.
func (s *state) isSubstituted(v int32) bool {
	pv := &s.visits[v]
	for r := range pv.roles {
		if slices.Contains(s.series[pv.series].regular, s.plan.tours[s.where[v*maxRoles+r]].worker) {
			return false
		}
	}
	return true
}
