package schedule

import (
	"fmt"
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/rules"
)

// JobID names a planning job.
type JobID string

// JobStatus is where a planning job stands:
//
//	queued → running → proposed → published
//	   │        │         ├─────→ discarded
//	   │        │         └─────→ queued (rebased on what is published now)
//	   │        ├───────→ published (by itself, within the agency's limits)
//	   │        └───────→ failed
//	   └────────┴───────→ cancelled
type JobStatus string

// The states of a planning job.
const (
	JobQueued    JobStatus = "queued"
	JobRunning   JobStatus = "running"
	JobProposed  JobStatus = "proposed"
	JobPublished JobStatus = "published"
	JobDiscarded JobStatus = "discarded"
	JobCancelled JobStatus = "cancelled"
	JobFailed    JobStatus = "failed"
)

// JobRequest says what is to be planned, and what may change for it.
type JobRequest struct {
	First Week `json:"first"`
	Weeks int  `json:"weeks"`
	// Workers and Teams are whose visits may change; both empty is everybody's.
	Workers []WorkerID `json:"workers"`
	Teams   []string   `json:"teams"`
	// FrozenHours is how far ahead nothing that has a place is moved, to or from.
	FrozenHours int `json:"frozen_hours"`
	// MaxMoved is how many visits that have a place may move; nil is any number.
	MaxMoved *int `json:"max_moved,omitempty"`
	// BudgetSeconds is how long may be searched, all weeks together.
	BudgetSeconds int `json:"budget_seconds"`
	// Automatic publishes, at the end, what the agency's limits let a planner
	// publish by itself; the rest is proposed.
	Automatic bool `json:"automatic"`
	// WhatIf is what is only thought of: its proposal is looked at and never published.
	WhatIf []Supposition `json:"what_if,omitempty"`
}

// Bounds of a job.
const (
	JobWeeksMost  = 26
	JobFrozenMost = 30 * 24
	JobBudgetMost = 30 * 60
)

// Validate lists what is wrong with a request, with pointers into its body.
func (r JobRequest) Validate(current Week) []fault.Field {
	var faults []fault.Field
	bad := func(pointer, code, detail string) {
		faults = append(faults, fault.Field{Pointer: pointer, Code: code, Detail: detail})
	}
	if r.First != WeekOf(r.First.Monday) {
		bad("/first_week", "not_a_monday", "A week is named by its Monday.")
	}
	if r.First.Before(current) {
		bad("/first_week", "in_the_past", "That week is over.")
	}
	if r.Weeks < 1 || r.Weeks > JobWeeksMost {
		bad("/weeks", "range", fmt.Sprintf("1 to %d weeks are planned at once.", JobWeeksMost))
	}
	if r.FrozenHours < 0 || r.FrozenHours > JobFrozenMost {
		bad("/frozen_hours", "range", fmt.Sprintf("0 to %d hours.", JobFrozenMost))
	}
	if r.BudgetSeconds < 1 || r.BudgetSeconds > JobBudgetMost {
		bad("/budget_seconds", "range", fmt.Sprintf("1 to %d seconds.", JobBudgetMost))
	}
	if len(r.WhatIf) > SupposedMost {
		bad("/what_if", "range", fmt.Sprintf("At most %d things are supposed at once.", SupposedMost))
	}
	for i, x := range r.WhatIf {
		faults = append(faults, x.validate(fmt.Sprintf("/what_if/%d", i))...)
	}
	if r.Automatic && len(r.WhatIf) > 0 {
		bad("/publish", "what_if", "What is only supposed is never published.")
	}
	if r.MaxMoved != nil && *r.MaxMoved < 0 {
		bad("/max_moved", "range", "0 or more.")
	}
	return faults
}

// Holds says whether a worker is in the job's scope.
func (r JobRequest) Holds(w Worker) bool {
	return len(r.Workers)+len(r.Teams) == 0 || slices.Contains(r.Workers, w.ID) || (w.Team != "" && slices.Contains(r.Teams, w.Team))
}

