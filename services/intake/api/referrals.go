package api

import (
	"context"
	"strings"
	"time"

	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/postgres"
	store "github.com/hearthfps/hearth/services/intake/postgres"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// afterID is the cursor of lists by id.
type afterID struct {
	ID string `json:"id"`
}

// ListReferrals implements StrictServerInterface.
func (a *API) ListReferrals(ctx context.Context, request ListReferralsRequestObject) (ListReferralsResponseObject, error) {
	p := request.Params
	var after afterID
	if err := httpapi.DecodeCursor(value(p.Cursor), &after); err != nil {
		return nil, err
	}
	limit := httpapi.Limit(p.Limit)
	var rows []store.Summary
	err := a.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) (err error) {
		if err := a.Policy.CheckRead(ctx, tx, policy.List, policy.Resource{Type: "referral"}); err != nil {
			return err
		}
		f := store.ReferralFilter{Status: string(value(p.Status)), Priority: string(value(p.Priority)), Taken: p.Taken, Before: referral.ReferralID(after.ID)}
		if f.Access, f.AccessArgs, err = a.listed(ctx, "referral", "referral"); err != nil {
			return err
		}
		rows, err = store.ListReferrals(ctx, tx, f, limit+1)
		return err
	})
	if err != nil {
		return nil, err
	}
	rows, next := page(rows, limit, func(s store.Summary) any { return afterID{string(s.ID)} })
	items := make([]ReferralSummary, len(rows))
	for i, s := range rows {
		items[i] = ReferralSummary{
			ReferralId: string(s.ID), Version: s.Version, Status: ReferralStatus(s.Status), Channel: s.Channel, Kind: s.Kind, Urgency: Urgency(s.Urgency),
			RequestedProgram: s.RequestedProgram, ConcernCodes: codes(s.ConcernCodes), SafetyFlags: codes(s.SafetyFlags), Priority: Priority(s.Priority),
			Urgent: s.Urgent, DueAt: s.DueAt.UTC(), ReceivedAt: s.ReceivedAt.UTC(), TakenBy: s.TakenBy, TakenAt: inUTC(s.TakenAt), HouseholdId: s.Household, CaseId: s.Case,
		}
	}
	return ListReferrals200JSONResponse{Items: items, NextCursor: next}, nil
}

func codes(joined string) []string {
	if joined == "" {
		return []string{}
	}
	return strings.Split(joined, ",")
}

func inUTC(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

// GetReferral implements StrictServerInterface.
func (a *API) GetReferral(ctx context.Context, request GetReferralRequestObject) (GetReferralResponseObject, error) {
	var out ReferralJSONResponse
	err := a.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		rf, err := a.readable(ctx, tx, referral.ReferralID(request.ReferralId))
		if err != nil {
			return err
		}
		out, err = a.show(ctx, tx, rf)
		return err
	})
	return GetReferral200JSONResponse{out}, err
}

// change loads a referral for an action, lets act change it, stores it and shows
// it: once for each Idempotency-Key.
func (a *API) change(ctx context.Context, id, action string, versioned bool, act func(rf *referral.Referral, by string, agency *referral.Agency, now time.Time) error) (ReferralJSONResponse, error) {
	p, err := principal(ctx)
	if err != nil {
		return ReferralJSONResponse{}, err
	}
	agency, err := a.agency(ctx)
	if err != nil {
		return ReferralJSONResponse{}, err
	}
	return httpapi.Once(ctx, a.DB, func(ctx context.Context, tx *postgres.Tx) (ReferralJSONResponse, error) {
		rf, err := a.changeable(ctx, tx, referral.ReferralID(id), action)
		if err != nil {
			return ReferralJSONResponse{}, err
		}
		if versioned {
			if err := httpapi.IfMatch(ctx, rf.Version); err != nil {
				return ReferralJSONResponse{}, err
			}
		}
		if rf.Excluded, err = store.Exclusions(ctx, tx, rf.ID); err != nil {
			return ReferralJSONResponse{}, err
		}
		if err := act(rf, p.Actor(), agency, a.Clock.Now()); err != nil {
			return ReferralJSONResponse{}, err
		}
		if err := store.SaveReferral(ctx, tx, rf); err != nil {
			return ReferralJSONResponse{}, err
		}
		return a.show(ctx, tx, rf)
	})
}

