package casefile

import (
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
)

// CaseID names a case. Intake gives it when it opens the case.
type CaseID string

// CaseStatus is where a case stands.
//
//	        first lead                      close
//	open ───────────────▶ active ─────────────────────▶ closed
//	 ▲                      │                             ▲
//	 └──── lead unassigned ─┘                             │
//	 └────────────────────────── close ──────────────────┘
type CaseStatus string

const (
	Open   CaseStatus = "open"   // nobody leads it
	Active CaseStatus = "active" // it has a lead
	Closed CaseStatus = "closed"
)

// Person is a member of the case, by id alone.
type Person struct {
	PersonID string `json:"person_id"`
	Role     string `json:"role"` // child, caregiver, other_adult
}

// Case is what intake opened and what planning did with it since.
type Case struct {
	ID             CaseID
	ReferralID     string
	HouseholdID    string
	Program        string
	ProgramVersion string
	Priority       string
	Persons        []Person
	Languages      []string
	SafetyFlags    []string
	ConcernCodes   []string
	OpenedBy       string
	OpenedAt       time.Time

	Status  CaseStatus
	Roster  []Assignment // assignments that have not ended
	Barred  []string     // excluded workers
	Safety  Safety
	Closing *Closing

	Version int64
	Trace   string // traceparent of the referral's story
}

// Closing is how a case ended.
type Closing struct {
	Reason  string
	Summary string
	By      string
	At      time.Time
	// Worked: who closes it worked on the case once. It is not stored.
	Worked bool `json:"-"`
}

// elsewhere are the closing reasons after which others answer for the
// children's safety, so that a safety plan never started holds nothing up.
var elsewhere = []string{"child_placed", "transferred_to_other_agency"}

// mustBeOpen fails with Conflict (case_closed) when the case is closed.
func (c *Case) mustBeOpen() error {
	if c.Status == Closed {
		return fault.New(fault.Conflict, "case_closed", "The case is closed. What was done in it stays as it is.")
	}
	return nil
}

// settle works out the status of an open case from its roster.
func (c *Case) settle() {
	c.Status = Open
	if slices.ContainsFunc(c.Roster, func(a Assignment) bool { return a.Role == Lead }) {
		c.Status = Active
	}
	c.Version++
}

// Close closes the case and ends its assignments, which it returns. It fails
// with Forbidden (own_case) for who works on the case or ever did, with Conflict
// (safety_plan_in_force) or (safety_plan_demanded).
func (c *Case) Close(closing Closing) ([]Assignment, error) {
	if err := c.mustBeOpen(); err != nil {
		return nil, err
	}
	if c.worksOn(closing.By) || closing.Worked {
		return nil, fault.New(fault.Forbidden, "own_case", "A case is closed by someone who does not work on it, and never did.")
	}
	if c.Safety.PlanInForce != "" {
		return nil, fault.New(fault.Conflict, "safety_plan_in_force", "A safety plan is in force. End it, with its reason, before closing the case.")
	}
	if c.Safety.Demanded && !slices.Contains(elsewhere, closing.Reason) {
		return nil, safetyPlanDemanded()
	}
	ended := make([]Assignment, len(c.Roster))
	for i, a := range c.Roster {
		ended[i] = a.ended("case_closed", closing.By, closing.At)
	}
	c.Roster = nil
	c.Status, c.Closing = Closed, &closing
	c.Version++
	return ended, nil
}

func (c *Case) worksOn(worker string) bool {
	return slices.ContainsFunc(c.Roster, func(a Assignment) bool { return a.WorkerID == worker })
}

// HasPerson says whether a person belongs to the case, in one of the roles if
// any are given.
func (c *Case) HasPerson(id string, roles ...string) bool {
	return slices.ContainsFunc(c.Persons, func(p Person) bool {
		return p.PersonID == id && (len(roles) == 0 || slices.Contains(roles, p.Role))
	})
}

// Workers returns the ids of the workers who have the case, the lead first, then
// in the order they came.
func (c *Case) Workers() []string {
	roster := slices.Clone(c.Roster)
	slices.SortStableFunc(roster, func(a, b Assignment) int {
		if (a.Role == Lead) != (b.Role == Lead) {
			if a.Role == Lead {
				return -1
			}
			return 1
		}
		return a.At.Compare(b.At)
	})
	out := make([]string, len(roster))
	for i, a := range roster {
		out[i] = a.WorkerID
	}
	return out
}

// Lead returns the assignment of the worker who leads the case.
func (c *Case) Lead() (Assignment, bool) {
	i := slices.IndexFunc(c.Roster, func(a Assignment) bool { return a.Role == Lead })
	if i < 0 {
		return Assignment{}, false
	}
	return c.Roster[i], true
}
