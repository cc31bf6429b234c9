package desk_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/pkg/fault"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/rules"
	"github.com/hearthfps/hearth/services/visit-scheduling/desk"
	"github.com/hearthfps/hearth/services/visit-scheduling/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

func anyJob(schedule.Job) error { return nil }

func allMine([]schedule.ProposedChange) error { return nil }

// nextWeek asks for the week after this one, for a second.
func nextWeek() schedule.JobRequest {
	return schedule.JobRequest{First: schedule.WeekOf(day(7)), Weeks: 1, BudgetSeconds: 1, FrozenHours: 24}
}

func (o *office) ask(r schedule.JobRequest) (job schedule.Job) {
	o.t.Helper()
	o.in(func(ctx context.Context, tx *kit.Tx) (err error) {
		job, err = o.AskJob(ctx, tx, r, "scheduler-1")
		return err
	})
	return job
}

// work works one job off.
func (o *office) work(id schedule.JobID) schedule.Job {
	o.t.Helper()
	if worked, err := o.WorkJob(o.ctx, "planner-1"); err != nil || !worked {
		o.t.Fatalf("worked %v, %v", worked, err)
	}
	return o.job(id)
}

func (o *office) job(id schedule.JobID) (job schedule.Job) {
	o.t.Helper()
	o.in(func(ctx context.Context, tx *kit.Tx) (err error) {
		job, err = o.Store.Job(ctx, tx, id, false)
		return err
	})
	return job
}

func (o *office) changes(id schedule.JobID) (all []schedule.ProposedChange) {
	o.t.Helper()
	o.in(func(ctx context.Context, tx *kit.Tx) (err error) {
		all, err = o.Store.Changes(ctx, tx, postgres.ChangePage{Job: id})
		return err
	})
	return all
}

func (o *office) accept(id schedule.JobID) (job schedule.Job, err error) {
	err = o.DB.InTenant(o.ctx, func(ctx context.Context, tx *kit.Tx) (err error) {
		job, err = o.AcceptJob(ctx, tx, id, anyJob, allMine)
		return err
	})
	return job, err
}

// scattered publishes two weeks that could be better: eight families who live in
// two places, visited by two workers who cross the town for each.
func scattered(t testing.TB) *office {
	o := open(t)
	o.points.of = func(household string) (lat, lon float64) {
		if household[len(household)-1]%2 == 0 {
			return 61.0, 25.1
		}
		return 61.0, 26.2
	}
	o.hire("w1", "w2")
	o.Planner = crossing{schedule.Greedy{}}
	for i := range 8 {
		p := plan(fmt.Sprintf("case-%d", i), 1, 1, 1)
		p.Pattern.Weekdays = p.Pattern.Weekdays[1:3]
		o.approve(p)
	}
	o.settle()
	return o
}

// crossing sends the two workers alternately, whichever place it is.
type crossing struct{ schedule.Planner }

func (c crossing) Plan(ctx context.Context, p schedule.Problem) (schedule.Plan, error) {
	for i := range p.Demands {
		if p.Demands[i].Visit[0]%2 == 0 { // as ids have it
			p.Demands[i].Excluded = append(p.Demands[i].Excluded, "w1")
		} else {
			p.Demands[i].Excluded = append(p.Demands[i].Excluded, "w2")
		}
	}
	return c.Planner.Plan(ctx, p)
}

func TestJob_ProposesADifferenceThatIsPublishedWhenAccepted(t *testing.T) {
	o := scattered(t)
	job := o.work(o.ask(nextWeek()).ID)
	p := job.Progress
	if job.Status != schedule.JobProposed || p.WeeksDone != 1 || p.Now.Moved == 0 {
		t.Fatalf("%s %+v", job.Status, p)
	}
	if p.Now.Best.TravelMinutes+10*p.Now.Best.Strangers >= p.Now.Before.TravelMinutes+10*p.Now.Before.Strangers || p.Now.Best.Placed != p.Now.Before.Placed || len(p.Now.Loads) == 0 {
		t.Errorf("proposed %+v", p.Now)
	}
	changes := o.changes(job.ID)
	if len(changes) != p.Now.Moved {
		t.Errorf("%d changes, %d counted", len(changes), p.Now.Moved)
	}
	for _, c := range changes {
		if v := o.visit(c.Visit); !v.Slot.StartsAt.Equal(c.From.StartsAt) {
			t.Errorf("%s is published before anybody accepted: %+v", c.Visit, c)
		}
	}
	told := o.told()["visit.rescheduled"]
	accepted, err := o.accept(job.ID)
	if err != nil || accepted.Status != schedule.JobPublished || accepted.Progress.Published != len(changes) {
		t.Fatalf("%+v, %v", accepted, err)
	}
	for _, c := range changes {
		if v := o.visit(c.Visit); !v.Slot.StartsAt.Equal(c.To.StartsAt) || v.Slot.Workers[0] != c.To.Workers[0] {
			t.Errorf("%s stands at %+v, accepted was %+v", c.Visit, v.Slot, c.To)
		}
	}
	if n := o.told()["visit.rescheduled"] - told; n != len(changes) {
		t.Errorf("%d were told of %d changes", n, len(changes))
	}
	for i := range 8 {
		o.balanced(fmt.Sprintf("case-%d", i))
	}
	if _, err := o.accept(job.ID); !fault.Is(err, "no_proposal") {
		t.Errorf("accepted again: %v", err)
	}
}

