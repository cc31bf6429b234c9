package api

import (
	"context"

	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/desk"
	"github.com/hearthfps/hearth/services/visit-scheduling/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

const (
	// jobFrozen, in hours, and jobBudget, in seconds, are what a request has that says nothing.
	jobFrozen = 48
	jobBudget = 60
)

func jobOf(body PlanningJobRequest) schedule.JobRequest {
	return schedule.JobRequest{
		First: schedule.Week{Monday: dateOf(body.FirstWeek)}, Weeks: body.Weeks,
		Workers: each(valueOr(body.Workers, nil), text[WorkerRef, schedule.WorkerID]), Teams: each(valueOr(body.Teams, nil), text[Code, string]),
		FrozenHours: valueOr(body.FrozenHours, jobFrozen), MaxMoved: body.MaxMoved, BudgetSeconds: valueOr(body.BudgetSeconds, jobBudget),
		Automatic: valueOr(body.Publish, PlanningJobRequestPublishPerson) == PlanningJobRequestPublishAutomatic,
		WhatIf:    each(valueOr(body.WhatIf, nil), suppositionOf),
	}
}

// CreatePlanningJob asks for weeks to be planned anew.
func (s Server) CreatePlanningJob(ctx context.Context, r CreatePlanningJobRequestObject) (CreatePlanningJobResponseObject, error) {
	return httpapi.Once(ctx, s.Desk.DB, func(ctx context.Context, tx *kit.Tx) (answer CreatePlanningJob202JSONResponse, err error) {
		if err := s.Access.schedule(ctx, tx); err != nil {
			return answer, err
		}
		p, _ := auth.From(ctx)
		request := jobOf(*r.Body)
		for _, x := range request.WhatIf {
			if x.Visit == "" {
				continue
			}
			v, err := s.Desk.Store.Visit(ctx, tx, x.Visit, false)
			if err != nil {
				return answer, err
			}
			if err := s.Access.scheduleVisit(ctx, tx, v); err != nil {
				return answer, err
			}
		}
		job, err := s.Desk.AskJob(ctx, tx, request, p.Actor())
		return CreatePlanningJob202JSONResponse{answerJob(job)}, err
	})
}

// GetPlanningJob answers how far a job is.
func (s Server) GetPlanningJob(ctx context.Context, r GetPlanningJobRequestObject) (GetPlanningJobResponseObject, error) {
	job, err := s.job(ctx, r.JobId)
	if err != nil {
		return nil, err
	}
	if known := r.Params.IfNoneMatch; known != nil && *known == httpapi.ETag(job.Version) {
		return GetPlanningJob304Response{}, nil
	}
	return GetPlanningJob200JSONResponse{answerJob(job)}, nil
}

func (s Server) job(ctx context.Context, id JobID) (job schedule.Job, err error) {
	err = s.Desk.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		if err := s.Access.schedule(ctx, tx); err != nil {
			return err
		}
		job, err = s.Desk.Store.Job(ctx, tx, schedule.JobID(id.String()), false)
		return err
	})
	return job, err
}

type jobCursor struct {
	ID schedule.JobID `json:"j"`
}

// ListPlanningJobs answers a page of jobs.
func (s Server) ListPlanningJobs(ctx context.Context, r ListPlanningJobsRequestObject) (ListPlanningJobsResponseObject, error) {
	var before jobCursor
	if err := decodeCursor(r.Params.Cursor, &before); err != nil {
		return nil, err
	}
	limit := httpapi.Limit(r.Params.Limit)
	var page ListPlanningJobs200JSONResponse
	err := s.Desk.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		if err := s.Access.schedule(ctx, tx); err != nil {
			return err
		}
		jobs, err := s.Desk.Store.Jobs(ctx, tx, given[JobStatus, schedule.JobStatus](r.Params.Status), before.ID, limit+1)
		jobs, page.NextCursor = cut(jobs, limit, func(j schedule.Job) any { return jobCursor{j.ID} })
		page.Items = each(jobs, viewJob)
		return err
	})
	return page, err
}

