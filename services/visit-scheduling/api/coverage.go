package api

import (
	"context"
	"time"

	"github.com/hearthfps/hearth/pkg/httpapi"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

func childSeen(body *CheckOutJSONRequestBody) *schedule.ChildSeen {
	if body == nil || body.ChildSeenAlone == nil {
		return nil
	}
	return &schedule.ChildSeen{Alone: body.ChildSeenAlone.Seen, Reason: given[Code, string](body.ChildSeenAlone.ReasonCode)}
}

type coverageCursor struct {
	Case schedule.CaseID `json:"c"`
}

// GetCoverage answers what the visits of a month came to, a page of cases.
func (s Server) GetCoverage(ctx context.Context, r GetCoverageRequestObject) (GetCoverageResponseObject, error) {
	var after coverageCursor
	if err := decodeCursor(r.Params.Cursor, &after); err != nil {
		return nil, err
	}
	month, err := time.Parse("2006-01", r.Params.Month)
	if err != nil {
		return nil, err // the contract's pattern lets no other through
	}
	limit := httpapi.Limit(r.Params.Limit)
	ref := s.Desk.CoverageRule
	answer := GetCoverage200JSONResponse{Rule: RuleRef{Name: ref.Name, Version: ref.Version, Hash: ref.Hash}}
	err = s.Desk.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		cal, err := s.Desk.Calendar(tx.Agency())
		if err != nil {
			return err
		}
		zone := cal.Zone()
		span := schedule.Span{
			From: time.Date(month.Year(), month.Month(), 1, 0, 0, 0, 0, zone), To: time.Date(month.Year(), month.Month()+1, 1, 0, 0, 0, 0, zone),
		}
		p := postgres.VisitPage{
			Case: given[ID, schedule.CaseID](r.Params.CaseId), Worker: given[WorkerRef, schedule.WorkerID](r.Params.WorkerId),
			Team: given[Code, string](r.Params.Team), Limit: limit + 1,
		}
		if p.Seen, p.Args, err = s.Access.listVisits(ctx, tx); err != nil {
			return err
		}
		cases, err := s.Desk.Store.CasesIn(ctx, tx, p, span, after.Case)
		if err != nil {
			return err
		}
		cases, answer.NextCursor = cut(cases, limit, func(c schedule.CaseID) any { return coverageCursor{c} })
		visits, err := s.Desk.Store.MonthOf(ctx, tx, p, span, cases)
		if err != nil {
			return err
		}
		of := map[schedule.CaseID][]schedule.Visit{}
		for _, v := range visits {
			of[v.Case] = append(of[v.Case], v)
		}
		answer.Items = []CaseCoverage{}
		for _, c := range cases {
			shown, err := s.caseCoverage(c, schedule.TallyOf(of[c], tx.Now(), zone))
			if err != nil {
				return err
			}
			answer.Items = append(answer.Items, shown)
		}
		return nil
	})
	return answer, err
}

func (s Server) caseCoverage(id schedule.CaseID, t schedule.Tally) (CaseCoverage, error) {
	findings, err := schedule.Judge(s.Desk.Coverage, t)
	if err != nil {
		return CaseCoverage{}, err
	}
	says := map[string]string{}
	for _, r := range s.Desk.Coverage {
		says[r.Code] = r.Says
	}
	shown := CaseCoverage{CaseId: ID(id), Due: t.Due, Completed: t.Completed, Attempted: t.Attempted, Cancelled: t.Cancelled}
	shown.Findings = each(findings, func(f schedule.Finding) struct {
		Code     Code   `json:"code"`
		Done     int    `json:"done"`
		Gap      int    `json:"gap"`
		Required int    `json:"required"`
		Says     string `json:"says"`
	} {
		return struct {
			Code     Code   `json:"code"`
			Done     int    `json:"done"`
			Gap      int    `json:"gap"`
			Required int    `json:"required"`
			Says     string `json:"says"`
		}{Code(f.Code), f.Done, f.Gap, f.Required, says[f.Code]}
	})
	return shown, nil
}
