package httpapi_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
	"github.com/hearthfps/hearth/pkg/httpapi/internal/garden"
)

const canary = "Canary-Name"

func TestGuarantee1_EveryFailureIsAProblem(t *testing.T) {
	boom := &plot{get: func(_ context.Context, r garden.GetPlantRequestObject) (garden.GetPlantResponseObject, error) {
		switch r.PlantId {
		case "panic":
			panic(canary)
		case "plain":
			return nil, errors.New("select from plant where name = " + canary)
		case "deadline":
			return nil, context.DeadlineExceeded
		case "missing":
			return nil, fault.New(fault.NotFound, "plant_not_found", "There is no such plant.").Because(errors.New(canary))
		case "nothing":
			return nil, nil
		}
		return nil, fault.New(fault.RateLimited, "slow", "Too fast.").After(1500 * time.Millisecond)
	}}
	var logged bytes.Buffer
	c := client(t, boom, func(o *httpapi.Options) { o.Log = slog.New(slog.NewJSONHandler(&logged, nil)) })
	for _, tc := range []struct {
		name, method, path string
		status             int
		code               string
		header             map[string]string
	}{
		{"unknown path", "GET", "/garden/v1/weeds", 404, "path_not_found", nil},
		{"outside the base", "GET", "/", 404, "path_not_found", nil},
		{"trailing slash", "GET", "/garden/v1/plants/", 404, "path_not_found", nil},
		{"doubled slash", "GET", "/garden/v1//plants", 404, "path_not_found", nil},
		{"unknown verb", "POST", "/garden/v1/plants/a:burn", 405, "method_not_allowed", map[string]string{"Allow": "GET, PATCH"}},
		{"method", "DELETE", "/garden/v1/plants", 405, "method_not_allowed", map[string]string{"Allow": "GET, POST"}},
		{"panic", "GET", "/garden/v1/plants/panic", 500, "internal", nil},
		{"unclassified", "GET", "/garden/v1/plants/plain", 500, "internal", nil},
		{"deadline", "GET", "/garden/v1/plants/deadline", 503, "unavailable", map[string]string{"Retry-After": "2"}},
		{"fault", "GET", "/garden/v1/plants/missing", 404, "plant_not_found", nil},
		{"retry after rounds up", "GET", "/garden/v1/plants/slow", 429, "slow", map[string]string{"Retry-After": "2"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			answer := c.For(t).Do(tc.method, tc.path, nil)
			p := answer.WantProblem(tc.status, tc.code)
			if p.Status != tc.status || p.Type != "urn:hearth:problem:"+tc.code || p.Detail == "" || !strings.HasPrefix(p.Instance, "urn:hearth:request:") {
				t.Errorf("got %+v", p)
			}
			for name, want := range tc.header {
				if got := answer.Header.Get(name); got != want {
					t.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
			if strings.Contains(string(answer.Body), canary) {
				t.Errorf("the cause is shown: %s", answer.Body)
			}
		})
	}
	if !strings.Contains(logged.String(), "handler panicked") || strings.Contains(logged.String(), `"panic":"`+canary) {
		t.Errorf("log: %s", logged.String())
	}
}

func TestGuarantee1_ProblemCarriesTheTraceID(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	c := client(t, &plot{}, func(o *httpapi.Options) { o.Tracer = provider })
	p := c.Get("/garden/v1/plants?colour=green&limit=5").WantProblem(400, "invalid_request")
	spans := recorder.Ended()
	if len(spans) != 1 {
		t.Fatalf("got %d spans, want 1", len(spans))
	}
	if got, want := p.TraceID, spans[0].SpanContext().TraceID().String(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := spans[0].Name(), "GET /garden/v1/plants"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestGuarantee1_ABrokenAnswerIsCutAndNotPatched(t *testing.T) {
	late := &plot{list: func(context.Context, garden.ListPlantsRequestObject) (garden.ListPlantsResponseObject, error) {
		return lateFailure{}, nil
	}}
	s := httptest.NewServer(server(t, late))
	defer s.Close()
	r, err := http.NewRequest("GET", s.URL+"/garden/v1/plants", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer lakeland/worker-1")
	answer, err := s.Client().Do(r)
	if err == nil {
		_, err = io.ReadAll(answer.Body)
		_ = answer.Body.Close()
	}
	if err == nil {
		t.Error("a half answer passed for a whole one")
	}
}

type lateFailure struct{}

func (lateFailure) VisitListPlantsResponse(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(200)
	if _, err := io.WriteString(w, `{"items": [`); err != nil {
		return err
	}
	return errors.New("the cursor broke")
}

func TestGuarantee2_OnlyWhatTheContractAllowsIsSeen(t *testing.T) {
	f := func(pointer, code string) string { return pointer + " " + code }
	post, patch := "POST", "PATCH"
	for _, tc := range []struct {
		name, method, path, contentType, body string
		status                                int
		code                                  string
		want                                  []string
	}{
		{"unknown field", post, "/garden/v1/plants", "application/json", `{"name":"a","kind":"tree","colour":"` + canary + `"}`, 400, "invalid_request", []string{f("/colour", "unknown_field")}},
		{"name of the unknown field is personal", post, "/garden/v1/plants", "application/json", `{"name":"a","kind":"tree","Canary Name":1}`, 400, "invalid_request", []string{f("/…", "unknown_field")}},
		{
			"every fault is listed", post, "/garden/v1/plants", "application/json", `{"kind":"` + canary + `","height_cm":-1,"planted_on":"2026-02-30"}`, 400, "invalid_request",
			[]string{f("/height_cm", "minimum"), f("/kind", "enum"), f("/name", "required"), f("/planted_on", "format")},
		},
		{"nearest form of several", post, "/garden/v1/plants", "application/json", `{"name":"a","kind":"herb","beds":[{"pot":"` + canary + `"}]}`, 400, "invalid_request", []string{f("/beds/0/pot", "pattern")}},
		{"wrong type", post, "/garden/v1/plants", "application/json", `{"name":7,"kind":"herb"}`, 400, "invalid_request", []string{f("/name", "type")}},
		{"field names are exact", post, "/garden/v1/plants", "application/json", `{"Name":"a","kind":"herb"}`, 400, "invalid_request", []string{f("/Name", "unknown_field"), f("/name", "required")}},
		{"not an object", post, "/garden/v1/plants", "application/json", `[]`, 400, "invalid_request", []string{f("", "type")}},
		{"no JSON", post, "/garden/v1/plants", "application/json", `{"name": ` + canary, 400, "invalid_request", []string{f("", "syntax")}},
		{"two documents", post, "/garden/v1/plants", "application/json", `{"name":"a","kind":"herb"}{}`, 400, "invalid_request", []string{f("", "syntax")}},
		{"no body", post, "/garden/v1/plants", "application/json", ``, 400, "invalid_request", []string{f("", "required")}},
		{"content type", post, "/garden/v1/plants", "text/plain", `x`, 415, "unsupported_content_type", nil},
		{"no content type", post, "/garden/v1/plants", "", `{}`, 415, "unsupported_content_type", nil},
		{"merge patch wants its own type", patch, "/garden/v1/plants/a", "application/json", `{}`, 415, "unsupported_content_type", nil},
		{"body where none is taken", post, "/garden/v1/plants/a:water", "application/json", `{}`, 400, "body_not_expected", nil},
		{"path parameter", "GET", "/garden/v1/plants/Canary-Name", "", ``, 400, "invalid_request", []string{f("path/plant_id", "pattern")}},
		{"query type", "GET", "/garden/v1/plants?limit=many&tall=maybe", "", ``, 400, "invalid_request", []string{f("query/limit", "type"), f("query/tall", "type")}},
		{"query range", "GET", "/garden/v1/plants?limit=500", "", ``, 400, "invalid_request", []string{f("query/limit", "maximum")}},
		{"query repeated", "GET", "/garden/v1/plants?limit=1&limit=2", "", ``, 400, "invalid_request", []string{f("query/limit", "repeated")}},
		{"unknown query parameter", "GET", "/garden/v1/plants?limt=5", "", ``, 400, "invalid_request", []string{f("query/limt", "unknown_parameter")}},
		{"item of a list", "GET", "/garden/v1/plants?kind=tree&kind=yes&kind=no", "", ``, 400, "invalid_request", []string{f("query/kind/2", "enum")}},
		{"list by comma", "GET", "/garden/v1/plants?near=1.5,x", "", ``, 400, "invalid_request", []string{f("query/near/1", "type")}},
		{"header", post, "/garden/v1/plants", "application/json", `{"name":"a","kind":"herb"}`, 400, "invalid_request", []string{f("header/Idempotency-Key", "max_length")}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := client(t, &plot{})
			options := []apitest.Option{apitest.Header("Content-Type", tc.contentType)}
			if tc.name == "header" {
				options = append(options, apitest.Key(strings.Repeat("k", 201)))
			}
			var body any
			if tc.body != "" {
				body = tc.body
			}
			answer := c.Do(tc.method, tc.path, body, options...)
			p := answer.WantProblem(tc.status, tc.code)
			var got []string
			for _, e := range p.Errors {
				got = append(got, e.Pointer+" "+e.Code)
				if e.Detail == "" {
					t.Errorf("%s has no detail", e.Pointer)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(string(answer.Body), canary) {
				t.Errorf("a value is repeated: %s", answer.Body)
			}
		})
	}
}

func TestGuarantee2_WhatIsAllowedArrivesWhole(t *testing.T) {
	var got garden.ListPlantsParams
	var planted garden.NewPlant
	c := client(t, &plot{
		list: func(_ context.Context, r garden.ListPlantsRequestObject) (garden.ListPlantsResponseObject, error) {
			got = r.Params
			return garden.ListPlants200JSONResponse{Items: []garden.Plant{}}, nil
		},
		plant: func(_ context.Context, r garden.PlantRequestObject) (garden.PlantResponseObject, error) {
			planted = *r.Body
			return garden.Plant201JSONResponse{Body: garden.Plant{PlantId: "p-1", Name: r.Body.Name}}, nil
		},
	})
	c.Get("/garden/v1/plants?limit=7&kind=tree&kind=yes&tall=true&near=1.5,2").Want(200)
	want := garden.ListPlantsParams{
		Limit: new(7), Tall: new(true), Near: &[]float32{1.5, 2},
		Kind: &[]garden.ListPlantsParamsKind{garden.ListPlantsParamsKindTree, garden.ListPlantsParamsKindYes},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	c.Post("/garden/v1/plants", `{"name":"Äpple","kind":"tree","height_cm":9007199254740993}`, apitest.Header("Content-Type", "application/json; charset=utf-8")).Want(201)
	if planted.Name != "Äpple" || *planted.HeightCm != 9007199254740993 {
		t.Errorf("got %+v", planted)
	}
	c.Post("/garden/v1/plants/a-1:water", nil).Want(204)
	c.Get("/garden/v1/plants/a-1").Want(200)
}

func TestGuarantee3_BodiesAreBounded(t *testing.T) {
	c := client(t, &plot{})
	big := `{"name":"a","kind":"herb"` + strings.Repeat(" ", 2000) + `}`
	c.Post("/garden/v1/plants", big).WantProblem(413, "body_too_large")
	// Without a Content-Length the bound is found while reading.
	c.Post("/garden/v1/plants", io.MultiReader(strings.NewReader(big))).WantProblem(413, "body_too_large")
	c.Post("/garden/v1/plants", `{"name":"a","kind":"herb"`+strings.Repeat(" ", 1970)+`}`).Want(201)
}

func TestGuarantee3_AStreamIsAnsweredWhileItIsRead(t *testing.T) {
	s := httptest.NewServer(server(t, &plot{}))
	defer s.Close()
	reader, sender := io.Pipe()
	r, err := http.NewRequest("POST", s.URL+"/garden/v1/plants:import", reader)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer lakeland/worker-1")
	r.Header.Set("Content-Type", "application/x-ndjson")
	first := make(chan error, 1)
	go func() { _, err := io.WriteString(sender, "12345\n"); first <- err }()
	answer, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(answer.Body)
	if !lines.Scan() || lines.Text() != `{"bytes":5}` {
		t.Fatalf("got %q before the second line was sent", lines.Text())
	}
	line := strings.Repeat("x", 60_000) + "\n"
	go func() {
		for range 50 { // 3 MB, beyond the limit of other bodies
			if _, err := io.WriteString(sender, line); err != nil {
				return
			}
		}
		_ = sender.Close()
	}()
	n := 0
	for lines.Scan() {
		n++
	}
	if n != 50 || lines.Err() != nil {
		t.Errorf("got %d answers, %v", n, lines.Err())
	}
}

func TestGuarantee3_ABodyThatStallsIsGivenUp(t *testing.T) {
	s := httptest.NewServer(server(t, &plot{}, func(o *httpapi.Options) { o.BodyTimeout = 50 * time.Millisecond }))
	defer s.Close()
	reader, sender := io.Pipe()
	defer func() { _ = sender.Close() }()
	r, err := http.NewRequest("POST", s.URL+"/garden/v1/plants", reader)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer lakeland/worker-1")
	r.Header.Set("Content-Type", "application/json")
	answer, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var p httpapi.Problem
	if err := json.NewDecoder(answer.Body).Decode(&p); err != nil || p.Code != "body_unreadable" {
		t.Errorf("got %+v, %v", p, err)
	}
}

func TestGuarantee4_TokenUnlessPublic(t *testing.T) {
	reached := false
	c := client(t, &plot{get: func(ctx context.Context, _ garden.GetPlantRequestObject) (garden.GetPlantResponseObject, error) {
		reached = true
		p, ok := auth.From(ctx)
		if !ok || p.Subject != "worker-1" || p.Agency.String() != "lakeland" {
			t.Errorf("got %+v", p)
		}
		return garden.GetPlant200JSONResponse{PlantId: "a", Name: "Ash"}, nil
	}})
	answer := c.As("").Get("/garden/v1/plants/a")
	answer.WantProblem(401, "token_missing")
	if got := answer.Header.Get("WWW-Authenticate"); !strings.HasPrefix(got, "Bearer") {
		t.Errorf("WWW-Authenticate: got %q", got)
	}
	c.As("nonsense").Get("/garden/v1/plants/a").WantProblem(401, "token_refused")
	c.As("").Get("/garden/v1/plants/a", apitest.Header("Authorization", "Basic YTpi")).WantProblem(401, "token_missing")
	if reached {
		t.Fatal("the handler ran without a token")
	}
	c.Get("/garden/v1/plants/a").Want(200)
	c.As("").Get("/garden/v1/gate").Want(200)
	// A request nobody may send is not checked further: its faults are not told.
	c.As("").Post("/garden/v1/plants", `{}`).WantProblem(401, "token_missing")
}

func TestNew_RefusesRoutesThatDoNotFitTheContract(t *testing.T) {
	good := contract(t)
	for _, tc := range []struct {
		name   string
		routes func(*mux.Router)
		want   string
	}{
		{"missing", func(*mux.Router) {}, "GET /garden/v1/gate is in the OpenAPI file and has no route"},
		{"extra", func(r *mux.Router) { r.HandleFunc("/weeds", nil).Methods("GET").HandlerFunc(http.NotFound) }, "route GET /weeds is not in the OpenAPI file"},
		{"shadowed", func(r *mux.Router) { r.HandleFunc("/garden/v1/{any:.*}", http.NotFound).Methods("POST") }, "POST /garden/v1/plants/{plant_id}:water is shadowed by the route /garden/v1/{any:.*}"},
		{"any method", func(r *mux.Router) { r.HandleFunc("/garden/v1/plants", http.NotFound) }, "takes any method"},
	} {
		_, err := httpapi.New(httpapi.Options{Service: "garden", Contract: good, Routes: tc.routes})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %s", tc.name, err, tc.want)
		}
	}
}

func TestRequestsAreCountedByOperation(t *testing.T) {
	registry := prometheus.NewRegistry()
	c := client(t, &plot{}, func(o *httpapi.Options) { o.Metrics = registry })
	c.Get("/garden/v1/plants/a-1").Want(200)
	c.Get("/garden/v1/plants/a-2").Want(200)
	c.Get("/garden/v1/secret/a-2").Want(404)
	if got, err := testutil.GatherAndCount(registry, "hearth_http_request_duration_seconds"); err != nil || got != 2 {
		t.Errorf("got %d series, %v; want one an operation and one for none", got, err)
	}
	// Two services in one process share a registry.
	client(t, &plot{}, func(o *httpapi.Options) { o.Metrics, o.Service = registry, "orchard" }).Get("/garden/v1/gate").Want(200)
}

func TestRequestID_OfTheAskerIsKeptWhenItIsOne(t *testing.T) {
	c := client(t, &plot{})
	for sent, kept := range map[string]bool{"0197c3aa-77": true, "short": false, "Canary Name": false, strings.Repeat("a", 65): false} {
		got := c.Get("/garden/v1/gate", apitest.Header("X-Request-Id", sent)).Header.Get("X-Request-Id")
		if (got == sent) != kept || got == "" {
			t.Errorf("%q: got %q", sent, got)
		}
	}
}

func TestBreakGlass_NeedsAReason(t *testing.T) {
	c := client(t, &plot{})
	c.Get("/garden/v1/plants/a", apitest.Header("Hearth-Break-Glass", "why not")).WantProblem(400, "invalid_request")
	c.Get("/garden/v1/plants/a", apitest.Header("Hearth-Break-Glass", "child alone at night")).Want(200)
}
