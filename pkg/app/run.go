package app

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/telemetry"
)

// Main is a service's main function.
func Main(svc Service) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := Run(ctx, svc, os.Args[1:], os.Environ(), os.Stdout)
	switch {
	case err == nil:
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Run does what args say: serve until ctx ends, migrate, probe a service that
// runs elsewhere, or check the configuration. Logs go to out.
func Run(ctx context.Context, svc Service, args, env []string, out io.Writer) error {
	in, err := parseArgs(svc, args, env, out)
	if err != nil {
		return err
	}
	switch in.command {
	case "migrate":
		return migrate(ctx, svc, in.config)
	case "probe":
		return probe(ctx, svc, in, out)
	}
	if err := Check(ctx, svc, in.config); err != nil {
		return fmt.Errorf("%s: the configuration is not good:\n%w", svc.Name, err)
	}
	if in.check {
		_, err := fmt.Fprintln(out, "the configuration is good")
		return err
	}
	return serve(ctx, svc, in.config, out)
}

// serve starts the service and its listeners, waits for the end, and ends in order.
func serve(ctx context.Context, svc Service, c Config, out io.Writer) (err error) {
	t, err := telemetry.Start(ctx, telemetry.Config{Service: svc.Name, OTLP: c.OTLP, TraceRatio: c.TraceRatio, LogLevel: c.LogLevel, Out: out})
	if err != nil {
		return err
	}
	defer func() {
		flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err = errors.Join(err, t.Shutdown(flush))
	}()
	running, err := Start(ctx, svc, c, Env{Clock: clock.System(), Log: t.Log, Metrics: t.Registry})
	if err != nil {
		return err
	}
	admin := &Admin{Services: []*Running{running}, Metrics: t.MetricsHandler()}
	listen := c.Listen
	if listen == "" {
		listen = ":" + strconv.Itoa(svc.Port)
	}
	servers := Servers{API: running.Handler, Listen: listen, Admin: admin, AdminListen: c.Admin, UnreadyFor: time.Duration(c.UnreadyFor)}
	return errors.Join(servers.Serve(ctx, running.Done(), func(addr string) {
		t.Log.Info("serving", "listen", addr)
	}), stopWithin(ctx, c, running))
}

func stopWithin(ctx context.Context, c Config, running *Running) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.StopWithin.or(20*time.Second))
	defer cancel()
	return running.Stop(ctx)
}

// Servers are the two listeners of a process.
type Servers struct {
	API http.Handler
	// Listen is the API's address; Listener, when it is set, listens there already.
	Listen      string
	Listener    net.Listener
	Admin       *Admin
	AdminListen string // empty is ":9090", "off" serves none
	UnreadyFor  time.Duration
}

// Serve answers until ctx ends or failed is closed, then becomes unready, waits,
// and lets running requests end. ready is called once both listen.
func (s Servers) Serve(ctx context.Context, failed <-chan struct{}, ready func(addr string)) error {
	api := s.Listener
	if api == nil {
		var err error
		if api, err = net.Listen("tcp", s.Listen); err != nil {
			return fmt.Errorf("listen for the API: %w", err)
		}
	}
	ended := make(chan error, 2)
	gone := make(chan struct{})
	main := &http.Server{
		Handler: leaving(s.Admin, s.API), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		BaseContext: func(net.Listener) context.Context { return httpapi.WithLeaving(context.WithoutCancel(ctx), gone) },
	}
	main.RegisterOnShutdown(func() { close(gone) })
	go func() { ended <- main.Serve(api) }()
	var admin *http.Server
	if s.AdminListen != "off" {
		address := s.AdminListen
		if address == "" {
			address = ":9090"
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			return errors.Join(fmt.Errorf("listen for probes and metrics: %w", err), main.Close())
		}
		admin = &http.Server{Handler: s.Admin, ReadHeaderTimeout: 10 * time.Second}
		go func() { ended <- admin.Serve(l) }()
	}
	ready(api.Addr().String())

	var failure error
	select {
	case <-ctx.Done():
	case <-failed:
	case failure = <-ended:
	}
	s.Admin.Leave()
	select { // load balancers notice before the listener goes
	case <-time.After(s.UnreadyFor):
	case <-failed:
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	errs := []error{failure, main.Shutdown(end)}
	if admin != nil {
		errs = append(errs, admin.Shutdown(end))
	}
	return errors.Join(errs...)
}

// leaving has every answer close its connection from the time the process is
// unready: a caller that keeps one open moves on with its next request, and has
// none under way when the listener goes.
func leaving(a *Admin, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.leaving.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// BasePath is the path of the service's API, as its OpenAPI file says.
func (s Service) BasePath() string {
	var spec struct {
		Servers []struct {
			URL string `yaml:"url"`
		} `yaml:"servers"`
	}
	if err := yaml.Unmarshal(s.Spec, &spec); err != nil || len(spec.Servers) == 0 {
		return ""
	}
	return spec.Servers[0].URL
}
