package schedule

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Words say a remedy as a scheduler reads it, in the agency's zone:
//
//	with w7 working 30 minutes more, until Thu 5 Mar 16:30: Thu 5 Mar 15:00 with w7
//	with somebody who speaks fi: Thu 5 Mar 09:00 with w7
//	with one more worker who speaks fi, on Thu 5 Mar 09:00–12:00: Thu 5 Mar 09:00
func (r Remedy) Words(zone *time.Location) string {
	var steps []string
	for _, s := range r.Steps {
		steps = append(steps, s.words(zone))
	}
	place := r.Place.StartsAt.In(zone).Format(clockFace)
	if len(r.Place.Workers) > 0 {
		place = r.Place.words(zone)
	}
	return "with " + strings.Join(steps, " and ") + ": " + place
}

const clockFace = "Mon 2 Jan 15:04"

func (s Step) words(zone *time.Location) string {
	ids := make([]string, len(s.Workers))
	for i, w := range s.Workers {
		ids[i] = string(w)
	}
	who := strings.Join(ids, " and ")
	span := func() string {
		return s.Span.From.In(zone).Format(clockFace) + "–" + s.Span.To.In(zone).Format("15:04")
	}
	asked := func() string {
		var parts []string
		has := slices.DeleteFunc(slices.Clone(s.Skills), func(skill string) bool {
			return slices.ContainsFunc(s.Levels, func(l SkillLevel) bool { return l.Skill == skill })
		})
		for _, l := range s.Levels {
			has = append(has, fmt.Sprintf("%s at level %d", l.Skill, l.Level))
		}
		if len(has) > 0 {
			parts = append(parts, "has "+strings.Join(has, " and "))
		}
		if s.Language != "" {
			parts = append(parts, "speaks "+s.Language)
		}
		if len(s.Attributes) > 0 {
			parts = append(parts, "is as the family asked ("+strings.Join(s.Attributes, ", ")+")")
		}
		if parts == nil {
			return ""
		}
		return " who " + strings.Join(parts, " and ")
	}
	switch s.Rule {
	case RuleHours:
		return fmt.Sprintf("%s working %d minutes more, %s", who, s.Minutes, span())
	case RuleWindow:
		return "the family visited " + span()
	case RuleAbsent:
		return who + " not away on " + s.Span.From.In(zone).Format("Mon 2 Jan")
	case RuleSkill, RuleLanguage, RuleAttribute:
		return "somebody" + asked()
	case RuleDark:
		return "a visit in the dark"
	case RuleLast:
		return "a visit that is the last of a worker's day"
	case RulePause:
		return who + " without a break on " + s.Span.From.In(zone).Format("Mon 2 Jan")
	case RuleDayWork:
		return who + " with more work that day than agreed"
	case RuleWeekWork:
		return who + " with more work that week than agreed"
	case RuleCaseload:
		return who + " with one family more than agreed"
	case RuleSubstitutes:
		return "one visit more by a substitute"
	case RuleRunning:
		return "substitutes twice running"
	case RulePeople:
		return "one more person in the family"
	case RuleKnownFirst:
		return "somebody new without one whom the family knows"
	case RuleExcluded:
		return "somebody who is excluded"
	case RuleDoubleBooked:
		if len(s.Visits) == 1 {
			return "the time of another visit"
		}
		return fmt.Sprintf("the time of %d other visits", len(s.Visits))
	case RuleDayLimit:
		return "one more visit of the family on " + s.Span.From.In(zone).Format("Mon 2 Jan")
	case RuleWorkersNeeded:
		if s.More == 1 {
			return "one more worker" + asked() + ", " + span()
		}
		return fmt.Sprintf("%d more workers%s between them, %s", s.More, asked(), span())
	}
	return "another rule (" + string(s.Rule) + ")"
}
