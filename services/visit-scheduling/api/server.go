// Package api answers HTTP for visit scheduling, behind the interface generated
// from its OpenAPI file.
package api

import (
	"github.com/gorilla/mux"

	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/services/visit-scheduling/desk"
)

// Server answers. Make one with its fields set.
type Server struct {
	Desk   *desk.Desk
	Access Access
	// Pace is how the progress of planning jobs is told; nil is as usual.
	Pace *Pace
	// Followers bounds who is told it at once; nil bounds nothing.
	Followers *Followers
	// Feeds bounds the reading of calendar feeds; nil bounds nothing.
	Feeds *FeedLimit
}

var _ StrictServerInterface = Server{}

// Routes registers the operations on r.
func (s Server) Routes(r *mux.Router) {
	strict := NewStrictHandlerWithOptions(s, nil, StrictHTTPServerOptions{
		RequestErrorHandlerFunc: httpapi.BadRequest, ResponseErrorHandlerFunc: httpapi.WriteProblem,
	})
	HandlerWithOptions(strict, GorillaServerOptions{BaseURL: "/visits/v1", BaseRouter: r, ErrorHandlerFunc: httpapi.BadRequest})
}
