package api

import (
	"context"

	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/planning/announce"
	"github.com/hearthfps/hearth/services/planning/casefile"
	store "github.com/hearthfps/hearth/services/planning/postgres"
)

// ListAssignments answers GET /cases/{case_id}/assignments.
func (s *Server) ListAssignments(ctx context.Context, r ListAssignmentsRequestObject) (ListAssignmentsResponseObject, error) {
	from, err := after(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	limit := httpapi.Limit(r.Params.Limit)
	var out ListAssignments200JSONResponse
	err = s.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		c, err := s.open(ctx, tx, r.CaseId)
		if err != nil {
			return err
		}
		rows, err := store.ListAssignments(ctx, tx, c.ID, from, limit)
		out.Items, out.NextCursor = paged(rows, limit, assignmentView, func(a casefile.Assignment) place { return place{a.At, a.ID} })
		return err
	})
	return out, err
}

func assignmentView(a casefile.Assignment) Assignment {
	out := Assignment{
		AssignmentId: a.ID, CaseId: string(a.CaseID), WorkerId: a.WorkerID, SupervisorId: a.SupervisorID, Role: AssignmentRole(a.Role),
		AssignedBy: a.By, AssignedAt: a.At,
	}
	if e := a.Ended; e != nil {
		out.EndedAt, out.EndedBy, out.ReasonCode = &e.At, &e.By, &e.Reason
	}
	return out
}

// AssignWorker answers POST /cases/{case_id}/assignments.
func (s *Server) AssignWorker(ctx context.Context, r AssignWorkerRequestObject) (AssignWorkerResponseObject, error) {
	return httpapi.Once(ctx, s.DB, func(ctx context.Context, tx *postgres.Tx) (out AssignWorker201JSONResponse, err error) {
		c, by, err := s.lock(ctx, tx, casefile.CaseID(r.CaseId), policy.Assign, ofCase("case", r.CaseId, casefile.CaseID(r.CaseId)))
		if err != nil {
			return out, err
		}
		id, err := newID()
		if err != nil {
			return out, err
		}
		a := casefile.Assignment{
			ID: id, CaseID: c.ID, WorkerID: r.Body.WorkerId, SupervisorID: r.Body.SupervisorId,
			Role: casefile.AssignmentRole(r.Body.Role), By: by, At: s.now(),
		}
		if err := c.Assign(a); err != nil {
			return out, err
		}
		limit, err := s.Rules.Caseload(c)
		if err != nil {
			return out, err
		}
		if err := store.InsertAssignment(ctx, tx, a, c.Program, limit); err != nil {
			return out, err
		}
		if err := store.SaveCase(ctx, tx, c); err != nil {
			return out, err
		}
		if err := policy.AssignWorker(ctx, tx, string(c.ID), a.WorkerID, string(a.Role)); err != nil {
			return out, err
		}
		unit, err := placed(ctx, tx, c.ID, httpapi.OrZero(r.Body.Unit))
		if err != nil {
			return out, err
		}
		return AssignWorker201JSONResponse(assignmentView(a)), announce.Assigned(ctx, tx, c, a, unit)
	})
}

// placed gives the case to the unit asked for. Without one it stays where it is;
// a case that no unit has goes to the single unit of who assigns. It returns the
// unit that has the case then, "" while none has.
func placed(ctx context.Context, tx *postgres.Tx, id casefile.CaseID, asked string) (string, error) {
	if asked == "" {
		has, err := policy.UnitOf(ctx, tx, string(id))
		if err != nil || has != "" {
			return has, err
		}
		who, err := auth.Asker(ctx)
		if err != nil || len(who.Units) != 1 {
			return "", err
		}
		asked = who.Units[0]
	}
	return asked, policy.PlaceCase(ctx, tx, string(id), asked)
}

// EndAssignment answers POST /assignments/{assignment_id}:end.
func (s *Server) EndAssignment(ctx context.Context, r EndAssignmentRequestObject) (EndAssignmentResponseObject, error) {
	return httpapi.Once(ctx, s.DB, func(ctx context.Context, tx *postgres.Tx) (out EndAssignment200JSONResponse, err error) {
		found, err := store.GetAssignment(ctx, tx, r.AssignmentId)
		if err != nil {
			return out, err
		}
		c, by, err := s.lock(ctx, tx, found.CaseID, policy.Assign, ofCase("assignment", found.ID, found.CaseID))
		if err != nil {
			return out, err
		}
		ended, err := c.Unassign(r.AssignmentId, string(r.Body.ReasonCode), by, s.now())
		if err != nil {
			return out, err
		}
		if err := store.EndAssignments(ctx, tx, c.Program, ended); err != nil {
			return out, err
		}
		if err := store.SaveCase(ctx, tx, c); err != nil {
			return out, err
		}
		if err := revoke(ctx, tx, ended); err != nil {
			return out, err
		}
		return EndAssignment200JSONResponse(assignmentView(ended)), announce.Unassigned(ctx, tx, c, ended)
	})
}

