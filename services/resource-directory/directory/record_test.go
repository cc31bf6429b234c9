package directory

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const wholeService = `{
  "id": "7c1f5b3e-2a94-4d0c-8f63-1b7d9e0a4c55", "name": "Perhekahvila", "status": "active", "description": "Avoin perhekahvila",
  "minimum_age": 0, "maximum_age": 7, "last_modified": "2026-03-15T10:30:45.123Z", "x_local": {"kept": [1.50, "ä"]},
  "organization": {"id": "d9d5e0f5-d3ce-4f73-9a2f-4dd0ecc6c610", "name": "Perheyhdistys", "description": "Yhdistys", "x": 1},
  "languages": [{"id": "1", "code": "fin"}, {"id": "2", "name": "Svenska"}],
  "attributes": [{"id": "a1", "taxonomy_term": {"id": "t-1", "code": "PAR", "name": "Vanhemmuus", "description": "",
     "taxonomy_detail": {"id": "tax-1", "name": "Perheet", "description": ""}}}, {"id": "a2", "taxonomy_term_id": "t-2"}],
  "service_at_locations": [{"id": "l-1", "location": {"id": "loc-1", "location_type": "physical", "name": "Keskus", "latitude": 61.5, "longitude": 23.75,
     "addresses": [{"id": "ad", "city": "Tampere", "postal_code": "33100"}]}}]
}`

