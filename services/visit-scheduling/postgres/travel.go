package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// Attended reads who came to which visit and left when, of visits that began in
// span, the newest most of them. Only a home whose place is known has one.
func (Store) Attended(ctx context.Context, tx *postgres.Tx, span schedule.Span, most int) ([]schedule.Attended, error) {
	var rows []struct {
		Worker string                 `db:"worker_id"`
		Terms  column[schedule.Terms] `db:"terms"`
		Lat    *float64               `db:"lat"`
		Lon    *float64               `db:"lon"`
		In     time.Time              `db:"in_at"`
		Out    *time.Time             `db:"out_at"`
	}
	err := tx.SelectContext(ctx, &rows, `
		SELECT c.worker_id, coalesce(w.terms, '{}') AS terms, p.lat, p.lon, c.in_at, c.out_at FROM (
			SELECT v.agency_id, v.case_id, v.place, v.starts_at, x ->> 'Worker' AS worker_id, (x ->> 'InAt')::timestamptz AS in_at,
				nullif((x ->> 'OutAt')::timestamptz, '0001-01-01T00:00:00Z') AS out_at
			FROM visit v, jsonb_array_elements(v.check_ins) x WHERE v.starts_at >= $1 AND v.starts_at < $2
		) c
		JOIN family_case f ON f.agency_id = c.agency_id AND f.case_id = c.case_id
		LEFT JOIN worker w ON w.agency_id = c.agency_id AND w.worker_id = c.worker_id
		LEFT JOIN travel_point p ON p.agency_id = c.agency_id AND p.household_id = f.household_id AND p.known AND c.place = 'home'
		ORDER BY c.starts_at DESC, c.worker_id LIMIT $3`, span.From, span.To, most)
	if err != nil {
		return nil, fmt.Errorf("read recorded ways: %w", err)
	}
	all := make([]schedule.Attended, len(rows))
	for i, r := range rows {
		all[i] = schedule.Attended{Worker: schedule.WorkerID(r.Worker), Mode: r.Terms.V.Mode(), In: r.In.UTC()}
		if r.Out != nil {
			all[i].Out = r.Out.UTC()
		}
		if r.Lat != nil && r.Lon != nil {
			all[i].At = &schedule.Point{Lat: *r.Lat, Lon: *r.Lon}
		}
	}
	return all, nil
}

// KeepTravelFit stores what recorded ways say, in place of what they said before.
func (Store) KeepTravelFit(ctx context.Context, tx *postgres.Tx, f schedule.TravelFit) error {
	modes, err := list(f.Modes).Value()
	if err != nil {
		return fmt.Errorf("store travel fit: %w", err)
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO travel_fit (fitted_at, since, modes) VALUES ($1, $2, $3)
		ON CONFLICT (agency_id) DO UPDATE SET fitted_at = excluded.fitted_at, since = excluded.since, modes = excluded.modes`, f.FittedAt, f.Since, modes)
	if err != nil {
		return fmt.Errorf("store travel fit: %w", err)
	}
	return nil
}

// TravelFit reads what recorded ways say; the zero value when nothing was fitted yet.
func (Store) TravelFit(ctx context.Context, tx *postgres.Tx) (schedule.TravelFit, error) {
	var row struct {
		FittedAt time.Time                  `db:"fitted_at"`
		Since    time.Time                  `db:"since"`
		Modes    column[[]schedule.ModeFit] `db:"modes"`
	}
	err := tx.GetContext(ctx, &row, `SELECT fitted_at, since, modes FROM travel_fit`)
	if errors.Is(err, sql.ErrNoRows) {
		return schedule.TravelFit{}, nil
	}
	if err != nil {
		return schedule.TravelFit{}, fmt.Errorf("read travel fit: %w", err)
	}
	return schedule.TravelFit{FittedAt: row.FittedAt.UTC(), Since: row.Since.UTC(), Modes: row.Modes.V}, nil
}
