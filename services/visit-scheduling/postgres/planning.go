package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// RequestPlanning wishes for the planning of the weeks from first to last that
// have visits without a place. Visits of a week that is over and known to be are
// left alone.
func (Store) RequestPlanning(ctx context.Context, tx *postgres.Tx, first, last schedule.Week) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO planning_work (week_of)
		SELECT DISTINCT week_of FROM visit
		WHERE status = 'unplaced' AND week_of BETWEEN $1 AND $2 AND reasons <> '["week_over"]'
		ORDER BY week_of
		ON CONFLICT (agency_id, week_of) DO UPDATE SET revision = planning_work.revision + 1, failures = 0, placed = false`,
		first.Monday, last.Monday)
	if err != nil {
		return fmt.Errorf("request planning: %w", err)
	}
	return nil
}

// OldestUnplaced is the first week that has a visit without a place which could
// still be planned or told to be over; false when there is none.
func (Store) OldestUnplaced(ctx context.Context, tx *postgres.Tx) (schedule.Week, bool, error) {
	var week clock.Date
	err := tx.GetContext(ctx, &week, `SELECT min(week_of) FROM visit WHERE status = 'unplaced' AND reasons <> '["week_over"]'`)
	if err != nil {
		return schedule.Week{}, false, fmt.Errorf("look for unplaced visits: %w", err)
	}
	return schedule.Week{Monday: week}, !week.IsZero(), nil
}

// Work is a claimed wish for the planning of a week.
type Work struct {
	Week     schedule.Week
	Revision int64
	Failures int
}

// ClaimWork claims the earliest week that wants planning and nobody plans, until
// a time; false when there is none. Weeks that wait for reasons alone come last. What a planner that died had claimed is free
// when its time is up.
func (Store) ClaimWork(ctx context.Context, tx *postgres.Tx, planner string, now, until time.Time) (Work, bool, error) {
	var row struct {
		WeekOf   clock.Date `db:"week_of"`
		Revision int64      `db:"revision"`
		Failures int        `db:"failures"`
	}
	err := tx.GetContext(ctx, &row, `
		UPDATE planning_work SET claimed_by = $1, claimed_until = $3
		WHERE week_of = (
			SELECT week_of FROM planning_work WHERE claimed_until IS NULL OR claimed_until <= $2
			ORDER BY placed, week_of LIMIT 1 FOR UPDATE SKIP LOCKED)
		RETURNING week_of, revision, failures`, planner, now, until)
	if errors.Is(err, sql.ErrNoRows) {
		return Work{}, false, nil
	}
	if err != nil {
		return Work{}, false, fmt.Errorf("claim planning: %w", err)
	}
	return Work{schedule.Week{Monday: row.WeekOf}, row.Revision, row.Failures}, true, nil
}

// HoldWork holds a claim until a later time; false when another planner has it now.
func (Store) HoldWork(ctx context.Context, tx *postgres.Tx, planner string, w Work, until time.Time) (bool, error) {
	held, err := tx.ExecContext(ctx, `UPDATE planning_work SET claimed_until = $3 WHERE week_of = $1 AND claimed_by = $2`, w.Week.Monday, planner, until)
	if err != nil {
		return false, fmt.Errorf("hold planning: %w", err)
	}
	n, err := held.RowsAffected()
	return n > 0, err
}

// FinishWork removes a wish that was planned, or frees it when it was renewed
// meanwhile. It does nothing when another planner has it now.
func (Store) FinishWork(ctx context.Context, tx *postgres.Tx, planner string, w Work) error {
	done, err := tx.ExecContext(ctx, `DELETE FROM planning_work WHERE week_of = $1 AND claimed_by = $2 AND revision = $3`, w.Week.Monday, planner, w.Revision)
	if err != nil {
		return fmt.Errorf("finish planning: %w", err)
	}
	if n, err := done.RowsAffected(); err != nil || n > 0 {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE planning_work SET claimed_by = '', claimed_until = NULL WHERE week_of = $1 AND claimed_by = $2`, w.Week.Monday, planner)
	if err != nil {
		return fmt.Errorf("free planning: %w", err)
	}
	return nil
}

