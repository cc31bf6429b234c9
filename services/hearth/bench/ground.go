package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hearthfps/hearth/pkg/app"
	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/postgres/launch"
	"github.com/hearthfps/hearth/pkg/telemetry"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/services/hearth/embedded"
)

// ground is what all figures are measured on: one PostgreSQL, as durable as the
// suite's own, and a folder.
type ground struct {
	Options
	dir     string
	version string
	pg      *launch.Server
	minter  *auth.Minter
	token   string
	agency  tenant.AgencyID
	sites   int
	sent    int // events generated so far: no two are the same
	intake  *wayIn
	after   []func() error
}

func (g *ground) say(format string, args ...any) {
	fmt.Fprintf(g.Progress, "hearth bench: "+format+"\n", args...)
}

// start brings PostgreSQL up and makes the sender's token.
func (g *ground) start(ctx context.Context) (err error) {
	if g.agency, err = tenant.Parse(g.Agency); err != nil {
		return err
	}
	if g.minter, err = auth.NewMinter("urn:hearth:bench"); err != nil {
		return err
	}
	if g.token, err = g.minter.Mint(auth.Principal{Subject: "bench", Agency: g.agency, Roles: []string{auth.RoleReferrer}}, 12*time.Hour); err != nil {
		return err
	}
	if g.pg, err = launch.Start(ctx, launch.Options{Dir: filepath.Join(g.dir, "postgres")}); err != nil {
		return err
	}
	g.after = append(g.after, g.pg.Close)
	db, err := pgx.Connect(ctx, g.pg.AdminURL("postgres"))
	if err != nil {
		return err
	}
	var durable string
	err = db.QueryRow(ctx, "SELECT current_setting('server_version'), current_setting('fsync') || '/' || current_setting('synchronous_commit')").Scan(&g.version, &durable)
	if err == nil && durable != "on/on" {
		err = fmt.Errorf("PostgreSQL is not durable: fsync and synchronous_commit are %s", durable)
	}
	return errors.Join(err, db.Close(ctx))
}

func (g *ground) close() error {
	var errs []error
	for _, end := range slices.Backward(g.after) {
		errs = append(errs, end())
	}
	g.after = nil
	return errors.Join(errs...)
}

// site is some services that run, with a broker of their own and databases of
// their own on the ground's PostgreSQL.
type site struct {
	ground *ground
	broker *embedded.Broker
	addr   string            // of the API
	admin  map[string]string // superuser's connection strings, by service
	ends   []func() error
}

// open starts services and waits until all have their place in their consumer groups.
func (g *ground) open(ctx context.Context, services []app.Service) (_ *site, err error) {
	g.sites++
	s := &site{ground: g, admin: map[string]string{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	dir := filepath.Join(g.dir, fmt.Sprintf("site-%d", g.sites))
	topics := []string{g.Inbound}
	for _, svc := range g.Services {
		topics = append(topics, events.Topic(svc.Name))
	}
	if s.broker, err = embedded.StartBroker(filepath.Join(dir, "broker"), topics...); err != nil {
		return nil, err
	}
	s.ends = append(s.ends, func() error { s.broker.Close(); return nil })
	cache, err := embedded.StartCache()
	if err != nil {
		return nil, err
	}
	s.ends = append(s.ends, func() error { cache.Close(); return nil })
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	s.ends = append(s.ends, log.Close)
	t, err := telemetry.Start(ctx, telemetry.Config{Service: "hearth", Out: log})
	if err != nil {
		return nil, err
	}
	s.ends = append(s.ends, func() error { return t.Shutdown(context.WithoutCancel(ctx)) })
	verifier, err := auth.NewVerifier(g.minter.Issuer())
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.addr = listener.Addr().String()
	mux := http.NewServeMux()
	server := &http.Server{Handler: mux}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	s.ends = append(s.ends, func() error { // before the services end
		if err := errors.Join(server.Close(), <-served); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	var running []*app.Running
	s.ends = append(s.ends, func() error { return stop(ctx, running) })
	for _, svc := range services {
		name := fmt.Sprintf("bench_%d_%s", g.sites, strings.ReplaceAll(svc.Name, "-", "_"))
		db, err := g.pg.Database(ctx, name)
		if err != nil {
			return nil, err
		}
		s.admin[svc.Name] = g.pg.AdminURL(name)
		r, err := app.Start(ctx, svc, app.Config{
			DatabaseURL: db.RuntimeURL, MigrateDatabaseURL: db.OwnerURL, MaxConns: 10, Kafka: []string{s.broker.Addr}, RedisURL: cache.URL,
			Peers: map[string]string{"intake": "http://" + s.addr},
		}, app.Env{
			Clock: clock.System(), Log: t.Log, Metrics: prometheus.NewRegistry(), Verifier: verifier, Tokens: g.minter.Service(svc.Name), Dev: true, Data: dir,
		})
		if err != nil {
			return nil, err
		}
		running = append(running, r)
		mux.Handle("/"+strings.SplitN(svc.BasePath(), "/", 3)[1]+"/", r.Handler)
	}
	return s, s.await(ctx, func() (bool, error) {
		for _, r := range running {
			if len(r.Ready(ctx)) > 0 {
				return false, nil
			}
		}
		return true, nil
	})
}

func stop(ctx context.Context, running []*app.Running) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	ended := make(chan error, len(running))
	for _, r := range running {
		go func() { ended <- r.Stop(ctx) }()
	}
	var errs []error
	for range running {
		errs = append(errs, <-ended)
	}
	return errors.Join(errs...)
}

func (s *site) close() error {
	var errs []error
	for _, end := range slices.Backward(s.ends) {
		errs = append(errs, end())
	}
	s.ends = nil
	return errors.Join(errs...)
}

// await asks done every few milliseconds until it says yes.
func (s *site) await(ctx context.Context, done func() (bool, error)) error {
	deadline := time.Now().Add(2 * time.Minute)
	for {
		yes, err := done()
		if yes || err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return errors.New("what should have happened within two minutes has not")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// settled waits until all that a service published has been sent.
func (s *site) settled(ctx context.Context, service string) error {
	db, err := pgx.Connect(ctx, s.admin[service])
	if err != nil {
		return err
	}
	defer db.Close(ctx)
	return s.await(ctx, func() (empty bool, err error) {
		err = db.QueryRow(ctx, "SELECT NOT EXISTS (SELECT FROM outbox)").Scan(&empty)
		return empty, err
	})
}

// find is the service with this name.
func (g *ground) find(name string) (app.Service, error) {
	for _, svc := range g.Services {
		if svc.Name == name {
			return svc, nil
		}
	}
	return app.Service{}, fmt.Errorf("there is no service %s to measure", name)
}
