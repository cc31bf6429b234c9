package play

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Visit is a visit as its workers see it.
type Visit struct {
	VisitID  string    `json:"visit_id"`
	SeriesID string    `json:"series_id"`
	CaseID   string    `json:"case_id"`
	Status   string    `json:"status"`
	StartsAt time.Time `json:"starts_at"`
	EndsAt   time.Time `json:"ends_at"`
	Workers  []string  `json:"workers"`
	Reasons  []string  `json:"reasons"`
}

// Series is all the visits one plan calls for, and its ledger.
type Series struct {
	SeriesID string      `json:"series_id"`
	Status   string      `json:"status"`
	Ledger   VisitLedger `json:"ledger"`
}

// VisitLedger counts the visits of a series; planned is the sum of the others and those under way.
type VisitLedger struct {
	Planned    int `json:"planned"`
	Scheduled  int `json:"scheduled"`
	InProgress int `json:"in_progress"`
	Unplaced   int `json:"unplaced"`
	Completed  int `json:"completed"`
	Attempted  int `json:"attempted"`
	Cancelled  int `json:"cancelled"`
}

// Series waits until every visit of the case's plan is placed or has a reason why not.
func (c *Cast) Series(ctx context.Context, caseID string) (Series, error) {
	type page struct {
		Items []Series `json:"items"`
	}
	scheduler := c.As("scheduler", "scheduler-1")
	got, err := await(ctx, scheduler, "/visits/v1/series?case_id="+caseID, func(p page) bool {
		return len(p.Items) > 0 && p.Items[0].Ledger.Planned > 0
	})
	if err != nil {
		return Series{}, fmt.Errorf("await the visits of case %s: %w", caseID, err)
	}
	if _, err := await(ctx, scheduler, "/visits/v1/visits?status=unplaced&case_id="+caseID, planned); err != nil {
		return Series{}, fmt.Errorf("await the planning of case %s: %w", caseID, err)
	}
	return got.Items[0], nil
}

// planned reports whether the planner has looked at each of these visits.
func planned(p struct {
	Items []Visit `json:"items"`
},
) bool {
	for _, v := range p.Items {
		for _, r := range v.Reasons {
			if r == "not_yet_planned" {
				return false
			}
		}
	}
	return true
}

// NextVisit is the first visit of the case that is scheduled, or false when none is.
func (c *Cast) NextVisit(ctx context.Context, caseID string) (Visit, bool, error) {
	var next Visit
	err := Each(ctx, c.As("scheduler", "scheduler-1"), "/visits/v1/visits?status=scheduled&case_id="+caseID, func(v Visit) error {
		if next.VisitID == "" || v.StartsAt.Before(next.StartsAt) {
			next = v
		}
		return nil
	})
	return next, next.VisitID != "", err
}

// CheckIn has each worker of the visit arrive.
func (c *Cast) CheckIn(ctx context.Context, v Visit) error { return c.arrive(ctx, v, ":check-in") }

// CheckOut has each worker of the visit leave.
func (c *Cast) CheckOut(ctx context.Context, v Visit) error { return c.arrive(ctx, v, ":check-out") }

func (c *Cast) arrive(ctx context.Context, v Visit, verb string) error {
	for _, w := range v.Workers {
		// Sent with the key of this very step, so that a lost answer does not check anyone in twice.
		_, err := c.As("family_worker", w).Post(ctx, "/visits/v1/visits/"+v.VisitID+verb, nil, nil, Key("play", verb, v.VisitID, w))
		if err != nil {
			return fmt.Errorf("%s of %s at visit %s: %w", verb[1:], w, v.VisitID, err)
		}
	}
	return nil
}

// FindResource looks for a service that meets the need, asks it to take the
// family, and follows it to the end. It returns false when no service fits.
func (c *Cast) FindResource(ctx context.Context, file Case, need string) (found bool, err error) {
	lead, _ := file.Lead()
	worker := c.As("family_worker", lead)
	var hits struct {
		Items []struct {
			ServiceID string `json:"service_id"`
		} `json:"items"`
	}
	if _, err := worker.Get(ctx, "/directory/v1/search?limit=5&need="+need, &hits); err != nil {
		return false, fmt.Errorf("search for %s: %w", need, err)
	}
	if len(hits.Items) == 0 {
		return false, nil
	}
	var asked struct {
		ID    string `json:"resource_referral_id"`
		State string `json:"state"`
	}
	_, err = worker.Post(ctx, "/directory/v1/resource-referrals", map[string]any{
		"case_id": file.CaseID, "service_id": hits.Items[0].ServiceID, "need": need,
	}, &asked, Key("play", "resource", file.CaseID, need))
	if err != nil {
		return false, fmt.Errorf("ask for a place for case %s: %w", file.CaseID, err)
	}
	path := "/directory/v1/resource-referrals/" + asked.ID
	if err := c.change(ctx, worker, path, ":accept", nil, nil, "accept"); err != nil && !Refused(err, http.StatusConflict) {
		return false, fmt.Errorf("accept resource referral %s: %w", asked.ID, err)
	}
	err = c.change(ctx, worker, path, ":complete", map[string]any{"outcome_code": "need_met"}, nil, "complete-resource")
	if err != nil && !Refused(err, http.StatusConflict) {
		return false, fmt.Errorf("complete resource referral %s: %w", asked.ID, err)
	}
	return true, nil
}

// Close ends the safety plan if there is one, and then the case.
func (c *Cast) Close(ctx context.Context, file Case) error {
	lead, supervisor := file.Lead()
	as := c.As("supervisor", supervisor)
	if file.Safety.PlanInForce {
		err := c.change(ctx, c.As("family_worker", lead), "/planning/v1/safety-plans/"+file.Safety.SafetyPlanID, ":end",
			map[string]any{"reason_code": "danger_resolved"}, nil, "end-safety-plan")
		if err != nil {
			return fmt.Errorf("end the safety plan of case %s: %w", file.CaseID, err)
		}
	}
	err := c.change(ctx, as, "/planning/v1/cases/"+file.CaseID, ":close", map[string]any{"reason_code": "goals_met"}, nil, "close")
	if err != nil {
		return fmt.Errorf("close case %s: %w", file.CaseID, err)
	}
	return nil
}
