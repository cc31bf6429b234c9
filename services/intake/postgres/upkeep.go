package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/intake/index"
	"github.com/hearthfps/hearth/services/intake/referral"
)

const (
	makeIndexRowSQL = `INSERT INTO match_index (version, model_id, generation, other_model_id, other_generation, other_state, changed_by, changed_at)
		SELECT 1, $2, 1, fresh.model, fresh.generation, fresh.state, 'upkeep', $1
		FROM (SELECT CASE WHEN old THEN $2 END AS model, CASE WHEN old THEN 1 END AS generation, CASE WHEN old THEN 'building' END AS state
			FROM (SELECT EXISTS (SELECT FROM person) AND NOT EXISTS (SELECT FROM person_index) AS old) AS looked) AS fresh
		ON CONFLICT DO NOTHING`

	takeRecheckSQL = `DELETE FROM match_recheck WHERE person_id IN (SELECT person_id FROM match_recheck ORDER BY person_id LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING person_id`

	supersedeSQL = `UPDATE match_candidate c SET state = 'superseded'
		FROM unnest($1::text[], $2::text[], $3::bytea[]) AS q (a, b, facts)
		WHERE c.state = 'open' AND c.person_a = q.a AND c.person_b = q.b AND c.facts_hash <> q.facts`

	// Persons are numbered by the time they were made known (UUIDv7), so what lies
	// between two times is a range of numbers. Whoever was made known less than
	// the given time ago is left for later: the transaction may not have ended.
	settledSQL = `SELECT overlay(lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000 - $1::float8 * 1000)::bigint), 12, '0') PLACING '-' FROM 9 FOR 0)`

	sweepFromSQL = `SELECT swept_to FROM match_index FOR UPDATE SKIP LOCKED`

	sweptSQL = `UPDATE match_index SET swept_to = $1`

	personsBetweenSQL = `SELECT ` + personColumns + ` FROM person p WHERE p.person_id > $1 AND p.person_id < $2 ORDER BY p.person_id LIMIT $3`

	togetherSQL = `SELECT DISTINCT b.person_id FROM referral_person a JOIN referral_person b ON b.referral_id = a.referral_id WHERE a.person_id = $1`
)

// EnsureRow makes the agency's row when its index is first looked after. Persons of
// before there was an index are then to be put in it.
func (x *Indexes) EnsureRow(ctx context.Context, tx *postgres.Tx, now time.Time) error {
	var version int64
	if err := tx.QueryRowxContext(ctx, indexVersionSQL).Scan(&version); err != nil {
		return fmt.Errorf("look for the index's row: %w", err)
	}
	if version != noRow {
		return nil
	}
	if err := SaveModel(ctx, tx, x.BuiltIn(), "upkeep", now); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, makeIndexRowSQL, now, x.BuiltIn().ID()); err != nil {
		return fmt.Errorf("make the index's row: %w", err)
	}
	return nil
}

// Renew has the keys of the built-in model built for an agency whose persons are kept
// by those of the one before, unless another model stands beside that. The model is
// stored with them, for replicas of a release that has another built in.
func (x *Indexes) Renew(ctx context.Context, tx *postgres.Tx, row IndexRow, now time.Time) (begun bool, err error) {
	old := func(r IndexRow) bool { return r.Model == "" && r.OtherState == "" }
	switch {
	case row.Model == "" && row.OtherModel == x.BuiltIn().ID() && row.OtherState == "ready": // by a replica of the release before
		return true, x.Built(ctx, tx, now)
	case !old(row):
		return false, nil
	}
	if err := SaveModel(ctx, tx, x.BuiltIn(), "upkeep", now); err != nil {
		return false, err
	}
	_, err = x.Change(ctx, tx, now, func(r *IndexRow) error {
		if begun = old(*r); begun {
			r.OtherModel, r.OtherGeneration, r.OtherState, r.BuiltTo, r.ChangedBy = x.BuiltIn().ID(), r.Generation+1, "building", "", "upkeep"
		}
		return nil
	})
	return begun, err
}

// Built notes that the keys of the model beside the one in use are complete. Those of
// the built-in model take the place of the ones before at once: they score alike. What
// is left to do then is to drop the keys nobody is found by.
func (x *Indexes) Built(ctx context.Context, tx *postgres.Tx, now time.Time) error {
	_, err := x.Change(ctx, tx, now, func(r *IndexRow) error {
		switch {
		case r.OtherModel == r.Model:
			r.OtherState = ""
		case r.Model == "" && r.OtherModel == x.BuiltIn().ID():
			r.Model, r.Generation, r.BuiltTo = r.OtherModel, r.OtherGeneration, AfterAll
		default:
			r.OtherState = "ready"
		}
		return nil
	})
	return err
}

