package api

import (
	"context"
	"fmt"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/postgres"
	store "github.com/hearthfps/hearth/services/intake/postgres"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// barred are the households of the cases a worker is excluded from.
const barred = `SELECT shared.household_id FROM case_access barring JOIN referral shared ON shared.case_id = barring.case_id WHERE barring.excluded AND barring.worker_id = `

// resource is a referral as policy sees it. One that has no case yet is kept from
// whoever is excluded from a case of the same household.
func (a *API) resource(ctx context.Context, tx *postgres.Tx, rf *referral.Referral) (policy.Resource, error) {
	r := policy.Resource{Type: "referral", ID: string(rf.ID), CaseID: string(rf.Case)}
	if rf.Asked != nil {
		r.Author = rf.Asked.AskedBy // of the priority that waits to be approved
	}
	if rf.Case != "" {
		return r, nil
	}
	who, err := principal(ctx)
	if err != nil {
		return r, err
	}
	var excluded bool
	if err := tx.QueryRowxContext(ctx, `SELECT $1 IN (`+barred+`$2)`, rf.Household, who.Actor()).Scan(&excluded); err != nil {
		return r, fmt.Errorf("read exclusions of household: %w", err)
	}
	if excluded {
		r.Excluded = []string{who.Actor()}
	}
	return r, nil
}

// listed is resource's rule for a list: a condition on the referrals of the given
// alias, and its arguments.
func (a *API) listed(ctx context.Context, resourceType, alias string) (string, []any, error) {
	who, err := principal(ctx)
	if err != nil {
		return "", nil, err
	}
	where, args, err := a.Policy.CaseFilter(ctx, resourceType, alias+".case_id")
	if err != nil {
		return "", nil, err
	}
	args = append(args, who.Actor())
	return fmt.Sprintf("%s AND (%s.case_id IS NOT NULL OR %s.household_id NOT IN (%s$%d))", where, alias, alias, barred, len(args)), args, nil
}

// readable loads a referral for reading, and has the look audited.
func (a *API) readable(ctx context.Context, tx *postgres.Tx, id referral.ReferralID) (*referral.Referral, error) {
	rf, err := store.Referral(ctx, tx, id, false)
	if err != nil {
		return nil, err
	}
	r, err := a.resource(ctx, tx, rf)
	if err != nil {
		return nil, err
	}
	return rf, unknown(a.Policy.CheckRead(ctx, tx, policy.Read, r), "referral")
}

// changeable loads a referral, locked, for an action the caller may take on it.
func (a *API) changeable(ctx context.Context, tx *postgres.Tx, id referral.ReferralID, action string) (*referral.Referral, error) {
	rf, err := store.Referral(ctx, tx, id, true)
	if err != nil {
		return nil, err
	}
	r, err := a.resource(ctx, tx, rf)
	if err != nil {
		return nil, err
	}
	return rf, unknown(a.Policy.CheckRead(ctx, tx, action, r), "referral")
}

// person loads a person for an action of the given type of resource that the
// caller may take.
func (a *API) person(ctx context.Context, tx *postgres.Tx, id referral.PersonID, action, kind string, change bool) (*referral.Person, store.Standing, error) {
	p, s, err := store.Person(ctx, tx, id, change)
	if err != nil {
		return nil, s, err
	}
	return p, s, unknown(a.anyCase(ctx, tx, action, policy.Resource{Type: kind, ID: string(id)}, s.Cases), "person")
}

// anyCase decides about a thing that several cases share: who works on one of them
// may, and who is excluded from one of them may not: an exclusion beats every grant.
func (a *API) anyCase(ctx context.Context, tx *postgres.Tx, action string, r policy.Resource, cases []string) error {
	r.Cases = cases
	return a.Policy.CheckRead(ctx, tx, action, r)
}

// unknown words the refusal of what the caller may not know of as if there were
// no such referral, person or household: to the letter, or it tells that there is.
func unknown(err error, what string) error {
	if fault.KindOf(err) != fault.NotFound {
		return err
	}
	return fault.Missing(what)
}
