package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/intake/index"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// Found is a known person who shares something with the one looked for, and the
// cases they are in.
type Found struct {
	Person *referral.Person
	Cases  []string
}

// A person's cases are those of the referrals they are in.
const foundPersonsSQL = `SELECT ` + personColumns + `,
		ARRAY(SELECT DISTINCT r.case_id FROM referral_person l JOIN referral r ON r.agency_id = l.agency_id AND r.referral_id = l.referral_id
			WHERE l.agency_id = p.agency_id AND l.person_id = p.person_id AND r.case_id IS NOT NULL ORDER BY 1)
		FROM unnest($1::text[]) AS q (person_id)
		CROSS JOIN LATERAL (SELECT * FROM person p WHERE p.person_id = q.person_id OFFSET 0) AS p`

// Search finds those of the agency's persons the one described may be, at most
// referral.MostFound, in two round trips; who they are is for the index to say.
func (x *Indexes) Search(ctx context.Context, tx *postgres.Tx, described *referral.Person) (*index.Index, []Found, error) {
	by := x.last(tx.Agency())
	version, hits, err := findPersons(ctx, tx, by, described)
	if err == nil && version != by.Version {
		if by, err = x.at(ctx, tx, version); err == nil {
			_, hits, err = findPersons(ctx, tx, by, described)
		}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("search the index: %w", err)
	}
	found, err := load(ctx, tx, hits)
	return by, found, err
}

// SearchBy is Search by an index that may be another than the agency's.
func SearchBy(ctx context.Context, tx *postgres.Tx, by *index.Index, described *referral.Person) ([]Found, error) {
	_, hits, err := findPersons(ctx, tx, by, described)
	if err != nil {
		return nil, fmt.Errorf("search the index: %w", err)
	}
	return load(ctx, tx, hits)
}

// load loads, of those found, the ones to compare with.
func load(ctx context.Context, tx *postgres.Tx, hits map[int64][]string) ([]Found, error) {
	var alike referral.Alike[string]
	for _, found := range hits {
		alike.Share(found)
	}
	best := alike.Best()
	if len(best) == 0 {
		return nil, nil
	}
	found := make([]Found, 0, len(best))
	batch := &pgx.Batch{}
	batch.Queue(foundPersonsSQL, best)
	err := tx.SendBatch(ctx, batch, func(results pgx.BatchResults) error {
		return each(results, func(rows pgx.Rows) error {
			var f Found
			var err error
			f.Person, err = scanPerson(rows, &f.Cases)
			found = append(found, f)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("load persons found: %w", err)
	}
	return found, nil
}

// findPersons gives the persons each key of the one described finds, and the
// version of the index now.
func findPersons(ctx context.Context, tx *postgres.Tx, by *index.Index, described *referral.Person) (version int64, hits map[int64][]string, err error) {
	batch := &pgx.Batch{}
	batch.Queue(byIndexSQL)
	batch.Queue(indexVersionSQL)
	batch.Queue(findPersonsSQL, by.Find(described), by.Generation, referral.MostOfKey)
	hits = map[int64][]string{}
	err = tx.SendBatch(ctx, batch, func(results pgx.BatchResults) error {
		if _, err := results.Exec(); err != nil {
			return err
		}
		if err := results.QueryRow().Scan(&version); err != nil {
			return err
		}
		return each(results, func(rows pgx.Rows) error {
			var key int64
			var person string
			err := rows.Scan(&key, &person)
			hits[key] = append(hits[key], person)
			return err
		})
	})
	return version, hits, err
}
