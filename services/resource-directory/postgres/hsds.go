package postgres

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/resource-directory/directory"
)

// HSDSQuery narrows a list of HSDS records; zero values do not.
type HSDSQuery struct {
	Search         string
	TaxonomyTermID string
	TaxonomyID     string
	OrganizationID string
	ParentID       string
	TopOnly        bool
	ModifiedAfter  time.Time
	Offset, Limit  int
}

// Doc is a record as it is served.
type Doc struct {
	ID         string          `db:"id"`
	Document   json.RawMessage `db:"document"`
	ModifiedAt time.Time       `db:"modified_at"`
}

// Services lists services, the best match first when searched, else by id, and counts them all.
func Services(ctx context.Context, tx *postgres.Tx, q HSDSQuery) ([]Doc, int, error) {
	var c conditions
	order := "s.service_id"
	if q.Search != "" {
		rank, where := c.text(q.Search)
		c.Where = append(c.Where, where)
		order = "(" + rank + ") DESC, s.service_id"
	}
	if q.TaxonomyTermID != "" {
		c.Where = append(c.Where, c.Arg(q.TaxonomyTermID)+" = ANY(s.term_ids)")
	}
	if q.TaxonomyID != "" {
		c.Where = append(c.Where, c.Arg(q.TaxonomyID)+" = ANY(s.taxonomy_ids)")
	}
	c.Equal("s.organization_id", q.OrganizationID)
	if !q.ModifiedAfter.IsZero() {
		c.Where = append(c.Where, "s.modified_at >= "+c.Arg(q.ModifiedAfter))
	}
	return page(ctx, tx, c, "s.service_id AS id, s.document, s.modified_at", "service s", order, q)
}

// ServicesAtLocations lists service_at_location records, each with its service and location.
func ServicesAtLocations(ctx context.Context, tx *postgres.Tx, q HSDSQuery) ([]Doc, int, error) {
	var c conditions
	order := "l.service_at_location_id"
	if q.Search != "" {
		rank, where := c.text(q.Search)
		c.Where = append(c.Where, where)
		order = "(" + rank + ") DESC, l.service_at_location_id"
	}
	if q.TaxonomyTermID != "" {
		c.Where = append(c.Where, c.Arg(q.TaxonomyTermID)+" = ANY(s.term_ids)")
	}
	c.Equal("s.organization_id", q.OrganizationID)
	return page(ctx, tx, c,
		"l.service_at_location_id AS id, l.document || jsonb_build_object('service_id', s.service_id, 'service', s.document - 'service_at_locations') AS document, s.modified_at",
		"service_at_location l JOIN service s ON s.agency_id = l.agency_id AND s.service_id = l.service_id", order, q)
}

// Documents lists records of an entity that is a plain document, by id.
func Documents(ctx context.Context, tx *postgres.Tx, entity directory.Entity, q HSDSQuery) ([]Doc, int, error) {
	t, ok := catalogue[entity]
	if !ok {
		return nil, 0, fault.New(fault.Internal, "unknown_entity", "No such list of records is kept.")
	}
	var c conditions
	for _, word := range words(q.Search) {
		c.Where = append(c.Where, "plain LIKE '%' || lower(unaccent("+c.Arg(escapeLike(word))+"::text)) || '%'")
	}
	if q.Search != "" && len(words(q.Search)) == 0 {
		c.Where = append(c.Where, "plain LIKE '%' || lower(unaccent("+c.Arg(escapeLike(q.Search))+"::text)) || '%'")
	}
	if entity == directory.EntityTaxonomyTerm {
		c.Equal("taxonomy_id", q.TaxonomyID)
		c.Equal("parent_id", q.ParentID)
		if q.TopOnly {
			c.Where = append(c.Where, "parent_id = ''")
		}
	}
	return page(ctx, tx, c, t.key+" AS id, document, changed_at AS modified_at", t.table, t.key, q)
}

func page(ctx context.Context, tx *postgres.Tx, c conditions, columns, from, order string, q HSDSQuery) ([]Doc, int, error) {
	var total int
	// A rank in the order takes arguments too, so the count is given the same ones in its WHERE.
	if err := tx.GetContext(ctx, &total, `SELECT count(*) FROM `+from+c.SQL(), c.Args...); err != nil {
		return nil, 0, fmt.Errorf("count records: %w", err)
	}
	var docs []Doc
	err := tx.SelectContext(ctx, &docs, `SELECT `+columns+` FROM `+from+c.SQL()+` ORDER BY `+order+
		` LIMIT `+strconv.Itoa(q.Limit)+` OFFSET `+strconv.Itoa(q.Offset), c.Args...)
	if err != nil {
		return nil, 0, fmt.Errorf("list records: %w", err)
	}
	return docs, total, nil
}

// ServiceDocument reads a service whole; where its record names its
// organization by id alone, the organization is put in. It fails with NotFound.
func ServiceDocument(ctx context.Context, tx *postgres.Tx, id string) (json.RawMessage, error) {
	return document(ctx, tx, `
SELECT CASE WHEN s.document ? 'organization' OR o.document IS NULL THEN s.document
            ELSE s.document || jsonb_build_object('organization', o.document - 'services') END
  FROM service s
  LEFT JOIN organization o ON o.agency_id = s.agency_id AND o.organization_id = s.organization_id
 WHERE s.service_id = $1`, id)
}

// OrganizationDocument reads an organization with its services by id, name and status. It fails with NotFound.
func OrganizationDocument(ctx context.Context, tx *postgres.Tx, id string) (json.RawMessage, error) {
	return document(ctx, tx, `
SELECT o.document || jsonb_build_object('services', coalesce((
         SELECT jsonb_agg(jsonb_build_object('id', s.service_id, 'name', s.name, 'status', s.status) ORDER BY s.service_id)
           FROM service s WHERE s.agency_id = o.agency_id AND s.organization_id = o.organization_id), '[]'::jsonb))
  FROM organization o WHERE o.organization_id = $1`, id)
}

// ServiceAtLocationDocument reads a service at a location with both. It fails with NotFound.
func ServiceAtLocationDocument(ctx context.Context, tx *postgres.Tx, id string) (json.RawMessage, error) {
	return document(ctx, tx, `
SELECT l.document || jsonb_build_object('service_id', s.service_id, 'service', s.document - 'service_at_locations')
  FROM service_at_location l JOIN service s ON s.agency_id = l.agency_id AND s.service_id = l.service_id
 WHERE l.service_at_location_id = $1`, id)
}

// Document reads a record of an entity that is a plain document. It fails with NotFound.
func Document(ctx context.Context, tx *postgres.Tx, entity directory.Entity, id string) (json.RawMessage, error) {
	t, ok := catalogue[entity]
	if !ok {
		return nil, fault.New(fault.Internal, "unknown_entity", "No such records are kept.")
	}
	return document(ctx, tx, `SELECT document FROM `+t.table+` WHERE `+t.key+` = $1`, id)
}

func document(ctx context.Context, tx *postgres.Tx, query, id string) (json.RawMessage, error) {
	var doc json.RawMessage
	err := tx.GetContext(ctx, &doc, query, id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fault.New(fault.NotFound, "record_not_found", "The directory has no such record.")
	}
	if err != nil {
		return nil, fmt.Errorf("read record: %w", err)
	}
	return doc, nil
}
