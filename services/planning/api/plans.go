package api

import (
	"context"
	"errors"
	"fmt"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/planning/announce"
	"github.com/hearthfps/hearth/services/planning/casefile"
	store "github.com/hearthfps/hearth/services/planning/postgres"
)

// ListDraftGoals answers GET /cases/{case_id}/draft-goals.
func (s *Server) ListDraftGoals(ctx context.Context, r ListDraftGoalsRequestObject) (ListDraftGoalsResponseObject, error) {
	out := ListDraftGoals200JSONResponse{Items: []DraftGoal{}, Strengths: []Domain{}}
	err := s.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		c, err := s.open(ctx, tx, r.CaseId)
		if err != nil {
			return err
		}
		needs, err := store.Needs(ctx, tx, c.ID)
		if err != nil {
			return err
		}
		drafts, strengths := s.Goals.Draft(needs)
		out.Items, out.Strengths = []DraftGoal{}, []Domain{}
		rules := RuleReference{Name: s.Goals.Ref.Name, Version: s.Goals.Ref.Version, Hash: s.Goals.Ref.Hash}
		for _, d := range drafts {
			out.Items = append(out.Items, DraftGoal{
				Domain: Domain(d.Need.Domain), Level: DraftGoalLevel(d.Need.Level), Statement: d.Statement, Interventions: d.Interventions,
				ResourceNeeds: append([]string{}, d.ResourceNeeds...), Rules: rules,
				FromNeed: NeedReference{AssessmentId: d.Need.AssessmentID, Instrument: d.Need.Instrument, InstrumentVersion: d.Need.InstrumentVersion},
			})
		}
		for _, d := range strengths {
			out.Strengths = append(out.Strengths, Domain(d))
		}
		usual, err := s.Rules.UsualVisits(c)
		if err != nil {
			return err
		}
		pattern, err := reshape[VisitPattern](usual)
		out.VisitPattern = &pattern
		return err
	})
	return out, err
}

// ListPlans answers GET /cases/{case_id}/plans.
func (s *Server) ListPlans(ctx context.Context, r ListPlansRequestObject) (ListPlansResponseObject, error) {
	type position struct {
		Version int `json:"v"`
	}
	before := position{Version: 1 << 30}
	if r.Params.Cursor != nil {
		if err := httpapi.DecodeCursor(*r.Params.Cursor, &before); err != nil {
			return nil, err
		}
	}
	limit := httpapi.Limit(r.Params.Limit)
	out := ListPlans200JSONResponse{Items: []PlanSummary{}}
	err := s.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		c, err := s.open(ctx, tx, r.CaseId)
		if err != nil {
			return err
		}
		p, err := store.PlanOfCase(ctx, tx, c.ID)
		if err != nil || p == nil {
			return err
		}
		out.Items, out.NextCursor = []PlanSummary{}, nil
		for i := len(p.Versions) - 1; i >= 0; i-- {
			v := &p.Versions[i]
			if v.Number >= before.Version {
				continue
			}
			if len(out.Items) == limit {
				next := httpapi.EncodeCursor(position{v.Number + 1})
				out.NextCursor = &next
				break
			}
			summary, err := reshape[PlanSummary](struct {
				casefile.Content
			}{v.Content})
			if err != nil {
				return err
			}
			summary.PlanId, summary.CaseId, summary.Version, summary.Status = p.ID, string(p.CaseID), v.Number, PlanStatus(v.Status)
			summary.Author, summary.CreatedAt, summary.ApprovedAt = v.Author, v.CreatedAt, httpapi.OrNil(v.ApprovedAt)
			out.Items = append(out.Items, summary)
		}
		return nil
	})
	return out, err
}

// planView shows one version of a plan.
func planView(p *casefile.Plan, v *casefile.PlanVersion) (Plan, error) {
	out, err := reshape[Plan](v.Content)
	if err != nil {
		return Plan{}, err
	}
	if v.Return != nil {
		returned, err := reshape[Plan](map[string]any{"returned": v.Return})
		if err != nil {
			return Plan{}, err
		}
		out.Returned = returned.Returned
	}
	out.PlanId, out.Version, out.CaseId, out.Status, out.Revision = p.ID, v.Number, string(p.CaseID), PlanStatus(v.Status), p.Revision
	out.Author, out.Editors, out.SupervisorId, out.CreatedAt = v.Author, v.Editors, httpapi.OrNil(v.SupervisorID), v.CreatedAt
	out.SubmittedBy, out.SubmittedAt = httpapi.OrNil(v.SubmittedBy), httpapi.OrNil(v.SubmittedAt)
	out.ApprovedBy, out.ApprovedAt = httpapi.OrNil(v.ApprovedBy), httpapi.OrNil(v.ApprovedAt)
	return out, nil
}

