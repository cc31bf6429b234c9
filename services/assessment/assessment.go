// Package assessment is the service that gives cases their instruments, scores
// the answers and records what was decided about the children's safety.
package assessment

import (
	"context"
	"fmt"

	specs "github.com/hearthfps/hearth/api-specs"
	"github.com/hearthfps/hearth/pkg/app"
	"github.com/hearthfps/hearth/services/assessment/api"
	"github.com/hearthfps/hearth/services/assessment/instruments"
	"github.com/hearthfps/hearth/services/assessment/postgres"
)

// Name is the service's name.
const Name = "assessment"

// Service is assessment, to be run by app.
func Service() app.Service {
	spec, err := specs.OpenAPI.ReadFile("openapi/assessment.yaml")
	if err != nil {
		panic(err) // it is embedded
	}
	return app.Service{Name: Name, Port: 8082, Spec: spec, Migrations: postgres.Migrations, Probe: app.ProbeList("/instruments"), New: build}
}

func build(_ context.Context, d *app.Deps) (*app.Parts, error) {
	if err := d.Settings(&struct{}{}); err != nil { // it has none
		return nil, err
	}
	library, err := instruments.Shipped()
	if err != nil {
		return nil, err
	}
	plan := schedule{bundle: d.Rules, library: library}
	if err := plan.check(d.Clock.Now()); err != nil {
		return nil, fmt.Errorf("programs and instruments do not fit: %w", err)
	}
	server := &api.Server{DB: d.DB, Policy: d.Policy, Library: library, Programs: plan, Clock: d.Clock}
	return &app.Parts{Routes: server.Routes, Subscriptions: plan.subscriptions(), Signals: signals(), Censuses: censuses()}, nil
}
