package desk_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/pkg/testkit"
	visitscheduling "github.com/hearthfps/hearth/services/visit-scheduling"
	"github.com/hearthfps/hearth/services/visit-scheduling/desk"
	"github.com/hearthfps/hearth/services/visit-scheduling/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// office is a desk over a database of its own, on Monday 2026-03-02 at 06:00.
type office struct {
	t testing.TB
	*desk.Desk
	clock  *clock.Manual
	ctx    context.Context
	points *points
}

type points struct {
	mu    sync.Mutex
	asked []string
	away  bool
	of    func(household string) (lat, lon float64) // nil: all at one place
	// withheld are households that keep their place to themselves.
	withheld map[string]bool
}

func (p *points) TravelPoint(_ context.Context, household string) (postgres.TravelPoint, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, household)
	if p.away {
		return postgres.TravelPoint{}, fault.New(fault.Unavailable, "intake_unavailable", "Away.")
	}
	if p.withheld[household] {
		return postgres.TravelPoint{Source: "withheld"}, nil
	}
	lat, lon := 61.0, 25.66
	if p.of != nil {
		lat, lon = p.of(household)
	}
	return postgres.TravelPoint{Known: true, Lat: &lat, Lon: &lon, Source: "postal_area"}, nil
}

func at(day, hour, minute int) time.Time {
	return time.Date(2026, 3, 2+day, hour, minute, 0, 0, time.UTC)
}

// day is days after Monday the 2nd.
func day(after int) clock.Date { return clock.NewDate(2026, 3, 2).AddDays(after) }

func open(t testing.TB) *office {
	t.Helper()
	now := clock.NewManual(at(0, 6, 0))
	db, _ := testkit.Database(t, postgres.Migrations, testkit.WithClock(now), testkit.WithConns(20))
	agency, err := tenant.Parse("lakeland")
	if err != nil {
		t.Fatal(err)
	}
	cal, err := clock.NewCalendar("test", time.UTC, clock.Spec{WorkingDays: []clock.Weekday{"mon", "tue", "wed", "thu", "fri"}})
	if err != nil {
		t.Fatal(err)
	}
	p := &points{}
	return &office{t: t, clock: now, ctx: tenant.With(t.Context(), agency), points: p, Desk: &desk.Desk{
		DB: db, Planner: schedule.Greedy{}, Engine: visitscheduling.Optimiser{Grid: 5}, Points: p, Clock: now, Log: slog.New(slog.DiscardHandler),
		Calendar: func(tenant.AgencyID) (*clock.Calendar, error) { return cal, nil },
		Agencies: func() []tenant.AgencyID { return []tenant.AgencyID{agency} },
		NewID:    func() string { return uuid.Must(uuid.NewV7()).String() },
		Settings: desk.Settings{
			Attendance: schedule.Attendance{Early: time.Hour, Late: 12 * time.Hour, Grace: 30 * time.Minute},
			Horizon:    3, Notice: time.Hour, UrgentLead: 15 * time.Minute, Travel: schedule.Estimate(5, 20), PointAge: 24 * time.Hour, Lease: time.Minute,
		},
	}}
}

func (o *office) in(fn func(ctx context.Context, tx *kit.Tx) error) {
	o.t.Helper()
	if err := o.DB.InTenant(o.ctx, fn); err != nil {
		o.t.Fatal(err)
	}
}

func anyVersion(int64) error { return nil }

func yes(schedule.Visit) error { return nil }

// hire makes workers known who work from 8 to 16 on weekdays.
func (o *office) hire(ids ...schedule.WorkerID) {
	o.t.Helper()
	for _, id := range ids {
		w := schedule.Worker{ID: id, Skills: []string{"parenting"}, Languages: []string{"fi"}, Base: &schedule.Point{Lat: 60.98, Lon: 25.66}}
		for _, day := range []clock.Weekday{"mon", "tue", "wed", "thu", "fri"} {
			w.Hours = append(w.Hours, schedule.Hours{Weekday: day, From: 8 * 60, To: 16 * 60})
		}
		o.in(func(ctx context.Context, tx *kit.Tx) error {
			_, _, err := o.PutWorker(ctx, tx, w, nil, anyVersion)
			return err
		})
	}
}

