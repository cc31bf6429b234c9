package api

import (
	"context"
	"io"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// ImportBusy blocks the times another calendar of a worker's says are busy.
func (s Server) ImportBusy(ctx context.Context, r ImportBusyRequestObject) (ImportBusyResponseObject, error) {
	data, err := io.ReadAll(io.LimitReader(r.Body, schedule.BusyBytes+1))
	if err != nil {
		return nil, fault.New(fault.Invalid, "body_unreadable", "The calendar could not be read.").Because(err)
	}
	return httpapi.Once(ctx, s.Desk.DB, func(ctx context.Context, tx *kit.Tx) (answer ImportBusy200JSONResponse, err error) {
		id := schedule.WorkerID(r.WorkerId)
		if err := s.Access.writeWorker(ctx, tx, id); err != nil {
			return answer, err
		}
		busy, until, err := s.Desk.ImportBusy(ctx, tx, id, data)
		answer.Busy, answer.Until = busy, until
		return answer, err
	})
}
