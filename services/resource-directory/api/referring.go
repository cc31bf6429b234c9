package api

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/policy"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/resource-directory/directory"
	"github.com/hearthfps/hearth/services/resource-directory/postgres"
)

func referralResource(id directory.ReferralID, caseID string) policy.Resource {
	return policy.Resource{Type: typeReferral, ID: string(id), CaseID: caseID}
}

// RequestResourceReferral refers a case to a community service.
func (s *Server) RequestResourceReferral(ctx context.Context, r RequestResourceReferralRequestObject) (RequestResourceReferralResponseObject, error) {
	by, err := actor(ctx)
	if err != nil {
		return nil, err
	}
	answer, err := httpapi.Once(ctx, s.DB, func(ctx context.Context, tx *kit.Tx) (RequestResourceReferral201JSONResponse, error) {
		var none RequestResourceReferral201JSONResponse
		caseID := r.Body.CaseId
		id, err := s.NewID()
		if err != nil {
			return none, err
		}
		// Need to know comes before existence: who may not know of the case learns nothing here.
		if err := s.Policy.Check(ctx, tx, policy.Write, referralResource(directory.ReferralID(id.String()), caseID)); err != nil {
			return none, err
		}
		file, err := postgres.Case(ctx, tx, caseID)
		if err != nil {
			return none, err
		}
		if file.Closed {
			return none, fault.New(fault.Conflict, "case_closed", "The case is closed; it takes no more resource referrals.")
		}
		service, err := postgres.Service(ctx, tx, r.Body.ServiceId)
		if err != nil {
			return none, err
		}
		referral, err := directory.Request(directory.ReferralID(id.String()), directory.CaseID(caseID), service, r.Body.Need, by, s.Clock.Now())
		if err != nil {
			return none, err
		}
		if err := postgres.InsertReferral(ctx, tx, referral); err != nil {
			return none, err
		}
		if err := publish(ctx, tx, referral, file.Trace); err != nil {
			return none, err
		}
		body, err := shown(referral)
		return RequestResourceReferral201JSONResponse{Body: body, Headers: RequestResourceReferral201ResponseHeaders{ETag: etag(referral)}}, err
	})
	return answer, err
}

// change locks a referral, checks who asks and which version they saw, moves it and says so.
func (s *Server) change(ctx context.Context, tx *kit.Tx, id uuid.UUID, move func(directory.Referral, time.Time) (directory.Referral, error)) (ResourceReferral, *string, error) {
	var none ResourceReferral
	referral, err := postgres.LockReferral(ctx, tx, directory.ReferralID(id.String()))
	if err != nil {
		return none, nil, err
	}
	if err := s.Policy.Check(ctx, tx, policy.Write, referralResource(referral.ID, string(referral.CaseID))); err != nil {
		return none, nil, err
	}
	if err := httpapi.IfMatch(ctx, referral.Version); err != nil {
		return none, nil, err
	}
	file, err := postgres.Case(ctx, tx, string(referral.CaseID))
	if err != nil {
		return none, nil, err
	}
	moved, err := move(referral, s.Clock.Now())
	if err != nil {
		return none, nil, err
	}
	if err := postgres.UpdateReferral(ctx, tx, moved); err != nil {
		return none, nil, err
	}
	if err := publish(ctx, tx, moved, file.Trace); err != nil {
		return none, nil, err
	}
	body, err := shown(moved)
	return body, etag(moved), err
}

// AcceptResourceReferral records that the service took the referral on.
func (s *Server) AcceptResourceReferral(ctx context.Context, r AcceptResourceReferralRequestObject) (AcceptResourceReferralResponseObject, error) {
	return httpapi.Once(ctx, s.DB, func(ctx context.Context, tx *kit.Tx) (a AcceptResourceReferral200JSONResponse, err error) {
		a.Body, a.Headers.ETag, err = s.change(ctx, tx, r.ResourceReferralId, directory.Referral.Accept)
		return a, err
	})
}

// DeclineResourceReferral records that the service did not take the referral on.
func (s *Server) DeclineResourceReferral(ctx context.Context, r DeclineResourceReferralRequestObject) (DeclineResourceReferralResponseObject, error) {
	return httpapi.Once(ctx, s.DB, func(ctx context.Context, tx *kit.Tx) (a DeclineResourceReferral200JSONResponse, err error) {
		a.Body, a.Headers.ETag, err = s.change(ctx, tx, r.ResourceReferralId, func(x directory.Referral, now time.Time) (directory.Referral, error) {
			return x.Decline(string(r.Body.ReasonCode), now)
		})
		return a, err
	})
}

// CompleteResourceReferral closes the loop with what came of the referral.
func (s *Server) CompleteResourceReferral(ctx context.Context, r CompleteResourceReferralRequestObject) (CompleteResourceReferralResponseObject, error) {
	return httpapi.Once(ctx, s.DB, func(ctx context.Context, tx *kit.Tx) (a CompleteResourceReferral200JSONResponse, err error) {
		a.Body, a.Headers.ETag, err = s.change(ctx, tx, r.ResourceReferralId, func(x directory.Referral, now time.Time) (directory.Referral, error) {
			return x.Complete(string(r.Body.OutcomeCode), now)
		})
		return a, err
	})
}

