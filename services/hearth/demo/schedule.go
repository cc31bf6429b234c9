package demo

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/hearthfps/hearth/services/hearth/play"
)

// Scheduling is what happened to the schedule before the first visit: it was
// planned anew, a family was away, a worker fell ill, and a family needed a visit at once.
type Scheduling struct {
	Moved      int `json:"moved"`       // visits the new plan moved
	Placed     int `json:"placed"`      // and gave their first place
	SickVisits int `json:"sick_visits"` // visits the sick worker had that day
	Covered    int `json:"covered"`     // of these, taken over by others the same day
	MadeRoom   int `json:"made_room"`   // visits of others that moved for it
	LeftOpen   int `json:"left_open"`   // planned again within the week
	Offered    int `json:"offered"`     // places for the urgent visit
	Urgent     int `json:"urgent"`      // urgent visits booked
	// A family is away on the day of a visit: Stood were its visits of that day, Freed
	// are those it was freed of, Rearranged have another time, Homeless have none that week.
	Stood      int `json:"stood_in_exception"`
	Freed      int `json:"freed_by_exception"`
	Rearranged int `json:"rearranged_for_exception"`
	Homeless   int `json:"without_time_for_exception"`
	// Supposed is how many visits another worker's absence would move or leave without a
	// place, were it so; Disturbed how many visits of theirs changed by asking.
	Supposed  int `json:"would_change"`
	Disturbed int `json:"changed_by_asking"`
	urgent    play.Visit
}

// schedule has the schedule changed the way a scheduler's morning changes it, two
// hours before the first visit.
func (r *run) schedule(ctx context.Context, families []*family, s *Scheduling) error {
	first := firstVisit(families)
	if first.VisitID == "" {
		return nil
	}
	proposal, err := r.cast.PlanAnew(ctx, first.StartsAt, 1)
	if err != nil {
		return err
	}
	s.Moved, s.Placed = proposal.Moved, proposal.Placed
	r.say("planned the week anew: %d visits moved, %d placed, travel %d → %d minutes", s.Moved, s.Placed, proposal.Before.TravelMinutes, proposal.Best.TravelMinutes)
	if err := r.lookUp(ctx, families); err != nil {
		return err
	}
	first = firstVisit(families)
	morning := first.StartsAt.Add(-2 * time.Hour)
	if err := r.pass(ctx, morning); err != nil {
		return err
	}
	now, err := r.clock.now(ctx)
	if err != nil {
		return err
	}
	if err := r.suppose(ctx, first, now, s); err != nil {
		return err
	}
	if err := r.away(ctx, families, first, s); err != nil {
		return err
	}
	if err := r.urgent(ctx, families, s); err != nil {
		return err
	}
	if err := r.illness(ctx, first, now, s); err != nil {
		return err
	}
	// Before time goes on: who hears of a visit that has begun hears nothing.
	if err := until(ctx, func(ctx context.Context) (bool, error) { return r.heard(ctx, s.changes()) }); err != nil {
		return fmt.Errorf("wait until workers have heard of %d changes: %w", s.changes(), err)
	}
	return r.lookUp(ctx, families)
}

// changes is how many visits have another time or other workers than were told before.
func (s Scheduling) changes() int { return s.Moved + s.Covered + s.MadeRoom + s.Rearranged }

// heard reports whether workers have been told of so many visits that changed.
func (r *run) heard(ctx context.Context, changes int) (bool, error) {
	visits := map[string]bool{}
	err := play.Each(ctx, r.cast.As("supervisor", r.cast.Supervisors[0]), "/notifications/v1/messages?template=visit_changed&limit=200", func(m struct {
		AboutEvent string `json:"about_event"`
	},
	) error {
		visits[m.AboutEvent] = true
		return nil
	})
	return len(visits) >= changes, err
}

// firstVisit is the earliest of the families' next visits.
func firstVisit(families []*family) play.Visit {
	var first play.Visit
	for _, f := range families {
		if f.visit.VisitID != "" && (first.VisitID == "" || f.visit.StartsAt.Before(first.StartsAt)) {
			first = f.visit
		}
	}
	return first
}

// lookUp asks for every family's next visit anew.
func (r *run) lookUp(ctx context.Context, families []*family) error {
	return each(ctx, families, 8, func(ctx context.Context, _ int, f *family) (err error) {
		if !f.closed && f.visit.VisitID != "" {
			f.visit, _, err = r.cast.NextVisit(ctx, f.file.CaseID)
		}
		return err
	})
}