type changeCursor struct {
	Visit schedule.VisitID `json:"v"`
}

// ListPlanningChanges answers a page of what a job proposes.
func (s Server) ListPlanningChanges(ctx context.Context, r ListPlanningChangesRequestObject) (ListPlanningChangesResponseObject, error) {
	var after changeCursor
	if err := decodeCursor(r.Params.Cursor, &after); err != nil {
		return nil, err
	}
	limit := httpapi.Limit(r.Params.Limit)
	var page ListPlanningChanges200JSONResponse
	err := s.Desk.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) (err error) {
		p := postgres.ChangePage{
			Job: schedule.JobID(r.JobId.String()), Case: given[ID, schedule.CaseID](r.Params.CaseId), Kind: given[ChangeKind, schedule.ChangeKind](r.Params.Kind),
			After: after.Visit, Limit: limit + 1,
		}
		if p.Seen, p.Args, err = s.changesOf(ctx, tx, p.Job); err != nil {
			return err
		}
		cal, err := s.Desk.Calendar(tx.Agency())
		if err != nil {
			return err
		}
		changes, err := s.Desk.Store.Changes(ctx, tx, p)
		if err != nil {
			return err
		}
		changes, page.NextCursor = cut(changes, limit, func(c schedule.ProposedChange) any { return changeCursor{c.Visit} })
		var all []schedule.Remedy
		for _, c := range changes {
			all = append(all, c.Remedies...)
		}
		show, err := s.remedies(ctx, tx, all)
		if err != nil {
			return err
		}
		page.Items = each(changes, func(c schedule.ProposedChange) PlanningChange {
			shown := PlanningChange{
				VisitId: ID(c.Visit), CaseId: ID(c.Case), WeekOf: viewDate(c.Week.Monday), Kind: ChangeKind(c.Kind),
				Reasons: each(c.Reasons, text[schedule.Reason, UnplacedReason]), Published: c.Published, Words: c.Words(cal.Zone()), Remedies: show(c.Remedies),
			}
			if c.From != nil {
				shown.From = ptr(viewPlacing(*c.From))
			}
			if c.To != nil {
				shown.To = ptr(viewPlacing(*c.To))
			}
			return shown
		})
		return err
	})
	return page, err
}

// changesOf lets the asker list a job's changes, and says which as a condition on p.
func (s Server) changesOf(ctx context.Context, tx *kit.Tx, id schedule.JobID) (string, []any, error) {
	if err := s.Access.schedule(ctx, tx); err != nil {
		return "", nil, err
	}
	if _, err := s.Desk.Store.Job(ctx, tx, id, false); err != nil {
		return "", nil, err
	}
	return s.Access.listChanges(ctx, tx)
}

type familyCursor struct {
	Case schedule.CaseID `json:"c"`
}

// ListPlanningFamilies answers what a proposal does to families.
func (s Server) ListPlanningFamilies(ctx context.Context, r ListPlanningFamiliesRequestObject) (ListPlanningFamiliesResponseObject, error) {
	var after familyCursor
	if err := decodeCursor(r.Params.Cursor, &after); err != nil {
		return nil, err
	}
	limit := httpapi.Limit(r.Params.Limit)
	var page ListPlanningFamilies200JSONResponse
	err := s.Desk.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) (err error) {
		p := postgres.ChangePage{Job: schedule.JobID(r.JobId.String()), Case: after.Case, Limit: limit + 1}
		if p.Seen, p.Args, err = s.changesOf(ctx, tx, p.Job); err != nil {
			return err
		}
		cal, err := s.Desk.Calendar(tx.Agency())
		if err != nil {
			return err
		}
		effects, err := s.Desk.Store.FamilyEffects(ctx, tx, p, cal.Zone().String())
		effects, page.NextCursor = cut(effects, limit, func(e postgres.FamilyEffect) any { return familyCursor{schedule.CaseID(e.Case)} })
		page.Items = each(effects, func(e postgres.FamilyEffect) FamilyEffect {
			return FamilyEffect{CaseId: ID(e.Case), Moved: e.Moved, Placed: e.Placed, Unplaced: e.Unplaced, OtherWorkers: e.OtherWorkers, OtherDays: e.OtherDays}
		})
		return err
	})
	return page, err
}

