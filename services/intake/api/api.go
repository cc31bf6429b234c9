// Package api is intake's HTTP API: handlers behind the interface generated from
// api-specs/openapi/intake.yaml. Who may do what is asked of pkg/policy; what it
// comes to is decided in package referral.
package api

import (
	"context"
	"net/http"

	"github.com/gorilla/mux"

	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/intake/reception"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// FHIRPath is where what intake says in FHIR begins.
const FHIRPath = "/intake/fhir"

// API answers intake's requests.
type API struct {
	DB        *postgres.DB
	Clock     clock.Clock
	Policy    *policy.Engine
	Reception *reception.Reception
	// NewID makes the id of something new.
	NewID func() string
}

var _ StrictServerInterface = (*API)(nil)

// Routes registers every operation under base.
func (a *API) Routes(base string) func(*mux.Router) {
	return func(r *mux.Router) {
		r.Methods(http.MethodPost).Path(base + "/events").HandlerFunc(a.receiveEvents)
		r.Methods(http.MethodPost).Path(base + "/events:import").HandlerFunc(a.importEvents)
		r.Methods(http.MethodPost).Path(FHIRPath + "/Patient/$match").HandlerFunc(a.matchPatient)
		HandlerWithOptions(NewStrictHandlerWithOptions(a, nil, StrictHTTPServerOptions{
			RequestErrorHandlerFunc: httpapi.BadRequest, ResponseErrorHandlerFunc: httpapi.WriteProblem,
		}), GorillaServerOptions{
			BaseURL: base, BaseRouter: r, ErrorHandlerFunc: httpapi.BadRequest,
		})
	}
}

// agency is what intake must know of the agency that asks.
func (a *API) agency(ctx context.Context) (*referral.Agency, error) {
	p, err := principal(ctx)
	if err != nil {
		return nil, err
	}
	return a.Reception.Agency(p.Agency)
}

func principal(ctx context.Context) (auth.Principal, error) {
	p, ok := auth.From(ctx)
	if !ok {
		return p, fault.New(fault.Unauthenticated, "token_missing", "Send an access token.")
	}
	return p, nil
}

// optional is nil for the zero value: what is not known is not in an answer.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// page cuts one item too many off a list and makes the cursor of the last one kept.
func page[T any](rows []T, limit int, key func(T) any) ([]T, *string) {
	if len(rows) <= limit {
		return rows, nil
	}
	rows = rows[:limit]
	cursor := httpapi.EncodeCursor(key(rows[limit-1]))
	return rows, &cursor
}

func problems(fields []fault.Field) *[]ProblemField {
	if len(fields) == 0 {
		return nil
	}
	out := make([]ProblemField, len(fields))
	for i, f := range fields {
		out[i] = ProblemField{Pointer: f.Pointer, Code: f.Code, Detail: f.Detail}
	}
	return &out
}
