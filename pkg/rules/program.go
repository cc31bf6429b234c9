package rules

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/hearthfps/hearth/pkg/clock"
)

// Program is one kind of service an agency gives, as its file states it. Its
// name is the program's code.
type Program struct {
	Header `yaml:",inline"`
	// Title is its name for people, by language.
	Title map[string]string `yaml:"title"`
	// Purpose is what it is for, in a sentence or two.
	Purpose string `yaml:"purpose"`
	// Source is where its numbers come from, when they are published.
	Source string `yaml:"source"`
	// Entry says who may enter.
	Entry Entry `yaml:"entry"`
	// RespondWithin is how soon the family is met after the case opens; none is
	// not said.
	RespondWithin clock.Deadline `yaml:"respond_within"`
	// Instruments are assessed, and when.
	Instruments []DueInstrument `yaml:"instruments"`
	// Visits are what a plan's visit pattern must keep to.
	Visits VisitLimits `yaml:"visits"`
	// Caseload is how many families of this program one worker has at once.
	Caseload Caseload `yaml:"caseload"`
	// Length is how long the work lasts.
	Length Length `yaml:"length"`
	// Reports go to the purchaser.
	Reports []Report `yaml:"reports"`
	// Fidelity is what shows that the program was given as it is meant.
	Fidelity []FidelityRule `yaml:"fidelity"`
}

// Entry says who may enter a program, in words and as a condition over
//
//	children      how many children the case has
//	concerns      codes
//	safety_flags  codes
//	urgency       code; "" when not stated
//
// A worker may open a case against it, with a reason: it advises.
type Entry struct {
	For       string `yaml:"for"`
	Condition string `yaml:"condition"`

	condition *Condition
}

// Fits evaluates the entry's condition.
func (e Entry) Fits(values map[string]any) (bool, error) { return e.condition.True(values) }

// DueInstrument is an assessment the program asks for.
type DueInstrument struct {
	// Instrument is its code in assessment.
	Instrument string `yaml:"instrument"`
	// Occasion is opening, review or closing.
	Occasion string `yaml:"occasion"`
	// DueWithin counts from the case's opening, from the last one (review), or
	// from the decision to close.
	DueWithin clock.Deadline `yaml:"due_within"`
}

// VisitLimits bound a plan's visit pattern.
type VisitLimits struct {
	TimesAWeek Range `yaml:"times_a_week"`
	Minutes    Range `yaml:"minutes"`
	// Workers is how many go: 1, or 1 to 2.
	Workers Range `yaml:"workers"`
	// Places are home, office, community, remote; the first is the usual one.
	Places []string `yaml:"places"`
	// Earliest and Latest bound the hours, HH:MM on the wall.
	Earliest string `yaml:"earliest"`
	Latest   string `yaml:"latest"`
	// Weekdays are the days visits may be on; none is all of them.
	Weekdays []clock.Weekday `yaml:"weekdays"`
	// Skills a visiting worker must have, codes.
	Skills []string `yaml:"skills"`
	// StartMeeting asks for a first meeting together with the purchaser's worker.
	StartMeeting bool `yaml:"start_meeting"`
}

// Range is from Min to Max, both allowed; Usual is proposed.
type Range struct {
	Min   int `yaml:"min"`
	Max   int `yaml:"max"`
	Usual int `yaml:"usual"`
}

// Caseload bounds a worker's families; 0 is no limit.
type Caseload struct {
	FamiliesPerWorker int `yaml:"families_per_worker"`
}

// Length is how long the work lasts.
type Length struct {
	Min clock.Deadline `yaml:"min"`
	Max clock.Deadline `yaml:"max"`
	// ExtendBy is how much longer a supervisor may allow, once; none is not at all.
	ExtendBy clock.Deadline `yaml:"extend_by"`
	// FollowUpAfter are looks back after closing.
	FollowUpAfter []clock.Deadline `yaml:"follow_up_after"`
}

// Report is due to the purchaser.
type Report struct {
	Code string `yaml:"code"`
	// Occasion is opening, interval or closing.
	Occasion string `yaml:"occasion"`
	// Within counts from the opening or closing; Every repeats (interval).
	Within clock.Deadline `yaml:"within"`
	Every  clock.Deadline `yaml:"every"`
}

// FidelityRule is one thing to measure: a code, what it says, and the least (or
// most) value of the measure that keeps to the program.
type FidelityRule struct {
	Code string `yaml:"code"`
	Says string `yaml:"says"`
	// Measure is a code: first_contact_hours, direct_hours_a_week, visits_a_week,
	// families_per_worker, length_days, meetings_held, supervision_a_month.
	Measure string   `yaml:"measure"`
	AtLeast *float64 `yaml:"at_least"`
	AtMost  *float64 `yaml:"at_most"`
}

var (
	codePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,62}$`)
	hourPattern = regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]$`)

	occasions       = []string{"opening", "review", "closing"}
	reportOccasions = []string{"opening", "interval", "closing"}
	places          = []string{"home", "office", "community", "remote"}
	measures        = []string{"first_contact_hours", "direct_hours_a_week", "visits_a_week", "families_per_worker", "length_days", "meetings_held", "supervision_a_month"}

	entryVariables = map[string]Type{"children": Number, "concerns": TextList, "safety_flags": TextList, "urgency": Text}
)