// plan is four weeks of visits, from Monday the 2nd.
func plan(caseID string, version int64, times, workers int) desk.ApprovedPlan {
	return desk.ApprovedPlan{
		PlanID: schedule.PlanID("plan-of-" + caseID), Version: version, Case: schedule.CaseID(caseID), Household: "house-of-" + caseID,
		StartsOn: clock.NewDate(2026, 3, 2), EndsOn: clock.NewDate(2026, 3, 29), Recipients: []string{"person-1"},
		Pattern: schedule.Pattern{
			TimesAWeek: times, Minutes: 60, Workers: workers, Place: schedule.Home, Skills: []string{"parenting"},
			Language: "fi", Earliest: 8 * 60, Latest: 16 * 60, Weekdays: []clock.Weekday{"mon", "tue", "wed", "thu", "fri"},
		},
	}
}

func (o *office) approve(p desk.ApprovedPlan) {
	o.t.Helper()
	o.in(func(ctx context.Context, tx *kit.Tx) error { return o.Approve(ctx, tx, p, o.clock.Now(), "") })
}

// settle plans everything that is wished for.
func (o *office) settle() {
	o.t.Helper()
	for range 100 {
		planned, err := o.PlanNext(o.ctx, "planner")
		if err != nil {
			o.t.Fatal(err)
		}
		if !planned {
			return
		}
	}
	o.t.Fatal("planning does not come to an end")
}

// absent adds an absence of a worker.
func (o *office) absent(id schedule.WorkerID, from, to time.Time) (stored schedule.Absence, taken int) {
	o.t.Helper()
	o.in(func(ctx context.Context, tx *kit.Tx) (err error) {
		stored, taken, err = o.AddAbsence(ctx, tx, id, schedule.Absence{Span: schedule.Span{From: from, To: to}, Reason: "sick"})
		return err
	})
	return stored, taken
}

func (o *office) visits(caseID string) (all []schedule.Visit) {
	o.t.Helper()
	o.in(func(ctx context.Context, tx *kit.Tx) (err error) {
		all, err = o.Store.VisitList(ctx, tx, postgres.VisitPage{Case: schedule.CaseID(caseID), Limit: 1000, Seen: "true"})
		return err
	})
	return all
}

func (o *office) visit(id schedule.VisitID) (v schedule.Visit) {
	o.t.Helper()
	o.in(func(ctx context.Context, tx *kit.Tx) (err error) {
		v, err = o.Store.Visit(ctx, tx, id, false)
		return err
	})
	return v
}

// balanced fails unless every series adds up, and returns the case's ledgers added.
func (o *office) balanced(caseID string) (sum schedule.Ledger) {
	o.t.Helper()
	o.in(func(ctx context.Context, tx *kit.Tx) error {
		all, err := o.Store.SeriesList(ctx, tx, postgres.SeriesPage{Case: schedule.CaseID(caseID), Limit: 100, Seen: "true"})
		if err != nil {
			return err
		}
		ledgers, err := o.Store.Ledgers(ctx, tx, all)
		for _, l := range ledgers {
			if !l.Balances() {
				o.t.Errorf("%+v does not add up", l)
			}
			sum.Planned += l.Planned
			sum.Scheduled += l.Scheduled
			sum.Unplaced += l.Unplaced
			sum.Completed += l.Completed
			sum.Attempted += l.Attempted
			sum.Cancelled += l.Cancelled
		}
		return err
	})
	return sum
}

// told counts the events in the outbox by type, without prefix and version.
func (o *office) told() map[string]int {
	o.t.Helper()
	counts := map[string]int{}
	o.in(func(ctx context.Context, tx *kit.Tx) error {
		var types []string
		err := tx.SelectContext(ctx, &types, `SELECT type FROM outbox ORDER BY seq`)
		for _, t := range types {
			counts[t[len(schedule.EventPrefix):len(t)-len(schedule.EventSuffix)]]++
		}
		return err
	})
	return counts
}
