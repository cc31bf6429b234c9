package schedule

// CoverRequest asks for the visits of a worker who will be away to be placed again
// with least disturbance.
type CoverRequest struct {
	Worker WorkerID
	Span   Span
	Reason string
	// MaxMoved is how many visits of others may move, all together; below zero,
	// three for every two of the worker's visits.
	MaxMoved int
}

// Cover is what an absence does to a schedule: what becomes of each visit the
// worker had, and what else moves for it.
type Cover struct {
	Request CoverRequest
	// Covered are the worker's visits that got another place, Moved the other
	// visits that make room, Open the worker's visits without a place.
	Covered []ProposedChange
	Moved   []ProposedChange
	Open    []ProposedChange
}
