package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/jackc/pgx/v5"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
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

	// Taken in the order of the keys by every transaction, before any row.
	lockSQL = `SELECT count(pg_advisory_xact_lock(k)) FROM unnest($1::bigint[]) AS k`

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

	personColumns = `p.person_id, p.version, p.origin, p.name, p.birth_date, p.sex, p.languages, p.contacts, p.addresses, p.identifiers, coalesce(p.contact_rules, ''),
		ARRAY(SELECT m.household_id FROM household_member m WHERE m.agency_id = p.agency_id AND m.person_id = p.person_id ORDER BY 1)`

	personsByKeySQL = `SELECT ` + personColumns + `, k.key
		FROM unnest($1::bigint[]) AS q (key)
		CROSS JOIN LATERAL (SELECT k.key, k.person_id FROM person_key k WHERE k.key = q.key OFFSET 0) AS k
		CROSS JOIN LATERAL (SELECT * FROM person p WHERE p.person_id = k.person_id FOR NO KEY UPDATE) AS p`

	personsByIDSQL = `SELECT ` + personColumns + `, 0::bigint
		FROM unnest($1::text[]) AS q (person_id)
		JOIN person p ON p.person_id = q.person_id
		FOR NO KEY UPDATE OF p`
)

// LoadBook locks and loads all that a group of arrivals touches: what is kept
// under their identities and those they refer to, what waits for them, the
// histories and referrals those belong to, and the persons their people may be.
// In the common case it is one round trip.
func LoadBook(ctx context.Context, tx *postgres.Tx, arrivals []referral.Event, m referral.Matcher) (*referral.Book, error) {
	l := &loader{ctx: ctx, tx: tx, matcher: m, book: referral.NewBook(), keys: map[int64][]string{}}
	refs, locks := []referral.EventRef{}, []int64{}
	var keys []int64
	for _, e := range arrivals {
		refs = append(refs, e.Ref)
		locks = append(locks, l.lock("event:", e.Ref.Source, e.Ref.ID))
		if e.Kind != referral.Submission {
			refs = append(refs, e.Target)
			locks = append(locks, l.lock("event:", e.Target.Source, e.Target.ID))
			continue
		}
		for _, p := range e.Content.Persons {
			mine := l.hash(m.Keys(p))
			keys = append(keys, mine...)
			if len(mine) > 0 {
				locks = append(locks, l.lock("person:", fmt.Sprint(mine[0])))
			}
		}
	}
	if err := l.first(refs, locks, keys); err != nil {
		return nil, fmt.Errorf("load what is known: %w", err)
	}
	if err := l.rest(arrivals); err != nil {
		return nil, fmt.Errorf("load histories: %w", err)
	}
	return l.book, nil
}

type loader struct {
	ctx     context.Context
	tx      *postgres.Tx
	matcher referral.Matcher
	book    *referral.Book
	keys    map[int64][]string
	waiting []referral.EventRef
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

// hash remembers which keys a hash stands for. Two keys with one hash give a
// candidate too many, which the matcher rejects.
func (l *loader) hash(keys []string) []int64 {
	hashes := hashKeys(keys)
	for i, h := range hashes {
		if !slices.Contains(l.keys[h], keys[i]) {
			l.keys[h] = append(l.keys[h], keys[i])
		}
	}
	return hashes
}

func hashKeys(keys []string) []int64 {
	hashes := make([]int64, len(keys))
	for i, k := range keys {
		sum := sha256.Sum256([]byte(k))
		hashes[i] = int64(binary.BigEndian.Uint64(sum[:]))
	}
	return hashes
}

func (l *loader) first(refs []referral.EventRef, locks, keys []int64) error {
	slices.Sort(locks)
	slices.Sort(keys)
	sources, ids := columns(refs)
	batch := &pgx.Batch{}
	batch.Queue(byIndexSQL)
	batch.Queue(lockSQL, slices.Compact(locks))
	batch.Queue(entriesSQL, sources, ids)
	batch.Queue(waitingSQL, sources, ids)
	batch.Queue(personsByKeySQL, slices.Compact(keys))
	return l.tx.SendBatch(l.ctx, batch, func(results pgx.BatchResults) error {
		for range 2 {
			if _, err := results.Exec(); err != nil {
				return err
			}
		}
		for range 2 {
			if err := l.readEntries(results); err != nil {
				return err
			}
		}
		return l.readPersons(results)
	})
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

func (l *loader) readPersons(results pgx.BatchResults) error {
	rows, err := results.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var key int64
		p, err := scanPerson(rows, &key)
		if err != nil {
			return err
		}
		l.book.People.Know(p, l.keys[key]...)
	}
	return rows.Err()
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
	batch.Queue(personsByIDSQL, slices.Compact(persons))
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
		return l.readPersons(results)
	})
}
