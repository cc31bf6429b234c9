package casefile

import (
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
)

// PlanStatus is where a version of a plan stands.
//
//	         submit                 approve                next one approved
//	draft ───────────▶ submitted ───────────▶ approved ─────────────────────▶ superseded
//	  │ ▲                │    ▲                  │
//	  └─┘ edit           │    │ submit           └─ revise ─▶ a new draft, one version on
//	              return ▼    │
//	                    returned ─┐
//	                       ▲──────┘ edit
type PlanStatus string

const (
	Draft      PlanStatus = "draft"
	Submitted  PlanStatus = "submitted"
	Returned   PlanStatus = "returned"
	Approved   PlanStatus = "approved"
	Superseded PlanStatus = "superseded"
)

// Plan is the service plan of a case with all its versions, oldest first.
type Plan struct {
	ID       string
	CaseID   CaseID
	Versions []PlanVersion
	Revision int64 // counts changes of the plan as a whole
}

// PlanVersion is one version of a plan, as the family knows it: 1, 2, …
type PlanVersion struct {
	Number       int
	Status       PlanStatus
	Author       string   // who began it
	Editors      []string // everyone who changed it, the author first
	SupervisorID string   // whom it was submitted to
	Content      Content
	CreatedAt    time.Time
	SubmittedBy  string
	SubmittedAt  time.Time
	ApprovedBy   string
	ApprovedAt   time.Time
	Return       *Return // the newest one
}

// Return is a supervisor's sending a plan back.
type Return struct {
	Reason  string    `json:"reason_code"`
	Comment string    `json:"comment,omitempty"`
	By      string    `json:"returned_by"`
	At      time.Time `json:"returned_at"`
}

// NewPlan begins the first version.
func NewPlan(id string, c *Case, content Content, author string, at time.Time) (*Plan, error) {
	if err := c.mustBeOpen(); err != nil {
		return nil, err
	}
	return &Plan{ID: id, CaseID: c.ID, Revision: 1, Versions: []PlanVersion{
		{Number: 1, Status: Draft, Author: author, Editors: []string{author}, Content: content, CreatedAt: at},
	}}, nil
}

// Newest is the version work goes on with.
func (p *Plan) Newest() *PlanVersion { return &p.Versions[len(p.Versions)-1] }

// Edit changes the content of a draft or returned version. It fails with
// Conflict: case_closed, plan_not_editable.
func (p *Plan) Edit(c *Case, content Content, by string) error {
	if err := c.mustBeOpen(); err != nil {
		return err
	}
	v := p.Newest()
	if v.Status != Draft && v.Status != Returned {
		return fault.New(fault.Conflict, "plan_not_editable", "Only a draft or a returned plan is changed. Revise an approved plan to change it.")
	}
	v.Content = content
	if !slices.Contains(v.Editors, by) {
		v.Editors = append(slices.Clone(v.Editors), by)
	}
	p.Revision++
	return nil
}

// Submit hands the newest version to the lead's supervisor. It fails with
// Conflict: case_closed, plan_not_submittable, lead_missing; and with
// Unprocessable (plan_incomplete) with every gap.
func (p *Plan) Submit(c *Case, limits Limits, by string, at time.Time) error {
	if err := c.mustBeOpen(); err != nil {
		return err
	}
	v := p.Newest()
	if v.Status != Draft && v.Status != Returned {
		return fault.New(fault.Conflict, "plan_not_submittable", "Only a draft or a returned plan is submitted.")
	}
	lead, ok := c.Lead()
	if !ok {
		return fault.New(fault.Conflict, "lead_missing", "The case has no lead, so no supervisor to submit to. Assign a lead first.")
	}
	if gaps := v.Content.Gaps(c, limits); len(gaps) > 0 {
		return fault.New(fault.Unprocessable, "plan_incomplete", "The plan is not ready to submit.", gaps...)
	}
	v.Status, v.SupervisorID, v.SubmittedBy, v.SubmittedAt = Submitted, lead.SupervisorID, by, at
	p.Revision++
	return nil
}

// Approve puts a submitted version into effect and supersedes the one approved
// before. It fails with Forbidden (own_plan), and with Conflict: case_closed,
// plan_not_submitted, safety_plan_demanded, lead_missing.
func (p *Plan) Approve(c *Case, by string, at time.Time) error {
	v, err := p.awaitingSupervisor(c, by)
	if err != nil {
		return err
	}
	if c.Safety.Demanded {
		return safetyPlanDemanded()
	}
	if _, ok := c.Lead(); !ok {
		return fault.New(fault.Conflict, "lead_missing", "The case has no lead to carry the plan out. Assign one first.")
	}
	for i := range p.Versions {
		if p.Versions[i].Status == Approved {
			p.Versions[i].Status = Superseded
		}
	}
	v.Status, v.ApprovedBy, v.ApprovedAt = Approved, by, at
	p.Revision++
	return nil
}

// SendBack returns a submitted version to its author. It fails as Approve does,
// save for what concerns safety and the lead.
func (p *Plan) SendBack(c *Case, r Return) error {
	v, err := p.awaitingSupervisor(c, r.By)
	if err != nil {
		return err
	}
	v.Status, v.Return = Returned, &r
	p.Revision++
	return nil
}

func (p *Plan) awaitingSupervisor(c *Case, by string) (*PlanVersion, error) {
	if err := c.mustBeOpen(); err != nil {
		return nil, err
	}
	v := p.Newest()
	if v.Status != Submitted {
		return nil, fault.New(fault.Conflict, "plan_not_submitted", "The plan does not wait for a supervisor.")
	}
	if v.Author == by || v.SubmittedBy == by || slices.Contains(v.Editors, by) {
		return nil, fault.New(fault.Forbidden, "own_plan", "A plan is decided on by a supervisor who had no part in writing it.")
	}
	return v, nil
}

// Revise begins the next version with the approved content. It fails with
// Conflict: case_closed, plan_not_approved.
func (p *Plan) Revise(c *Case, by string, at time.Time) error {
	if err := c.mustBeOpen(); err != nil {
		return err
	}
	v := p.Newest()
	if v.Status != Approved {
		return fault.New(fault.Conflict, "plan_not_approved", "Only an approved plan is revised; this version is still being worked on.")
	}
	p.Versions = append(slices.Clone(p.Versions), PlanVersion{
		Number: v.Number + 1, Status: Draft, Author: by, Editors: []string{by}, Content: v.Content.Clone(), CreatedAt: at,
	})
	p.Revision++
	return nil
}