func TestJob_TwoPlannersNeverPublishOverEachOther(t *testing.T) {
	o := scattered(t)
	first, second := o.ask(nextWeek()), o.ask(nextWeek())
	a, b := o.work(first.ID), o.work(second.ID)
	if a.Progress.Now.Moved == 0 || b.Progress.Now.Moved == 0 {
		t.Fatalf("nothing to publish: %+v, %+v", a.Progress.Now, b.Progress.Now)
	}
	if _, err := o.accept(a.ID); err != nil {
		t.Fatal(err)
	}
	published := map[schedule.VisitID]schedule.Visit{}
	for _, c := range o.changes(b.ID) {
		published[c.Visit] = o.visit(c.Visit)
	}
	_, err := o.accept(b.ID)
	f, ok := fault.As(err)
	if !ok || f.Code != "proposal_stale" || len(f.Fields) == 0 || f.Fields[0].Code != "changed" {
		t.Fatalf("the second: %v", err)
	}
	for id, v := range published {
		if now := o.visit(id); now.Version != v.Version {
			t.Errorf("%s was changed by a stale proposal", id)
		}
	}
	// Rebased, it starts from what the first published.
	o.in(func(ctx context.Context, tx *kit.Tx) error {
		_, err := o.RebaseJob(ctx, tx, b.ID, anyJob)
		return err
	})
	again := o.work(b.ID)
	if again.Status != schedule.JobProposed || again.Progress.Rebased != 1 || again.Progress.WeeksDone != 1 {
		t.Fatalf("rebased: %+v", again)
	}
	if _, err := o.accept(b.ID); err != nil {
		t.Errorf("rebased and accepted: %v", err)
	}
}

func TestJob_LimitsAreKept(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*schedule.JobRequest)
		want   func(o *office, c schedule.ProposedChange) bool
		most   int
	}{
		"one visit moves":    {func(r *schedule.JobRequest) { one := 1; r.MaxMoved = &one }, func(*office, schedule.ProposedChange) bool { return true }, 1},
		"none moves":         {func(r *schedule.JobRequest) { none := 0; r.MaxMoved = &none }, func(*office, schedule.ProposedChange) bool { return false }, 0},
		"the week is frozen": {func(r *schedule.JobRequest) { r.FrozenHours = 14 * 24 }, func(*office, schedule.ProposedChange) bool { return false }, 0},
		"half of it is frozen": {func(r *schedule.JobRequest) { r.FrozenHours = 9*24 - 6 }, func(_ *office, c schedule.ProposedChange) bool {
			return !c.From.StartsAt.Before(at(9, 0, 0)) && !c.To.StartsAt.Before(at(9, 0, 0))
		}, 8},
		"one worker": {func(r *schedule.JobRequest) { r.Workers = []schedule.WorkerID{"w1"} }, func(_ *office, c schedule.ProposedChange) bool {
			return c.From.Workers[0] == "w1" && c.To.Workers[0] == "w1"
		}, 8},
	} {
		t.Run(name, func(t *testing.T) {
			o := scattered(t)
			r := nextWeek()
			test.change(&r)
			job := o.work(o.ask(r).ID)
			changes := o.changes(job.ID)
			if job.Status != schedule.JobProposed || len(changes) > test.most {
				t.Errorf("%s with %d changes", job.Status, len(changes))
			}
			for _, c := range changes {
				if !test.want(o, c) {
					t.Errorf("%+v → %+v", c.From, c.To)
				}
			}
		})
	}
}

func TestJob_PublishesByItselfWhatTheAgencyLetsIt(t *testing.T) {
	o := scattered(t)
	o.Publishing = desk.Publishing{Limits: schedule.AutomaticLimits{Allowed: true, MostMoved: 0, Frozen: 48 * time.Hour}, Rule: rules.Ref{Name: "publishing", Version: "t"}}
	// A visit without a place, of which nobody told the weekly planner.
	o.in(func(ctx context.Context, tx *kit.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE visit SET status = 'unplaced', starts_at = NULL, ends_at = NULL, workers = '[]', reasons = '["fully_booked"]'
			WHERE week_of = '2026-03-09' AND case_id = 'case-1'`)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM booking b USING visit v WHERE v.visit_id = b.visit_id AND v.starts_at IS NULL`)
		return err
	})
	r := nextWeek()
	r.Automatic = true
	none := 0
	r.MaxMoved = &none
	job := o.work(o.ask(r).ID)
	if job.Status != schedule.JobPublished || job.Progress.Published != 1 || job.Progress.Rule == nil || job.Progress.Rule.Version != "t" {
		t.Fatalf("%s %+v", job.Status, job.Progress)
	}
	// With moves in it, a person decides over those.
	r.MaxMoved = nil
	job = o.work(o.ask(r).ID)
	if job.Status != schedule.JobProposed || job.Progress.Published != 0 || job.Progress.Now.Moved == 0 {
		t.Errorf("%s %+v", job.Status, job.Progress)
	}
}