// JobProgress is how far a job is and what the best it has found comes to.
type JobProgress struct {
	WeeksDone int `json:"weeks_done"`
	// SearchedMillis is how long was searched.
	SearchedMillis int64 `json:"searched_millis"`
	// Done are the weeks that are done, Now with the one in hand.
	Done JobCounts `json:"done"`
	Now  JobCounts `json:"now"`
	// Stopped says that the search was ended before its time.
	Stopped bool `json:"stopped"`
	// Published is how many changes have been published.
	Published int `json:"published"`
	Rebased   int `json:"rebased"`
	Failures  int `json:"failures"`
	// Rule is what decided over publishing without a person.
	Rule *rules.Ref `json:"rule,omitempty"`
	// Weights is what the search weighed by.
	Weights *rules.Ref `json:"weights,omitempty"`
}

// JobCounts weigh some weeks as published against the best found for them.
type JobCounts struct {
	Before Figures `json:"before"`
	Best   Figures `json:"best"`
	// Moved, Placed and Open count the changes of the best found.
	Moved  int `json:"moved"`
	Placed int `json:"placed"`
	Open   int `json:"open"`
	// Loads are the workers whose work the proposal changes.
	Loads []LoadChange `json:"loads,omitempty"`
}

// With adds a week: what it changes of the schedule that is known. would is that
// schedule laid out to be changed; of what is supposed it differs from known.
func (c JobCounts) With(known, would Standing, best Plan) JobCounts {
	c.Before = c.Before.Plus(known.Problem.Figures(known.Plan))
	c.Best = c.Best.Plus(would.Problem.Figures(best))
	for _, change := range known.Difference(best) {
		switch change.Kind {
		case ChangeMoved:
			c.Moved++
		case ChangePlaced:
			c.Placed++
		case ChangeOpen:
			c.Open++
		}
	}
	c.Loads = addLoads(slices.Clone(c.Loads), loadChanges(known.Problem.Loads(known.Plan), would.Problem.Loads(best)))
	return c
}

// LoadChange is what a proposal does to one worker.
type LoadChange struct {
	Worker WorkerID `json:"worker_id"`
	Before Load     `json:"before"`
	After  Load     `json:"after"`
}

// loadChanges lists the workers whose load differs, by worker. after may have
// workers more.
func loadChanges(before, after []Load) []LoadChange {
	was := map[WorkerID]Load{}
	for _, l := range before {
		was[l.Worker] = l
	}
	var changes []LoadChange
	for _, l := range after {
		old, known := was[l.Worker]
		if !known {
			old.Worker = l.Worker
		}
		if old != l {
			changes = append(changes, LoadChange{l.Worker, old, l})
		}
	}
	return changes
}

// addLoads adds the changes of another week.
func addLoads(all, more []LoadChange) []LoadChange {
	for _, m := range more {
		i := slices.IndexFunc(all, func(c LoadChange) bool { return c.Worker == m.Worker })
		if i < 0 {
			all = append(all, m)
			continue
		}
		all[i].Before, all[i].After = all[i].Before.plus(m.Before), all[i].After.plus(m.After)
	}
	return all
}

func (l Load) plus(o Load) Load {
	return Load{l.Worker, l.Visits + o.Visits, l.VisitMinutes + o.VisitMinutes, l.TravelMinutes + o.TravelMinutes}
}

// Job is a planning of several weeks, from the wish to the decision.
type Job struct {
	ID       JobID
	Status   JobStatus
	Request  JobRequest
	Progress JobProgress
	Failure  string
	StopAsk  bool
	By       string
	AskedAt  time.Time
	EndedAt  time.Time // zero while it is open
	Version  int64
}

// ProposedChange is a change with the visit's version it was worked out from.
type ProposedChange struct {
	Change
	Case      CaseID
	Week      Week
	Version   int64
	Published bool
}

func (j *Job) to(status JobStatus, at time.Time) {
	j.Status = status
	if status != JobProposed && status != JobQueued && status != JobRunning {
		j.EndedAt = at
	}
	j.Version++
}

