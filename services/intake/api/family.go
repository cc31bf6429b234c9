package api

import (
	"context"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/postgres"
	store "github.com/hearthfps/hearth/services/intake/postgres"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// How many related referrals an answer holds: in all, and of the household as ids.
const (
	mostRelated = 50
	mostEarlier = 20
)

// familyHistory is what else was told of a referral's household and persons, as far
// as the caller may read each; what they may not is counted. What they are excluded
// from is not: to them it does not exist. Breaking the glass for one referral opens
// no other.
func (a *API) familyHistory(ctx context.Context, tx *postgres.Tx, rf *referral.Referral) (*FamilyHistory, []ID, error) {
	who, err := principal(ctx)
	if err != nil {
		return nil, nil, err
	}
	related, err := store.RelatedReferrals(ctx, tx, rf, who.Actor())
	if err != nil {
		return nil, nil, err
	}
	out, earlier := &FamilyHistory{Items: []RelatedReferral{}}, []ID{}
	for _, r := range related {
		if r.Barred || len(out.Items) == mostRelated {
			continue
		}
		resource := policy.Resource{Type: "referral", ID: string(r.ID), CaseID: string(r.Case)}
		err := a.Policy.Check(ctx, tx, policy.Read, resource)
		if kind := fault.KindOf(err); kind == fault.NotFound || kind == fault.Forbidden {
			out.Withheld++
			continue
		}
		if err == nil {
			err = a.Policy.CheckRead(ctx, tx, policy.Read, resource)
		}
		if err != nil {
			return nil, nil, err
		}
		out.Items = append(out.Items, showRelated(r))
		if r.ByHousehold && len(earlier) < mostEarlier {
			earlier = append(earlier, string(r.ID))
		}
	}
	return out, earlier, nil
}

func showRelated(r store.Related) RelatedReferral {
	out := RelatedReferral{
		ReferralId: string(r.ID), ReceivedAt: r.ReceivedAt, Status: ReferralStatus(r.Status), DecidedAt: optional(r.DecidedAt), WithdrawnAt: optional(r.WithdrawnAt),
		CaseId: optional(string(r.Case)), Because: []RelatedReferralBecause{},
	}
	if r.ByHousehold {
		out.Because = append(out.Because, "household")
	}
	if r.ByPerson {
		out.Because = append(out.Because, "person")
	}
	return out
}

// ExcludeFromReferral implements StrictServerInterface.
func (a *API) ExcludeFromReferral(ctx context.Context, request ExcludeFromReferralRequestObject) (ExcludeFromReferralResponseObject, error) {
	return ExcludeFromReferral204Response{}, a.beforeCase(ctx, request.ReferralId, func(ctx context.Context, tx *postgres.Tx, id referral.ReferralID, by string) error {
		return store.Exclude(ctx, tx, id, request.WorkerId, string(request.Body.ReasonCode), by, a.Clock.Now())
	})
}

// LiftReferralExclusion implements StrictServerInterface.
func (a *API) LiftReferralExclusion(ctx context.Context, request LiftReferralExclusionRequestObject) (LiftReferralExclusionResponseObject, error) {
	return LiftReferralExclusion204Response{}, a.beforeCase(ctx, request.ReferralId, func(ctx context.Context, tx *postgres.Tx, id referral.ReferralID, by string) error {
		return store.LiftExclusion(ctx, tx, id, request.WorkerId, by, a.Clock.Now())
	})
}

// beforeCase changes who is excluded from a referral that has opened no case yet,
// if the caller may.
func (a *API) beforeCase(ctx context.Context, id string, change func(ctx context.Context, tx *postgres.Tx, id referral.ReferralID, by string) error) error {
	who, err := principal(ctx)
	if err != nil {
		return err
	}
	return a.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		// Locked, so that it is not screened meanwhile and the case opened without it.
		rf, err := store.Referral(ctx, tx, referral.ReferralID(id), true)
		if err != nil {
			return err
		}
		r, err := a.resource(ctx, tx, rf)
		if err != nil {
			return err
		}
		if err := unknown(a.Policy.CheckRead(ctx, tx, policy.Exclude, r), "referral"); err != nil {
			return err
		}
		if rf.Case != "" {
			return fault.New(fault.Conflict, "case_opened", "This referral has opened a case: change who is excluded at the case.")
		}
		return change(ctx, tx, rf.ID, who.Actor())
	})
}
