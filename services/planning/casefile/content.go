package casefile

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
)

// Content is what a plan says. A draft may be incomplete; Gaps says what is
// missing. Its JSON form is that of the API and of the store.
type Content struct {
	Goals         []Goal        `json:"goals"`
	StartsOn      string        `json:"starts_on,omitempty"` // YYYY-MM-DD
	EndsOn        string        `json:"ends_on,omitempty"`
	VisitPattern  *VisitPattern `json:"visit_pattern,omitempty"`
	ResourceNeeds []string      `json:"resource_needs"`
	Recipients    []string      `json:"recipients"` // person ids of the caregivers to be reminded
}

// Goal is what is to change, in the family's words.
type Goal struct {
	GoalID        string         `json:"goal_id"`
	Domain        string         `json:"domain"`
	Statement     string         `json:"statement"`
	Measure       string         `json:"measure,omitempty"`
	DueOn         string         `json:"due_on,omitempty"`
	FromNeed      *NeedReference `json:"from_need,omitempty"`
	Interventions []Intervention `json:"interventions"`
}

// NeedReference says which assessment a goal came from.
type NeedReference struct {
	AssessmentID      string `json:"assessment_id"`
	Instrument        string `json:"instrument"`
	InstrumentVersion string `json:"instrument_version"`
}

// Intervention is what is done for a goal, by whom and by when; without a day of
// its own, by the day the goal is due.
type Intervention struct {
	Description string      `json:"description"`
	Responsible Responsible `json:"responsible"`
	StartsOn    string      `json:"starts_on,omitempty"`
	DueOn       string      `json:"due_on,omitempty"`
}

// VisitPattern is how the family is visited. Earliest and Latest are the
// agency's local time of day, HH:MM.
type VisitPattern struct {
	TimesAWeek int      `json:"times_a_week"`
	Minutes    int      `json:"minutes"`
	Workers    int      `json:"workers"` // 2: a pair
	Place      string   `json:"place"`
	Skills     []string `json:"skills"`
	Language   string   `json:"language,omitempty"`
	Earliest   string   `json:"earliest"`
	Latest     string   `json:"latest"`
	Weekdays   []string `json:"weekdays"`
	// WithoutChild says that the visits may fall in the hours the child is at school.
	WithoutChild bool `json:"without_child,omitempty"`
	// SkillLevels are how well skills asked for are to be held at least.
	SkillLevels []SkillLevel `json:"skill_levels,omitempty"`
	// Wishes are what the family asked its workers to be.
	Wishes      []Wish       `json:"wishes,omitempty"`
	People      *People      `json:"people,omitempty"`      // nil is no limit
	Substitutes *Substitutes `json:"substitutes,omitempty"` // nil is no limit
	// KnownFirst lets somebody new come only together with one the family knows.
	KnownFirst bool `json:"known_first,omitempty"`
	Daylight   bool `json:"daylight,omitempty"` // over by sunset
	NotLast    bool `json:"not_last,omitempty"` // never a worker's last visit of the day
}

// SkillLevel is how well a skill is to be held at least, 1 to 5.
type SkillLevel struct {
	Skill string `json:"skill"`
	Level int    `json:"level"`
}

// Wish is an attribute of a worker as a neutral code. Must is for what is not to
// be done without.
type Wish struct {
	Attribute string `json:"attribute"`
	Must      bool   `json:"must,omitempty"`
}

// People is the most different workers within some days.
type People struct {
	Most int `json:"most"`
	Days int `json:"days"`
}

// Substitutes is how many visits a year may be made by none of the case's own
// workers, and whether two of them may follow each other.
type Substitutes struct {
	Most         int  `json:"most"`
	NeverRunning bool `json:"never_running,omitempty"`
}

// Limits is what the case's program allows. A zero field is no limit.
type Limits struct {
	MinTimesAWeek, MaxTimesAWeek int
	MinMinutes, MaxMinutes       int
	MaxWorkers                   int
	Places                       []string
	Earliest, Latest             string // HH:MM
	Weekdays                     []string
	Longest                      clock.Deadline // from the day a plan starts
}