// PlacesWait says whether a week that nobody plans waits for places.
func (Store) PlacesWait(ctx context.Context, tx *postgres.Tx, now time.Time) (waits bool, err error) {
	err = tx.GetContext(ctx, &waits, `SELECT EXISTS (SELECT FROM planning_work WHERE NOT placed AND (claimed_until IS NULL OR claimed_until <= $1))`, now)
	if err != nil {
		return false, fmt.Errorf("look for weeks to plan: %w", err)
	}
	return waits, nil
}

// LookLater keeps a wish of which the places are written, for reasons to be looked
// for when no week waits for places; all of it when it was renewed meanwhile.
func (Store) LookLater(ctx context.Context, tx *postgres.Tx, planner string, w Work) error {
	_, err := tx.ExecContext(ctx, `UPDATE planning_work SET claimed_by = '', claimed_until = NULL, failures = 0, placed = revision = $3 WHERE week_of = $1 AND claimed_by = $2`,
		w.Week.Monday, planner, w.Revision)
	if err != nil {
		return fmt.Errorf("put off reasons: %w", err)
	}
	return nil
}

// PutOffWork keeps a wish whose planning failed until a later time.
func (Store) PutOffWork(ctx context.Context, tx *postgres.Tx, planner string, w Work, until time.Time) error {
	_, err := tx.ExecContext(ctx, `UPDATE planning_work SET claimed_by = '', claimed_until = $3, failures = failures + 1 WHERE week_of = $1 AND claimed_by = $2`,
		w.Week.Monday, planner, until)
	if err != nil {
		return fmt.Errorf("put off planning: %w", err)
	}
	return nil
}

// UnplacedOf reads the visits of a week that have no place.
func (Store) UnplacedOf(ctx context.Context, tx *postgres.Tx, week schedule.Week) ([]schedule.Visit, error) {
	return visits(ctx, tx, `SELECT `+visitColumns+` FROM visit WHERE status = 'unplaced' AND week_of = $1 ORDER BY visit_id`, week.Monday)
}

// Booked is a booking with what travel needs to know of it.
type Booked struct {
	Visit     schedule.VisitID
	Series    schedule.SeriesID
	Place     schedule.Place
	Household string
	Workers   []schedule.WorkerID
	Span      schedule.Span
}

// BookedIn reads the visits that have a time in span; of the given workers or
// series, or of all when both are nil.
func (Store) BookedIn(ctx context.Context, tx *postgres.Tx, span schedule.Span, workers []schedule.WorkerID, series []schedule.SeriesID) ([]Booked, error) {
	names, ids := make([]string, len(workers)), make([]string, len(series))
	for i, w := range workers {
		names[i] = string(w)
	}
	for i, s := range series {
		ids[i] = string(s)
	}
	var rows []struct {
		Visit     string                      `db:"visit_id"`
		Series    string                      `db:"series_id"`
		Place     string                      `db:"place"`
		Household string                      `db:"household_id"`
		StartsAt  time.Time                   `db:"starts_at"`
		EndsAt    time.Time                   `db:"ends_at"`
		Workers   column[[]schedule.WorkerID] `db:"workers"`
	}
	err := tx.SelectContext(ctx, &rows, `
		SELECT v.visit_id, v.series_id, v.place, c.household_id, v.starts_at, v.ends_at, v.workers
		FROM visit v JOIN family_case c USING (agency_id, case_id)
		WHERE v.starts_at IS NOT NULL AND v.visit_id IN (SELECT visit_id FROM booking WHERE during && tstzrange($1, $2))
		  AND ($3 OR v.series_id = ANY ($5) OR v.visit_id IN (SELECT visit_id FROM booking WHERE worker_id = ANY ($4) AND during && tstzrange($1, $2)))
		ORDER BY v.visit_id`, span.From, span.To, workers == nil && series == nil, names, ids)
	if err != nil {
		return nil, fmt.Errorf("read bookings: %w", err)
	}
	all := make([]Booked, len(rows))
	for i, r := range rows {
		all[i] = Booked{
			schedule.VisitID(r.Visit), schedule.SeriesID(r.Series), schedule.Place(r.Place), r.Household, r.Workers.V,
			schedule.Span{From: r.StartsAt.UTC(), To: r.EndsAt.UTC()},
		}
	}
	return all, nil
}

