package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/hearthfps/hearth/pkg/app"
	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/telemetry"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/pkg/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const spec = `
openapi: 3.1.0
info: {title: t, version: '1'}
servers: [{url: /test/v1}]
paths:
  /slow:
    get: {operationId: slow, security: SECURITY, responses: {'204': {description: done}}}
`

// service answers GET /test/v1/slow when it is let go.
func service(t testing.TB, slow http.HandlerFunc, workers ...app.Worker) app.Service {
	t.Helper()
	return app.Service{
		Name: "test", Port: 1, Spec: []byte(strings.Replace(spec, "SECURITY", "[]", 1)), Migrations: os.DirFS("apptest/testdata/migrations"),
		New: func(context.Context, *app.Deps) (*app.Parts, error) {
			return &app.Parts{
				Routes:        func(r *mux.Router) { r.HandleFunc("/test/v1/slow", slow).Methods(http.MethodGet) },
				Subscriptions: []events.Subscription{{Topics: []string{events.Topic("planning")}, Handlers: policy.CaseAccessHandlers()}},
				Workers:       workers,
				Checks:        map[string]func(context.Context) error{"own": func(context.Context) error { return nil }},
			}, nil
		},
	}
}

func done(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

// console keeps what a process writes.
type console struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all.Write(p)
}

func (c *console) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all.String()
}

// line waits for a line of the log that says msg, and returns it.
func (c *console) line(t testing.TB, msg string) map[string]any {
	t.Helper()
	tick, late := time.NewTicker(5*time.Millisecond), time.After(20*time.Second)
	defer tick.Stop()
	for {
		for text := range strings.Lines(c.String()) {
			var line map[string]any
			if json.Unmarshal([]byte(text), &line) == nil && line["msg"] == msg {
				return line
			}
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("nobody logged %q:\n%s", msg, c)
		}
	}
}

func minter(t testing.TB) *auth.Minter {
	t.Helper()
	m, err := auth.NewMinter("https://issuer.test")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func start(t testing.TB, svc app.Service, out io.Writer) *app.Running {
	t.Helper()
	verifier, err := auth.NewVerifier(minter(t).Issuer())
	if err != nil {
		t.Fatal(err)
	}
	running, err := app.Start(t.Context(), svc, app.Config{
		DatabaseURL: testkit.DatabaseURL(t, svc.Migrations), Kafka: testkit.Broker(t), MaxConns: 4,
	}, app.Env{Clock: clock.System(), Log: telemetry.NewLog(out, "test", slog.LevelDebug), Metrics: prometheus.NewRegistry(), Verifier: verifier})
	if err != nil {
		t.Fatal(err)
	}
	return running
}

func stop(t testing.TB, r *app.Running) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return r.Stop(ctx)
}

func ask(t testing.TB, h http.Handler, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

func TestGuarantee2_ProbesSayWhatIsReady(t *testing.T) {
	running := start(t, service(t, done), io.Discard)
	admin := &app.Admin{Services: []*app.Running{running}, Metrics: telemetry.MetricsHandler(prometheus.NewRegistry())}
	if code, _ := ask(t, admin, "/livez"); code != 200 {
		t.Errorf("livez: got %d", code)
	}
	late := time.After(20 * time.Second)
	for {
		if code, _ := ask(t, admin, "/readyz"); code == 200 {
			break
		}
		select {
		case <-late:
			_, body := ask(t, admin, "/readyz?verbose")
			t.Fatalf("never ready:\n%s", body)
		case <-time.After(5 * time.Millisecond):
		}
	}
	_, body := ask(t, admin, "/readyz?verbose")
	for _, want := range []string{"[+] test database", "[+] test broker", "[+] test own"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in\n%s", want, body)
		}
	}
	if code, _ := ask(t, admin, "/metrics"); code != 200 {
		t.Errorf("metrics: got %d", code)
	}
	if code, _ := ask(t, admin, "/else"); code != 404 {
		t.Errorf("else: got %d", code)
	}
	admin.Leave()
	if code, body := ask(t, admin, "/readyz"); code != 503 || !strings.Contains(body, "leaving") {
		t.Errorf("leaving: got %d %s", code, body)
	}
	if err := stop(t, running); err != nil {
		t.Error(err)
	}
	if code, _ := ask(t, admin, "/readyz"); code != 503 {
		t.Errorf("stopped: got %d", code)
	}
}

func TestGuarantee3_TheEndHasAnOrder(t *testing.T) {
	var mu sync.Mutex
	var order []string
	note := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, what)
	}
	asked, release := make(chan struct{}), make(chan struct{})
	slow := func(w http.ResponseWriter, _ *http.Request) {
		close(asked)
		<-release
		note("request ended")
		w.WriteHeader(http.StatusNoContent)
	}
	running := start(t, service(t, slow, app.Worker{Name: "own", Run: func(ctx context.Context) error {
		<-ctx.Done()
		note("worker ended")
		return nil
	}}), io.Discard)
	admin := &app.Admin{Services: []*app.Running{running}, Metrics: http.NotFoundHandler()}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served, answered := make(chan error, 1), make(chan int, 1)
	ready := make(chan struct{})
	go func() {
		served <- app.Servers{API: running.Handler, Listener: listener, Admin: admin, AdminListen: "off"}.
			Serve(ctx, running.Done(), func(string) { close(ready) })
	}()
	<-ready
	go func() {
		r, err := http.NewRequest(http.MethodGet, "http://"+listener.Addr().String()+"/test/v1/slow", nil)
		if err != nil {
			answered <- 0
			return
		}
		r.Close = true
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			answered <- 0
			return
		}
		_ = res.Body.Close()
		answered <- res.StatusCode
	}()
	select {
	case <-asked:
	case code := <-answered:
		t.Fatalf("got %d at once", code)
	}
	cancel()
	// Unready at once, while the request that runs is still waited for.
	for code := 200; code != 503; code, _ = ask(t, admin, "/readyz") {
		select {
		case err := <-served:
			t.Fatalf("stopped serving before the request ended: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	close(release)
	if err := <-served; err != nil {
		t.Error(err)
	}
	if code := <-answered; code != http.StatusNoContent {
		t.Errorf("the running request got %d", code)
	}
	if err := stop(t, running); err != nil {
		t.Error(err)
	}
	if got := strings.Join(order, ", "); got != "request ended, worker ended" {
		t.Errorf("got %s", got)
	}
}

func TestGuarantee3_CallersThatKeepAConnectionMoveOn(t *testing.T) {
	quick := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }
	running := start(t, service(t, quick), io.Discard)
	admin := &app.Admin{Services: []*app.Running{running}, Metrics: http.NotFoundHandler()}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served, ready := make(chan error, 1), make(chan struct{})
	over := make(chan struct{}) // ends the time of being unready
	go func() {
		served <- app.Servers{API: running.Handler, Listener: listener, Admin: admin, AdminListen: "off", UnreadyFor: time.Hour}.
			Serve(ctx, over, func(string) { close(ready) })
	}()
	<-ready
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	closes := func() bool {
		t.Helper()
		res, err := (&http.Client{Transport: transport}).Get("http://" + listener.Addr().String() + "/test/v1/slow")
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil {
			t.Error(err)
		}
		return res.Close
	}
	if closes() {
		t.Error("an answer closes its connection while the service is ready")
	}
	cancel()
	for code := 200; code != 503; code, _ = ask(t, admin, "/readyz") {
		select {
		case err := <-served:
			t.Fatalf("stopped serving at once: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	if !closes() {
		t.Error("an answer keeps its connection open while the service is leaving")
	}
	close(over)
	if err := <-served; err != nil {
		t.Error(err)
	}
	if err := stop(t, running); err != nil {
		t.Error(err)
	}
}

func TestGuarantee4_AWorkerThatFailsEndsTheService(t *testing.T) {
	const canary = "Canary-Name"
	for name, worker := range map[string]func(context.Context) error{
		"fails":  func(context.Context) error { return errors.New("the planner is stuck") },
		"panics": func(context.Context) error { panic(canary) },
		"leaves": func(context.Context) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			var out console
			other := make(chan struct{})
			running := start(t, service(t, done,
				app.Worker{Name: "planner", Run: worker},
				app.Worker{Name: "other", Run: func(ctx context.Context) error { <-ctx.Done(); close(other); return nil }},
			), &out)
			<-running.Done()
			<-other
			if failing := running.Ready(t.Context()); failing["workers"] == nil {
				t.Error("it still says that it is ready")
			}
			err := stop(t, running)
			if err == nil || !strings.Contains(err.Error(), "test: planner") {
				t.Errorf("got %v", err)
			}
			if strings.Contains(out.String()+err.Error(), canary) {
				t.Errorf("what it panicked with is shown: %v\n%s", err, out.String())
			}
			if name == "panics" && !strings.Contains(out.String(), "app_test.go") {
				t.Errorf("no stack in the log:\n%s", out.String())
			}
		})
	}
}

func TestRun_MigratesServesAndEnds(t *testing.T) {
	svc := service(t, done)
	svc.Spec = []byte(strings.Replace(spec, "SECURITY", "[{bearer: []}]", 1))
	url := testkit.DatabaseURL(t, nil) // the service's own tables are not there yet
	var issuer *auth.DevIssuer
	idp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { issuer.ServeHTTP(w, r) }))
	defer idp.Close()
	defer http.DefaultClient.CloseIdleConnections()
	var err error
	if issuer, err = auth.NewDevIssuer(true, idp.URL, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	config := write(t, "issuers: [{url: '"+idp.URL+"', agencies: [lakeland], roles: [family_worker]}]\nkafka: ["+strings.Join(testkit.Broker(t), ", ")+"]\nadmin: \"off\"\n")
	env := []string{"HEARTH_DATABASE_URL=" + url, "HEARTH_MIGRATE_DATABASE_URL=" + testkit.OwnerURL(url)}
	var out console
	for range 2 { // the second time there is nothing to do
		if err := app.Run(t.Context(), svc, []string{"migrate", "--config", config}, env, &out); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- app.Run(ctx, svc, []string{"--config", config, "--listen", "127.0.0.1:0", "--log-level", "debug"}, env[:1], &out)
	}()
	address, _ := out.line(t, "serving")["listen"].(string)
	lakeland, err := tenant.Parse("lakeland")
	if err != nil {
		t.Fatal(err)
	}
	token, err := issuer.Mint(auth.Principal{Subject: "s", Agency: lakeland, Roles: []string{auth.RoleFamilyWorker}}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for bearer, want := range map[string]int{"": 401, token: 204} {
		r, err := http.NewRequest(http.MethodGet, "http://"+address+"/test/v1/slow", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Close = true
		if bearer != "" {
			r.Header.Set("Authorization", "Bearer "+bearer)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("got %d, want %d", res.StatusCode, want)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("got %v\n%s", err, out.String())
	}
}

func TestStart_LeavesNothingBehindWhenItFails(t *testing.T) {
	svc := service(t, done)
	svc.New = func(context.Context, *app.Deps) (*app.Parts, error) { return nil, errors.New("no planner") }
	verifier, err := auth.NewVerifier(minter(t).Issuer())
	if err != nil {
		t.Fatal(err)
	}
	_, redis := testkit.Redis(t)
	_, err = app.Start(t.Context(), svc, app.Config{DatabaseURL: testkit.DatabaseURL(t, svc.Migrations), Kafka: []string{"127.0.0.1:1"}, RedisURL: redis},
		app.Env{Clock: clock.System(), Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Metrics: prometheus.NewRegistry(), Verifier: verifier})
	if err == nil || !strings.Contains(err.Error(), "start test: no planner") {
		t.Errorf("got %v", err)
	}
}

func write(t *testing.T, content string) string {
	t.Helper()
	path := t.TempDir() + "/config.yaml"
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