// Clone returns a copy that shares nothing with c.
func (c Content) Clone() Content {
	var out Content
	// Content is plain data: it always has a JSON form that reads back.
	b, err := json.Marshal(c)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		panic(fmt.Sprintf("plan content without a JSON form: %v", err))
	}
	return out
}

// Normalise gives every goal an id and every list a value. It fails with
// Unprocessable (goal_id_unknown) for a goal id that before does not have, and
// (goal_id_twice).
func (c *Content) Normalise(before Content, newID func() string) error {
	var fields []fault.Field
	seen := map[string]bool{}
	for i := range c.Goals {
		g := &c.Goals[i]
		at := fmt.Sprintf("/goals/%d/goal_id", i)
		switch {
		case g.GoalID == "":
			g.GoalID = newID()
		case !slices.ContainsFunc(before.Goals, func(b Goal) bool { return b.GoalID == g.GoalID }):
			fields = append(fields, fault.Field{Pointer: at, Code: "goal_id_unknown", Detail: "Leave it out for a new goal."})
		case seen[g.GoalID]:
			fields = append(fields, fault.Field{Pointer: at, Code: "goal_id_twice", Detail: "Another goal has this id."})
		}
		seen[g.GoalID] = true
		g.Interventions = nonNil(g.Interventions)
	}
	c.Goals, c.ResourceNeeds, c.Recipients = nonNil(c.Goals), nonNil(c.ResourceNeeds), nonNil(c.Recipients)
	if c.VisitPattern != nil {
		c.VisitPattern.Skills = nonNil(c.VisitPattern.Skills)
	}
	if len(fields) > 0 {
		return fault.New(fault.Unprocessable, "goal_id_unknown", "A goal id is given by Hearth.", fields...)
	}
	return nil
}

func nonNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// Gaps lists what must be mended before the plan can be submitted, with
// pointers into the content.
func (c *Content) Gaps(file *Case, limits Limits) []fault.Field {
	g := &gaps{}
	if len(c.Goals) == 0 {
		g.add("/goals", "required", "A plan has at least one goal.")
	}
	byWorker, byFamily := false, false
	for i := range c.Goals {
		goal := &c.Goals[i]
		at := fmt.Sprintf("/goals/%d", i)
		g.day(at+"/due_on", goal.DueOn, c)
		if len(goal.Interventions) == 0 {
			g.add(at+"/interventions", "required", "Say what is done for this goal, by whom and by when.")
		}
		for j, iv := range goal.Interventions {
			at := fmt.Sprintf("%s/interventions/%d", at, j)
			g.fields = append(g.fields, file.checkResponsible(at+"/responsible", iv.Responsible)...)
			if iv.DueOn != "" { // else by the day the goal is due
				g.day(at+"/due_on", iv.DueOn, c)
			}
			if iv.StartsOn != "" && iv.DueOn != "" && iv.StartsOn > iv.DueOn {
				g.add(at+"/starts_on", "after_due_on", "It starts after it is due.")
			}
			byWorker = byWorker || iv.Responsible.Kind == "worker"
			byFamily = byFamily || iv.Responsible.Kind == "family_member"
		}
	}
	if len(c.Goals) > 0 && !byWorker {
		g.add("/goals", "worker_responsibility_missing", "Give at least one intervention to a worker.")
	}
	if len(c.Goals) > 0 && !byFamily {
		g.add("/goals", "family_responsibility_missing", "A plan is made with the family: give at least one intervention to a family member.")
	}
	c.dateGaps(g, limits)
	c.visitGaps(g, limits)
	for i, p := range c.Recipients {
		if !file.HasPerson(p, "caregiver") {
			g.add(fmt.Sprintf("/recipients/%d", i), "not_a_caregiver", "Name a caregiver of the case.")
		}
	}
	return g.fields
}

func (c *Content) dateGaps(g *gaps, limits Limits) {
	start, end := c.StartsOn, c.EndsOn
	if start == "" {
		g.add("/starts_on", "required", "Say on which day the plan starts.")
	}
	if end == "" {
		g.add("/ends_on", "required", "Say on which day the plan ends.")
	}
	if start == "" || end == "" {
		return
	}
	if end < start {
		g.add("/ends_on", "before_starts_on", "The plan ends before it starts.")
		return
	}
	if !limits.Longest.IsZero() && end > lastDay(start, limits.Longest) {
		g.add("/ends_on", "longer_than_program", fmt.Sprintf("The program lasts at most %s.", limits.Longest))
	}
}

