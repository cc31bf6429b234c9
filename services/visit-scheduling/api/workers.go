package api

import (
	"context"

	"github.com/hearthfps/hearth/pkg/httpapi"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

type workerCursor struct {
	ID schedule.WorkerID `json:"w"`
}

// ListWorkers answers a page of workers by id.
func (s Server) ListWorkers(ctx context.Context, r ListWorkersRequestObject) (ListWorkersResponseObject, error) {
	var after workerCursor
	if err := decodeCursor(r.Params.Cursor, &after); err != nil {
		return nil, err
	}
	limit := httpapi.Limit(r.Params.Limit)
	var page WorkerPage
	err := s.Desk.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		base, err := s.Access.readWorker(ctx, tx, "")
		if err != nil {
			return err
		}
		workers, err := s.Desk.Store.Workers(ctx, tx, after.ID, limit+1)
		if err != nil {
			return err
		}
		workers, page.NextCursor = cut(workers, limit, func(w schedule.Worker) any { return workerCursor{w.ID} })
		page.Items = each(workers, func(w schedule.Worker) Worker { return viewWorker(w, base) })
		return nil
	})
	return ListWorkers200JSONResponse(page), err
}

// GetWorker answers one worker.
func (s Server) GetWorker(ctx context.Context, r GetWorkerRequestObject) (GetWorkerResponseObject, error) {
	var answer GetWorker200JSONResponse
	err := s.Desk.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		id := schedule.WorkerID(r.WorkerId)
		base, err := s.Access.readWorker(ctx, tx, id)
		if err != nil {
			return err
		}
		w, err := s.Desk.Store.Worker(ctx, tx, id, false)
		if err != nil {
			return err
		}
		answer = GetWorker200JSONResponse{Body: viewWorker(w, base), Headers: GetWorker200ResponseHeaders{ETag: ptr(httpapi.ETag(w.Version))}}
		return nil
	})
	return answer, err
}

// PutWorker makes a worker known or replaces them.
func (s Server) PutWorker(ctx context.Context, r PutWorkerRequestObject) (PutWorkerResponseObject, error) {
	sent, absences, err := workerOf(r.WorkerId, *r.Body)
	if err != nil {
		return nil, err
	}
	var stored schedule.Worker
	var created, base bool
	err = s.Desk.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		if err := s.Access.writeWorker(ctx, tx, sent.ID); err != nil {
			return err
		}
		if base, err = s.Access.readWorker(ctx, tx, sent.ID); err != nil {
			return err
		}
		stored, created, err = s.Desk.PutWorker(ctx, tx, sent, absences, func(version int64) error { return httpapi.IfMatch(ctx, version) })
		return err
	})
	if err != nil {
		return nil, err
	}
	tag := ptr(httpapi.ETag(stored.Version))
	if created {
		return PutWorker201JSONResponse{Body: viewWorker(stored, base), Headers: PutWorker201ResponseHeaders{ETag: tag}}, nil
	}
	return PutWorker200JSONResponse{Body: viewWorker(stored, base), Headers: PutWorker200ResponseHeaders{ETag: tag}}, nil
}

// AddAbsence records that a worker is away.
func (s Server) AddAbsence(ctx context.Context, r AddAbsenceRequestObject) (AddAbsenceResponseObject, error) {
	return httpapi.Once(ctx, s.Desk.DB, func(ctx context.Context, tx *kit.Tx) (answer AddAbsence201JSONResponse, err error) {
		id := schedule.WorkerID(r.WorkerId)
		if err := s.Access.writeWorker(ctx, tx, id); err != nil {
			return answer, err
		}
		stored, taken, err := s.Desk.AddAbsence(ctx, tx, id, absenceOf(*r.Body))
		return AddAbsence201JSONResponse{Absence: viewAbsence(stored), VisitsTaken: taken}, err
	})
}

// RemoveAbsence forgets an absence.
func (s Server) RemoveAbsence(ctx context.Context, r RemoveAbsenceRequestObject) (RemoveAbsenceResponseObject, error) {
	err := s.Desk.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		id := schedule.WorkerID(r.WorkerId)
		if err := s.Access.writeWorker(ctx, tx, id); err != nil {
			return err
		}
		return s.Desk.RemoveAbsence(ctx, tx, id, schedule.AbsenceID(r.AbsenceId))
	})
	return RemoveAbsence204Response{}, err
}
