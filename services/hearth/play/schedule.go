package play

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Proposal is what planning weeks anew came to.
type Proposal struct {
	JobID    string `json:"job_id"`
	Status   string `json:"status"`
	Moved    int    `json:"moved"`
	Placed   int    `json:"placed"`
	Unplaced int    `json:"unplaced"`
	Before   struct {
		TravelMinutes int `json:"travel_minutes"`
	} `json:"before"`
	Best struct {
		TravelMinutes int `json:"travel_minutes"`
	} `json:"best"`
	Published int `json:"published"`
}

// PlanAnew has the week of a day planned anew for at most seconds of search, and
// accepts the proposal. When the schedule changes before that, the proposal is
// rebased and accepted then.
func (c *Cast) PlanAnew(ctx context.Context, day time.Time, seconds int) (Proposal, error) {
	scheduler := c.As("scheduler", "scheduler-1")
	monday := day.AddDate(0, 0, -(int(day.Weekday())+6)%7).Format(time.DateOnly)
	var job Proposal
	_, err := scheduler.Post(ctx, "/visits/v1/planning-jobs", map[string]any{
		"first_week": monday, "weeks": 1, "budget_seconds": seconds, "frozen_hours": 1,
	}, &job, Key("play", "plan-anew", monday))
	if err != nil {
		return job, fmt.Errorf("have the week of %s planned: %w", monday, err)
	}
	path := "/visits/v1/planning-jobs/" + job.JobID
	for {
		found, err := await(ctx, scheduler, path, func(p Proposal) bool { return p.Status != "queued" && p.Status != "running" })
		if err != nil {
			return found, fmt.Errorf("await the proposal for the week of %s: %w", monday, err)
		}
		if found.Status != "proposed" {
			return found, nil // a repeat finds it published
		}
		err = c.change(ctx, scheduler, path, ":accept", nil, &found, "accept-plan")
		if !Refused(err, 409) {
			return found, err
		}
		if err := c.change(ctx, scheduler, path, ":rebase", nil, nil, "rebase-plan"); err != nil {
			return found, fmt.Errorf("rebase the proposal for the week of %s: %w", monday, err)
		}
	}
}

// WhatIf has the week of a day planned as if a worker were away for some time. Nothing
// of it is published.
func (c *Cast) WhatIf(ctx context.Context, worker string, from, to time.Time) (Proposal, error) {
	scheduler := c.As("scheduler", "scheduler-1")
	monday := from.AddDate(0, 0, -(int(from.Weekday())+6)%7).Format(time.DateOnly)
	var job Proposal
	_, err := scheduler.Post(ctx, "/visits/v1/planning-jobs", map[string]any{
		"first_week": monday, "weeks": 1, "budget_seconds": 1, "frozen_hours": 1,
		"what_if": []map[string]any{{"kind": "worker_away", "worker_id": worker, "from": from, "to": to}},
	}, &job, Key("play", "what-if", worker, from.Format(time.RFC3339)))
	if err != nil {
		return job, fmt.Errorf("ask what if %s were away: %w", worker, err)
	}
	job, err = await(ctx, scheduler, "/visits/v1/planning-jobs/"+job.JobID, func(p Proposal) bool { return p.Status != "queued" && p.Status != "running" })
	if err != nil {
		return job, fmt.Errorf("await what it would be if %s were away: %w", worker, err)
	}
	return job, nil
}

// CoverChange is a visit that changes because a worker is away.
type CoverChange struct {
	VisitID string `json:"visit_id"`
	CaseID  string `json:"case_id"`
}

// Cover is what became of a sick worker's visits.
type Cover struct {
	Covered []CoverChange `json:"covered"`
	Moved   []CoverChange `json:"moved"`
	Open    []CoverChange `json:"open"`
}

// FallIll has a worker fall ill from a moment until the end of that day.
func (c *Cast) FallIll(ctx context.Context, worker string, from, to time.Time) (Cover, error) {
	var cover Cover
	_, err := c.As("scheduler", "scheduler-1").Post(ctx, "/visits/v1/workers/"+worker+"/absences:cover", map[string]any{
		"from": from, "to": to, "reason_code": "sick", "max_moved": 5,
	}, &cover, Key("play", "ill", worker, from.Format(time.RFC3339)))
	if err != nil {
		return cover, fmt.Errorf("cover %s, who is ill: %w", worker, err)
	}
	return cover, nil
}

// UrgentOffer is where an urgent visit could go.
type UrgentOffer struct {
	OfferID string `json:"offer_id"`
	Places  []struct {
		Place int    `json:"place"`
		Words string `json:"words"`
		Moves []any  `json:"moves"`
	} `json:"places"`
	Reasons []string `json:"reasons"`
}

// VisitUrgently asks for a visit to a case within 24 hours and takes the best
// place; false when there is none.
func (c *Cast) VisitUrgently(ctx context.Context, caseID string) (offer UrgentOffer, visit Visit, booked bool, err error) {
	scheduler := c.As("scheduler", "scheduler-1")
	_, err = scheduler.Post(ctx, "/visits/v1/urgent-visits:offer", map[string]any{"case_id": caseID, "minutes": 60}, &offer, Key("play", "urgent", caseID))
	if err != nil {
		return offer, visit, false, fmt.Errorf("ask for an urgent visit to case %s: %w", caseID, err)
	}
	if len(offer.Places) == 0 {
		return offer, visit, false, nil
	}
	var taken struct {
		Visit Visit `json:"visit"`
	}
	_, err = scheduler.Post(ctx, "/visits/v1/urgent-offers/"+offer.OfferID+":accept", map[string]any{"place": offer.Places[0].Place}, &taken, Key("play", "accept", offer.OfferID))
	if err != nil {
		return offer, visit, false, fmt.Errorf("take a place for case %s: %w", caseID, err)
	}
	return offer, taken.Visit, true, nil
}

// Away tells that a family is away on a day, waits until its visits of that day are
// placed again or told not to be, and answers them as they stand then.
func (c *Cast) Away(ctx context.Context, caseID string, day time.Time) (freed int, visits []Visit, err error) {
	scheduler := c.As("scheduler", "scheduler-1")
	type page struct {
		Items []Visit `json:"items"`
	}
	date := day.Format(time.DateOnly)
	var stood page
	if _, err := scheduler.Get(ctx, "/visits/v1/visits?status=scheduled&case_id="+caseID+"&day="+date, &stood); err != nil {
		return 0, nil, fmt.Errorf("the visits of case %s on %s: %w", caseID, date, err)
	}
	var added struct {
		Freed int `json:"visits_freed"`
	}
	_, err = scheduler.Post(ctx, "/visits/v1/cases/"+caseID+"/exceptions", map[string]any{"kind": "away", "from_on": date, "to_on": date}, &added, Key("play", "away", caseID, date))
	if err != nil {
		return 0, nil, fmt.Errorf("tell that case %s is away on %s: %w", caseID, date, err)
	}
	for _, v := range stood.Items {
		now, err := await(ctx, scheduler, "/visits/v1/visits/"+v.VisitID, func(v Visit) bool { return !slices.Contains(v.Reasons, "taken_from_worker") })
		if err != nil {
			return added.Freed, nil, fmt.Errorf("await another time for visit %s: %w", v.VisitID, err)
		}
		visits = append(visits, now)
	}
	return added.Freed, visits, nil
}
