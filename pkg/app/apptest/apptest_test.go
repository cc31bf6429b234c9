package apptest_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/mux"
	"go.uber.org/goleak"

	"github.com/hearthfps/hearth/pkg/app"
	"github.com/hearthfps/hearth/pkg/app/apptest"
	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/timers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// service makes things, which ripen an hour after. A thing that a case is opened
// about is taken from another service's events.
func service(t testing.TB) app.Service {
	t.Helper()
	spec, err := os.ReadFile("testdata/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return app.Service{
		Name: "test", Port: 1, Spec: spec, Migrations: os.DirFS("testdata/migrations"), Peers: []string{"intake"},
		New: func(_ context.Context, d *app.Deps) (*app.Parts, error) {
			settings := struct {
				Ripe string `yaml:"ripe"`
			}{"ripe"}
			if err := d.Settings(&settings); err != nil {
				return nil, err
			}
			s := things{d, settings.Ripe}
			return &app.Parts{
				Routes: s.routes,
				Subscriptions: []events.Subscription{
					{Topics: []string{events.Topic("planning")}, Handlers: policy.CaseAccessHandlers()},
					{Topics: []string{events.Topic("planning")}, Handlers: map[string]events.Handler{
						"org.hearth.planning.case.assigned.v1": func(ctx context.Context, tx *postgres.Tx, e events.Event) error { return s.put(ctx, tx, e.Subject) },
					}},
				},
				Timers: map[string]timers.Handler{"ripen": s.ripen},
			}, nil
		},
	}
}

type things struct {
	*app.Deps
	ripe string
}