// validate checks a program that was read, and compiles its condition.
func (p *Program) validate() error {
	if len(p.Title) == 0 || p.Title["en"] == "" || p.Purpose == "" || p.Entry.For == "" {
		return errors.New("title (with en), purpose and entry.for are for people: they must be there")
	}
	language, err := NewLanguage(entryVariables)
	if err != nil {
		return err
	}
	if p.Entry.condition, err = language.Condition(p.Entry.Condition); err != nil {
		return fmt.Errorf("entry: %w; variables are %s", err, strings.Join(slices.Sorted(maps.Keys(entryVariables)), ", "))
	}
	if err := optional("respond_within", p.RespondWithin); err != nil {
		return err
	}
	return errors.Join(p.checkInstruments(), p.Visits.validate(), p.Length.validate(), p.checkReports(), p.checkFidelity(), p.Caseload.validate())
}

func (p *Program) checkInstruments() error {
	opening := false
	for _, i := range p.Instruments {
		if !codePattern.MatchString(i.Instrument) || !slices.Contains(occasions, i.Occasion) {
			return fmt.Errorf("instruments: %q: a code, and an occasion of %s", i.Instrument, strings.Join(occasions, ", "))
		}
		if err := i.DueWithin.Validate(); err != nil {
			return fmt.Errorf("instruments: %s: due_within: %w", i.Instrument, err)
		}
		opening = opening || i.Occasion == "opening"
	}
	if !opening {
		return errors.New("instruments: at least one is due at opening; safety comes first")
	}
	return nil
}

func (v VisitLimits) validate() error {
	for name, check := range map[string]struct {
		r         Range
		low, high int
	}{"times_a_week": {v.TimesAWeek, 1, 14}, "minutes": {v.Minutes, 15, 480}, "workers": {v.Workers, 1, 2}} {
		if r := check.r; r.Min < check.low || r.Max > check.high || r.Min > r.Max || r.Usual < r.Min || r.Usual > r.Max {
			return fmt.Errorf("visits.%s: min, usual and max rise, from %d to %d", name, check.low, check.high)
		}
	}
	if len(v.Places) == 0 {
		return errors.New("visits.places: at least one of " + strings.Join(places, ", "))
	}
	for _, place := range v.Places {
		if !slices.Contains(places, place) {
			return fmt.Errorf("visits.places: %q is none of %s", place, strings.Join(places, ", "))
		}
	}
	if !hourPattern.MatchString(v.Earliest) || !hourPattern.MatchString(v.Latest) || v.Earliest >= v.Latest {
		return errors.New(`visits: earliest is before latest, both HH:MM in quotes: "08:00"`)
	}
	for _, day := range v.Weekdays {
		if _, ok := day.Time(); !ok {
			return fmt.Errorf("visits.weekdays: %q is none of mon tue wed thu fri sat sun", day)
		}
	}
	for _, skill := range v.Skills {
		if !codePattern.MatchString(skill) {
			return fmt.Errorf("visits.skills: %q is no code", skill)
		}
	}
	return nil
}

func (c Caseload) validate() error {
	if c.FamiliesPerWorker < 0 {
		return errors.New("caseload.families_per_worker: 0 for no limit, or more")
	}
	return nil
}

func (l Length) validate() error {
	if err := l.Max.Validate(); err != nil {
		return fmt.Errorf("length.max: %w", err)
	}
	for name, d := range map[string]clock.Deadline{"length.min": l.Min, "length.extend_by": l.ExtendBy} {
		if err := optional(name, d); err != nil {
			return err
		}
	}
	for _, d := range l.FollowUpAfter {
		if err := d.Validate(); err != nil {
			return fmt.Errorf("length.follow_up_after: %w", err)
		}
	}
	return nil
}

func (p *Program) checkReports() error {
	for _, r := range p.Reports {
		if !codePattern.MatchString(r.Code) || !slices.Contains(reportOccasions, r.Occasion) {
			return fmt.Errorf("reports: %q: a code, and an occasion of %s", r.Code, strings.Join(reportOccasions, ", "))
		}
		due := r.Within
		if r.Occasion == "interval" {
			due = r.Every
		}
		if err := due.Validate(); err != nil {
			return fmt.Errorf("reports: %s: within, or every for an interval: %w", r.Code, err)
		}
	}
	return nil
}

func (p *Program) checkFidelity() error {
	for _, f := range p.Fidelity {
		if !codePattern.MatchString(f.Code) || f.Says == "" || !slices.Contains(measures, f.Measure) || (f.AtLeast == nil && f.AtMost == nil) {
			return fmt.Errorf("fidelity: %q: a code, what it says, a measure of %s, and at_least or at_most", f.Code, strings.Join(measures, ", "))
		}
	}
	return nil
}

func optional(name string, d clock.Deadline) error {
	if d.IsZero() {
		return nil
	}
	if err := d.Validate(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
