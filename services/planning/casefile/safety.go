package casefile

import (
	"fmt"
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
)

// Safety is what planning knows of the children's safety in a case.
type Safety struct {
	Decision     string // safe, safe_with_plan, unsafe; empty: not decided yet
	AssessmentID string // whose decision it is
	Demanded     bool   // a decision demands a safety plan and none was started since
	PlanInForce  string // id of the safety plan in force; empty: none
}

// Decided takes in a safety decision. One that is not "safe" demands a safety
// plan, unless one is in force.
func (s Safety) Decided(decision, assessmentID string) Safety {
	s.Decision, s.AssessmentID = decision, assessmentID
	s.Demanded = decision != "safe" && s.PlanInForce == ""
	return s
}

func safetyPlanDemanded() error {
	return fault.New(fault.Conflict, "safety_plan_demanded",
		"The safety decision demands a safety plan and none was started. Start one, or have the decision reviewed.")
}

// SafetyPlan is what keeps the children safe until the danger is gone.
//
//	start ──▶ in_force ── end, with a reason ──▶ ended
type SafetyPlan struct {
	ID           string
	CaseID       CaseID
	AssessmentID string
	Actions      []SafetyAction
	ReviewOn     string // YYYY-MM-DD
	StartedBy    string
	StartedAt    time.Time
	Ended        *Ending
	Version      int64
}

// SafetyAction is one thing done, and who does it.
type SafetyAction struct {
	Description string      `json:"description"`
	Responsible Responsible `json:"responsible"`
}

// StartSafetyPlan puts a plan in force. today is the agency's day, YYYY-MM-DD. It
// fails with Conflict: case_closed, safety_plan_in_force; and Unprocessable
// (safety_plan_invalid) with every fault.
func (c *Case) StartSafetyPlan(p SafetyPlan, today string) (SafetyPlan, error) {
	if err := c.mustBeOpen(); err != nil {
		return SafetyPlan{}, err
	}
	if c.Safety.PlanInForce != "" {
		return SafetyPlan{}, fault.New(fault.Conflict, "safety_plan_in_force",
			"A safety plan is in force. End it as replaced before starting another.")
	}
	var fields []fault.Field
	for i, a := range p.Actions {
		fields = append(fields, c.checkResponsible(fmt.Sprintf("/actions/%d/responsible", i), a.Responsible)...)
	}
	if p.ReviewOn < today {
		fields = append(fields, fault.Field{Pointer: "/review_on", Code: "in_the_past", Detail: "Give today or a later day."})
	}
	if len(fields) > 0 {
		return SafetyPlan{}, fault.New(fault.Unprocessable, "safety_plan_invalid", "The safety plan cannot start as it is.", fields...)
	}
	p.CaseID, p.AssessmentID, p.Version = c.ID, c.Safety.AssessmentID, 1
	c.Safety.PlanInForce, c.Safety.Demanded = p.ID, false
	c.Version++
	return p, nil
}

// EndSafetyPlan ends the plan in force. It fails with Conflict (safety_plan_ended).
func (c *Case) EndSafetyPlan(p SafetyPlan, e Ending) (SafetyPlan, error) {
	if p.Ended != nil || c.Safety.PlanInForce != p.ID {
		return SafetyPlan{}, fault.New(fault.Conflict, "safety_plan_ended", "The safety plan has ended before.")
	}
	p.Ended = &e
	p.Version++
	c.Safety.PlanInForce = ""
	if e.Reason == "replaced" {
		// The danger goes on, so another plan must follow.
		c.Safety.Demanded = c.Safety.Decision != "safe" && c.Safety.Decision != ""
	}
	c.Version++
	return p, nil
}

// Responsible is who does something.
type Responsible struct {
	Kind string `json:"kind"`         // worker, family_member, network, service
	ID   string `json:"id,omitempty"` // worker id or person id, for the first two
}

// checkResponsible wants workers and family members named, and of this case.
func (c *Case) checkResponsible(at string, r Responsible) []fault.Field {
	wrong := func(code, detail string) []fault.Field {
		return []fault.Field{{Pointer: at + "/id", Code: code, Detail: detail}}
	}
	switch r.Kind {
	case "worker":
		if !slices.ContainsFunc(c.Roster, func(a Assignment) bool { return a.WorkerID == r.ID }) {
			return wrong("not_assigned", "Name a worker who has the case.")
		}
	case "family_member":
		if !c.HasPerson(r.ID) {
			return wrong("not_in_case", "Name a person of the case.")
		}
	default:
		if r.ID != "" {
			return wrong("not_expected", "Only a worker or a family member is named by id.")
		}
	}
	return nil
}
