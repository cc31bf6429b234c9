package httpapi_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
	"github.com/hearthfps/hearth/pkg/httpapi/internal/garden"
	"github.com/hearthfps/hearth/pkg/tenant"
)

// plot is the API of internal/garden, behind the code that is generated for it.
type plot struct {
	plant  func(context.Context, garden.PlantRequestObject) (garden.PlantResponseObject, error)
	list   func(context.Context, garden.ListPlantsRequestObject) (garden.ListPlantsResponseObject, error)
	get    func(context.Context, garden.GetPlantRequestObject) (garden.GetPlantResponseObject, error)
	change func(context.Context, garden.ChangePlantRequestObject) (garden.ChangePlantResponseObject, error)
}

func (p *plot) ListPlants(ctx context.Context, r garden.ListPlantsRequestObject) (garden.ListPlantsResponseObject, error) {
	if p.list == nil {
		return garden.ListPlants200JSONResponse{Items: []garden.Plant{}}, nil
	}
	return p.list(ctx, r)
}

func (p *plot) Plant(ctx context.Context, r garden.PlantRequestObject) (garden.PlantResponseObject, error) {
	if p.plant == nil {
		return garden.Plant201JSONResponse{Body: garden.Plant{PlantId: "p-1", Name: r.Body.Name}, Headers: garden.Plant201ResponseHeaders{ETag: new(`"1"`)}}, nil
	}
	return p.plant(ctx, r)
}

func (p *plot) GetPlant(ctx context.Context, r garden.GetPlantRequestObject) (garden.GetPlantResponseObject, error) {
	if p.get == nil {
		return garden.GetPlant200JSONResponse{PlantId: r.PlantId, Name: "Ash"}, nil
	}
	return p.get(ctx, r)
}

func (p *plot) ChangePlant(ctx context.Context, r garden.ChangePlantRequestObject) (garden.ChangePlantResponseObject, error) {
	return p.change(ctx, r)
}

func (p *plot) WaterPlant(context.Context, garden.WaterPlantRequestObject) (garden.WaterPlantResponseObject, error) {
	return garden.WaterPlant204Response{}, nil
}

// ImportPlants answers each line as it comes.
func (p *plot) ImportPlants(_ context.Context, r garden.ImportPlantsRequestObject) (garden.ImportPlantsResponseObject, error) {
	return importAnswer{r.Body}, nil
}

type importAnswer struct{ lines io.Reader }

func (a importAnswer) VisitImportPlantsResponse(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/x-ndjson")
	control := http.NewResponseController(w)
	if err := control.EnableFullDuplex(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	for s := bufio.NewScanner(a.lines); s.Scan(); {
		if _, err := fmt.Fprintf(w, "{\"bytes\":%d}\n", len(s.Bytes())); err != nil {
			return err
		}
		if err := control.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func (p *plot) Gate(context.Context, garden.GateRequestObject) (garden.GateResponseObject, error) {
	return garden.Gate200JSONResponse{Open: true}, nil
}

func contract(t testing.TB) *httpapi.Contract {
	t.Helper()
	spec, err := os.ReadFile("internal/garden/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := httpapi.LoadContract(spec)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// server serves p. A token is "<agency>/<subject>".
func server(t testing.TB, p *plot, change ...func(*httpapi.Options)) http.Handler {
	t.Helper()
	options := httpapi.Options{
		Service:  "garden",
		Contract: contract(t),
		Routes: func(r *mux.Router) {
			strict := garden.NewStrictHandlerWithOptions(p, nil, garden.StrictHTTPServerOptions{
				RequestErrorHandlerFunc: httpapi.BadRequest, ResponseErrorHandlerFunc: httpapi.WriteProblem,
			})
			garden.HandlerWithOptions(strict, garden.GorillaServerOptions{BaseURL: "/garden/v1", BaseRouter: r, ErrorHandlerFunc: httpapi.BadRequest})
		},
		Authenticate: func(_ context.Context, token string) (auth.Principal, error) {
			agency, subject, found := strings.Cut(token, "/")
			id, err := tenant.Parse(agency)
			if !found || err != nil {
				return auth.Principal{}, fault.New(fault.Unauthenticated, "token_refused", "This token is not known here.")
			}
			return auth.Principal{Agency: id, Subject: subject, Roles: []string{auth.RoleFamilyWorker}}, nil
		},
	}
	for _, f := range change {
		f(&options)
	}
	s, err := httpapi.New(options)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func client(t testing.TB, p *plot, change ...func(*httpapi.Options)) *apitest.Client {
	t.Helper()
	return apitest.New(t, server(t, p, change...), contract(t)).As("lakeland/worker-1")
}
