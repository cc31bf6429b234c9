package api

import (
	"context"

	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/planning/announce"
	"github.com/hearthfps/hearth/services/planning/casefile"
	store "github.com/hearthfps/hearth/services/planning/postgres"
)

// ListCases answers GET /cases.
func (s *Server) ListCases(ctx context.Context, r ListCasesRequestObject) (ListCasesResponseObject, error) {
	q := store.CaseQuery{Program: httpapi.OrZero(r.Params.Program), WorkerID: httpapi.OrZero(r.Params.WorkerId), Limit: httpapi.Limit(r.Params.Limit)}
	if r.Params.Status != nil {
		q.Status = string(*r.Params.Status)
	}
	var err error
	if q.After, err = after(r.Params.Cursor); err != nil {
		return nil, err
	}
	var out ListCases200JSONResponse
	err = s.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		if err := s.Policy.CheckRead(ctx, tx, policy.List, policy.Resource{Type: "case"}); err != nil {
			return err
		}
		q.Visible = s.visible(ctx)
		rows, err := store.ListCases(ctx, tx, q)
		out.Items, out.NextCursor = paged(rows, q.Limit, caseSummary, func(c store.ListedCase) place { return place{c.OpenedAt, string(c.ID)} })
		return err
	})
	return out, err
}

func caseSummary(c store.ListedCase) CaseSummary {
	return CaseSummary{
		CaseId: string(c.ID), Program: c.Program, Status: CaseStatus(c.Status), Priority: c.Priority, Lead: c.Lead,
		OpenedAt: c.OpenedAt.UTC(), ClosedAt: c.ClosedAt,
	}
}

// GetCase answers GET /cases/{case_id}.
func (s *Server) GetCase(ctx context.Context, r GetCaseRequestObject) (GetCaseResponseObject, error) {
	var out GetCase200JSONResponse
	err := s.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		c, err := s.open(ctx, tx, r.CaseId)
		if err != nil {
			return err
		}
		unit, err := policy.UnitOf(ctx, tx, r.CaseId)
		out.Body, out.Headers.ETag = caseView(c, unit), httpapi.ETag(c.Version)
		return err
	})
	return out, err
}

func caseView(c *casefile.Case, unit string) Case {
	out := Case{
		CaseId: string(c.ID), ReferralId: c.ReferralID, HouseholdId: c.HouseholdID, Program: c.Program, ProgramVersion: c.ProgramVersion,
		Status: CaseStatus(c.Status), Priority: c.Priority, Persons: []CasePerson{}, Workers: []CaseWorker{},
		Languages: append([]string{}, c.Languages...), SafetyFlags: append([]string{}, c.SafetyFlags...), ConcernCodes: append([]string{}, c.ConcernCodes...),
		Safety: CaseSafety{PlanDemanded: c.Safety.Demanded, PlanInForce: c.Safety.PlanInForce != "", SafetyPlanId: httpapi.OrNil(c.Safety.PlanInForce)},
		Unit:   httpapi.OrNil(unit), OpenedBy: c.OpenedBy, OpenedAt: c.OpenedAt, Version: c.Version,
	}
	if c.Safety.Decision != "" {
		d := CaseSafetyDecision(c.Safety.Decision)
		out.Safety.Decision = &d
	}
	for _, p := range c.Persons {
		out.Persons = append(out.Persons, CasePerson{PersonId: p.PersonID, Role: p.Role})
	}
	for _, id := range c.Workers() {
		for _, a := range c.Roster {
			if a.WorkerID == id {
				out.Workers = append(out.Workers, CaseWorker{AssignmentId: a.ID, WorkerId: id, SupervisorId: a.SupervisorID, Role: AssignmentRole(a.Role)})
			}
		}
	}
	if cl := c.Closing; cl != nil {
		out.ClosedBy, out.ClosedAt, out.ClosingReason, out.ClosingSummary = &cl.By, &cl.At, &cl.Reason, httpapi.OrNil(cl.Summary)
	}
	return out
}

// CloseCase answers POST /cases/{case_id}:close.
func (s *Server) CloseCase(ctx context.Context, r CloseCaseRequestObject) (CloseCaseResponseObject, error) {
	return httpapi.Once(ctx, s.DB, func(ctx context.Context, tx *postgres.Tx) (out CloseCase200JSONResponse, err error) {
		c, by, err := s.lock(ctx, tx, casefile.CaseID(r.CaseId), policy.Close, ofCase("case", r.CaseId, casefile.CaseID(r.CaseId)))
		if err != nil {
			return out, err
		}
		if err := httpapi.IfMatch(ctx, c.Version); err != nil {
			return out, err
		}
		worked, err := store.Worked(ctx, tx, c.ID, by)
		if err != nil {
			return out, err
		}
		ended, err := c.Close(casefile.Closing{Reason: string(r.Body.ReasonCode), Summary: httpapi.OrZero(r.Body.Summary), By: by, At: s.now(), Worked: worked})
		if err != nil {
			return out, err
		}
		if err := store.SaveCase(ctx, tx, c); err != nil {
			return out, err
		}
		if err := store.EndAssignments(ctx, tx, c.Program, ended...); err != nil {
			return out, err
		}
		if err := revoke(ctx, tx, ended...); err != nil {
			return out, err
		}
		if err := announce.Closed(ctx, tx, c, ended); err != nil {
			return out, err
		}
		unit, err := policy.UnitOf(ctx, tx, r.CaseId)
		out.Body, out.Headers.ETag = caseView(c, unit), httpapi.ETag(c.Version)
		return out, err
	})
}

// GetTimeline answers GET /cases/{case_id}/timeline.
func (s *Server) GetTimeline(ctx context.Context, r GetTimelineRequestObject) (GetTimelineResponseObject, error) {
	from, err := after(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	service := ""
	if r.Params.Service != nil {
		service = string(*r.Params.Service)
	}
	limit := httpapi.Limit(r.Params.Limit)
	var out GetTimeline200JSONResponse
	err = s.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		c, err := s.open(ctx, tx, r.CaseId)
		if err != nil {
			return err
		}
		rows, err := store.ListTimeline(ctx, tx, c.ID, service, from, limit)
		if err != nil {
			return err
		}
		items := make([]TimelineEntry, len(rows))
		for i, e := range rows {
			if items[i], err = entryView(e); err != nil {
				return err
			}
		}
		out.Items, out.NextCursor = paged(items, limit, func(e TimelineEntry) TimelineEntry { return e }, func(e TimelineEntry) place { return place{e.At, e.EventId} })
		return nil
	})
	return out, err
}

func entryView(e casefile.TimelineEntry) (TimelineEntry, error) {
	data, err := reshape[map[string]any](e.Data)
	return TimelineEntry{EventId: e.EventID, At: e.At, Service: e.Service, Type: e.Type, Subject: e.Subject, Data: data}, err
}