// away has the family with the latest next visit be away on that day, so that none
// begins before its workers have heard.
func (r *run) away(ctx context.Context, families []*family, first play.Visit, s *Scheduling) error {
	var chosen *family
	for _, f := range families {
		visited := !f.closed && f.visit.VisitID != "" && f.visit.VisitID != first.VisitID
		if visited && (chosen == nil || f.visit.StartsAt.After(chosen.visit.StartsAt)) {
			chosen = f
		}
	}
	if chosen == nil {
		return nil
	}
	freed, visits, err := r.cast.Away(ctx, chosen.file.CaseID, chosen.visit.StartsAt)
	if err != nil {
		return err
	}
	s.Stood, s.Freed = len(visits), freed
	for _, v := range visits {
		if v.Status == "scheduled" {
			s.Rearranged++
		} else {
			s.Homeless++
		}
	}
	r.say("a family is away on %s: %d visits freed, %d have another time", chosen.visit.StartsAt.Format("Mon 2 Jan"), s.Freed, s.Rearranged)
	if chosen.visit, _, err = r.cast.NextVisit(ctx, chosen.file.CaseID); err != nil {
		return err
	}
	return nil
}

// urgent finds the last family on the list a visit at once.
func (r *run) urgent(ctx context.Context, families []*family, s *Scheduling) error {
	for i := len(families) - 1; i >= 0; i-- {
		f := families[i]
		if f.closed || f.visit.VisitID == "" {
			continue
		}
		offer, visit, booked, err := r.cast.VisitUrgently(ctx, f.file.CaseID)
		if err != nil {
			return err
		}
		s.Offered = len(offer.Places)
		if booked {
			s.Urgent++
			s.urgent = visit
			r.say("an urgent visit: %d places, taken: %s", s.Offered, offer.Places[0].Words)
		}
		return nil
	}
	return nil
}

// suppose asks what would be if the worker of the first visit were away that day, and
// sees that nothing of it happens.
func (r *run) suppose(ctx context.Context, first play.Visit, now time.Time, s *Scheduling) error {
	worker := first.Workers[0]
	before, err := r.versions(ctx, worker)
	if err != nil {
		return err
	}
	thought, err := r.cast.WhatIf(ctx, worker, now, first.StartsAt.Add(12*time.Hour))
	if err != nil {
		return err
	}
	after, err := r.versions(ctx, worker)
	if err != nil {
		return err
	}
	for id, version := range before {
		if after[id] != version {
			s.Disturbed++
		}
	}
	s.Supposed = thought.Moved + thought.Unplaced
	r.say("what if %s were away today? %d visits would move, %d have no place; nothing is published", worker, thought.Moved, thought.Unplaced)
	return nil
}

// versions are the visits a worker has to come, each with its version.
func (r *run) versions(ctx context.Context, worker string) (map[string]int, error) {
	all := map[string]int{}
	err := play.Each(ctx, r.cast.As("scheduler", "scheduler-1"), "/visits/v1/visits?limit=200&status=scheduled&worker_id="+url.QueryEscape(worker), func(v struct {
		ID      string `json:"visit_id"`
		Version int    `json:"version"`
	},
	) error {
		all[v.ID] = v.Version
		return nil
	})
	return all, err
}

// illness has the worker of the first visit fall ill for the rest of that day.
func (r *run) illness(ctx context.Context, first play.Visit, now time.Time, s *Scheduling) error {
	worker := first.Workers[0]
	until := first.StartsAt.Add(12 * time.Hour)
	had := 0
	err := play.Each(ctx, r.cast.As("scheduler", "scheduler-1"), "/visits/v1/visits?limit=200&status=scheduled&worker_id="+url.QueryEscape(worker), func(v play.Visit) error {
		if v.StartsAt.After(now) && v.StartsAt.Before(until) {
			had++
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("the visits of %s: %w", worker, err)
	}
	cover, err := r.cast.FallIll(ctx, worker, now, until)
	if err != nil {
		return err
	}
	s.SickVisits, s.Covered, s.MadeRoom, s.LeftOpen = had, len(cover.Covered), len(cover.Moved), len(cover.Open)
	r.say("%s falls ill: of %d visits %d are taken over, %d left to the planner; %d of others make room", worker, had, s.Covered, s.LeftOpen, s.MadeRoom)
	return nil
}
