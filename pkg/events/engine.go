package events

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"

	"github.com/hearthfps/hearth/pkg/postgres"
)

// Handler takes one event in. ctx has its tenant and its span; tx holds the
// event's inbox row already, so what goes through tx happens exactly once. An
// error rolls all of it back: one that is fault.Transient is tried again, any
// other parks the event and those of its key behind it.
type Handler func(ctx context.Context, tx *postgres.Tx, e Event) error

// Subscription says which events a service takes in. Types without a handler
// are skipped, unless Fallback is set. Several subscriptions may name the same
// type: all their handlers run, in one transaction.
type Subscription struct {
	Topics   []string
	Handlers map[string]Handler
	Fallback Handler
}

// RawHandler takes one message of a topic that is not the suite's own, at least
// once, in order by key. Errors are treated as a Handler's are.
type RawHandler func(ctx context.Context, m Message) error

// RawSubscription is a topic read without the suite's envelope.
type RawSubscription struct {
	Topic   string
	Handler RawHandler
}

// Config is what an Engine is made of. Service, DB, Brokers and Log are required;
// the rest has defaults that suit production.
type Config struct {
	// Service names the consumer group and the metrics.
	Service string
	DB      *postgres.DB
	// Brokers are addresses to bootstrap from, host:port.
	Brokers       []string
	Subscriptions []Subscription
	Raw           []RawSubscription
	Log           *slog.Logger

	// TLS and SASL secure connections to the brokers; nil for neither.
	TLS  *tls.Config
	SASL sasl.Mechanism

	// Lanes is how many keys are handled at once. 0 is 8.
	Lanes int
	// RetryFor is how long a key's transient failures hold its lane before it
	// is parked. 0 is 5 seconds.
	RetryFor time.Duration
	// DrainWithin bounds how long running handlers may take to end when the
	// engine stops or a partition goes to another consumer. 0 is 5 seconds.
	DrainWithin time.Duration
	// HeartbeatEvery and SessionTimeout are the group's. 0 is 1 and 6 seconds: a
	// killed process holds its partitions, and its group's next assignment, so long.
	HeartbeatEvery, SessionTimeout time.Duration
	// PollEvery is how often the outbox is looked at for rows of other
	// processes. 0 is 50 ms.
	PollEvery time.Duration
	// LeaseFor is how long a relay's lease outlives its holder. 0 is 3 seconds.
	LeaseFor time.Duration
	// KeepInbox is how long handled events are remembered: longer than topics
	// keep messages. 0 is 30 days.
	KeepInbox time.Duration
}

func (c *Config) defaults() error {
	var errs []error
	if c.Service == "" || c.DB == nil || len(c.Brokers) == 0 || c.Log == nil {
		errs = append(errs, errors.New("an event engine needs Service, DB, Brokers and Log"))
	}
	setInt := func(v *int, to int) {
		if *v <= 0 {
			*v = to
		}
	}
	set := func(v *time.Duration, to time.Duration) {
		if *v <= 0 {
			*v = to
		}
	}
	setInt(&c.Lanes, 8)
	set(&c.RetryFor, 5*time.Second)
	set(&c.DrainWithin, 5*time.Second)
	set(&c.HeartbeatEvery, time.Second)
	set(&c.SessionTimeout, 6*time.Second)
	set(&c.PollEvery, 50*time.Millisecond)
	set(&c.LeaseFor, 3*time.Second)
	set(&c.KeepInbox, 30*24*time.Hour)
	if c.DrainWithin >= c.SessionTimeout || c.HeartbeatEvery*2 > c.SessionTimeout {
		errs = append(errs, errors.New("an event engine's SessionTimeout must be longer than DrainWithin and than two heartbeats"))
	}
	return errors.Join(errs...)
}

// Engine is a service's end of the backbone: it relays what the service
// publishes and takes in what it subscribed to.
type Engine struct {
	config  Config
	holder  string // this process among the holders of leases
	log     *slog.Logger
	broker  *broker
	routes  routes
	metrics *metrics
	joined  atomic.Bool
	// rawParked says that some message of a raw topic may be parked; it is set
	// under rawMu, which those that park share.
	rawParked atomic.Bool
	rawMu     sync.RWMutex
}

// New checks a configuration and makes an Engine of it. Nothing runs before Run.
func New(config Config) (*Engine, error) {
	if err := config.defaults(); err != nil {
		return nil, err
	}
	routes, err := newRoutes(config.Subscriptions, config.Raw)
	if err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("draw engine id: %w", err)
	}
	return &Engine{
		config: config, holder: id.String(), routes: routes,
		log: config.Log.With("component", "events"),
	}, nil
}

// Run relays and consumes until ctx ends, then stops in order (guarantee 11). It
// returns an error only when it could not start, or could not stop in order;
// brokers and databases that come and go are waited for.
func (e *Engine) Run(ctx context.Context) (err error) {
	e.broker = newBroker(e.config)
	defer e.broker.close()
	if e.metrics, err = newMetrics(e.config.Service, len(e.routes.topics) > 0); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.metrics.close()) }()

	// Each part stops by ctx; what it has begun it ends by its own deadlines.
	var parts sync.WaitGroup
	errs := make(chan error, 3)
	start := func(run func(context.Context) error) {
		parts.Go(func() { errs <- run(ctx) })
	}
	start(e.relay)
	start(e.tend)
	if len(e.routes.topics) > 0 {
		start(e.consume)
	} else {
		e.joined.Store(true)
	}
	parts.Wait()
	close(errs)
	for part := range errs {
		err = errors.Join(err, part)
	}
	return err
}

// Ready says whether the engine has its place in the consumer group.
func (e *Engine) Ready(context.Context) error {
	if !e.joined.Load() {
		return errors.New("not yet a member of the consumer group")
	}
	return nil
}

// Reach says whether the brokers answer.
func (e *Engine) Reach(ctx context.Context) error {
	transport := &kafka.Transport{ClientID: "hearth-" + e.config.Service, DialTimeout: 2 * time.Second, TLS: e.config.TLS, SASL: e.config.SASL}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(e.config.Brokers...), Transport: transport}
	if _, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{Topic(e.config.Service)}}); err != nil {
		return fmt.Errorf("ask the brokers: %w", err)
	}
	return nil
}

// sleep waits for d or the end of ctx; false says that ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
