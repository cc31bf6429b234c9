package api

import (
	"context"

	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/httpapi"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// ListExceptions answers when a family is not to be visited.
func (s Server) ListExceptions(ctx context.Context, r ListExceptionsRequestObject) (ListExceptionsResponseObject, error) {
	answer := ListExceptions200JSONResponse{Items: []Exception{}}
	err := s.Desk.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		id := schedule.CaseID(r.CaseId)
		if err := s.Access.readCase(ctx, tx, id); err != nil {
			return err
		}
		all, err := s.Desk.Store.Exceptions(ctx, tx, id)
		answer.Items = each(all, viewException)
		return err
	})
	return answer, err
}

// AddException records when a family is not to be visited.
func (s Server) AddException(ctx context.Context, r AddExceptionRequestObject) (AddExceptionResponseObject, error) {
	sent, err := exceptionOf(*r.Body)
	if err != nil {
		return nil, err
	}
	return httpapi.Once(ctx, s.Desk.DB, func(ctx context.Context, tx *kit.Tx) (answer AddException201JSONResponse, err error) {
		id := schedule.CaseID(r.CaseId)
		if err := s.Access.changeCase(ctx, tx, id); err != nil {
			return answer, err
		}
		p, _ := auth.From(ctx)
		stored, freed, err := s.Desk.AddException(ctx, tx, id, sent, p.Actor())
		return AddException201JSONResponse{Exception: viewException(stored), VisitsFreed: freed}, err
	})
}

// RemoveException forgets an exception.
func (s Server) RemoveException(ctx context.Context, r RemoveExceptionRequestObject) (RemoveExceptionResponseObject, error) {
	err := s.Desk.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		id := schedule.CaseID(r.CaseId)
		if err := s.Access.changeCase(ctx, tx, id); err != nil {
			return err
		}
		return s.Desk.RemoveException(ctx, tx, id, schedule.ExceptionID(r.ExceptionId))
	})
	return RemoveException204Response{}, err
}

func exceptionOf(body ExceptionWrite) (e schedule.Exception, err error) {
	e = schedule.Exception{
		Kind: schedule.ExceptionKind(body.Kind), From: dateOf(body.FromOn), Weekdays: each(valueOr(body.Weekdays, nil), text[Weekday, clock.Weekday]),
	}
	if body.ToOn != nil {
		e.To = dateOf(*body.ToOn)
	}
	if body.From != nil && body.To != nil { // the contract asks for both or none
		e.Hours = &schedule.DayHours{}
		if e.Hours.From, err = schedule.ParseTimeOfDay(*body.From); err != nil {
			return e, err
		}
		if e.Hours.To, err = schedule.ParseTimeOfDay(*body.To); err != nil {
			return e, err
		}
	}
	return e, nil
}

func viewException(e schedule.Exception) Exception {
	shown := Exception{
		ExceptionId: ID(e.ID), Kind: ExceptionKind(e.Kind), FromOn: viewDate(e.From), Weekdays: each(e.Weekdays, text[clock.Weekday, Weekday]),
	}
	if !e.To.IsZero() {
		shown.ToOn = ptr(viewDate(e.To))
	}
	if e.Hours != nil {
		shown.From, shown.To = ptr(e.Hours.From.String()), ptr(e.Hours.To.String())
	}
	return shown
}
