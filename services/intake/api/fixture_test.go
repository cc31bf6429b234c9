package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	specs "github.com/hearthfps/hearth/api-specs"
	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
	"github.com/hearthfps/hearth/pkg/policy"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	sharedrules "github.com/hearthfps/hearth/pkg/rules"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/pkg/testkit"
	"github.com/hearthfps/hearth/services/intake/api"
	"github.com/hearthfps/hearth/services/intake/postgres"
	"github.com/hearthfps/hearth/services/intake/reception"
	"github.com/hearthfps/hearth/services/intake/referral"
	"github.com/hearthfps/hearth/services/intake/rules"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) // a Friday, 14:00 in Helsinki

// bench is intake's API on a database of its own. A token is
// "agency role[,role] worker [source]".
type bench struct {
	t       testing.TB
	db      *kit.DB
	clock   *clock.Manual
	handler http.Handler
	client  *apitest.Client
	log     *bytes.Buffer

	reception *reception.Reception
}

func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{t: t, clock: clock.NewManual(noon), log: &bytes.Buffer{}}
	b.db, _ = testkit.Database(t, postgres.Migrations, testkit.WithClock(b.clock))
	indexes, err := postgres.NewIndexes()
	must(t, err)
	book, err := rules.Load(rules.Files)
	must(t, err)
	shared, err := fs.Sub(specs.Rules, "rules")
	must(t, err)
	bundle, err := sharedrules.LoadBundle(shared)
	must(t, err)
	engine, err := policy.New(b.clock)
	must(t, err)
	desk := &referral.Desk{RuleBook: book, IDs: reception.UUIDs{}}
	r := &reception.Reception{
		DB: b.db, Desk: desk, Indexes: indexes, Clock: b.clock,
		Agency: func(id tenant.AgencyID) (*referral.Agency, error) {
			a, err := bundle.Agency(id)
			if err != nil {
				return nil, err
			}
			return &referral.Agency{
				Country: a.Country, Calendar: a.Calendar, Languages: a.Languages,
				Area: func(country, code string) (referral.Point, bool) {
					area, ok := a.Area(country, code)
					return referral.Point{Lat: area.Lat, Lon: area.Lon, PrecisionM: area.PrecisionM}, ok
				},
				Program: func(code string, now time.Time) (string, bool) {
					p, err := bundle.Program(a, code, now)
					return p.Ref.Version, err == nil
				},
			}, nil
		},
		Guard: func(ctx context.Context, tx *kit.Tx) error {
			// Each event's own source is checked as it is read (reception.Read), so
			// that one of another sender is refused and spoils no other.
			p, _ := auth.From(ctx)
			return engine.Check(ctx, tx, policy.Receive, policy.Resource{Type: "inbound_event", Source: p.Source})
		},
	}
	b.reception = r
	spec, err := specs.OpenAPI.ReadFile("openapi/intake.yaml")
	must(t, err)
	contract, err := httpapi.LoadContract(spec)
	must(t, err)
	a := &api.API{DB: b.db, Clock: b.clock, Policy: engine, Reception: r, NewID: reception.NewID}
	b.handler, err = httpapi.New(httpapi.Options{Service: "intake", Contract: contract, Routes: a.Routes("/intake/v1"), Authenticate: authenticate, Log: slog.New(slog.NewJSONHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	must(t, err)
	b.client = apitest.New(t, b.handler, contract)
	return b
}

func authenticate(_ context.Context, token string) (auth.Principal, error) {
	parts := strings.Fields(token)
	if len(parts) < 3 {
		return auth.Principal{}, fault.New(fault.Unauthenticated, "token_invalid", "This token is not one.")
	}
	agency, err := tenant.Parse(parts[0])
	p := auth.Principal{Subject: "sub-" + parts[2], Agency: agency, Roles: strings.Split(parts[1], ",")}
	if parts[1] != auth.RoleReferrer && parts[1] != auth.RoleService {
		p.WorkerID = parts[2]
	}
	if len(parts) > 3 {
		p.Source = parts[3]
	}
	return p, err
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// as gives a client with a token of lakeland's.
func (b *bench) as(role, who string, source ...string) *apitest.Client {
	return b.client.As(strings.Join(append([]string{"lakeland", role, who}, source...), " "))
}

// column asks the database, as lakeland.
func (b *bench) column(query string, args ...any) []string {
	b.t.Helper()
	agency, err := tenant.Parse("lakeland")
	must(b.t, err)
	var rows []string
	must(b.t, b.db.InTenant(tenant.With(b.t.Context(), agency), func(ctx context.Context, tx *kit.Tx) error {
		rows = nil
		return tx.SelectContext(ctx, &rows, query, args...)
	}))
	return rows
}

func (b *bench) exec(query string, args ...any) {
	b.t.Helper()
	agency, err := tenant.Parse("lakeland")
	must(b.t, err)
	must(b.t, b.db.InTenant(tenant.With(b.t.Context(), agency), func(ctx context.Context, tx *kit.Tx) error {
		_, err := tx.ExecContext(ctx, query, args...)
		return err
	}))
}

type object = map[string]any

// event is a submission of one family with a canary of each kind in it.
func event(id string) object {
	return parse(`{"specversion":"1.0","id":"` + id + `","source":"/systems/school/one","type":"org.hearth.referral.submitted.v1",
	 "time":"2026-11-20T08:00:00Z","datacontenttype":"application/json","subject":"S-1","data":{
	 "external_id":"S-1","received_at":"2026-11-20T08:00:00Z","channel":"school","kind":"notification","narrative":"Canarynarrative.",
	 "concerns":[{"code":"neglect","subjects":["p2"]}],"requested_program":"perhetyo","urgency":"standard","safety_flags":[],
	 "reporter":{"anonymous":false,"name":{"given":["Canaryreporter"],"family":"Teller"},"role":"teacher","mandated":true,"organisation":"School","contacts":[{"kind":"email","value":"canaryreporter@example.org"}],"wants_feedback":true},
	 "persons":[{"ref":"p1","role":"caregiver","name":{"given":["Canaryada"],"family":"Koski"},"birth_date":"1990-02-03","sex":"female","languages":["fi"],"contacts":[{"kind":"phone","value":"+358401234567","safe":"unknown"}],"addresses":[{"lines":["Canarykatu 1"],"city":"Oulu","postal_code":"90100","country":"FI","confidential":false}]},
	            {"ref":"p2","role":"child","name":{"given":["Canarybo"],"family":"Koski"},"birth_date":"2018-05-01","sex":"male","languages":["fi"]}],
	 "relationships":[{"from":"p1","to":"p2","type":"parent_of"}],"household":{"members":["p1","p2"]}}}`)
}

func parse(s string) object {
	var m object
	if err := json.Unmarshal([]byte(s), &m); err != nil {
		panic(err)
	}
	return m
}

// at finds a value in nested objects and lists by its path.
func at(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(object)
			v = m[p]
		case int:
			list, _ := v.([]any)
			if p >= len(list) {
				return nil
			}
			v = list[p]
		}
	}
	return v
}

func text(v any, path ...any) string {
	s, _ := at(v, path...).(string)
	return s
}

var structured = apitest.Header("Content-Type", "application/cloudevents+json")

// received sends an event and gives the id of its referral.
func (b *bench) received(e object) string {
	b.t.Helper()
	return text(read(b.as("referrer", "school", "/systems/school").Post("/intake/v1/events", e, structured).Want(http.StatusAccepted)), "referral_id")
}

func read(a *apitest.Answer) object { return apitest.Read[object](a) }
