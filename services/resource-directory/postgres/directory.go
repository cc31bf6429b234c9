package postgres

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/resource-directory/directory"
)

// catalogue names the table of each entity that is a plain document.
var catalogue = map[directory.Entity]struct{ table, key string }{
	directory.EntityOrganization: {"organization", "organization_id"},
	directory.EntityTaxonomy:     {"taxonomy", "taxonomy_id"},
	directory.EntityTaxonomyTerm: {"taxonomy_term", "term_id"},
}

// Load stores a record and what is nested in it, and says whether it was
// created, updated or unchanged. Nested organizations, terms and taxonomies
// only fill in what is not known yet: a record of their own is what counts.
func Load(ctx context.Context, tx *postgres.Tx, rec directory.Record, mode directory.Mode, now time.Time) (directory.Status, error) {
	var status directory.Status
	var err error
	if rec.Entity == directory.EntityService {
		status, err = loadService(ctx, tx, rec, mode, now)
	} else {
		status, err = loadDocument(ctx, tx, rec, mode, now)
	}
	if err != nil {
		return "", err
	}
	for _, nested := range rec.Nested {
		if nested.Entity == directory.EntityService {
			continue // a record of its own; the importer gives it its own verdict
		}
		if err := fillIn(ctx, tx, nested, now); err != nil {
			return "", err
		}
	}
	return status, nil
}

const lockService = `SELECT content_hash, document FROM service WHERE service_id = $1 FOR UPDATE`

// The words of a service by weight: A its name, B other names and terms, C who
// it is for, D its description. Each is read by the rules of all three
// languages, since a directory seldom says which language a text is in.
const putService = `
WITH t AS (SELECT $3::text AS name, $14::text AS names, $15::text AS eligibility, $16::text AS description)
INSERT INTO service (service_id, organization_id, name, status, document, content_hash, minimum_age, maximum_age,
                     languages, term_ids, taxonomy_ids, modified_at, changed_at, latitudes, longitudes, version, words, plain, plain_name)
SELECT $1, $2, t.name, $4, $5::jsonb, $6, $7, $8, $9, $10, $11, $12, $13, $17, $18, 1,
       setweight(to_tsvector('english', t.name) || to_tsvector('finnish', t.name) || to_tsvector('swedish', t.name) || to_tsvector('simple', unaccent(t.name)), 'A') ||
       setweight(to_tsvector('english', t.names) || to_tsvector('finnish', t.names) || to_tsvector('swedish', t.names) || to_tsvector('simple', unaccent(t.names)), 'B') ||
       setweight(to_tsvector('english', t.eligibility) || to_tsvector('finnish', t.eligibility) || to_tsvector('swedish', t.eligibility) || to_tsvector('simple', unaccent(t.eligibility)), 'C') ||
       setweight(to_tsvector('english', t.description) || to_tsvector('finnish', t.description) || to_tsvector('swedish', t.description) || to_tsvector('simple', unaccent(t.description)), 'D'),
       lower(unaccent(concat_ws(' ', t.name, t.names, t.eligibility, t.description))), lower(unaccent(concat_ws(' ', t.name, t.names)))
  FROM t
ON CONFLICT (agency_id, service_id) DO UPDATE SET
       organization_id = excluded.organization_id, name = excluded.name, status = excluded.status, document = excluded.document,
       content_hash = excluded.content_hash, minimum_age = excluded.minimum_age, maximum_age = excluded.maximum_age,
       languages = excluded.languages, term_ids = excluded.term_ids, taxonomy_ids = excluded.taxonomy_ids,
       latitudes = excluded.latitudes, longitudes = excluded.longitudes, modified_at = excluded.modified_at, changed_at = excluded.changed_at, version = service.version + 1,
       words = excluded.words, plain = excluded.plain, plain_name = excluded.plain_name`

// maxWords bounds the text a search vector is made of; PostgreSQL refuses one above a megabyte.
const maxWords = 60_000

