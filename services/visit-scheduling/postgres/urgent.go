package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// CaseOf reads a case; NotFound when this service knows of none.
func (Store) CaseOf(ctx context.Context, tx *postgres.Tx, id schedule.CaseID) (Case, error) {
	var c Case
	err := tx.GetContext(ctx, &c, `SELECT case_id, household_id, traceparent, closed_at FROM family_case WHERE case_id = $1`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return c, fault.Missing("visit")
	}
	if err != nil {
		return c, fmt.Errorf("read case: %w", err)
	}
	return c, nil
}

// SeriesOfCase reads the active series of one kind of a case, not locked;
// NotFound when it has none.
func (Store) SeriesOfCase(ctx context.Context, tx *postgres.Tx, id schedule.CaseID, kind schedule.SeriesKind) (schedule.Series, error) {
	return oneSeries(ctx, tx, `WHERE s.case_id = $1 AND s.status = 'active' AND s.kind = $2`, id, kind)
}

// VisitsIn reads the visits that start in span and have not begun.
func (Store) VisitsIn(ctx context.Context, tx *postgres.Tx, span schedule.Span) ([]schedule.Visit, error) {
	return visits(ctx, tx, `SELECT `+visitColumns+` FROM visit
		WHERE starts_at >= $1 AND starts_at < $2 AND status = 'scheduled' ORDER BY visit_id`, span.From, span.To)
}

// SeenIn are the visits that start in span and for which a condition on v (visit)
// holds; its placeholders are those of args, from $1 on.
func (Store) SeenIn(ctx context.Context, tx *postgres.Tx, span schedule.Span, seen string, args []any) (map[schedule.VisitID]bool, error) {
	q := conditions{args: args}
	q.and(seen)
	q.and(`v.starts_at >= ? AND v.starts_at < ?`, span.From, span.To)
	return seenBy(ctx, tx, q)
}

// SeenOf are the visits of ids for which a condition on v (visit) holds; see SeenIn.
func (Store) SeenOf(ctx context.Context, tx *postgres.Tx, ids []schedule.VisitID, seen string, args []any) (map[schedule.VisitID]bool, error) {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = string(id)
	}
	q := conditions{args: args}
	q.and(seen)
	q.and(`v.visit_id = ANY (?)`, names)
	return seenBy(ctx, tx, q)
}

func seenBy(ctx context.Context, tx *postgres.Tx, q conditions) (map[schedule.VisitID]bool, error) {
	var ids []schedule.VisitID
	if err := tx.SelectContext(ctx, &ids, `SELECT v.visit_id FROM visit v WHERE `+q.where, q.args...); err != nil {
		return nil, fmt.Errorf("read which visits are seen: %w", err)
	}
	all := make(map[schedule.VisitID]bool, len(ids))
	for _, id := range ids {
		all[id] = true
	}
	return all, nil
}

// VisitsOf reads the visits of ids that exist, not locked, by id.
func (Store) VisitsOf(ctx context.Context, tx *postgres.Tx, ids []schedule.VisitID) ([]schedule.Visit, error) {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = string(id)
	}
	return visits(ctx, tx, `SELECT `+visitColumns+` FROM visit WHERE visit_id = ANY ($1) ORDER BY visit_id`, names)
}

// Snapshot names what this transaction sees, for ChangedSince.
func (Store) Snapshot(ctx context.Context, tx *postgres.Tx) (string, error) {
	var snapshot string
	if err := tx.GetContext(ctx, &snapshot, `SELECT pg_current_snapshot()::text`); err != nil {
		return "", fmt.Errorf("read snapshot: %w", err)
	}
	return snapshot, nil
}

// ChangedSince are the visits whose bookings in span were changed by what a
// snapshot did not see, and whether more than those changed: workers, travel points,
// or more visits than most. What was committed late counts like what was committed
// at once.
func (Store) ChangedSince(ctx context.Context, tx *postgres.Tx, snapshot string, span schedule.Span, most int) (changed []schedule.VisitID, more bool, err error) {
	err = tx.SelectContext(ctx, &changed, `SELECT DISTINCT visit_id
		FROM day_change
		WHERE txid >= pg_snapshot_xmin($1::pg_snapshot) AND NOT pg_visible_in_snapshot(txid, $1::pg_snapshot)
		  AND (day = '-infinity' OR day BETWEEN ($2 AT TIME ZONE 'UTC')::date AND ($3 AT TIME ZONE 'UTC')::date)
		ORDER BY visit_id LIMIT $4`,
		snapshot, span.From, span.To, most+1)
	if err != nil {
		return nil, false, fmt.Errorf("look for changes: %w", err)
	}
	return changed, len(changed) > most || slices.Contains(changed, ""), nil
}

// Forget drops what nobody asks for any more: what changed more than a day ago by
// the database's clock, and offers that expired before a time.
func (Store) Forget(ctx context.Context, tx *postgres.Tx, expired time.Time) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM day_change WHERE at < clock_timestamp() - interval '1 day'`); err != nil {
		return fmt.Errorf("forget changes: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM urgent_offer WHERE expires_at < $1`, expired); err != nil {
		return fmt.Errorf("forget offers: %w", err)
	}
	return nil
}

// KeepOffer stores a new offer.
func (Store) KeepOffer(ctx context.Context, tx *postgres.Tx, o schedule.UrgentOffer) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO urgent_offer (offer_id, case_id, request, places, offered_by, expires_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		o.ID, o.Request.Case, column[schedule.UrgentRequest]{o.Request}, list(o.Places), o.By, o.ExpiresAt)
	if err != nil {
		return fmt.Errorf("store offer: %w", err)
	}
	return nil
}

// Offer locks and reads an offer; NotFound when there is none, or no more.
func (Store) Offer(ctx context.Context, tx *postgres.Tx, id string) (schedule.UrgentOffer, error) {
	var row struct {
		ID        string                          `db:"offer_id"`
		Request   column[schedule.UrgentRequest]  `db:"request"`
		Places    column[[]schedule.OfferedPlace] `db:"places"`
		By        string                          `db:"offered_by"`
		ExpiresAt time.Time                       `db:"expires_at"`
		Visit     string                          `db:"visit_id"`
		Taken     int                             `db:"place_taken"`
	}
	err := tx.GetContext(ctx, &row, `SELECT offer_id, request, places, offered_by, expires_at, visit_id, place_taken
		FROM urgent_offer WHERE offer_id = $1 FOR UPDATE`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return schedule.UrgentOffer{}, fault.Missing("visit")
	}
	if err != nil {
		return schedule.UrgentOffer{}, fmt.Errorf("read offer: %w", err)
	}
	return schedule.UrgentOffer{
		ID: row.ID, Request: row.Request.V, Places: row.Places.V, By: row.By, ExpiresAt: row.ExpiresAt.UTC(),
		Visit: schedule.VisitID(row.Visit), Taken: row.Taken,
	}, nil
}

// TakeOffer records which place was taken, and the visit it became.
func (Store) TakeOffer(ctx context.Context, tx *postgres.Tx, id string, place int, visit schedule.VisitID) error {
	if _, err := tx.ExecContext(ctx, `UPDATE urgent_offer SET place_taken = $2, visit_id = $3 WHERE offer_id = $1`, id, place, visit); err != nil {
		return fmt.Errorf("take offer: %w", err)
	}
	return nil
}
