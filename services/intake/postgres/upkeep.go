package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/intake/referral"
)

const (
	// An agency's row is made when its index is first looked after.
	makeIndexRowSQL = `INSERT INTO match_index (version, model_id, generation, other_model_id, other_generation, other_state, changed_by, changed_at)
		SELECT 0, '', 1, fresh.model, fresh.generation, fresh.state, 'upkeep', $1
		FROM (SELECT CASE WHEN old THEN '' END AS model, CASE WHEN old THEN 1 END AS generation, CASE WHEN old THEN 'building' END AS state
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

// EnsureIndexRow makes the agency's row. Persons of before there was an index are
// then to be put in it.
func EnsureIndexRow(ctx context.Context, tx *postgres.Tx, now time.Time) error {
	if _, err := tx.ExecContext(ctx, makeIndexRowSQL, now); err != nil {
		return fmt.Errorf("make the index's row: %w", err)
	}
	return nil
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
func Sweep(ctx context.Context, tx *postgres.Tx, settled time.Duration, limit int, look func(from string, fresh []*referral.Person) error) (busy bool, err error) {
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
	fresh, err := PersonsBetween(ctx, tx, from[0], until, limit)
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
