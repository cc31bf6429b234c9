package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// Related is another referral of the same household or the same persons.
type Related struct {
	ID          referral.ReferralID
	ReceivedAt  time.Time
	Status      string
	DecidedAt   time.Time
	WithdrawnAt time.Time
	Case        referral.CaseID
	// ByHousehold and ByPerson say what it has in common.
	ByHousehold, ByPerson bool
	// Barred: the worker who asks is excluded from it, and is not told that it exists.
	Barred bool
}

// A person is in a referral by any of the records they are of.
const relatedSQL = `WITH person AS (
		SELECT l.person_id AS record_id FROM referral_person l WHERE l.referral_id = $1
		UNION SELECT m.record_id FROM referral_person l
			JOIN person_identity own ON own.agency_id = l.agency_id AND own.record_id = l.person_id
			JOIN person_identity m ON m.agency_id = own.agency_id AND m.identity_id = own.identity_id
			WHERE l.referral_id = $1),
	other AS (
		SELECT r.referral_id, true AS household, false AS person FROM referral r WHERE r.household_id = $2
		UNION ALL SELECT l.referral_id, false, true FROM person JOIN referral_person l ON l.person_id = person.record_id)
	SELECT r.referral_id, r.received_at, r.status, h.at, r.withdrawn_at, coalesce(r.case_id, ''), bool_or(other.household), bool_or(other.person),
		EXISTS (SELECT FROM case_access x WHERE x.case_id = r.case_id AND x.worker_id = $3 AND x.excluded)
			OR EXISTS (SELECT FROM referral_exclusion x WHERE x.referral_id = r.referral_id AND x.worker_id = $3)
			OR r.case_id IS NULL AND r.household_id IN (%s)
	FROM other JOIN referral r ON r.referral_id = other.referral_id
	LEFT JOIN LATERAL (SELECT max(h.at) AS at FROM referral_history h WHERE h.referral_id = r.referral_id AND h.what = 'screened') AS h ON true
	WHERE r.referral_id <> $1
	GROUP BY r.agency_id, r.referral_id, r.received_at, r.status, h.at, r.withdrawn_at, r.case_id, r.household_id
	ORDER BY r.received_at DESC, r.referral_id DESC`

// Barred are the households of the cases and referrals a worker, the nth argument of
// the query it stands in, is excluded from.
func Barred(n int) string {
	return fmt.Sprintf(`SELECT shared.household_id FROM case_access barring JOIN referral shared ON shared.case_id = barring.case_id WHERE barring.excluded AND barring.worker_id = $%[1]d
	UNION SELECT shared.household_id FROM referral_exclusion barring JOIN referral shared ON shared.agency_id = barring.agency_id AND shared.referral_id = barring.referral_id WHERE barring.worker_id = $%[1]d`, n)
}

// RelatedReferrals are the others of the referral's household and persons, newest
// first, as a worker asks for them.
func RelatedReferrals(ctx context.Context, tx *postgres.Tx, rf *referral.Referral, worker string) ([]Related, error) {
	var all []Related
	batch := &pgx.Batch{}
	batch.Queue(fmt.Sprintf(relatedSQL, Barred(3)), string(rf.ID), string(rf.Household), worker)
	err := tx.SendBatch(ctx, batch, func(results pgx.BatchResults) error {
		return each(results, func(rows pgx.Rows) error {
			var r Related
			var decided, withdrawn *time.Time
			err := rows.Scan(&r.ID, &r.ReceivedAt, &r.Status, &decided, &withdrawn, &r.Case, &r.ByHousehold, &r.ByPerson, &r.Barred)
			r.ReceivedAt, r.DecidedAt, r.WithdrawnAt = r.ReceivedAt.UTC(), utc(decided), utc(withdrawn)
			all = append(all, r)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("load related referrals: %w", err)
	}
	return all, nil
}

// Exclude keeps a worker from knowing of a referral. Done again it changes nothing.
func Exclude(ctx context.Context, tx *postgres.Tx, id referral.ReferralID, worker, reason, by string, now time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO referral_exclusion (referral_id, worker_id, reason_code, excluded_by, excluded_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`, id, worker, reason, by, now)
	if err != nil {
		return fmt.Errorf("exclude from referral: %w", err)
	}
	return nil
}

// liftExclusions moves exclusions to the record of those that no longer hold.
const liftExclusions = `
WITH lifted AS (
	DELETE FROM referral_exclusion x USING referral r
	WHERE r.agency_id = x.agency_id AND r.referral_id = x.referral_id AND %s AND x.worker_id = $2
	RETURNING x.referral_id, x.worker_id, x.reason_code, x.excluded_by, x.excluded_at
)
INSERT INTO referral_exclusion_lifted (referral_id, worker_id, reason_code, excluded_by, excluded_at, lifted_by, lifted_at)
SELECT referral_id, worker_id, reason_code, excluded_by, excluded_at, $3, $4 FROM lifted`

var (
	liftOfReferral = fmt.Sprintf(liftExclusions, "r.referral_id = $1")
	liftOfCase     = fmt.Sprintf(liftExclusions, "r.case_id = $1")
)

// LiftExclusion lets a worker know of a referral again who was kept from it. It
// stays on record. Done again it changes nothing.
func LiftExclusion(ctx context.Context, tx *postgres.Tx, id referral.ReferralID, worker, by string, now time.Time) error {
	if _, err := tx.ExecContext(ctx, liftOfReferral, id, worker, by, now); err != nil {
		return fmt.Errorf("lift exclusion from referral: %w", err)
	}
	return nil
}

// LiftCaseExclusion does so for the referrals of a case the worker is no longer
// excluded from; by names the service that says so.
func LiftCaseExclusion(ctx context.Context, tx *postgres.Tx, c referral.CaseID, worker, by string, now time.Time) error {
	if _, err := tx.ExecContext(ctx, liftOfCase, c, worker, by, now); err != nil {
		return fmt.Errorf("lift exclusions from referrals of case: %w", err)
	}
	return nil
}

// Exclusions are who may not know of a referral.
func Exclusions(ctx context.Context, tx *postgres.Tx, id referral.ReferralID) ([]referral.Exclusion, error) {
	var all []referral.Exclusion
	if err := tx.SelectContext(ctx, &all, `SELECT worker_id, reason_code, excluded_by FROM referral_exclusion WHERE referral_id = $1 ORDER BY worker_id`, id); err != nil {
		return nil, fmt.Errorf("load exclusions: %w", err)
	}
	return all, nil
}
