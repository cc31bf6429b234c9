package api

import (
	"context"

	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// ExplainVisit says what a visit costs and why it stands where it does.
func (s Server) ExplainVisit(ctx context.Context, r ExplainVisitRequestObject) (ExplainVisitResponseObject, error) {
	account, err := s.Desk.Explain(ctx, visitID(r.VisitId), s.Access.readVisit)
	if err != nil {
		return nil, err
	}
	agency, _ := tenant.From(ctx)
	cal, err := s.Desk.Calendar(agency)
	if err != nil {
		return nil, err
	}
	term := func(t schedule.Term) CostTerm { return CostTerm{Term: CostTermTerm(t.Code), Points: int(t.Points)} }
	shown := ExplainVisit200JSONResponse{
		VisitId: ID(account.Visit), Place: viewPlacing(account.At), Fixed: account.Fixed, Points: int(schedule.Points(account.Terms)),
		Terms: each(account.Terms, term), Words: account.Words(cal.Zone()),
	}
	if account.Next != nil {
		shown.Next = &NextPlace{Place: viewPlacing(*account.Next), Points: int(schedule.Points(account.NextTerms)), Terms: each(account.NextTerms, term)}
	}
	return shown, nil
}