// TakeReferral implements StrictServerInterface.
func (a *API) TakeReferral(ctx context.Context, request TakeReferralRequestObject) (TakeReferralResponseObject, error) {
	out, err := a.change(ctx, request.ReferralId, policy.Screen, false, func(rf *referral.Referral, by string, _ *referral.Agency, now time.Time) error {
		return rf.Take(by, now)
	})
	return TakeReferral200JSONResponse{out}, err
}

// ScreenReferral implements StrictServerInterface.
func (a *API) ScreenReferral(ctx context.Context, request ScreenReferralRequestObject) (ScreenReferralResponseObject, error) {
	in := request.Body
	out, err := a.change(ctx, request.ReferralId, policy.Screen, true, func(rf *referral.Referral, by string, agency *referral.Agency, now time.Time) error {
		rules, err := a.Reception.Desk.Rules(agency, now)
		if err != nil {
			return err
		}
		return rf.Screen(referral.Screening{
			Decision: referral.ScreeningDecision(in.Decision), ReasonCode: in.ReasonCode, Program: value(in.Program),
			RedirectedTo: value(in.RedirectedTo), Note: value(in.Note), DecidedBy: by,
		}, rules.Screening, agency, a.Reception.Desk.IDs, now)
	})
	return ScreenReferral200JSONResponse{out}, err
}

// OverridePriority implements StrictServerInterface.
func (a *API) OverridePriority(ctx context.Context, request OverridePriorityRequestObject) (OverridePriorityResponseObject, error) {
	in := request.Body
	out, err := a.change(ctx, request.ReferralId, policy.Override, true, func(rf *referral.Referral, by string, agency *referral.Agency, now time.Time) error {
		return a.Reception.Desk.Override(rf, referral.Priority(in.Priority), in.ReasonCode, value(in.Note), by, agency, now)
	})
	return OverridePriority200JSONResponse{out}, err
}

// ConfirmPriority implements StrictServerInterface.
func (a *API) ConfirmPriority(ctx context.Context, request ConfirmPriorityRequestObject) (ConfirmPriorityResponseObject, error) {
	out, err := a.change(ctx, request.ReferralId, policy.Approve, true, func(rf *referral.Referral, by string, agency *referral.Agency, now time.Time) error {
		return a.Reception.Desk.Confirm(rf, by, agency, now)
	})
	return ConfirmPriority200JSONResponse{out}, err
}

// ListScreeningReasons implements StrictServerInterface.
func (a *API) ListScreeningReasons(ctx context.Context, _ ListScreeningReasonsRequestObject) (ListScreeningReasonsResponseObject, error) {
	agency, err := a.agency(ctx)
	if err != nil {
		return nil, err
	}
	rules, err := a.Reception.Desk.Rules(agency, a.Clock.Now())
	if err != nil {
		return nil, err
	}
	items := []ScreeningReason{}
	for _, r := range rules.Screening.Reasons {
		items = append(items, ScreeningReason{Decision: ScreeningReasonDecision(r.Decision), Code: r.Code, Title: r.Title})
	}
	return ListScreeningReasons200JSONResponse{Items: items}, nil
}

// GetReporter implements StrictServerInterface.
func (a *API) GetReporter(ctx context.Context, request GetReporterRequestObject) (GetReporterResponseObject, error) {
	var out GetReporter200JSONResponse
	err := a.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		id := referral.ReferralID(request.ReferralId)
		rf, err := store.Referral(ctx, tx, id, false)
		if err != nil {
			return err
		}
		if err := a.readReporter(ctx, tx, rf); err != nil {
			return err
		}
		who, err := store.Reporter(ctx, tx, id)
		if err != nil {
			return err
		}
		out = GetReporter200JSONResponse{
			ReferralId: request.ReferralId, Anonymous: who.Anonymous, Name: name(who.Name), Role: optional(who.Role), Mandated: who.Mandated,
			Organisation: optional(who.Organisation), WantsFeedback: who.WantsFeedback,
		}
		out.Contacts = make([]struct {
			Kind  Code   `json:"kind"`
			Value string `json:"value"`
		}, len(who.Contacts))
		for i, c := range who.Contacts {
			out.Contacts[i].Kind, out.Contacts[i].Value = c.Kind, c.Value
		}
		return nil
	})
	return out, err
}

