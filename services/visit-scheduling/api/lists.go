package api

import (
	"context"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

func decodeCursor(cursor *Cursor, v any) error {
	if cursor == nil {
		return nil
	}
	return httpapi.DecodeCursor(*cursor, v)
}

// cut makes a page of items that were read with one more than limit, and the
// cursor of the next when there was one more.
func cut[T any](items []T, limit int, key func(T) any) ([]T, *string) {
	if len(items) <= limit {
		return items, nil
	}
	return items[:limit], ptr(httpapi.EncodeCursor(key(items[limit-1])))
}

func given[S, T ~string](s *S) T {
	if s == nil {
		return ""
	}
	return T(*s)
}

// ListVisits answers a page of visits.
func (s Server) ListVisits(ctx context.Context, r ListVisitsRequestObject) (ListVisitsResponseObject, error) {
	page, err := s.visits(ctx, r.Params.Cursor, r.Params.Limit, func(tx *kit.Tx, p *postgres.VisitPage) error {
		p.Worker, p.Case = given[WorkerRef, schedule.WorkerID](r.Params.WorkerId), given[ID, schedule.CaseID](r.Params.CaseId)
		p.Series, p.Status = given[ID, schedule.SeriesID](r.Params.SeriesId), given[VisitStatus, schedule.Status](r.Params.Status)
		if r.Params.Day != nil {
			cal, err := s.Desk.Calendar(tx.Agency())
			if err != nil {
				return err
			}
			day := dateOf(*r.Params.Day)
			p.Day = schedule.Span{From: day.Start(cal.Zone()), To: day.AddDays(1).Start(cal.Zone())}
		}
		return nil
	})
	return ListVisits200JSONResponse(page), err
}

// ListUnplaced answers a page of visits without a place.
func (s Server) ListUnplaced(ctx context.Context, r ListUnplacedRequestObject) (ListUnplacedResponseObject, error) {
	page, err := s.visits(ctx, r.Params.Cursor, r.Params.Limit, func(_ *kit.Tx, p *postgres.VisitPage) error {
		p.Status, p.Tried = schedule.Unplaced, r.Params.IncludePending == nil || !*r.Params.IncludePending
		if r.Params.WeekOf != nil {
			p.Week = schedule.Week{Monday: dateOf(*r.Params.WeekOf)}
			if p.Week != schedule.WeekOf(p.Week.Monday) {
				return fault.New(fault.Invalid, "not_a_monday", "A week is named by its Monday.",
					fault.Field{Pointer: "query/week_of", Code: "not_a_monday", Detail: "This is no Monday."})
			}
		}
		return nil
	})
	return ListUnplaced200JSONResponse(page), err
}

// visits reads a page of visits as far as the asker may know of them.
func (s Server) visits(ctx context.Context, cursor *Cursor, limit *int, fill func(*kit.Tx, *postgres.VisitPage) error) (VisitPage, error) {
	p := postgres.VisitPage{Limit: httpapi.Limit(limit) + 1}
	if err := decodeCursor(cursor, &p.After); err != nil {
		return VisitPage{}, err
	}
	var page VisitPage
	err := s.Desk.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) (err error) {
		if err := fill(tx, &p); err != nil {
			return err
		}
		if p.Seen, p.Args, err = s.Access.listVisits(ctx, tx); err != nil {
			return err
		}
		visits, err := s.Desk.Store.VisitList(ctx, tx, p)
		if err != nil {
			return err
		}
		visits, page.NextCursor = cut(visits, p.Limit-1, func(v schedule.Visit) any { return postgres.CursorAfter(v) })
		var all []schedule.Remedy
		for _, v := range visits {
			all = append(all, v.Remedies...)
		}
		show, err := s.remedies(ctx, tx, all)
		page.Items = each(visits, func(v schedule.Visit) Visit {
			shown := viewVisit(v)
			shown.Remedies = show(v.Remedies)
			return shown
		})
		return err
	})
	return page, err
}

type seriesCursor struct {
	ID schedule.SeriesID `json:"s"`
}

// ListSeries answers a page of series with their ledgers.
func (s Server) ListSeries(ctx context.Context, r ListSeriesRequestObject) (ListSeriesResponseObject, error) {
	var after seriesCursor
	if err := decodeCursor(r.Params.Cursor, &after); err != nil {
		return nil, err
	}
	p := postgres.SeriesPage{Case: given[ID, schedule.CaseID](r.Params.CaseId), After: after.ID, Limit: httpapi.Limit(r.Params.Limit) + 1}
	var page SeriesPage
	err := s.Desk.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) (err error) {
		if p.Seen, p.Args, err = s.Access.listSeries(ctx, tx); err != nil {
			return err
		}
		all, err := s.Desk.Store.SeriesList(ctx, tx, p)
		if err != nil {
			return err
		}
		all, page.NextCursor = cut(all, p.Limit-1, func(s schedule.Series) any { return seriesCursor{s.ID} })
		ledgers, err := s.Desk.Store.Ledgers(ctx, tx, all)
		page.Items = each(all, func(s schedule.Series) Series { return viewSeries(s, ledgers[s.ID]) })
		return err
	})
	return ListSeries200JSONResponse(page), err
}

// GetSeries answers one series with its ledger.
func (s Server) GetSeries(ctx context.Context, r GetSeriesRequestObject) (GetSeriesResponseObject, error) {
	var answer GetSeries200JSONResponse
	err := s.Desk.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		series, err := s.Desk.Store.Series(ctx, tx, schedule.SeriesID(r.SeriesId), false)
		if err != nil {
			return err
		}
		if err := s.Access.readSeries(ctx, tx, series); err != nil {
			return err
		}
		ledgers, err := s.Desk.Store.Ledgers(ctx, tx, []schedule.Series{series})
		answer = GetSeries200JSONResponse{
			Body: viewSeries(series, ledgers[series.ID]), Headers: GetSeries200ResponseHeaders{ETag: ptr(httpapi.ETag(series.Version))},
		}
		return err
	})
	return answer, err
}
