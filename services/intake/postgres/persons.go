package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/jackc/pgx/v5"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/intake/referral"
)

func scanPerson(rows pgx.Rows, more ...any) (*referral.Person, error) {
	p := &referral.Person{}
	var name, aliases, contacts, addresses, identifiers, rules string
	var households []string
	into := []any{
		&p.ID, &p.Version, &p.Origin, &name, &aliases, &p.BirthDate, &p.Sex, &p.Languages, &contacts, &addresses, &identifiers, &rules,
		&p.Seal, &p.Unborn, &p.MultipleBirth, &p.Identity, &households,
	}
	if err := rows.Scan(append(into, more...)...); err != nil {
		return nil, err
	}
	for _, part := range []struct {
		text string
		into any
	}{{name, &p.Name}, {aliases, &p.Aliases}, {contacts, &p.Contacts}, {addresses, &p.Addresses}, {identifiers, &p.Identifiers}, {rules, &p.ContactRules}} {
		if part.text == "" {
			continue
		}
		if err := json.Unmarshal([]byte(part.text), part.into); err != nil {
			return nil, errors.New("a stored person does not read")
		}
	}
	for _, h := range households {
		p.Households = append(p.Households, referral.HouseholdID(h))
	}
	return p, nil
}

// Standing is what a person's referrals say of how careful to be.
type Standing struct {
	Referrals   []string // newest first
	Cases       []string
	SafetyFlags []string
	// Refs are what the person is called in each of Referrals.
	Refs []string
	// Violence, ViolenceKnown and ChildOnly are as in referral.ContactSubject.
	Violence, ChildOnly bool
	ViolenceKnown       time.Time
}

// What a referral says it may say since it was last corrected.
const standingSQL = `SELECT l.person_id, l.ref, r.referral_id, coalesce(r.case_id, ''), r.withdrawn_at IS NOT NULL, array_to_string(r.safety_flags, ','), 'domestic_violence' = ANY(r.concern_codes), l.role,
		coalesce((SELECT max(h.at) FROM referral_history h WHERE h.agency_id = r.agency_id AND h.referral_id = r.referral_id AND h.what IN ('corrected', 'withdrawal_taken_back')), r.arrived_at)
	FROM referral_person l JOIN referral r ON r.agency_id = l.agency_id AND r.referral_id = l.referral_id
	WHERE l.person_id = ANY($1) ORDER BY r.referral_id DESC, l.ref`

// Person loads a person and their standing, and locks them when they are to be
// changed. It fails with NotFound (person_not_found).
func Person(ctx context.Context, tx *postgres.Tx, id referral.PersonID, change bool) (*referral.Person, Standing, error) {
	persons, err := persons(ctx, tx, []string{string(id)}, change)
	if err != nil {
		return nil, Standing{}, err
	}
	if len(persons) == 0 {
		return nil, Standing{}, fault.Missing("person")
	}
	all, err := standings(ctx, tx, []string{string(id)})
	return persons[0], all[id], err
}

func persons(ctx context.Context, tx *postgres.Tx, ids []string, change bool) ([]*referral.Person, error) {
	query := personsByIDSQL
	if change {
		query = lockPersonsByIDSQL
	}
	return queryPersons(ctx, tx, query, ids)
}

