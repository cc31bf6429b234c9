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
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/policy"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/resource-directory/directory"
)

// Types of resources, as the policies name them.
const (
	typeDirectory = "directory"
	typeReferral  = "resource_referral"
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

// reading runs fn in a snapshot of the agency's directory, for who may read it:
// everyone of the agency, since it holds nothing of any family.
func (s *Server) reading(ctx context.Context, fn func(ctx context.Context, tx *kit.Tx) error) error {
	return s.DB.ReadInTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		if err := s.Policy.Check(ctx, tx, policy.Read, policy.Resource{Type: typeDirectory}); err != nil {
			return err
		}
		return fn(ctx, tx)
	})
}

// nothing is read where only the right to read is asked for.
func nothing(context.Context, *kit.Tx) error { return nil }

// actor is who asks, as it is stored with what they did.
func actor(ctx context.Context) (string, error) {
	p, err := auth.Asker(ctx)
	return p.Actor(), err
}
