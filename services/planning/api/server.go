// Package api is planning's HTTP edge, behind the interface generated from
// api-specs/openapi/planning.yaml.
package api

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/planning/casefile"
	"github.com/hearthfps/hearth/services/planning/goals"
	store "github.com/hearthfps/hearth/services/planning/postgres"
)

// Rulebook answers what the agency's rule files say.
type Rulebook interface {
	// Caseload is how many cases of the case's program a worker may have; 0 is no limit.
	Caseload(c *casefile.Case) (int, error)
	// Limits is what the program of the case allows a plan.
	Limits(c *casefile.Case) (casefile.Limits, error)
	// UsualVisits is how families of the case's program are usually visited.
	UsualVisits(c *casefile.Case) (casefile.VisitPattern, error)
	// Today is the day it is for the agency of ctx, YYYY-MM-DD.
	Today(ctx context.Context, now time.Time) (string, error)
}

// Server answers planning's operations.
type Server struct {
	DB     *postgres.DB
	Policy *policy.Engine
	Rules  Rulebook
	Goals  *goals.Rules
	Clock  clock.Clock
}

var _ StrictServerInterface = (*Server)(nil)

// Routes registers the operations on r.
func (s *Server) Routes(r *mux.Router) {
	strict := NewStrictHandlerWithOptions(s, nil, StrictHTTPServerOptions{
		RequestErrorHandlerFunc: httpapi.BadRequest, ResponseErrorHandlerFunc: httpapi.WriteProblem,
	})
	HandlerWithOptions(strict, GorillaServerOptions{BaseURL: "/planning/v1", BaseRouter: r, ErrorHandlerFunc: httpapi.BadRequest})
}

func newID() (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("draw id: %w", err)
	}
	return id.String(), nil
}

// open gives a case to someone who may read it, and records the reading.
func (s *Server) open(ctx context.Context, tx *postgres.Tx, id string) (*casefile.Case, error) {
	c, err := store.GetCase(ctx, tx, casefile.CaseID(id))
	if err != nil {
		return nil, err
	}
	return c, s.Policy.CheckRead(ctx, tx, policy.Read, ofCase("case", id, c.ID))
}

// lock gives a case, locked, to a worker who may do the action to a thing of the
// case.
func (s *Server) lock(ctx context.Context, tx *postgres.Tx, id casefile.CaseID, action string, thing policy.Resource) (c *casefile.Case, by string, err error) {
	c, err = store.LockCase(ctx, tx, id)
	if err != nil {
		return nil, "", err
	}
	if err := s.Policy.Check(ctx, tx, action, thing); err != nil {
		return nil, "", err
	}
	by, err = auth.Worker(ctx)
	return c, by, err
}

// now is the moment as it is stored: UTC, whole microseconds.
func (s *Server) now() time.Time { return s.Clock.Now().UTC().Truncate(time.Microsecond) }

// place is the cursor of a list that is ordered by time and id.
type place struct {
	At time.Time `json:"t"`
	ID string    `json:"i"`
}

func after(cursor *string) (store.Place, error) {
	var p place
	if cursor == nil {
		return store.Place{}, nil
	}
	err := httpapi.DecodeCursor(*cursor, &p)
	return store.Place(p), err
}

// paged cuts rows to the page they were read for and gives the next cursor if
// one more was there.
func paged[R, V any](rows []R, limit int, show func(R) V, at func(R) place) (items []V, next *string) {
	items = make([]V, 0, min(limit, len(rows)))
	for i, row := range rows {
		if i == limit {
			cursor := httpapi.EncodeCursor(at(rows[i-1]))
			return items, &cursor
		}
		items = append(items, show(row))
	}
	return items, nil
}

// reshape gives a value of another type with the same JSON form.
func reshape[T any](v any) (T, error) {
	var out T
	b, err := json.Marshal(v)
	if err != nil {
		return out, fmt.Errorf("write %T: %w", v, err)
	}
	if err := json.Unmarshal(b, &out); err != nil {
		return out, fmt.Errorf("read %T: %w", out, err)
	}
	return out, nil
}
