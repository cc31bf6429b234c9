package desk

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/rules"
	"github.com/hearthfps/hearth/services/visit-scheduling/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

const (
	// wakeJobs is the signal that a planning job waits.
	wakeJobs = "planning-jobs"
	// jobFailures is how often a job's planning may fail before the job has.
	jobFailures = 5
	// PlannedAnew is why visits move when a proposal is published.
	PlannedAnew = "planned_anew"
)

// AskJob makes a planning job. Unprocessable (job_invalid) lists what is wrong.
func (d *Desk) AskJob(ctx context.Context, tx *kit.Tx, r schedule.JobRequest, by string) (schedule.Job, error) {
	cal, err := d.Calendar(tx.Agency())
	if err != nil {
		return schedule.Job{}, err
	}
	faults := r.Validate(d.thisWeek(tx, cal))
	if len(r.Workers)+len(r.Teams) > 0 {
		roster, err := d.Store.Roster(ctx, tx, tx.Now())
		if err != nil {
			return schedule.Job{}, err
		}
		for i, id := range r.Workers {
			if !slices.ContainsFunc(roster, func(w schedule.Worker) bool { return w.ID == id }) {
				faults = append(faults, fault.Field{Pointer: fmt.Sprintf("/workers/%d", i), Code: "unknown", Detail: "No worker of this agency has that id."})
			}
		}
		for i, team := range r.Teams {
			if !slices.ContainsFunc(roster, func(w schedule.Worker) bool { return w.Team == team }) {
				faults = append(faults, fault.Field{Pointer: fmt.Sprintf("/teams/%d", i), Code: "unknown", Detail: "No worker of this agency is of that team."})
			}
		}
	}
	for i, x := range r.WhatIf {
		if x.Worker == "" {
			continue
		}
		if _, err := d.Store.Worker(ctx, tx, x.Worker, false); fault.Is(err, "worker_not_found") {
			faults = append(faults, fault.Field{Pointer: fmt.Sprintf("/what_if/%d/worker_id", i), Code: "unknown", Detail: "No worker of this agency has that id."})
		} else if err != nil {
			return schedule.Job{}, err
		}
	}
	if faults != nil {
		return schedule.Job{}, fault.New(fault.Unprocessable, "job_invalid", "The weeks cannot be planned like this.", faults...)
	}
	job := schedule.Job{ID: schedule.JobID(d.NewID()), Status: schedule.JobQueued, Request: r, By: by, AskedAt: tx.Now(), Version: 1}
	tx.AfterCommit(func() { d.DB.Signal(wakeJobs) })
	return job, d.Store.InsertJob(ctx, tx, job)
}

// RunJobs works planning jobs off until ctx ends. Several may run, in one process
// or many: each job is worked on by one of them at a time.
func (d *Desk) RunJobs(ctx context.Context) error {
	return d.workOff(ctx, wakeJobs, "planning job failed", d.WorkJob)
}

// WorkJob works one waiting job of ctx's agency off; false when there is none. The
// weeks that are done survive the worker's death, and another goes on from there.
func (d *Desk) WorkJob(ctx context.Context, planner string) (worked bool, err error) {
	var job schedule.Job
	err = d.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) (err error) {
		job, worked, err = d.Store.ClaimJob(ctx, tx, planner, tx.Now(), tx.Now().Add(d.Settings.Lease))
		return err
	})
	if err != nil || !worked {
		return false, err
	}
	held, release := d.holding(ctx, func(ctx context.Context, tx *kit.Tx) (bool, error) {
		return d.Store.HoldJob(ctx, tx, planner, job.ID, tx.Now().Add(d.Settings.Lease))
	})
	failed := d.search(held, planner, &job)
	if lost := release(); lost {
		return true, nil // another works on it, or nobody is to
	}
	if ctx.Err() != nil {
		return true, nil // the claim ends by itself, and another goes on
	}
	if failed == nil {
		return true, nil
	}
	err = d.DB.InTenant(context.WithoutCancel(ctx), func(ctx context.Context, tx *kit.Tx) error {
		now, mine, err := d.Store.LockClaimed(ctx, tx, planner, job.ID)
		if err != nil || !mine {
			return err
		}
		now.Progress.Failures++
		if now.Progress.Failures >= jobFailures || !fault.Transient(failed) {
			now.Fail(codeOf(failed), tx.Now())
			return d.Store.SaveJob(ctx, tx, now)
		}
		if err := d.Store.SaveJob(ctx, tx, now); err != nil {
			return err
		}
		return d.Store.PutOffJob(ctx, tx, planner, job.ID, tx.Now().Add(time.Second<<now.Progress.Failures))
	})
	if err != nil {
		return false, err
	}
	return true, fmt.Errorf("work on job %s: %w", job.ID, failed)
}

