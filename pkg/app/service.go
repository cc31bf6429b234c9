package app

import (
	"context"
	"io/fs"
	"log/slog"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/rules"
	"github.com/hearthfps/hearth/pkg/timers"
)

// Service is what one of the suite's services is: its contract, its tables and
// how it is put together.
type Service struct {
	// Name is the service's name, its database's and its consumer group's.
	Name string
	// Port is where the API listens when nothing else is said.
	Port int
	// Spec is the service's OpenAPI file; its servers[0].url is the base path.
	Spec []byte
	// Migrations are the service's own goose files.
	Migrations fs.FS
	// Peers are the services it asks over HTTP, by name.
	Peers []string
	// Probe asks a running service something real, for the command probe. Nil
	// lists its parked events, as operators do.
	Probe func(context.Context, *Prober) error
	// New puts the service together. It starts nothing.
	New func(ctx context.Context, d *Deps) (*Parts, error)
}

// Deps is what a service is given to work with.
type Deps struct {
	// Service is the name of the service.
	Service string
	DB      *postgres.DB
	// Redis is nil when no cache is configured.
	Redis   redis.UniversalClient
	Clock   clock.Clock
	Log     *slog.Logger
	Metrics prometheus.Registerer
	Rules   *rules.Bundle
	Policy  *policy.Engine
	// Dev is true in development: what would leave the machine stays on it.
	Dev bool
	// Data is a folder that survives restarts, for development; "" is none.
	Data string

	peers      map[string]*Peer
	settings   map[string]any
	homeAgency string
}

// Parts are what a service is made of once it is put together.
type Parts struct {
	// Routes registers the API's handlers, with full paths.
	Routes func(r *mux.Router)
	// Subscriptions and Raw are what it takes in.
	Subscriptions []events.Subscription
	Raw           []events.RawSubscription
	// Lanes is how many keys are handled at once. 0 is the backbone's own choice.
	Lanes int
	// Timers are the handlers of its timers, by kind.
	Timers map[string]timers.Handler
	// Workers run beside, from start to end.
	Workers []Worker
	// Signals count what it announces, and Censuses what stands in its tables.
	Signals  []Signal
	Censuses []Census
	// Checks make the service unready while they fail, by name.
	Checks map[string]func(context.Context) error
	// Close gives back what New took; nil is nothing.
	Close func() error
}

// Worker runs until ctx ends and returns nil then. An error ends the service.
type Worker struct {
	Name string
	Run  func(ctx context.Context) error
}