func (c *Content) visitGaps(g *gaps, l Limits) {
	v := c.VisitPattern
	if v == nil {
		g.add("/visit_pattern", "required", "Say how the family is visited.")
		return
	}
	within := func(at string, n, low, high int, unit string) {
		if (low > 0 && n < low) || (high > 0 && n > high) {
			g.add("/visit_pattern/"+at, "outside_program", fmt.Sprintf("The program allows %s.", span(low, high, unit)))
		}
	}
	within("times_a_week", v.TimesAWeek, l.MinTimesAWeek, l.MaxTimesAWeek, "visits a week")
	within("minutes", v.Minutes, l.MinMinutes, l.MaxMinutes, "minutes")
	within("workers", v.Workers, 0, l.MaxWorkers, "workers at a visit")
	if len(l.Places) > 0 && !slices.Contains(l.Places, v.Place) {
		g.add("/visit_pattern/place", "outside_program", "The program visits at "+strings.Join(l.Places, ", ")+".")
	}
	if l.Earliest != "" && v.Earliest < l.Earliest {
		g.add("/visit_pattern/earliest", "outside_program", "The program visits from "+l.Earliest+" on.")
	}
	if l.Latest != "" && v.Latest > l.Latest {
		g.add("/visit_pattern/latest", "outside_program", "The program visits until "+l.Latest+".")
	}
	for i, day := range v.Weekdays {
		if len(l.Weekdays) > 0 && !slices.Contains(l.Weekdays, day) {
			g.add(fmt.Sprintf("/visit_pattern/weekdays/%d", i), "outside_program", "The program visits on "+strings.Join(l.Weekdays, ", ")+".")
		}
	}
	if minuteOfDay(v.Earliest)+v.Minutes > minuteOfDay(v.Latest) {
		g.add("/visit_pattern/latest", "visit_does_not_fit", "A visit does not fit between earliest and latest.")
	}
	for i, l := range v.SkillLevels {
		if !slices.Contains(v.Skills, l.Skill) {
			g.add(fmt.Sprintf("/visit_pattern/skill_levels/%d/skill", i), "skill_not_asked", "A level is of a skill the visits ask for.")
		}
	}
	if v.People != nil && (v.People.Most < v.Workers || v.People.Days == 0) {
		g.add("/visit_pattern/people", "too_few_people", "Give most and days; the family meets at least as many workers as come to a visit.")
	}
	if v.TimesAWeek > 2*len(v.Weekdays) {
		g.add("/visit_pattern/weekdays", "too_few_weekdays", "There are at most two visits a day: allow more weekdays.")
	}
}

func span(low, high int, unit string) string {
	switch {
	case low > 0 && high > 0:
		return fmt.Sprintf("%d to %d %s", low, high, unit)
	case low > 0:
		return fmt.Sprintf("at least %d %s", low, unit)
	}
	return fmt.Sprintf("at most %d %s", high, unit)
}

// minuteOfDay reads HH:MM; other text is midnight.
func minuteOfDay(s string) int {
	t, err := time.Parse("15:04", s)
	if err != nil {
		return 0
	}
	return t.Hour()*60 + t.Minute()
}

// lastDay is the last day a plan of that length may have, YYYY-MM-DD. A start
// that is no day has no last one, and nothing is after it.
func lastDay(start string, d clock.Deadline) string {
	from, err := clock.ParseDate(start)
	if err != nil {
		return "9999-12-31"
	}
	return from.AddDays(d.Days).AddMonths(d.Months).String()
}

type gaps struct{ fields []fault.Field }

func (g *gaps) add(at, code, detail string) {
	g.fields = append(g.fields, fault.Field{Pointer: at, Code: code, Detail: detail})
}

// day wants a date within the plan.
func (g *gaps) day(at, day string, c *Content) {
	switch {
	case day == "":
		g.add(at, "required", "Say by which day.")
	case c.StartsOn != "" && day < c.StartsOn, c.EndsOn != "" && day > c.EndsOn:
		g.add(at, "outside_plan", "The day is outside the plan.")
	}
}
