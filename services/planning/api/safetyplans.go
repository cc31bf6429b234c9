package api

import (
	"context"
	"time"

	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/planning/announce"
	"github.com/hearthfps/hearth/services/planning/casefile"
	store "github.com/hearthfps/hearth/services/planning/postgres"
)

// ListSafetyPlans answers GET /cases/{case_id}/safety-plans.
func (s *Server) ListSafetyPlans(ctx context.Context, r ListSafetyPlansRequestObject) (ListSafetyPlansResponseObject, error) {
	from, err := after(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	limit := httpapi.Limit(r.Params.Limit)
	var out ListSafetyPlans200JSONResponse
	err = s.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		c, err := s.open(ctx, tx, r.CaseId)
		if err != nil {
			return err
		}
		rows, err := store.ListSafetyPlans(ctx, tx, c.ID, from, limit)
		out.Items, out.NextCursor = paged(rows, limit, safetyPlanView, func(p casefile.SafetyPlan) place { return place{p.StartedAt, p.ID} })
		return err
	})
	return out, err
}

func safetyPlanView(p casefile.SafetyPlan) SafetyPlan {
	out := SafetyPlan{
		SafetyPlanId: p.ID, CaseId: string(p.CaseID), Status: "in_force", AssessmentId: httpapi.OrNil(p.AssessmentID), Actions: []SafetyAction{},
		ReviewOn: date(p.ReviewOn), StartedBy: p.StartedBy, StartedAt: p.StartedAt, Version: p.Version,
	}
	for _, a := range p.Actions {
		out.Actions = append(out.Actions, SafetyAction{
			Description: a.Description,
			Responsible: Responsible{Kind: ResponsibleKind(a.Responsible.Kind), Id: httpapi.OrNil(a.Responsible.ID)},
		})
	}
	if e := p.Ended; e != nil {
		out.Status, out.EndedAt, out.EndedBy, out.ReasonCode = "ended", &e.At, &e.By, &e.Reason
	}
	return out
}

// GetSafetyPlan answers GET /safety-plans/{safety_plan_id}.
func (s *Server) GetSafetyPlan(ctx context.Context, r GetSafetyPlanRequestObject) (GetSafetyPlanResponseObject, error) {
	var out GetSafetyPlan200JSONResponse
	err := s.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		p, err := store.GetSafetyPlan(ctx, tx, r.SafetyPlanId)
		if err != nil {
			return err
		}
		if err := s.Policy.CheckRead(ctx, tx, policy.Read, ofCase("safety_plan", p.ID, p.CaseID)); err != nil {
			return err
		}
		out.Body, out.Headers.ETag = safetyPlanView(p), httpapi.ETag(p.Version)
		return nil
	})
	return out, err
}

// StartSafetyPlan answers POST /cases/{case_id}/safety-plans.
func (s *Server) StartSafetyPlan(ctx context.Context, r StartSafetyPlanRequestObject) (StartSafetyPlanResponseObject, error) {
	return httpapi.Once(ctx, s.DB, func(ctx context.Context, tx *postgres.Tx) (out StartSafetyPlan201JSONResponse, err error) {
		c, by, err := s.lock(ctx, tx, casefile.CaseID(r.CaseId), policy.Write, ofCase("case", r.CaseId, casefile.CaseID(r.CaseId)))
		if err != nil {
			return out, err
		}
		at := s.now()
		today, err := s.Rules.Today(ctx, at)
		if err != nil {
			return out, err
		}
		id, err := newID()
		if err != nil {
			return out, err
		}
		draft := casefile.SafetyPlan{ID: id, ReviewOn: r.Body.ReviewOn.Format(time.DateOnly), StartedBy: by, StartedAt: at}
		for _, a := range r.Body.Actions {
			draft.Actions = append(draft.Actions, casefile.SafetyAction{
				Description: a.Description,
				Responsible: casefile.Responsible{Kind: string(a.Responsible.Kind), ID: httpapi.OrZero(a.Responsible.Id)},
			})
		}
		p, err := c.StartSafetyPlan(draft, today)
		if err != nil {
			return out, err
		}
		if err := store.InsertSafetyPlan(ctx, tx, p); err != nil {
			return out, err
		}
		if err := s.saveSafety(ctx, tx, c); err != nil {
			return out, err
		}
		out.Body, out.Headers.ETag = safetyPlanView(p), httpapi.ETag(p.Version)
		return out, announce.SafetyPlanStarted(ctx, tx, c, p)
	})
}

func (s *Server) saveSafety(ctx context.Context, tx *postgres.Tx, c *casefile.Case) error {
	if err := store.SaveCase(ctx, tx, c); err != nil {
		return err
	}
	return store.PutSafety(ctx, tx, c.ID, c.Safety)
}

// EndSafetyPlan answers POST /safety-plans/{safety_plan_id}:end.
func (s *Server) EndSafetyPlan(ctx context.Context, r EndSafetyPlanRequestObject) (EndSafetyPlanResponseObject, error) {
	return httpapi.Once(ctx, s.DB, func(ctx context.Context, tx *postgres.Tx) (out EndSafetyPlan200JSONResponse, err error) {
		found, err := store.GetSafetyPlan(ctx, tx, r.SafetyPlanId)
		if err != nil {
			return out, err
		}
		c, by, err := s.lock(ctx, tx, found.CaseID, policy.Write, ofCase("safety_plan", found.ID, found.CaseID))
		if err != nil {
			return out, err
		}
		// Read again under the lock of the case, which is what changes are made under.
		if found, err = store.GetSafetyPlan(ctx, tx, r.SafetyPlanId); err != nil {
			return out, err
		}
		if err := httpapi.IfMatch(ctx, found.Version); err != nil {
			return out, err
		}
		p, err := c.EndSafetyPlan(found, casefile.Ending{Reason: string(r.Body.ReasonCode), By: by, At: s.now()})
		if err != nil {
			return out, err
		}
		if err := store.EndSafetyPlan(ctx, tx, p); err != nil {
			return out, err
		}
		if err := s.saveSafety(ctx, tx, c); err != nil {
			return out, err
		}
		out.Body, out.Headers.ETag = safetyPlanView(p), httpapi.ETag(p.Version)
		return out, announce.SafetyPlanEnded(ctx, tx, c, p)
	})
}
