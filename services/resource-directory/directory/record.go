package directory

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
)

// Entity is what an HSDS record describes.
type Entity string

// The entities that can be loaded. Locations come nested in services.
const (
	EntityService      Entity = "service"
	EntityOrganization Entity = "organization"
	EntityTaxonomy     Entity = "taxonomy"
	EntityTaxonomyTerm Entity = "taxonomy_term"
)

// StatusActive is the HSDS status of a service that can be used.
const StatusActive = "active"

// serviceStatuses are the values HSDS 3 allows for a service's status.
var serviceStatuses = []string{StatusActive, "inactive", "defunct", "temporarily closed"}

// MaxRecordBytes is the most one HSDS record may take, nested data included.
const MaxRecordBytes = 1 << 20

// idPattern is what an HSDS identifier may be here. HSDS 3 asks for a UUID;
// directories that number their services otherwise are taken, with a warning.
var (
	idPattern   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:~-]{0,127}$`)
	uuidPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
)

// Record is one HSDS record, read and checked.
type Record struct {
	Entity   Entity
	ID       string
	Name     string
	Document json.RawMessage // compact, members sorted; every attribute as it came
	Hash     string          // SHA-256 of Document, hex
	Warnings []fault.Field

	Service Service // when Entity is service
	Term    Term    // when Entity is taxonomy_term
	Nested  []Record
}

// Service is what the directory looks services up by.
type Service struct {
	ID             string
	Name           string
	Status         string
	OrganizationID string
	AlternateName  string
	Description    string
	LastModified   time.Time // zero when not stated
	MinimumAge     *float64
	MaximumAge     *float64
	Languages      []string // ISO 639-1 where there is one, else as stated; lower case, sorted
	TermIDs        []string // sorted
	TaxonomyIDs    []string // sorted
	TermNames      []string // names and codes of its taxonomy terms
	Eligibility    string
	Locations      []ServiceAtLocation
}

// ServiceAtLocation is where a service is given.
type ServiceAtLocation struct {
	ID         string
	LocationID string
	Name       string
	City       string
	PostalCode string
	Latitude   *float64 // degrees WGS 84; both or neither
	Longitude  *float64
	Document   json.RawMessage
}

// Term is a taxonomy term's place.
type Term struct {
	TaxonomyID string
	ParentID   string
}

// object is a JSON object with its members still unread.
type object map[string]json.RawMessage

// ParseRecord reads one record. The faults, when there are any, are all there
// are; pointers are into the record. A record with faults is not to be stored.
func ParseRecord(entity Entity, raw json.RawMessage) (Record, []fault.Field) {
	if len(raw) > MaxRecordBytes {
		return Record{Entity: entity}, []fault.Field{field("", "record_too_large", fmt.Sprintf("A record may take %d bytes with all that is nested in it.", MaxRecordBytes))}
	}
	var o object
	if err := json.Unmarshal(raw, &o); err != nil || o == nil {
		return Record{Entity: entity}, []fault.Field{field("", "not_an_object", "A record must be a JSON object.")}
	}
	p := parser{}
	rec := p.record(entity, o)
	doc, err := canonical(raw)
	if err != nil {
		p.fault("", "invalid_json", "The record cannot be read as JSON.")
	}
	if bytes.Contains(doc, []byte(`\u0000`)) {
		p.fault("", "nul_character", "The record has a NUL character in a text; take it out.")
	}
	rec.Document, rec.Hash = doc, hash(doc)
	rec.Warnings = p.warnings
	return rec, p.faults
}

// canonical returns raw with object members sorted and no white space, numbers as they were written.
func canonical(raw json.RawMessage) (json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(out.Bytes(), "\n"), nil
}

func hash(doc []byte) string {
	sum := sha256.Sum256(doc)
	return hex.EncodeToString(sum[:])
}

func field(pointer, code, detail string) fault.Field {
	return fault.Field{Pointer: pointer, Code: code, Detail: detail}
}

// parser gathers every fault and warning of one record.
type parser struct {
	faults   []fault.Field
	warnings []fault.Field
}

func (p *parser) fault(pointer, code, detail string) {
	p.faults = append(p.faults, field(pointer, code, detail))
}

func (p *parser) warn(pointer, code, detail string) {
	p.warnings = append(p.warnings, field(pointer, code, detail))
}

func (p *parser) record(entity Entity, o object) Record {
	rec := Record{Entity: entity, ID: p.id(o, "/id", true)}
	rec.Name = p.text(o, "", "name", true)
	switch entity {
	case EntityService:
		rec.Service, rec.Nested = p.service(o)
		rec.Service.ID, rec.Service.Name = rec.ID, rec.Name
	case EntityOrganization:
		rec.Nested = p.organizationServices(o, rec.ID)
	case EntityTaxonomyTerm:
		rec.Term, rec.Nested = p.term(o)
	}
	return rec
}

func (p *parser) service(o object) (Service, []Record) {
	s := Service{
		Status:         p.text(o, "", "status", true),
		OrganizationID: p.id(object{"id": o["organization_id"]}, "/organization_id", false),
		AlternateName:  p.text(o, "", "alternate_name", false),
		Description:    p.text(o, "", "description", false),
		Eligibility:    p.text(o, "", "eligibility_description", false),
		MinimumAge:     p.number(o, "minimum_age"),
		MaximumAge:     p.number(o, "maximum_age"),
		LastModified:   p.time(o, "last_modified"),
	}
	if s.Status != "" && !slices.Contains(serviceStatuses, s.Status) {
		p.fault("/status", "unknown_status", fmt.Sprintf("HSDS allows one of %q.", serviceStatuses))
	}
	if s.MinimumAge != nil && s.MaximumAge != nil && *s.MinimumAge > *s.MaximumAge {
		p.warn("/minimum_age", "ages_contradict", "The minimum age is above the maximum; a search by age will not find this service.")
	}
	var nested []Record
	if org, ok := p.object(o, "organization"); ok {
		if rec, ok := p.nested(EntityOrganization, "/organization", org, o["organization"]); ok {
			nested = append(nested, rec)
			if s.OrganizationID == "" {
				s.OrganizationID = rec.ID
			} else if s.OrganizationID != rec.ID {
				p.fault("/organization/id", "organization_differs", "organization_id and organization.id name different organizations.")
			}
		}
	}
	for i, lang := range p.objects(o, "languages") {
		at := fmt.Sprintf("/languages/%d", i)
		if code := language(p.text(lang, at, "code", false), p.text(lang, at, "name", false)); code != "" {
			s.Languages = append(s.Languages, code)
		}
	}
	for i, attr := range p.objects(o, "attributes") {
		nested = append(nested, p.attribute(&s, fmt.Sprintf("/attributes/%d", i), attr)...)
	}
	for i, sal := range p.objects(o, "service_at_locations") {
		if loc, ok := p.location(fmt.Sprintf("/service_at_locations/%d", i), sal); ok {
			s.Locations = append(s.Locations, loc)
		}
	}
	s.Languages, s.TermIDs, s.TaxonomyIDs = unique(s.Languages), unique(s.TermIDs), unique(s.TaxonomyIDs)
	return s, nested
}

// attribute reads a link to a taxonomy term, given whole or by its id.
func (p *parser) attribute(s *Service, at string, attr object) []Record {
	if id := p.textAt(attr["taxonomy_term_id"], at+"/taxonomy_term_id"); id != "" {
		s.TermIDs = append(s.TermIDs, id)
	}
	term, ok := p.object(attr, "taxonomy_term")
	if !ok {
		return nil
	}
	rec, ok := p.nested(EntityTaxonomyTerm, at+"/taxonomy_term", term, attr["taxonomy_term"])
	if !ok {
		return nil
	}
	s.TermIDs = append(s.TermIDs, rec.ID)
	s.TermNames = append(s.TermNames, rec.Name)
	if code := p.textAt(term["code"], at+"/taxonomy_term/code"); code != "" {
		s.TermNames = append(s.TermNames, code)
	}
	if rec.Term.TaxonomyID != "" {
		s.TaxonomyIDs = append(s.TaxonomyIDs, rec.Term.TaxonomyID)
	}
	return append([]Record{rec}, rec.Nested...)
}

// location reads a service_at_location. One without an id cannot be served and is left out of lookups.
func (p *parser) location(at string, o object) (ServiceAtLocation, bool) {
	sal := ServiceAtLocation{ID: p.textAt(o["id"], at+"/id"), LocationID: p.textAt(o["location_id"], at+"/location_id")}
	if !idPattern.MatchString(sal.ID) {
		p.warn(at+"/id", "id_unusable", "Without a usable id this service_at_location is served within its service only.")
		return sal, false
	}
	if loc, ok := p.object(o, "location"); ok {
		if id := p.textAt(loc["id"], at+"/location/id"); id != "" {
			sal.LocationID = id
		}
		sal.Name = p.text(loc, at+"/location", "name", false)
		sal.Latitude, sal.Longitude = p.position(at+"/location", loc)
		if addresses := p.objects(loc, "addresses"); len(addresses) > 0 {
			sal.City = p.text(addresses[0], at+"/location/addresses/0", "city", false)
			sal.PostalCode = p.text(addresses[0], at+"/location/addresses/0", "postal_code", false)
		}
	}
	doc, err := json.Marshal(o)
	if err != nil {
		p.fault(at, "invalid_json", "This part cannot be read as JSON.")
		return sal, false
	}
	sal.Document = doc
	return sal, true
}

func (p *parser) position(at string, loc object) (lat, lon *float64) {
	lat, lon = p.numberAt(loc["latitude"], at+"/latitude"), p.numberAt(loc["longitude"], at+"/longitude")
	switch {
	case lat == nil && lon == nil:
		return nil, nil
	case lat == nil || lon == nil:
		p.warn(at, "position_incomplete", "A position needs latitude and longitude; this one is not used for distances.")
		return nil, nil
	case math.Abs(*lat) > 90 || math.Abs(*lon) > 180:
		p.warn(at, "position_out_of_range", "Latitude is within ±90 and longitude within ±180; this position is not used for distances.")
		return nil, nil
	}
	return lat, lon
}

func (p *parser) term(o object) (Term, []Record) {
	t := Term{TaxonomyID: p.textAt(o["taxonomy_id"], "/taxonomy_id"), ParentID: p.textAt(o["parent_id"], "/parent_id")}
	var nested []Record
	if detail, ok := p.object(o, "taxonomy_detail"); ok {
		if rec, ok := p.nested(EntityTaxonomy, "/taxonomy_detail", detail, o["taxonomy_detail"]); ok {
			nested = append(nested, rec)
			if t.TaxonomyID == "" {
				t.TaxonomyID = rec.ID
			}
		}
	}
	return t, nested
}

// organizationServices reads the services nested in an organization that are
// services in their own right: those with an id, a name and a status.
func (p *parser) organizationServices(o object, organizationID string) []Record {
	var nested []Record
	for i, svc := range p.objects(o, "services") {
		if svc["id"] == nil || svc["name"] == nil || svc["status"] == nil {
			continue
		}
		if svc["organization_id"] == nil && svc["organization"] == nil {
			id, err := json.Marshal(organizationID)
			if err != nil {
				continue
			}
			svc["organization_id"] = id
		}
		raw, err := json.Marshal(svc)
		if err != nil {
			p.fault(fmt.Sprintf("/services/%d", i), "invalid_json", "This part cannot be read as JSON.")
			continue
		}
		if rec, ok := p.nested(EntityService, fmt.Sprintf("/services/%d", i), svc, raw); ok {
			nested = append(nested, rec)
		}
	}
	return nested
}

// nested reads a record inside another. One that cannot stand on its own is
// served where it is and named in a warning.
func (p *parser) nested(entity Entity, at string, o object, raw json.RawMessage) (Record, bool) {
	inner := parser{}
	rec := inner.record(entity, o)
	if len(inner.faults) > 0 {
		p.warn(at, "nested_record_incomplete", fmt.Sprintf("Not kept as a record of its own: %s %s.", inner.faults[0].Pointer, inner.faults[0].Code))
		return rec, false
	}
	doc, err := canonical(raw)
	if err != nil {
		p.fault(at, "invalid_json", "This part cannot be read as JSON.")
		return rec, false
	}
	rec.Document, rec.Hash = doc, hash(doc)
	return rec, true
}

func (p *parser) id(o object, at string, required bool) string {
	raw := o["id"]
	if absent(raw) {
		if required {
			p.fault(at, "required", "A record needs an id.")
		}
		return ""
	}
	var id string
	if err := json.Unmarshal(raw, &id); err != nil {
		p.fault(at, "type", "An id must be a string.")
		return ""
	}
	if !idPattern.MatchString(id) {
		p.fault(at, "id_unusable", "An id has 1 to 128 letters, digits and . _ : ~ - and starts with a letter or digit.")
		return ""
	}
	if !uuidPattern.MatchString(id) {
		p.warn(at, "id_not_uuid", "HSDS 3 asks for a UUID here.")
	}
	return id
}

func (p *parser) text(o object, at, name string, required bool) string {
	if absent(o[name]) {
		if required {
			p.fault(at+"/"+name, "required", "HSDS requires "+name+".")
		}
		return ""
	}
	s := p.textAt(o[name], at+"/"+name)
	if required && strings.TrimSpace(s) == "" {
		p.fault(at+"/"+name, "empty", name+" must not be empty.")
	}
	return s
}

func (p *parser) textAt(raw json.RawMessage, at string) string {
	if absent(raw) {
		return ""
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		p.fault(at, "type", "Must be a string.")
		return ""
	}
	return s
}

func (p *parser) number(o object, name string) *float64 { return p.numberAt(o[name], "/"+name) }

func (p *parser) numberAt(raw json.RawMessage, at string) *float64 {
	if absent(raw) {
		return nil
	}
	var n float64
	if err := json.Unmarshal(raw, &n); err != nil {
		p.fault(at, "type", "Must be a number.")
		return nil
	}
	return &n
}

// time reads an HSDS date-time. A value that is none is kept in the document and named in a warning.
func (p *parser) time(o object, name string) time.Time {
	s := p.textAt(o[name], "/"+name)
	if s == "" {
		return time.Time{}
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", time.DateOnly} {
		t, err := time.Parse(layout, s)
		if err == nil && t.Year() >= 1 && t.Year() <= 9999 {
			return t.UTC().Truncate(time.Microsecond)
		}
	}
	p.warn("/"+name, "not_a_time", "Not an RFC 3339 time; the time of loading is used instead.")
	return time.Time{}
}

func (p *parser) object(o object, name string) (object, bool) {
	if absent(o[name]) {
		return nil, false
	}
	var inner object
	if err := json.Unmarshal(o[name], &inner); err != nil {
		p.fault("/"+name, "type", "Must be an object.")
		return nil, false
	}
	return inner, true
}

func (p *parser) objects(o object, name string) []object {
	if absent(o[name]) {
		return nil
	}
	var inner []object
	if err := json.Unmarshal(o[name], &inner); err != nil {
		p.fault("/"+name, "type", "Must be an array of objects.")
		return nil
	}
	return inner
}

func absent(raw json.RawMessage) bool { return raw == nil || bytes.Equal(raw, []byte("null")) }

// iso639 maps the three-letter codes (ISO 639-2) and names of the languages
// this directory is searched in to ISO 639-1.
var iso639 = map[string]string{
	"eng": "en", "fin": "fi", "swe": "sv",
	"english": "en", "finnish": "fi", "swedish": "sv", "suomi": "fi", "svenska": "sv",
}

func language(code, name string) string {
	s := strings.ToLower(strings.TrimSpace(code))
	if s == "" {
		s = strings.ToLower(strings.TrimSpace(name))
	}
	if two, ok := iso639[s]; ok {
		return two
	}
	return s
}

func unique(in []string) []string {
	slices.Sort(in)
	return slices.Compact(in)
}

// Simple returns the record without what HSDS calls one-to-many data: arrays are
// left out, nested objects stay and lose theirs.
func Simple(doc json.RawMessage) (json.RawMessage, error) {
	var o object
	if err := json.Unmarshal(doc, &o); err != nil {
		return nil, fmt.Errorf("simplify record: %w", err)
	}
	for name, raw := range o {
		if len(raw) == 0 {
			continue
		}
		switch raw[0] {
		case '[':
			delete(o, name)
		case '{':
			inner, err := Simple(raw)
			if err != nil {
				return nil, err
			}
			o[name] = inner
		}
	}
	return json.Marshal(o)
}

// Merge lays the members of over on those of base; members over lacks stay.
func Merge(base, over json.RawMessage) (json.RawMessage, error) {
	var b, o object
	if err := json.Unmarshal(base, &b); err != nil {
		return nil, fmt.Errorf("merge record: %w", err)
	}
	if err := json.Unmarshal(over, &o); err != nil {
		return nil, fmt.Errorf("merge record: %w", err)
	}
	for name, raw := range o {
		b[name] = raw
	}
	return json.Marshal(b)
}
