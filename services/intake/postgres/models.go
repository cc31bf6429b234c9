package postgres

import (
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/jackc/pgx/v5"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/intake/match"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// The states of a job that learns a model.
const (
	JobQueued    = "queued"    // to learn
	JobBuilding  = "building"  // the keys of the model learnt
	JobComparing = "comparing" // it with the one in use
	JobDone      = "done"
	JobFailed    = "failed"
)

// MatchJob is a model being learnt, its keys built, and what would change.
type MatchJob struct {
	ID, State, Model string
	Costs            *match.Costs // nil: the engine's own
	AskedBy          string
	AskedAt          time.Time
	ChangedAt        time.Time
	Report           *ShadowReport
	ReasonCode       string // why it failed
}

// ShadowReport says what would change if the model learnt were in use.
type ShadowReport struct {
	Persons int `json:"persons"` // compared with whom they share a key with
	// Changes are the pairs judged otherwise, by "from_to" of the zones.
	Changes map[string]int `json:"changes"`
	Same    map[string]int `json:"same"` // pairs judged alike, by zone
	// Pairs are some of those, for somebody to look at.
	Pairs []ShadowPair `json:"pairs"`
}

// ShadowPair is a pair the two models judge otherwise.
type ShadowPair struct {
	A      referral.PersonID `json:"a"`
	B      referral.PersonID `json:"b"`
	Change string            `json:"change"`
	Before float64           `json:"before"` // probabilities
	After  float64           `json:"after"`
}

const jobColumns = `job_id, state, coalesce(model_id, ''), coalesce(costs, ''), asked_by, asked_at, changed_at, coalesce(report, ''), coalesce(reason_code, '')`

func scanJob(row interface{ Scan(...any) error }) (MatchJob, error) {
	var j MatchJob
	var costs, report string
	if err := row.Scan(&j.ID, &j.State, &j.Model, &costs, &j.AskedBy, &j.AskedAt, &j.ChangedAt, &report, &j.ReasonCode); err != nil {
		return j, err
	}
	j.AskedAt, j.ChangedAt = j.AskedAt.UTC(), j.ChangedAt.UTC()
	for text, into := range map[*string]any{&costs: &j.Costs, &report: &j.Report} {
		if *text != "" {
			if err := json.Unmarshal([]byte(*text), into); err != nil {
				return j, fmt.Errorf("read a stored job: %w", err)
			}
		}
	}
	return j, nil
}

// AddJob queues the learning of a model. It fails with Conflict (job_running) while
// another is learnt.
func AddJob(ctx context.Context, tx *postgres.Tx, j MatchJob) error {
	var costs *string
	if j.Costs != nil {
		s := text(j.Costs)
		costs = &s
	}
	result, err := tx.ExecContext(ctx, `INSERT INTO match_job (job_id, state, costs, asked_by, asked_at, changed_at) VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT DO NOTHING`,
		j.ID, JobQueued, costs, j.AskedBy, j.AskedAt)
	if err != nil {
		return fmt.Errorf("queue a job: %w", err)
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		err = fault.New(fault.Conflict, "job_running", "A model is being learnt. Wait until it is done.")
	}
	return err
}

// LatestJobs are the jobs asked for last, newest first.
func LatestJobs(ctx context.Context, tx *postgres.Tx, limit int) (jobs []MatchJob, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+jobColumns+` FROM match_job ORDER BY job_id DESC LIMIT $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("read jobs: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		j, err := scanJob(rows)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, j)
	}
	return jobs, rows.Err()
}

// TakeJob gives the job in a state that nobody worked on for the given time, if
// there is one, and notes that it is worked on.
func TakeJob(ctx context.Context, tx *postgres.Tx, state string, idle time.Duration, now time.Time) (MatchJob, bool, error) {
	j, err := scanJob(tx.QueryRowContext(ctx, `UPDATE match_job SET changed_at = $2 WHERE job_id IN (
		SELECT job_id FROM match_job WHERE state = $1 AND (changed_at = asked_at OR changed_at <= $3) FOR UPDATE SKIP LOCKED) RETURNING `+jobColumns, state, now, now.Add(-idle)))
	if errors.Is(err, sql.ErrNoRows) {
		return j, false, nil
	}
	if err != nil {
		return j, false, fmt.Errorf("take a job: %w", err)
	}
	return j, true, nil
}

// SaveJob stores how far a job is.
func SaveJob(ctx context.Context, tx *postgres.Tx, j MatchJob, now time.Time) error {
	var report *string
	if j.Report != nil {
		s := text(j.Report)
		report = &s
	}
	if _, err := tx.ExecContext(ctx, `UPDATE match_job SET state = $2, model_id = nullif($3, ''), report = $4, reason_code = nullif($5, ''), changed_at = $6 WHERE job_id = $1`,
		j.ID, j.State, j.Model, report, j.ReasonCode, now); err != nil {
		return fmt.Errorf("store a job: %w", err)
	}
	return nil
}

// SaveModel keeps a model, once.
func SaveModel(ctx context.Context, tx *postgres.Tx, m *match.Model, by string, now time.Time) error {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := m.WriteTo(z); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("pack model: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO match_model (model_id, artefact, records, made_by, made_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		m.ID(), packed.Bytes(), m.Made().Records, by, now); err != nil {
		return fmt.Errorf("keep a model: %w", err)
	}
	return nil
}

// Change changes what the agency matches by. It waits for whoever is saving
// persons, and who saves later sees it.
func (x *Indexes) Change(ctx context.Context, tx *postgres.Tx, now time.Time, change func(*IndexRow) error) (IndexRow, error) {
	if err := x.EnsureRow(ctx, tx, now); err != nil {
		return IndexRow{}, err
	}
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, indexLock(tx)); err != nil {
		return IndexRow{}, fmt.Errorf("lock the index: %w", err)
	}
	r, err := GetIndexRow(ctx, tx)
	if err != nil {
		return r, err
	}
	if err := change(&r); err != nil {
		return r, err
	}
	r.Version++
	var model, state *string
	var generation *int16
	if r.OtherState != "" {
		model, generation, state = &r.OtherModel, &r.OtherGeneration, &r.OtherState
	}
	_, err = tx.ExecContext(ctx, `UPDATE match_index SET version = $1, model_id = $2, generation = $3, other_model_id = $4, other_generation = $5, other_state = $6, built_to = $7, changed_by = $8, changed_at = $9`,
		r.Version, r.Model, r.Generation, model, generation, state, r.BuiltTo, r.ChangedBy, now)
	if err != nil {
		return r, fmt.Errorf("change what the agency matches by: %w", err)
	}
	return r, nil
}

// Reports hands over what referrals say, at most limit of them, chosen by chance but
// the same again: what a model is learnt from.
func Reports(ctx context.Context, tx *postgres.Tx, limit int, report func(*referral.Content)) error {
	batch := &pgx.Batch{}
	batch.Queue(`SELECT coalesce(r.document, e.document) FROM referral r JOIN inbound_event e ON e.source = r.source AND e.event_id = r.event_id
		ORDER BY md5(r.referral_id) LIMIT $1`, limit)
	now := tx.Now()
	err := tx.SendBatch(ctx, batch, func(results pgx.BatchResults) error {
		return each(results, func(rows pgx.Rows) error {
			var document string
			if err := rows.Scan(&document); err != nil {
				return err
			}
			c, err := referral.ReadContent([]byte(document), now)
			if err == nil {
				report(&c)
			}
			return err
		})
	})
	if err != nil {
		return fmt.Errorf("read reports: %w", err)
	}
	return nil
}

// CountPersons is how many persons the agency knows.
func CountPersons(ctx context.Context, tx *postgres.Tx) (int, error) {
	var n int
	err := tx.QueryRowxContext(ctx, `SELECT count(*) FROM person`).Scan(&n)
	return n, err
}

// SaveKeys puts persons into the index; keys they have already stay.
func SaveKeys(ctx context.Context, tx *postgres.Tx, persons []*referral.Person, keep func(*referral.Person) []referral.IndexKey) error {
	var generation []int16
	var hash []int64
	var person []string
	for _, p := range persons {
		for _, k := range keep(p) {
			generation, hash, person = append(generation, k.Generation), append(hash, k.Hash), append(person, string(p.ID))
		}
	}
	if len(hash) == 0 {
		return nil
	}
	w := &writer{batch: &pgx.Batch{}}
	w.queue(insertKeysSQL+unlessThereSQL, generation, hash, person)
	return w.flush(ctx, tx, nil)
}

// BuiltTo notes how far the keys are built.
func BuiltTo(ctx context.Context, tx *postgres.Tx, person string) error {
	if _, err := tx.ExecContext(ctx, `UPDATE match_index SET built_to = $1`, person); err != nil {
		return fmt.Errorf("note how far keys are built: %w", err)
	}
	return nil
}

// JobBuilt has the job whose keys are built compare its model next, if there is one.
func JobBuilt(ctx context.Context, tx *postgres.Tx) error {
	if _, err := tx.ExecContext(ctx, `UPDATE match_job SET state = $1, changed_at = asked_at WHERE state = $2`, JobComparing, JobBuilding); err != nil {
		return fmt.Errorf("go on with a job: %w", err)
	}
	return nil
}

// DropOtherKeys removes keys of generations neither of the two models has, at most
// limit, and says how many.
func DropOtherKeys(ctx context.Context, tx *postgres.Tx, r IndexRow, limit int) (int64, error) {
	result, err := tx.ExecContext(ctx, `DELETE FROM person_index WHERE (generation, key, person) IN (
		SELECT k.generation, k.key, k.person FROM generate_series(1, $1::int) AS g
		CROSS JOIN LATERAL (SELECT * FROM person_index k WHERE k.generation = g AND g NOT IN ($2, $3) LIMIT $4) AS k LIMIT $4)`,
		max(r.Generation, r.OtherGeneration), r.Generation, r.OtherGeneration, limit)
	if err != nil {
		return 0, fmt.Errorf("drop keys: %w", err)
	}
	return result.RowsAffected()
}