func TestJob_WhatIsOnlySupposedIsToldAndNeverPublished(t *testing.T) {
	o := scattered(t)
	week := schedule.WeekOf(day(7))
	before := map[schedule.VisitID]schedule.Slot{}
	var theirs, other schedule.Visit
	for i := range 8 {
		for _, v := range o.visits(fmt.Sprintf("case-%d", i)) {
			if v.Week != week || v.Slot == nil {
				continue
			}
			before[v.ID] = *v.Slot
			if v.Slot.Workers[0] == "w1" {
				theirs = v
			} else {
				other = v
			}
		}
	}
	if len(before) != 8 || theirs.ID == "" || other.ID == "" {
		t.Fatalf("%d visits are published", len(before))
	}
	all := schedule.Span{From: at(7, 0, 0), To: at(14, 0, 0)}
	none := 0
	for _, test := range []struct {
		name    string
		suppose []schedule.Supposition
		limit   *int
		check   func(t *testing.T, job schedule.Job, changes map[schedule.VisitID]schedule.ProposedChange)
	}{
		{"a worker away", []schedule.Supposition{{Kind: schedule.SupposeAway, Worker: "w1", Span: &all}}, &none, func(t *testing.T, job schedule.Job, changes map[schedule.VisitID]schedule.ProposedChange) {
			for id, slot := range before {
				c, changed := changes[id]
				had := slot.Workers[0] == "w1"
				if had != changed {
					t.Errorf("%s had by w1: %v, changed: %v", id, had, changed)
				}
				if changed && c.To != nil && (c.To.Workers[0] != "w2" || !c.From.Same(slot)) {
					t.Errorf("from %v to %v", c.From, c.To)
				}
			}
			if p := job.Progress.Now; p.Before.Placed != 8 || p.Best.Placed+p.Best.Unplaced != 8 {
				t.Errorf("figures %+v", p)
			}
		}},
		{"one worker more and two away", []schedule.Supposition{
			{Kind: schedule.SupposeWorker, Worker: "w2"}, {Kind: schedule.SupposeAway, Worker: "w1", Span: &all}, {Kind: schedule.SupposeAway, Worker: "w2", Span: &all},
		}, nil, func(t *testing.T, job schedule.Job, changes map[schedule.VisitID]schedule.ProposedChange) {
			if job.Progress.Now.Best.Placed != 8 {
				t.Errorf("figures %+v", job.Progress.Now)
			}
			used := false
			for _, c := range changes {
				used = used || c.To != nil && c.To.Workers[0] == "w2:what-if:1"
			}
			if !used {
				t.Errorf("the one more has nothing to do: %v", changes)
			}
		}},
		{"a visit more and one less", []schedule.Supposition{{Kind: schedule.SupposeVisit, Visit: theirs.ID}, {Kind: schedule.SupposeLess, Visit: other.ID}}, &none, func(t *testing.T, job schedule.Job, changes map[schedule.VisitID]schedule.ProposedChange) {
			made := changes[theirs.ID+":what-if:1"]
			if made.Kind != schedule.ChangePlaced || made.Case != theirs.Case || len(changes) != 1 {
				t.Errorf("changes %+v", changes)
			}
			if p := job.Progress.Now; p.Before.Placed != 8 || p.Best.Placed != 8 {
				t.Errorf("figures %+v", p)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := nextWeek()
			r.WhatIf, r.MaxMoved = test.suppose, test.limit
			job := o.work(o.ask(r).ID)
			if job.Status != schedule.JobProposed {
				t.Fatalf("%s: %+v", job.Status, job)
			}
			changes := map[schedule.VisitID]schedule.ProposedChange{}
			for _, c := range o.changes(job.ID) {
				changes[c.Visit] = c
			}
			test.check(t, job, changes)
			if _, err := o.accept(job.ID); !fault.Is(err, "what_if") {
				t.Errorf("accepted: %v", err)
			}
			for id, slot := range before {
				if v := o.visit(id); v.Slot == nil || !v.Slot.Same(slot) {
					t.Errorf("%s stands at %+v, it was at %+v", id, v.Slot, slot)
				}
			}
		})
	}
	r := nextWeek()
	r.Automatic, r.WhatIf = true, []schedule.Supposition{{Kind: schedule.SupposeAway, Worker: "nobody"}, {Kind: schedule.SupposeLess}}
	err := o.DB.InTenant(o.ctx, func(ctx context.Context, tx *kit.Tx) error {
		_, err := o.AskJob(ctx, tx, r, "scheduler-1")
		return err
	})
	f, _ := fault.As(err)
	var got []string
	for _, x := range f.Fields {
		got = append(got, x.Pointer)
	}
	if diff := cmp.Diff([]string{"/what_if/0/from", "/what_if/1/visit_id", "/publish", "/what_if/0/worker_id"}, got); diff != "" {
		t.Errorf("named (-want +got):\n%s", diff)
	}
}

func TestJob_SurvivesItsPlannersDeath(t *testing.T) {
	o := scattered(t)
	r := nextWeek()
	r.Weeks = 2
	job := o.ask(r)
	ctx, die := context.WithCancel(o.ctx)
	o.Engine = dying{o.Engine, func(calls int) {
		if calls == 4 { // in the second week
			die()
		}
	}, new(int)}
	if _, err := o.WorkJob(ctx, "planner-1"); err != nil {
		t.Fatal(err)
	}
	half := o.job(job.ID)
	if half.Status != schedule.JobRunning || half.Progress.WeeksDone != 1 {
		t.Fatalf("when its planner died: %s %+v", half.Status, half.Progress)
	}
	if worked, err := o.WorkJob(o.ctx, "planner-2"); err != nil || worked {
		t.Fatalf("taken over at once: %v, %v", worked, err)
	}
	o.clock.Advance(2 * time.Minute)
	if worked, err := o.WorkJob(o.ctx, "planner-2"); err != nil || !worked {
		t.Fatalf("taken over: %v, %v", worked, err)
	}
	done := o.job(job.ID)
	if done.Status != schedule.JobProposed || done.Progress.WeeksDone != 2 || done.Progress.Now.Before.Placed != 16 {
		t.Errorf("%s %+v", done.Status, done.Progress)
	}
}

// dying calls happens before each search.
type dying struct {
	schedule.Engine
	happens func(calls int)
	calls   *int
}

func (d dying) Improve(ctx context.Context, s schedule.Standing, budget time.Duration) (schedule.Plan, error) {
	*d.calls++
	d.happens(*d.calls)
	return d.Engine.Improve(ctx, s, budget)
}

func TestJob_CancelledItProposesWhatItHas(t *testing.T) {
	o := scattered(t)
	queued := o.ask(nextWeek())
	cancel := func(id schedule.JobID) {
		o.in(func(ctx context.Context, tx *kit.Tx) error {
			_, err := o.CancelJob(ctx, tx, id, anyJob)
			return err
		})
	}
	cancel(queued.ID)
	if job := o.job(queued.ID); job.Status != schedule.JobCancelled {
		t.Errorf("before it began: %s", job.Status)
	}
	r := nextWeek()
	r.BudgetSeconds, r.Weeks = 600, 2
	running := o.ask(r)
	o.Engine = dying{o.Engine, func(calls int) {
		if calls == 1 {
			cancel(running.ID)
		}
	}, new(int)}
	short := o.Engine
	o.Engine = hasty{short}
	job := o.work(running.ID)
	if job.Status != schedule.JobProposed || !job.Progress.Stopped || job.Progress.WeeksDone != 1 || len(o.changes(job.ID)) == 0 {
		t.Errorf("while it ran: %s %+v", job.Status, job.Progress)
	}
}

// hasty searches for a tenth of a second, whatever it may.
type hasty struct{ schedule.Engine }

func (h hasty) Improve(ctx context.Context, s schedule.Standing, _ time.Duration) (schedule.Plan, error) {
	return h.Engine.Improve(ctx, s, 100*time.Millisecond)
}

func TestJob_BadRequestsAreNamed(t *testing.T) {
	o := open(t)
	err := o.DB.InTenant(o.ctx, func(ctx context.Context, tx *kit.Tx) error {
		_, err := o.AskJob(ctx, tx, schedule.JobRequest{First: schedule.WeekOf(day(-7)), Weeks: 99, BudgetSeconds: 0, Workers: []schedule.WorkerID{"nobody"}, Teams: []string{"none"}}, "s")
		return err
	})
	f, _ := fault.As(err)
	if f == nil || f.Code != "job_invalid" {
		t.Fatal(err)
	}
	var got []string
	for _, x := range f.Fields {
		got = append(got, x.Pointer)
	}
	if want := "[/first_week /weeks /budget_seconds /workers/0 /teams/0]"; fmt.Sprint(got) != want {
		t.Errorf("faults at %v, want %s", got, want)
	}
}