func TestParseRecord_ReadsWhatServicesAreLookedUpBy(t *testing.T) {
	rec, faults := ParseRecord(EntityService, json.RawMessage(wholeService))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	s := rec.Service
	if *s.MinimumAge != 0 || *s.MaximumAge != 7 || s.OrganizationID != "d9d5e0f5-d3ce-4f73-9a2f-4dd0ecc6c610" {
		t.Errorf("got ages %v %v, organization %q", *s.MinimumAge, *s.MaximumAge, s.OrganizationID)
	}
	for name, pair := range map[string][2][]string{
		"languages":  {s.Languages, {"fi", "sv"}},
		"terms":      {s.TermIDs, {"t-1", "t-2"}},
		"taxonomies": {s.TaxonomyIDs, {"tax-1"}},
		"term names": {s.TermNames, {"Vanhemmuus", "PAR"}},
	} {
		if diff := cmp.Diff(pair[1], pair[0]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if len(s.Locations) != 1 || s.Locations[0].City != "Tampere" || *s.Locations[0].Latitude != 61.5 {
		t.Errorf("got locations %+v", s.Locations)
	}
	var kinds []Entity
	for _, n := range rec.Nested {
		kinds = append(kinds, n.Entity)
	}
	if diff := cmp.Diff([]Entity{EntityOrganization, EntityTaxonomyTerm, EntityTaxonomy}, kinds); diff != "" {
		t.Errorf("nested records (-want +got):\n%s", diff)
	}
	if !strings.Contains(string(rec.Document), `"x_local":{"kept":[1.50,"ä"]}`) {
		t.Errorf("an attribute HSDS does not know was not kept as it came: %s", rec.Document)
	}
}

func TestParseRecord_SameContentInOtherOrderHasTheSameHash(t *testing.T) {
	a, _ := ParseRecord(EntityOrganization, json.RawMessage(`{"id":"o1","name":"A & B","x":{"p":1,"q":2}}`))
	b, _ := ParseRecord(EntityOrganization, json.RawMessage(` {"x":{"q":2,"p":1}, "name":"A \u0026 B", "id":"o1"}`))
	c, _ := ParseRecord(EntityOrganization, json.RawMessage(`{"id":"o1","name":"A & B","x":{"p":1,"q":3}}`))
	if a.Hash != b.Hash || a.Hash == c.Hash {
		t.Errorf("got %s %s %s", a.Hash, b.Hash, c.Hash)
	}
}

func TestParseRecord_EveryFaultIsNamedWithItsPlace(t *testing.T) {
	for _, tc := range []struct {
		name, raw string
		want      []string // pointer code
	}{
		{"not an object", `[1]`, []string{" not_an_object"}},
		{"null", `null`, []string{" not_an_object"}},
		{"nothing in it", `{}`, []string{"/id required", "/name required", "/status required"}},
		{"empty name", `{"id":"a","name":" ","status":"active"}`, []string{"/name empty"}},
		{"unknown status", `{"id":"a","name":"n","status":"open"}`, []string{"/status unknown_status"}},
		{"id of another type", `{"id":7,"name":"n","status":"active"}`, []string{"/id type"}},
		{"id with a slash", `{"id":"a/b","name":"n","status":"active"}`, []string{"/id id_unusable"}},
		{"age as text", `{"id":"a","name":"n","status":"active","minimum_age":"seven"}`, []string{"/minimum_age type"}},
		{"two organizations", `{"id":"a","name":"n","status":"active","organization_id":"x","organization":{"id":"y","name":"Y"}}`, []string{"/organization/id organization_differs"}},
		{"attributes as object", `{"id":"a","name":"n","status":"active","attributes":{}}`, []string{"/attributes type"}},
		{"NUL in a text", `{"id":"a","name":"n","status":"active","alert":"\u0000"}`, []string{" nul_character"}},
	} {
		_, faults := ParseRecord(EntityService, json.RawMessage(tc.raw))
		var got []string
		for _, f := range faults {
			got = append(got, f.Pointer+" "+f.Code)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

func TestParseRecord_WhatIsOddButUsableIsAWarning(t *testing.T) {
	rec, faults := ParseRecord(EntityService, json.RawMessage(`{"id":"7","name":"n","status":"active","minimum_age":9,"maximum_age":3,"last_modified":"yesterday",
		"service_at_locations":[{"id":"l","location":{"id":"x","latitude":100,"longitude":101}},{"description":"no id"}]}`))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	got := map[string]bool{}
	for _, w := range rec.Warnings {
		got[w.Code] = true
	}
	for _, want := range []string{"id_not_uuid", "ages_contradict", "not_a_time", "position_out_of_range", "id_unusable"} {
		if !got[want] {
			t.Errorf("no warning %s in %v", want, rec.Warnings)
		}
	}
	if len(rec.Service.Locations) != 1 || rec.Service.Locations[0].Latitude != nil {
		t.Errorf("got locations %+v", rec.Service.Locations)
	}
}

func TestParseRecord_ServicesInsideAnOrganizationStandOnTheirOwn(t *testing.T) {
	rec, faults := ParseRecord(EntityOrganization, json.RawMessage(`{"id":"o1","name":"Org","services":[{"id":"s1","name":"S","status":"active"},{"id":"s2"}]}`))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if len(rec.Nested) != 1 || rec.Nested[0].ID != "s1" || rec.Nested[0].Service.OrganizationID != "o1" {
		t.Errorf("got %+v", rec.Nested)
	}
}

func TestSeen_OneImportKeepsTheFirstRecordOfAnID(t *testing.T) {
	seen := NewSeen()
	rec := func(id, hash string) Record { return Record{Entity: EntityService, ID: id, Hash: hash} }
	for i, tc := range []struct {
		rec    Record
		status Status
		store  bool
	}{
		{rec("a", "1"), "", true},
		{rec("a", "1"), Repeated, false},
		{rec("a", "2"), Conflict, false},
		{rec("a", "1"), Repeated, false},
		{rec("b", "1"), "", true},
		{Record{Entity: EntityOrganization, ID: "a", Hash: "9"}, "", true},
	} {
		status, store := seen.Check(tc.rec)
		if status != tc.status || store != tc.store {
			t.Errorf("%d: got %q %v, want %q %v", i, status, store, tc.status, tc.store)
		}
	}
}

func TestSimpleAndMerge(t *testing.T) {
	simple, err := Simple(json.RawMessage(`{"id":"a","n":1.50,"phones":[1],"organization":{"id":"o","services":[1],"name":"O"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`{"id":"a","n":1.50,"organization":{"id":"o","name":"O"}}`, string(simple)); diff != "" {
		t.Errorf("simple (-want +got):\n%s", diff)
	}
	merged, err := Merge(json.RawMessage(`{"id":"a","phones":[1],"alert":"x"}`), json.RawMessage(`{"id":"a","alert":null,"name":"N"}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`{"alert":null,"id":"a","name":"N","phones":[1]}`, string(merged)); diff != "" {
		t.Errorf("merge (-want +got):\n%s", diff)
	}
}

// Whatever the bytes, reading a record does not panic, and one read without
// faults has what the store needs and reads the same again.
func FuzzParseRecord(f *testing.F) {
	f.Add([]byte(wholeService))
	f.Add([]byte(`{"id":"a","name":"n","status":"active","organization":null,"attributes":[null,{"taxonomy_term":7}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, entity := range []Entity{EntityService, EntityOrganization, EntityTaxonomy, EntityTaxonomyTerm} {
			rec, faults := ParseRecord(entity, raw)
			if len(faults) > 0 {
				continue
			}
			if rec.ID == "" || rec.Name == "" || !json.Valid(rec.Document) {
				t.Fatalf("read without faults: %+v", rec)
			}
			again, faults := ParseRecord(entity, rec.Document)
			if len(faults) > 0 || again.Hash != rec.Hash {
				t.Fatalf("reading the stored document: %v, hash %s, want %s", faults, again.Hash, rec.Hash)
			}
		}
	})
}