func codeOf(err error) string {
	if f, ok := fault.As(err); ok {
		return f.Code
	}
	return "internal"
}

// search plans the weeks of a job that are not done yet, one after the other, and
// finishes it.
func (d *Desk) search(ctx context.Context, planner string, job *schedule.Job) error {
	r := job.Request
	for job.Progress.WeeksDone < r.Weeks && !job.StopAsk {
		week := r.First.Next(job.Progress.WeeksDone)
		budget := (time.Duration(r.BudgetSeconds)*time.Second - time.Duration(job.Progress.SearchedMillis)*time.Millisecond) /
			time.Duration(r.Weeks-job.Progress.WeeksDone)
		if err := d.searchWeek(ctx, planner, job, week, max(budget, 100*time.Millisecond)); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
	}
	return d.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error { return d.finishJob(ctx, tx, planner, job.ID) })
}

// slices of a week's budget: after each, progress is told and a stop is heeded.
const (
	searchSlices = 8
	sliceMost    = 5 * time.Second
	// idleSlices is how many slices in a row may find nothing better before the
	// week is left as it is.
	idleSlices = 2
)

// searchWeek searches one week and keeps the difference it would make.
func (d *Desk) searchWeek(ctx context.Context, planner string, job *schedule.Job, week schedule.Week, budget time.Duration) error {
	s, standing, best, err := d.jobWeek(ctx, job, week)
	if err != nil {
		return err
	}
	known := standing
	if len(job.Request.WhatIf) > 0 {
		known, standing, best = s.suppose(standing, job.Request.WhatIf)
	}
	tell := func(last bool) error { return d.tellProgress(ctx, planner, job, s, known, standing, best, week, last) }
	limit := len(standing.Plan.Placed)
	if r := job.Request.MaxMoved; r != nil {
		limit = max(*r-job.Progress.Done.Moved, 0)
	}
	slice := min(max(budget/searchSlices, 100*time.Millisecond), sliceMost)
	movable := map[schedule.VisitID]bool{} // all, or those the limit leaves room for
	for _, demand := range standing.Problem.Demands {
		movable[demand.Visit] = limit > 0 || s.visits[demand.Visit].Slot == nil
	}
	for left, idle := budget, 0; left > 0 && idle < idleSlices && len(standing.Problem.Demands) > 0; left -= slice {
		began := time.Now() // of the machine, whatever the agency's clock says
		open, fixed := schedule.Standing{Problem: standing.Problem, Plan: best}.Fixing(movable)
		found, err := d.Engine.Improve(ctx, open, min(slice, left))
		if err != nil {
			return err
		}
		job.Progress.SearchedMillis += time.Since(began).Milliseconds()
		found.Placed = append(found.Placed, fixed...)
		idle++
		if changes := standing.Difference(found); schedule.Moves(changes) > limit {
			// The limit is spent on what was chosen: the rest is searched with everything else in its place.
			found, idle = standing.Made(schedule.Chosen(changes, limit, standing.Problem.Zone)), 0
			for _, p := range standing.Plan.Placed {
				movable[p.Visit] = false
			}
			for _, c := range standing.Difference(found) {
				movable[c.Visit] = true
			}
		}
		if standing.Problem.Check(found) == nil && d.better(standing, found, best) {
			best, idle = found, 0
		}
		if err := tell(false); err != nil {
			return err
		}
		if ctx.Err() != nil || job.StopAsk {
			break
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	for i, u := range best.Unplaced {
		at := slices.IndexFunc(standing.Problem.Demands, func(demand schedule.Demand) bool { return demand.Visit == u.Visit })
		best.Unplaced[i] = standing.Problem.Demands[at].Unplaced()
	}
	best.Unplaced = d.explained(ctx, schedule.Standing{Problem: standing.Problem, Plan: best}, s.visits)
	return tell(true)
}

// suppose makes a week what it would be. known is the schedule that stands, with the
// visits that are made up among those to be placed.
func (s situation) suppose(standing schedule.Standing, all []schedule.Supposition) (known, would schedule.Standing, best schedule.Plan) {
	would, known, like := standing.Supposed(all)
	for made, of := range like {
		v := s.visits[of]
		v.ID, v.Slot, v.Version = made, nil, 0
		s.visits[made] = v
	}
	return known, would, would.Plan
}

// tellProgress stores how far a job is, and with the last of a week what is
// proposed for it. It learns whether the job is to stop.
func (d *Desk) tellProgress(ctx context.Context, planner string, job *schedule.Job, s situation, known, standing schedule.Standing, best schedule.Plan, week schedule.Week, last bool) error {
	p := &job.Progress
	if d.WeightsRule != (rules.Ref{}) {
		p.Weights = &d.WeightsRule
	}
	p.Now = p.Done.With(known, standing, best)
	if last {
		p.Done = p.Now
		p.WeeksDone++
	}
	return d.DB.InTenant(context.WithoutCancel(ctx), func(ctx context.Context, tx *kit.Tx) error {
		now, mine, err := d.Store.LockClaimed(ctx, tx, planner, job.ID)
		if err != nil || !mine {
			return err
		}
		job.StopAsk, p.Stopped = now.StopAsk, now.StopAsk
		now.Progress = *p
		now.Version++
		if last {
			if err := d.Store.KeepChanges(ctx, tx, job.ID, week, proposed(s, week, known.Difference(best))); err != nil {
				return err
			}
		}
		return d.Store.SaveJob(ctx, tx, now)
	})
}

// better says whether a plan is worth showing in the place of another: more visits
// with a place; else what the agency weighs as less. Where the engine cannot weigh,
// less travel and fewer strangers, ten minutes each; else the same with fewer changes.
func (d *Desk) better(standing schedule.Standing, plan, than schedule.Plan) bool {
	found, best := standing.Problem.Figures(plan), standing.Problem.Figures(than)
	if found.Placed != best.Placed {
		return found.Placed > best.Placed
	}
	cost, weighed := d.Engine.Price(schedule.Standing{Problem: standing.Problem, Plan: plan})
	was, known := d.Engine.Price(schedule.Standing{Problem: standing.Problem, Plan: than})
	if weighed && known {
		return cost < was
	}
	const stranger = 10
	a, b := found.TravelMinutes+stranger*found.Strangers, best.TravelMinutes+stranger*best.Strangers
	return a < b || (a == b && len(standing.Difference(plan)) < len(standing.Difference(than)))
}

// proposed are the changes of a week with what publishing them needs.
func proposed(s situation, week schedule.Week, changes []schedule.Change) []schedule.ProposedChange {
	all := make([]schedule.ProposedChange, len(changes))
	for i, c := range changes {
		v := s.visits[c.Visit]
		all[i] = schedule.ProposedChange{Change: c, Case: v.Case, Week: week, Version: v.Version}
	}
	return all
}

// jobWeek reads a week as a job may change it: the visits of its workers, those
// that have a place and begin late enough, and those that have none. start is what
// the job proposed before, as far as it still fits, else what is published.
func (d *Desk) jobWeek(ctx context.Context, job *schedule.Job, week schedule.Week) (s situation, standing schedule.Standing, start schedule.Plan, err error) {
	r := job.Request
	var earlier []schedule.ProposedChange
	err = d.DB.ReadInTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		cal, err := d.Calendar(tx.Agency())
		if err != nil {
			return err
		}
		roster, err := d.Store.Roster(ctx, tx, week.Span(cal.Zone()).From)
		if err != nil {
			return err
		}
		roster = slices.DeleteFunc(roster, func(w schedule.Worker) bool { return !r.Holds(w) })
		scope := map[schedule.WorkerID]bool{}
		for _, w := range roster {
			scope[w.ID] = true
		}
		inScope := func(ids []schedule.WorkerID) bool {
			return !slices.ContainsFunc(ids, func(w schedule.WorkerID) bool { return !scope[w] })
		}
		frozen := tx.Now().Add(max(time.Duration(r.FrozenHours)*time.Hour, d.Settings.Notice))
		want := weekOf(week, cal, tx.Now().Add(d.Settings.Notice))
		want.roster = roster
		standing, err := d.Store.VisitsIn(ctx, tx, want.span)
		if err != nil {
			return err
		}
		for _, v := range standing {
			if inScope(v.Slot.Workers) && !v.Slot.StartsAt.Before(frozen) {
				want.visits = append(want.visits, v)
			}
		}
		open, err := d.Store.UnplacedOf(ctx, tx, week)
		if err != nil {
			return err
		}
		of, err := d.Store.SeriesOf(ctx, tx, open)
		if err != nil {
			return err
		}
		whole := len(r.Workers)+len(r.Teams) == 0
		for _, v := range open {
			assigned := of[v.Series].Workers
			if whole || slices.ContainsFunc(assigned, func(w schedule.WorkerID) bool { return scope[w] }) {
				want.visits = append(want.visits, v)
			}
		}
		if s, err = d.situate(ctx, tx, cal, want); err != nil {
			return err
		}
		for i, demand := range s.problem.Demands {
			if s.visits[demand.Visit].Slot != nil { // what is known moves to late enough times alone
				s.problem.Demands[i].Windows = clipped(demand.Windows, schedule.Span{From: frozen, To: want.span.To})
			}
		}
		earlier, err = d.Store.Changes(ctx, tx, postgres.ChangePage{Job: job.ID, Week: week})
		return err
	})
	if err != nil {
		return s, standing, start, err
	}
	fetched, err := d.fetchPoints(ctx, s.stale)
	if err != nil {
		return s, standing, start, err
	}
	s.relocate(fetched)
	if err := d.askRoads(ctx, &s, fetched); err != nil {
		return s, standing, start, err
	}
	standing = s.standing(week.Span(s.problem.Zone)).Settle()
	standing.Plan = standing.Made(nil)
	return s, standing, rebased(s, standing, earlier), nil
}

