package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/jackc/pgx/v5"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/intake/index"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// The look-ups are by key, whatever the planner thinks of tables it has no
// statistics of yet; with these set it does not remember a scan for later. LATERAL
// with a lock or OFFSET 0 is neither turned around nor flattened: to a planner that
// takes a table for empty, going through all rows of an agency costs the same.
const (
	// And every statement is planned once for a connection, not anew for each length
	// of its arrays, and never compiled: both cost more than running it.
	byIndexSQL = `SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
		set_config('plan_cache_mode', 'force_generic_plan', true), set_config('jit', 'off', true)`

	// The index is shared; the others are taken in the order of the keys by every
	// transaction, before any row. What is read after is read by a statement of its own,
	// which sees what others committed while this one waited.
	lockSQL = byIndexSQL + `, pg_advisory_xact_lock_shared($1), (SELECT count(pg_advisory_xact_lock(k)) FROM unnest($2::bigint[]) AS k)`

	entryColumns = `e.source, e.event_id, e.receipt_id, e.kind, e.event_time, coalesce(e.target_source, ''), coalesce(e.target_id, ''),
		coalesce(e.referral_id, ''), e.status, coalesce(e.problems, ''), e.content_hash, e.wants_feedback`

	entriesSQL = `SELECT ` + entryColumns + `, ''
		FROM unnest($1::text[], $2::text[]) AS q (source, event_id)
		CROSS JOIN LATERAL (SELECT * FROM inbound_event e WHERE e.source = q.source AND e.event_id = q.event_id FOR UPDATE) AS e`

	waitingSQL = `SELECT ` + entryColumns + `, e.document
		FROM unnest($1::text[], $2::text[]) AS q (source, event_id)
		CROSS JOIN LATERAL (SELECT * FROM inbound_event e WHERE e.target_source = q.source AND e.target_id = q.event_id AND e.referral_id IS NULL FOR UPDATE) AS e`

	historySQL = `SELECT ` + entryColumns + `, e.document
		FROM unnest($1::text[]) AS q (referral_id)
		JOIN referral r ON r.referral_id = q.referral_id
		JOIN inbound_event e ON e.source = r.source AND e.event_id = r.event_id
		UNION ALL
		SELECT ` + entryColumns + `, e.document
		FROM unnest($1::text[]) AS q (referral_id)
		JOIN inbound_event e ON e.referral_id = q.referral_id AND e.kind <> 'submission'`

	personColumns = `p.person_id, p.version, p.origin, p.name, coalesce(p.aliases, ''), p.birth_date, p.sex, p.languages, p.contacts, p.addresses, p.identifiers, coalesce(p.contact_rules, ''),
		coalesce(p.seal, ''), p.unborn, p.multiple_birth,
		coalesce((SELECT i.identity_id FROM person_identity i WHERE i.agency_id = p.agency_id AND i.record_id = p.person_id), ''),
		ARRAY(SELECT m.household_id FROM household_member m WHERE m.agency_id = p.agency_id AND m.person_id = p.person_id ORDER BY 1)`

	// Of each key the newest persons only, and of those the names alone: who shares
	// enough to be compared with is loaded next.
	findPersonsSQL = `SELECT k.key, k.person::text
		FROM unnest($1::bigint[]) AS q (key)
		CROSS JOIN LATERAL (SELECT k.key, k.person FROM person_index k WHERE k.generation = $2 AND k.key = q.key ORDER BY k.person DESC LIMIT $3) AS k`

	// Not locked: most are compared with and left alone. Who changes one stores it
	// under the version that was read (see changedMeanwhile).
	personsByIDSQL = `SELECT ` + personColumns + `
		FROM unnest($1::text[]) AS q (person_id)
		CROSS JOIN LATERAL (SELECT * FROM person p WHERE p.person_id = q.person_id OFFSET 0) AS p`

	lockPersonsByIDSQL = `SELECT ` + personColumns + `
		FROM unnest($1::text[]) AS q (person_id)
		JOIN person p ON p.person_id = q.person_id
		FOR NO KEY UPDATE OF p`
)