func loadService(ctx context.Context, tx *postgres.Tx, rec directory.Record, mode directory.Mode, now time.Time) (directory.Status, error) {
	status := directory.Created
	var old struct {
		Hash     string          `db:"content_hash"`
		Document json.RawMessage `db:"document"`
	}
	switch err := tx.GetContext(ctx, &old, lockService, rec.ID); {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return "", fmt.Errorf("read service: %w", err)
	default:
		status = directory.Updated
		if mode == directory.Merging {
			merged, faults, err := merge(rec, old.Document)
			if err != nil || len(faults) > 0 {
				return "", errors.Join(err, faultsError(faults))
			}
			rec = merged
		}
		if old.Hash == rec.Hash {
			return directory.Unchanged, nil
		}
	}
	s := rec.Service
	modified := s.LastModified
	if modified.IsZero() {
		modified = now
	}
	latitudes, longitudes := []float64{}, []float64{}
	for _, l := range s.Locations {
		if l.Latitude != nil && l.Longitude != nil {
			latitudes, longitudes = append(latitudes, *l.Latitude), append(longitudes, *l.Longitude)
		}
	}
	names := strings.Join(append([]string{s.AlternateName}, s.TermNames...), " ")
	_, err := tx.ExecContext(ctx, putService, s.ID, s.OrganizationID, s.Name, s.Status, string(rec.Document), rec.Hash,
		s.MinimumAge, s.MaximumAge, list(s.Languages), list(s.TermIDs), list(s.TaxonomyIDs), modified, now,
		cut(names), cut(s.Eligibility), cut(s.Description), latitudes, longitudes)
	if err != nil {
		return "", fmt.Errorf("store service: %w", err)
	}
	return status, putLocations(ctx, tx, s)
}

const (
	dropLocations = `DELETE FROM service_at_location WHERE service_id = $1`
	putLocation   = `
INSERT INTO service_at_location (service_at_location_id, service_id, location_id, name, city, postal_code, latitude, longitude, document)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (agency_id, service_at_location_id) DO UPDATE SET service_id = excluded.service_id, location_id = excluded.location_id,
       name = excluded.name, city = excluded.city, postal_code = excluded.postal_code,
       latitude = excluded.latitude, longitude = excluded.longitude, document = excluded.document`
)

func putLocations(ctx context.Context, tx *postgres.Tx, s directory.Service) error {
	if _, err := tx.ExecContext(ctx, dropLocations, s.ID); err != nil {
		return fmt.Errorf("replace locations of service: %w", err)
	}
	for _, l := range s.Locations {
		_, err := tx.ExecContext(ctx, putLocation, l.ID, s.ID, l.LocationID, l.Name, l.City, l.PostalCode, l.Latitude, l.Longitude, string(l.Document))
		if err != nil {
			return fmt.Errorf("store location of service: %w", err)
		}
	}
	return nil
}

func loadDocument(ctx context.Context, tx *postgres.Tx, rec directory.Record, mode directory.Mode, now time.Time) (directory.Status, error) {
	c, ok := catalogue[rec.Entity]
	if !ok {
		return "", fault.New(fault.Internal, "unknown_entity", "The record is of no entity that is stored.")
	}
	var old struct {
		Hash       string          `db:"content_hash"`
		Document   json.RawMessage `db:"document"`
		NestedOnly bool            `db:"nested_only"`
	}
	status := directory.Created
	switch err := tx.GetContext(ctx, &old, `SELECT content_hash, document, nested_only FROM `+c.table+` WHERE `+c.key+` = $1 FOR UPDATE`, rec.ID); {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return "", fmt.Errorf("read %s: %w", c.table, err)
	default:
		status = directory.Updated
		if mode == directory.Merging {
			merged, faults, err := merge(rec, old.Document)
			if err != nil || len(faults) > 0 {
				return "", errors.Join(err, faultsError(faults))
			}
			rec = merged
		}
		if old.Hash == rec.Hash && !old.NestedOnly {
			return directory.Unchanged, nil
		}
	}
	return status, putDocument(ctx, tx, rec, false, now)
}

