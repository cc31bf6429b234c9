package hearth

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hearthfps/hearth/pkg/app"
	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/telemetry"
	"github.com/hearthfps/hearth/services/assessment"
	"github.com/hearthfps/hearth/services/intake"
	"github.com/hearthfps/hearth/services/notification"
	"github.com/hearthfps/hearth/services/planning"
	resourcedirectory "github.com/hearthfps/hearth/services/resource-directory"
	visitscheduling "github.com/hearthfps/hearth/services/visit-scheduling"
)

// Services are the suite's services, in the order they start.
func Services() []app.Service {
	return []app.Service{
		intake.Service(), assessment.Service(), planning.Service(),
		visitscheduling.Service(), resourcedirectory.Service(), notification.Service(),
	}
}

// Topics are the topics of the suite: each service's own, and the one that
// external systems write to.
func Topics() []string {
	topics := []string{InboundTopic}
	for _, s := range Services() {
		topics = append(topics, events.Topic(s.Name))
	}
	return topics
}

// InboundTopic is where external systems write referral events.
const InboundTopic = "referrals.inbound.v1"

// Options say how the suite runs in one process.
type Options struct {
	// Dev turns the development issuer, the movable clock and the local inbox on.
	Dev bool
	// Data is the folder of everything that survives a restart.
	Data string
	// Listen and Admin are the addresses of the API and of probes and metrics.
	Listen, Admin string
	// DatabaseURL is a PostgreSQL superuser's or database creator's connection;
	// empty starts a server with its data in Data.
	DatabaseURL string
	// Kafka are brokers to bootstrap from; empty runs one in the process.
	Kafka []string
	// RedisURL is a Redis; empty runs a cache in the process.
	RedisURL string
	// Issuers are trusted beside the development issuer.
	Issuers []auth.Issuer
	// OTLP is a collector for traces; empty sends none.
	OTLP string
	// Rules is a folder of rule files instead of those shipped.
	Rules string
	// LogLevel is debug, info, warn or error.
	LogLevel string
	// SMTP is a mail server, host:port, instead of the local inbox.
	SMTP, SMTPFrom string
	// CheckEvent refuses events before they are published. Tests check them against their schemas.
	CheckEvent func(eventType string, data []byte) error
	// RateLimit bounds the requests of one principal; zero bounds nothing.
	RateLimit httpapi.Rate
	// Log takes the log.
	Log io.Writer
	// Telemetry is used instead of one made of OTLP and LogLevel. For tests.
	Telemetry *telemetry.Telemetry
}

func serveCommand(ctx context.Context, args []string, _, errs io.Writer) error {
	fs := flag.NewFlagSet("hearth serve", flag.ContinueOnError)
	fs.SetOutput(errs)
	o := Options{Log: errs}
	fs.BoolVar(&o.Dev, "dev", false, "development: anyone gets any token, the clock can be moved, messages stay here. Never where real people's data is")
	fs.StringVar(&o.Data, "data", "data", "the folder of everything that survives a restart")
	fs.StringVar(&o.Listen, "listen", "127.0.0.1:8080", "address of the API")
	fs.StringVar(&o.Admin, "admin", "127.0.0.1:9090", `address of probes and metrics, or "off"`)
	fs.StringVar(&o.DatabaseURL, "database-url", "", "a PostgreSQL to make the services' databases in; left out, one is started beside this process")
	fs.Func("kafka", "brokers, host:port with commas; left out, one runs in this process", func(v string) error {
		o.Kafka = strings.Split(v, ",")
		return nil
	})
	fs.StringVar(&o.RedisURL, "redis-url", "", "where rate limits are kept; left out, in this process")
	fs.Func("oidc-issuer", "an issuer to trust, URL=agency,agency; may be given several times", func(v string) error {
		url, agencies, ok := strings.Cut(v, "=")
		if !ok {
			return errors.New("want URL=agency,agency")
		}
		o.Issuers = append(o.Issuers, auth.Issuer{URL: url, Agencies: strings.Split(agencies, ",")})
		return nil
	})
	fs.StringVar(&o.SMTP, "smtp", "", "a mail server, host:port; left out with --dev, mail stays in the local inbox at /dev/inbox")
	fs.StringVar(&o.SMTPFrom, "smtp-from", "", "the sender of mail, with --smtp")
	fs.StringVar(&o.OTLP, "otlp", "", "a collector for traces, http://host:port (OTLP/gRPC)")
	fs.StringVar(&o.Rules, "rules", "", "a folder of rule files to use instead of those shipped")
	fs.StringVar(&o.LogLevel, "log-level", "info", "debug, info, warn or error")
	if err := parse(fs, args); err != nil {
		return err
	}
	if !o.Dev && len(o.Issuers) == 0 {
		return &usageError{errors.New("nobody could ask anything: name an --oidc-issuer, or try it with --dev")}
	}
	suite, err := Start(ctx, o)
	if err != nil {
		return err
	}
	return suite.Serve(ctx, func(addr string) {
		fmt.Fprintf(errs, "hearth serves on http://%s (data in %s)\n", addr, o.Data)
	})
}