// LoadBook locks and loads all that a group of arrivals touches: what is kept
// under their identities and those they refer to, what waits for them, the
// histories and referrals those belong to, and the persons their people may be.
// In the common case it is one round trip, or two where somebody may be known.
func LoadBook(ctx context.Context, tx *postgres.Tx, arrivals []referral.Event, indexes *Indexes) (*referral.Book, error) {
	x := indexes.last(tx.Agency())
	l := &loader{ctx: ctx, tx: tx, indexes: indexes, index: x, book: referral.NewBook(x)}
	refs, locks := []referral.EventRef{}, []int64{}
	for _, e := range arrivals {
		refs = append(refs, e.Ref)
		locks = append(locks, l.lock("event:", e.Ref.Source, e.Ref.ID))
		if e.Kind != referral.Submission {
			refs = append(refs, e.Target)
			locks = append(locks, l.lock("event:", e.Target.Source, e.Target.ID))
			continue
		}
		l.submitted = append(l.submitted, e.Content)
		for _, p := range e.Content.Persons {
			if name := referral.LockName(p.Name); name != "" {
				locks = append(locks, l.lock("person:", name))
			}
		}
	}
	if err := l.first(refs, locks); err != nil {
		return nil, fmt.Errorf("load what is known: %w", err)
	}
	if err := l.rest(arrivals); err != nil {
		return nil, fmt.Errorf("load histories: %w", err)
	}
	agency := tx.Agency()
	tx.AfterCommit(func() { indexes.recent.add(agency, l.index, l.book.People) })
	return l.book, nil
}

type loader struct {
	ctx       context.Context
	tx        *postgres.Tx
	indexes   *Indexes
	index     *index.Index
	book      *referral.Book
	submitted []*referral.Content
	found     map[int64][]string // persons by key
	waiting   []referral.EventRef
}

