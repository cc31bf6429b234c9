package postgres

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

type visitRow struct {
	ID               string                      `db:"visit_id"`
	Series           string                      `db:"series_id"`
	Case             string                      `db:"case_id"`
	Occurrence       int                         `db:"occurrence"`
	WeekOf           clock.Date                  `db:"week_of"`
	Minutes          int                         `db:"minutes"`
	Place            string                      `db:"place"`
	WorkersNeeded    int                         `db:"workers_needed"`
	Skills           column[[]string]            `db:"skills"`
	Language         string                      `db:"language"`
	Recipients       column[[]string]            `db:"recipients"`
	NotBefore        *time.Time                  `db:"not_before"`
	DoneBy           *time.Time                  `db:"done_by"`
	Status           string                      `db:"status"`
	StartsAt         *time.Time                  `db:"starts_at"`
	EndsAt           *time.Time                  `db:"ends_at"`
	Workers          column[[]schedule.WorkerID] `db:"workers"`
	Travel           int                         `db:"travel_minutes"`
	TravelSource     string                      `db:"travel_source"`
	Reasons          column[[]schedule.Reason]   `db:"reasons"`
	Remedies         column[[]schedule.Remedy]   `db:"remedies"`
	LookedAt         *time.Time                  `db:"looked_at"`
	Lost             column[*schedule.Slot]      `db:"lost"`
	Moves            column[[]schedule.Move]     `db:"moves"`
	CheckIns         column[[]schedule.CheckIn]  `db:"check_ins"`
	CheckoutMissedAt *time.Time                  `db:"checkout_missed_at"`
	Closing          column[*schedule.Closing]   `db:"closing"`
	ChildSeen        column[*schedule.ChildSeen] `db:"child_seen"`
	Replaces         string                      `db:"replaces"`
	ReplacedBy       string                      `db:"replaced_by"`
	Version          int64                       `db:"version"`
}

const visitColumns = `visit_id, series_id, case_id, occurrence, week_of, minutes, place, workers_needed, skills, language, recipients,
	not_before, done_by, status, starts_at, ends_at, workers, travel_minutes, travel_source, reasons, remedies, looked_at, lost, moves, check_ins, checkout_missed_at, closing, child_seen, replaces, replaced_by, version`

func (r visitRow) visit() schedule.Visit {
	v := schedule.Visit{
		ID: schedule.VisitID(r.ID), Series: schedule.SeriesID(r.Series), Case: schedule.CaseID(r.Case), Occurrence: r.Occurrence,
		Week: schedule.Week{Monday: r.WeekOf}, Minutes: r.Minutes, Place: schedule.Place(r.Place), WorkersNeeded: r.WorkersNeeded,
		Skills: r.Skills.V, Language: r.Language, Recipients: r.Recipients.V, Status: schedule.Status(r.Status),
		Reasons: r.Reasons.V, Remedies: r.Remedies.V, Lost: r.Lost.V, Moves: r.Moves.V, CheckIns: r.CheckIns.V, Closing: r.Closing.V, ChildSeen: r.ChildSeen.V,
		Replaces: schedule.VisitID(r.Replaces), ReplacedBy: schedule.VisitID(r.ReplacedBy), Version: r.Version,
	}
	if r.StartsAt != nil && r.EndsAt != nil {
		v.Slot = &schedule.Slot{StartsAt: r.StartsAt.UTC(), EndsAt: r.EndsAt.UTC(), Workers: r.Workers.V, Travel: r.Travel, Source: r.TravelSource}
	}
	if r.NotBefore != nil && r.DoneBy != nil {
		v.Within = &schedule.Span{From: r.NotBefore.UTC(), To: r.DoneBy.UTC()}
	}
	if r.LookedAt != nil {
		v.LookedAt = r.LookedAt.UTC()
	}
	if r.CheckoutMissedAt != nil {
		v.CheckoutMissedAt = r.CheckoutMissedAt.UTC()
	}
	return v
}

func visits(ctx context.Context, tx *postgres.Tx, query string, args ...any) ([]schedule.Visit, error) {
	var rows []visitRow
	if err := tx.SelectContext(ctx, &rows, query, args...); err != nil {
		return nil, fmt.Errorf("read visits: %w", err)
	}
	all := make([]schedule.Visit, len(rows))
	for i, r := range rows {
		all[i] = r.visit()
	}
	return all, nil
}