// Suite is all services, running in one process.
type Suite struct {
	// Clock is the suite's; movable with Options.Dev.
	Clock clock.Clock
	// Databases are superuser connections to the services' databases, by service.
	Databases map[string]string
	// Brokers are the addresses of the broker.
	Brokers []string
	// Handler answers the six APIs and, with Options.Dev, /dev.
	Handler http.Handler
	// Admin answers probes and metrics.
	Admin *app.Admin
	// Issuer is the development issuer; nil without Options.Dev.
	Issuer *auth.DevIssuer

	devClock *devClock
	options  Options
	listener net.Listener
	running  []*app.Running
	failed   chan struct{}
	close    []func() error
}

// Start brings the parts and all services up. The API's address is bound, and
// answers once Serve is called. Nothing is left running when it fails.
func Start(ctx context.Context, o Options) (_ *Suite, err error) {
	s := &Suite{options: o, Databases: map[string]string{}, failed: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.stop(ctx))
		}
	}()
	if err := os.MkdirAll(o.Data, 0o755); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	t := o.Telemetry
	if t == nil {
		if t, err = telemetry.Start(ctx, telemetry.Config{Service: "hearth", OTLP: o.OTLP, LogLevel: o.LogLevel, Out: o.Log}); err != nil {
			return nil, err
		}
		s.close = append(s.close, func() error { return t.Shutdown(context.WithoutCancel(ctx)) })
	}
	if s.listener, err = net.Listen("tcp", o.Listen); err != nil {
		return nil, fmt.Errorf("listen for the API: %w", err)
	}
	s.close = append(s.close, func() error { return ignoreClosed(s.listener.Close()) })
	identity, err := s.identity(o)
	if err != nil {
		return nil, err
	}
	parts, err := s.parts(ctx, o, t.Log)
	if err != nil {
		return nil, err
	}
	if err := s.makeClock(o); err != nil {
		return nil, err
	}
	env := app.Env{
		Clock: s.Clock, Log: t.Log, Metrics: t.Registry, Verifier: identity.verifier,
		CheckEvent: o.CheckEvent, Dev: o.Dev, Data: o.Data,
	}
	base := "http://" + s.listener.Addr().String()
	for _, svc := range Services() {
		c := app.Config{
			DatabaseURL: parts.databases[svc.Name].RuntimeURL, MigrateDatabaseURL: parts.databases[svc.Name].OwnerURL,
			MaxConns: 10, Kafka: parts.kafka, RedisURL: parts.redis, RateLimit: o.RateLimit, Rules: o.Rules,
			Peers: map[string]string{"intake": base},
		}
		if svc.Name == "notification" && o.SMTP != "" {
			if c.Settings, err = smtpSettings(o); err != nil {
				return nil, err
			}
		}
		if err := s.keepConfig(svc.Name, c); err != nil {
			return nil, err
		}
		env.Tokens = identity.minter.Service(svc.Name)
		r, err := app.Start(ctx, svc, c, env)
		if err != nil {
			return nil, err
		}
		s.running = append(s.running, r)
	}
	if s.Handler, err = s.routes(o); err != nil {
		return nil, err
	}
	s.Admin = &app.Admin{Services: s.running, Metrics: t.MetricsHandler()}
	s.watch()
	return s, nil
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// watch closes failed when any service has ended.
func (s *Suite) watch() {
	once := make(chan struct{}, 1)
	once <- struct{}{}
	for _, r := range s.running {
		go func() {
			<-r.Done()
			select {
			case <-once:
				close(s.failed)
			default:
			}
		}()
	}
}

// URL is the scheme and host the API answers at.
func (s *Suite) URL() string { return "http://" + s.listener.Addr().String() }

// Serve answers until ctx ends or a service fails, and then ends everything in
// order. ready is called once it listens.
func (s *Suite) Serve(ctx context.Context, ready func(addr string)) error {
	servers := app.Servers{API: s.Handler, Listener: s.listener, Admin: s.Admin, AdminListen: s.options.Admin}
	err := servers.Serve(ctx, s.failed, ready)
	return errors.Join(err, s.stop(ctx))
}

// stop ends the services, and then the parts they stood on.
func (s *Suite) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	ended := make(chan error, len(s.running))
	for _, r := range s.running {
		go func() { ended <- r.Stop(ctx) }()
	}
	var errs []error
	for range s.running {
		errs = append(errs, <-ended)
	}
	for _, give := range slices.Backward(s.close) {
		errs = append(errs, give())
	}
	s.running, s.close = nil, nil
	return errors.Join(errs...)
}
