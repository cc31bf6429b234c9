package optimise

// Times are whole minutes since the problem's origin, which the caller sets to a
// midnight in the agency's zone; day d is the minutes from 1440·d to 1440·(d+1),
// week w the days from 7·w to 7·w+6.

// DayMinutes and WeekMinutes are the lengths limits are counted over.
const (
	DayMinutes  = 24 * 60
	WeekMinutes = 7 * DayMinutes
)

// Problem is what is to be scheduled. Ids are the caller's and are compared, never read.
type Problem struct {
	Visits   []Visit
	Workers  []Worker
	Families []Family  // rules of the series they name; a series without one has none of them
	Travel   Travel    // nil is the zero Estimate
	Traffic  []Traffic // how fast the roads are by the hour; none is always as Travel says
	Dark     []Window  // from sunset to sunrise, see Sun
	Evening  int       // the minute of the day from which a visit is an evening's; 0 is 17:00
	Weights  Weights
	Now      int // changes to visits published for soon after cost more
}

// Place is a position in degrees (WGS 84).
type Place struct {
	Lat, Lon float64
	// Unknown is a place nobody knows, or may know: Lat and Lon are 0, and what
	// Travel allows for it is allowed.
	Unknown bool `json:",omitempty"`
}

// Window is a span of time, To excluded.
type Window struct{ From, To int }

// Visit is one visit to be made.
type Visit struct {
	ID      string
	Series  string // visits of one family; "" stands alone
	Place   *Place // nil is remote: no travel, wherever the worker is
	Minutes int
	Windows []Window // the visit lies wholly in one of them
	// Roles are the workers needed, one each; a visit without roles needs one
	// worker of any skill.
	Roles []Role
	// TeamSkills and TeamLanguages must each be had by at least one of the workers.
	TeamSkills    []string
	TeamLanguages []string
	// Gap set means one worker after the other in the order of Roles; nil means all together.
	Gap      *Gap
	Priority int  // ≥ 0; leaving a visit out costs Unplaced·(1+Priority)
	Optional bool // may be left out for Penalty
	Penalty  int
	Excluded []string // workers who must never come
	// Preferred workers cost nothing extra; others cost Stranger when there are any.
	Preferred []string
	Wishes    []Wish
	PerDay    int // most visits of the series a day, 0 is no limit
	Spacing   int // days wished between visits of the series
	// Daylight visits lie outside Problem.Dark, from start to end.
	Daylight bool
	// NotLast visits are never the last of a worker's day: somebody still waits
	// for the worker afterwards and notices when they do not come.
	NotLast bool
	// NeverAlone visits have two workers or more, together. Validate refuses
	// fewer, so that no pair becomes single by an oversight.
	NeverAlone bool
	// Published is where the visit stands in the schedule people know.
	Published *Assignment
	Locked    bool // stays as published
}

// Role is one worker's part of a visit.
type Role struct {
	Skills     []string
	Levels     map[string]int // least level of a skill; it need not be in Skills too
	Languages  []string
	Attributes []string // neutral codes the worker must have, as the family asked
}

// Wish is an attribute the family would like: each worker without it costs Points.
type Wish struct {
	Attribute string
	Points    int
}

// Gap bounds the minutes between the starts of one worker and the next.
type Gap struct{ Min, Max int }

// Worker is one who makes visits.
type Worker struct {
	ID         string
	Skills     []string
	Levels     map[string]int // of the skills held; one that is not named is 1
	Languages  []string
	Attributes []string // neutral codes, see Role and Wish
	Mode       Mode     // how they travel; "" is by car
	Start, End *Place   // of every shift; nil starts at the first visit or ends at the last
	Shifts     []Window
	Absences   []Window
	Breaks     []Break
	// OvertimeMinutes is how long past the end of a shift they may be on the way,
	// each minute at Weights.OvertimeMinute. An absence and the next shift end it.
	OvertimeMinutes int
	// Limits on visits and the travel to, between and from them at the usual speed,
	// whatever the hour, breaks not counted; 0 is no limit.
	MaxDayMinutes  int
	MaxWeekMinutes int
	MaxDayVisits   int
	MaxWeekVisits  int
	// Caseload is the most different series they may see, those of Families
	// included whether seen or not; 0 is no limit.
	Caseload int
	Families []string
}

// Break is a rest of some minutes that floats within a window, wherever the
// worker is then. It is due in a stretch of work that holds its window wholly.
type Break struct {
	Window
	Minutes int
}

// Assignment says who makes a visit and when. Starts has one element for each
// worker; all are equal when the workers come together.
type Assignment struct {
	Workers []string
	Starts  []int
}

// Solution is a schedule: every visit of the problem is in exactly one of the
// first two.
type Solution struct {
	Placed    []Placement
	Unplaced  []Unplaced
	Breaks    []BreakTaken `json:",omitempty"`
	Objective Objective
}

// Placement is one visit made, in the order of the problem's visits.
type Placement struct {
	Visit string
	Assignment
}

// BreakTaken is when a worker has a break.
type BreakTaken struct {
	Worker         string
	Start, Minutes int
}
