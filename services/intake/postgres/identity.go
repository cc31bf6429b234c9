package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/jackc/pgx/v5"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/intake/identity"
	"github.com/hearthfps/hearth/services/intake/referral"
)

const (
	// A record that was never merged is an identity of its own, and has no row.
	membersSQL = `SELECT coalesce(array_agg(m.record_id ORDER BY m.record_id), ARRAY[$1::text]), coalesce(max(m.base) FILTER (WHERE m.record_id = m.identity_id), 0)
		FROM person_identity own JOIN person_identity m ON m.agency_id = own.agency_id AND m.identity_id = own.identity_id
		WHERE own.record_id = $1`

	mergeColumns = `m.merge_id, m.record_a, m.record_b, coalesce(m.pair_id, ''), m.reason_code, m.despite, m.note, m.merged_by, m.merged_at,
		coalesce(m.undone_by, ''), m.undone_at, coalesce(m.undone_reason, ''), coalesce(m.undone_note, '')`

	mergesSQL = `SELECT ` + mergeColumns + ` FROM person_merge m WHERE m.record_a = ANY($1)
		UNION SELECT ` + mergeColumns + ` FROM person_merge m WHERE m.record_b = ANY($1) ORDER BY merge_id`

	settlementsSQL = `SELECT s.settlement_id, s.rules, array_agg(r.record_id ORDER BY r.record_id)
		FROM contact_settlement s JOIN contact_settlement_record r ON r.agency_id = s.agency_id AND r.settlement_id = s.settlement_id
		WHERE s.settlement_id IN (SELECT settlement_id FROM contact_settlement_record WHERE record_id = ANY($1))
		GROUP BY s.settlement_id, s.rules ORDER BY s.settlement_id`

	insertMergeSQL = `INSERT INTO person_merge (merge_id, record_a, record_b, pair_id, reason_code, despite, note, merged_by, merged_at)
		VALUES ($1, $2, $3, nullif($4, ''), $5, $6, $7, $8, $9)`

	undoMergeSQL = `UPDATE person_merge SET undone_by = $2, undone_at = $3, undone_reason = $4, undone_note = $5 WHERE merge_id = $1 AND undone_at IS NULL`

	placeRecordsSQL = `INSERT INTO person_identity (record_id, identity_id, base) SELECT record_id, $2, $3 FROM unnest($1::text[]) AS u (record_id)
		ON CONFLICT (agency_id, record_id) DO UPDATE SET identity_id = excluded.identity_id, base = excluded.base`
)

// LockIdentities lets one decision on who is who be made at a time in an agency: each
// looks at several persons and may move them all. They are made by people, and few.
func LockIdentities(ctx context.Context, tx *postgres.Tx) error {
	l := loader{tx: tx}
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, l.lock("identities")); err != nil {
		return fmt.Errorf("lock identities: %w", err)
	}
	return nil
}

// Identity loads the identity a record is of, whichever of its records is named, and
// locks these, in order, when something is to be changed. It fails with NotFound
// (person_not_found).
func Identity(ctx context.Context, tx *postgres.Tx, id referral.PersonID, change bool) (*identity.Identity, error) {
	var members []string
	var base int64
	batch := &pgx.Batch{}
	batch.Queue(membersSQL, string(id))
	err := tx.SendBatch(ctx, batch, func(results pgx.BatchResults) error {
		return each(results, func(rows pgx.Rows) error { return rows.Scan(&members, &base) })
	})
	if err != nil {
		return nil, fmt.Errorf("load identity: %w", err)
	}
	found, err := persons(ctx, tx, members, change)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fault.Missing("person")
	}
	i := &identity.Identity{Base: base}
	for _, p := range found {
		i.Records = append(i.Records, &identity.Record{Person: p})
	}
	slices.SortFunc(i.Records, func(a, b *identity.Record) int { return cmp.Compare(a.ID, b.ID) })
	all, err := standings(ctx, tx, members)
	if err != nil {
		return nil, err
	}
	for _, r := range i.Records {
		s := all[r.ID]
		for n, id := range s.Referrals {
			r.Referrals = append(r.Referrals, identity.Appearance{Referral: referral.ReferralID(id), Ref: s.Refs[n]})
		}
		r.Cases = s.Cases
		r.Safety = identity.Safety{Flags: s.SafetyFlags, Violence: s.Violence, ViolenceKnown: s.ViolenceKnown, ChildOnly: s.ChildOnly}
	}
	return i, loadTies(ctx, tx, i, members)
}