// SeriesOf reads the series of visits.
func (Store) SeriesOf(ctx context.Context, tx *postgres.Tx, all []schedule.Visit) (map[schedule.SeriesID]schedule.Series, error) {
	ids := make([]string, len(all))
	for i, v := range all {
		ids[i] = string(v.Series)
	}
	var rows []seriesRow
	if err := tx.SelectContext(ctx, &rows, `SELECT `+seriesColumns+fromSeries+`WHERE s.series_id = ANY ($1)`, ids); err != nil {
		return nil, fmt.Errorf("read series: %w", err)
	}
	of := map[schedule.SeriesID]schedule.Series{}
	for _, r := range rows {
		of[schedule.SeriesID(r.ID)] = r.series()
	}
	return of, nil
}

// Acquainted lists, for each case, the workers who were or will be with the
// family, those most often first.
func (Store) Acquainted(ctx context.Context, tx *postgres.Tx, cases []schedule.CaseID) (map[schedule.CaseID][]schedule.WorkerID, error) {
	return byCase(ctx, tx, cases, `
		SELECT v.case_id, b.worker_id FROM booking b JOIN visit v USING (agency_id, visit_id)
		WHERE v.case_id = ANY ($1) GROUP BY v.case_id, b.worker_id ORDER BY v.case_id, count(*) DESC, b.worker_id`)
}

// Excluded lists, for each case, the workers who may not see the family.
func (Store) Excluded(ctx context.Context, tx *postgres.Tx, cases []schedule.CaseID) (map[schedule.CaseID][]schedule.WorkerID, error) {
	return byCase(ctx, tx, cases, `
		SELECT case_id, worker_id FROM case_access WHERE case_id = ANY ($1) AND excluded ORDER BY case_id, worker_id`)
}

func byCase(ctx context.Context, tx *postgres.Tx, cases []schedule.CaseID, query string) (map[schedule.CaseID][]schedule.WorkerID, error) {
	ids := make([]string, len(cases))
	for i, c := range cases {
		ids[i] = string(c)
	}
	var rows []struct {
		Case   schedule.CaseID   `db:"case_id"`
		Worker schedule.WorkerID `db:"worker_id"`
	}
	if err := tx.SelectContext(ctx, &rows, query, ids); err != nil {
		return nil, fmt.Errorf("read workers of cases: %w", err)
	}
	all := map[schedule.CaseID][]schedule.WorkerID{}
	for _, r := range rows {
		all[r.Case] = append(all[r.Case], r.Worker)
	}
	return all, nil
}

// TravelPoint is a household's point as intake last gave it.
type TravelPoint struct {
	Household string    `db:"household_id"`
	Known     bool      `db:"known"`
	Lat       *float64  `db:"lat"`
	Lon       *float64  `db:"lon"`
	Source    string    `db:"source"`
	FetchedAt time.Time `db:"fetched_at"`
}

// Point is where it is; nil when that is not known.
func (p TravelPoint) Point() *schedule.Point {
	if !p.Known || p.Lat == nil || p.Lon == nil {
		return nil
	}
	return &schedule.Point{Lat: *p.Lat, Lon: *p.Lon}
}

// TravelPoints reads what is kept of households' points.
func (Store) TravelPoints(ctx context.Context, tx *postgres.Tx, households []string) (map[string]TravelPoint, error) {
	var rows []TravelPoint
	err := tx.SelectContext(ctx, &rows, `SELECT household_id, known, lat, lon, source, fetched_at FROM travel_point WHERE household_id = ANY ($1)`, households)
	if err != nil {
		return nil, fmt.Errorf("read travel points: %w", err)
	}
	all := map[string]TravelPoint{}
	for _, r := range rows {
		all[r.Household] = r
	}
	return all, nil
}

// KeepTravelPoints stores what intake answered.
func (Store) KeepTravelPoints(ctx context.Context, tx *postgres.Tx, points ...TravelPoint) error {
	batch := &pgx.Batch{}
	for _, p := range points {
		batch.Queue(`
			INSERT INTO travel_point (household_id, known, lat, lon, source, fetched_at) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (agency_id, household_id) DO UPDATE SET known = excluded.known, lat = excluded.lat, lon = excluded.lon,
				source = excluded.source, fetched_at = excluded.fetched_at`,
			p.Household, p.Known, p.Lat, p.Lon, p.Source, p.FetchedAt)
	}
	if batch.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, batch, nil); err != nil {
		return fmt.Errorf("store travel points: %w", err)
	}
	return nil
}
