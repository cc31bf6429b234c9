package optimise

import "slices"

// unable is the rule by which a worker may not take a part of a visit.
func (c *plan) unable(v, k, w int32) Rule {
	visit, worker := &c.p.Visits[v], &c.p.Workers[w]
	var role Role
	if len(visit.Roles) > 0 {
		role = visit.Roles[k]
	}
	switch {
	case slices.Contains(visit.Excluded, worker.ID):
		return RuleExclusion
	case !worker.meets(&Role{Skills: role.Skills, Levels: role.Levels}):
		return RuleSkill
	case !within(role.Languages, worker.Languages):
		return RuleLanguage
	case !within(role.Attributes, worker.Attributes):
		return RuleAttribute
	}
	return RuleKnown
}

// off is the rule by which a worker does not work then.
func (c *plan) off(w, from, to int32) Rule {
	for _, a := range c.p.Workers[w].Absences {
		if int32(a.From) < to && int32(a.To) > from {
			return RuleAbsence
		}
	}
	return RuleShift
}

// closed is the rule by which a visit may not start then.
func (c *plan) closed(v, start int32) Rule {
	visit := &c.p.Visits[v]
	for _, w := range visit.Windows {
		if int32(w.From) <= start && start+int32(visit.Minutes) <= int32(w.To) {
			return RuleDark
		}
	}
	return RuleWindow
}

// unfaced is the rule by which a worker may not come to the family, "" if none.
func (s *state) unfaced(pv *pVisit, w int32) Rule {
	if _, ok := s.faceCost(pv, w); ok {
		return ""
	}
	free := *pv
	free.free |= freeCaseload
	if _, ok := s.faceCost(&free, w); ok {
		return RuleCaseload
	}
	return RuleWorkers
}

// crowded is the rule by which a family has no more visits on a date.
func (s *state) crowded(pv *pVisit, date int32) Rule {
	free := *pv
	free.free |= freePerDay
	if _, ok := s.dateCost(&free, date); ok {
		return RulePerDay
	}
	return RulePattern
}

// unfit is the rule by which a team may not come: the one without which it may.
func (f *finder) unfit(v int32, spots []spot) Rule {
	pv := &f.visits[v]
	was := pv.free
	defer func() { pv.free = was }()
	for _, x := range []struct {
		free freedom
		rule Rule
	}{{freeTeam, RuleTeam}, {freeKnown, RuleKnown}, {freeFaces, RuleWorkers}} {
		if pv.free = was | x.free; f.fits(v, spots) {
			return x.rule
		}
	}
	return RuleSubstitute
}