// Visit reads a visit, locked when lock is set. NotFound when there is none.
func (Store) Visit(ctx context.Context, tx *postgres.Tx, id schedule.VisitID, lock bool) (schedule.Visit, error) {
	query := `SELECT ` + visitColumns + ` FROM visit WHERE visit_id = $1`
	if lock {
		query += ` FOR UPDATE`
	}
	var row visitRow
	if err := tx.GetContext(ctx, &row, query, id); errors.Is(err, sql.ErrNoRows) {
		return schedule.Visit{}, fault.Missing("visit")
	} else if err != nil {
		return schedule.Visit{}, fmt.Errorf("read visit: %w", err)
	}
	return row.visit(), nil
}

// LockVisits locks and reads the visits of ids that exist, by id.
func (Store) LockVisits(ctx context.Context, tx *postgres.Tx, ids []schedule.VisitID) ([]schedule.Visit, error) {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = string(id)
	}
	return visits(ctx, tx, `SELECT `+visitColumns+` FROM visit WHERE visit_id = ANY ($1) ORDER BY visit_id FOR UPDATE`, names)
}

// OpenVisits locks and reads the visits of a series that can still be cancelled.
func (Store) OpenVisits(ctx context.Context, tx *postgres.Tx, id schedule.SeriesID) ([]schedule.Visit, error) {
	return visits(ctx, tx, `SELECT `+visitColumns+` FROM visit
		WHERE series_id = $1 AND status IN ('unplaced', 'scheduled') ORDER BY visit_id FOR UPDATE`, id)
}

// ScheduledOf locks and reads the scheduled visits of a worker that end after
// from; of any case, or of one.
func (Store) ScheduledOf(ctx context.Context, tx *postgres.Tx, worker schedule.WorkerID, caseID schedule.CaseID, from time.Time) ([]schedule.Visit, error) {
	return visits(ctx, tx, `SELECT `+visitColumns+` FROM visit
		WHERE status = 'scheduled' AND ends_at > $3 AND ($2 = '' OR case_id = $2)
		  AND visit_id IN (SELECT visit_id FROM booking WHERE worker_id = $1 AND upper(during) > $3)
		ORDER BY visit_id FOR UPDATE`, worker, caseID, from)
}

// VisitsHad counts, by week, the visits of a case's plans that are completed, under way,
// attempted and not replaced, or whose time had come by now.
func (Store) VisitsHad(ctx context.Context, tx *postgres.Tx, id schedule.CaseID, now time.Time) (map[schedule.Week]int, error) {
	var rows []struct {
		WeekOf clock.Date `db:"week_of"`
		N      int        `db:"n"`
	}
	err := tx.SelectContext(ctx, &rows, `SELECT week_of, count(*) AS n FROM visit
		WHERE case_id = $1 AND replaced_by = '' AND series_id IN (SELECT series_id FROM series WHERE case_id = $1 AND kind = 'plan')
		  AND (status IN ('in_progress', 'completed', 'attempted') OR status = 'scheduled' AND starts_at <= $2) GROUP BY week_of`, id, now)
	if err != nil {
		return nil, fmt.Errorf("count visits had: %w", err)
	}
	had := map[schedule.Week]int{}
	for _, r := range rows {
		had[schedule.Week{Monday: r.WeekOf}] = r.N
	}
	return had, nil
}

