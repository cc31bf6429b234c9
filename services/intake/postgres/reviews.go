package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/intake/identity"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// Review is a question whether two are one person: a pair of records, or, when
// Referral is set, a person of a referral and the record they were linked to without
// asking.
type Review struct {
	ID       string
	A, B     referral.PersonID // B alone for a link
	Referral referral.ReferralID
	Ref      string
	Reasons  []string
	Evidence string
	State    identity.Answer
	Since    time.Time
	// Decisions is how many there were.
	Decisions int64
	// LogOdds is what the engine made of it, log2.
	LogOdds float64
}

// Version goes up with every decision.
func (r *Review) Version() int64 { return r.Decisions + 1 }

// Nobody sealed is asked about, nor shown to have been.
const reviewsSQL = `SELECT pair_id, person_a, person_b, referral_id, ref, reasons, evidence, state, since, decisions, log_odds FROM (
	SELECT c.pair_id, c.person_a, c.person_b, '' AS referral_id, '' AS ref, c.zone, c.reasons, c.evidence,
		CASE c.state WHEN 'linked' THEN 'same' WHEN 'apart' THEN 'different' WHEN 'undecided' THEN 'cannot_tell' ELSE c.state END AS state,
		c.created_at AS since, (SELECT count(*) FROM pair_decision d WHERE d.agency_id = c.agency_id AND d.pair_id = c.pair_id) AS decisions, c.log_odds
	FROM match_candidate c
	UNION ALL
	SELECT s.sample_id, '', s.person_id, s.referral_id, s.ref, 'ask', '{}', s.evidence, s.state, s.sampled_at, CASE s.state WHEN 'open' THEN 0 ELSE 1 END, s.log_odds
	FROM link_sample s) AS review
	WHERE NOT EXISTS (SELECT FROM person p WHERE p.person_id IN (person_a, person_b) AND p.seal IS NOT NULL)`

// ReviewFilter narrows a list of reviews. After is where the page before ended.
type ReviewFilter struct {
	Decided   bool
	Zone      string
	Before    time.Time // those that came up earlier alone; zero is all
	AfterTime time.Time
	AfterID   string
}

// ListReviews lists questions, the oldest first, at most limit.
func ListReviews(ctx context.Context, tx *postgres.Tx, f ReviewFilter, limit int) ([]Review, error) {
	return reviews(ctx, tx, reviewsSQL+` AND (CASE WHEN $1 THEN state IN ('same', 'different', 'cannot_tell') ELSE state = 'open' END)
		AND ($2 = '' OR zone = $2) AND ($3::timestamptz IS NULL OR since < $3) AND ($5 = '' OR (since, pair_id COLLATE "C") > ($4::timestamptz, $5))
		ORDER BY since, pair_id COLLATE "C" LIMIT $6`, f.Decided, f.Zone, when(f.Before), when(f.AfterTime), f.AfterID, limit)
}

// GetReview loads one, and locks it when it is to be decided. It fails with NotFound
// (match_review_not_found).
func GetReview(ctx context.Context, tx *postgres.Tx, id string, change bool) (*Review, error) {
	if change {
		for _, table := range []string{`SELECT FROM match_candidate WHERE pair_id = $1 FOR UPDATE`, `SELECT FROM link_sample WHERE sample_id = $1 FOR UPDATE`} {
			if _, err := tx.ExecContext(ctx, table, id); err != nil {
				return nil, fmt.Errorf("lock review: %w", err)
			}
		}
	}
	found, err := reviews(ctx, tx, reviewsSQL+` AND pair_id = $1`, id)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fault.Missing("match_review")
	}
	return &found[0], nil
}

