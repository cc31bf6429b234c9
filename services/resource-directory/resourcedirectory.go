// Package resourcedirectory puts the resource directory together: the community
// services an agency may send a family to, and the referrals made to them.
package resourcedirectory

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	specs "github.com/hearthfps/hearth/api-specs"
	"github.com/hearthfps/hearth/pkg/app"
	"github.com/hearthfps/hearth/services/resource-directory/api"
	"github.com/hearthfps/hearth/services/resource-directory/directory"
	"github.com/hearthfps/hearth/services/resource-directory/postgres"
)

// Settings are the service's own.
type Settings struct {
	// HSDS is what `/directory/hsds` says of this API.
	HSDS struct {
		// Profile is where the HSDS profile is described. Empty is HSDS itself, without a profile.
		Profile string `yaml:"profile"`
		// OpenAPIURL is where the OpenAPI file is served. Empty is that of HSDS.
		OpenAPIURL string `yaml:"openapi_url"`
	} `yaml:"hsds"`
}

const (
	hsdsProfile = "https://docs.openreferral.org/en/3.1/"
	hsdsOpenAPI = "https://raw.githubusercontent.com/openreferral/specification/3.1/schema/openapi.json"
)

// Service is the resource directory.
func Service() app.Service {
	spec, err := specs.OpenAPI.ReadFile("openapi/resource-directory.yaml")
	if err != nil {
		panic(err) // embedded: it is there, or the build is broken
	}
	return app.Service{Name: "resource-directory", Port: 8085, Spec: spec, Migrations: postgres.Migrations, Probe: app.ProbeList("/v1/needs"), New: assemble}
}

func assemble(_ context.Context, d *app.Deps) (*app.Parts, error) {
	var settings Settings
	if err := d.Settings(&settings); err != nil {
		return nil, err
	}
	needs, err := directory.LoadNeeds()
	if err != nil {
		return nil, fmt.Errorf("load needs: %w", err)
	}
	server := &api.Server{
		DB: d.DB, Clock: d.Clock, Policy: d.Policy, Needs: needs, NewID: uuid.NewV7, Log: d.Log,
		Profile: settings.HSDS.Profile, OpenAPIURL: settings.HSDS.OpenAPIURL,
	}
	if server.Profile == "" {
		server.Profile = hsdsProfile
	}
	if server.OpenAPIURL == "" {
		server.OpenAPIURL = hsdsOpenAPI
	}
	return &app.Parts{Routes: server.Routes, Subscriptions: subscriptions(), Signals: signals(), Censuses: censuses()}, nil
}
