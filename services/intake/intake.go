// Package intake is the intake service: it wires the domain (package referral) to
// the database, the API, the inbound topic, the events of other services and the
// timers of its clocks.
package intake

import (
	"context"
	"fmt"
	"time"

	"github.com/hearthfps/hearth/pkg/app"
	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/policy"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	sharedrules "github.com/hearthfps/hearth/pkg/rules"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/pkg/timers"
	"github.com/hearthfps/hearth/services/intake/api"
	"github.com/hearthfps/hearth/services/intake/postgres"
	"github.com/hearthfps/hearth/services/intake/reception"
	"github.com/hearthfps/hearth/services/intake/referral"
	"github.com/hearthfps/hearth/services/intake/rules"
	"github.com/hearthfps/hearth/services/intake/upkeep"

	specs "github.com/hearthfps/hearth/api-specs"
)

// BasePath is where intake's API begins.
const BasePath = "/intake/v1"

// sampleShare is the share of links made without asking that a records officer is
// asked about all the same: enough to tell how many are false, and few enough to be
// done beside the rest.
const sampleShare = 0.04

// Service says what intake is made of.
func Service() app.Service {
	return app.Service{
		Name: "intake", Port: 8081, Spec: spec(), Migrations: postgres.Migrations, Probe: Probe, New: build,
	}
}

// spec is the embedded contract; without it the module does not build a service.
func spec() []byte {
	b, err := specs.OpenAPI.ReadFile("openapi/intake.yaml")
	if err != nil {
		panic("intake: the OpenAPI file is not embedded: " + err.Error())
	}
	return b
}

func build(_ context.Context, d *app.Deps) (*app.Parts, error) {
	if err := d.Settings(&struct{}{}); err != nil {
		return nil, err
	}
	book, err := rules.Load(rules.Files)
	if err != nil {
		return nil, fmt.Errorf("read intake's rules: %w", err)
	}
	indexes, err := postgres.NewIndexes()
	if err != nil {
		return nil, err
	}
	desk := &referral.Desk{RuleBook: book, IDs: reception.UUIDs{}}
	r := &reception.Reception{
		DB: d.DB, Desk: desk, Indexes: indexes, Clock: d.Clock, SampleShare: sampleShare,
		Agency: func(id tenant.AgencyID) (*referral.Agency, error) { return agency(d.Rules, id) },
		Guard: func(ctx context.Context, tx *kit.Tx) error {
			// Each event's own source is checked as it is read (reception.Read), so
			// that one of another sender is refused and spoils no other.
			p, _ := auth.From(ctx)
			return d.Policy.Check(ctx, tx, policy.Receive, policy.Resource{Type: "inbound_event", Source: p.Source})
		},
	}
	keeper := &upkeep.Upkeep{DB: d.DB, Indexes: indexes, Clock: d.Clock, NewID: reception.NewID, Log: d.Log, Agencies: func() []tenant.AgencyID {
		var all []tenant.AgencyID
		for _, a := range d.Rules.Agencies() {
			all = append(all, a.ID)
		}
		return all
	}}
	a := &api.API{DB: d.DB, Clock: d.Clock, Policy: d.Policy, Reception: r, NewID: reception.NewID}
	return &app.Parts{
		Routes: a.Routes(BasePath),
		Subscriptions: []events.Subscription{
			{Topics: []string{events.Topic("assessment"), events.Topic("visit-scheduling")}, Handlers: milestoneHandlers()},
			{Topics: []string{events.Topic("planning")}, Handlers: policy.CaseAccessHandlers()},
			{Topics: []string{events.Topic("planning")}, Handlers: exclusionHandlers(d.Clock)},
		},
		Raw:      []events.RawSubscription{{Topic: reception.Topic, Handler: r.FromTopic(bySource(d.Rules))}},
		Signals:  signals(book),
		Censuses: append(censuses(), newDriftWatch(d.Clock, d.Log).censuses()...),
		Workers:  []app.Worker{{Name: "person index", Run: keeper.Run}},
		// Those that come at once share a transaction (see reception).
		Lanes:  32,
		Timers: map[string]timers.Handler{postgres.ClockTimer: expireClock(d.Clock)},
	}, nil
}

// agency is what the shared rule files say of an agency, as intake needs it.
func agency(b *sharedrules.Bundle, id tenant.AgencyID) (*referral.Agency, error) {
	a, err := b.Agency(id)
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
			p, err := b.Program(a, code, now)
			return p.Ref.Version, err == nil
		},
	}, nil
}

func bySource(b *sharedrules.Bundle) func(string) (tenant.AgencyID, bool) {
	return func(source string) (tenant.AgencyID, bool) {
		a, ok := b.AgencyOfSource(source)
		if !ok {
			return tenant.AgencyID{}, false
		}
		return a.ID, true
	}
}