// afterSeq is the cursor of a history.
type afterSeq struct {
	Seq int64 `json:"seq"`
}

// ListReferralHistory implements StrictServerInterface.
func (a *API) ListReferralHistory(ctx context.Context, request ListReferralHistoryRequestObject) (ListReferralHistoryResponseObject, error) {
	var after afterSeq
	if err := httpapi.DecodeCursor(value(request.Params.Cursor), &after); err != nil {
		return nil, err
	}
	limit := httpapi.Limit(request.Params.Limit)
	var rows []store.HistoryRow
	err := a.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		rf, err := a.readable(ctx, tx, referral.ReferralID(request.ReferralId))
		if err != nil {
			return err
		}
		want := limit + 1
		if value(request.Params.Cursor) == "" {
			receipt := string(rf.Receipt)
			rows = append(rows, store.HistoryRow{Seq: -1, At: rf.ArrivedAt, What: "received", By: "sender", Receipt: &receipt, Codes: "{}"})
			want--
		}
		later, err := store.ListHistory(ctx, tx, rf.ID, after.Seq, want)
		rows = append(rows, later...)
		return err
	})
	if err != nil {
		return nil, err
	}
	rows, next := page(rows, limit, func(h store.HistoryRow) any { return afterSeq{h.Seq} })
	items := make([]HistoryEntry, len(rows))
	for i, h := range rows {
		items[i] = HistoryEntry{At: h.At.UTC(), What: h.What, By: h.By, ReceiptId: h.Receipt}
		if err := codesOf(h.Codes, &items[i].Codes); err != nil {
			return nil, err
		}
	}
	return ListReferralHistory200JSONResponse{Items: items, NextCursor: next}, nil
}

// afterDue is the cursor of the list of clocks.
type afterDue struct {
	Due time.Time `json:"due"`
	ID  string    `json:"id"`
}

// ListClocks implements StrictServerInterface.
func (a *API) ListClocks(ctx context.Context, request ListClocksRequestObject) (ListClocksResponseObject, error) {
	p := request.Params
	var after afterDue
	if err := httpapi.DecodeCursor(value(p.Cursor), &after); err != nil {
		return nil, err
	}
	limit := httpapi.Limit(p.Limit)
	var rows []store.ClockRow
	err := a.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) (err error) {
		if err := a.Policy.CheckRead(ctx, tx, policy.List, policy.Resource{Type: "clock"}); err != nil {
			return err
		}
		f := store.ClockFilter{State: string(value(p.State)), AfterDue: after.Due, AfterID: after.ID}
		if f.Access, f.AccessArgs, err = a.listed(ctx, "clock", "r"); err != nil {
			return err
		}
		rows, err = store.ListClocks(ctx, tx, f, limit+1)
		return err
	})
	if err != nil {
		return nil, err
	}
	rows, next := page(rows, limit, func(c store.ClockRow) any { return afterDue{c.DueAt.UTC(), c.ID} })
	items := make([]Clock, len(rows))
	for i, c := range rows {
		items[i] = Clock{
			ClockId: c.ID, Clock: c.Clock, ReferralId: c.Referral, CaseId: c.Case, State: ClockState(c.State), StartedAt: c.StartedAt.UTC(), DueAt: c.DueAt.UTC(),
			MetAt: inUTC(c.MetAt), ExpiredAt: inUTC(c.ExpiredAt), RuleVersion: optional(c.RuleVersion),
		}
	}
	return ListClocks200JSONResponse{Items: items, NextCursor: next}, nil
}