// rebased is what a job proposed before, as far as it still fits what stands now.
func rebased(s situation, standing schedule.Standing, earlier []schedule.ProposedChange) schedule.Plan {
	var still []schedule.Change
	movable := map[schedule.VisitID]bool{}
	for _, demand := range standing.Problem.Demands {
		movable[demand.Visit] = true
	}
	for _, c := range earlier {
		if c.To == nil || c.Published || !movable[c.Visit] {
			continue
		}
		if v := s.visits[c.Visit]; v.Version == c.Version {
			still = append(still, c.Change)
		}
	}
	var kept []schedule.Change
	for _, bundle := range schedule.Bundles(still, standing.Problem.Zone) {
		if with := append(slices.Clone(kept), bundle...); standing.Problem.Check(standing.Made(with)) == nil {
			kept = with
		}
	}
	return standing.Made(kept)
}

// finishJob ends a search: what the agency lets a planner publish by itself is
// published if that was asked for, the rest is proposed.
func (d *Desk) finishJob(ctx context.Context, tx *kit.Tx, planner string, id schedule.JobID) error {
	job, mine, err := d.Store.LockClaimed(ctx, tx, planner, id)
	if err != nil || !mine {
		return err
	}
	all, err := d.Store.Changes(ctx, tx, postgres.ChangePage{Job: id})
	if err != nil {
		return err
	}
	changes := slices.DeleteFunc(all, func(c schedule.ProposedChange) bool { return c.To == nil || c.Published })
	published := 0
	if job.Request.Automatic && len(changes) > 0 {
		cal, err := d.Calendar(tx.Agency())
		if err != nil {
			return err
		}
		rule := d.Publishing.Rule
		job.Progress.Rule = &rule
		var plain []schedule.Change
		for _, c := range changes {
			plain = append(plain, c.Change)
		}
		admitted := map[schedule.VisitID]bool{}
		for _, c := range d.Publishing.Limits.Admits(plain, tx.Now(), cal.Zone()) {
			admitted[c.Visit] = true
		}
		mine := slices.DeleteFunc(slices.Clone(changes), func(c schedule.ProposedChange) bool { return !admitted[c.Visit] })
		stale, err := d.publishChanges(ctx, tx, id, mine)
		if err != nil {
			return err
		}
		if stale == nil { // else a person decides over all of it
			published = len(mine)
		}
	}
	job.Finish(len(changes)-published, published, tx.Now())
	return d.Store.SaveJob(ctx, tx, job)
}