// CreatePlan answers POST /cases/{case_id}/plans.
func (s *Server) CreatePlan(ctx context.Context, r CreatePlanRequestObject) (CreatePlanResponseObject, error) {
	return httpapi.Once(ctx, s.DB, func(ctx context.Context, tx *postgres.Tx) (out CreatePlan201JSONResponse, err error) {
		c, by, err := s.lock(ctx, tx, casefile.CaseID(r.CaseId), policy.Write, ofCase("case", r.CaseId, casefile.CaseID(r.CaseId)))
		if err != nil {
			return out, err
		}
		content, err := reshape[casefile.Content](r.Body)
		if err != nil {
			return out, err
		}
		if err := normalise(&content, casefile.Content{}); err != nil {
			return out, err
		}
		id, err := newID()
		if err != nil {
			return out, err
		}
		p, err := casefile.NewPlan(id, c, content, by, s.now())
		if err != nil {
			return out, err
		}
		if err := store.InsertPlan(ctx, tx, p); err != nil {
			return out, err
		}
		out.Headers.ETag = httpapi.ETag(p.Revision)
		out.Body, err = planView(p, p.Newest())
		return out, err
	})
}

// normalise gives new goals their ids.
func normalise(content *casefile.Content, before casefile.Content) error {
	var failed error
	err := content.Normalise(before, func() string {
		id, err := newID()
		failed = errors.Join(failed, err)
		return id
	})
	return errors.Join(failed, err)
}

// GetPlan answers GET /plans/{plan_id}.
func (s *Server) GetPlan(ctx context.Context, r GetPlanRequestObject) (GetPlanResponseObject, error) {
	var out GetPlan200JSONResponse
	err := s.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		p, err := s.readPlan(ctx, tx, r.PlanId)
		if err != nil {
			return err
		}
		out.Headers.ETag = httpapi.ETag(p.Revision)
		out.Body, err = planView(p, p.Newest())
		return err
	})
	return out, err
}

// GetPlanVersion answers GET /plans/{plan_id}/versions/{version}.
func (s *Server) GetPlanVersion(ctx context.Context, r GetPlanVersionRequestObject) (GetPlanVersionResponseObject, error) {
	var out GetPlanVersion200JSONResponse
	err := s.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		p, err := s.readPlan(ctx, tx, r.PlanId)
		if err != nil {
			return err
		}
		if r.Version > len(p.Versions) {
			return fault.New(fault.NotFound, "plan_version_not_found", fmt.Sprintf("The plan has %d versions.", len(p.Versions)))
		}
		view, err := planView(p, &p.Versions[r.Version-1])
		out = GetPlanVersion200JSONResponse(view)
		return err
	})
	return out, err
}

// readPlan gives a plan to someone who may read its case.
func (s *Server) readPlan(ctx context.Context, tx *postgres.Tx, id string) (*casefile.Plan, error) {
	p, err := store.GetPlan(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	return p, s.Policy.CheckRead(ctx, tx, policy.Read, ofCase("plan", p.ID, p.CaseID))
}

// changePlan locks a plan's case, checks the action and the version asked for,
// lets step change the plan, and stores it.
func (s *Server) changePlan(ctx context.Context, tx *postgres.Tx, id, action string, step func(c *casefile.Case, p *casefile.Plan, by string) error) (*casefile.Case, *casefile.Plan, error) {
	caseID, err := store.PlanCase(ctx, tx, id)
	if err != nil {
		return nil, nil, err
	}
	c, by, err := s.lock(ctx, tx, caseID, action, ofCase("plan", id, caseID))
	if err != nil {
		return nil, nil, err
	}
	p, err := store.GetPlan(ctx, tx, id)
	if err != nil {
		return nil, nil, err
	}
	if err := httpapi.IfMatch(ctx, p.Revision); err != nil {
		return nil, nil, err
	}
	if err := step(c, p, by); err != nil {
		return nil, nil, err
	}
	return c, p, store.SavePlan(ctx, tx, p)
}

// EditPlan answers PATCH /plans/{plan_id}.
func (s *Server) EditPlan(ctx context.Context, r EditPlanRequestObject) (EditPlanResponseObject, error) {
	var out EditPlan200JSONResponse
	err := s.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		_, p, err := s.changePlan(ctx, tx, r.PlanId, policy.Write, func(c *casefile.Case, p *casefile.Plan, by string) error {
			before := p.Newest().Content
			content, err := before.Patch(*r.Body)
			if err != nil {
				return err
			}
			if err := normalise(&content, before); err != nil {
				return err
			}
			return p.Edit(c, content, by)
		})
		if err != nil {
			return err
		}
		out.Headers.ETag = httpapi.ETag(p.Revision)
		out.Body, err = planView(p, p.Newest())
		return err
	})
	return out, err
}

