package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/assessment/record"
	"github.com/hearthfps/hearth/services/assessment/scoring"
)

// GetScore answers GET /assessments/{assessment_id}/score.
func (s *Server) GetScore(ctx context.Context, r GetScoreRequestObject) (GetScoreResponseObject, error) {
	var out GetScore200JSONResponse
	err := s.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		a, err := s.read(ctx, tx, r.AssessmentId)
		if err != nil {
			return err
		}
		result, err := s.result(a)
		if err != nil {
			return err
		}
		view, err := score(a, result)
		out = GetScore200JSONResponse(view)
		return err
	})
	return out, err
}

// RecomputeScore answers POST /assessments/{assessment_id}:recompute.
func (s *Server) RecomputeScore(ctx context.Context, r RecomputeScoreRequestObject) (RecomputeScoreResponseObject, error) {
	var out RecomputeScore200JSONResponse
	err := s.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		a, err := s.read(ctx, tx, r.AssessmentId)
		if err != nil {
			return err
		}
		ins, err := s.instrumentOf(a)
		if err != nil {
			return err
		}
		again, err := a.Recompute(ins)
		if err != nil {
			return err
		}
		same, err := equal(*a.Result, again)
		if err != nil {
			return err
		}
		out.AssessmentId, out.Same = r.AssessmentId, same
		if out.Stored, err = score(a, *a.Result); err != nil {
			return err
		}
		out.Recomputed, err = score(a, again)
		return err
	})
	return out, err
}

// result is the stored score, or of an open assessment the one so far.
func (s *Server) result(a *record.Assessment) (scoring.Result, error) {
	if a.Result != nil {
		return *a.Result, nil
	}
	ins, err := s.instrumentOf(a)
	if err != nil {
		return scoring.Result{}, err
	}
	return a.Score(ins)
}

// equal compares results by their JSON form, which holds every field.
func equal(a, b scoring.Result) (bool, error) {
	x, err := json.Marshal(a)
	if err != nil {
		return false, fmt.Errorf("write score: %w", err)
	}
	y, err := json.Marshal(b)
	if err != nil {
		return false, fmt.Errorf("write score: %w", err)
	}
	return bytes.Equal(x, y), nil
}

// score has the fields of a result under the same names.
func score(a *record.Assessment, r scoring.Result) (Score, error) {
	var out Score
	b, err := json.Marshal(r)
	if err != nil {
		return out, fmt.Errorf("write score: %w", err)
	}
	if err := json.Unmarshal(b, &out); err != nil {
		return out, fmt.Errorf("write score: %w", err)
	}
	out.AssessmentId, out.Final = string(a.ID), a.Status == record.Completed
	out.Needs, out.Strengths = needs(r), strengths(r)
	return out, nil
}

func needs(r scoring.Result) []Need {
	out := []Need{}
	for _, n := range r.Needs() {
		out = append(out, Need{Domain: string(n.Domain), Level: NeedLevel(n.Level)})
	}
	return out
}

func strengths(r scoring.Result) []string {
	out := []string{}
	for _, d := range r.Strengths() {
		out = append(out, string(d))
	}
	return out
}
