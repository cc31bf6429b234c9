package api_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	specs "github.com/hearthfps/hearth/api-specs"
	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
	"github.com/hearthfps/hearth/pkg/policy"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/pkg/testkit"
	visitscheduling "github.com/hearthfps/hearth/services/visit-scheduling"
	"github.com/hearthfps/hearth/services/visit-scheduling/api"
	"github.com/hearthfps/hearth/services/visit-scheduling/desk"
	"github.com/hearthfps/hearth/services/visit-scheduling/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// agency is the API over a database of its own, on Monday 2026-03-02 at 06:00.
type agency struct {
	t      testing.TB
	desk   *desk.Desk
	clock  *clock.Manual
	client *apitest.Client
	http   http.Handler
	pace   *api.Pace
}

// somewhere answers one point for every household; it must never be shown.
type somewhere struct{}

func (somewhere) TravelPoint(context.Context, string) (postgres.TravelPoint, error) {
	lat, lon := 61.12345, 25.54321
	return postgres.TravelPoint{Known: true, Lat: &lat, Lon: &lon, Source: "postal_area"}, nil
}

// authenticate takes tokens "agency/role" and "agency/role/worker".
func authenticate(_ context.Context, token string) (auth.Principal, error) {
	parts := strings.Split(token, "/")
	id, err := tenant.Parse(parts[0])
	if err != nil || len(parts) < 2 {
		return auth.Principal{}, fault.New(fault.Unauthenticated, "token_refused", "This token is not known here.")
	}
	p := auth.Principal{Agency: id, Subject: token, Roles: []string{parts[1]}}
	if len(parts) == 3 {
		p.WorkerID = parts[2]
	}
	return p, nil
}

func start(t testing.TB) *agency {
	t.Helper()
	now := clock.NewManual(time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC))
	db, _ := testkit.Database(t, postgres.Migrations, testkit.WithClock(now))
	zone, err := time.LoadLocation("Europe/Helsinki")
	if err != nil {
		t.Fatal(err)
	}
	cal, err := clock.NewCalendar("test", zone, clock.Spec{WorkingDays: []clock.Weekday{"mon", "tue", "wed", "thu", "fri"}})
	if err != nil {
		t.Fatal(err)
	}
	d := &desk.Desk{
		DB: db, Planner: schedule.Greedy{}, Engine: visitscheduling.Optimiser{Grid: 5}, Points: somewhere{}, Clock: now, Log: slog.New(slog.DiscardHandler),
		Calendar: func(tenant.AgencyID) (*clock.Calendar, error) { return cal, nil },
		NewID:    func() string { return uuid.Must(uuid.NewV7()).String() },
		Settings: desk.Settings{
			Attendance: schedule.Attendance{Early: time.Hour, Late: 12 * time.Hour, Grace: 30 * time.Minute},
			Horizon:    6, Notice: time.Hour, UrgentLead: 15 * time.Minute, Travel: schedule.Estimate(5, 20), PointAge: 24 * time.Hour, Lease: time.Minute,
		},
	}
	engine, err := policy.New(now)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := specs.OpenAPI.ReadFile("openapi/visit-scheduling.yaml")
	if err != nil {
		t.Fatal(err)
	}
	contract, err := httpapi.LoadContract(spec)
	if err != nil {
		t.Fatal(err)
	}
	pace := &api.Pace{}
	server, err := httpapi.New(httpapi.Options{
		Service: "visit-scheduling", Contract: contract, Authenticate: authenticate, Log: slog.New(slog.DiscardHandler),
		Routes: api.Server{Desk: d, Access: api.Access{Engine: engine}, Pace: pace, Feeds: api.NewFeedLimit(now), Followers: api.BoundFollowers(2, 3)}.Routes,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &agency{t: t, desk: d, clock: now, client: apitest.New(t, server, contract), http: server, pace: pace}
}

func (a *agency) as(role string, worker ...string) *apitest.Client {
	return a.in("lakeland", role, worker...)
}

func (a *agency) in(agency, role string, worker ...string) *apitest.Client {
	return a.client.As(strings.Join(append([]string{agency, role}, worker...), "/"))
}

func (a *agency) tx(fn func(ctx context.Context, tx *kit.Tx) error) {
	a.t.Helper()
	id, err := tenant.Parse("lakeland")
	if err != nil {
		a.t.Fatal(err)
	}
	if err := a.desk.DB.InTenant(tenant.With(a.t.Context(), id), fn); err != nil {
		a.t.Fatal(err)
	}
}

// approve gives a case two weeks of visits and plans them. worker is assigned.
func (a *agency) approve(caseID string, times, workers int, worker string) {
	a.t.Helper()
	a.tx(func(ctx context.Context, tx *kit.Tx) error {
		if err := policy.AssignWorker(ctx, tx, caseID, worker, "lead"); err != nil {
			return err
		}
		return a.desk.Approve(ctx, tx, desk.ApprovedPlan{
			PlanID: schedule.PlanID("plan-of-" + caseID), Version: 1, Case: schedule.CaseID(caseID), Household: "house-of-" + caseID,
			StartsOn: clock.NewDate(2026, 3, 2), EndsOn: clock.NewDate(2026, 3, 15),
			Workers: []schedule.WorkerID{schedule.WorkerID(worker)}, Recipients: []string{"person-1"},
			Pattern: schedule.Pattern{
				TimesAWeek: times, Minutes: 60, Workers: workers, Place: schedule.Home, Skills: []string{"parenting"},
				Language: "fi", Earliest: 9 * 60, Latest: 16 * 60, Weekdays: []clock.Weekday{"mon", "tue", "wed", "thu", "fri"},
			},
		}, a.clock.Now(), "")
	})
	id, err := tenant.Parse("lakeland")
	if err != nil {
		a.t.Fatal(err)
	}
	for planned := true; planned; {
		if planned, err = a.desk.PlanNext(tenant.With(a.t.Context(), id), "test"); err != nil {
			a.t.Fatal(err)
		}
	}
}

func body(change ...func(map[string]any)) map[string]any {
	var hours []map[string]any
	for _, day := range []string{"mon", "tue", "wed", "thu", "fri"} {
		hours = append(hours, map[string]any{"weekday": day, "from": "08:00", "to": "17:00"})
	}
	b := map[string]any{
		"skills": []string{"parenting"}, "languages": []string{"fi"}, "weekly_hours": hours,
		"base": map[string]any{"lat": 61.1, "lon": 25.5},
	}
	for _, f := range change {
		f(b)
	}
	return b
}

func (a *agency) hire(workers ...string) {
	a.t.Helper()
	for _, w := range workers {
		a.as("scheduler", "s-1").Put("/visits/v1/workers/"+w, body()).Want(201)
	}
}
