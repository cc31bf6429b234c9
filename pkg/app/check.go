package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/timers"
)

// Check says everything that is wrong with a configuration, and reaches nothing:
// it reads the files that are named, puts the service together as Start would,
// with its own settings, and throws it away. Nil says that Start fails only for
// what is away.
func Check(ctx context.Context, svc Service, c Config) error {
	errs := []error{c.check()}
	note := func(what string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", what, err))
		}
	}
	for name, url := range map[string]string{"database_url": c.DatabaseURL, "migrate_database_url": c.MigrateDatabaseURL} {
		if url == "" {
			continue
		}
		if _, err := pgx.ParseConfig(url); err != nil { // its words hold the password
			errs = append(errs, fmt.Errorf("%s: want postgres://role@host:port/database", name))
		}
	}
	if c.RedisURL != "" {
		if _, err := redis.ParseURL(c.RedisURL); err != nil {
			errs = append(errs, errors.New("redis_url: want redis://host:port"))
		}
	}
	_, _, err := c.KafkaSecurity.open()
	note("kafka_security", err)

	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	d := &Deps{
		Service: svc.Name, DB: &postgres.DB{}, Clock: clock.System(), Log: quiet, Metrics: prometheus.NewRegistry(),
		settings: c.Settings, peers: map[string]*Peer{},
	}
	verifier, err := auth.NewVerifier(c.Issuers...)
	note("issuers", err)
	d.Rules, err = loadRules(c.Rules)
	note("rules", err)
	d.Policy, err = policy.New(d.Clock)
	note("policies", err)
	note("peers", d.connectPeers(svc, c, nil))
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return assemble(ctx, svc, c, d, verifier)
}

// assemble puts the service together over a database that is never reached.
func assemble(ctx context.Context, svc Service, c Config, d *Deps, verifier *auth.Verifier) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("putting %s together broke: New starts nothing and asks nothing", svc.Name)
		}
	}()
	parts, err := svc.New(ctx, d)
	if err != nil {
		return err
	}
	if parts.Close != nil {
		defer func() { err = errors.Join(err, parts.Close()) }()
	}
	if _, err := handler(svc, c, d, parts, verifier); err != nil {
		return err
	}
	if _, err := (&Running{}).engine(svc, c, d, parts); err != nil {
		return err
	}
	_, err = timers.New(timers.Config{Service: svc.Name, DB: d.DB, Log: d.Log, Handlers: parts.Timers})
	return err
}