// TakeRecheck takes persons that are to be compared anew, at most limit.
func TakeRecheck(ctx context.Context, tx *postgres.Tx, limit int) ([]*referral.Person, error) {
	var ids []string
	if err := tx.SelectContext(ctx, &ids, takeRecheckSQL, limit); err != nil {
		return nil, fmt.Errorf("take persons to compare anew: %w", err)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return persons(ctx, tx, ids, false)
}

// ReportedTogether are the persons who are in a referral with the given one, and so
// are not the same.
func ReportedTogether(ctx context.Context, tx *postgres.Tx, id referral.PersonID) (map[referral.PersonID]bool, error) {
	var ids []referral.PersonID
	if err := tx.SelectContext(ctx, &ids, togetherSQL, id); err != nil {
		return nil, fmt.Errorf("read who is reported together: %w", err)
	}
	together := map[referral.PersonID]bool{}
	for _, other := range ids {
		together[other] = true
	}
	return together, nil
}

// SaveQuestions keeps pairs that may be one person. An open question about other
// facts of the same pair is superseded; one that was asked for the same facts is
// not asked again.
func SaveQuestions(ctx context.Context, tx *postgres.Tx, questions []referral.Question, now time.Time, newID func() string) error {
	if len(questions) == 0 {
		return nil
	}
	var a, b []string
	var facts [][]byte
	for _, q := range questions {
		a, b, facts = append(a, string(q.A)), append(b, string(q.B)), append(facts, q.Facts[:])
	}
	w := &writer{batch: &pgx.Batch{}}
	w.queue(supersedeSQL, a, b, facts)
	w.questions(questions, now, newID)
	return w.flush(ctx, tx, nil)
}

// LongTransaction is how long the transaction that makes persons known may take
// before they are compared anew.
const LongTransaction = 5 * time.Second

// Sweep hands to look the persons made known since the last sweep, from whom on, and
// notes how far it came. busy says that there are more. Where another sweeps it does
// nothing. settled is how long a transaction may take from when it names a person to
// its commit: those named less long ago are left for later.
func (x *Indexes) Sweep(ctx context.Context, tx *postgres.Tx, by *index.Index, settled time.Duration, limit int, look func(from string, fresh []MadeKnown) error) (busy bool, err error) {
	var from []string
	if err := tx.SelectContext(ctx, &from, sweepFromSQL); err != nil {
		return false, fmt.Errorf("read how far was swept: %w", err)
	}
	if len(from) == 0 {
		return false, nil
	}
	var until string
	if err := tx.QueryRowxContext(ctx, settledSQL, settled.Seconds()).Scan(&until); err != nil {
		return false, fmt.Errorf("read the time: %w", err)
	}
	if from[0] == "" { // who was known before is no doubt committed
		_, err := tx.ExecContext(ctx, sweptSQL, until)
		return false, err
	}
	fresh, err := x.MadeKnownBetween(ctx, tx, by, from[0], until, limit)
	if err != nil || len(fresh) == 0 {
		return false, err
	}
	if err := look(from[0], fresh); err != nil {
		return false, err
	}
	_, err = tx.ExecContext(ctx, sweptSQL, string(fresh[len(fresh)-1].ID))
	return len(fresh) == limit, err
}

// AfterAll comes after the number of every person.
const AfterAll = "g"

// PersonsBetween are the persons numbered after from and before to, at most limit.
func PersonsBetween(ctx context.Context, tx *postgres.Tx, from, to string, limit int) ([]*referral.Person, error) {
	return queryPersons(ctx, tx, personsBetweenSQL, from, to, limit)
}

// Earlier is what begins the ids of UUIDv7 made that long before the one given.
func Earlier(id string, by time.Duration) (string, error) {
	var high, low uint64
	if _, err := fmt.Sscanf(id, "%8x-%4x", &high, &low); err != nil {
		return "", fmt.Errorf("a person's id is no UUIDv7")
	}
	ms := (high<<16 | low) - uint64(by.Milliseconds())
	return fmt.Sprintf("%08x-%04x", ms>>16, ms&0xffff), nil
}