// lock names an advisory lock of this agency.
func (l *loader) lock(parts ...string) int64 {
	h := sha256.New()
	for _, p := range append([]string{"intake", l.tx.Agency().String()}, parts...) {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return int64(binary.BigEndian.Uint64(h.Sum(nil)))
}

// indexLock is held shared by whoever saves persons, so that the index changes
// between them and not beneath them.
func indexLock(tx *postgres.Tx) int64 { return (&loader{tx: tx}).lock("index") }

// reported are the persons that are submitted.
func (l *loader) reported() []*referral.Person {
	var all []*referral.Person
	for _, c := range l.submitted {
		all = append(all, l.book.Describe(c)...)
	}
	return all
}

// keys are what the persons reported are looked for by, each once.
func (l *loader) keys() []int64 {
	var keys []int64
	for _, p := range l.reported() {
		keys = append(keys, p.FoundBy(l.index)...)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func (l *loader) first(refs []referral.EventRef, locks []int64) error {
	slices.Sort(locks)
	sources, ids := columns(refs)
	batch := &pgx.Batch{}
	batch.Queue(lockSQL, indexLock(l.tx), slices.Compact(locks))
	batch.Queue(indexVersionSQL)
	batch.Queue(entriesSQL, sources, ids)
	batch.Queue(waitingSQL, sources, ids)
	batch.Queue(findPersonsSQL, l.keys(), l.index.Generation, referral.MostOfKey)
	var version int64
	if err := l.tx.SendBatch(l.ctx, batch, func(results pgx.BatchResults) error {
		if _, err := results.Exec(); err != nil {
			return err
		}
		if err := results.QueryRow().Scan(&version); err != nil {
			return err
		}
		for range 2 {
			if err := l.readEntries(results); err != nil {
				return err
			}
		}
		return l.readFound(results)
	}); err != nil {
		return err
	}
	if version != l.index.Version {
		if err := l.again(version); err != nil {
			return err
		}
	}
	return l.loadFound()
}

// again looks for the persons by an index that is newer than the one last seen.
func (l *loader) again(version int64) error {
	x, err := l.indexes.at(l.ctx, l.tx, version)
	if err != nil {
		return err
	}
	l.index = x
	l.book.MatchBy(x)
	batch := &pgx.Batch{}
	batch.Queue(findPersonsSQL, l.keys(), x.Generation, referral.MostOfKey)
	return l.tx.SendBatch(l.ctx, batch, l.readFound)
}

func (l *loader) readFound(results pgx.BatchResults) error {
	l.found = map[int64][]string{}
	return each(results, func(rows pgx.Rows) error {
		var key int64
		var person string
		err := rows.Scan(&key, &person)
		l.found[key] = append(l.found[key], person)
		return err
	})
}

// loadFound loads, of all found, those each person reported is to be compared with.
func (l *loader) loadFound() error {
	if len(l.found) == 0 {
		return nil
	}
	keysOf := map[string][]int64{}
	for _, p := range l.reported() {
		var alike referral.Alike[string]
		for _, k := range p.FoundBy(l.index) {
			alike.Share(l.found[k])
		}
		for _, id := range alike.Best() {
			keysOf[id] = nil
		}
	}
	for k, found := range l.found {
		for _, id := range found {
			if keys, ok := keysOf[id]; ok {
				keysOf[id] = append(keys, k)
			}
		}
	}
	batch := &pgx.Batch{}
	batch.Queue(personsByIDSQL, slices.Sorted(maps.Keys(keysOf)))
	return l.tx.SendBatch(l.ctx, batch, func(results pgx.BatchResults) error { return l.readPersons(results, keysOf) })
}

func columns(refs []referral.EventRef) (sources, ids []string) {
	seen := map[referral.EventRef]bool{}
	for _, r := range refs {
		if !seen[r] {
			seen[r] = true
			sources, ids = append(sources, r.Source), append(ids, r.ID)
		}
	}
	return sources, ids
}

func (l *loader) readEntries(results pgx.BatchResults) error {
	rows, err := results.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		e, err := scanEntry(rows)
		if err != nil {
			return err
		}
		if news := l.book.Know(e); news && e.Status == referral.Waiting && e.Document != nil {
			l.waiting = append(l.waiting, e.Ref)
		}
	}
	return rows.Err()
}

func scanEntry(rows pgx.Rows) (referral.Entry, error) {
	var e referral.Entry
	var at *time.Time
	var problems, document string
	var hash []byte
	if err := rows.Scan(&e.Ref.Source, &e.Ref.ID, &e.ReceiptID, &e.Kind, &at, &e.Target.Source, &e.Target.ID, &e.ReferralID, &e.Status, &problems, &hash, &e.WantsFeedback, &document); err != nil {
		return e, err
	}
	if at != nil {
		e.Time = at.UTC()
	}
	copy(e.Hash[:], hash)
	if document != "" {
		e.Document = []byte(document)
	}
	var err error
	e.Problems, err = readProblems(problems)
	return e, err
}

func readProblems(text string) ([]fault.Field, error) {
	var problems []fault.Field
	if text == "" {
		return nil, nil
	}
	err := json.Unmarshal([]byte(text), &problems)
	return problems, err
}

func (l *loader) readPersons(results pgx.BatchResults, keysOf map[string][]int64) error {
	return each(results, func(rows pgx.Rows) error {
		p, err := scanPerson(rows)
		if err == nil {
			l.book.People.Know(p, keysOf[string(p.ID)]...)
		}
		return err
	})
}

// rest loads, when there is need, what waits for what waits, and the histories,
// referrals and persons of the referrals that will be amended.
func (l *loader) rest(arrivals []referral.Event) error {
	for next := l.waiting; len(next) > 0; {
		l.waiting = nil
		sources, ids := columns(next)
		batch := &pgx.Batch{}
		batch.Queue(waitingSQL, sources, ids)
		if err := l.tx.SendBatch(l.ctx, batch, l.readEntries); err != nil {
			return err
		}
		next = l.waiting
	}
	var amended []string
	for _, e := range arrivals {
		if e.Kind == referral.Submission || l.book.Entry(e.Ref) != nil {
			continue
		}
		if target := l.book.Entry(e.Target); target != nil && target.ReferralID != "" && !slices.Contains(amended, string(target.ReferralID)) {
			amended = append(amended, string(target.ReferralID))
		}
	}
	if len(amended) == 0 {
		return nil
	}
	slices.Sort(amended)
	referrals, err := Referrals(l.ctx, l.tx, amended, true)
	if err != nil {
		return err
	}
	for _, rf := range referrals {
		l.book.Referrals[rf.ID] = rf
	}
	return l.histories(amended, referrals)
}

func (l *loader) histories(amended []string, referrals []*referral.Referral) error {
	var persons []string
	for _, rf := range referrals {
		for _, link := range rf.Persons {
			persons = append(persons, string(link.Person))
		}
	}
	slices.Sort(persons)
	batch := &pgx.Batch{}
	batch.Queue(historySQL, amended)
	batch.Queue(lockPersonsByIDSQL, slices.Compact(persons))
	return l.tx.SendBatch(l.ctx, batch, func(results pgx.BatchResults) error {
		rows, err := results.Query()
		if err != nil {
			return err
		}
		for rows.Next() {
			e, err := scanEntry(rows)
			if err != nil {
				rows.Close()
				return err
			}
			l.book.Know(e)
		}
		rows.Close()
		if rows.Err() != nil {
			return rows.Err()
		}
		return l.readPersons(results, nil)
	})
}
