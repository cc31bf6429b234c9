package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/santhosh-tekuri/jsonschema/v6"

	specs "github.com/hearthfps/hearth/api-specs"
	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
	"github.com/hearthfps/hearth/pkg/policy"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/pkg/testkit"
	"github.com/hearthfps/hearth/services/resource-directory/api"
	"github.com/hearthfps/hearth/services/resource-directory/directory"
	"github.com/hearthfps/hearth/services/resource-directory/postgres"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// desk is the API over a database of its own. Its tokens say who asks: agency/worker/role.
type desk struct {
	*apitest.Client
	t  testing.TB
	db *kit.DB
}

func newDesk(t testing.TB) desk {
	t.Helper()
	db, _ := testkit.Database(t, postgres.Migrations)
	c := clock.NewManual(now)
	engine, err := policy.New(c)
	must(t, err)
	needs, err := directory.LoadNeeds()
	must(t, err)
	server := &api.Server{
		DB: db, Clock: c, Policy: engine, Needs: needs, NewID: uuid.NewV7, Log: slog.New(slog.DiscardHandler),
		Profile: "https://hsds.example/profile", OpenAPIURL: "https://hsds.example/openapi.json",
	}
	spec, err := specs.OpenAPI.ReadFile("openapi/resource-directory.yaml")
	must(t, err)
	contract, err := httpapi.LoadContract(spec)
	must(t, err)
	handler, err := httpapi.New(httpapi.Options{Service: "resource-directory", Contract: contract, Routes: server.Routes, Authenticate: authenticate, Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	return desk{Client: apitest.New(t, handler, contract), t: t, db: db}
}

func authenticate(_ context.Context, token string) (auth.Principal, error) {
	parts := strings.Split(token, "/")
	if len(parts) != 3 {
		return auth.Principal{}, fault.New(fault.Unauthenticated, "token_refused", "Send another token.")
	}
	agency, err := tenant.Parse(parts[0])
	return auth.Principal{Subject: parts[1], WorkerID: parts[1], Agency: agency, Roles: []string{parts[2]}}, err
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// load loads a body and returns each line's status, and the totals.
func (d desk) load(body any, media string, options ...apitest.Option) (lines []api.ImportLine, totals api.ImportTotals) {
	d.t.Helper()
	answer := d.As("lakeland/ops-1/operator").Post("/directory/v1/imports", body, append(options, apitest.Header("Content-Type", media))...).Want(http.StatusOK)
	dec := json.NewDecoder(bytes.NewReader(answer.Body))
	dec.DisallowUnknownFields()
	for {
		var line api.ImportLine
		err := dec.Decode(&line)
		if err == io.EOF {
			break
		}
		must(d.t, err)
		if line.Totals != nil {
			totals = *line.Totals
			continue
		}
		lines = append(lines, line)
	}
	return lines, totals
}

func statuses(lines []api.ImportLine) []string {
	var out []string
	for _, l := range lines {
		out = append(out, string(*l.Status))
	}
	return out
}

const (
	foodBank  = `{"id":"7c1f5b3e-2a94-4d0c-8f63-1b7d9e0a4c55","name":"Food bank","status":"active","x_ours":{"kept":true},"phones":[{"id":"p"}],"organization":{"id":"d9d5e0f5-d3ce-4f73-9a2f-4dd0ecc6c610","name":"Harbour mission","description":""},"service_at_locations":[{"id":"e94c9f38-1e8f-4564-91d4-d53501ab1765","location":{"id":"3a19ff88-4620-4d17-9830-ac1d859eb5d5","location_type":"physical","latitude":61.5,"longitude":23.76}}],"attributes":[{"id":"ae58cc39-8b70-4ab1-8aea-786882e5ac8e","taxonomy_term":{"id":"3f7b145d-84af-42d7-8fae-eaca714b02b2","code":"F","name":"Food","description":"","taxonomy_detail":{"id":"5c4d79d7-cc55-470e-9f1f-8cad074e4892","name":"Needs","description":""}}}]}`
	foodBankN = "7c1f5b3e-2a94-4d0c-8f63-1b7d9e0a4c55"
)

func TestImport_EachRecordHasItsVerdictAndAgainChangesNothing(t *testing.T) {
	d := newDesk(t)
	page := `{"total_items":5,"contents":[` + foodBank + `,{"id":"b","name":"B","status":"active"},{"id":"b","name":"B","status":"active"},{"id":"b","name":"Other","status":"active"},{"id":"c","name":"C"}]}`
	lines, totals := d.load(page, "application/json")
	if diff := cmp.Diff([]string{"created", "created", "repeated", "conflict", "refused"}, statuses(lines)); diff != "" {
		t.Errorf("first (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(api.ImportTotals{Records: 5, Created: 2, Repeated: 1, Conflict: 1, Refused: 1, Complete: true}, totals); diff != "" {
		t.Errorf("totals (-want +got):\n%s", diff)
	}
	if p := *lines[4].Problems; p[0].Pointer != "/status" || p[0].Code != "required" || *lines[4].Index != 4 {
		t.Errorf("refused: got %+v", lines[4])
	}
	ndjson := foodBank + "\n" + `{"id":"b","name":"B","status":"active"}` + "\n"
	lines, _ = d.load(ndjson, "application/x-ndjson")
	if diff := cmp.Diff([]string{"unchanged", "unchanged"}, statuses(lines)); diff != "" {
		t.Errorf("again, as lines (-want +got):\n%s", diff)
	}
	lines, _ = d.load(`{"id":"b","name":"B","status":"inactive"}`, "application/json")
	if diff := cmp.Diff([]string{"updated"}, statuses(lines)); diff != "" {
		t.Errorf("one with other content (-want +got):\n%s", diff)
	}
	var got map[string]any
	d.As("lakeland/worker-1/family_worker").Get("/directory/hsds/services/" + foodBankN).Want(200).Into(&got)
	var want map[string]any
	must(t, json.Unmarshal([]byte(foodBank), &want))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("served as it came (-want +got):\n%s", diff)
	}
}

func TestImport_WhoMayAndWhatIsTaken(t *testing.T) {
	d := newDesk(t)
	post := func(token, media, body string) *apitest.Answer {
		return d.As(token).Post("/directory/v1/imports", body, apitest.Header("Content-Type", media))
	}
	post("lakeland/worker-1/family_worker", "application/json", `[]`).WantProblem(403, "not_allowed")
	post("lakeland/ops-1/operator", "text/csv", `id,name`).WantProblem(415, "unsupported_media")
	post("lakeland/ops-1/operator", "application/json", ``).WantProblem(400, "empty_body")
	post("lakeland/ops-1/operator", "application/json", `"text"`).WantProblem(400, "not_records")
	lines, totals := d.load(`[{"id":"a","name":"A","status":"active"},{"id":`, "application/json")
	if len(lines) != 1 || totals.Complete || totals.Stopped == nil || totals.Stopped.Code != "cut_short" {
		t.Errorf("cut short: got %v, %+v", statuses(lines), totals)
	}
	lines, totals = d.load(`[{"id":"n","name":"N","status":"active","x":1e999999},{"id":"m","name":"M","status":"active"}]`, "application/json")
	if diff := cmp.Diff([]string{"refused", "created"}, statuses(lines)); diff != "" || !totals.Complete {
		t.Errorf("a number beyond measure (-want +got):\n%s", diff)
	}
}

func TestImport_AnswersWhileTheBodyIsStillComing(t *testing.T) {
	d := newDesk(t)
	r, w := io.Pipe()
	answers := make(chan []api.ImportLine, 1)
	go func() {
		lines, _ := d.load(r, "application/x-ndjson")
		answers <- lines
	}()
	const n = 300
	for i := range n {
		if _, err := fmt.Fprintf(w, `{"id":"s-%d","name":"Service %d","status":"active"}`+"\n", i, i); err != nil {
			t.Fatal(err)
		}
	}
	must(t, w.Close())
	if lines := <-answers; len(lines) != n {
		t.Errorf("got %d verdicts for %d records", len(lines), n)
	}
}

func TestHSDS_PagesAndParameters(t *testing.T) {
	d := newDesk(t)
	body := foodBank + "\n"
	for i := range 6 {
		body += fmt.Sprintf(`{"id":"s-%d","name":"Club %d","status":"active","phones":[{"id":"x"}],"last_modified":"2026-0%d-01T00:00:00Z"}`+"\n", i, i, i+1)
	}
	d.load(body, "application/x-ndjson")
	w := d.As("lakeland/worker-1/family_worker")

	meta := apitest.Read[api.HSDSMetadata](w.Get("/directory/hsds/").Want(200))
	if diff := cmp.Diff(api.HSDSMetadata{Version: "3.1", Profile: "https://hsds.example/profile", OpenapiUrl: "https://hsds.example/openapi.json"}, meta); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	w.Get("/directory/hsds").Want(200)

	type page struct {
		TotalItems int  `json:"total_items"`
		TotalPages int  `json:"total_pages"`
		PageNumber int  `json:"page_number"`
		Size       int  `json:"size"`
		FirstPage  bool `json:"first_page"`
		LastPage   bool `json:"last_page"`
		Empty      bool `json:"empty"`
		Contents   []map[string]any
	}
	get := func(query string) page {
		t.Helper()
		return apitest.Read[page](w.Get("/directory/hsds/services?" + query).Want(200))
	}
	seen := map[any]int{}
	for n := 1; n <= 3; n++ {
		p := get(fmt.Sprintf("per_page=3&page=%d", n))
		if p.TotalItems != 7 || p.TotalPages != 3 || p.PageNumber != n || p.FirstPage != (n == 1) || p.LastPage != (n == 3) || p.Empty || p.Size != len(p.Contents) {
			t.Errorf("page %d: got %+v", n, p)
		}
		for _, s := range p.Contents {
			seen[s["id"]]++
		}
	}
	if len(seen) != 7 {
		t.Errorf("pages gave %d of 7 services", len(seen))
	}
	if p := get("page=9"); !p.Empty || p.Size != 0 || p.FirstPage || !p.LastPage || p.TotalItems != 7 {
		t.Errorf("beyond the last page: got %+v", p)
	}
	for query, want := range map[string]int{
		"modified_after=2026-05-01T00:00:00Z":                   3, // May, June, and the one loaded now
		"taxonomy_term_id=3f7b145d-84af-42d7-8fae-eaca714b02b2": 1,
		"taxonomy_id=5c4d79d7-cc55-470e-9f1f-8cad074e4892":      1,
		"organization_id=d9d5e0f5-d3ce-4f73-9a2f-4dd0ecc6c610":  1,
		"search=food": 1, "search=clubs": 6, "search=zebra": 0,
	} {
		if p := get(query); p.TotalItems != want {
			t.Errorf("%s: got %d, want %d", query, p.TotalItems, want)
		}
	}
	if p := get("search=food"); p.Contents[0]["phones"] != nil || p.Contents[0]["organization"] == nil || p.Contents[0]["x_ours"] == nil {
		t.Errorf("simple: got %v", p.Contents[0])
	}
	if p := get("search=food&full=true"); p.Contents[0]["phones"] == nil {
		t.Errorf("full: got %v", p.Contents[0])
	}
	if p := get("minimal=true"); p.Size != 7 || len(p.Contents[0]) != 3 || p.Contents[0]["modified_date"] == nil {
		t.Errorf("minimal: got %+v", p)
	}
	for path, want := range map[string]int{"organizations": 1, "service_at_locations": 1, "taxonomies": 1, "taxonomy_terms": 1, "taxonomy_terms?parent_id=x": 0} {
		p := apitest.Read[page](w.Get("/directory/hsds/" + path).Want(200))
		if p.TotalItems != want {
			t.Errorf("%s: got %d, want %d", path, p.TotalItems, want)
			continue
		}
		for _, record := range p.Contents {
			w.Get(fmt.Sprintf("/directory/hsds/%s/%s", path, record["id"])).Want(200)
		}
	}
	w.Get("/directory/hsds/services/nope").WantProblem(404, "record_not_found")
	w.Get("/directory/hsds/services?per_page=0").Want(400)
	w.Get("/directory/hsds/services?colour=red").Want(400)
	other := d.As("hillside/worker-1/family_worker")
	other.Get("/directory/hsds/services/"+foodBankN).WantProblem(404, "record_not_found")
	if p := apitest.Read[page](other.Get("/directory/hsds/services")); p.TotalItems != 0 || !p.Empty || p.TotalPages != 0 {
		t.Errorf("another agency sees %+v", p)
	}
}

func TestSearch_ByNeedTextAndPlace(t *testing.T) {
	d := newDesk(t)
	d.load(foodBank, "application/json")
	w := d.As("lakeland/worker-1/family_worker")
	page := apitest.Read[api.SearchPage](w.Get("/directory/v1/search?need=food&near=61.49,23.75&q=bank").Want(200))
	if len(page.Items) != 1 || page.Items[0].DistanceKm == nil || *page.Items[0].DistanceKm > 3 || page.Needs == nil || *page.Items[0].OrganizationName != "Harbour mission" {
		t.Errorf("got %+v", page)
	}
	if page := apitest.Read[api.SearchPage](w.Get("/directory/v1/search?need=housing").Want(200)); len(page.Items) != 0 {
		t.Errorf("another need: got %+v", page)
	}
	w.Get("/directory/v1/search?need=levitation").WantProblem(422, "unknown_need")
	w.Get("/directory/v1/search?near=91,0").WantProblem(400, "not_a_place")
	w.Get("/directory/v1/search?within_km=5").WantProblem(400, "near_missing")
	w.Get("/directory/v1/search?cursor=zzz").WantProblem(400, "cursor_malformed")
	needs := apitest.Read[api.Needs](w.Get("/directory/v1/needs").Want(200))
	if len(needs.Items) < 10 || needs.Items[0].Label["fi"] == "" {
		t.Errorf("needs: got %+v", needs)
	}
}

const caseID = "019aa7b0-11f2-7a44-8a0e-5b8c0d9e1f22"

// openCase makes a case known, as the event does, with worker-1 assigned and worker-9 excluded.
func (d desk) openCase(agency string) {
	d.t.Helper()
	id, err := tenant.Parse(agency)
	must(d.t, err)
	must(d.t, d.db.InTenant(tenant.With(d.t.Context(), id), func(ctx context.Context, tx *kit.Tx) error {
		if err := postgres.OpenCase(ctx, tx, caseID, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"); err != nil {
			return err
		}
		if err := policy.ExcludeWorker(ctx, tx, caseID, "worker-9"); err != nil {
			return err
		}
		return policy.AssignWorker(ctx, tx, caseID, "worker-1", "lead")
	}))
}

// outbox is the events waiting to be sent: type, key, version and data.
func (d desk) outbox() []map[string]any {
	d.t.Helper()
	id, err := tenant.Parse("lakeland")
	must(d.t, err)
	var out []map[string]any
	must(d.t, d.db.InTenant(tenant.With(d.t.Context(), id), func(ctx context.Context, tx *kit.Tx) error {
		rows, err := tx.QueryxContext(ctx, `SELECT type, key, version, data, traceparent FROM outbox ORDER BY seq`)
		if err != nil {
			return err
		}
		defer func() { must(d.t, rows.Close()) }()
		for rows.Next() {
			var kind, key, data, trace string
			var version int64
			if err := rows.Scan(&kind, &key, &version, &data, &trace); err != nil {
				return err
			}
			if !strings.Contains(trace, "0af7651916cd43dd8448eb211c80319c") {
				d.t.Errorf("%s does not belong to the family's trace: %s", kind, trace)
			}
			m := map[string]any{"type": kind, "key": key, "version": version}
			if err := json.Unmarshal([]byte(data), &m); err != nil {
				return err
			}
			out = append(out, m)
		}
		return rows.Err()
	}))
	return out
}

func TestResourceReferral_FromRequestToOutcome(t *testing.T) {
	d := newDesk(t)
	d.load(foodBank, "application/json")
	d.openCase("lakeland")
	w := d.As("lakeland/worker-1/family_worker")
	request := map[string]string{"case_id": caseID, "service_id": foodBankN, "need": "food"}

	first := w.Post("/directory/v1/resource-referrals", request, apitest.Key("k1")).Want(201)
	referral := apitest.Read[api.ResourceReferral](first)
	again := w.Post("/directory/v1/resource-referrals", request, apitest.Key("k1")).Want(201)
	if string(first.Body) != string(again.Body) || first.ETag() != again.ETag() {
		t.Errorf("the same key gave\n%s\nand\n%s", first.Body, again.Body)
	}
	w.Post("/directory/v1/resource-referrals", map[string]string{"case_id": caseID, "service_id": foodBankN, "need": "housing"}, apitest.Key("k1")).WantProblem(422, "idempotency_key_reused")
	w.Post("/directory/v1/resource-referrals", request, apitest.Key("k2")).WantProblem(409, "already_referred")

	path := "/directory/v1/resource-referrals/" + referral.ResourceReferralId.String()
	w.Post(path+":accept", nil).WantProblem(428, "if_match_missing")
	w.Post(path+":accept", nil, apitest.IfMatch(`"7"`)).WantProblem(412, "version_changed")
	w.Post(path+":complete", map[string]string{"outcome_code": "need_met"}, apitest.IfMatch(first.ETag())).WantProblem(409, "wrong_state")
	accepted := w.Post(path+":accept", nil, apitest.IfMatch(first.ETag()), apitest.Key("k3")).Want(200)
	w.Post(path+":complete", map[string]string{"outcome_code": "great"}, apitest.IfMatch(accepted.ETag())).WantProblem(400, "invalid_request")
	done := apitest.Read[api.ResourceReferral](w.Post(path+":complete", map[string]string{"outcome_code": "need_partly_met"}, apitest.IfMatch(accepted.ETag())).Want(200))
	if done.State != "completed" || *done.OutcomeCode != "need_partly_met" || done.AnsweredAt == nil || done.EndedAt == nil || done.Version != 3 {
		t.Errorf("got %+v", done)
	}
	slip := apitest.Read[map[string]any](w.Get(path + "/slip").Want(200))
	if diff := cmp.Diff([]string{"case_reference", "need", "reference", "requested_at", "service_id", "service_name"}, keys(slip)); diff != "" {
		t.Errorf("the slip holds (-want +got):\n%s", diff)
	}

	second := w.Post("/directory/v1/resource-referrals", request).Want(201)
	declined := apitest.Read[api.ResourceReferral](second)
	w.Post("/directory/v1/resource-referrals/"+declined.ResourceReferralId.String()+":decline", map[string]string{"reason_code": "no_capacity"}, apitest.IfMatch(second.ETag())).Want(200)
	third := w.Post("/directory/v1/resource-referrals", request).Want(201)
	withdrawn := apitest.Read[api.ResourceReferral](third)
	w.Post("/directory/v1/resource-referrals/"+withdrawn.ResourceReferralId.String()+":withdraw", map[string]string{"reason_code": "family_declined"}, apitest.IfMatch(third.ETag())).Want(200)

	var told []string
	for _, e := range d.outbox() {
		if e["key"] != caseID || e["case_id"] != caseID {
			t.Errorf("keyed by %v: %v", e["key"], e)
		}
		told = append(told, strings.TrimSuffix(strings.TrimPrefix(e["type"].(string), "org.hearth.resource-directory.resource_referral."), ".v1"))
	}
	if diff := cmp.Diff([]string{"requested", "accepted", "completed", "requested", "declined", "requested", "withdrawn"}, told); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	list := apitest.Read[api.ResourceReferralPage](w.Get("/directory/v1/resource-referrals?limit=2").Want(200))
	rest := apitest.Read[api.ResourceReferralPage](w.Get("/directory/v1/resource-referrals?limit=2&cursor=" + *list.NextCursor).Want(200))
	if len(list.Items) != 2 || len(rest.Items) != 1 || rest.NextCursor != nil || list.Items[0].ResourceReferralId != withdrawn.ResourceReferralId {
		t.Errorf("pages of %d and %d", len(list.Items), len(rest.Items))
	}
}

func TestResourceReferral_NeedToKnow(t *testing.T) {
	d := newDesk(t)
	d.load(foodBank, "application/json")
	d.openCase("lakeland")
	request := map[string]string{"case_id": caseID, "service_id": foodBankN, "need": "food"}
	made := d.As("lakeland/worker-1/family_worker").Post("/directory/v1/resource-referrals", request).Want(201)
	path := "/directory/v1/resource-referrals/" + apitest.Read[api.ResourceReferral](made).ResourceReferralId.String()
	for _, token := range []string{"lakeland/worker-2/family_worker", "lakeland/worker-9/supervisor", "hillside/worker-1/family_worker", "hillside/boss/supervisor"} {
		c := d.As(token)
		c.Get(path).Want(404)
		c.Get(path + "/slip").Want(404)
		c.Post(path+":accept", nil, apitest.IfMatch(made.ETag())).Want(404)
		c.Post("/directory/v1/resource-referrals", request).Want(404)
		if page := apitest.Read[api.ResourceReferralPage](c.Get("/directory/v1/resource-referrals").Want(200)); len(page.Items) != 0 {
			t.Errorf("%s lists %d", token, len(page.Items))
		}
	}
	// Working on another case gives nothing of this one.
	id, err := tenant.Parse("lakeland")
	must(t, err)
	must(t, d.db.InTenant(tenant.With(t.Context(), id), func(ctx context.Context, tx *kit.Tx) error {
		return policy.AssignWorker(ctx, tx, "another-case", "worker-2", "lead")
	}))
	if page := apitest.Read[api.ResourceReferralPage](d.As("lakeland/worker-2/family_worker").Get("/directory/v1/resource-referrals").Want(200)); len(page.Items) != 0 {
		t.Errorf("a worker of another case lists %d", len(page.Items))
	}
	d.As("lakeland/boss/supervisor").Get(path).Want(200)
	if page := apitest.Read[api.ResourceReferralPage](d.As("lakeland/boss/supervisor").Get("/directory/v1/resource-referrals?case_id=" + caseID)); len(page.Items) != 1 {
		t.Errorf("a supervisor lists %d", len(page.Items))
	}
	must(t, d.db.InTenant(tenant.With(t.Context(), id), func(ctx context.Context, tx *kit.Tx) error {
		var lists int
		err := tx.GetContext(ctx, &lists, `SELECT count(*) FROM audit WHERE actor = 'boss' AND action = 'list' AND resource_type = 'resource_referral'`)
		if lists != 1 {
			t.Errorf("a list left %d audit rows, want 1", lists)
		}
		return err
	}))
}

func TestResourceReferral_WhatCannotBeReferred(t *testing.T) {
	d := newDesk(t)
	d.load(foodBank+"\n"+`{"id":"gone","name":"Gone","status":"defunct"}`, "application/x-ndjson")
	d.openCase("lakeland")
	w := d.As("lakeland/worker-1/family_worker")
	post := func(service string) *apitest.Answer {
		return w.Post("/directory/v1/resource-referrals", map[string]string{"case_id": caseID, "service_id": service, "need": "food"})
	}
	post("nope").WantProblem(404, "service_not_found")
	post("gone").WantProblem(409, "service_not_active")
	w.Post("/directory/v1/resource-referrals", map[string]string{"case_id": caseID, "service_id": foodBankN, "need": "Not A Code"}).WantProblem(400, "invalid_request")
	w.Post("/directory/v1/resource-referrals", map[string]string{"case_id": caseID, "service_id": foodBankN, "need": "food", "note": "call them"}).WantProblem(400, "invalid_request")
	id, err := tenant.Parse("lakeland")
	must(t, err)
	must(t, d.db.InTenant(tenant.With(t.Context(), id), func(ctx context.Context, tx *kit.Tx) error { return postgres.CloseCase(ctx, tx, caseID) }))
	post(foodBankN).WantProblem(409, "case_closed")
	if told := d.outbox(); len(told) != 0 {
		t.Errorf("refused requests published %v", told)
	}
}

// The shared HSDS data: every file of the official examples that holds what is
// loaded here, and the 128 records of the UK set.
func TestSharedData_IsLoadedServedAndLoadedAgainWithoutChange(t *testing.T) {
	root := sharedData(t)
	d := newDesk(t)
	uk, err := os.ReadFile(filepath.Join(root, "hsds/uk/service_list_data.json"))
	must(t, err)
	lines, totals := d.load(uk, "application/json")
	// All 128 carry one id: the first is a service, the rest are that one again or contradict it.
	if totals.Records != 128 || totals.Created != 1 || totals.Repeated+totals.Conflict != 127 || totals.Refused != 0 || len(lines) != 128 {
		t.Errorf("UK: got %+v", totals)
	}
	if _, again := d.load(uk, "application/json"); again.Unchanged != 1 || again.Created+again.Updated != 0 {
		t.Errorf("UK again: got %+v", again)
	}
	for _, tc := range []struct{ file, entity string }{
		{"service_full.json", "service"},
		{"service_list.json", "service"},
		{"organization_full.json", "organization"},
		{"organization_list.json", "organization"},
		{"taxonomy.json", "taxonomy"},
		{"taxonomy_list.json", "taxonomy"},
		{"taxonomy_term.json", "taxonomy_term"},
		{"taxonomy_term_list.json", "taxonomy_term"},
	} {
		data, err := os.ReadFile(filepath.Join(root, "hsds/examples", tc.file))
		must(t, err)
		query := apitest.Query("entity", tc.entity)
		if lines, totals := d.load(data, "application/json", query); totals.Refused+totals.Conflict > 0 || !totals.Complete || totals.Records == 0 {
			t.Errorf("%s: got %+v, first %+v", tc.file, totals, lines[0])
		}
		if _, totals := d.load(data, "application/json", query); totals.Created+totals.Updated > 0 {
			t.Errorf("%s again: got %+v", tc.file, totals)
		}
	}
	full, err := os.ReadFile(filepath.Join(root, "hsds/examples/service_full.json"))
	must(t, err)
	d.load(full, "application/json")

	w := d.As("lakeland/worker-1/family_worker")
	paths := map[string]string{
		"/directory/hsds/services?full=true": "service.json", "/directory/hsds/organizations": "organization.json",
		"/directory/hsds/taxonomies": "taxonomy.json", "/directory/hsds/taxonomy_terms": "taxonomy_term.json", "/directory/hsds/service_at_locations": "service_at_location.json",
	}
	for path, schema := range paths {
		var page struct{ Contents []map[string]any }
		w.Get(path).Want(200).Into(&page)
		if len(page.Contents) == 0 {
			t.Errorf("%s is empty", path)
		}
		list, _, _ := strings.Cut(path, "?")
		for _, record := range page.Contents {
			checkHSDS(t, root, schema, w.Get(fmt.Sprintf("%s/%s", list, record["id"])).Want(200).Body)
		}
	}
	var page struct{ Contents []json.RawMessage }
	w.Get("/directory/hsds/services").Want(200).Into(&page)
	for _, record := range page.Contents {
		checkHSDS(t, root, "compiled/service_list.json", record)
	}
	if page := apitest.Read[api.SearchPage](w.Get("/directory/v1/search?need=mental_health").Want(200)); len(page.Items) != 1 {
		t.Errorf("a search for mental health finds %d of the counselling service", len(page.Items))
	}
}

// checkHSDS holds an answer against HSDS's own schema.
func checkHSDS(t *testing.T, root, schema string, answer []byte) {
	t.Helper()
	compiled, err := jsonschema.NewCompiler().Compile(filepath.Join(root, "hsds/openapi", schema))
	must(t, err)
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(answer))
	must(t, err)
	if err := compiled.Validate(value); err != nil {
		t.Errorf("%s: %v", schema, err)
	}
}

// sharedData is the folder of test data beside the project; the test is skipped where there is none.
func sharedData(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	must(t, err)
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		data := filepath.Join(dir, "../shared/data")
		if info, err := os.Stat(data); err == nil && info.IsDir() {
			return data
		}
	}
	t.Skip("no shared test data (../shared/data) beside the project")
	return ""
}

func keys(m map[string]any) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
