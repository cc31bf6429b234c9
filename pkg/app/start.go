package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	specs "github.com/hearthfps/hearth/api-specs"
	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/rules"
	"github.com/hearthfps/hearth/pkg/telemetry"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/pkg/timers"
)

// Env is what a service is started with beside its configuration. A process of
// several services shares one.
type Env struct {
	Clock clock.Clock
	Log   *slog.Logger
	// Metrics takes the service's metrics.
	Metrics prometheus.Registerer
	// Verifier knows the tokens that are taken; nil makes one of Config.Issuers.
	Verifier *auth.Verifier
	// Tokens are what other services are asked with; nil makes them of Config.Client.
	Tokens auth.TokenSource
	// CheckEvent refuses events before they are published; nil checks nothing.
	CheckEvent func(eventType string, data []byte) error
	// Dev and Data are passed on to the service; see Deps.
	Dev  bool
	Data string
}

// Running is a service that has started.
type Running struct {
	Name string
	// Handler answers the service's API.
	Handler http.Handler

	moved  []func()
	log    *slog.Logger
	checks map[string]func(context.Context) error
	stop   context.CancelFunc
	done   chan struct{}
	failed error
	close  []func() error // in reverse order
}

// Start puts a service together and starts it: all but its HTTP listener, which
// the caller has. It fails when a part cannot be reached or is misconfigured;
// nothing is left running then.
func Start(ctx context.Context, svc Service, c Config, env Env) (_ *Running, err error) {
	r := &Running{Name: svc.Name, log: env.Log.With("service", svc.Name), done: make(chan struct{})}
	defer func() {
		if err != nil {
			err = fmt.Errorf("start %s: %w", svc.Name, errors.Join(err, r.release()))
		}
	}()
	counts := &signals{}
	d, verifier, err := r.connect(ctx, svc, c, env, counts)
	if err != nil {
		return nil, err
	}
	parts, err := svc.New(ctx, d)
	if err != nil {
		return nil, err
	}
	if parts.Close != nil {
		r.close = append(r.close, parts.Close)
	}
	if err := counts.register(svc.Name, parts.Signals, d.Rules, d.Metrics); err != nil {
		return nil, err
	}
	census := d.newCensuses(parts.Censuses)
	if err := d.Metrics.Register(census); err != nil && len(parts.Censuses) > 0 {
		return nil, fmt.Errorf("register the censuses of %s: %w", svc.Name, err)
	}
	if r.Handler, err = handler(svc, c, d, parts, verifier); err != nil {
		return nil, err
	}
	engine, err := r.engine(svc, c, d, parts)
	if err != nil {
		return nil, err
	}
	clockwork, err := timers.New(timers.Config{Service: svc.Name, DB: d.DB, Log: d.Log, Handlers: parts.Timers})
	if err != nil {
		return nil, err
	}
	r.moved = []func(){clockwork.Look, census.now}
	r.checks = map[string]func(context.Context) error{"database": d.DB.Ping, "broker": engine.Ready}
	for name, check := range parts.Checks {
		r.checks[name] = check
	}
	health, err := newVitals(svc, d, dependencies(d, engine))
	if err != nil {
		return nil, err
	}
	workers := append([]Worker{
		{"events", engine.Run},
		{"timers", clockwork.Run},
		{"sweeping", func(ctx context.Context) error { return sweep(ctx, d) }},
		{"censuses", census.run},
		{"vitals", health.run},
	}, parts.Workers...)
	r.supervise(workers)
	return r, nil
}

// dependencies are what a service stands on, and how to ask whether it answers. A
// cache that is away makes nothing unready, but somebody should know.
func dependencies(d *Deps, engine *events.Engine) map[string]func(context.Context) error {
	on := map[string]func(context.Context) error{"database": d.DB.Ping, "broker": engine.Reach}
	if d.Redis != nil {
		on["cache"] = func(ctx context.Context) error { return d.Redis.Ping(ctx).Err() }
	}
	return on
}

