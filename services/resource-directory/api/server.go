// Package api answers the directory's HTTP API behind the interface generated
// from api-specs/openapi/resource-directory.yaml.
package api

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/policy"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/resource-directory/directory"
)

// Actions and resources as the policies name them.
const (
	actionImport = "import_directory"
	actionRead   = "read_directory"
	actionRefer  = "refer_to_service"
	actionFollow = "read_resource_referral"

	typeDirectory = "Directory"
	typeReferral  = "ResourceReferral"
)

// Server answers the API. Every field is needed.
type Server struct {
	DB     *kit.DB
	Clock  clock.Clock
	Policy *policy.Engine
	Needs  directory.Needs
	NewID  func() (uuid.UUID, error)
	Log    *slog.Logger
	// Profile and OpenAPIURL are what HSDS metadata says of this API: absolute URLs.
	Profile, OpenAPIURL string
}

// Routes registers the API at its full paths.
func (s *Server) Routes(r *mux.Router) {
	strict := NewStrictHandlerWithOptions(s, nil, StrictHTTPServerOptions{RequestErrorHandlerFunc: httpapi.BadRequest, ResponseErrorHandlerFunc: httpapi.WriteProblem})
	HandlerWithOptions(strict, GorillaServerOptions{BaseURL: base, BaseRouter: r, ErrorHandlerFunc: httpapi.BadRequest})
	r.HandleFunc(base+"/v1/imports", s.importDirectory).Methods(http.MethodPost)
}

const base = "/directory"

// mayRead lets everyone who works for the agency read its directory: it holds
// nothing of any family.
func (s *Server) mayRead(ctx context.Context) error {
	return s.Policy.Check(ctx, actionRead, policy.Resource{Type: typeDirectory})
}

// actor is who asks, as it is stored with what they did.
func actor(ctx context.Context) (string, error) {
	p, ok := auth.From(ctx)
	if !ok {
		return "", fault.New(fault.Unauthenticated, "nobody_asks", "Send a bearer token.")
	}
	return p.Actor(), nil
}

func deref[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}

func ptr[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
