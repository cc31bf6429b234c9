package api

import (
	"context"

	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/desk"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// GetVisit answers one visit.
func (s Server) GetVisit(ctx context.Context, r GetVisitRequestObject) (GetVisitResponseObject, error) {
	var answer GetVisit200JSONResponse
	err := s.Desk.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		v, err := s.Desk.Store.Visit(ctx, tx, visitID(r.VisitId), false)
		if err != nil {
			return err
		}
		if err := s.Access.readVisit(ctx, tx, v); err != nil {
			return err
		}
		show, err := s.remedies(ctx, tx, v.Remedies)
		if err != nil {
			return err
		}
		answer = GetVisit200JSONResponse{answerVisit(v)}
		answer.Body.Remedies = show(v.Remedies)
		return nil
	})
	return answer, err
}

func visitID(id VisitID) schedule.VisitID { return schedule.VisitID(id.String()) }

// change is what all changes of a visit by a scheduler share: the right to, and
// the version that is meant.
func (s Server) change(ctx context.Context, tx *kit.Tx) desk.Allow {
	return func(v schedule.Visit) error {
		if err := s.Access.scheduleVisit(ctx, tx, v); err != nil {
			return err
		}
		return httpapi.IfMatch(ctx, v.Version)
	}
}

// attend is what a worker needs to act on their own visit.
func (s Server) attend(ctx context.Context, tx *kit.Tx) (schedule.WorkerID, desk.Allow, error) {
	p, _ := auth.From(ctx)
	if p.WorkerID == "" {
		return "", nil, fault.New(fault.Forbidden, "not_a_worker", "Only a worker of the visit can do that; this token names no worker.")
	}
	return schedule.WorkerID(p.WorkerID), func(v schedule.Visit) error { return s.Access.attendVisit(ctx, tx, v) }, nil
}

// RescheduleVisit gives a visit another place.
func (s Server) RescheduleVisit(ctx context.Context, r RescheduleVisitRequestObject) (RescheduleVisitResponseObject, error) {
	return httpapi.Once(ctx, s.Desk.DB, func(ctx context.Context, tx *kit.Tx) (answer RescheduleVisit200JSONResponse, err error) {
		move := desk.MoveRequest{StartsAt: instant(r.Body.StartsAt), Side: schedule.Side(r.Body.Side), Reason: r.Body.ReasonCode}
		if r.Body.Workers != nil {
			move.Workers = each(*r.Body.Workers, text[WorkerRef, schedule.WorkerID])
		}
		v, err := s.Desk.Reschedule(ctx, tx, visitID(r.VisitId), move, s.change(ctx, tx))
		return RescheduleVisit200JSONResponse{answerVisit(v)}, err
	})
}

// CancelVisit cancels a visit.
func (s Server) CancelVisit(ctx context.Context, r CancelVisitRequestObject) (CancelVisitResponseObject, error) {
	return httpapi.Once(ctx, s.Desk.DB, func(ctx context.Context, tx *kit.Tx) (answer CancelVisit200JSONResponse, err error) {
		replace := r.Body.Replace != nil && *r.Body.Replace
		v, err := s.Desk.Cancel(ctx, tx, visitID(r.VisitId), schedule.Side(r.Body.Side), r.Body.ReasonCode, replace, s.change(ctx, tx))
		return CancelVisit200JSONResponse{answerVisit(v)}, err
	})
}

// CheckIn records that the asking worker has come.
func (s Server) CheckIn(ctx context.Context, r CheckInRequestObject) (CheckInResponseObject, error) {
	return httpapi.Once(ctx, s.Desk.DB, func(ctx context.Context, tx *kit.Tx) (answer CheckIn200JSONResponse, err error) {
		worker, allow, err := s.attend(ctx, tx)
		if err != nil {
			return answer, err
		}
		v, err := s.Desk.CheckIn(ctx, tx, visitID(r.VisitId), worker, allow)
		return CheckIn200JSONResponse{answerVisit(v)}, err
	})
}

// CheckOut records that the asking worker has left.
func (s Server) CheckOut(ctx context.Context, r CheckOutRequestObject) (CheckOutResponseObject, error) {
	return httpapi.Once(ctx, s.Desk.DB, func(ctx context.Context, tx *kit.Tx) (answer CheckOut200JSONResponse, err error) {
		worker, allow, err := s.attend(ctx, tx)
		if err != nil {
			return answer, err
		}
		v, err := s.Desk.CheckOut(ctx, tx, visitID(r.VisitId), worker, childSeen(r.Body), allow)
		return CheckOut200JSONResponse{answerVisit(v)}, err
	})
}

// RecordAttempt records that the visit did not come about.
func (s Server) RecordAttempt(ctx context.Context, r RecordAttemptRequestObject) (RecordAttemptResponseObject, error) {
	return httpapi.Once(ctx, s.Desk.DB, func(ctx context.Context, tx *kit.Tx) (answer RecordAttempt200JSONResponse, err error) {
		worker, allow, err := s.attend(ctx, tx)
		if err != nil {
			return answer, err
		}
		replace := r.Body.Replace != nil && *r.Body.Replace
		v, err := s.Desk.Attempt(ctx, tx, visitID(r.VisitId), worker, string(r.Body.ReasonCode), replace, allow)
		return RecordAttempt200JSONResponse{answerVisit(v)}, err
	})
}
