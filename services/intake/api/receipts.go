package api

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/postgres"
	store "github.com/hearthfps/hearth/services/intake/postgres"
	"github.com/hearthfps/hearth/services/intake/reception"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// scope is the source whose receipts alone the caller sees; "" when all.
func (a *API) scope(ctx context.Context) (string, error) {
	p, err := principal(ctx)
	if err != nil {
		return "", err
	}
	err = a.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		return a.Policy.Check(ctx, tx, policy.Read, policy.Resource{Type: "receipt", Source: p.Source})
	})
	return p.Source, err
}

// GetReceipt implements StrictServerInterface.
func (a *API) GetReceipt(ctx context.Context, request GetReceiptRequestObject) (GetReceiptResponseObject, error) {
	own, err := a.scope(ctx)
	if err != nil {
		return nil, err
	}
	var row store.Receipt
	if err := a.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) (err error) {
		row, err = store.GetReceipt(ctx, tx, referral.ReceiptID(request.ReceiptId))
		return err
	}); err != nil {
		return nil, err
	}
	if own != "" && !reception.Under(row.Source, own) {
		return nil, fault.Missing("receipt")
	}
	out, err := receipt(row)
	return GetReceipt200JSONResponse(out), err
}

// ListReceipts implements StrictServerInterface.
func (a *API) ListReceipts(ctx context.Context, request ListReceiptsRequestObject) (ListReceiptsResponseObject, error) {
	p := request.Params
	var after afterID
	if err := httpapi.DecodeCursor(value(p.Cursor), &after); err != nil {
		return nil, err
	}
	own, err := a.scope(ctx)
	if err != nil {
		return nil, err
	}
	limit := httpapi.Limit(p.Limit)
	var rows []store.Receipt
	if err := a.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) (err error) {
		rows, err = store.ListReceipts(ctx, tx, store.ReceiptFilter{Status: string(value(p.Status)), Source: own, Before: referral.ReceiptID(after.ID)}, limit+1)
		return err
	}); err != nil {
		return nil, err
	}
	rows, next := page(rows, limit, func(r store.Receipt) any { return afterID{r.ID} })
	items := make([]Receipt, len(rows))
	for i, row := range rows {
		if items[i], err = receipt(row); err != nil {
			return nil, err
		}
	}
	return ListReceipts200JSONResponse{Items: items, NextCursor: next}, nil
}

func receipt(row store.Receipt) (Receipt, error) {
	out := Receipt{
		ReceiptId: row.ID, Source: row.Source, EventId: row.EventID, Type: typeOf[row.Kind], Status: ReceiptStatus(row.Status),
		Via: ReceiptVia(row.Via), ReceivedAt: row.ArrivedAt.UTC(), ReferralId: row.Referral,
	}
	if row.ReferralStatus != nil {
		out.ReferralStatus = optional(ReferralStatus(*row.ReferralStatus))
	}
	if row.Problems == nil {
		return out, nil
	}
	var list []ProblemField
	if err := json.Unmarshal([]byte(*row.Problems), &list); err != nil {
		return out, fmt.Errorf("read stored problems: %w", err)
	}
	out.Problems = &list
	return out, nil
}

var typeOf = map[string]string{
	string(referral.Submission): referral.TypeSubmitted, string(referral.Correction): referral.TypeCorrected, string(referral.Withdrawal): referral.TypeWithdrawn,
}

// ListQuarantine implements StrictServerInterface.
func (a *API) ListQuarantine(ctx context.Context, request ListQuarantineRequestObject) (ListQuarantineResponseObject, error) {
	p := request.Params
	var after afterID
	if err := httpapi.DecodeCursor(value(p.Cursor), &after); err != nil {
		return nil, err
	}
	limit := httpapi.Limit(p.Limit)
	var rows []store.Quarantined
	if err := a.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) (err error) {
		if err := a.Policy.Check(ctx, tx, policy.List, policy.Resource{Type: "quarantine"}); err != nil {
			return err
		}
		rows, err = store.ListQuarantine(ctx, tx, string(value(p.Reason)), after.ID, limit+1)
		return err
	}); err != nil {
		return nil, err
	}
	rows, next := page(rows, limit, func(q store.Quarantined) any { return afterID{q.ID} })
	items := make([]QuarantinedEvent, len(rows))
	for i, q := range rows {
		items[i] = QuarantinedEvent{
			Id: q.ID, Reason: QuarantinedEventReason(q.Reason), Via: QuarantinedEventVia(q.Via), Source: optional(q.Source), EventId: optional(q.EventID),
			ReceiptId: q.Receipt, ReceivedAt: q.ArrivedAt.UTC(),
		}
		if err := json.Unmarshal([]byte(q.Problems), &items[i].Problems); err != nil {
			return nil, fmt.Errorf("read stored problems: %w", err)
		}
	}
	return ListQuarantine200JSONResponse{Items: items, NextCursor: next}, nil
}
