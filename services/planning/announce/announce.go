// Package announce publishes what happened in a case. Its events hold ids, codes
// and times; what people wrote stays here.
package announce

import (
	"context"
	"time"

	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/planning/casefile"
)

// The events of planning.
const (
	TypeAssigned          = "org.hearth.planning.case.assigned.v1"
	TypeUnassigned        = "org.hearth.planning.case.unassigned.v1"
	TypeExcluded          = "org.hearth.planning.case.excluded.v1"
	TypeExclusionLifted   = "org.hearth.planning.case.exclusion_lifted.v1"
	TypeClosed            = "org.hearth.planning.case.closed.v1"
	TypeSafetyPlanStarted = "org.hearth.planning.safety_plan.started.v1"
	TypeSafetyPlanEnded   = "org.hearth.planning.safety_plan.ended.v1"
	TypePlanSubmitted     = "org.hearth.planning.plan.submitted.v1"
	TypePlanReturned      = "org.hearth.planning.plan.returned.v1"
	TypePlanApproved      = "org.hearth.planning.plan.approved.v1"
)

// ofCase is an event of the case itself.
func ofCase(eventType string, c *casefile.Case, data any) events.Draft {
	return events.Draft{Type: eventType, Subject: string(c.ID), Key: string(c.ID), Version: c.Version, Data: data, Trace: c.Trace}
}

// Assigned tells that a worker has the case; unit is the one that has the case, "" while none has.
func Assigned(ctx context.Context, tx *postgres.Tx, c *casefile.Case, a casefile.Assignment, unit string) error {
	return events.Publish(ctx, tx, ofCase(TypeAssigned, c, struct {
		CaseID       casefile.CaseID         `json:"case_id"`
		WorkerID     string                  `json:"worker_id"`
		SupervisorID string                  `json:"supervisor_id"`
		Role         casefile.AssignmentRole `json:"role"`
		AssignedBy   string                  `json:"assigned_by"`
		AssignedAt   time.Time               `json:"assigned_at"`
		Unit         string                  `json:"unit,omitempty"`
	}{c.ID, a.WorkerID, a.SupervisorID, a.Role, a.By, a.At.UTC(), unit}))
}

func unassigned(c *casefile.Case, a casefile.Assignment) events.Draft {
	return ofCase(TypeUnassigned, c, struct {
		CaseID     casefile.CaseID `json:"case_id"`
		WorkerID   string          `json:"worker_id"`
		ReasonCode string          `json:"reason_code"`
	}{c.ID, a.WorkerID, a.Ended.Reason})
}

// Unassigned tells that a worker no longer has the case.
func Unassigned(ctx context.Context, tx *postgres.Tx, c *casefile.Case, a casefile.Assignment) error {
	return events.Publish(ctx, tx, unassigned(c, a))
}

// Excluded tells that a worker is kept out of the case, and that the assignment
// the worker had is over; ended may be nil.
func Excluded(ctx context.Context, tx *postgres.Tx, c *casefile.Case, worker string, ended *casefile.Assignment) error {
	// The exclusion goes first: from then on nothing of the case is the worker's to see.
	drafts := []events.Draft{ofCase(TypeExcluded, c, struct {
		CaseID   casefile.CaseID `json:"case_id"`
		WorkerID string          `json:"worker_id"`
	}{c.ID, worker})}
	if ended != nil {
		drafts = append(drafts, unassigned(c, *ended))
	}
	return events.Publish(ctx, tx, drafts...)
}

// ExclusionLifted tells that a worker is no longer kept out of the case.
func ExclusionLifted(ctx context.Context, tx *postgres.Tx, c *casefile.Case, worker string) error {
	return events.Publish(ctx, tx, ofCase(TypeExclusionLifted, c, struct {
		CaseID   casefile.CaseID `json:"case_id"`
		WorkerID string          `json:"worker_id"`
	}{c.ID, worker}))
}

// Closed tells that the case is closed, and then that its workers no longer have
// it: in this order nobody replans the visits of a case that is over.
func Closed(ctx context.Context, tx *postgres.Tx, c *casefile.Case, ended []casefile.Assignment) error {
	drafts := []events.Draft{ofCase(TypeClosed, c, struct {
		CaseID     casefile.CaseID `json:"case_id"`
		ReasonCode string          `json:"reason_code"`
		ClosedBy   string          `json:"closed_by"`
		ClosedAt   time.Time       `json:"closed_at"`
	}{c.ID, c.Closing.Reason, c.Closing.By, c.Closing.At.UTC()})}
	for _, a := range ended {
		drafts = append(drafts, unassigned(c, a))
	}
	return events.Publish(ctx, tx, drafts...)
}

