// Package planning is the service that keeps the case file: who works with the
// family, the plan and its versions, safety plans, reviews, closing and the
// timeline.
package planning

import (
	"context"

	specs "github.com/hearthfps/hearth/api-specs"
	"github.com/hearthfps/hearth/pkg/app"
	"github.com/hearthfps/hearth/services/planning/api"
	"github.com/hearthfps/hearth/services/planning/goals"
	"github.com/hearthfps/hearth/services/planning/postgres"
)

// Name is the service's name.
const Name = "planning"

// Service is planning, to be run by app.
func Service() app.Service {
	spec, err := specs.OpenAPI.ReadFile("openapi/planning.yaml")
	if err != nil {
		panic(err) // it is embedded
	}
	return app.Service{Name: Name, Port: 8083, Spec: spec, Migrations: postgres.Migrations, New: build}
}

func build(_ context.Context, d *app.Deps) (*app.Parts, error) {
	if err := d.Settings(&struct{}{}); err != nil { // it has none
		return nil, err
	}
	drafts, err := goals.Shipped()
	if err != nil {
		return nil, err
	}
	server := &api.Server{DB: d.DB, Policy: d.Policy, Rules: rulebook{d.Rules}, Goals: drafts, Clock: d.Clock}
	return &app.Parts{Routes: server.Routes, Subscriptions: subscriptions(), Signals: signals(), Censuses: censuses()}, nil
}
