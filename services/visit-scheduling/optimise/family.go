package optimise

// Family holds the rules of one series that look at all its visits together.
type Family struct {
	Series string
	// Regular workers are the family's own; a visit by none of them is made by a
	// substitute.
	Regular     []string
	Substitutes *Substitutes // nil is no limit
	// Met are the workers who came in the period before the problem begins.
	Met []string
	// MaxWorkers is the most different workers in the period, Met included; 0 is no limit.
	MaxWorkers int
	// KnownFirst lets one who is neither Regular nor Met come only together with
	// one who is. A family that knows nobody yet is met by anyone.
	KnownFirst bool
	PerWeek    int  // most visits a week, 0 is no limit
	NotRunning bool // no visits on two days running
	// SteadyWeekday wishes the same weekdays every week: each weekday beyond
	// PerWeek (or 1) costs Weights.Weekday.
	SteadyWeekday bool
}

// Substitutes bound how often someone else comes than the family's own.
type Substitutes struct {
	Most         int  // visits in the period, those Used included
	Used         int  // before the problem begins
	NeverRunning bool // not on two of the family's visiting days running
	LastWas      bool // the last visit before the problem was by a substitute
}
