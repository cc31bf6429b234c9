package api

import "github.com/hearthfps/hearth/services/visit-scheduling/schedule"

// showTerms adds what was agreed with a worker; what was not is left out.
func showTerms(shown *Worker, t schedule.Terms) {
	if t.Levels != nil {
		shown.SkillLevels = ptr(each(t.Levels, func(l schedule.SkillLevel) SkillLevel { return SkillLevel{Skill: l.Skill, Level: l.Level} }))
	}
	if t.Attributes != nil {
		shown.Attributes = ptr(each(t.Attributes, text[string, Code]))
	}
	shown.TravelMode = orNil(TravelMode(t.TravelMode))
	if t.Breaks != nil {
		shown.Breaks = ptr(each(t.Breaks, func(b schedule.Break) WorkBreak {
			return WorkBreak{From: b.From.String(), To: b.To.String(), Minutes: b.Minutes}
		}))
	}
	if l := t.Limits; l != nil {
		shown.Limits = &WorkLimits{
			DayMinutes: orNil(l.DayMinutes), WeekMinutes: orNil(l.WeekMinutes), DayVisits: orNil(l.DayVisits), WeekVisits: orNil(l.WeekVisits),
			OvertimeMinutes: orNil(l.OvertimeMinutes), Families: orNil(l.Families),
		}
	}
}

// termsOf reads what was agreed with a worker as sent; what was left out is nil.
func termsOf(body WorkerWrite) (t schedule.Terms, err error) {
	if body.SkillLevels != nil {
		t.Levels = each(*body.SkillLevels, func(l SkillLevel) schedule.SkillLevel { return schedule.SkillLevel{Skill: l.Skill, Level: l.Level} })
	}
	if body.Attributes != nil {
		t.Attributes = each(*body.Attributes, text[Code, string])
	}
	if body.TravelMode != nil {
		t.TravelMode = string(*body.TravelMode)
	}
	if body.Breaks != nil {
		t.Breaks = []schedule.Break{}
		for _, b := range *body.Breaks {
			rest := schedule.Break{Minutes: b.Minutes}
			if rest.From, err = schedule.ParseTimeOfDay(b.From); err != nil {
				return t, err
			}
			if rest.To, err = schedule.ParseTimeOfDay(b.To); err != nil {
				return t, err
			}
			t.Breaks = append(t.Breaks, rest)
		}
	}
	if l := body.Limits; l != nil {
		t.Limits = &schedule.Limits{
			DayMinutes: given0(l.DayMinutes), WeekMinutes: given0(l.WeekMinutes), DayVisits: given0(l.DayVisits), WeekVisits: given0(l.WeekVisits),
			OvertimeMinutes: given0(l.OvertimeMinutes), Families: given0(l.Families),
		}
	}
	return t, nil
}

// given0 is the number that was given, or 0.
func given0(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

// showAsks adds what a family asked for and its plan allows; what it does not is
// left out.
func showAsks(shown *VisitPattern, a schedule.Asks) {
	if a.Levels != nil {
		shown.SkillLevels = ptr(each(a.Levels, func(l schedule.SkillLevel) SkillLevel { return SkillLevel{Skill: l.Skill, Level: l.Level} }))
	}
	if a.Wishes != nil {
		wishes := make([]struct {
			Attribute Code  `json:"attribute"`
			Must      *bool `json:"must,omitempty"`
		}, len(a.Wishes))
		for i, w := range a.Wishes {
			wishes[i].Attribute, wishes[i].Must = w.Attribute, orNil(w.Must)
		}
		shown.Wishes = &wishes
	}
	if p := a.People; p != nil {
		shown.People = &struct {
			Days int `json:"days"`
			Most int `json:"most"`
		}{p.Days, p.Most}
	}
	if s := a.Substitutes; s != nil {
		shown.Substitutes = &struct {
			Most         int   `json:"most"`
			NeverRunning *bool `json:"never_running,omitempty"`
		}{s.Most, orNil(s.NeverRunning)}
	}
	shown.KnownFirst, shown.Daylight, shown.NotLast = orNil(a.KnownFirst), orNil(a.Daylight), orNil(a.NotLast)
}
