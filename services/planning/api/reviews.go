package api

import (
	"context"
	"time"

	openapi_types "github.com/oapi-codegen/runtime/types"

	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/planning/casefile"
	store "github.com/hearthfps/hearth/services/planning/postgres"
)

// ListReviews answers GET /plans/{plan_id}/reviews.
func (s *Server) ListReviews(ctx context.Context, r ListReviewsRequestObject) (ListReviewsResponseObject, error) {
	from, err := after(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	limit := httpapi.Limit(r.Params.Limit)
	var out ListReviews200JSONResponse
	err = s.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		p, err := s.readPlan(ctx, tx, r.PlanId)
		if err != nil {
			return err
		}
		rows, err := store.ListReviews(ctx, tx, p.ID, from, limit)
		out.Items, out.NextCursor = paged(rows, limit, reviewView, func(r casefile.Review) place { return place{r.At, r.ID} })
		return err
	})
	return out, err
}

func reviewView(r casefile.Review) Review {
	out := Review{
		ReviewId: r.ID, PlanId: r.PlanID, PlanVersion: r.PlanVersion, CaseId: string(r.CaseID), HeldOn: date(r.HeldOn),
		Ratings: []GoalRating{}, TScore: r.TScore, Rated: len(r.Ratings), Goals: r.Goals, ReviewedBy: r.By, ReviewedAt: r.At,
	}
	for _, g := range r.Ratings {
		out.Ratings = append(out.Ratings, GoalRating{GoalId: g.GoalID, Level: g.Level, Note: httpapi.OrNil(g.Note)})
	}
	return out
}

// date reads a day that was stored, and so is one.
func date(s string) Date {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}
	}
	return openapi_types.Date{Time: t}
}

// ReviewPlan answers POST /plans/{plan_id}/reviews.
func (s *Server) ReviewPlan(ctx context.Context, r ReviewPlanRequestObject) (ReviewPlanResponseObject, error) {
	return httpapi.Once(ctx, s.DB, func(ctx context.Context, tx *postgres.Tx) (out ReviewPlan201JSONResponse, err error) {
		caseID, err := store.PlanCase(ctx, tx, r.PlanId)
		if err != nil {
			return out, err
		}
		c, by, err := s.lock(ctx, tx, caseID, policy.Write, ofCase("plan", r.PlanId, caseID))
		if err != nil {
			return out, err
		}
		p, err := store.GetPlan(ctx, tx, r.PlanId)
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
		draft := casefile.Review{ID: id, HeldOn: r.Body.HeldOn.Format(time.DateOnly), By: by, At: at}
		for _, g := range r.Body.Ratings {
			draft.Ratings = append(draft.Ratings, casefile.GoalRating{GoalID: g.GoalId, Level: g.Level, Note: httpapi.OrZero(g.Note)})
		}
		review, err := p.Review(c, draft, today)
		if err != nil {
			return out, err
		}
		return ReviewPlan201JSONResponse(reviewView(review)), store.InsertReview(ctx, tx, review)
	})
}
