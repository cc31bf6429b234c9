package desk

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/services/visit-scheduling/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

const (
	// poll is how often wishes for planning are looked for when nobody signals.
	poll = 2 * time.Second
	// chunk is how many visits are written in one transaction.
	chunk = 200
	// asking is how many households intake is asked about at once.
	asking = 8
)

// Run plans whatever is wished for until ctx ends. Several may run, in one
// process or many: each week is planned by one of them at a time.
func (d *Desk) Run(ctx context.Context) error {
	return d.workOff(ctx, wake, "planning failed", d.PlanNext)
}

// workOff does what waits in each agency, one after the other, whenever it is
// signalled or a while has passed, until ctx ends. next does one thing, for the
// planner of the given id, and says false when none waits.
func (d *Desk) workOff(ctx context.Context, signal, failed string, next func(ctx context.Context, planner string) (worked bool, err error)) error {
	planner := d.NewID()
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	for {
		for _, agency := range d.Agencies() {
			for ctx.Err() == nil {
				worked, err := next(tenant.With(ctx, agency), planner)
				if err != nil && ctx.Err() == nil {
					d.Log.LogAttrs(ctx, slog.LevelError, failed, slog.Any("agency", agency), slog.Any("error", err))
				}
				if err != nil || !worked {
					break
				}
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		case <-d.DB.Signals(signal):
		}
	}
}

// PlanNext plans one week that is wished for, in ctx's agency; false when there
// is none. A week whose planning fails is put off, longer each time.
func (d *Desk) PlanNext(ctx context.Context, planner string) (planned bool, err error) {
	var work postgres.Work
	err = d.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) (err error) {
		work, planned, err = d.Store.ClaimWork(ctx, tx, planner, tx.Now(), tx.Now().Add(d.Settings.Lease))
		return err
	})
	if err != nil || !planned {
		return false, err
	}
	held, release := d.hold(ctx, planner, work)
	later, failed := d.planWeek(held, work.Week)
	if lost := release(); lost {
		return true, nil // another planner took over: it plans the week
	}
	if failed != nil {
		err := d.DB.InTenant(context.WithoutCancel(ctx), func(ctx context.Context, tx *kit.Tx) error {
			delay := min(5*time.Second<<min(work.Failures, 6), 5*time.Minute)
			return d.Store.PutOffWork(ctx, tx, planner, work, tx.Now().Add(delay))
		})
		if err != nil {
			return false, fmt.Errorf("put off week %s: %w", work.Week, err)
		}
		return true, fmt.Errorf("plan week %s: %w", work.Week, failed)
	}
	return true, d.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		if later {
			return d.Store.LookLater(ctx, tx, planner, work)
		}
		return d.Store.FinishWork(ctx, tx, planner, work)
	})
}

// hold renews the claim of a week while it is planned.
func (d *Desk) hold(ctx context.Context, planner string, work postgres.Work) (held context.Context, release func() (lost bool)) {
	return d.holding(ctx, func(ctx context.Context, tx *kit.Tx) (bool, error) {
		return d.Store.HoldWork(ctx, tx, planner, work, tx.Now().Add(d.Settings.Lease))
	})
}

// holding renews a claim while there is work on it, so that a claim may be short
// and a planner that dies is soon followed. Its context ends when the claim is
// lost; release stops it and says whether it was.
func (d *Desk) holding(ctx context.Context, renew func(context.Context, *kit.Tx) (mine bool, err error)) (held context.Context, release func() (lost bool)) {
	held, cancel := context.WithCancel(ctx)
	done, lost := make(chan struct{}), false
	go func() {
		defer close(done)
		ticker := time.NewTicker(d.Settings.Lease / 3)
		defer ticker.Stop()
		for {
			select {
			case <-held.Done():
				return
			case <-ticker.C:
			}
			err := d.DB.InTenant(held, func(ctx context.Context, tx *kit.Tx) error {
				mine, err := renew(ctx, tx)
				lost = err == nil && !mine
				return err
			})
			if err != nil && held.Err() == nil {
				d.Log.LogAttrs(ctx, slog.LevelWarn, "hold planning", slog.Any("error", err))
			}
			if lost {
				cancel()
				return
			}
		}
	}()
	return held, func() bool {
		cancel()
		<-done
		return lost
	}
}

// planWeek reads a week, plans it and writes the plan. later is true when why visits
// have no place is still to be found out, because another week waits for its places.
func (d *Desk) planWeek(ctx context.Context, week schedule.Week) (later bool, err error) {
	var s situation
	err = d.DB.ReadInTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		cal, err := d.Calendar(tx.Agency())
		if err != nil {
			return err
		}
		visits, err := d.Store.UnplacedOf(ctx, tx, week)
		if err != nil || len(visits) == 0 {
			return err
		}
		roster, err := d.Store.Roster(ctx, tx, tx.Now())
		if err != nil {
			return err
		}
		want := weekOf(week, cal, tx.Now().Add(d.Settings.Notice))
		want.visits, want.roster = visits, roster
		s, err = d.situate(ctx, tx, cal, want)
		return err
	})
	if err != nil || len(s.visits) == 0 {
		return false, err
	}
	fetched, err := d.fetchPoints(ctx, s.stale)
	if err != nil {
		return false, err
	}
	s.relocate(fetched)
	if err := d.askRoads(ctx, &s, fetched); err != nil {
		return false, err
	}

	plan, err := sound(ctx, d.Planner, s.problem)
	if err != nil && ctx.Err() == nil && d.Fallback != nil {
		d.Log.LogAttrs(ctx, slog.LevelError, "planner failed, planning with the fallback", slog.Any("error", err))
		plan, err = sound(ctx, d.Fallback, s.problem)
	}
	if err != nil {
		return false, err
	}
	if err := d.writePlaces(ctx, week, s, plan); err != nil {
		return false, err
	}
	return d.tellWhy(ctx, s, plan)
}

