package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/matrix"
)

// RoadMark is how far somebody has read what a provider told; the zero value is
// not at all.
type RoadMark struct {
	Epoch    int64 `db:"epoch"`
	Revision int64 `db:"revision"`
}

// roadChunk is how many ways one statement writes.
const roadChunk = 10_000

// KeepRoadTimes stores what a provider told at some time, in place of what it told before.
func (Store) KeepRoadTimes(ctx context.Context, tx *postgres.Tx, source string, ways []matrix.Way, at time.Time) error {
	if len(ways) == 0 {
		return nil
	}
	var revision int64
	err := tx.GetContext(ctx, &revision, `
		INSERT INTO road_state (revision) VALUES (1) ON CONFLICT (agency_id) DO UPDATE SET revision = road_state.revision + 1 RETURNING revision`)
	if err != nil {
		return fmt.Errorf("store road times: %w", err)
	}
	for some := range slices.Chunk(ways, roadChunk) {
		modes, numbers := make([]string, len(some)), [5][]int32{}
		for i, w := range some {
			modes[i] = string(w.Mode)
			for k, n := range []int32{w.From.Lat, w.From.Lon, w.To.Lat, w.To.Lon, int32(w.Minutes)} {
				numbers[k] = append(numbers[k], n)
			}
		}
		_, err := tx.ExecContext(ctx, `
			INSERT INTO road_time (source, mode, from_lat, from_lon, to_lat, to_lon, minutes, asked_at, revision)
			SELECT $1, w.mode, w.a, w.b, w.c, w.d, w.minutes, $8, $9
			FROM unnest($2::text[], $3::integer[], $4::integer[], $5::integer[], $6::integer[], $7::integer[]) w (mode, a, b, c, d, minutes)
			ON CONFLICT (agency_id, source, mode, from_lat, from_lon, to_lat, to_lon)
			DO UPDATE SET minutes = excluded.minutes, asked_at = excluded.asked_at, revision = excluded.revision`,
			source, modes, numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], at, revision)
		if err != nil {
			return fmt.Errorf("store road times: %w", err)
		}
	}
	return nil
}

// RoadMark reads how far a provider's times are.
func (Store) RoadMark(ctx context.Context, tx *postgres.Tx) (RoadMark, error) {
	var mark RoadMark
	err := tx.GetContext(ctx, &mark, `SELECT epoch, revision FROM road_state`)
	if errors.Is(err, sql.ErrNoRows) {
		return RoadMark{}, nil
	}
	if err != nil {
		return RoadMark{}, fmt.Errorf("read state of road times: %w", err)
	}
	return mark, nil
}

// RoadTimes reads what a provider told after a revision.
func (Store) RoadTimes(ctx context.Context, tx *postgres.Tx, source string, after int64) ([]matrix.Way, error) {
	var rows []struct {
		Mode    string `db:"mode"`
		FromLat int32  `db:"from_lat"`
		FromLon int32  `db:"from_lon"`
		ToLat   int32  `db:"to_lat"`
		ToLon   int32  `db:"to_lon"`
		Minutes int    `db:"minutes"`
	}
	err := tx.SelectContext(ctx, &rows, `SELECT mode, from_lat, from_lon, to_lat, to_lon, minutes FROM road_time WHERE source = $1 AND revision > $2`, source, after)
	if err != nil {
		return nil, fmt.Errorf("read road times: %w", err)
	}
	ways := make([]matrix.Way, len(rows))
	for i, r := range rows {
		ways[i] = matrix.Way{
			Mode: optimise.Mode(r.Mode), From: matrix.Spot{Lat: r.FromLat, Lon: r.FromLon}, To: matrix.Spot{Lat: r.ToLat, Lon: r.ToLon}, Minutes: r.Minutes,
		}
	}
	return ways, nil
}

// ForgetRoadTimes drops what was told before a time, and ways from and to places
// that no household and no worker has any more.
func (Store) ForgetRoadTimes(ctx context.Context, tx *postgres.Tx, before time.Time) error {
	result, err := tx.ExecContext(ctx, `
		WITH place AS (
			SELECT round(lat * 1000)::integer AS lat, round(lon * 1000)::integer AS lon FROM travel_point WHERE known
			UNION SELECT round(base_lat * 1000)::integer, round(base_lon * 1000)::integer FROM worker WHERE base_lat IS NOT NULL
		)
		DELETE FROM road_time r WHERE r.asked_at < $1
			OR NOT EXISTS (SELECT FROM place WHERE place.lat = r.from_lat AND place.lon = r.from_lon)
			OR NOT EXISTS (SELECT FROM place WHERE place.lat = r.to_lat AND place.lon = r.to_lon)`, before)
	if err != nil {
		return fmt.Errorf("forget road times: %w", err)
	}
	gone, err := result.RowsAffected()
	if err != nil {
		return fmt.Errorf("forget road times: %w", err)
	}
	if gone == 0 {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `UPDATE road_state SET epoch = epoch + 1, revision = revision + 1`); err != nil {
		return fmt.Errorf("forget road times: %w", err)
	}
	return nil
}