// publishChanges gives visits the places a job proposes, all or none.
func (d *Desk) publishChanges(ctx context.Context, tx *kit.Tx, id schedule.JobID, changes []schedule.ProposedChange) ([]Stale, error) {
	if len(changes) == 0 {
		return nil, nil
	}
	cal, err := d.Calendar(tx.Agency())
	if err != nil {
		return nil, err
	}
	var shifts []shift
	var visits []schedule.VisitID
	for _, c := range changes {
		shifts = append(shifts, shift{c.Visit, c.Version, *c.To})
		visits = append(visits, c.Visit)
	}
	_, stale, err := d.shift(ctx, tx, cal, shifts, PlannedAnew)
	if err != nil || stale != nil {
		return stale, err
	}
	return nil, d.Store.MarkPublished(ctx, tx, id, visits)
}

// AllowJob decides whether the asker may change a job.
type AllowJob func(schedule.Job) error

// changeJob locks a job and changes it.
func (d *Desk) changeJob(ctx context.Context, tx *kit.Tx, id schedule.JobID, allow AllowJob, change func(*schedule.Job) error) (schedule.Job, error) {
	job, err := d.Store.Job(ctx, tx, id, true)
	if err != nil {
		return job, err
	}
	if err := allow(job); err != nil {
		return job, err
	}
	if err := change(&job); err != nil {
		return job, err
	}
	return job, d.Store.SaveJob(ctx, tx, job)
}