// WithdrawResourceReferral takes the referral back.
func (s *Server) WithdrawResourceReferral(ctx context.Context, r WithdrawResourceReferralRequestObject) (WithdrawResourceReferralResponseObject, error) {
	return httpapi.Once(ctx, s.DB, func(ctx context.Context, tx *kit.Tx) (a WithdrawResourceReferral200JSONResponse, err error) {
		a.Body, a.Headers.ETag, err = s.change(ctx, tx, r.ResourceReferralId, func(x directory.Referral, now time.Time) (directory.Referral, error) {
			return x.Withdraw(string(r.Body.ReasonCode), now)
		})
		return a, err
	})
}

// read reads one referral for who may know of its case.
func (s *Server) read(ctx context.Context, id uuid.UUID) (directory.Referral, error) {
	var referral directory.Referral
	err := s.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) (err error) {
		if referral, err = postgres.Referral(ctx, tx, directory.ReferralID(id.String())); err != nil {
			return err
		}
		return s.Policy.CheckRead(ctx, tx, policy.Read, referralResource(referral.ID, string(referral.CaseID)))
	})
	return referral, err
}

// GetResourceReferral answers a referral.
func (s *Server) GetResourceReferral(ctx context.Context, r GetResourceReferralRequestObject) (GetResourceReferralResponseObject, error) {
	referral, err := s.read(ctx, r.ResourceReferralId)
	if err != nil {
		return nil, err
	}
	body, err := shown(referral)
	return GetResourceReferral200JSONResponse{Body: body, Headers: GetResourceReferral200ResponseHeaders{ETag: etag(referral)}}, err
}

// GetResourceReferralSlip answers what the outside organisation is given.
func (s *Server) GetResourceReferralSlip(ctx context.Context, r GetResourceReferralSlipRequestObject) (GetResourceReferralSlipResponseObject, error) {
	referral, err := s.read(ctx, r.ResourceReferralId)
	if err != nil {
		return nil, err
	}
	slip := referral.Slip()
	reference, err := uuid.Parse(string(slip.Reference))
	return GetResourceReferralSlip200JSONResponse{
		Reference: reference, CaseReference: string(slip.CaseReference), ServiceId: slip.ServiceID, ServiceName: slip.ServiceName, Need: slip.Need, RequestedAt: slip.RequestedAt,
	}, err
}

type referralCursor struct {
	ID directory.ReferralID `json:"i"`
}

// ListResourceReferrals lists referrals of the cases the caller may know of.
func (s *Server) ListResourceReferrals(ctx context.Context, r ListResourceReferralsRequestObject) (ListResourceReferralsResponseObject, error) {
	f := postgres.ReferralFilter{CaseID: httpapi.OrZero(r.Params.CaseId), ServiceID: httpapi.OrZero(r.Params.ServiceId), State: string(httpapi.OrZero(r.Params.State)), Limit: httpapi.Limit(r.Params.Limit) + 1}
	var cursor referralCursor
	if err := httpapi.DecodeCursor(httpapi.OrZero(r.Params.Cursor), &cursor); err != nil {
		return nil, err
	}
	f.After = cursor.ID
	var list []directory.Referral
	err := s.DB.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) (err error) {
		if err := s.Policy.CheckRead(ctx, tx, policy.List, policy.Resource{Type: typeReferral}); err != nil {
			return err
		}
		if f.Access, f.AccessArgs, err = s.Policy.CaseFilter(ctx, typeReferral, "resource_referral.case_id"); err != nil {
			return err
		}
		list, err = postgres.Referrals(ctx, tx, f)
		return err
	})
	if err != nil {
		return nil, err
	}
	page := ResourceReferralPage{Items: []ResourceReferral{}}
	if len(list) == f.Limit {
		list = list[:f.Limit-1]
		page.NextCursor = httpapi.OrNil(httpapi.EncodeCursor(referralCursor{list[len(list)-1].ID}))
	}
	for _, referral := range list {
		body, err := shown(referral)
		if err != nil {
			return nil, err
		}
		page.Items = append(page.Items, body)
	}
	return ListResourceReferrals200JSONResponse(page), nil
}

func shown(r directory.Referral) (ResourceReferral, error) {
	id, err := uuid.Parse(string(r.ID))
	return ResourceReferral{
		ResourceReferralId: id, CaseId: string(r.CaseID), ServiceId: r.ServiceID, ServiceName: r.ServiceName, Need: r.Need,
		State: ResourceReferralState(r.State), ReasonCode: httpapi.OrNil(r.ReasonCode), OutcomeCode: httpapi.OrNil(r.OutcomeCode), RequestedBy: r.RequestedBy,
		RequestedAt: r.RequestedAt, AnsweredAt: httpapi.OrNil(r.AnsweredAt), EndedAt: httpapi.OrNil(r.EndedAt), Version: int(r.Version),
	}, err
}

func etag(r directory.Referral) *string { return httpapi.OrNil(httpapi.ETag(r.Version)) }

// publish says what became of a referral: one event for each state it enters.
func publish(ctx context.Context, tx *kit.Tx, r directory.Referral, trace string) error {
	data := map[string]string{"resource_referral_id": string(r.ID), "case_id": string(r.CaseID), "service_id": r.ServiceID}
	switch r.State {
	case directory.Requested:
		data["need"] = r.Need
	case directory.Declined, directory.Withdrawn:
		data["reason_code"] = r.ReasonCode
	case directory.Completed:
		data["outcome_code"] = r.OutcomeCode
	}
	return events.Publish(ctx, tx, events.Draft{
		Type:    "org.hearth.resource-directory.resource_referral." + string(r.State) + ".v1",
		Subject: string(r.ID), Key: string(r.CaseID), Version: r.Version, Data: data, Trace: trace,
	})
}
