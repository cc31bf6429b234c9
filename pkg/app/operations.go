package app

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/gorilla/mux"

	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/postgres"
)

//go:embed operations.yaml
var operationsSpec []byte

// Contract is the service's OpenAPI file together with what every service answers
// its operators: what its API is checked against.
func (s Service) Contract() (*httpapi.Contract, error) {
	contract, err := httpapi.LoadContract(s.Spec)
	if err != nil {
		return nil, err
	}
	operations, err := httpapi.LoadContract(bytes.ReplaceAll(operationsSpec, []byte("BASE"), []byte(s.OperationsPath())))
	if err != nil {
		return nil, err
	}
	return contract, contract.Merge(operations)
}

// OperationsPath is below which path a service answers its operators: its base
// path, with a version where that has none.
func (s Service) OperationsPath() string {
	base := s.BasePath()
	if last := base[strings.LastIndexByte(base, '/')+1:]; len(last) > 1 && last[0] == 'v' && strings.Trim(last[1:], "0123456789") == "" {
		return base
	}
	return base + "/v1"
}

func operationsRoutes(r *mux.Router, base string, d *Deps) {
	o := operations{d}
	r.HandleFunc(base+"/parked-events", o.list).Methods(http.MethodGet)
	r.HandleFunc(base+"/parked-events/{parked_id}:retry", o.change(events.RetryParked)).Methods(http.MethodPost)
	r.HandleFunc(base+"/parked-events/{parked_id}:skip", o.change(events.SkipParked)).Methods(http.MethodPost)
}

// operations answers operators about parked events.
type operations struct{ *Deps }

func (o operations) list(w http.ResponseWriter, r *http.Request) {
	var after string
	if cursor := r.URL.Query().Get("cursor"); cursor != "" {
		if err := httpapi.DecodeCursor(cursor, &after); err != nil {
			httpapi.WriteProblem(w, r, err)
			return
		}
	}
	limit := 50
	if n, err := strconv.Atoi(r.URL.Query().Get("limit")); err == nil { // the contract has checked it
		limit = n
	}
	page := struct {
		Items      []events.Parked `json:"items"`
		NextCursor string          `json:"next_cursor,omitempty"`
	}{}
	err := o.within(r, func(ctx context.Context, tx *postgres.Tx) (err error) {
		if page.Items, err = events.ListParked(ctx, tx, after, limit+1); err != nil {
			return err
		}
		if len(page.Items) > limit {
			page.Items = page.Items[:limit]
			page.NextCursor = httpapi.EncodeCursor(page.Items[limit-1].ID)
		}
		return nil
	})
	if err != nil {
		httpapi.WriteProblem(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(page); err != nil {
		o.Log.DebugContext(r.Context(), "the asker left", "error", err)
	}
}

func (o operations) change(do func(context.Context, *postgres.Tx, string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := o.within(r, func(ctx context.Context, tx *postgres.Tx) error { return do(ctx, tx, mux.Vars(r)["parked_id"]) })
		if err != nil {
			httpapi.WriteProblem(w, r, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

// within runs do where the asker may look: an operator in the own agency; among
// what names no agency, an admin of the agency that runs the deployment.
func (o operations) within(r *http.Request, do func(context.Context, *postgres.Tx) error) error {
	ctx := r.Context()
	if r.URL.Query().Get("unaddressed") != "true" {
		return o.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
			if err := o.Policy.Check(ctx, tx, policy.Operate, policy.Resource{Type: "parked_event"}); err != nil {
				return err
			}
			return do(ctx, tx)
		})
	}
	err := o.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		return o.Policy.Check(ctx, tx, policy.Operate, policy.Resource{Type: "system"})
	})
	if err != nil {
		return err
	}
	if p, _ := auth.From(ctx); o.homeAgency == "" || p.Agency.String() != o.homeAgency {
		return fault.New(fault.Forbidden, "not_allowed", "Events that name no agency are seen to by operators of the deployment's home_agency.")
	}
	return o.DB.InBackbone(ctx, do)
}
