// Package api is assessment's HTTP edge, behind the interface generated from
// api-specs/openapi/assessment.yaml.
package api

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/services/assessment/instruments"
	store "github.com/hearthfps/hearth/services/assessment/postgres"
	"github.com/hearthfps/hearth/services/assessment/record"
)

// Programs answers what the agency's program files say.
type Programs interface {
	// NextReview is when a case is to be reviewed by an instrument again, if its
	// program says so.
	NextReview(agency tenant.AgencyID, program, version, instrument string, last time.Time) (due time.Time, ok bool, err error)
}

// Server answers assessment's operations.
type Server struct {
	DB       *postgres.DB
	Policy   *policy.Engine
	Library  *instruments.Library
	Programs Programs
	Clock    clock.Clock
}

var _ StrictServerInterface = (*Server)(nil)

// Routes registers the operations on r.
func (s *Server) Routes(r *mux.Router) {
	strict := NewStrictHandlerWithOptions(s, nil, StrictHTTPServerOptions{
		RequestErrorHandlerFunc: httpapi.BadRequest, ResponseErrorHandlerFunc: httpapi.WriteProblem,
	})
	HandlerWithOptions(strict, GorillaServerOptions{BaseURL: "/assessment/v1", BaseRouter: r, ErrorHandlerFunc: httpapi.BadRequest})
}

func newID() (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("draw id: %w", err)
	}
	return id.String(), nil
}

// instrumentOf finds the version an assessment is bound to. It fails with
// Conflict (instrument_changed) when it is no longer there.
func (s *Server) instrumentOf(a *record.Assessment) (*instruments.Instrument, error) {
	ins, ok := s.Library.Get(a.Instrument, a.Version)
	if !ok {
		return nil, fault.New(fault.Conflict, "instrument_changed",
			"The version of the instrument this assessment was given in is not installed. Restore its file.")
	}
	return ins, nil
}

// read gives an assessment to someone who may read it, and records the reading.
func (s *Server) read(ctx context.Context, tx *postgres.Tx, id string) (*record.Assessment, error) {
	a, err := store.Get(ctx, tx, record.AssessmentID(id))
	if err != nil {
		return nil, err
	}
	return a, s.Policy.CheckRead(ctx, tx, policy.Read, resource(a))
}

// change gives an assessment, locked, to someone who may do the action to it.
func (s *Server) change(ctx context.Context, tx *postgres.Tx, id, action string) (*record.Assessment, *instruments.Instrument, error) {
	a, err := store.Lock(ctx, tx, record.AssessmentID(id))
	if err != nil {
		return nil, nil, err
	}
	if err := s.Policy.Check(ctx, tx, action, resource(a)); err != nil {
		return nil, nil, err
	}
	ins, err := s.instrumentOf(a)
	return a, ins, err
}