func ofSafetyPlan(eventType string, c *casefile.Case, p casefile.SafetyPlan, data any) events.Draft {
	return events.Draft{Type: eventType, Subject: p.ID, Key: string(c.ID), Version: p.Version, Data: data, Trace: c.Trace}
}

// SafetyPlanStarted tells that a safety plan is in force.
func SafetyPlanStarted(ctx context.Context, tx *postgres.Tx, c *casefile.Case, p casefile.SafetyPlan) error {
	return events.Publish(ctx, tx, ofSafetyPlan(TypeSafetyPlanStarted, c, p, struct {
		SafetyPlanID string          `json:"safety_plan_id"`
		CaseID       casefile.CaseID `json:"case_id"`
	}{p.ID, c.ID}))
}

// SafetyPlanEnded tells that a safety plan is no longer in force.
func SafetyPlanEnded(ctx context.Context, tx *postgres.Tx, c *casefile.Case, p casefile.SafetyPlan) error {
	return events.Publish(ctx, tx, ofSafetyPlan(TypeSafetyPlanEnded, c, p, struct {
		SafetyPlanID string          `json:"safety_plan_id"`
		CaseID       casefile.CaseID `json:"case_id"`
		ReasonCode   string          `json:"reason_code"`
	}{p.ID, c.ID, p.Ended.Reason}))
}

func ofPlan(eventType string, c *casefile.Case, p *casefile.Plan, data any) events.Draft {
	return events.Draft{Type: eventType, Subject: p.ID, Key: string(c.ID), Version: p.Revision, Data: data, Trace: c.Trace}
}

// PlanSubmitted tells that the newest version waits for its supervisor.
func PlanSubmitted(ctx context.Context, tx *postgres.Tx, c *casefile.Case, p *casefile.Plan) error {
	v := p.Newest()
	return events.Publish(ctx, tx, ofPlan(TypePlanSubmitted, c, p, struct {
		PlanID       string          `json:"plan_id"`
		Version      int             `json:"version"`
		CaseID       casefile.CaseID `json:"case_id"`
		Author       string          `json:"author"`
		SupervisorID string          `json:"supervisor_id"`
	}{p.ID, v.Number, c.ID, v.Author, v.SupervisorID}))
}

// PlanReturned tells that the newest version was sent back.
func PlanReturned(ctx context.Context, tx *postgres.Tx, c *casefile.Case, p *casefile.Plan) error {
	v := p.Newest()
	return events.Publish(ctx, tx, ofPlan(TypePlanReturned, c, p, struct {
		PlanID     string          `json:"plan_id"`
		Version    int             `json:"version"`
		CaseID     casefile.CaseID `json:"case_id"`
		ReasonCode string          `json:"reason_code"`
		ReturnedBy string          `json:"returned_by"`
	}{p.ID, v.Number, c.ID, v.Return.Reason, v.Return.By}))
}

// PlanApproved tells that the newest version is in effect.
func PlanApproved(ctx context.Context, tx *postgres.Tx, c *casefile.Case, p *casefile.Plan) error {
	v := p.Newest()
	return events.Publish(ctx, tx, ofPlan(TypePlanApproved, c, p, struct {
		PlanID        string                 `json:"plan_id"`
		Version       int                    `json:"version"`
		CaseID        casefile.CaseID        `json:"case_id"`
		HouseholdID   string                 `json:"household_id"`
		Program       string                 `json:"program"`
		ApprovedBy    string                 `json:"approved_by"`
		StartsOn      string                 `json:"starts_on"`
		EndsOn        string                 `json:"ends_on"`
		VisitPattern  *casefile.VisitPattern `json:"visit_pattern"`
		ResourceNeeds []string               `json:"resource_needs"`
		Workers       []string               `json:"workers"`
		Recipients    []string               `json:"recipients"`
	}{
		p.ID, v.Number, c.ID, c.HouseholdID, c.Program, v.ApprovedBy, v.Content.StartsOn, v.Content.EndsOn, v.Content.VisitPattern,
		v.Content.ResourceNeeds, c.Workers(), v.Content.Recipients,
	}))
}
