package api

import (
	"context"

	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/postgres"
	store "github.com/hearthfps/hearth/services/intake/postgres"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// resource is a referral as policy sees it.
func resource(rf *referral.Referral) policy.Resource {
	r := policy.Resource{Type: "referral", ID: string(rf.ID), CaseID: string(rf.Case)}
	if rf.Asked != nil {
		r.Author = rf.Asked.AskedBy // of the priority that waits to be approved
	}
	return r
}

// readable loads a referral for reading, and has the look audited.
func (a *API) readable(ctx context.Context, tx *postgres.Tx, id referral.ReferralID) (*referral.Referral, error) {
	rf, err := store.Referral(ctx, tx, id, false)
	if err != nil {
		return nil, err
	}
	return rf, a.Policy.CheckRead(ctx, tx, policy.Read, resource(rf))
}

// changeable loads a referral, locked, for an action the caller may take on it.
func (a *API) changeable(ctx context.Context, tx *postgres.Tx, id referral.ReferralID, action string) (*referral.Referral, error) {
	rf, err := store.Referral(ctx, tx, id, true)
	if err != nil {
		return nil, err
	}
	return rf, a.Policy.CheckRead(ctx, tx, action, resource(rf))
}

// person loads a person for an action of the given type of resource that the
// caller may take.
func (a *API) person(ctx context.Context, tx *postgres.Tx, id referral.PersonID, action, kind string, change bool) (*referral.Person, store.Standing, error) {
	p, s, err := store.Person(ctx, tx, id, change)
	if err != nil {
		return nil, s, err
	}
	return p, s, a.anyCase(ctx, tx, action, policy.Resource{Type: kind, ID: string(id)}, s.Cases)
}

// anyCase decides about a thing that several cases share: who works on one of them
// may, and who is excluded from one of them may not: an exclusion beats every grant.
func (a *API) anyCase(ctx context.Context, tx *postgres.Tx, action string, r policy.Resource, cases []string) error {
	who, err := principal(ctx)
	if err != nil {
		return err
	}
	if len(cases) > 0 {
		r.CaseID = cases[0]
		assigned, excluded, err := store.CaseAccess(ctx, tx, cases, who.Actor())
		if err != nil {
			return err
		}
		if assigned {
			r.AssignedWorkers = []string{who.Actor()}
		}
		if excluded {
			r.Excluded = []string{who.Actor()}
		}
	}
	return a.Policy.CheckRead(ctx, tx, action, r)
}