// CancelJob stops a job; see schedule.Job.Cancel.
func (d *Desk) CancelJob(ctx context.Context, tx *kit.Tx, id schedule.JobID, allow AllowJob) (schedule.Job, error) {
	return d.changeJob(ctx, tx, id, allow, func(j *schedule.Job) error { return j.Cancel(tx.Now()) })
}

// DiscardJob drops a proposal.
func (d *Desk) DiscardJob(ctx context.Context, tx *kit.Tx, id schedule.JobID, allow AllowJob) (schedule.Job, error) {
	return d.changeJob(ctx, tx, id, allow, func(j *schedule.Job) error { return j.Discard(tx.Now()) })
}

// RebaseJob has a proposal worked out again from what is published now.
func (d *Desk) RebaseJob(ctx context.Context, tx *kit.Tx, id schedule.JobID, allow AllowJob) (schedule.Job, error) {
	tx.AfterCommit(func() { d.DB.Signal(wakeJobs) })
	return d.changeJob(ctx, tx, id, allow, func(j *schedule.Job) error { return j.Rebase() })
}

// AcceptJob publishes a proposal, all of it or nothing. mine decides whether the
// asker may schedule every visit it changes. Conflict (proposal_stale) lists what
// has changed since it was worked out: two planners never publish over each other.
func (d *Desk) AcceptJob(ctx context.Context, tx *kit.Tx, id schedule.JobID, allow AllowJob, mine func([]schedule.ProposedChange) error) (schedule.Job, error) {
	return d.changeJob(ctx, tx, id, allow, func(j *schedule.Job) error {
		if err := j.Acceptable(); err != nil {
			return err
		}
		all, err := d.Store.Changes(ctx, tx, postgres.ChangePage{Job: id})
		if err != nil {
			return err
		}
		changes := slices.DeleteFunc(all, func(c schedule.ProposedChange) bool { return c.To == nil || c.Published })
		if err := mine(changes); err != nil {
			return err
		}
		stale, err := d.publishChanges(ctx, tx, id, changes)
		if err != nil {
			return err
		}
		if stale != nil {
			return staleFault("proposal_stale", "The published schedule has changed since this was proposed. Rebase the proposal, or discard it.", stale)
		}
		return j.Accept(len(changes), tx.Now())
	})
}
