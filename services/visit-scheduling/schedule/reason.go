package schedule

// Reason is why a visit has no place, or what a placement breaks.
type Reason string

// Why a visit is unplaced. Those that name a rule are proved: with it relaxed, as
// one of the visit's remedies says, the visit has a place.
const (
	NotYetPlanned   Reason = "not_yet_planned"   // the planner has not come to it
	BeyondHorizon   Reason = "beyond_horizon"    // its week is later than those that are planned yet
	TakenFromWorker Reason = "taken_from_worker" // it lost its worker and is being placed again
	WeekOver        Reason = "week_over"         // no day of its week is left
	Holiday         Reason = "holiday"           // the days that are left are holidays
	FamilyNotFree   Reason = "family_not_free"   // on the days that are left the family is away, or the child at school
	TooFewWorkers   Reason = "too_few_workers"   // nobody, or no pair, is there for it whatever is relaxed
	SkillMissing    Reason = "skill_missing"     // who could come lacks a skill
	LanguageMissing Reason = "language_missing"  // who could come does not speak the language
	AllExcluded     Reason = "all_excluded"      // who could come may not see this family
	OutsideHours    Reason = "outside_hours"     // who could come does not work when the family can be visited
	WorkersAbsent   Reason = "workers_absent"    // who could come is away
	FullyBooked     Reason = "fully_booked"      // who could come is with other families
	DayLimit        Reason = "day_limit"         // the family has its visits of every day that would do
	AttributeAsked  Reason = "attribute_missing" // none of those is as the family asked
	InTheDark       Reason = "in_the_dark"       // there is no daylight when the family can be visited
	WorkerLimits    Reason = "worker_limits"     // they have as much work, or as many families, as was agreed
	LastOfDay       Reason = "last_of_day"       // it would be the last visit of their day
	FamilyRules     Reason = "family_rules"      // substitutes, how many people the family meets, or whom it knows
	NoPlace         Reason = "no_place"          // none was found, nor yet what would give it one
)

// Rule is what a placement breaks.
type Rule string

// What Check looks at.
const (
	RuleUnknownVisit  Rule = "unknown_visit"  // not a visit of this problem
	RulePlacedTwice   Rule = "placed_twice"   // a visit has two places, or a place and a reason
	RuleLost          Rule = "visit_lost"     // a visit has neither a place nor a reason
	RuleUnknownWorker Rule = "unknown_worker" // not a worker of this problem
	RuleWorkersNeeded Rule = "workers_needed" // more or fewer workers than the visit needs, or one twice
	RuleWindow        Rule = "outside_window" // not when the family can be visited
	RuleSkill         Rule = "skill_missing"  // a skill nobody of the visit has
	RuleLanguage      Rule = "language_missing"
	RuleExcluded      Rule = "worker_excluded"
	RuleHours         Rule = "outside_hours"
	RuleAbsent        Rule = "worker_absent"
	RuleDoubleBooked  Rule = "double_booked"
	RuleTravel        Rule = "travel_too_long"
	RuleDayLimit      Rule = "day_limit"
	RuleAttribute     Rule = "attribute_missing" // not as the family asked
	RuleDark          Rule = "in_the_dark"
	RuleLast          Rule = "last_of_day"           // the last visit of a worker's day, which it must not be
	RulePause         Rule = "break_impossible"      // no time is left for a worker's break
	RuleDayWork       Rule = "worker_day_limit"      // more visits or minutes than a worker agreed to in a day
	RuleWeekWork      Rule = "worker_week_limit"     // and in a week
	RuleCaseload      Rule = "caseload_limit"        // a family more than the worker can have
	RuleSubstitutes   Rule = "substitutes_limit"     // a visit by a substitute too many
	RuleRunning       Rule = "substitutes_running"   // two visits running by substitutes
	RulePeople        Rule = "family_meets_too_many" // one person more than the family is to meet
	RuleKnownFirst    Rule = "nobody_known"          // somebody new without one whom the family knows
)

// ruleSentences say to a scheduler what a rule means.
var ruleSentences = map[Rule]string{
	RuleUnknownWorker: "No worker of this agency has that id.",
	RuleWorkersNeeded: "The visit needs as many different workers as its plan says.",
	RuleWindow:        "The visit does not lie in the time it may take place.",
	RuleSkill:         "The workers together do not have the skills the plan asks for.",
	RuleLanguage:      "None of the workers speaks the family's language.",
	RuleExcluded:      "A worker is excluded from this family.",
	RuleHours:         "A worker does not work then, or works too short to come and go.",
	RuleAbsent:        "A worker is away then.",
	RuleDoubleBooked:  "A worker is at another visit then.",
	RuleTravel:        "A worker cannot get there in time from where they are before, or on to where they are next.",
	RuleDayLimit:      "The family already has its visits of that day.",
	RuleAttribute:     "A worker is not as the family asked.",
	RuleDark:          "The visit is to take place in daylight.",
	RuleLast:          "The visit would be the last of a worker's day; another is to come after it.",
	RulePause:         "A worker could not take the break that is due.",
	RuleDayWork:       "A worker would have more work that day than agreed.",
	RuleWeekWork:      "A worker would have more work that week than agreed.",
	RuleCaseload:      "A worker would have more families than agreed.",
	RuleSubstitutes:   "The family has had as many visits by substitutes as it may.",
	RuleRunning:       "The family would have substitutes twice running.",
	RulePeople:        "The family would meet more different workers than it is to.",
	RuleKnownFirst:    "Somebody new comes only together with a worker the family knows.",
}

// Sentence says what the rule means, for a person.
func (r Rule) Sentence() string {
	if s, ok := ruleSentences[r]; ok {
		return s
	}
	return "The schedule is not whole: " + string(r) + "."
}