// decide is what all decisions over a job share: the right to, and the version
// that is meant.
func (s Server) decide(ctx context.Context, tx *kit.Tx) desk.AllowJob {
	return func(j schedule.Job) error {
		if err := s.Access.schedule(ctx, tx); err != nil {
			return err
		}
		return httpapi.IfMatch(ctx, j.Version)
	}
}

// CancelPlanningJob stops a job.
func (s Server) CancelPlanningJob(ctx context.Context, r CancelPlanningJobRequestObject) (CancelPlanningJobResponseObject, error) {
	return httpapi.Once(ctx, s.Desk.DB, func(ctx context.Context, tx *kit.Tx) (CancelPlanningJob200JSONResponse, error) {
		job, err := s.Desk.CancelJob(ctx, tx, schedule.JobID(r.JobId.String()), func(schedule.Job) error { return s.Access.schedule(ctx, tx) })
		return CancelPlanningJob200JSONResponse{answerJob(job)}, err
	})
}

// AcceptPlanningJob publishes a proposal. Who may not schedule some of the visits
// leaves it to somebody who may.
func (s Server) AcceptPlanningJob(ctx context.Context, r AcceptPlanningJobRequestObject) (AcceptPlanningJobResponseObject, error) {
	return httpapi.Once(ctx, s.Desk.DB, func(ctx context.Context, tx *kit.Tx) (AcceptPlanningJob200JSONResponse, error) {
		id := schedule.JobID(r.JobId.String())
		job, err := s.Desk.AcceptJob(ctx, tx, id, s.decide(ctx, tx), func(changes []schedule.ProposedChange) error {
			p := postgres.ChangePage{Job: id}
			var err error
			if p.Seen, p.Args, err = s.Access.listChanges(ctx, tx); err != nil {
				return err
			}
			seen, err := s.Desk.Store.Changes(ctx, tx, p)
			if err != nil {
				return err
			}
			mine := map[schedule.VisitID]bool{}
			for _, c := range seen {
				mine[c.Visit] = true
			}
			for _, c := range changes {
				if !mine[c.Visit] {
					return fault.New(fault.Forbidden, "not_all_yours", "The proposal changes visits that are not yours to schedule. Leave it to somebody who may, or plan your own workers' visits.")
				}
			}
			return nil
		})
		return AcceptPlanningJob200JSONResponse{answerJob(job)}, err
	})
}

// DiscardPlanningJob drops a proposal.
func (s Server) DiscardPlanningJob(ctx context.Context, r DiscardPlanningJobRequestObject) (DiscardPlanningJobResponseObject, error) {
	return httpapi.Once(ctx, s.Desk.DB, func(ctx context.Context, tx *kit.Tx) (DiscardPlanningJob200JSONResponse, error) {
		job, err := s.Desk.DiscardJob(ctx, tx, schedule.JobID(r.JobId.String()), s.decide(ctx, tx))
		return DiscardPlanningJob200JSONResponse{answerJob(job)}, err
	})
}

// RebasePlanningJob has a proposal worked out again.
func (s Server) RebasePlanningJob(ctx context.Context, r RebasePlanningJobRequestObject) (RebasePlanningJobResponseObject, error) {
	return httpapi.Once(ctx, s.Desk.DB, func(ctx context.Context, tx *kit.Tx) (RebasePlanningJob202JSONResponse, error) {
		job, err := s.Desk.RebaseJob(ctx, tx, schedule.JobID(r.JobId.String()), s.decide(ctx, tx))
		return RebasePlanningJob202JSONResponse{answerJob(job)}, err
	})
}

func suppositionOf(x Supposition) schedule.Supposition {
	out := schedule.Supposition{
		Kind: schedule.SupposedKind(x.Kind), Worker: given[WorkerRef, schedule.WorkerID](x.WorkerId), Visit: given[ID, schedule.VisitID](x.VisitId),
		Skills: each(valueOr(x.Skills, nil), text[Code, string]), Languages: each(valueOr(x.Languages, nil), text[Language, string]),
	}
	if x.From != nil && x.To != nil {
		out.Span = &schedule.Span{From: instant(*x.From), To: instant(*x.To)}
	}
	return out
}

