package api

import (
	"context"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/postgres"
	store "github.com/hearthfps/hearth/services/intake/postgres"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// GrantAddress implements StrictServerInterface.
func (a *API) GrantAddress(ctx context.Context, request GrantAddressRequestObject) (GrantAddressResponseObject, error) {
	g, err := a.grant(ctx, store.GrantAddress, request.PersonId, request.WorkerId, request.Body, a.mayGrantAddress(request.PersonId))
	return GrantAddress200JSONResponse(g), err
}

// RevokeAddressGrant implements StrictServerInterface.
func (a *API) RevokeAddressGrant(ctx context.Context, request RevokeAddressGrantRequestObject) (RevokeAddressGrantResponseObject, error) {
	return RevokeAddressGrant204Response{}, a.revoke(ctx, store.GrantAddress, request.PersonId, request.WorkerId, a.mayGrantAddress(request.PersonId))
}

// GrantReporter implements StrictServerInterface.
func (a *API) GrantReporter(ctx context.Context, request GrantReporterRequestObject) (GrantReporterResponseObject, error) {
	g, err := a.grant(ctx, store.GrantReporter, request.ReferralId, request.WorkerId, request.Body, a.mayGrantReporter(request.ReferralId))
	return GrantReporter200JSONResponse(g), err
}

// RevokeReporterGrant implements StrictServerInterface.
func (a *API) RevokeReporterGrant(ctx context.Context, request RevokeReporterGrantRequestObject) (RevokeReporterGrantResponseObject, error) {
	return RevokeReporterGrant204Response{}, a.revoke(ctx, store.GrantReporter, request.ReferralId, request.WorkerId, a.mayGrantReporter(request.ReferralId))
}

type permission func(ctx context.Context, tx *postgres.Tx) error

func (a *API) mayGrantAddress(person string) permission {
	return func(ctx context.Context, tx *postgres.Tx) error {
		_, err := a.person(ctx, tx, referral.PersonID(person), policy.Grant, "address", false)
		return err
	}
}

func (a *API) mayGrantReporter(id string) permission {
	return func(ctx context.Context, tx *postgres.Tx) error {
		rf, err := store.Referral(ctx, tx, referral.ReferralID(id), false)
		if err != nil {
			return err
		}
		r, err := a.resource(ctx, tx, rf)
		if err != nil {
			return err
		}
		r.Type = "reporter"
		return unknown(a.Policy.CheckRead(ctx, tx, policy.Grant, r), "referral")
	}
}

func (a *API) grant(ctx context.Context, kind store.GrantKind, record, worker string, in *GrantInput, may permission) (Grant, error) {
	who, err := principal(ctx)
	if err != nil {
		return Grant{}, err
	}
	now := a.Clock.Now()
	until := in.Until.UTC().Truncate(time.Microsecond)
	switch {
	case !until.After(now):
		return Grant{}, fault.New(fault.Unprocessable, "grant_ended", "A grant ends in the future.", fault.Field{Pointer: "/until", Code: "in_the_past", Detail: "until is in the past"})
	case worker == who.Actor():
		return Grant{}, fault.New(fault.Forbidden, "four_eyes", "Nobody grants themselves a look at a protected record.")
	}
	g := store.Grant{Kind: kind, Record: record, Worker: worker, ReasonCode: in.ReasonCode, Until: until, GrantedBy: who.Actor(), GrantedAt: now}
	err = a.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		if err := may(ctx, tx); err != nil {
			return err
		}
		return store.SaveGrant(ctx, tx, g)
	})
	return Grant{WorkerId: worker, ReasonCode: g.ReasonCode, Until: until, GrantedBy: g.GrantedBy, GrantedAt: now}, err
}

func (a *API) revoke(ctx context.Context, kind store.GrantKind, record, worker string, may permission) error {
	return a.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		if err := may(ctx, tx); err != nil {
			return err
		}
		return store.DropGrant(ctx, tx, kind, record, worker)
	})
}

// readReporter allows a look at the reporter: by whoever is named in a grant, and
// by nobody else.
func (a *API) readReporter(ctx context.Context, tx *postgres.Tx, rf *referral.Referral) error {
	who, err := principal(ctx)
	if err != nil {
		return err
	}
	granted, err := store.Granted(ctx, tx, store.GrantReporter, string(rf.ID), who.Actor(), a.Clock.Now())
	if err != nil {
		return err
	}
	r, err := a.resource(ctx, tx, rf)
	if err != nil {
		return err
	}
	r.Type, r.Protected = "reporter", true
	if granted {
		r.Granted = []string{who.Actor()}
	}
	return unknown(a.Policy.CheckRead(ctx, tx, policy.Read, r), "referral")
}
