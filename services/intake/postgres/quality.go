package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/jackc/pgx/v5"

	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/intake/identity"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// Verdict is one judged link (Share > 0) or one decided question, with what it is
// grouped by.
type Verdict struct {
	Share    float64
	Answer   identity.Answer
	Language string
	Name     referral.Name
}

// A person is grouped by the first language known of them. The newest are enough.
const verdictsSQL = `SELECT v.share, v.answer, coalesce(p.languages[1], 'unknown'), p.name FROM (
	SELECT share, state AS answer, person_id, decided_at FROM link_sample WHERE decided_at >= $1
	UNION ALL
	SELECT 0, CASE state WHEN 'linked' THEN 'same' WHEN 'apart' THEN 'different' ELSE 'cannot_tell' END, person_b, decided_at
	FROM match_candidate WHERE decided_at >= $1 AND state IN ('linked', 'apart', 'undecided') AND NOT EXISTS (
		SELECT FROM link_sample s WHERE s.referral_id = origin_referral AND s.person_id IN (person_a, person_b) AND s.decided_at = match_candidate.decided_at)) AS v
	JOIN person p ON p.person_id = v.person_id ORDER BY v.decided_at DESC LIMIT 20000`

// Verdicts are what was judged and decided since, the newest 20,000.
func Verdicts(ctx context.Context, tx *postgres.Tx, since time.Time) ([]Verdict, error) {
	var all []Verdict
	batch := &pgx.Batch{}
	batch.Queue(verdictsSQL, since)
	err := tx.SendBatch(ctx, batch, func(results pgx.BatchResults) error {
		return each(results, func(rows pgx.Rows) error {
			var v Verdict
			var name string
			if err := rows.Scan(&v.Share, &v.Answer, &v.Language, &name); err != nil {
				return err
			}
			all = append(all, v)
			return json.Unmarshal([]byte(name), &all[len(all)-1].Name)
		})
	})
	if err != nil {
		return nil, fmt.Errorf("load verdicts: %w", err)
	}
	return all, nil
}

// Tally counts what the queue and the engine did since a time, and what waits.
type Tally struct {
	Linked, SampledOpen, QuestionsOpen int
	// Noticed are merges nobody was asked about: links that were missed, and that the
	// engine did not even ask about. Those taken back are not among them.
	Noticed int
	// OldestOpen is since when the oldest question waits; zero when none does.
	OldestOpen time.Time
}

// CountMatching makes the tally.
func CountMatching(ctx context.Context, tx *postgres.Tx, since time.Time) (Tally, error) {
	var t Tally
	var oldest *time.Time
	err := tx.QueryRowxContext(ctx, `SELECT
		(SELECT count(*) FROM referral_person l JOIN referral r ON r.agency_id = l.agency_id AND r.referral_id = l.referral_id WHERE l.basis = 'linked' AND r.arrived_at >= $1),
		(SELECT count(*) FROM link_sample WHERE state = 'open'), (SELECT count(*) FROM match_candidate WHERE state = 'open'),
		(SELECT count(*) FROM person_merge WHERE pair_id IS NULL AND undone_at IS NULL AND merged_at >= $1),
		(SELECT min(at) FROM (SELECT min(created_at) AS at FROM match_candidate WHERE state = 'open' UNION ALL SELECT min(sampled_at) FROM link_sample WHERE state = 'open') AS waiting)`, since).
		Scan(&t.Linked, &t.SampledOpen, &t.QuestionsOpen, &t.Noticed, &oldest)
	t.OldestOpen = utc(oldest)
	if err != nil {
		return t, fmt.Errorf("count matching: %w", err)
	}
	return t, nil
}

// Links under the model in use: the first thousand are what it was; of the rest, the
// latest since a time are what it is. Comparisons that were not made are unknown.
const (
	newestModelSQL = `SELECT model FROM referral_person WHERE basis = 'linked' AND model IS NOT NULL ORDER BY referral_id DESC LIMIT 1`

	windowsSQL = `WITH reference AS (
			SELECT referral_id, ref, log_odds, evidence FROM referral_person WHERE basis = 'linked' AND model = $1 ORDER BY referral_id, ref LIMIT $2),
		latest AS (
			SELECT referral_id, ref, log_odds, evidence FROM referral_person WHERE basis = 'linked' AND model = $1 ORDER BY referral_id DESC, ref DESC LIMIT $4),
		windowed AS (
			SELECT true AS first, log_odds, evidence::jsonb AS evidence FROM reference
			UNION ALL SELECT false, l.log_odds, l.evidence::jsonb FROM latest l JOIN referral r ON r.referral_id = l.referral_id
			WHERE r.arrived_at >= $3 AND (l.referral_id, l.ref) NOT IN (SELECT referral_id, ref FROM reference)),
		score AS (SELECT first, 'score' AS what, width_bucket(log_odds, 0, 60, 12)::text AS value FROM windowed),
		level AS (SELECT first, e ->> 'comparison' AS what, e ->> 'level' AS value FROM windowed CROSS JOIN LATERAL jsonb_array_elements(evidence) AS e)
		SELECT first, what, value, count(*) FROM (SELECT * FROM score UNION ALL SELECT * FROM level) AS seen GROUP BY first, what, value`
)

// How many links under a model later ones are compared with, and how many of the
// latest are looked at, at most.
const (
	driftReference = 1000
	driftLatest    = 5000
)

// Windows are the distributions of scores and of levels of agreement among links under
// the model in use: of its first thousand, and of those since a time. model is "" when
// none was made yet.
func Windows(ctx context.Context, tx *postgres.Tx, since time.Time) (model string, before, now map[string]identity.Distribution, err error) {
	before, now = map[string]identity.Distribution{}, map[string]identity.Distribution{}
	if model, err = one[string](ctx, tx, newestModelSQL); err != nil || model == "" {
		return model, before, now, err
	}
	batch := &pgx.Batch{}
	batch.Queue(windowsSQL, model, driftReference, since, driftLatest)
	err = tx.SendBatch(ctx, batch, func(results pgx.BatchResults) error {
		return each(results, func(rows pgx.Rows) error {
			var first bool
			var what, value string
			var n int
			if err := rows.Scan(&first, &what, &value, &n); err != nil {
				return err
			}
			window := now
			if first {
				window = before
			}
			if window[what] == nil {
				window[what] = identity.Distribution{}
			}
			window[what][value] = n
			return nil
		})
	})
	if err != nil {
		return "", nil, nil, fmt.Errorf("load what scores were: %w", err)
	}
	fillUnknown(before, now)
	fillUnknown(now, before)
	return model, before, now, nil
}

// fillUnknown counts the links in which something was not compared, though it was in
// others of this window or of the other.
func fillUnknown(window, other map[string]identity.Distribution) {
	count := func(d identity.Distribution) (n int) {
		for _, k := range d {
			n += k
		}
		return n
	}
	for what := range other {
		if window[what] == nil {
			window[what] = identity.Distribution{}
		}
	}
	all := count(window["score"])
	for _, d := range window {
		if left := all - count(d); left > 0 {
			d["unknown"] = left
		}
	}
}