// SubmitPlan answers POST /plans/{plan_id}:submit.
func (s *Server) SubmitPlan(ctx context.Context, r SubmitPlanRequestObject) (SubmitPlanResponseObject, error) {
	return httpapi.Once(ctx, s.DB, func(ctx context.Context, tx *postgres.Tx) (out SubmitPlan200JSONResponse, err error) {
		c, p, err := s.changePlan(ctx, tx, r.PlanId, policy.Submit, func(c *casefile.Case, p *casefile.Plan, by string) error {
			limits, err := s.Rules.Limits(c)
			if err != nil {
				return err
			}
			return p.Submit(c, limits, by, s.now())
		})
		if err != nil {
			return out, err
		}
		if err := announce.PlanSubmitted(ctx, tx, c, p); err != nil {
			return out, err
		}
		out.Headers.ETag = httpapi.ETag(p.Revision)
		out.Body, err = planView(p, p.Newest())
		return out, err
	})
}

// ApprovePlan answers POST /plans/{plan_id}:approve.
func (s *Server) ApprovePlan(ctx context.Context, r ApprovePlanRequestObject) (ApprovePlanResponseObject, error) {
	return httpapi.Once(ctx, s.DB, func(ctx context.Context, tx *postgres.Tx) (out ApprovePlan200JSONResponse, err error) {
		c, p, err := s.changePlan(ctx, tx, r.PlanId, policy.Approve, func(c *casefile.Case, p *casefile.Plan, by string) error {
			return p.Approve(c, by, s.now())
		})
		if err != nil {
			return out, err
		}
		if err := announce.PlanApproved(ctx, tx, c, p); err != nil {
			return out, err
		}
		out.Headers.ETag = httpapi.ETag(p.Revision)
		out.Body, err = planView(p, p.Newest())
		return out, err
	})
}

// ReturnPlan answers POST /plans/{plan_id}:return.
func (s *Server) ReturnPlan(ctx context.Context, r ReturnPlanRequestObject) (ReturnPlanResponseObject, error) {
	return httpapi.Once(ctx, s.DB, func(ctx context.Context, tx *postgres.Tx) (out ReturnPlan200JSONResponse, err error) {
		c, p, err := s.changePlan(ctx, tx, r.PlanId, policy.Return, func(c *casefile.Case, p *casefile.Plan, by string) error {
			return p.SendBack(c, casefile.Return{Reason: string(r.Body.ReasonCode), Comment: httpapi.OrZero(r.Body.Comment), By: by, At: s.now()})
		})
		if err != nil {
			return out, err
		}
		if err := announce.PlanReturned(ctx, tx, c, p); err != nil {
			return out, err
		}
		out.Headers.ETag = httpapi.ETag(p.Revision)
		out.Body, err = planView(p, p.Newest())
		return out, err
	})
}

// RevisePlan answers POST /plans/{plan_id}:revise.
func (s *Server) RevisePlan(ctx context.Context, r RevisePlanRequestObject) (RevisePlanResponseObject, error) {
	return httpapi.Once(ctx, s.DB, func(ctx context.Context, tx *postgres.Tx) (out RevisePlan201JSONResponse, err error) {
		_, p, err := s.changePlan(ctx, tx, r.PlanId, policy.Write, func(c *casefile.Case, p *casefile.Plan, by string) error {
			return p.Revise(c, by, s.now())
		})
		if err != nil {
			return out, err
		}
		out.Headers.ETag = httpapi.ETag(p.Revision)
		out.Body, err = planView(p, p.Newest())
		return out, err
	})
}
