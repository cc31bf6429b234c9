package api

import (
	"context"
	"fmt"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/intake/identity"
	store "github.com/hearthfps/hearth/services/intake/postgres"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// resource is a referral as policy sees it. One that has no case yet is kept from
// whoever is excluded from a case of the same household.
func (a *API) resource(ctx context.Context, tx *postgres.Tx, rf *referral.Referral) (policy.Resource, error) {
	r := policy.Resource{Type: "referral", ID: string(rf.ID), CaseID: string(rf.Case)}
	if rf.Asked != nil {
		r.Author = rf.Asked.AskedBy // of the priority that waits to be approved
	}
	who, err := principal(ctx)
	if err != nil {
		return r, err
	}
	var excluded bool
	if err := tx.QueryRowxContext(ctx, `SELECT EXISTS (SELECT FROM referral_exclusion WHERE referral_id = $3 AND worker_id = $2) OR $4 AND $1 IN (`+store.Barred(2)+`)`,
		rf.Household, who.Actor(), rf.ID, rf.Case == "").Scan(&excluded); err != nil {
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
	return fmt.Sprintf("%s AND %s.referral_id NOT IN (SELECT x.referral_id FROM referral_exclusion x WHERE x.worker_id = $%d) AND (%s.case_id IS NOT NULL OR %s.household_id NOT IN (%s))",
		where, alias, len(args), alias, alias, store.Barred(len(args))), args, nil
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

// seen is a person as far as the caller may see them.
type seen struct {
	*identity.Identity
	may map[referral.PersonID]bool
}

// sees says whether the caller may see a record. Having been merged gives nobody a
// sight of it that they did not have.
func (s *seen) sees(r *identity.Record) bool { return s.may[r.ID] }

// person loads the person a record is of for an action of the given type of resource.
// The caller must be allowed it on the record that is named; others of the same
// person are decided each by itself, and left out without a word. Breaking the glass
// opens the record named, and no other.
func (a *API) person(ctx context.Context, tx *postgres.Tx, id referral.PersonID, action, kind string, change bool) (*seen, error) {
	i, err := store.Identity(ctx, tx, id, change)
	if err != nil {
		return nil, err
	}
	s := &seen{i, map[referral.PersonID]bool{}}
	for _, r := range i.Records {
		on, err := shared(ctx, tx, policy.Resource{Type: kind, ID: string(r.ID)}, r.Cases, referralsOf(r))
		if err != nil {
			return nil, err
		}
		if r.ID != id {
			err := a.Policy.Check(ctx, tx, action, on)
			if kind := fault.KindOf(err); kind == fault.NotFound || kind == fault.Forbidden {
				continue
			}
			if err != nil {
				return nil, err
			}
		}
		if err := a.Policy.CheckRead(ctx, tx, action, on); err != nil {
			return nil, unknown(err, "person")
		}
		s.may[r.ID] = true
	}
	return s, nil
}

func referralsOf(r *identity.Record) []string {
	ids := make([]string, len(r.Referrals))
	for n, in := range r.Referrals {
		ids[n] = string(in.Referral)
	}
	return ids
}

// anyCase decides about a thing that several cases share: who works on one of them
// may, and who is excluded from one of them may not: an exclusion beats every grant.
func (a *API) anyCase(ctx context.Context, tx *postgres.Tx, action string, r policy.Resource, cases, referrals []string) error {
	r, err := shared(ctx, tx, r, cases, referrals)
	if err != nil {
		return err
	}
	return a.Policy.CheckRead(ctx, tx, action, r)
}

// shared is a thing of several cases and referrals as policy sees it.
func shared(ctx context.Context, tx *postgres.Tx, r policy.Resource, cases, referrals []string) (policy.Resource, error) {
	who, err := principal(ctx)
	if err != nil {
		return r, err
	}
	r.Cases = cases
	excluded, err := store.ExcludedFrom(ctx, tx, referrals, who.Actor())
	if excluded {
		r.Excluded = append(r.Excluded, who.Actor())
	}
	return r, err
}

// keeps decides whether the caller may decide who is one person, of these persons:
// not who is excluded from anything about any of them.
func (a *API) keeps(ctx context.Context, tx *postgres.Tx, action string, r policy.Resource, persons ...*identity.Identity) error {
	var cases, referrals []string
	for _, i := range persons {
		for _, record := range i.Records {
			cases, referrals = append(cases, record.Cases...), append(referrals, referralsOf(record)...)
		}
	}
	r, err := shared(ctx, tx, r, cases, referrals)
	if err != nil {
		return err
	}
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