// fillIn stores a nested record where none is known, or adds the members that a
// record known from nesting alone lacks. It never takes anything away, so that
// loading the same records again, in any order, ends in the same state.
func fillIn(ctx context.Context, tx *postgres.Tx, rec directory.Record, now time.Time) error {
	c, ok := catalogue[rec.Entity]
	if !ok {
		return nil
	}
	var old struct {
		Hash       string          `db:"content_hash"`
		Document   json.RawMessage `db:"document"`
		NestedOnly bool            `db:"nested_only"`
	}
	switch err := tx.GetContext(ctx, &old, `SELECT content_hash, document, nested_only FROM `+c.table+` WHERE `+c.key+` = $1 FOR UPDATE`, rec.ID); {
	case errors.Is(err, sql.ErrNoRows):
		return putDocument(ctx, tx, rec, true, now)
	case err != nil:
		return fmt.Errorf("read %s: %w", c.table, err)
	}
	if !old.NestedOnly || old.Hash == rec.Hash {
		return nil
	}
	known := rec
	known.Document = old.Document
	filled, faults, err := merge(known, rec.Document)
	if err != nil {
		return err
	}
	if len(faults) > 0 || filled.Hash == old.Hash {
		return nil // what cannot be completed stays as it was known
	}
	return putDocument(ctx, tx, filled, true, now)
}

func putDocument(ctx context.Context, tx *postgres.Tx, rec directory.Record, nestedOnly bool, now time.Time) error {
	c := catalogue[rec.Entity]
	columns, values, set := "", "", ""
	args := []any{rec.ID, rec.Name, string(rec.Document), rec.Hash, nestedOnly, now}
	if rec.Entity == directory.EntityTaxonomyTerm {
		columns, values, set = ", taxonomy_id, parent_id", ", $7, $8", ", taxonomy_id = excluded.taxonomy_id, parent_id = excluded.parent_id"
		args = append(args, rec.Term.TaxonomyID, rec.Term.ParentID)
	}
	query := `INSERT INTO ` + c.table + ` (` + c.key + `, name, document, content_hash, nested_only, changed_at, version, plain` + columns + `)
VALUES ($1, $2, $3, $4, $5, $6, 1, lower(unaccent(concat_ws(' ', $2::text, ($3::jsonb)->>'alternate_name', ($3::jsonb)->>'description')))` + values + `)
ON CONFLICT (agency_id, ` + c.key + `) DO UPDATE SET name = excluded.name, document = excluded.document, content_hash = excluded.content_hash,
       nested_only = excluded.nested_only, changed_at = excluded.changed_at, plain = excluded.plain, version = ` + c.table + `.version + 1` + set
	if _, err := tx.ExecContext(ctx, query, args...); err != nil {
		return fmt.Errorf("store %s: %w", c.table, err)
	}
	return nil
}

// merge lays rec on base (a stored document) and reads the whole again.
func merge(rec directory.Record, base json.RawMessage) (directory.Record, []fault.Field, error) {
	doc, err := directory.Merge(base, rec.Document)
	if err != nil {
		return rec, nil, err
	}
	merged, faults := directory.ParseRecord(rec.Entity, doc)
	return merged, faults, nil
}

func faultsError(faults []fault.Field) error {
	if len(faults) == 0 {
		return nil
	}
	return fault.New(fault.Unprocessable, "record_refused", "The record does not fit with what is stored of it.", faults...)
}

// list keeps a nil slice from becoming NULL.
func list(in []string) []string {
	if in == nil {
		return []string{}
	}
	return in
}

func cut(s string) string {
	if len(s) <= maxWords {
		return s
	}
	return strings.ToValidUTF8(s[:maxWords], "")
}
