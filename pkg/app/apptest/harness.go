package apptest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hearthfps/hearth/pkg/app"
	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/telemetry"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/pkg/testkit"
)

// Epoch is when a harness's clock starts: a Monday morning in Helsinki.
var Epoch = time.Date(2026, 3, 2, 7, 0, 0, 0, time.UTC)

// suite are the services whose topics every test broker has.
var suite = []string{"intake", "assessment", "planning", "visit-scheduling", "resource-directory", "notification"}

// waitFor is how long a state is waited for.
const waitFor = 20 * time.Second

// Harness is one service that runs. Make one with Start.
type Harness struct {
	T       testing.TB
	Clock   *clock.Manual
	DB      *postgres.DB // the service's database, as the service's role
	Brokers []string
	// Registry holds the metrics of the service since it last started.
	Registry *prometheus.Registry
	// Contract is the service's OpenAPI file.
	Contract *httpapi.Contract

	service  app.Service
	config   app.Config
	minter   *auth.Minter
	verifier *auth.Verifier
	running  *app.Running
	topics   []string // that the service reads
	logs     *lines
	heard    *heard

	kafka     *kgo.Client
	transport *kafka.Transport
}

// Option changes how the service is started.
type Option func(*options)

type options struct {
	start    time.Time
	settings map[string]any
	peers    map[string]http.Handler
	config   []func(*app.Config)
}

// At starts the clock at t rather than Epoch.
func At(t time.Time) Option { return func(o *options) { o.start = t } }

// Settings are the service's own settings.
func Settings(values map[string]any) Option { return func(o *options) { o.settings = values } }

// Peer has the service ask handler when it asks another service by name.
func Peer(name string, handler http.Handler) Option {
	return func(o *options) { o.peers[name] = handler }
}

// Config changes the configuration before the service starts.
func Config(change func(*app.Config)) Option {
	return func(o *options) { o.config = append(o.config, change) }
}

// Start runs svc until the test ends. It skips the test when no PostgreSQL is
// installed.
func Start(t testing.TB, svc app.Service, with ...Option) *Harness {
	t.Helper()
	o := options{start: Epoch, peers: map[string]http.Handler{}}
	for _, option := range with {
		option(&o)
	}
	telemetry.Record() // so that trace ids are real
	h := &Harness{T: t, Clock: clock.NewManual(o.start), logs: &lines{}, heard: &heard{}, transport: &kafka.Transport{}}
	h.service = h.noting(svc)
	t.Cleanup(h.transport.CloseIdleConnections)
	db, url := testkit.Database(t, svc.Migrations, testkit.WithClock(h.Clock))
	_, redis := testkit.Redis(t)
	var extra []string
	if own := events.Topic(svc.Name); !slices.Contains(suite, svc.Name) {
		extra = append(extra, own)
	}
	h.DB, h.Brokers = db, testkit.Broker(t, extra...)
	var err error
	if h.Contract, err = svc.Contract(); err != nil {
		t.Fatal(err)
	}
	if h.minter, err = auth.NewMinter("https://issuer.test"); err != nil {
		t.Fatal(err)
	}
	if h.verifier, err = auth.NewVerifier(h.minter.Issuer()); err != nil {
		t.Fatal(err)
	}
	h.config = app.Config{DatabaseURL: url, Kafka: h.Brokers, RedisURL: redis, Settings: o.settings, MaxConns: 8, Peers: map[string]string{}}
	for name, handler := range o.peers {
		server := httptest.NewServer(handler)
		t.Cleanup(server.Close)
		h.config.Peers[name] = server.URL
	}
	for _, change := range o.config {
		change(&h.config)
	}
	h.kafka, err = kgo.NewClient(kgo.SeedBrokers(h.Brokers...), kgo.ConsumeTopics(topicsOf(svc.Name)...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	listening := make(chan struct{})
	go func() {
		defer close(listening)
		h.heard.listen(h.kafka)
	}()
	t.Cleanup(func() {
		h.kafka.Close()
		<-listening
	})
	h.start()
	t.Cleanup(h.stop)
	return h
}

func (h *Harness) start() {
	h.T.Helper()
	h.Registry = prometheus.NewRegistry()
	running, err := app.Start(h.T.Context(), h.service, h.config, app.Env{
		Clock: h.Clock, Log: telemetry.NewLog(h.logs, h.service.Name, slog.LevelDebug), Metrics: h.Registry,
		Verifier: h.verifier, Tokens: h.minter.Service(h.service.Name), CheckEvent: testkit.CheckEvent,
	})
	if err != nil {
		h.T.Fatal(err)
	}
	h.running = running
	h.Wait("the service to be ready", func() bool { return len(running.Ready(h.T.Context())) == 0 })
}

func (h *Harness) stop() {
	h.T.Helper()
	if h.running == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), waitFor)
	defer cancel()
	if err := h.running.Stop(ctx); err != nil {
		h.T.Errorf("stop %s: %v", h.service.Name, err)
	}
	h.running = nil
}