func viewSupposition(x schedule.Supposition) Supposition {
	shown := Supposition{Kind: SuppositionKind(x.Kind), WorkerId: orNil(WorkerRef(x.Worker)), VisitId: orNil(ID(x.Visit))}
	if x.Span != nil {
		shown.From, shown.To = &x.Span.From, &x.Span.To
	}
	if len(x.Skills) > 0 {
		shown.Skills = ptr(each(x.Skills, text[string, Code]))
	}
	if len(x.Languages) > 0 {
		shown.Languages = ptr(each(x.Languages, text[string, Language]))
	}
	return shown
}

func viewFigures(f schedule.Figures) Figures {
	return Figures{Placed: f.Placed, Unplaced: f.Unplaced, TravelMinutes: f.TravelMinutes, Strangers: f.Strangers}
}

func viewLoad(l schedule.Load) WorkerLoad {
	return WorkerLoad{Visits: l.Visits, VisitMinutes: l.VisitMinutes, TravelMinutes: l.TravelMinutes}
}

func viewJob(j schedule.Job) PlanningJob {
	r, p := j.Request, j.Progress
	shown := PlanningJob{
		JobId: ID(j.ID), Status: JobStatus(j.Status), FirstWeek: viewDate(r.First.Monday), Weeks: r.Weeks, FrozenHours: r.FrozenHours, MaxMoved: r.MaxMoved,
		BudgetSeconds: r.BudgetSeconds, Publish: PlanningJobPublishPerson, AskedBy: j.By, AskedAt: j.AskedAt, EndedAt: orNil(j.EndedAt),
		WeeksDone: p.WeeksDone, SearchedSeconds: float32(p.SearchedMillis) / 1000, Before: viewFigures(p.Now.Before), Best: viewFigures(p.Now.Best),
		Moved: p.Now.Moved, Placed: p.Now.Placed, Unplaced: p.Now.Open, Stopped: p.Stopped, Published: p.Published, Rebased: p.Rebased,
		FailureCode: orNil(j.Failure), Version: j.Version,
	}
	if p.Weights != nil {
		shown.WeightsRule = &RuleRef{Name: p.Weights.Name, Version: p.Weights.Version, Hash: p.Weights.Hash}
	}
	if p.Rule != nil {
		shown.PublishingRule = &RuleRef{Name: p.Rule.Name, Version: p.Rule.Version, Hash: p.Rule.Hash}
	}
	if r.Automatic {
		shown.Publish = PlanningJobPublishAutomatic
	}
	if len(r.WhatIf) > 0 {
		shown.WhatIf = ptr(each(r.WhatIf, viewSupposition))
	}
	if len(r.Workers) > 0 {
		shown.Workers = ptr(each(r.Workers, text[schedule.WorkerID, WorkerRef]))
	}
	if len(r.Teams) > 0 {
		shown.Teams = ptr(each(r.Teams, text[string, Code]))
	}
	shown.WorkersAffected = each(p.Now.Loads, func(c schedule.LoadChange) struct {
		After    WorkerLoad `json:"after"`
		Before   WorkerLoad `json:"before"`
		WorkerId WorkerRef  `json:"worker_id"`
	} {
		return struct {
			After    WorkerLoad `json:"after"`
			Before   WorkerLoad `json:"before"`
			WorkerId WorkerRef  `json:"worker_id"`
		}{viewLoad(c.After), viewLoad(c.Before), WorkerRef(c.Worker)}
	})
	return shown
}

// answerJob is the answer of every operation on one job.
func answerJob(j schedule.Job) PlanningJobJSONResponse {
	return PlanningJobJSONResponse{Body: viewJob(j), Headers: PlanningJobResponseHeaders{ETag: ptr(httpapi.ETag(j.Version))}}
}
