package optimise

// Weights turn an agency's wishes into points; the zero value takes DefaultWeights.
type Weights struct {
	TravelMinute   int // each minute on the way
	Stranger       int // a worker who is not among those preferred
	NewFace        int // each worker of a series beyond the first, or beyond those Met
	ChangedWorker  int // a worker other than published
	MovedMinute    int // each minute away from the published start, up to MovedMost
	MovedMost      int // minutes
	ShortNotice    int // factor on both for a published start that is Now; it falls evenly to 1
	NoticeDays     int // within so many days; 0 is a factor of 1 always
	SpacingDay     int // each day two visits of a series are nearer than wished
	Weekday        int // each weekday of a steady series beyond its visits a week
	OvertimeMinute int // each minute on the way past a shift's end
	Unplaced       int // a visit left out, times 1+Priority
	// The fair ones make each worker's share cost its square, so that what is
	// laid on the one who has least costs least: points for a minute more, of work
	// or of travel, to one whose time is half full of it; points times the square of
	// a worker's evening visits.
	FairLoad    int
	FairTravel  int
	FairEvening int
}

// DefaultWeights are the weights a zero Weights stands for, with ten points to a
// minute of travel.
func DefaultWeights() Weights {
	return Weights{
		TravelMinute: 10, Stranger: 600, NewFace: 150, ChangedWorker: 300, MovedMinute: 2, MovedMost: 240,
		ShortNotice: 3, NoticeDays: 14, SpacingDay: 250, Weekday: 200, OvertimeMinute: 40, Unplaced: 100_000,
	}
}

// atNotice is what points for a change come to when the published start is so many
// minutes ahead.
func (w Weights) atNotice(points, ahead int) int {
	days := w.NoticeDays * DayMinutes
	if w.ShortNotice <= 1 || ahead >= days {
		return points
	}
	return points + points*(w.ShortNotice-1)*(days-max(ahead, 0))/days
}

// Objective is the cost of a schedule, term by term, in points.
type Objective struct {
	Travel      int64 // minutes on the way
	Preference  int64 // workers not preferred
	Wishes      int64 // attributes wished for and not had
	Continuity  int64 // new faces
	Stability   int64 // changes against the published schedule
	Spacing     int64 // visits nearer than wished
	Weekday     int64 // weekdays that change
	Overtime    int64
	FairLoad    int64
	FairTravel  int64
	FairEvening int64
	Unplaced    int64
}

// Total is the sum the search makes small.
func (o Objective) Total() int64 {
	return o.Travel + o.Preference + o.Wishes + o.Continuity + o.Stability + o.Spacing + o.Weekday + o.Overtime +
		o.FairLoad + o.FairTravel + o.FairEvening + o.Unplaced
}

// Plus is what two things cost together, term by term.
func (o Objective) Plus(x Objective) Objective { return o.minus(Objective{}.minus(x)) }

// minus is what a schedule costs more than another, term by term.
func (o Objective) minus(x Objective) Objective {
	return Objective{
		o.Travel - x.Travel, o.Preference - x.Preference, o.Wishes - x.Wishes, o.Continuity - x.Continuity, o.Stability - x.Stability,
		o.Spacing - x.Spacing, o.Weekday - x.Weekday, o.Overtime - x.Overtime, o.FairLoad - x.FairLoad, o.FairTravel - x.FairTravel,
		o.FairEvening - x.FairEvening, o.Unplaced - x.Unplaced,
	}
}