// queryPersons loads the persons whom a query selects by personColumns.
func queryPersons(ctx context.Context, tx *postgres.Tx, query string, args ...any) ([]*referral.Person, error) {
	batch := &pgx.Batch{}
	batch.Queue(query, args...)
	var found []*referral.Person
	err := tx.SendBatch(ctx, batch, func(results pgx.BatchResults) error {
		return each(results, func(rows pgx.Rows) error {
			p, err := scanPerson(rows)
			found = append(found, p)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("load persons: %w", err)
	}
	return found, nil
}

// standings are the standing of each person; every one asked about has one.
func standings(ctx context.Context, tx *postgres.Tx, ids []string) (map[referral.PersonID]Standing, error) {
	all := map[referral.PersonID]Standing{}
	for _, id := range ids {
		all[referral.PersonID(id)] = Standing{ChildOnly: true}
	}
	batch := &pgx.Batch{}
	batch.Queue(standingSQL, ids)
	err := tx.SendBatch(ctx, batch, func(results pgx.BatchResults) error {
		return each(results, func(rows pgx.Rows) error {
			var id referral.PersonID
			var in appearance
			if err := rows.Scan(&id, &in.ref, &in.referral, &in.caseID, &in.withdrawn, &in.flags, &in.violence, &in.role, &in.known); err != nil {
				return err
			}
			s := all[id]
			s.add(in)
			all[id] = s
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("load standing: %w", err)
	}
	for id, s := range all {
		s.ChildOnly = s.ChildOnly && len(s.Referrals) > 0
		all[id] = s
	}
	return all, nil
}

// appearance is a person in a referral, and what it says of how careful to be.
type appearance struct {
	ref, referral, caseID, flags, role string
	withdrawn, violence                bool
	known                              time.Time
}

func (s *Standing) add(in appearance) {
	s.Referrals, s.Refs = append(s.Referrals, in.referral), append(s.Refs, in.ref)
	if in.caseID != "" && !slices.Contains(s.Cases, in.caseID) {
		s.Cases = append(s.Cases, in.caseID)
	}
	s.ChildOnly = s.ChildOnly && in.role == "child"
	if in.withdrawn {
		return
	}
	for _, f := range strings.Split(in.flags, ",") {
		if f != "" && !slices.Contains(s.SafetyFlags, f) {
			s.SafetyFlags = append(s.SafetyFlags, f)
		}
		in.violence = in.violence || f == "domestic_violence"
	}
	if in.violence && (!s.Violence || in.known.Before(s.ViolenceKnown)) {
		s.ViolenceKnown = in.known.UTC()
	}
	s.Violence = s.Violence || in.violence
}

// SaveContactRules stores a person's contact rules under the next version.
func SaveContactRules(ctx context.Context, tx *postgres.Tx, p *referral.Person) error {
	result, err := tx.ExecContext(ctx, `UPDATE person SET contact_rules = $3, version = version + 1 WHERE person_id = $1 AND version = $2`, p.ID, p.Version, text(p.ContactRules))
	if err != nil {
		return fmt.Errorf("store contact rules: %w", err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return err
	}
	p.Version++
	return exactlyOne(n)
}

// GrantKind is the kind of protected record a grant is for.
type GrantKind string

// The kinds of protected records: a person's confidential addresses, a referral's
// reporter.
const (
	GrantAddress  GrantKind = "address"
	GrantReporter GrantKind = "reporter"
)

// Grant lets one worker, by name, see one protected record.
type Grant struct {
	Kind       GrantKind
	Record     string // the person's or the referral's id
	Worker     string
	ReasonCode string
	Until      time.Time
	GrantedBy  string
	GrantedAt  time.Time
}

// SaveGrant stores a grant in place of the one before.
func SaveGrant(ctx context.Context, tx *postgres.Tx, g Grant) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO protected_grant (kind, record_id, worker_id, reason_code, until, granted_by, granted_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (agency_id, kind, record_id, worker_id) DO UPDATE SET reason_code = excluded.reason_code, until = excluded.until, granted_by = excluded.granted_by, granted_at = excluded.granted_at`,
		g.Kind, g.Record, g.Worker, g.ReasonCode, g.Until, g.GrantedBy, g.GrantedAt)
	return err
}

// DropGrant takes a grant back. It fails with NotFound (grant_not_found).
func DropGrant(ctx context.Context, tx *postgres.Tx, kind GrantKind, record, worker string) error {
	result, err := tx.ExecContext(ctx, `DELETE FROM protected_grant WHERE kind = $1 AND record_id = $2 AND worker_id = $3`, kind, record, worker)
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		err = fault.New(fault.NotFound, "grant_not_found", "This worker has no such grant.")
	}
	return err
}

// Granted says whether the worker may see the protected record now.
func Granted(ctx context.Context, tx *postgres.Tx, kind GrantKind, record, worker string, now time.Time) (bool, error) {
	var granted bool
	err := tx.QueryRowxContext(ctx, `SELECT EXISTS (SELECT FROM protected_grant WHERE kind = $1 AND record_id = $2 AND worker_id = $3 AND until > $4)`, kind, record, worker, now).Scan(&granted)
	return granted, err
}

// ExcludedFrom says whether a worker is excluded from one of the referrals.
func ExcludedFrom(ctx context.Context, tx *postgres.Tx, referrals []string, worker string) (bool, error) {
	var excluded bool
	err := tx.QueryRowxContext(ctx, `SELECT EXISTS (SELECT FROM referral_exclusion WHERE referral_id = ANY($1) AND worker_id = $2)`, referrals, worker).Scan(&excluded)
	if err != nil {
		return false, fmt.Errorf("read exclusions: %w", err)
	}
	return excluded, nil
}

// Household is who lives together as far as is known.
type Household struct {
	Members   []*referral.Person
	Referrals []*referral.Referral // newest first
}

// GetHousehold loads a household. It fails with NotFound (household_not_found).
func GetHousehold(ctx context.Context, tx *postgres.Tx, id referral.HouseholdID) (Household, error) {
	var h Household
	var members, referrals []string
	err := errors.Join(
		tx.SelectContext(ctx, &members, `SELECT person_id FROM household_member WHERE household_id = $1 ORDER BY person_id`, id),
		tx.SelectContext(ctx, &referrals, `SELECT referral_id FROM referral WHERE household_id = $1 ORDER BY referral_id DESC`, id),
	)
	if err != nil {
		return h, fmt.Errorf("load household: %w", err)
	}
	if len(referrals) == 0 {
		return h, fault.Missing("household")
	}
	if h.Members, err = persons(ctx, tx, members, false); err != nil {
		return h, err
	}
	h.Referrals, err = Referrals(ctx, tx, referrals, false)
	slices.Reverse(h.Referrals)
	return h, err
}

// HouseholdMembers loads the persons of a household; none when it is not known.
func HouseholdMembers(ctx context.Context, tx *postgres.Tx, id referral.HouseholdID) ([]*referral.Person, error) {
	var members []string
	if err := tx.SelectContext(ctx, &members, `SELECT person_id FROM household_member WHERE household_id = $1 ORDER BY person_id`, id); err != nil {
		return nil, fmt.Errorf("load household: %w", err)
	}
	return persons(ctx, tx, members, false)
}
