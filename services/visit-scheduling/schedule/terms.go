package schedule

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
)

// Terms are what a worker and the agency agreed on beside the hours. The zero
// value asks and limits nothing. As sent, what is nil or empty was left out and
// stays as it is.
type Terms struct {
	// Levels are how well they have skills they hold; one not named is held at 1.
	Levels []SkillLevel `json:"skill_levels,omitempty"`
	// Attributes are neutral codes a family may ask for.
	Attributes []string `json:"attributes,omitempty"`
	// TravelMode is car, transit, bicycle or foot; by car when nothing is said.
	TravelMode string  `json:"travel_mode,omitempty"`
	Breaks     []Break `json:"breaks,omitempty"`
	Limits     *Limits `json:"limits,omitempty"`
}

// SkillLevel is how well a skill is held, or must be at least: 1 to 5.
type SkillLevel struct {
	Skill string `json:"skill"`
	Level int    `json:"level"`
}

// Break is a rest of some minutes between two visits, any time from From to To.
// It is due on a day on which the worker works through all of that time.
type Break struct {
	From    TimeOfDay `json:"from"`
	To      TimeOfDay `json:"to"`
	Minutes int       `json:"minutes"`
}

// Limits are what a planner may ask of a worker at most; 0 is no limit, and no
// overtime. Minutes are those of visits and the ways to, between and from them.
// Days and weeks are those a stretch of work begins in.
type Limits struct {
	DayMinutes  int `json:"day_minutes,omitempty"`
	WeekMinutes int `json:"week_minutes,omitempty"`
	DayVisits   int `json:"day_visits,omitempty"`
	WeekVisits  int `json:"week_visits,omitempty"`
	// OvertimeMinutes is how long after the end of a shift they may be back. An
	// absence and the next shift end it.
	OvertimeMinutes int `json:"overtime_minutes,omitempty"`
	// Families is the most different families, those assigned to them included.
	Families int `json:"families,omitempty"`
}

// Weekly says whether what a worker has in the rest of the week counts.
func (l Limits) Weekly() bool { return l.WeekMinutes > 0 || l.WeekVisits > 0 || l.Families > 0 }

// Equal says whether two are the same.
func (t Terms) Equal(o Terms) bool {
	return slices.Equal(t.Levels, o.Levels) && slices.Equal(t.Attributes, o.Attributes) && t.TravelMode == o.TravelMode &&
		slices.Equal(t.Breaks, o.Breaks) && t.Bounds() == o.Bounds()
}

// level is how well a worker has a skill, 0 not at all.
func (w Worker) level(skill string) int {
	a := Available{Skills: w.Skills, Levels: w.Levels}
	return a.level(skill)
}

// Bounds are the limits agreed on.
func (t Terms) Bounds() Limits {
	if t.Limits == nil {
		return Limits{}
	}
	return *t.Limits
}

// Mode is how they travel, as travel knows it.
func (t Terms) Mode() Mode {
	if t.TravelMode == "car" {
		return optimise.Car
	}
	return Mode(t.TravelMode)
}

// Or is t with what it leaves out taken from before.
func (t Terms) Or(before Terms) Terms {
	if t.Levels == nil {
		t.Levels = before.Levels
	}
	if t.Attributes == nil {
		t.Attributes = before.Attributes
	}
	if t.TravelMode == "" {
		t.TravelMode = before.TravelMode
	}
	if t.Breaks == nil {
		t.Breaks = before.Breaks
	}
	if t.Limits == nil {
		t.Limits = before.Limits
	}
	return t
}

func (t *Terms) normalise() {
	slices.SortFunc(t.Levels, func(a, b SkillLevel) int { return cmp.Compare(a.Skill, b.Skill) })
	slices.Sort(t.Attributes)
	t.Attributes = slices.Compact(t.Attributes)
	slices.SortFunc(t.Breaks, func(a, b Break) int { return cmp.Compare(a.From, b.From) })
	// nothing is nil, as it is read back
	if len(t.Levels) == 0 {
		t.Levels = nil
	}
	if len(t.Attributes) == 0 {
		t.Attributes = nil
	}
	if len(t.Breaks) == 0 {
		t.Breaks = nil
	}
	if t.Bounds() == (Limits{}) {
		t.Limits = nil
	}
}

// validate lists what is wrong with terms, with pointers into the body they came in.
func (t Terms) validate(skills []string) []fault.Field {
	var faults []fault.Field
	bad := func(pointer, code, detail string) {
		faults = append(faults, fault.Field{Pointer: pointer, Code: code, Detail: detail})
	}
	for i, l := range t.Levels {
		at := fmt.Sprintf("/skill_levels/%d/skill", i)
		if !slices.Contains(skills, l.Skill) {
			bad(at, "unknown", "A level is of one of the worker's skills.")
		}
		if slices.ContainsFunc(t.Levels[:i], func(b SkillLevel) bool { return b.Skill == l.Skill }) {
			bad(at, "twice", "A skill has one level.")
		}
	}
	for i, b := range t.Breaks {
		at := fmt.Sprintf("/breaks/%d", i)
		if b.From >= b.To || int(b.To-b.From) < b.Minutes {
			bad(at+"/to", "too_short", fmt.Sprintf("A break of %d minutes fits between from and to.", b.Minutes))
		}
		for _, earlier := range t.Breaks[:i] {
			if earlier.From < b.To && b.From < earlier.To {
				bad(at, "overlap", "The times of two breaks do not overlap.")
				break
			}
		}
	}
	return faults
}

// Pause is a break on one day.
type Pause struct {
	Span
	Minutes int
}

// pauses are the breaks of a week, on each of its days.
func (t Terms) pauses(week Week, zone *time.Location) []Pause {
	var all []Pause
	for _, day := range week.Days() {
		for _, b := range t.Breaks {
			all = append(all, Pause{Span{b.From.on(day, zone), b.To.on(day, zone)}, b.Minutes})
		}
	}
	return all
}

// Available is the worker in the problem of some weeks.
func (w Worker) Available(weeks []Week, cal *clock.Calendar) Available {
	a := Available{
		ID: w.ID, Skills: w.Skills, Languages: w.Languages, Levels: w.Levels, Attributes: w.Attributes, Mode: w.Mode(), Limits: w.Bounds(),
		Base: w.Base, Away: w.Away(),
	}
	for _, week := range weeks {
		a.Shifts = append(a.Shifts, w.Shifts(week, cal)...)
		a.Pauses = append(a.Pauses, w.pauses(week, cal.Zone())...)
	}
	return a
}