// Cancel stops a job that has not come to a proposal. One that is running stops
// soon, and proposes what it has found by then.
func (j *Job) Cancel(at time.Time) error {
	switch j.Status {
	case JobQueued:
		j.to(JobCancelled, at)
	case JobRunning:
		if !j.StopAsk {
			j.StopAsk = true
			j.Version++
		}
	case JobCancelled:
	default:
		return fault.New(fault.Conflict, "job_over", "The job is "+string(j.Status)+"; only one that is queued or running is cancelled.")
	}
	return nil
}

func (j *Job) proposed() error {
	if j.Status != JobProposed {
		return fault.New(fault.Conflict, "no_proposal", "The job is "+string(j.Status)+"; only a proposal is accepted, discarded or rebased.")
	}
	return nil
}

// Accept ends a job whose proposal was published, n changes of it.
func (j *Job) Accept(n int, at time.Time) error {
	if err := j.Acceptable(); err != nil {
		return err
	}
	j.Progress.Published += n
	j.to(JobPublished, at)
	return nil
}

// Acceptable is Conflict while there is no proposal (no_proposal), and for one of
// what is only supposed (what_if).
func (j *Job) Acceptable() error {
	if err := j.proposed(); err != nil {
		return err
	}
	if len(j.Request.WhatIf) > 0 {
		return fault.New(fault.Conflict, "what_if", "The proposal is of what is only supposed. Make it so, and plan the weeks anew.")
	}
	return nil
}

// Discard ends a job whose proposal is not wanted.
func (j *Job) Discard(at time.Time) error {
	if err := j.proposed(); err != nil {
		return err
	}
	j.to(JobDiscarded, at)
	return nil
}

// Rebase has a proposal worked out again, from what is published now and as far as
// possible from itself.
func (j *Job) Rebase() error {
	if err := j.proposed(); err != nil {
		return err
	}
	p := j.Progress
	j.Progress = JobProgress{Rebased: p.Rebased + 1, Published: p.Published, SearchedMillis: p.SearchedMillis}
	j.StopAsk = false
	j.to(JobQueued, time.Time{})
	return nil
}

// Finish ends the search. left is how many changes wait for a person, published
// how many were published by the planner itself.
func (j *Job) Finish(left, published int, at time.Time) {
	j.Progress.Published += published
	switch {
	case left > 0:
		j.to(JobProposed, at)
	case j.Progress.Published == 0 && j.Progress.Stopped:
		j.to(JobCancelled, at)
	case published > 0:
		j.to(JobPublished, at)
	default:
		j.to(JobProposed, at) // nothing is to be changed: a person sees that, too
	}
}

// Fail ends a job that cannot be done.
func (j *Job) Fail(code string, at time.Time) {
	j.Failure = code
	j.to(JobFailed, at)
}

// AutomaticLimits are what a planner may publish by itself.
type AutomaticLimits struct {
	Allowed bool
	// MostMoved is how many visits that have a place may move.
	MostMoved int
	// Frozen is how far ahead nothing is moved, to or from.
	Frozen time.Duration
}

// Admits are the changes a planner may publish by itself: whole bundles, none of
// which moves anything that begins, or would begin, before now plus Frozen, and all
// together no more than MostMoved moves.
func (l AutomaticLimits) Admits(changes []Change, now time.Time, zone *time.Location) []Change {
	if !l.Allowed {
		return nil
	}
	soon := now.Add(l.Frozen)
	var admitted []Change
	left := l.MostMoved
	for _, bundle := range Bundles(changes, zone) {
		tooSoon := slices.ContainsFunc(bundle, func(c Change) bool {
			return c.Kind == ChangeMoved && (c.From.StartsAt.Before(soon) || c.To.StartsAt.Before(soon))
		})
		if n := Moves(bundle); !tooSoon && n <= left {
			left -= n
			admitted = append(admitted, bundle...)
		}
	}
	return admitted
}
