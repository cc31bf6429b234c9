package api

import (
	"context"
	"time"

	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/desk"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

func valueOr[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

func urgentOf(body UrgentRequest, now time.Time) schedule.UrgentRequest {
	r := schedule.UrgentRequest{
		Case: schedule.CaseID(body.CaseId), Minutes: body.Minutes, Workers: valueOr(body.Workers, 1),
		Place: schedule.Place(valueOr(body.Place, PlaceHome)), Skills: each(valueOr(body.Skills, nil), text[Code, string]),
		Language: given[Language, string](body.Language),
		Within:   schedule.Span{From: instant(valueOr(body.NotBefore, now)), To: instant(valueOr(body.DoneBy, now.Add(schedule.UrgentMost)))},
	}
	if body.Recipients != nil {
		r.Recipients = each(*body.Recipients, text[ID, string])
	}
	return r
}

// OfferUrgentVisit looks for places of an urgent visit.
func (s Server) OfferUrgentVisit(ctx context.Context, r OfferUrgentVisitRequestObject) (OfferUrgentVisitResponseObject, error) {
	asked := s.Desk.Clock.Now()
	request := urgentOf(*r.Body, asked)
	offer, why, err := s.Desk.Places(ctx, request, desk.AllowUrgent{Case: s.Access.scheduleCase, Move: s.Access.scheduleVisit})
	if err != nil {
		return nil, err
	}
	p, _ := auth.From(ctx)
	return httpapi.Once(ctx, s.Desk.DB, func(ctx context.Context, tx *kit.Tx) (answer OfferUrgentVisit201JSONResponse, err error) {
		if err := s.Access.readCase(ctx, tx, request.Case); err != nil {
			return answer, err
		}
		cal, err := s.Desk.Calendar(tx.Agency())
		if err != nil {
			return answer, err
		}
		kept, err := s.Desk.KeepOffer(ctx, tx, offer, p.Actor())
		if err != nil {
			return answer, err
		}
		shown := viewOffer(kept, why.Reasons, asked, cal.Zone())
		show, err := s.remedies(ctx, tx, why.Remedies)
		if err != nil {
			return answer, err
		}
		shown.Remedies = show(why.Remedies)
		return OfferUrgentVisit201JSONResponse(shown), nil
	})
}

// AcceptUrgentOffer books a place that was offered.
func (s Server) AcceptUrgentOffer(ctx context.Context, r AcceptUrgentOfferRequestObject) (AcceptUrgentOfferResponseObject, error) {
	return httpapi.Once(ctx, s.Desk.DB, func(ctx context.Context, tx *kit.Tx) (answer AcceptUrgentOffer200JSONResponse, err error) {
		visit, moved, err := s.Desk.TakeOffer(ctx, tx, r.OfferId.String(), r.Body.Place, func(o schedule.UrgentOffer) error {
			if err := s.Access.scheduleCase(ctx, tx, o.Request.Case); err != nil {
				return err
			}
			if p, _ := auth.From(ctx); p.Actor() != o.By {
				return fault.Missing("visit") // another's offer shows what they may know
			}
			return nil
		})
		return AcceptUrgentOffer200JSONResponse{Visit: viewVisit(visit), Moved: each(moved, viewVisit)}, err
	})
}

func viewPlacing(s schedule.Slot) Placing {
	return Placing{StartsAt: s.StartsAt, EndsAt: s.EndsAt, Workers: each(s.Workers, text[schedule.WorkerID, WorkerRef])}
}

func viewOffer(o schedule.UrgentOffer, why []schedule.Reason, asked time.Time, zone *time.Location) UrgentOffer {
	shown := UrgentOffer{
		OfferId: ID(o.ID), CaseId: ID(o.Request.Case), ExpiresAt: o.ExpiresAt, Places: []OfferedPlace{},
		Reasons: each(why, text[schedule.Reason, UnplacedReason]),
	}
	for i, p := range o.Places {
		at := viewPlacing(p.Slot)
		place := OfferedPlace{
			Place: i + 1, StartsAt: at.StartsAt, EndsAt: at.EndsAt, Workers: at.Workers, TravelMinutes: p.Slot.Travel, TravelSource: sourceOf(p.Slot),
			FamilyKnowsWorker: p.Known, Words: p.Words(asked, zone),
			Tells: Tells{Workers: each(p.Told(), text[schedule.WorkerID, WorkerRef]), Caregivers: len(o.Request.Recipients)},
		}
		place.Moves = each(p.Moves, func(m schedule.OfferedMove) OfferedMove {
			place.Tells.Caregivers += m.Recipients
			change := schedule.Change{Visit: m.Visit, Kind: schedule.ChangeMoved, From: &m.From, To: &m.To}
			return OfferedMove{VisitId: ID(m.Visit), CaseId: ID(m.Case), From: viewPlacing(m.From), To: viewPlacing(m.To), Words: change.Words(zone)}
		})
		shown.Places = append(shown.Places, place)
	}
	return shown
}