func (s things) routes(r *mux.Router) {
	r.HandleFunc("/test/v1/things/{thing_id}", func(w http.ResponseWriter, r *http.Request) {
		err := s.DB.InTenant(r.Context(), func(ctx context.Context, tx *postgres.Tx) error { return s.put(ctx, tx, mux.Vars(r)["thing_id"]) })
		if err != nil {
			httpapi.WriteProblem(w, r, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}).Methods(http.MethodPut)
	r.HandleFunc("/test/v1/things/{thing_id}", func(w http.ResponseWriter, r *http.Request) {
		var state string
		err := s.DB.InTenant(r.Context(), func(ctx context.Context, tx *postgres.Tx) error {
			err := tx.GetContext(ctx, &state, "SELECT state FROM thing WHERE thing_id = $1", mux.Vars(r)["thing_id"])
			if errors.Is(err, sql.ErrNoRows) {
				return fault.New(fault.NotFound, "thing_not_found", "There is no such thing.")
			}
			return err
		})
		if err != nil {
			httpapi.WriteProblem(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"state": %q}`, state)
	}).Methods(http.MethodGet)
}

func (s things) put(ctx context.Context, tx *postgres.Tx, id string) error {
	if _, err := tx.ExecContext(ctx, "INSERT INTO thing (thing_id, state) VALUES ($1, 'green')", id); err != nil {
		return err
	}
	if err := timers.Set(ctx, tx, timers.Draft{Kind: "ripen", ID: id, Subject: id, DueAt: tx.Now().Add(time.Hour)}); err != nil {
		return err
	}
	return events.Publish(ctx, tx, events.Draft{Type: "org.hearth.test.thing.made.v1", Subject: id, Key: id, Version: 1, Data: map[string]string{"thing_id": id}})
}

func (s things) ripen(ctx context.Context, tx *postgres.Tx, t timers.Timer) error {
	if _, err := tx.ExecContext(ctx, "UPDATE thing SET state = $2 WHERE thing_id = $1", t.ID, s.ripe); err != nil {
		return err
	}
	return events.Publish(ctx, tx, events.Draft{Type: "org.hearth.test.thing.ripened.v1", Subject: t.ID, Key: t.ID, Version: 2, Data: map[string]string{"thing_id": t.ID}})
}

func state(h *apptest.Harness, id string) string {
	h.T.Helper()
	var body struct{ State string }
	h.As(auth.RoleFamilyWorker, "worker-1").Get("/test/v1/things/" + id).Want(200).Into(&body)
	return body.State
}

func TestGuarantee1_RequestsEventsAndTimersWorkAsInProduction(t *testing.T) {
	h := apptest.Start(t, service(t), apptest.Settings(map[string]any{"ripe": "red"}))
	worker := h.As(auth.RoleFamilyWorker, "worker-1")
	worker.Put("/test/v1/things/a", nil).Want(204)
	if e := h.WaitEvent("org.hearth.test.thing.made.v1", "a"); e.Agency != apptest.Lakeland(t) || !e.Time.Equal(apptest.Epoch) {
		t.Errorf("got %+v", e)
	}
	// An event of another service.
	h.Tell("org.hearth.planning.case.assigned.v1", "c-1", "c-1", map[string]any{
		"case_id": "c-1", "worker_id": "worker-1", "supervisor_id": "boss-1", "role": "lead", "assigned_by": "boss-1", "assigned_at": h.Clock.Now(),
	})
	h.Settle()
	if got := state(h, "c-1"); got != "green" {
		t.Errorf("got %q", got)
	}
	if got := len(h.WaitEvents("org.hearth.test.thing.made.v1", 2)); got != 2 {
		t.Errorf("got %d events", got)
	}
	// A timer survives a restart and fires by the clock.
	h.Advance(59 * time.Minute)
	h.Restart()
	if got := state(h, "a"); got != "green" {
		t.Errorf("before its time: got %q", got)
	}
	h.Advance(2 * time.Minute)
	h.WaitEvent("org.hearth.test.thing.ripened.v1", "a")
	if got := state(h, "a"); got != "red" {
		t.Errorf("after its time: got %q", got)
	}
	// Another agency sees nothing of it.
	h.Client(auth.Principal{Agency: apptest.Northshore(t), Roles: []string{auth.RoleSupervisor}}).Get("/test/v1/things/a").WantProblem(404, "thing_not_found")
	h.Anyone().Get("/test/v1/things/a").WantProblem(401, "token_missing")
	if h.Metric("hearth_http_request_duration_seconds") == 0 {
		t.Error("no request was counted since the restart")
	}
}

func TestGuarantee2_AParkedEventIsSeenRetriedAndSkipped(t *testing.T) {
	h := apptest.Start(t, service(t))
	assigned := func(id string) map[string]any {
		return map[string]any{"case_id": id, "worker_id": "worker-1", "supervisor_id": "boss-1", "role": "lead", "assigned_by": "boss-1", "assigned_at": h.Clock.Now()}
	}
	h.As(auth.RoleFamilyWorker, "worker-1").Put("/test/v1/things/c-1", nil).Want(204)
	h.Tell("org.hearth.planning.case.assigned.v1", "c-1", "c-1", assigned("c-1")) // c-1 is there already
	h.Tell("org.hearth.planning.case.assigned.v1", "c-2", "c-2", assigned("c-2"))
	h.Settle()
	if got := state(h, "c-2"); got != "green" {
		t.Errorf("the other key waits: %q", got)
	}
	h.As(auth.RoleFamilyWorker, "worker-1").Get("/test/v1/parked-events").WantProblem(403, "not_allowed")
	operator := h.As(auth.RoleOperator, "")
	var page struct {
		Items []struct{ ID, Key string }
	}
	operator.Get("/test/v1/parked-events").Want(200).Into(&page)
	if len(page.Items) != 1 || page.Items[0].Key != "c-1" {
		t.Fatalf("got %+v", page)
	}
	operator.Post("/test/v1/parked-events/"+page.Items[0].ID+":skip", nil).Want(204)
	operator.Get("/test/v1/parked-events").Want(200).Into(&page)
	h.Wait("the parked event to be gone", func() bool {
		var now struct{ Items []json.RawMessage }
		operator.Get("/test/v1/parked-events").Want(200).Into(&now)
		return len(now.Items) == 0
	})
}

func TestGuarantee4_LogsAreKept(t *testing.T) {
	h := apptest.Start(t, service(t), apptest.At(time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)))
	h.As(auth.RoleFamilyWorker, "worker-1").Get("/test/v1/things/nothing").WantProblem(404, "thing_not_found")
	if !strings.Contains(h.Logs(), `"operation":"getThing"`) {
		t.Errorf("got %s", h.Logs())
	}
}

func TestPeer_IsAskedWithATokenOfTheAgency(t *testing.T) {
	asked := make(chan string, 1)
	svc := service(t)
	assemble := svc.New
	svc.New = func(ctx context.Context, d *app.Deps) (*app.Parts, error) {
		parts, err := assemble(ctx, d)
		if err != nil {
			return nil, err
		}
		intake, err := d.Peer("intake")
		if err != nil {
			return nil, err
		}
		parts.Timers["ripen"] = func(ctx context.Context, _ *postgres.Tx, _ timers.Timer) error {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, intake.URL+"/intake/v1/x", nil)
			if err != nil {
				return err
			}
			answer, err := intake.HTTP.Do(r)
			if err != nil {
				return err
			}
			return answer.Body.Close()
		}
		return parts, nil
	}
	h := apptest.Start(t, svc, apptest.Peer("intake", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- r.Header.Get("Authorization")
	})))
	h.As(auth.RoleFamilyWorker, "worker-1").Put("/test/v1/things/a", nil).Want(204)
	h.Advance(time.Hour)
	if got := <-asked; !strings.HasPrefix(got, "Bearer ey") {
		t.Errorf("got %q", got)
	}
}

func TestOperations_EventsThatNameNoAgencyAreForTheHomeAgencyAlone(t *testing.T) {
	h := apptest.Start(t, service(t), apptest.Config(func(c *app.Config) { c.HomeAgency = "lakeland" }))
	const path = "/test/v1/parked-events?unaddressed=true"
	operator := func(id auth.Principal) auth.Principal {
		id.Subject, id.Roles = "op-1", []string{auth.RoleOperator}
		return id
	}
	h.Client(operator(auth.Principal{Agency: apptest.Lakeland(t)})).Get(path).Want(200)
	h.Client(operator(auth.Principal{Agency: apptest.Northshore(t)})).Get(path).WantProblem(403, "not_allowed")
	h.As(auth.RoleSupervisor, "supervisor-1").Get(path).WantProblem(403, "not_allowed")

	nobody := apptest.Start(t, service(t))
	nobody.Client(operator(auth.Principal{Agency: apptest.Lakeland(t)})).Get(path).WantProblem(403, "not_allowed")
}