// loadTies loads what is known of the records beside themselves: the merges that
// hold, and what was settled for several of them.
func loadTies(ctx context.Context, tx *postgres.Tx, i *identity.Identity, members []string) error {
	batch := &pgx.Batch{}
	batch.Queue(mergesSQL, members)
	batch.Queue(settlementsSQL, members)
	err := tx.SendBatch(ctx, batch, func(results pgx.BatchResults) error {
		if err := each(results, func(rows pgx.Rows) error {
			m, err := scanMerge(rows)
			if err == nil && m.Holds() {
				i.Merges = append(i.Merges, m)
			}
			return err
		}); err != nil {
			return err
		}
		return each(results, func(rows pgx.Rows) error {
			var s identity.Settlement
			var rules string
			if err := rows.Scan(&s.ID, &rules, &s.For); err != nil {
				return err
			}
			i.Settlements = append(i.Settlements, s)
			return json.Unmarshal([]byte(rules), &i.Settlements[len(i.Settlements)-1].Rules)
		})
	})
	if err != nil {
		return fmt.Errorf("load identity: %w", err)
	}
	slices.SortFunc(i.Settlements, func(a, b identity.Settlement) int {
		return cmp.Or(a.Rules.SetAt.Compare(b.Rules.SetAt), cmp.Compare(a.ID, b.ID))
	})
	return nil
}

func scanMerge(rows pgx.Rows) (identity.Merge, error) {
	var m identity.Merge
	var despite []string
	var undo identity.Decision
	var undone *time.Time
	if err := rows.Scan(&m.ID, &m.A, &m.B, &m.Pair, &m.Reason, &despite, &m.Note, &m.By, &m.At, &undo.By, &undone, &undo.Reason, &undo.Note); err != nil {
		return m, err
	}
	m.At = m.At.UTC()
	for _, o := range despite {
		m.Despite = append(m.Despite, identity.Obstacle(o))
	}
	if undone != nil {
		undo.At = undone.UTC()
		m.Undone = &undo
	}
	return m, nil
}

