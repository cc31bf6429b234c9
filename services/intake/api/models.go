package api

import (
	"context"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/intake/match"
	store "github.com/hearthfps/hearth/services/intake/postgres"
)

// matchModel is the thing models and their use are decided by.
var matchModel = policy.Resource{Type: "match_model"}

// GetMatchIndex implements StrictServerInterface.
func (a *API) GetMatchIndex(ctx context.Context, _ GetMatchIndexRequestObject) (GetMatchIndexResponseObject, error) {
	var out MatchIndexJSONResponse
	err := a.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) (err error) {
		if err := a.Policy.Check(ctx, tx, policy.Read, matchModel); err != nil {
			return err
		}
		out, err = a.showIndex(ctx, tx)
		return err
	})
	return GetMatchIndex200JSONResponse{out}, err
}

func (a *API) showIndex(ctx context.Context, tx *postgres.Tx) (MatchIndexJSONResponse, error) {
	by, err := a.Reception.Indexes.Of(ctx, tx)
	if err != nil {
		return MatchIndexJSONResponse{}, err
	}
	row, err := store.GetIndexRow(ctx, tx)
	if err != nil {
		return MatchIndexJSONResponse{}, err
	}
	jobs, err := store.LatestJobs(ctx, tx, 10)
	if err != nil {
		return MatchIndexJSONResponse{}, err
	}
	out := MatchIndex{Version: row.Version, InUse: showModel(by.Live), Jobs: []MatchJob{}}
	if by.Other != nil {
		beside := showModel(by.Other)
		out.Beside, out.BesideState = &beside, optional(MatchIndexBesideState(row.OtherState))
	}
	for _, j := range jobs {
		out.Jobs = append(out.Jobs, showJob(j))
	}
	tag := httpapi.ETag(row.Version)
	return MatchIndexJSONResponse{Body: out, Headers: MatchIndexResponseHeaders{ETag: &tag}}, nil
}

func showModel(m *match.Model) MatchModel {
	made, costs := m.Made(), m.Costs()
	return MatchModel{Model: m.ID(), LearntFrom: made.From, Population: made.Population, LinkFrom: float32(costs.LinkFrom()), AskFrom: float32(costs.AskFrom())}
}

// LearnMatchModel implements StrictServerInterface.
func (a *API) LearnMatchModel(ctx context.Context, request LearnMatchModelRequestObject) (LearnMatchModelResponseObject, error) {
	who, err := principal(ctx)
	if err != nil {
		return nil, err
	}
	j := store.MatchJob{ID: a.NewID(), State: store.JobQueued, AskedBy: who.Actor(), AskedAt: a.Clock.Now()}
	if c := request.Body.Costs; c != nil {
		j.Costs = &match.Costs{FalseLink: float64(c.FalseLink), MissedLink: float64(c.MissedLink), Asking: float64(c.Asking)}
		if _, err := a.Reception.Indexes.BuiltIn().WithCosts(*j.Costs); err != nil {
			return nil, fault.New(fault.Unprocessable, "costs_out_of_order", "A false link costs more than a missed one, and that more than asking.",
				fault.Field{Pointer: "/costs", Code: "order", Detail: "want false_link > missed_link > asking > 0"})
		}
	}
	return httpapi.Once(ctx, a.DB, func(ctx context.Context, tx *postgres.Tx) (LearnMatchModel202JSONResponse, error) {
		if err := a.Policy.CheckRead(ctx, tx, policy.Write, matchModel); err != nil {
			return LearnMatchModel202JSONResponse{}, err
		}
		return LearnMatchModel202JSONResponse(showJob(j)), store.AddJob(ctx, tx, j)
	})
}

// ActivateMatchModel implements StrictServerInterface.
func (a *API) ActivateMatchModel(ctx context.Context, request ActivateMatchModelRequestObject) (ActivateMatchModelResponseObject, error) {
	who, err := principal(ctx)
	if err != nil {
		return nil, err
	}
	return httpapi.Once(ctx, a.DB, func(ctx context.Context, tx *postgres.Tx) (ActivateMatchModel200JSONResponse, error) {
		if err := a.Policy.CheckRead(ctx, tx, policy.Write, matchModel); err != nil {
			return ActivateMatchModel200JSONResponse{}, err
		}
		by, err := a.Reception.Indexes.Of(ctx, tx)
		if err != nil {
			return ActivateMatchModel200JSONResponse{}, err
		}
		if _, err := a.Reception.Indexes.Change(ctx, tx, a.Clock.Now(), func(r *store.IndexRow) error {
			if err := httpapi.IfMatch(ctx, r.Version); err != nil {
				return err
			}
			switch {
			case by.Other == nil || by.Other.ID() != request.Body.Model:
				return fault.New(fault.Conflict, "model_not_beside", "This model does not stand beside the one in use. Have it learnt, or take the one that does.")
			case r.OtherState == "building":
				return fault.New(fault.Conflict, "keys_not_built", "This model's keys are not built yet: not everybody would be found.")
			}
			r.Model, r.OtherModel = r.OtherModel, r.Model
			r.Generation, r.OtherGeneration = r.OtherGeneration, r.Generation
			r.OtherState, r.ChangedBy = "previous", who.Actor()
			return nil
		}); err != nil {
			return ActivateMatchModel200JSONResponse{}, err
		}
		out, err := a.showIndex(ctx, tx)
		return ActivateMatchModel200JSONResponse{out}, err
	})
}

func showJob(j store.MatchJob) MatchJob {
	out := MatchJob{JobId: j.ID, State: MatchJobState(j.State), Model: optional(j.Model), ReasonCode: optional(j.ReasonCode), AskedBy: j.AskedBy, AskedAt: j.AskedAt}
	if r := j.Report; r != nil {
		out.Report = &MatchReport{Persons: r.Persons, Changes: r.Changes, Same: r.Same, Pairs: []MatchReportPair{}}
		for _, p := range r.Pairs {
			out.Report.Pairs = append(out.Report.Pairs, MatchReportPair{PersonA: string(p.A), PersonB: string(p.B), Change: p.Change, Before: float32(p.Before), After: float32(p.After)})
		}
	}
	return out
}