// ListExclusions answers GET /cases/{case_id}/exclusions.
func (s *Server) ListExclusions(ctx context.Context, r ListExclusionsRequestObject) (ListExclusionsResponseObject, error) {
	from, err := after(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	limit := httpapi.Limit(r.Params.Limit)
	var out ListExclusions200JSONResponse
	err = s.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		c, err := s.open(ctx, tx, r.CaseId)
		if err != nil {
			return err
		}
		rows, err := store.ListExclusions(ctx, tx, c.ID, from, limit)
		out.Items, out.NextCursor = paged(rows, limit, exclusionView, func(e store.Exclusion) place { return place{e.ExcludedAt, e.WorkerID} })
		return err
	})
	return out, err
}

func exclusionView(e store.Exclusion) Exclusion {
	view := Exclusion{
		CaseId: string(e.CaseID), WorkerId: e.WorkerID, ReasonCode: e.ReasonCode, ExcludedBy: e.ExcludedBy, ExcludedAt: e.ExcludedAt.UTC(),
		LiftedBy: e.LiftedBy, LiftReasonCode: e.LiftReason,
	}
	if e.LiftedAt != nil {
		at := e.LiftedAt.UTC()
		view.LiftedAt = &at
	}
	return view
}

// LiftExclusion answers POST /cases/{case_id}/exclusions/{worker_id}:lift.
func (s *Server) LiftExclusion(ctx context.Context, r LiftExclusionRequestObject) (LiftExclusionResponseObject, error) {
	return httpapi.Once(ctx, s.DB, func(ctx context.Context, tx *postgres.Tx) (out LiftExclusion200JSONResponse, err error) {
		c, by, err := s.lock(ctx, tx, casefile.CaseID(r.CaseId), policy.Exclude, ofCase("case", r.CaseId, casefile.CaseID(r.CaseId)))
		if err != nil {
			return out, err
		}
		if err := c.LiftExclusion(r.WorkerId); err != nil {
			return out, err
		}
		e, err := store.LiftExclusion(ctx, tx, c.ID, r.WorkerId, string(r.Body.ReasonCode), by, s.now())
		if err != nil {
			return out, err
		}
		if err := store.SaveCase(ctx, tx, c); err != nil {
			return out, err
		}
		if err := policy.LiftExclusion(ctx, tx, string(c.ID), r.WorkerId); err != nil {
			return out, err
		}
		return LiftExclusion200JSONResponse(exclusionView(e)), announce.ExclusionLifted(ctx, tx, c, r.WorkerId)
	})
}

// ExcludeWorker answers POST /cases/{case_id}/exclusions.
func (s *Server) ExcludeWorker(ctx context.Context, r ExcludeWorkerRequestObject) (ExcludeWorkerResponseObject, error) {
	return httpapi.Once(ctx, s.DB, func(ctx context.Context, tx *postgres.Tx) (out ExcludeWorker201JSONResponse, err error) {
		c, by, err := s.lock(ctx, tx, casefile.CaseID(r.CaseId), policy.Exclude, ofCase("case", r.CaseId, casefile.CaseID(r.CaseId)))
		if err != nil {
			return out, err
		}
		at := s.now()
		ended, err := c.Exclude(r.Body.WorkerId, by, at)
		if err != nil {
			return out, err
		}
		e := store.Exclusion{CaseID: c.ID, WorkerID: r.Body.WorkerId, ReasonCode: string(r.Body.ReasonCode), ExcludedBy: by, ExcludedAt: at}
		if err := store.InsertExclusion(ctx, tx, e); err != nil {
			return out, err
		}
		if ended != nil {
			if err := store.EndAssignments(ctx, tx, c.Program, *ended); err != nil {
				return out, err
			}
		}
		if err := store.SaveCase(ctx, tx, c); err != nil {
			return out, err
		}
		if ended != nil {
			if err := revoke(ctx, tx, *ended); err != nil {
				return out, err
			}
		}
		if err := policy.ExcludeWorker(ctx, tx, string(c.ID), e.WorkerID); err != nil {
			return out, err
		}
		return ExcludeWorker201JSONResponse(exclusionView(e)), announce.Excluded(ctx, tx, c, e.WorkerID, ended)
	})
}
