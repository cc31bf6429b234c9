package casefile

import (
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
)

// AssignmentRole is what a worker is to a case.
type AssignmentRole string

const (
	Lead     AssignmentRole = "lead"
	CoWorker AssignmentRole = "co_worker"
)

// Assignment is a worker's having a case, from At until Ended.
type Assignment struct {
	ID           string
	CaseID       CaseID
	WorkerID     string
	SupervisorID string
	Role         AssignmentRole
	By           string
	At           time.Time
	Ended        *Ending
}

// Ending is when, why and by whom an assignment ended.
type Ending struct {
	Reason string
	By     string
	At     time.Time
}

func (a Assignment) ended(reason, by string, at time.Time) Assignment {
	a.Ended = &Ending{Reason: reason, By: by, At: at}
	return a
}

// Assign gives the case to a worker. Whether the worker has room for it within
// the program's caseload limit is decided where caseloads are counted. It fails
// with Conflict: case_closed, worker_excluded, already_assigned, lead_exists; and
// with Unprocessable (own_supervisor).
func (c *Case) Assign(a Assignment) error {
	if err := c.mustBeOpen(); err != nil {
		return err
	}
	switch {
	case a.WorkerID == a.SupervisorID:
		return fault.New(fault.Unprocessable, "own_supervisor", "A worker is supervised by someone else.",
			fault.Field{Pointer: "/supervisor_id", Code: "own_supervisor", Detail: "Name another supervisor."})
	case slices.Contains(c.Barred, a.WorkerID):
		return fault.New(fault.Conflict, "worker_excluded", "The worker is excluded from this case. Choose another.",
			fault.Field{Pointer: "/worker_id", Code: "worker_excluded", Detail: "Choose another worker."})
	case c.worksOn(a.WorkerID):
		return fault.New(fault.Conflict, "already_assigned", "The worker has this case already.",
			fault.Field{Pointer: "/worker_id", Code: "already_assigned", Detail: "End the assignment first to change its role."})
	}
	if lead, ok := c.Lead(); ok && a.Role == Lead {
		return fault.New(fault.Conflict, "lead_exists", "The case has a lead. End that assignment first, or assign a co-worker.",
			fault.Field{Pointer: "/role", Code: "lead_exists", Detail: "Assignment " + lead.ID + " leads the case."})
	}
	a.CaseID = c.ID
	c.Roster = append(c.Roster, a)
	c.settle()
	return nil
}

// Unassign ends an assignment and returns it. It fails with Conflict:
// case_closed, assignment_ended.
func (c *Case) Unassign(assignmentID, reason, by string, at time.Time) (Assignment, error) {
	if err := c.mustBeOpen(); err != nil {
		return Assignment{}, err
	}
	i := slices.IndexFunc(c.Roster, func(a Assignment) bool { return a.ID == assignmentID })
	if i < 0 {
		return Assignment{}, fault.New(fault.Conflict, "assignment_ended", "The assignment has ended before.")
	}
	ended := c.Roster[i].ended(reason, by, at)
	c.Roster = slices.Delete(slices.Clone(c.Roster), i, i+1)
	c.settle()
	return ended, nil
}

// Exclude bars a worker from the case, closed or not, and ends the assignment
// the worker may have; ended is nil when there was none. It fails with Conflict
// (worker_excluded) when the worker is excluded already.
func (c *Case) Exclude(worker, by string, at time.Time) (ended *Assignment, err error) {
	if slices.Contains(c.Barred, worker) {
		return nil, fault.New(fault.Conflict, "worker_excluded", "The worker is excluded from this case already.")
	}
	c.Barred = append(slices.Clone(c.Barred), worker)
	i := slices.IndexFunc(c.Roster, func(a Assignment) bool { return a.WorkerID == worker })
	if i < 0 {
		c.Version++
		return nil, nil
	}
	a := c.Roster[i].ended("excluded", by, at)
	c.Roster = slices.Delete(slices.Clone(c.Roster), i, i+1)
	c.settle()
	return &a, nil
}

// LiftExclusion lets a worker be assigned again; an assignment the exclusion ended
// stays ended. It fails with NotFound when the worker is not excluded.
func (c *Case) LiftExclusion(worker string) error {
	i := slices.Index(c.Barred, worker)
	if i < 0 {
		return fault.Missing("exclusion")
	}
	c.Barred = slices.Delete(slices.Clone(c.Barred), i, i+1)
	c.Version++
	return nil
}