// connect opens what the service works with.
func (r *Running) connect(ctx context.Context, svc Service, c Config, env Env, counts *signals) (*Deps, *auth.Verifier, error) {
	d := &Deps{
		Service: svc.Name, Clock: env.Clock, Log: r.log, Metrics: env.Metrics,
		Dev: env.Dev, Data: env.Data, settings: c.Settings, homeAgency: c.HomeAgency, peers: map[string]*Peer{},
	}
	verifier, err := env.Verifier, error(nil)
	if verifier == nil {
		if verifier, err = auth.NewVerifier(c.Issuers...); err != nil {
			return nil, nil, err
		}
	}
	if d.Rules, err = loadRules(c.Rules); err != nil {
		return nil, nil, err
	}
	if d.Policy, err = policy.New(env.Clock); err != nil {
		return nil, nil, err
	}
	if err := d.connectPeers(svc, c, env.Tokens); err != nil {
		return nil, nil, err
	}
	if c.RedisURL != "" {
		options, err := redis.ParseURL(c.RedisURL)
		if err != nil {
			return nil, nil, errors.New("redis_url: want redis://host:port")
		}
		d.Redis = redis.NewClient(options)
		r.close = append(r.close, d.Redis.Close)
		if err := telemetry.TraceRedis(d.Redis); err != nil {
			return nil, nil, err
		}
	}
	if c.MigrateDatabaseURL != "" {
		if err := migrate(ctx, svc, c); err != nil {
			return nil, nil, err
		}
	}
	d.DB, err = postgres.Open(ctx, postgres.Config{URL: c.DatabaseURL, MaxConns: c.MaxConns, Clock: env.Clock, CheckEvent: env.CheckEvent, Published: counts.published})
	if err != nil {
		return nil, nil, fmt.Errorf("open the database: %w", err)
	}
	r.close = append(r.close, d.DB.Close)
	if err := env.Metrics.Register(telemetry.Pool(svc.Name, d.DB.Stats)); err != nil {
		return nil, nil, fmt.Errorf("register database metrics: %w", err)
	}
	return d, verifier, nil
}

func loadRules(dir string) (*rules.Bundle, error) {
	files, err := fs.Sub(specs.Rules, "rules")
	if err != nil {
		return nil, err
	}
	if dir != "" {
		files = os.DirFS(dir)
	}
	return rules.LoadBundle(files)
}

func (d *Deps) connectPeers(svc Service, c Config, tokens auth.TokenSource) error {
	if tokens == nil && c.Client.TokenURL != "" {
		own, err := auth.NewServiceTokens(c.Client)
		if err != nil {
			return err
		}
		tokens = own
	}
	for name, address := range c.Peers {
		if !slices.Contains(svc.Peers, name) {
			continue // one file may serve all services
		}
		p, err := newPeer(svc.Name, name, address, tokens)
		if err != nil {
			return err
		}
		d.peers[name] = p
	}
	return nil
}

func handler(svc Service, c Config, d *Deps, parts *Parts, verifier *auth.Verifier) (http.Handler, error) {
	contract, err := svc.Contract()
	if err != nil {
		return nil, err
	}
	var limiter *httpapi.Limiter
	if d.Redis != nil {
		if limiter, err = httpapi.NewLimiter(d.Redis, c.RateLimit, svc.Name, d.Log, d.Metrics); err != nil {
			return nil, err
		}
	}
	api, err := httpapi.New(httpapi.Options{
		Service: svc.Name, Contract: contract, Limiter: limiter, Log: d.Log, Metrics: d.Metrics,
		Authenticate: verifier.Verify,
		Routes: func(r *mux.Router) {
			operationsRoutes(r, svc.OperationsPath(), d)
			if parts.Routes != nil {
				parts.Routes(r)
			}
		},
	})
	if err != nil {
		return nil, err
	}
	return api, nil
}

