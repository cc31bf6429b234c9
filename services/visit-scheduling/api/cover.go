package api

import (
	"context"
	"errors"
	"time"

	"github.com/hearthfps/hearth/pkg/httpapi"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/desk"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// inProportion lets others move by how many visits the worker had.
const inProportion = -1

// errAgain rolls back what did not fit any more.
var errAgain = errors.New("the schedule has changed")

// CoverAbsence records that a worker is away and who goes in their stead, or says
// who would.
func (s Server) CoverAbsence(ctx context.Context, r CoverAbsenceRequestObject) (CoverAbsenceResponseObject, error) {
	request := schedule.CoverRequest{
		Worker: schedule.WorkerID(r.WorkerId), Span: schedule.Span{From: instant(r.Body.From), To: instant(r.Body.To)},
		Reason: string(r.Body.ReasonCode), MaxMoved: valueOr(r.Body.MaxMoved, inProportion),
	}
	if err := s.Desk.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error { return s.mayCover(ctx, tx, request.Worker) }); err != nil {
		return nil, err
	}
	if r.Params.Preview != nil && *r.Params.Preview {
		cover, err := s.Desk.Cover(ctx, request, s.Access.seenVisits)
		if err != nil {
			return nil, err
		}
		var answer Cover
		err = s.Desk.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) (err error) {
			answer, err = s.viewCover(ctx, tx, cover)
			answer.Preview = true
			return err
		})
		return CoverAbsence200JSONResponse(answer), err
	}
	var answer CoverAbsence200JSONResponse
	err := s.Desk.CoverAbsence(ctx, request, s.Access.seenVisits, func(cover schedule.Cover) (stale []desk.Stale, err error) {
		answer, err = httpapi.Once(ctx, s.Desk.DB, func(ctx context.Context, tx *kit.Tx) (CoverAbsence200JSONResponse, error) {
			if err := s.mayCover(ctx, tx, request.Worker); err != nil {
				return answer, err
			}
			var stored schedule.Absence
			if stored, stale, err = s.Desk.AddCoveredAbsence(ctx, tx, cover); err != nil {
				return answer, err
			}
			if stale != nil {
				return answer, errAgain
			}
			shown, err := s.viewCover(ctx, tx, cover)
			shown.Absence = ptr(viewAbsence(stored))
			return CoverAbsence200JSONResponse(shown), err
		})
		if errors.Is(err, errAgain) {
			return stale, nil
		}
		return nil, err
	})
	return answer, err
}

// mayCover lets the asker change a worker's record and everybody's visits.
func (s Server) mayCover(ctx context.Context, tx *kit.Tx, id schedule.WorkerID) error {
	if err := s.Access.writeWorker(ctx, tx, id); err != nil {
		return err
	}
	return s.Access.schedule(ctx, tx)
}

// viewCover shows a cover, and keeps that it was seen.
func (s Server) viewCover(ctx context.Context, tx *kit.Tx, c schedule.Cover) (Cover, error) {
	if _, _, err := s.Access.listVisits(ctx, tx); err != nil {
		return Cover{}, err
	}
	cal, err := s.Desk.Calendar(tx.Agency())
	if err != nil {
		return Cover{}, err
	}
	var ids []schedule.VisitID
	shown := Cover{Tells: Tells{Workers: []WorkerRef{WorkerRef(c.Request.Worker)}}}
	told := map[schedule.WorkerID]bool{c.Request.Worker: true}
	view := func(p schedule.ProposedChange) CoverChange {
		ids = append(ids, p.Visit)
		change := CoverChange{VisitId: ID(p.Visit), CaseId: ID(p.Case), From: viewPlacing(*p.From), Words: words(p.Change, cal.Zone())}
		workers := p.From.Workers
		if p.To != nil {
			change.To = ptr(viewPlacing(*p.To))
			workers = append(append([]schedule.WorkerID{}, workers...), p.To.Workers...)
		}
		for _, w := range workers {
			if !told[w] {
				told[w] = true
				shown.Tells.Workers = append(shown.Tells.Workers, WorkerRef(w))
			}
		}
		return change
	}
	shown.Covered, shown.Moved, shown.Open = each(c.Covered, view), each(c.Moved, view), each(c.Open, view)
	visits, err := s.Desk.Store.VisitsOf(ctx, tx, ids)
	for _, v := range visits {
		shown.Tells.Caregivers += len(v.Recipients)
	}
	return shown, err
}

func words(c schedule.Change, zone *time.Location) string {
	if c.To == nil {
		return "no place in its week; the planner tries again"
	}
	return c.Words(zone)
}
