package schedule

import (
	"slices"
	"time"
)

// Asks are what a family asked for and its plan allows, beside times and skills.
// The zero value is nothing.
type Asks struct {
	// Levels are how well skills of the visit are to be held at least.
	Levels []SkillLevel `json:"skill_levels,omitempty"`
	Wishes []Wish       `json:"wishes,omitempty"`
	// People bounds how many different workers come; nil is no limit.
	People *People `json:"people,omitempty"`
	// Substitutes bounds visits by none of the workers assigned; nil is no limit.
	Substitutes *Substitutes `json:"substitutes,omitempty"`
	// KnownFirst lets somebody new come only together with one the family knows.
	KnownFirst bool `json:"known_first,omitempty"`
	// Daylight visits are over by sunset; NotLast ones are never a worker's last of
	// the day.
	Daylight bool `json:"daylight,omitempty"`
	NotLast  bool `json:"not_last,omitempty"`
}

// Wish is an attribute, a neutral code, the family wants its workers to have.
type Wish struct {
	Attribute string `json:"attribute"`
	// Must is for what is not to be done without.
	Must bool `json:"must,omitempty"`
}

// People is the most different workers within some days.
type People struct {
	Most int `json:"most"`
	Days int `json:"days"`
}

// Substitutes bound the visits that none of a family's own workers makes.
type Substitutes struct {
	// Most is how many there may be in a year.
	Most int `json:"most"`
	// NeverRunning allows none on two of the family's visiting days running.
	NeverRunning bool `json:"never_running,omitempty"`
}

// substituteYear is the year substitutes are counted over.
const substituteYear = 365 * 24 * time.Hour

// Attributes are those that must be had, or those that are only wished for.
func (a Asks) Attributes(must bool) []string {
	var all []string
	for _, w := range a.Wishes {
		if w.Must == must {
			all = append(all, w.Attribute)
		}
	}
	return all
}

// Together says whether a rule looks at all visits of the family.
func (a Asks) Together() bool { return a.People != nil || a.Substitutes != nil || a.KnownFirst }

// validate says why asks cannot be kept; "" when they can.
func (a Asks) validate(skills []string) string {
	for _, l := range a.Levels {
		if !slices.Contains(skills, l.Skill) || l.Level < 1 || l.Level > 5 {
			return "skill_levels are 1 to 5, of skills the visit asks for"
		}
	}
	switch {
	case slices.ContainsFunc(a.Wishes, func(w Wish) bool { return w.Attribute == "" }):
		return "a wish names an attribute"
	case a.People != nil && (a.People.Most < 1 || a.People.Days < 1 || a.People.Days > 730):
		return "people is at least 1 in 1 to 730 days"
	case a.Substitutes != nil && a.Substitutes.Most < 0:
		return "substitutes are 0 or more"
	}
	return ""
}

// Family holds the rules of one series that look at all its visits, and the
// family's other visits, those that are not in the problem.
type Family struct {
	Series SeriesID
	// Regular workers are the family's own; without any, nobody is a substitute.
	Regular     []WorkerID
	People      *People
	Substitutes *Substitutes
	KnownFirst  bool
	// Past are visits that took place or are booked elsewhere in time, in order.
	Past []PastVisit
	// Until is the end of the problem's time: limits count back from it.
	Until time.Time
}

// PastVisit is a visit of a family that is not in a problem.
type PastVisit struct {
	Visit   VisitID
	At      time.Time
	Workers []WorkerID
	// Took says whether it took place, so that the family met its workers.
	Took bool
	// Substitute says whether none of the workers was the family's own then.
	Substitute bool
	// Urgent visits are nobody's turn: they count for whom the family knows alone.
	Urgent bool
}

// FamilyOf is the rules of a series with the family's visits, those of the problem
// left out; false when it has no such rules.
func FamilyOf(s Series, visits []PastVisit, until time.Time, here map[VisitID]bool) (Family, bool) {
	if s.Kind == Urgent || !s.Pattern.Together() {
		return Family{}, false
	}
	f := Family{Series: s.ID, Regular: s.Workers, People: s.Pattern.People, KnownFirst: s.Pattern.KnownFirst, Until: until}
	if len(s.Workers) > 0 {
		f.Substitutes = s.Pattern.Substitutes
	}
	for _, v := range visits {
		if !here[v.Visit] {
			f.Past = append(f.Past, v)
		}
	}
	slices.SortStableFunc(f.Past, func(a, b PastVisit) int { return a.At.Compare(b.At) })
	return f, true
}

// Acquainted are the workers the family has met by visits outside the problem, and
// how many different people count as met within its limit.
func (f Family) Acquainted() (known []WorkerID, people int) {
	for _, v := range f.Past {
		if v.Took {
			known = append(known, v.Workers...)
		}
	}
	slices.Sort(known)
	return slices.Compact(known), len(f.met())
}

// Substituted is how many visits by substitutes count beside those of the problem,
// and whether the last visit before a time was one.
func (f Family) Substituted(before time.Time) (used int, last bool) {
	for _, v := range f.Past {
		if !v.Urgent && v.At.Before(before) {
			last = v.Substitute
		}
	}
	return f.used(), last
}

// known are the workers the family has met.
func (f Family) known() []WorkerID {
	all := slices.Clone(f.Regular)
	for _, v := range f.Past {
		if v.Took {
			all = append(all, v.Workers...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// met are whom the family meets by visits that are not in the problem.
func (f Family) met() []WorkerID {
	if f.People == nil {
		return nil
	}
	from := f.Until.AddDate(0, 0, -f.People.Days)
	var all []WorkerID
	for _, v := range f.Past {
		if !v.At.Before(from) && !v.Urgent {
			all = append(all, v.Workers...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// used is how many visits by substitutes count beside those of the problem.
func (f Family) used() int {
	n := 0
	for _, v := range f.Past {
		if v.Substitute && !v.Urgent && v.At.After(f.Until.Add(-substituteYear)) {
			n++
		}
	}
	return n
}