func reviews(ctx context.Context, tx *postgres.Tx, query string, args ...any) ([]Review, error) {
	var found []Review
	batch := &pgx.Batch{}
	batch.Queue(query, args...)
	err := tx.SendBatch(ctx, batch, func(results pgx.BatchResults) error {
		return each(results, func(rows pgx.Rows) error {
			var r Review
			err := rows.Scan(&r.ID, &r.A, &r.B, &r.Referral, &r.Ref, &r.Reasons, &r.Evidence, &r.State, &r.Since, &r.Decisions, &r.LogOdds)
			r.Since = r.Since.UTC()
			found = append(found, r)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("load reviews: %w", err)
	}
	return found, nil
}

// ReviewDecision is a decision about a review. Merge is the merge that came of it.
type ReviewDecision struct {
	Answer identity.Answer
	Merge  identity.MergeID
	identity.Decision
}

// SaveReviewDecision stores a decision under an id of its own.
func SaveReviewDecision(ctx context.Context, tx *postgres.Tx, r *Review, id string, d ReviewDecision) error {
	if r.Referral != "" {
		_, err := tx.ExecContext(ctx, `UPDATE link_sample SET state = $2, reason_code = $3, note = $4, decided_by = $5, decided_at = $6 WHERE sample_id = $1`,
			r.ID, d.Answer, d.Reason, d.Note, d.By, d.At)
		if err != nil {
			return fmt.Errorf("store decision: %w", err)
		}
		return nil
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO pair_decision (decision_id, pair_id, decision, reason_code, note, merge_id, decided_by, decided_at) VALUES ($1, $2, $3, $4, $5, nullif($6, ''), $7, $8)`,
		id, r.ID, d.Answer, d.Reason, d.Note, d.Merge, d.By, d.At); err != nil {
		return fmt.Errorf("store decision: %w", err)
	}
	state := map[identity.Answer]string{identity.Same: "linked", identity.Different: "apart", identity.CannotTell: "undecided"}[d.Answer]
	if _, err := tx.ExecContext(ctx, `UPDATE match_candidate SET state = $2, decided_by = $3, decided_at = $4, reason_code = $5 WHERE pair_id = $1`, r.ID, state, d.By, d.At, d.Reason); err != nil {
		return fmt.Errorf("store decision: %w", err)
	}
	return nil
}

// DecideApart answers every question that waits about two persons, by whichever of
// their records, once they were decided to be two.
func DecideApart(ctx context.Context, tx *postgres.Tx, i, j *identity.Identity, d identity.Decision) error {
	_, err := tx.ExecContext(ctx, `UPDATE match_candidate SET state = 'apart', decided_by = $3, decided_at = $4, reason_code = $5
		WHERE state = 'open' AND (person_a = ANY($1) AND person_b = ANY($2) OR person_a = ANY($2) AND person_b = ANY($1))`, i.Members(), j.Members(), d.By, d.At, d.Reason)
	if err != nil {
		return fmt.Errorf("decide apart: %w", err)
	}
	return nil
}

const reviewDecisionsSQL = `SELECT decision, reason_code, note, coalesce(merge_id, ''), decided_by, decided_at FROM pair_decision WHERE pair_id = $1
	UNION ALL SELECT state, coalesce(reason_code, ''), coalesce(note, ''), '', decided_by, decided_at FROM link_sample WHERE sample_id = $1 AND decided_at IS NOT NULL
	ORDER BY 6`

// ReviewDecisions are all decisions about a review, the oldest first.
func ReviewDecisions(ctx context.Context, tx *postgres.Tx, id string) ([]ReviewDecision, error) {
	var all []ReviewDecision
	batch := &pgx.Batch{}
	batch.Queue(reviewDecisionsSQL, id)
	err := tx.SendBatch(ctx, batch, func(results pgx.BatchResults) error {
		return each(results, func(rows pgx.Rows) error {
			var d ReviewDecision
			err := rows.Scan(&d.Answer, &d.Reason, &d.Note, &d.Merge, &d.By, &d.At)
			d.At = d.At.UTC()
			all = append(all, d)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("load decisions: %w", err)
	}
	return all, nil
}
