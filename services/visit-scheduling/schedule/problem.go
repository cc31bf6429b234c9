package schedule

import (
	"context"
	"slices"
	"time"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
)

// Planner finds places for visits. An engine fills it. Plan may take a whole
// week of an agency at once (10,000 visits, 200 workers); it does no I/O, keeps
// nothing between calls, and answers the same for the same problem.
//
// Every demand of the problem is in the plan exactly once, placed or unplaced
// with at least one reason. It returns ctx's error when cancelled.
type Planner interface {
	Plan(ctx context.Context, problem Problem) (Plan, error)
}

// Problem is one planning run: who works when, what is fixed, and what is to be
// placed. Bookings stay as they are.
type Problem struct {
	// Zone decides which day a time belongs to.
	Zone    *time.Location
	Roster  []Available
	Booked  []Booking
	Demands []Demand
	Travel  Travel
	// Traffic says when ways take longer than Travel says; days count from Monday.
	// Limits on work count ways as Travel has them.
	Traffic []optimise.Traffic
	// Families are the rules of series that look at all their visits together; a
	// series without one has none.
	Families []Family
	// Dark is from sunset to sunrise.
	Dark []Span
	// Weights are what a search weighs against what; zero is its own. Wish is what
	// each worker costs who is not as a family wished. Now is what notice counts from.
	Weights optimise.Weights
	Wish    int
	Now     time.Time
}

// Available is a worker in a problem.
type Available struct {
	ID        WorkerID
	Skills    []string
	Languages []string
	// Levels are how well skills are held, 1 where nothing is said; Attributes are
	// neutral codes a family may ask for.
	Levels     []SkillLevel
	Attributes []string
	// Mode is how they travel.
	Mode   Mode
	Limits Limits
	// Pauses are rests due in a stretch, overtime apart, that holds their span wholly.
	Pauses []Pause
	// Families are the series assigned to them; they count for Limits.Families
	// whether visited or not.
	Families []SeriesID
	// Base is where each stretch of work begins and ends; nil is unknown.
	Base *Point
	// Shifts are when they work, Away when they are away all the same. What is
	// left of a shift is a stretch: the worker leaves the base when it begins
	// and is back when it ends.
	Shifts []Span
	Away   []Span
}

// Booking is a visit that has its place already.
type Booking struct {
	Visit   VisitID
	Series  SeriesID
	Workers []WorkerID
	Span    Span
	At      Location
}

// Demand is a visit to be placed.
type Demand struct {
	Visit  VisitID
	Series SeriesID
	// Windows are when it may take place: inside one of them, each within a day.
	Windows []Span
	// NoWindow says why there are none.
	NoWindow Reason
	Minutes  int
	// Workers is how many are needed, together: 1 or 2. Of a pair each skill is
	// held by at least one, and at least one speaks the language.
	Workers  int
	Skills   []string
	Language string
	// Levels are how well skills are to be held at least; of a pair by one of them.
	Levels []SkillLevel
	// Attributes are what each worker must have, Wishes what each should have, as
	// the family asked.
	Attributes []string
	Wishes     []string
	// Daylight visits lie outside Problem.Dark; NotLast visits are never the last of
	// a worker's day: somebody still waits for them and notices when they do not come.
	Daylight bool
	NotLast  bool
	At       Location
	// PerDay is how many visits of the series one day holds; 0 is any number.
	PerDay int
	// Spacing is how many days apart visits of the series would best lie.
	Spacing int
	// Known are workers the family knows, the most wanted first.
	Known []WorkerID
	// Excluded may not see this family.
	Excluded []WorkerID
	// Lost is the place the visit had; staying near it disturbs least.
	Lost *Slot
}

// Plan is a planner's answer.
type Plan struct {
	Placed   []Placement
	Unplaced []Leftover
}

// Placement is a place for a visit.
type Placement struct {
	Visit VisitID
	Slot  Slot
}

// Unplaced is the demand without a place, and why as far as it shows by itself.
func (d *Demand) Unplaced() Leftover {
	switch {
	case len(d.Windows) > 0:
		return Leftover{Visit: d.Visit, Reasons: []Reason{NoPlace}}
	case d.NoWindow != "":
		return Leftover{Visit: d.Visit, Reasons: []Reason{d.NoWindow}}
	case d.Daylight: // none that is light
		return Leftover{Visit: d.Visit, Reasons: []Reason{InTheDark}}
	}
	return Leftover{Visit: d.Visit, Reasons: []Reason{WeekOver}}
}

// Leftover is a visit without a place, and why: the most telling reason first.
// Remedies are filled in by an engine; LookedAt is when it looked, zero when it
// has not.
type Leftover struct {
	Visit    VisitID
	Reasons  []Reason
	Remedies []Remedy
	LookedAt time.Time
}

// Wanting says whether nobody has found out yet why the visit has no place.
func (l Leftover) Wanting() bool { return slices.Equal(l.Reasons, []Reason{NoPlace}) }
