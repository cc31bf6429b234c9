package schedule

import (
	"cmp"
	"slices"
)

// Remedy is what would give a visit without a place one while everything else
// stays to the minute where it is: rules relaxed no further than the place needs,
// and the place. It is proved: Standing.With(remedy) keeps every rule.
type Remedy struct {
	Steps []Step `json:"steps"`
	// Place is what the visit would get. Workers who would have to be found
	// (RuleWorkersNeeded) are not in it.
	Place Slot `json:"place"`
}

// Step is one rule relaxed. Which fields say something depends on the rule:
//
//	outside_window   Span: when the family would have to be visited
//	outside_hours    Workers, Span: when they would have to work, Minutes more than they do
//	worker_absent    Workers, Span: when they would have to be there
//	skill_missing    Skills that one of the visit's workers would have to have
//	language_missing Language that one of them would have to speak
//	worker_excluded  nothing: who is excluded is nobody's remedy
//	double_booked    Visits that would have to give way
//	day_limit        Span: the day that would hold one more visit of the family
//	workers_needed   Workers to be found: More of them with all Skills, Attributes and the Language, there in Span
//	attribute_missing Attributes, and the Workers who would have to have them
//	in_the_dark, last_of_day  Span: when the visit would be
//	break_impossible Workers who would go without their break in Span
//	worker_day_limit, worker_week_limit, caseload_limit  Workers of whom more would be asked than agreed
//	the rules of families  nothing more
type Step struct {
	Rule    Rule       `json:"rule"`
	Workers []WorkerID `json:"workers,omitempty"`
	Skills  []string   `json:"skills,omitempty"`
	// Levels are those that Skills would have to be held at, where one is asked.
	Levels     []SkillLevel `json:"levels,omitempty"`
	Attributes []string     `json:"attributes,omitempty"`
	Language   string       `json:"language,omitempty"`
	Span       *Span        `json:"span,omitempty"`
	Minutes    int          `json:"minutes,omitempty"`
	Visits     []VisitID    `json:"visits,omitempty"`
	More       int          `json:"more,omitempty"`
}

// mostRemedies is how many remedies of a visit are kept: nobody reads more.
const mostRemedies = 5

// reasonOf is the reason a relaxed rule stands for.
var reasonOf = map[Rule]Reason{
	RuleWindow: OutsideHours, RuleHours: OutsideHours, RuleAbsent: WorkersAbsent, RuleSkill: SkillMissing, RuleLanguage: LanguageMissing,
	RuleExcluded: AllExcluded, RuleDoubleBooked: FullyBooked, RuleDayLimit: DayLimit, RuleWorkersNeeded: TooFewWorkers,
	RuleAttribute: AttributeAsked, RuleDark: InTheDark, RuleLast: LastOfDay, RulePause: WorkerLimits, RuleDayWork: WorkerLimits,
	RuleWeekWork: WorkerLimits, RuleCaseload: WorkerLimits, RuleSubstitutes: FamilyRules, RuleRunning: FamilyRules, RulePeople: FamilyRules,
	RuleKnownFirst: FamilyRules,
}

// Explained is a leftover with the remedies that were found for it, the easiest
// mostRemedies first, and the reasons they stand for. Remedies that would set an
// exclusion aside are a reason and no remedy. With none the reasons stay as they are.
func (l Leftover) Explained(remedies []Remedy) Leftover {
	if len(remedies) == 0 {
		return l
	}
	remedies = slices.Clone(remedies)
	slices.SortStableFunc(remedies, func(a, b Remedy) int { return cmp.Compare(a.effort(), b.effort()) })
	l.Reasons, l.Remedies = nil, nil
	for _, r := range remedies {
		if len(l.Remedies) == mostRemedies && r.Allowed() {
			continue
		}
		for _, s := range r.Steps {
			if reason := reasonOf[s.Rule]; !slices.Contains(l.Reasons, reason) {
				l.Reasons = append(l.Reasons, reason)
			}
		}
		if r.Allowed() {
			l.Remedies = append(l.Remedies, r)
		}
	}
	return l
}

// Allowed says whether somebody may go by the remedy: it sets no exclusion aside.
func (r Remedy) Allowed() bool { return !r.relaxes(RuleExcluded) }

func (r Remedy) equal(o Remedy) bool {
	return r.Place.StartsAt.Equal(o.Place.StartsAt) && r.Place.EndsAt.Equal(o.Place.EndsAt) && slices.Equal(r.Place.Workers, o.Place.Workers) &&
		slices.EqualFunc(r.Steps, o.Steps, func(a, b Step) bool {
			span := (a.Span == nil) == (b.Span == nil) && (a.Span == nil || a.Span.From.Equal(b.Span.From) && a.Span.To.Equal(b.Span.To))
			return span && a.Rule == b.Rule && a.Language == b.Language && a.Minutes == b.Minutes && a.More == b.More &&
				slices.Equal(a.Workers, b.Workers) && slices.Equal(a.Skills, b.Skills) && slices.Equal(a.Levels, b.Levels) &&
				slices.Equal(a.Attributes, b.Attributes) && slices.Equal(a.Visits, b.Visits)
		})
}

func (r Remedy) relaxes(rule Rule) bool {
	return slices.ContainsFunc(r.Steps, func(s Step) bool { return s.Rule == rule })
}

// effort orders remedies by what they ask of people, the least first.
func (r Remedy) effort() int {
	order := []Rule{
		RuleHours, RuleWindow, RuleDayLimit, RulePause, RuleDayWork, RuleWeekWork, RuleCaseload, RuleLast, RuleDark, RulePeople, RuleRunning, RuleSubstitutes,
		RuleKnownFirst, RuleDoubleBooked, RuleLanguage, RuleSkill, RuleAttribute, RuleAbsent, RuleExcluded, RuleWorkersNeeded,
	}
	sum := 0
	for _, s := range r.Steps {
		sum += 30 + slices.Index(order, s.Rule)
	}
	return sum
}
