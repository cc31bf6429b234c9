package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// Receipt is what became of an event, and of its referral.
type Receipt struct {
	ID             string    `db:"receipt_id"`
	Source         string    `db:"source"`
	EventID        string    `db:"event_id"`
	Kind           string    `db:"kind"`
	Status         string    `db:"status"`
	Via            string    `db:"via"`
	ArrivedAt      time.Time `db:"arrived_at"`
	Referral       *string   `db:"referral_id"`
	ReferralStatus *string   `db:"referral_status"`
	Problems       *string   `db:"problems"`
}

const receiptSQL = `SELECT e.receipt_id, e.source, e.event_id, e.kind, e.status, e.via, e.arrived_at, e.referral_id, r.status AS referral_status, e.problems
	FROM inbound_event e LEFT JOIN referral r ON r.agency_id = e.agency_id AND r.referral_id = e.referral_id`

// GetReceipt loads a receipt. It fails with NotFound (receipt_not_found).
func GetReceipt(ctx context.Context, tx *postgres.Tx, id referral.ReceiptID) (Receipt, error) {
	var r Receipt
	err := tx.GetContext(ctx, &r, receiptSQL+` WHERE e.receipt_id = $1`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return r, fault.Missing("receipt")
	}
	return r, err
}

// ReceiptFilter narrows a list of receipts. Source is a prefix: itself and what
// lies under it.
type ReceiptFilter struct {
	Status, Source string
	Before         referral.ReceiptID
}

// ListReceipts lists receipts, newest first.
func ListReceipts(ctx context.Context, tx *postgres.Tx, f ReceiptFilter, limit int) ([]Receipt, error) {
	q := newQuery(receiptSQL, nil)
	if f.Status != "" {
		q.where("e.status = $%d", f.Status)
	}
	if f.Source != "" {
		q.where("e.source = $%[1]d OR starts_with(e.source, $%[1]d || '/')", f.Source)
	}
	if f.Before != "" {
		q.where("e.receipt_id < $%d", f.Before)
	}
	rows := []Receipt{}
	return rows, q.run(ctx, tx, &rows, "e.receipt_id DESC", limit)
}

// Quarantined is an event kept aside.
type Quarantined struct {
	ID        string    `db:"quarantine_id"`
	Reason    string    `db:"reason"`
	Via       string    `db:"via"`
	Source    string    `db:"source"`
	EventID   string    `db:"event_id"`
	Receipt   *string   `db:"receipt_id"`
	Problems  string    `db:"problems"`
	ArrivedAt time.Time `db:"arrived_at"`
}

// ListQuarantine lists events kept aside, newest first. What they say is not part of it.
func ListQuarantine(ctx context.Context, tx *postgres.Tx, reason, before string, limit int) ([]Quarantined, error) {
	q := newQuery(`SELECT quarantine_id, reason, via, source, event_id, receipt_id, problems, arrived_at FROM quarantined_event`, nil)
	if reason != "" {
		q.where("reason = $%d", reason)
	}
	if before != "" {
		q.where("quarantine_id < $%d", before)
	}
	rows := []Quarantined{}
	return rows, q.run(ctx, tx, &rows, "quarantine_id DESC", limit)
}

// Reporter folds the reporter of a referral from the parts its events told, in the
// order they apply. Ask only with the grant for it.
func Reporter(ctx context.Context, tx *postgres.Tx, id referral.ReferralID) (referral.Reporter, error) {
	l := &loader{ctx: ctx, tx: tx, book: referral.NewBook(nil)}
	if err := l.histories([]string{string(id)}, nil); err != nil {
		return referral.Reporter{}, fmt.Errorf("load history: %w", err)
	}
	out, err := l.book.Outcome(id, tx.Now())
	if err != nil {
		return referral.Reporter{}, err
	}
	receipts := make([]string, len(out.Order))
	for i, r := range out.Order {
		receipts[i] = string(r)
	}
	var parts []struct {
		Receipt string `db:"receipt_id"`
		Details string `db:"details"`
	}
	if err := tx.SelectContext(ctx, &parts, `SELECT receipt_id, details FROM reporter WHERE receipt_id = ANY($1)`, receipts); err != nil {
		return referral.Reporter{}, fmt.Errorf("load reporter: %w", err)
	}
	byReceipt := map[string][]byte{}
	for _, p := range parts {
		byReceipt[p.Receipt] = []byte(p.Details)
	}
	inOrder := make([][]byte, 0, len(parts))
	for _, r := range receipts {
		inOrder = append(inOrder, byReceipt[r])
	}
	return referral.FoldReporter(inOrder...)
}
