package visitscheduling

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// Explain implements schedule.Engine.
func (o Optimiser) Explain(ctx context.Context, s schedule.Standing, visit schedule.VisitID, budget time.Duration) (schedule.Account, error) {
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	account := schedule.Account{Visit: visit}
	s, t, err := o.stand(ctx, s.Settle(), layable)
	if err != nil {
		return account, fmt.Errorf("explain a visit: %w", err)
	}
	var names []string
	for _, v := range t.problem.Visits {
		if visitOf(v.ID) == visit {
			names = append(names, v.ID)
		}
	}
	if names == nil {
		account.Fixed = true // its time is its workers', and nothing else is known of it
		return account, nil
	}
	parts, err := optimise.Explain(ctx, t.problem, t.whole(s.Plan), names...)
	if err != nil {
		return account, fmt.Errorf("explain a visit: %w", err)
	}
	var cost optimise.Objective
	for _, p := range parts { // a booking of a pair has two
		account.Fixed = account.Fixed || p.Locked
		cost = cost.Plus(p.Cost)
		if p.Next != nil {
			next := t.slot(*p.Next, t.demands[p.Visit])
			account.Next, account.NextTerms = &next, terms(p.NextCost)
		}
	}
	account.Terms = terms(cost)
	return account, nil
}

// terms are those of a cost that are not nothing, the largest first. What leaving
// the visit out would cost is none of them.
func terms(o optimise.Objective) []schedule.Term {
	all := []schedule.Term{
		{Code: "travel", Points: o.Travel},
		{Code: "preference", Points: o.Preference},
		{Code: "wishes", Points: o.Wishes},
		{Code: "continuity", Points: o.Continuity},
		{Code: "stability", Points: o.Stability},
		{Code: "spacing", Points: o.Spacing},
		{Code: "weekday", Points: o.Weekday},
		{Code: "overtime", Points: o.Overtime},
		{Code: "fair_load", Points: o.FairLoad},
		{Code: "fair_travel", Points: o.FairTravel},
		{Code: "fair_evening", Points: o.FairEvening},
	}
	all = slices.DeleteFunc(all, func(t schedule.Term) bool { return t.Points == 0 })
	slices.SortStableFunc(all, func(a, b schedule.Term) int { return cmp.Compare(max(b.Points, -b.Points), max(a.Points, -a.Points)) })
	return all
}