// Merges are all merges there ever were of the records of an identity, the oldest first;
// but not those a seal took back, which would tell what it hides.
func Merges(ctx context.Context, tx *postgres.Tx, i *identity.Identity) ([]identity.Merge, error) {
	var all []identity.Merge
	batch := &pgx.Batch{}
	batch.Queue(`SELECT m.* FROM (`+mergesSQL+`) AS m WHERE NOT EXISTS (SELECT FROM person p WHERE p.person_id IN (m.record_a, m.record_b) AND p.seal IS NOT NULL)`, i.Members())
	err := tx.SendBatch(ctx, batch, func(results pgx.BatchResults) error {
		return each(results, func(rows pgx.Rows) error {
			m, err := scanMerge(rows)
			all = append(all, m)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("load merges: %w", err)
	}
	return all, nil
}

// DecidedApart says whether somebody decided that a record of one identity and a
// record of the other are two persons, or took a merge of two such back.
func DecidedApart(ctx context.Context, tx *postgres.Tx, i, j *identity.Identity) (bool, error) {
	var apart bool
	err := tx.QueryRowxContext(ctx, `SELECT EXISTS (SELECT FROM match_candidate WHERE state = 'apart' AND (person_a = ANY($1) AND person_b = ANY($2) OR person_a = ANY($2) AND person_b = ANY($1)))
		OR EXISTS (SELECT FROM person_merge WHERE undone_at IS NOT NULL AND (record_a = ANY($1) AND record_b = ANY($2) OR record_a = ANY($2) AND record_b = ANY($1)))`,
		i.Members(), j.Members()).Scan(&apart)
	if err != nil {
		return false, fmt.Errorf("look for a decision before: %w", err)
	}
	return apart, nil
}

// SaveMerge stores a merge and the identity that comes of it. What was to be decided
// of two of its records is decided by it.
func SaveMerge(ctx context.Context, tx *postgres.Tx, m identity.Merge, one *identity.Identity) error {
	despite := []string{}
	for _, o := range m.Despite {
		despite = append(despite, string(o))
	}
	if _, err := tx.ExecContext(ctx, insertMergeSQL, m.ID, m.A, m.B, m.Pair, m.Reason, despite, m.Note, m.By, m.At); err != nil {
		return fmt.Errorf("store merge: %w", err)
	}
	if err := place(ctx, tx, one); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE match_candidate SET state = 'superseded' WHERE state = 'open' AND person_a = ANY($1) AND person_b = ANY($1)`, one.Members())
	if err != nil {
		return fmt.Errorf("end questions about one person: %w", err)
	}
	return nil
}

// SaveUnmerge stores that a merge was taken back, and the two identities that were
// one. The pair it was decided about is two persons now; others that were not
// decided because both were one are open again, the newest of each.
func SaveUnmerge(ctx context.Context, tx *postgres.Tx, m identity.Merge, a, b *identity.Identity) error {
	result, err := tx.ExecContext(ctx, undoMergeSQL, m.ID, m.Undone.By, m.Undone.At, m.Undone.Reason, m.Undone.Note)
	if err != nil {
		return fmt.Errorf("take merge back: %w", err)
	}
	n, err := result.RowsAffected()
	if err := cmp.Or(err, exactlyOne(n)); err != nil {
		return err
	}
	for _, i := range []*identity.Identity{a, b} {
		if err := place(ctx, tx, i); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, `UPDATE match_candidate SET state = 'apart', decided_by = $2, decided_at = $3, reason_code = $4 WHERE pair_id = $1 AND state = 'linked'`,
		m.Pair, m.Undone.By, m.Undone.At, m.Undone.Reason); err != nil {
		return fmt.Errorf("decide pair apart: %w", err)
	}
	_, err = tx.ExecContext(ctx, `UPDATE match_candidate c SET state = 'open' WHERE c.state = 'superseded' AND c.decided_at IS NULL
		AND (person_a = ANY($1) AND person_b = ANY($2) OR person_a = ANY($2) AND person_b = ANY($1)) AND NOT EXISTS (
			SELECT FROM match_candidate later WHERE later.person_a = c.person_a AND later.person_b = c.person_b AND (later.state = 'open' OR (later.created_at, later.pair_id) > (c.created_at, c.pair_id)))`,
		a.Members(), b.Members())
	if err != nil {
		return fmt.Errorf("open questions again: %w", err)
	}
	return nil
}

func place(ctx context.Context, tx *postgres.Tx, i *identity.Identity) error {
	if _, err := tx.ExecContext(ctx, placeRecordsSQL, i.Members(), i.ID(), i.Base); err != nil {
		return fmt.Errorf("place records: %w", err)
	}
	return nil
}

// SaveSettlement stores what was settled for several records.
func SaveSettlement(ctx context.Context, tx *postgres.Tx, s identity.Settlement) error {
	if _, err := tx.ExecContext(ctx, `INSERT INTO contact_settlement (settlement_id, rules) VALUES ($1, $2)`, s.ID, text(s.Rules)); err != nil {
		return fmt.Errorf("store settlement: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO contact_settlement_record (record_id, settlement_id) SELECT record_id, $2 FROM unnest($1::text[]) AS u (record_id)`, s.For, s.ID); err != nil {
		return fmt.Errorf("store settlement: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE person SET version = version + 1 WHERE person_id = ANY($1)`, s.For); err != nil {
		return fmt.Errorf("store settlement: %w", err)
	}
	return nil
}

// SaveSeal puts a seal on a record, or takes it off (""). Sealed, nobody is asked
// about it any more.
func SaveSeal(ctx context.Context, tx *postgres.Tx, id referral.PersonID, seal string) error {
	if _, err := tx.ExecContext(ctx, `UPDATE person SET seal = nullif($2, ''), version = version + 1 WHERE person_id = $1`, id, seal); err != nil {
		return fmt.Errorf("store seal: %w", err)
	}
	// Found by other keys from now on, and by those who may see them, compared anew.
	if _, err := tx.ExecContext(ctx, recheckSQL, []string{string(id)}); err != nil {
		return fmt.Errorf("have a person compared anew: %w", err)
	}
	if seal == "" {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `UPDATE match_candidate SET state = 'superseded' WHERE state = 'open' AND (person_a = $1 OR person_b = $1)`, id); err != nil {
		return fmt.Errorf("end questions about a sealed record: %w", err)
	}
	return nil
}

// IdentitiesOf says which identity each record is of; one never merged is not in it.
func IdentitiesOf(ctx context.Context, tx *postgres.Tx, records []referral.PersonID) (map[referral.PersonID]referral.PersonID, error) {
	of := map[referral.PersonID]referral.PersonID{}
	batch := &pgx.Batch{}
	batch.Queue(`SELECT record_id, identity_id FROM person_identity WHERE record_id = ANY($1)`, records)
	err := tx.SendBatch(ctx, batch, func(results pgx.BatchResults) error {
		return each(results, func(rows pgx.Rows) error {
			var record, identity referral.PersonID
			err := rows.Scan(&record, &identity)
			of[record] = identity
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("load identities: %w", err)
	}
	return of, nil
}

// WithRecords are the given persons and, after them, every other record of the same
// persons: what is confidential of one is so of all.
func WithRecords(ctx context.Context, tx *postgres.Tx, some []*referral.Person) ([]*referral.Person, error) {
	ids := make([]string, len(some))
	for n, p := range some {
		ids[n] = string(p.ID)
	}
	var others []string
	err := tx.SelectContext(ctx, &others, `SELECT DISTINCT m.record_id FROM person_identity own
		JOIN person_identity m ON m.agency_id = own.agency_id AND m.identity_id = own.identity_id
		WHERE own.record_id = ANY($1) AND m.record_id <> ALL($1) ORDER BY 1`, ids)
	if err != nil {
		return nil, fmt.Errorf("load records of persons: %w", err)
	}
	if len(others) == 0 {
		return some, nil
	}
	found, err := persons(ctx, tx, others, false)
	return append(slices.Clone(some), found...), err
}