// InsertVisits stores new visits. They are unplaced.
func (Store) InsertVisits(ctx context.Context, tx *postgres.Tx, all []schedule.Visit) error {
	batch := &pgx.Batch{}
	for _, v := range all {
		skills, recipients, reasons, err := jsonOf(list(v.Skills), list(v.Recipients), list(v.Reasons))
		if err != nil {
			return err
		}
		var notBefore, doneBy *time.Time
		if v.Within != nil {
			notBefore, doneBy = &v.Within.From, &v.Within.To
		}
		batch.Queue(`
			INSERT INTO visit (visit_id, series_id, case_id, occurrence, week_of, minutes, place, workers_needed, skills, language,
				recipients, status, reasons, replaces, version, not_before, done_by)
			VALUES ($1, $2, $3, $4, $5::text::date, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
			string(v.ID), string(v.Series), string(v.Case), v.Occurrence, v.Week.String(), v.Minutes, string(v.Place), v.WorkersNeeded,
			skills, v.Language, recipients, string(v.Status), reasons, string(v.Replaces), v.Version, notBefore, doneBy)
	}
	if batch.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, batch, nil); err != nil {
		return fmt.Errorf("store visits: %w", err)
	}
	return nil
}

func jsonOf[A, B, C any](a column[A], b column[B], c column[C]) (x, y, z any, err error) {
	if x, err = a.Value(); err == nil {
		if y, err = b.Value(); err == nil {
			z, err = c.Value()
		}
	}
	return x, y, z, err
}

// SaveVisits stores what can change of visits, bookings with them. It fails with
// Conflict (double_booked) when a worker would be in two places.
func (Store) SaveVisits(ctx context.Context, tx *postgres.Tx, all ...schedule.Visit) error {
	batch := &pgx.Batch{}
	// Bookings that go make room for those that come.
	for _, v := range all {
		batch.Queue(`DELETE FROM booking WHERE visit_id = $1`, string(v.ID))
	}
	for _, v := range all {
		slot := schedule.Slot{}
		var starts, ends, missed, looked *time.Time
		if v.Slot != nil {
			slot, starts, ends = *v.Slot, &v.Slot.StartsAt, &v.Slot.EndsAt
		}
		if !v.CheckoutMissedAt.IsZero() {
			missed = &v.CheckoutMissedAt
		}
		if !v.LookedAt.IsZero() {
			looked = &v.LookedAt
		}
		workers, reasons, checkIns, err := jsonOf(list(slot.Workers), list(v.Reasons), list(v.CheckIns))
		if err != nil {
			return err
		}
		lost, closing, moves, err := jsonOf(column[*schedule.Slot]{v.Lost}, column[*schedule.Closing]{v.Closing}, list(v.Moves))
		if err != nil {
			return err
		}
		seen, remedies, _, err := jsonOf(column[*schedule.ChildSeen]{v.ChildSeen}, list(v.Remedies), list[string](nil))
		if err != nil {
			return err
		}
		batch.Queue(`
			UPDATE visit SET status = $2, starts_at = $3, ends_at = $4, workers = $5, travel_minutes = $6, reasons = $7, lost = $8,
				check_ins = $9, checkout_missed_at = $10, closing = $11, replaced_by = $12, version = $13, moves = $14, child_seen = $15, travel_source = $16, remedies = $17, looked_at = $18
			WHERE visit_id = $1`,
			string(v.ID), string(v.Status), starts, ends, workers, slot.Travel, reasons, lost, checkIns, missed, closing, string(v.ReplacedBy), v.Version, moves, seen, cmp.Or(slot.Source, schedule.Estimated), remedies, looked)
		for _, w := range slot.Workers {
			batch.Queue(`INSERT INTO booking (visit_id, worker_id, during) VALUES ($1, $2, tstzrange($3, $4))`,
				string(v.ID), string(w), slot.StartsAt, slot.EndsAt)
		}
	}
	if batch.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, batch, nil); err != nil {
		return fmt.Errorf("store visits: %w", refused(err))
	}
	return nil
}

// VisitCursor is where a page of visits ended.
type VisitCursor struct {
	StartsAt time.Time        `json:"s"` // Unscheduled for a visit without a time
	Week     clock.Date       `json:"w"`
	ID       schedule.VisitID `json:"v"`
}

// Unscheduled stands for the start of a visit that has no time: after all others.
var unscheduled = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// CursorAfter is the cursor of a page that ends with v.
func CursorAfter(v schedule.Visit) VisitCursor {
	c := VisitCursor{StartsAt: unscheduled, Week: v.Week.Monday, ID: v.ID}
	if v.Slot != nil {
		c.StartsAt = v.Slot.StartsAt
	}
	return c
}

// VisitPage is what a list of visits asks for; empty fields ask for nothing.
type VisitPage struct {
	Worker schedule.WorkerID
	Team   string
	Case   schedule.CaseID
	Series schedule.SeriesID
	Status schedule.Status
	Day    schedule.Span // zero: any
	Week   schedule.Week // zero: any
	// Tried leaves out unplaced visits the planner has not come to.
	Tried bool
	After VisitCursor
	Limit int
	// Seen is a condition on v (visit) that holds for what the asker may know of;
	// its placeholders are those of Args, from $1 on.
	Seen string
	Args []any
}

// VisitList reads a page of visits: those with a time by start, then the others
// by week.
func (Store) VisitList(ctx context.Context, tx *postgres.Tx, p VisitPage) ([]schedule.Visit, error) {
	q := conditions{args: p.Args}
	q.and(p.Seen)
	if p.Worker != "" {
		q.and(`v.visit_id IN (SELECT visit_id FROM booking WHERE worker_id = ?)`, p.Worker)
	}
	if p.Team != "" {
		q.and(`v.visit_id IN (SELECT b.visit_id FROM booking b JOIN worker w USING (agency_id, worker_id) WHERE w.team = ?)`, p.Team)
	}
	if p.Case != "" {
		q.and(`v.case_id = ?`, p.Case)
	}
	if p.Series != "" {
		q.and(`v.series_id = ?`, p.Series)
	}
	if p.Status != "" {
		q.and(`v.status = ?`, p.Status)
	}
	if p.Day != (schedule.Span{}) {
		q.and(`v.starts_at < ? AND v.ends_at > ?`, p.Day.To, p.Day.From)
	}
	if p.Week != (schedule.Week{}) {
		q.and(`v.week_of = ?`, p.Week.Monday)
	}
	if p.Tried {
		q.and(`NOT (v.reasons <@ '["not_yet_planned", "beyond_horizon", "taken_from_worker"]')`)
	}
	if p.After.ID != "" {
		q.and(`(coalesce(v.starts_at, ?), v.week_of, v.visit_id) > (?, ?, ?)`, unscheduled, p.After.StartsAt, p.After.Week, p.After.ID)
	}
	order := q.numbered(` ORDER BY coalesce(v.starts_at, ?), v.week_of, v.visit_id LIMIT ?`, unscheduled, p.Limit)
	return visits(ctx, tx, `SELECT `+visitColumns+` FROM visit v WHERE `+q.where+order, q.args...)
}

// CasesIn lists, from after on, the cases that have visits which start in span, or
// have no time and whose week begins in it.
func (Store) CasesIn(ctx context.Context, tx *postgres.Tx, p VisitPage, span schedule.Span, after schedule.CaseID) ([]schedule.CaseID, error) {
	q := monthOf(p, span)
	if after != "" {
		q.and(`v.case_id > ?`, after)
	}
	order := q.numbered(` ORDER BY v.case_id LIMIT ?`, p.Limit)
	var ids []schedule.CaseID
	if err := tx.SelectContext(ctx, &ids, `SELECT DISTINCT v.case_id FROM visit v WHERE `+q.where+order, q.args...); err != nil {
		return nil, fmt.Errorf("read cases with visits: %w", err)
	}
	return ids, nil
}

// MonthOf reads the visits of cases that start in span, or have no time and whose
// week begins in it.
func (Store) MonthOf(ctx context.Context, tx *postgres.Tx, p VisitPage, span schedule.Span, cases []schedule.CaseID) ([]schedule.Visit, error) {
	ids := make([]string, len(cases))
	for i, c := range cases {
		ids[i] = string(c)
	}
	q := monthOf(p, span)
	q.and(`v.case_id = ANY (?)`, ids)
	return visits(ctx, tx, `SELECT `+visitColumns+` FROM visit v WHERE `+q.where+` ORDER BY v.case_id, v.visit_id`, q.args...)
}

func monthOf(p VisitPage, span schedule.Span) conditions {
	q := conditions{args: p.Args}
	q.and(p.Seen)
	q.and(`v.starts_at >= ? AND v.starts_at < ? OR v.starts_at IS NULL AND v.week_of >= (?::timestamptz + interval '12 hours')::date AND v.week_of < (?::timestamptz + interval '12 hours')::date`,
		span.From, span.To, span.From, span.To)
	if p.Case != "" {
		q.and(`v.case_id = ?`, p.Case)
	}
	if p.Worker != "" {
		q.and(`v.visit_id IN (SELECT visit_id FROM booking WHERE worker_id = ?)`, p.Worker)
	}
	if p.Team != "" {
		q.and(`v.visit_id IN (SELECT b.visit_id FROM booking b JOIN worker w USING (agency_id, worker_id) WHERE w.team = ?)`, p.Team)
	}
	return q
}
