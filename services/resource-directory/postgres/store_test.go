package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/hearthfps/hearth/pkg/fault"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/pkg/testkit"
	"github.com/hearthfps/hearth/services/resource-directory/directory"
	"github.com/hearthfps/hearth/services/resource-directory/postgres"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func agency(t testing.TB, slug string) context.Context {
	t.Helper()
	id, err := tenant.Parse(slug)
	if err != nil {
		t.Fatal(err)
	}
	return tenant.With(t.Context(), id)
}

// in runs fn in a transaction of the context's agency.
func in(t testing.TB, ctx context.Context, db *kit.DB, fn func(ctx context.Context, tx *kit.Tx) error) error {
	t.Helper()
	return db.InTenant(ctx, fn)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// load stores one record as it would come and returns the verdict.
func load(t testing.TB, ctx context.Context, db *kit.DB, entity directory.Entity, mode directory.Mode, doc string) directory.Status {
	t.Helper()
	rec, faults := directory.ParseRecord(entity, json.RawMessage(doc))
	if len(faults) > 0 {
		t.Fatalf("%s: %v", doc, faults)
	}
	var status directory.Status
	must(t, in(t, ctx, db, func(ctx context.Context, tx *kit.Tx) (err error) {
		status, err = postgres.Load(ctx, tx, rec, mode, now)
		return err
	}))
	return status
}

func read(t testing.TB, ctx context.Context, db *kit.DB, fn func(ctx context.Context, tx *kit.Tx) (json.RawMessage, error)) map[string]any {
	t.Helper()
	var doc json.RawMessage
	must(t, in(t, ctx, db, func(ctx context.Context, tx *kit.Tx) (err error) {
		doc, err = fn(ctx, tx)
		return err
	}))
	var m map[string]any
	must(t, json.Unmarshal(doc, &m))
	return m
}

func service(t testing.TB, ctx context.Context, db *kit.DB, id string) map[string]any {
	t.Helper()
	return read(t, ctx, db, func(ctx context.Context, tx *kit.Tx) (json.RawMessage, error) {
		return postgres.ServiceDocument(ctx, tx, id)
	})
}

func TestLoad_TheSameContentAgainChangesNothing(t *testing.T) {
	db, _ := testkit.Database(t, postgres.Migrations)
	ctx := agency(t, "lakeland")
	for _, step := range []struct {
		doc  string
		want directory.Status
	}{
		{`{"id":"s1","name":"Food bank","status":"active","x_ours":[1.50],"phones":[{"id":"p"}]}`, directory.Created},
		{`{"status":"active","name":"Food bank","id":"s1","x_ours":[1.50],"phones":[{"id":"p"}]}`, directory.Unchanged},
		{`{"id":"s1","name":"Food bank","status":"inactive"}`, directory.Updated},
		{`{"id":"s1","name":"Food bank","status":"inactive"}`, directory.Unchanged},
	} {
		if got := load(t, ctx, db, directory.EntityService, directory.Replace, step.doc); got != step.want {
			t.Errorf("%s: got %s, want %s", step.doc, got, step.want)
		}
	}
	if diff := cmp.Diff(map[string]any{"id": "s1", "name": "Food bank", "status": "inactive"}, service(t, ctx, db, "s1")); diff != "" {
		t.Errorf("served (-want +got):\n%s", diff)
	}
}

func TestLoad_MergingKeepsWhatAListPageLeavesOut(t *testing.T) {
	db, _ := testkit.Database(t, postgres.Migrations)
	ctx := agency(t, "lakeland")
	load(t, ctx, db, directory.EntityService, directory.Replace, `{"id":"s1","name":"Food bank","status":"active","phones":[{"id":"p"}],"x":1}`)
	page := `{"id":"s1","name":"Food bank","status":"temporarily closed"}`
	if got := load(t, ctx, db, directory.EntityService, directory.Merging, page); got != directory.Updated {
		t.Errorf("got %s", got)
	}
	if got := load(t, ctx, db, directory.EntityService, directory.Merging, page); got != directory.Unchanged {
		t.Errorf("again: got %s", got)
	}
	want := map[string]any{"id": "s1", "name": "Food bank", "status": "temporarily closed", "phones": []any{map[string]any{"id": "p"}}, "x": 1.0}
	if diff := cmp.Diff(want, service(t, ctx, db, "s1")); diff != "" {
		t.Errorf("served (-want +got):\n%s", diff)
	}
}

// Copies of an organization inside services fill in what is not known and never
// take away; the organization's own record is what counts.
func TestLoad_NestedRecordsFillInAndGiveWay(t *testing.T) {
	db, _ := testkit.Database(t, postgres.Migrations)
	ctx := agency(t, "lakeland")
	organization := func() map[string]any {
		return read(t, ctx, db, func(ctx context.Context, tx *kit.Tx) (json.RawMessage, error) {
			return postgres.Document(ctx, tx, directory.EntityOrganization, "o1")
		})
	}
	services := []string{
		`{"id":"s1","name":"A","status":"active","organization":{"id":"o1","name":"Org"}}`,
		`{"id":"s2","name":"B","status":"active","organization":{"id":"o1","name":"Other name","email":"office@example.org"}}`,
	}
	for range 2 {
		for _, s := range services {
			load(t, ctx, db, directory.EntityService, directory.Replace, s)
		}
		if diff := cmp.Diff(map[string]any{"id": "o1", "name": "Org", "email": "office@example.org"}, organization()); diff != "" {
			t.Errorf("from inside services (-want +got):\n%s", diff)
		}
	}
	own := `{"id":"o1","name":"The organization"}`
	if got := load(t, ctx, db, directory.EntityOrganization, directory.Replace, own); got != directory.Updated {
		t.Errorf("its own record: got %s", got)
	}
	load(t, ctx, db, directory.EntityService, directory.Replace, `{"id":"s3","name":"C","status":"active","organization":{"id":"o1","name":"Org","x":1}}`)
	if diff := cmp.Diff(map[string]any{"id": "o1", "name": "The organization"}, organization()); diff != "" {
		t.Errorf("after its own record (-want +got):\n%s", diff)
	}
	if got := load(t, ctx, db, directory.EntityOrganization, directory.Replace, own); got != directory.Unchanged {
		t.Errorf("its own record again: got %s", got)
	}
}

var listed = []string{
	`{"id":"counselling","name":"Community counselling","status":"active","description":"Help with depression and anxiety for parents.","minimum_age":18}`,
	`{"id":"neuvola","name":"Perheneuvola Kaisla","status":"active","description":"Apua vanhemmuuteen ja lasten kasvatukseen.","languages":[{"id":"1","code":"fi"}]}`,
	`{"id":"paihde","name":"Päihdeklinikka","status":"active","description":"Päihdehoitoa ja vertaistukea ilman lähetettä.","minimum_age":16}`,
	`{"id":"boende","name":"Boenderådgivningen","status":"active","description":"Rådgivning om hyra och bostäder för barnfamiljer.","languages":[{"id":"1","code":"sv"}]}`,
	`{"id":"food","name":"Harbour food bank","status":"active","description":"Food parcels every Friday.",
	  "service_at_locations":[{"id":"l1","location":{"id":"x1","location_type":"physical","latitude":60.17,"longitude":24.94,"addresses":[{"id":"a","city":"Helsinki"}]}},
	                          {"id":"l2","location":{"id":"x2","location_type":"physical","latitude":61.50,"longitude":23.76,"addresses":[{"id":"b","city":"Tampere"}]}}]}`,
	`{"id":"food-north","name":"Northern food bank","status":"active","description":"Food parcels.",
	  "service_at_locations":[{"id":"l3","location":{"id":"x3","location_type":"physical","latitude":65.01,"longitude":25.47,"addresses":[{"id":"c","city":"Oulu"}]}}]}`,
	`{"id":"closed","name":"Old food bank","status":"defunct","description":"Food parcels."}`,
	`{"id":"youth","name":"Nuorisotila","status":"active","description":"Avoin toiminta nuorille.","minimum_age":13,"maximum_age":17,
	  "attributes":[{"id":"at","taxonomy_term":{"id":"t-leisure","name":"Vapaa-aika","description":""}}]}`,
}

func found(t testing.TB, ctx context.Context, db *kit.DB, q directory.Query) []string {
	t.Helper()
	if q.Status == "" {
		q.Status = directory.StatusActive
	}
	ids := []string{}
	must(t, in(t, ctx, db, func(ctx context.Context, tx *kit.Tx) error {
		hits, err := postgres.Search(ctx, tx, q, nil, 50)
		for _, h := range hits {
			ids = append(ids, h.ServiceID)
		}
		return err
	}))
	return ids
}

func TestSearch(t *testing.T) {
	db, _ := testkit.Database(t, postgres.Migrations)
	ctx := agency(t, "lakeland")
	for _, doc := range listed {
		load(t, ctx, db, directory.EntityService, directory.Replace, doc)
	}
	age := func(n float64) *float64 { return &n }
	parenting := directory.Need{Code: "parenting", Phrases: map[string][]string{"en": {"parent support"}, "fi": {"vanhemmuus"}, "sv": {"föräldraskap"}}, Stems: []string{"perheneuvo"}}
	leisure := directory.Need{Code: "leisure", Phrases: map[string][]string{"en": {"hobby"}, "fi": {"harrastus"}, "sv": {"hobby"}}, Terms: []string{"t-leisure"}}
	tampere := &directory.Point{Latitude: 61.49, Longitude: 23.75}
	for _, tc := range []struct {
		name string
		q    directory.Query
		want []string
	}{
		{"English words in other forms", directory.Query{Text: "counsellor depressed"}, []string{"counselling"}},
		{"an English word in another form", directory.Query{Text: "parent"}, []string{"counselling"}},
		{"a Finnish word in another case", directory.Query{Text: "vanhemmuus"}, []string{"neuvola"}},
		{"a part of a Finnish compound", directory.Query{Text: "neuvola"}, []string{"neuvola"}},
		{"written without its dots", directory.Query{Text: "paihde"}, []string{"paihde"}},
		{"a Swedish word in another form", directory.Query{Text: "bostad"}, []string{"boende"}},
		{"two words, both needed", directory.Query{Text: "food Friday"}, []string{"food"}},
		{"nothing", directory.Query{Text: "zebra"}, nil},
		{"only percent signs", directory.Query{Text: "%%%%"}, nil},
		{"query syntax is only text", directory.Query{Text: "food & !bank | (parcels:*"}, []string{"food", "food-north"}},
		{"services that ended are not found", directory.Query{Text: "old food bank"}, nil},
		{"unless asked for", directory.Query{Text: "old food bank", Status: "defunct"}, []string{"closed"}},
		{"a need, by phrase and stem", directory.Query{Need: &parenting}, []string{"neuvola"}},
		{"a need, by taxonomy term", directory.Query{Need: &leisure}, []string{"youth"}},
		{"need and text", directory.Query{Need: &parenting, Text: "food"}, nil},
		{"an age outside", directory.Query{Need: &leisure, Age: age(12)}, nil},
		{"an age at the edge", directory.Query{Need: &leisure, Age: age(17)}, []string{"youth"}},
		{"the nearest first, by its nearest location", directory.Query{Text: "food", Near: tampere}, []string{"food", "food-north"}},
		{"within a distance", directory.Query{Near: tampere, WithinKm: 5}, []string{"food"}},
	} {
		got := found(t, ctx, db, tc.q)
		if tc.want == nil {
			tc.want = []string{}
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

func TestSearch_DistanceAndLanguage(t *testing.T) {
	db, _ := testkit.Database(t, postgres.Migrations)
	ctx := agency(t, "lakeland")
	for _, doc := range listed {
		load(t, ctx, db, directory.EntityService, directory.Replace, doc)
	}
	must(t, in(t, ctx, db, func(ctx context.Context, tx *kit.Tx) error {
		hits, err := postgres.Search(ctx, tx, directory.Query{Text: "harbour", Status: "active", Near: &directory.Point{Latitude: 60.17, Longitude: 23.94}}, nil, 5)
		if err != nil {
			return err
		}
		// One degree of longitude at 60.17° N: 6371.0088 km × π/180 × cos 60.17° = 55.31 km.
		if len(hits) != 1 || hits[0].DistanceKm == nil || *hits[0].DistanceKm < 55.2 || *hits[0].DistanceKm > 55.4 || hits[0].City != "Helsinki" {
			t.Errorf("got %+v", hits)
		}
		hits, err = postgres.Search(ctx, tx, directory.Query{Status: "active", Language: "sv"}, nil, 50)
		if err != nil {
			return err
		}
		if len(hits) != 7 || hits[0].ServiceID != "boende" || !cmp.Equal(hits[0].Languages, []string{"sv"}) {
			t.Errorf("Swedish first: got %+v", hits)
		}
		return nil
	}))
}

func TestSearch_PagesGiveEachHitOnce(t *testing.T) {
	db, _ := testkit.Database(t, postgres.Migrations)
	ctx := agency(t, "lakeland")
	for i := range 25 {
		load(t, ctx, db, directory.EntityService, directory.Replace, fmt.Sprintf(`{"id":"s%02d","name":"Club %d","status":"active","description":"%s"}`, i, i%3, []string{"club", "club club", ""}[i%3]))
	}
	seen := map[string]int{}
	var after *postgres.SearchAfter
	for range 10 {
		var hits []directory.Hit
		must(t, in(t, ctx, db, func(ctx context.Context, tx *kit.Tx) (err error) {
			hits, err = postgres.Search(ctx, tx, directory.Query{Text: "club", Status: "active"}, after, 4)
			return err
		}))
		for _, h := range hits {
			seen[h.ServiceID]++
			after = &postgres.SearchAfter{Score: h.Score, ServiceID: h.ServiceID}
		}
		if len(hits) < 4 {
			break
		}
	}
	if len(seen) != 25 {
		t.Errorf("found %d of 25", len(seen))
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%s came %d times", id, n)
		}
	}
}

func referral(id, caseID string) directory.Referral {
	return directory.Referral{
		ID: directory.ReferralID(id), CaseID: directory.CaseID(caseID), ServiceID: "s1", ServiceName: "Food bank",
		Need: "food", State: directory.Requested, RequestedBy: "worker-1", RequestedAt: now, Version: 1,
	}
}

func newID(t testing.TB) string {
	t.Helper()
	id, err := uuid.NewV7()
	must(t, err)
	return id.String()
}

func TestReferrals_OneOpenForANeedAtAService(t *testing.T) {
	db, _ := testkit.Database(t, postgres.Migrations)
	ctx := agency(t, "lakeland")
	load(t, ctx, db, directory.EntityService, directory.Replace, `{"id":"s1","name":"Food bank","status":"active"}`)
	first := referral(newID(t), "c1")
	must(t, in(t, ctx, db, func(ctx context.Context, tx *kit.Tx) error {
		if err := postgres.OpenCase(ctx, tx, "c1", ""); err != nil {
			return err
		}
		return postgres.InsertReferral(ctx, tx, first)
	}))
	insert := func() error {
		return in(t, ctx, db, func(ctx context.Context, tx *kit.Tx) error {
			return postgres.InsertReferral(ctx, tx, referral(newID(t), "c1"))
		})
	}
	if err := insert(); !fault.Is(err, "already_referred") {
		t.Errorf("a second open one: got %v", err)
	}
	must(t, in(t, ctx, db, func(ctx context.Context, tx *kit.Tx) error {
		r, err := postgres.LockReferral(ctx, tx, first.ID)
		if err != nil {
			return err
		}
		declined, err := r.Decline("no_capacity", now.Add(time.Hour))
		if err != nil {
			return err
		}
		return postgres.UpdateReferral(ctx, tx, declined)
	}))
	must(t, insert())
	must(t, in(t, ctx, db, func(ctx context.Context, tx *kit.Tx) error {
		got, err := postgres.Referral(ctx, tx, first.ID)
		if err != nil {
			return err
		}
		want := first
		want.State, want.ReasonCode, want.Version = directory.Declined, "no_capacity", 2
		want.AnsweredAt, want.EndedAt = now.Add(time.Hour), now.Add(time.Hour)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("stored (-want +got):\n%s", diff)
		}
		return nil
	}))
}

// Every function of the store, called for one agency, finds and touches nothing of another.
func TestStore_NoFunctionReachesAnotherAgency(t *testing.T) {
	db, _ := testkit.Database(t, postgres.Migrations)
	ours, theirs := agency(t, "lakeland"), agency(t, "hillside")
	doc := `{"id":"s1","name":"Food bank","status":"active","organization":{"id":"o1","name":"Org"},
		"attributes":[{"id":"a","taxonomy_term":{"id":"t1","name":"Food","description":"","taxonomy_detail":{"id":"x1","name":"Needs","description":""}}}],
		"service_at_locations":[{"id":"l1","location":{"id":"p1","latitude":1,"longitude":1}}]}`
	load(t, ours, db, directory.EntityService, directory.Replace, doc)
	r := referral(newID(t), "c1")
	must(t, in(t, ours, db, func(ctx context.Context, tx *kit.Tx) error {
		if err := postgres.OpenCase(ctx, tx, "c1", "trace"); err != nil {
			return err
		}
		return postgres.InsertReferral(ctx, tx, r)
	}))

	entities := []directory.Entity{directory.EntityOrganization, directory.EntityTaxonomy, directory.EntityTaxonomyTerm}
	ids := map[directory.Entity]string{directory.EntityOrganization: "o1", directory.EntityTaxonomy: "x1", directory.EntityTaxonomyTerm: "t1"}
	reads := map[string]func(ctx context.Context, tx *kit.Tx) (int, error){
		"Case": func(ctx context.Context, tx *kit.Tx) (int, error) {
			_, err := postgres.Case(ctx, tx, "c1")
			return 1, err
		},
		"Service": func(ctx context.Context, tx *kit.Tx) (int, error) {
			_, err := postgres.Service(ctx, tx, "s1")
			return 1, err
		},
		"Referral": func(ctx context.Context, tx *kit.Tx) (int, error) {
			_, err := postgres.Referral(ctx, tx, r.ID)
			return 1, err
		},
		"LockReferral": func(ctx context.Context, tx *kit.Tx) (int, error) {
			_, err := postgres.LockReferral(ctx, tx, r.ID)
			return 1, err
		},
		"Referrals": func(ctx context.Context, tx *kit.Tx) (int, error) {
			list, err := postgres.Referrals(ctx, tx, postgres.ReferralFilter{Limit: 10})
			return len(list), err
		},
		"Search": func(ctx context.Context, tx *kit.Tx) (int, error) {
			list, err := postgres.Search(ctx, tx, directory.Query{Status: "active"}, nil, 10)
			return len(list), err
		},
		"Services": func(ctx context.Context, tx *kit.Tx) (int, error) {
			_, n, err := postgres.Services(ctx, tx, postgres.HSDSQuery{Search: "food", Limit: 10})
			return n, err
		},
		"ServicesAtLocations": func(ctx context.Context, tx *kit.Tx) (int, error) {
			_, n, err := postgres.ServicesAtLocations(ctx, tx, postgres.HSDSQuery{Limit: 10})
			return n, err
		},
		"ServiceDocument": func(ctx context.Context, tx *kit.Tx) (int, error) {
			_, err := postgres.ServiceDocument(ctx, tx, "s1")
			return 1, err
		},
		"OrganizationDocument": func(ctx context.Context, tx *kit.Tx) (int, error) {
			_, err := postgres.OrganizationDocument(ctx, tx, "o1")
			return 1, err
		},
		"ServiceAtLocationDocument": func(ctx context.Context, tx *kit.Tx) (int, error) {
			_, err := postgres.ServiceAtLocationDocument(ctx, tx, "l1")
			return 1, err
		},
	}
	for _, e := range entities {
		reads["Document "+string(e)] = func(ctx context.Context, tx *kit.Tx) (int, error) {
			_, err := postgres.Document(ctx, tx, e, ids[e])
			return 1, err
		}
		reads["Documents "+string(e)] = func(ctx context.Context, tx *kit.Tx) (int, error) {
			_, n, err := postgres.Documents(ctx, tx, e, postgres.HSDSQuery{Limit: 10})
			return n, err
		}
	}
	for name, fn := range reads {
		for ctx, want := range map[context.Context]int{ours: 1, theirs: 0} {
			var n int
			err := in(t, ctx, db, func(ctx context.Context, tx *kit.Tx) (err error) {
				n, err = fn(ctx, tx)
				return err
			})
			if err != nil {
				if want == 1 || fault.KindOf(err) != fault.NotFound {
					t.Errorf("%s: %v", name, err)
				}
				n = 0
			}
			if n != want {
				t.Errorf("%s: found %d, want %d", name, n, want)
			}
		}
	}

	// Writes under the same ids are the other agency's own, and leave ours as it was.
	if got := load(t, theirs, db, directory.EntityService, directory.Replace, `{"id":"s1","name":"Theirs","status":"inactive"}`); got != directory.Created {
		t.Errorf("loading the same id elsewhere: got %s", got)
	}
	err := in(t, theirs, db, func(ctx context.Context, tx *kit.Tx) error {
		if err := postgres.CloseCase(ctx, tx, "c1"); err != nil {
			return err
		}
		accepted, err := r.Accept(now)
		if err != nil {
			return err
		}
		return postgres.UpdateReferral(ctx, tx, accepted)
	})
	if !fault.Is(err, "version_lost") {
		t.Errorf("changing another agency's referral: got %v", err)
	}
	if got := service(t, ours, db, "s1")["name"]; got != "Food bank" {
		t.Errorf("our service became %v", got)
	}
	must(t, in(t, ours, db, func(ctx context.Context, tx *kit.Tx) error {
		c, err := postgres.Case(ctx, tx, "c1")
		if c.Closed {
			t.Error("our case was closed by another agency")
		}
		return err
	}))
}

func TestTenancy_EveryTableIsHeldByRowLevelSecurity(t *testing.T) {
	db, _ := testkit.Database(t, postgres.Migrations)
	testkit.ProveTenancy(t, db)
}