// Restart stops the service and starts it again on the same database and broker.
func (h *Harness) Restart() {
	h.T.Helper()
	h.stop()
	h.start()
}

// Handler is the service's API.
func (h *Harness) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.running.Handler.ServeHTTP(w, r) })
}

// Anyone is a client without a token.
func (h *Harness) Anyone() *apitest.Client { return apitest.New(h.T, h.Handler(), h.Contract) }

// As is a client of agency lakeland with one role, and the worker's id; "" for
// who is no worker.
func (h *Harness) As(role, worker string) *apitest.Client {
	h.T.Helper()
	return h.Client(auth.Principal{Agency: Lakeland(h.T), Roles: []string{role}, WorkerID: worker})
}

// Client is a client of any principal. An empty subject is made of its worker or roles.
func (h *Harness) Client(p auth.Principal) *apitest.Client {
	h.T.Helper()
	if p.Subject == "" {
		if p.Subject = p.WorkerID; p.Subject == "" {
			p.Subject = "test:" + strings.Join(p.Roles, "+")
		}
	}
	token, err := h.minter.Mint(p, time.Hour)
	if err != nil {
		h.T.Fatal(err)
	}
	return h.Anyone().As(token)
}

// Lakeland is the agency tests are about; its rules ship with the suite.
func Lakeland(t testing.TB) tenant.AgencyID { return Agency(t, "lakeland") }

// Northshore is another agency, to prove that tenants do not meet.
func Northshore(t testing.TB) tenant.AgencyID { return Agency(t, "northshore") }

// Agency reads an agency's id.
func Agency(t testing.TB, slug string) tenant.AgencyID {
	t.Helper()
	id, err := tenant.Parse(slug)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// InTenant runs fn in a transaction of lakeland, and fails the test when it fails.
func (h *Harness) InTenant(fn func(ctx context.Context, tx *postgres.Tx) error) {
	h.T.Helper()
	if err := h.DB.InTenant(tenant.With(h.T.Context(), Lakeland(h.T)), fn); err != nil {
		h.T.Fatal(err)
	}
}

// Wait waits until ok is true, and fails the test with what was waited for when
// it is not within twenty seconds. It looks every few milliseconds.
func (h *Harness) Wait(what string, ok func() bool) {
	h.T.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(waitFor)
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			h.T.Fatalf("waited in vain for %s\nlast lines of the log:\n%s", what, h.logs.tail(20))
		}
	}
}

// Logs is everything the service has logged.
func (h *Harness) Logs() string { return h.logs.String() }

// Metric is the sum of a metric over all its labels, 0 when there is none yet.
func (h *Harness) Metric(name string) float64 {
	h.T.Helper()
	families, err := h.Registry.Gather()
	if err != nil {
		h.T.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.Metric {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sum
}

// lines keeps the log.
type lines struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

func (l *lines) tail(n int) string {
	all := strings.Split(strings.TrimSpace(l.String()), "\n")
	return strings.Join(all[max(0, len(all)-n):], "\n")
}

func compact(data any) json.RawMessage {
	b, err := json.Marshal(data)
	if err != nil {
		panic(fmt.Sprintf("a test's event data does not marshal: %v", err))
	}
	return b
}