// engine is the service's end of the backbone.
func (r *Running) engine(svc Service, c Config, d *Deps, parts *Parts) (*events.Engine, error) {
	secured, mechanism, err := c.KafkaSecurity.open()
	if err != nil {
		return nil, err
	}
	return events.New(events.Config{
		Service: svc.Name, DB: d.DB, Brokers: c.Kafka, Log: d.Log, TLS: secured, SASL: mechanism,
		Subscriptions: parts.Subscriptions, Raw: parts.Raw, Lanes: parts.Lanes,
	})
}

// supervise runs the workers until one fails or the service is stopped.
func (r *Running) supervise(workers []Worker) {
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	var (
		running sync.WaitGroup
		mu      sync.Mutex
	)
	for _, w := range workers {
		running.Go(func() {
			err := run(ctx, w, r.log)
			if err == nil && ctx.Err() == nil {
				err = errors.New("it ended before it was told to")
			}
			if err != nil && !errors.Is(err, context.Canceled) {
				mu.Lock()
				r.failed = errors.Join(r.failed, fmt.Errorf("%s: %s: %w", r.Name, w.Name, err))
				mu.Unlock()
			}
			stop()
		})
	}
	go func() {
		running.Wait()
		close(r.done)
	}()
}

// run calls a worker; a panic is an error, with the stack in the log.
func run(ctx context.Context, w Worker, log *slog.Logger) (err error) {
	defer func() {
		if p := recover(); p != nil {
			// The panic's value may hold anything; its type and place say enough.
			log.Error("a worker panicked", "worker", w.Name, "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			err = errors.New("it panicked")
		}
	}()
	return w.Run(ctx)
}

// Done is closed when every worker has ended: after Stop, or because one failed.
func (r *Running) Done() <-chan struct{} { return r.done }

// ClockMoved says that Env.Clock has jumped: what has come due is looked for at
// once. For development.
func (r *Running) ClockMoved() {
	for _, look := range r.moved {
		look()
	}
}

// Ready asks every check and returns those that fail, by name.
func (r *Running) Ready(ctx context.Context) map[string]error {
	select {
	case <-r.done:
		return map[string]error{"workers": errors.New("ended")}
	default:
	}
	failing := map[string]error{}
	for name, check := range r.checks {
		if err := check(ctx); err != nil {
			failing[name] = err
		}
	}
	return failing
}

// Stop ends the workers (fetching stops, lanes drain, offsets are committed, the
// group is left, leases are given back) and gives back what was opened. HTTP must
// have been stopped before. It returns what made the service fail, if anything did.
func (r *Running) Stop(ctx context.Context) error {
	r.stop()
	var late error
	select {
	case <-r.done:
	case <-ctx.Done():
		late = fmt.Errorf("%s: workers did not end in time: %w", r.Name, ctx.Err())
	}
	if late != nil {
		return errors.Join(late, r.release()) // failed is the workers' as long as they run
	}
	return errors.Join(r.failed, r.release())
}

func (r *Running) release() error {
	var errs []error
	for _, give := range slices.Backward(r.close) {
		errs = append(errs, give())
	}
	r.close = nil
	return errors.Join(errs...)
}

// sweepEvery is how often what is kept only for a while is cleared.
const sweepEvery = 10 * time.Minute

// keepKeys is how long an Idempotency-Key is remembered.
const keepKeys = 7 * 24 * time.Hour

// sweep forgets old idempotency keys, agency by agency.
func sweep(ctx context.Context, d *Deps) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for _, agency := range d.Rules.Agencies() {
			err := d.DB.InTenant(tenant.With(ctx, agency.ID), func(ctx context.Context, tx *postgres.Tx) error {
				return httpapi.SweepKeys(ctx, tx, time.Now().Add(-keepKeys))
			})
			if err != nil && ctx.Err() == nil {
				d.Log.WarnContext(ctx, "old idempotency keys stay for now", "error", err)
			}
		}
	}
}
