package demo

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/hearthfps/hearth/services/hearth/play"
)

// moment is something that happens at a time.
type moment struct {
	at time.Time
	do func(context.Context) error
}

// visit lets time pass over the first visit of every family: the reminder the
// day before, then arriving and leaving. One worker forgets to check out, and
// does so when the alarm has been raised. The urgent visit is one of them.
func (r *run) visit(ctx context.Context, families []*family, urgent play.Visit) error {
	var moments []moment
	ofFamily := slices.ContainsFunc(families, func(f *family) bool { return f.visit.VisitID == urgent.VisitID })
	if urgent.VisitID != "" && !ofFamily { // else it is their next visit, and comes below
		moments = append(moments,
			moment{urgent.StartsAt, func(ctx context.Context) error { return r.cast.CheckIn(ctx, urgent) }},
			moment{urgent.EndsAt, func(ctx context.Context) error { return r.cast.CheckOut(ctx, urgent) }})
	}
	forgot := false
	placed := 0
	for _, f := range families {
		if f.closed || f.visit.VisitID == "" {
			continue
		}
		placed++
		leave := func(ctx context.Context) error {
			f.visited = true
			return r.cast.CheckOut(ctx, f.visit)
		}
		at := f.visit.EndsAt
		if !forgot {
			forgot = true
			leave = func(ctx context.Context) error {
				if err := r.awaitAlarm(ctx, f.visit); err != nil {
					return err
				}
				f.visited = true
				return r.cast.CheckOut(ctx, f.visit)
			}
			at = at.Add(90 * time.Minute)
		}
		moments = append(moments,
			moment{f.visit.StartsAt, func(ctx context.Context) error { return r.cast.CheckIn(ctx, f.visit) }},
			moment{at, leave})
	}
	if placed == 0 {
		return nil
	}
	slices.SortStableFunc(moments, func(a, b moment) int { return a.at.Compare(b.at) })
	r.say("letting time pass over %d visits", placed)
	for i, m := range moments {
		if err := r.pass(ctx, m.at); err != nil {
			return fmt.Errorf("let time pass until %s: %w", m.at.Format(time.RFC3339), err)
		}
		if err := m.do(ctx); err != nil {
			return err
		}
		if (i+1)%max(2, len(moments)/5) == 0 {
			r.say("  %s: %d of %d check-ins and check-outs", m.at.Format("Mon 2 Jan 15:04"), i+1, len(moments))
		}
	}
	return nil
}

// stride is how far the clock moves at a time: what comes due in between, such
// as a reminder, is done before time goes on.
const stride = 3 * time.Hour

// pass moves the clock to t in strides, and waits after each until what is due is done.
func (r *run) pass(ctx context.Context, t time.Time) error {
	now, err := r.clock.now(ctx)
	if err != nil {
		return err
	}
	for now.Before(t) {
		if now = now.Add(stride); now.After(t) {
			now = t
		}
		if err := r.clock.moveTo(ctx, now); err != nil {
			return err
		}
		if err := until(ctx, func(ctx context.Context) (bool, error) { return r.told(ctx, now) }); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) awaitAlarm(ctx context.Context, v play.Visit) error {
	return until(ctx, func(ctx context.Context) (bool, error) {
		var now struct {
			Missed string `json:"checkout_missed_at"`
		}
		_, err := r.suite.As("scheduler", "scheduler-1").Get(ctx, "/visits/v1/visits/"+v.VisitID, &now)
		return now.Missed != "", err
	})
}

// finish finds each family a resource it needs, closes the cases of those that
// have had a visit and a resource, and waits until everyone has been told.
func (r *run) finish(ctx context.Context, families []*family) error {
	r.say("finding resources and closing cases")
	var mu sync.Mutex
	done := 0
	err := each(ctx, families, 8, func(ctx context.Context, _ int, f *family) error {
		if f.closed {
			return nil
		}
		for _, need := range f.plan.ResourceNeeds {
			found, err := r.cast.FindResource(ctx, f.file, url.QueryEscape(need))
			if err != nil {
				return err
			}
			if found {
				f.resource = true
				break
			}
		}
		if !f.visited || !f.resource {
			return nil
		}
		if err := r.cast.Close(ctx, f.file); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		f.closed = true
		done++
		return nil
	})
	if err != nil {
		return err
	}
	r.say("closed %d of %d cases; waiting until every message is out", done, len(families))
	// Nothing more can be due when the clock stands: what is to be sent now is sent or is withheld.
	now, err := r.clock.now(ctx)
	if err != nil {
		return err
	}
	return until(ctx, func(ctx context.Context) (bool, error) { return r.quiet(ctx, now, families) })
}

// told reports whether every message that is due has been sent, or will not be.
func (r *run) told(ctx context.Context, now time.Time) (bool, error) {
	told := true
	err := play.Each(ctx, r.cast.As("supervisor", r.cast.Supervisors[0]), "/notifications/v1/messages?state=pending&limit=200", func(m struct {
		DueAt time.Time `json:"due_at"`
	},
	) error {
		if !m.DueAt.After(now) {
			told = false
		}
		return nil
	})
	return told, err
}

// quiet reports whether everyone has been told and the series of closed cases have ended.
func (r *run) quiet(ctx context.Context, now time.Time, families []*family) (bool, error) {
	quiet, err := r.told(ctx, now)
	if err != nil || !quiet {
		return false, err
	}
	closed := map[string]bool{}
	for _, f := range families {
		if f.closed {
			closed[f.file.CaseID] = true
		}
	}
	err = play.Each(ctx, r.cast.As("scheduler", "scheduler-1"), "/visits/v1/series?limit=200", func(s struct {
		CaseID string `json:"case_id"`
		Status string `json:"status"`
	},
	) error {
		if closed[s.CaseID] && s.Status != "ended" {
			quiet = false
		}
		return nil
	})
	return quiet, err
}

func until(ctx context.Context, done func(context.Context) (bool, error)) error {
	for {
		ok, err := done(ctx)
		if err != nil || ok {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// timeline returns the longest timeline among the families that were closed.
func (r *run) timeline(ctx context.Context, families []*family) (caseID string, entries []Entry, err error) {
	for _, f := range families {
		if !f.closed {
			continue
		}
		var these []Entry
		_, supervisor := f.file.Lead()
		err := play.Each(ctx, r.cast.As("supervisor", supervisor), "/planning/v1/cases/"+f.file.CaseID+"/timeline?limit=200", func(e Entry) error {
			these = append(these, e)
			return nil
		})
		if err != nil {
			return "", nil, fmt.Errorf("the timeline of case %s: %w", f.file.CaseID, err)
		}
		if len(these) > len(entries) {
			caseID, entries = f.file.CaseID, these
		}
		if len(families) > 50 && caseID != "" {
			break // one of many is as good as another
		}
	}
	slices.SortStableFunc(entries, func(a, b Entry) int { return a.At.Compare(b.At) })
	return caseID, entries, nil
}