// sound is a planner's plan that the checker finds no fault in.
func sound(ctx context.Context, planner schedule.Planner, problem schedule.Problem) (schedule.Plan, error) {
	plan, err := planner.Plan(ctx, problem)
	if err != nil {
		return schedule.Plan{}, err
	}
	if found := problem.Check(plan); found != nil {
		return schedule.Plan{}, fault.New(fault.Internal, "plan_broken", fmt.Sprintf("The planner broke %s and %d more rules.", found[0].Rule, len(found)-1))
	}
	return plan, nil
}

// fetchPoints asks intake where households are and keeps the answers. Who cannot
// be asked about now is planned with what is known, and asked about next time.
func (d *Desk) fetchPoints(ctx context.Context, households []string) (map[string]postgres.TravelPoint, error) {
	fetched := map[string]postgres.TravelPoint{}
	var mu sync.Mutex
	var wait sync.WaitGroup
	gate := make(chan struct{}, asking)
	failures := 0
	for _, household := range households {
		wait.Add(1)
		gate <- struct{}{}
		go func() {
			defer func() { <-gate; wait.Done() }()
			mu.Lock()
			tired := failures >= asking
			mu.Unlock()
			if tired {
				return // intake is away: do not wait for each household in turn
			}
			point, err := d.Points.TravelPoint(ctx, household)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failures++
				d.Log.LogAttrs(ctx, slog.LevelWarn, "no travel point from intake", slog.Any("error", err))
				return
			}
			point.Household, point.FetchedAt = household, d.Clock.Now()
			fetched[household] = point
		}()
	}
	wait.Wait()
	if len(fetched) == 0 {
		return fetched, nil
	}
	return fetched, d.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		var points []postgres.TravelPoint
		for _, household := range slices.Sorted(maps.Keys(fetched)) { // one order of locks
			points = append(points, fetched[household])
		}
		return d.Store.KeepTravelPoints(ctx, tx, points...)
	})
}

// writePlaces stores the places of a plan piece by piece, as far as each piece
// still fits.
func (d *Desk) writePlaces(ctx context.Context, week schedule.Week, s situation, plan schedule.Plan) error {
	// The latest first: a visit that may not be a worker's last finds the one after it.
	slices.SortFunc(plan.Placed, func(a, b schedule.Placement) int { return b.Slot.StartsAt.Compare(a.Slot.StartsAt) })
	for placed := range slices.Chunk(plan.Placed, chunk) {
		err := d.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error { return d.writePlaced(ctx, tx, week, s, placed) })
		if err != nil {
			return err
		}
	}
	return nil
}

// writePlaced books placements, workers locked first. One that does not fit any
// more, because its visit changed or its worker was booked or fell ill meanwhile,
// is left out and its week wished for again.
func (d *Desk) writePlaced(ctx context.Context, tx *kit.Tx, week schedule.Week, s situation, placed []schedule.Placement) error {
	cal, err := d.Calendar(tx.Agency())
	if err != nil {
		return err
	}
	var workers []schedule.WorkerID
	var ids []schedule.VisitID
	for _, p := range placed {
		ids, workers = append(ids, p.Visit), append(workers, p.Slot.Workers...)
	}
	slices.Sort(workers)
	workers = slices.Compact(workers)
	roster, err := d.Store.LockWorkers(ctx, tx, workers, tx.Now())
	if err != nil {
		return err
	}
	current, err := d.Store.LockVisits(ctx, tx, ids)
	if err != nil {
		return err
	}
	var visits []schedule.Visit
	for _, v := range current {
		if v.Status == schedule.Unplaced && v.Version == s.visits[v.ID].Version {
			visits = append(visits, v)
		}
	}
	// Placements come by start, so a piece touches few days: ways and limits go by the day.
	days := schedule.Span{
		From: cal.Today(placed[len(placed)-1].Slot.StartsAt).Start(cal.Zone()),
		To:   cal.Today(placed[0].Slot.StartsAt).AddDays(1).Start(cal.Zone()),
	}
	now, err := d.situate(ctx, tx, cal, wanted{
		weeks: []schedule.Week{week}, span: days, notBefore: tx.Now(), visits: visits, roster: roster, busy: workers,
	})
	if err != nil {
		return err
	}
	fitting := now.problem.Fitting(slices.DeleteFunc(slices.Clone(placed), func(p schedule.Placement) bool {
		_, unchanged := now.visits[p.Visit]
		return !unchanged
	}))
	changed := make([]schedule.Visit, 0, len(fitting))
	all := make([]told, 0, len(fitting))
	for _, p := range fitting {
		v := now.visits[p.Visit]
		event, err := v.Schedule(p.Slot)
		if err != nil {
			return err
		}
		changed, all = append(changed, v), append(all, told{event, v.Case, now.series[v.Series].Trace})
	}
	if err := d.Store.SaveVisits(ctx, tx, changed...); err != nil {
		return err
	}
	if err := publish(ctx, tx, all...); err != nil {
		return err
	}
	if len(fitting) < len(placed) {
		return d.wishForWeeks(ctx, tx, week, week)
	}
	return nil
}
