package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// takeOver keeps the workers a case had before any change of them was kept.
const takeOver = `
	INSERT INTO family_worker (case_id, worker_id, since)
	SELECT s.case_id, w, '-infinity' FROM series s, jsonb_array_elements_text(s.workers) w
	WHERE s.series_id = $1 AND s.kind = 'plan' AND NOT EXISTS (SELECT FROM family_worker f WHERE f.case_id = s.case_id)
	ON CONFLICT DO NOTHING`

// keepFamilyWorkers makes those of a plan's series the family's own from now on.
func keepFamilyWorkers(ctx context.Context, tx *postgres.Tx, s schedule.Series) error {
	if s.Kind == schedule.Urgent || s.Status != schedule.SeriesActive {
		return nil
	}
	workers := make([]string, len(s.Workers))
	for i, w := range s.Workers {
		workers[i] = string(w)
	}
	batch := &pgx.Batch{}
	batch.Queue(`UPDATE family_worker SET until = $3 WHERE case_id = $1 AND until IS NULL AND worker_id <> ALL ($2)`, string(s.Case), workers, tx.Now())
	batch.Queue(`
		INSERT INTO family_worker (case_id, worker_id, since)
		SELECT $1, w, $3 FROM unnest($2::text[]) w
		WHERE NOT EXISTS (SELECT FROM family_worker f WHERE f.case_id = $1 AND f.worker_id = w AND f.until IS NULL)
		ON CONFLICT (agency_id, case_id, worker_id, since) DO UPDATE SET until = NULL`, string(s.Case), workers, tx.Now())
	if err := tx.SendBatch(ctx, batch, nil); err != nil {
		return fmt.Errorf("store workers of a family: %w", err)
	}
	return nil
}

// PastVisits reads the visits of cases from a time on that took place or have a
// time, in order. A visit is by a substitute when none of its workers was the
// family's own then. Before recent only what still says something is read: visits by
// substitutes, and of each team the last.
func (Store) PastVisits(ctx context.Context, tx *postgres.Tx, cases []schedule.CaseID, from, recent time.Time) (map[schedule.CaseID][]schedule.PastVisit, error) {
	ids := make([]string, len(cases))
	for i, c := range cases {
		ids[i] = string(c)
	}
	var rows []struct {
		Case       schedule.CaseID             `db:"case_id"`
		Visit      schedule.VisitID            `db:"visit_id"`
		StartsAt   time.Time                   `db:"starts_at"`
		Workers    column[[]schedule.WorkerID] `db:"workers"`
		Took       bool                        `db:"took"`
		Urgent     bool                        `db:"urgent"`
		Substitute bool                        `db:"substitute"`
	}
	err := tx.SelectContext(ctx, &rows, `
		SELECT case_id, visit_id, starts_at, workers, took, urgent, substitute FROM (
		SELECT v.case_id, v.visit_id, v.starts_at, v.workers, v.status = 'completed' AS took, s.kind = 'urgent' AS urgent,
			row_number() OVER (PARTITION BY v.case_id, v.workers, v.status ORDER BY v.starts_at DESC) AS nth,
			EXISTS (SELECT FROM family_worker f WHERE f.case_id = v.case_id) AND NOT EXISTS (
				SELECT FROM family_worker f WHERE f.case_id = v.case_id AND v.workers ? f.worker_id
				AND f.since <= v.starts_at AND (f.until IS NULL OR f.until > v.starts_at)) AS substitute
		FROM visit v JOIN series s USING (agency_id, series_id)
		WHERE v.case_id = ANY ($1) AND v.starts_at >= $2 AND v.status IN ('scheduled', 'in_progress', 'completed')) known
		WHERE starts_at >= $3 OR substitute OR nth = 1
		ORDER BY case_id, starts_at, visit_id`, ids, from, recent)
	if err != nil {
		return nil, fmt.Errorf("read visits of families: %w", err)
	}
	all := map[schedule.CaseID][]schedule.PastVisit{}
	for _, r := range rows {
		all[r.Case] = append(all[r.Case], schedule.PastVisit{
			Visit: r.Visit, At: r.StartsAt.UTC(), Workers: r.Workers.V, Took: r.Took, Urgent: r.Urgent, Substitute: r.Substitute,
		})
	}
	return all, nil
}

// FamiliesOf lists the active series of plans that are assigned to workers.
func (Store) FamiliesOf(ctx context.Context, tx *postgres.Tx, workers []schedule.WorkerID) (map[schedule.WorkerID][]schedule.SeriesID, error) {
	ids := make([]string, len(workers))
	for i, w := range workers {
		ids[i] = string(w)
	}
	var rows []struct {
		Worker schedule.WorkerID `db:"worker_id"`
		Series schedule.SeriesID `db:"series_id"`
	}
	err := tx.SelectContext(ctx, &rows, `
		SELECT w AS worker_id, s.series_id FROM series s, jsonb_array_elements_text(s.workers) w
		WHERE s.status = 'active' AND s.kind = 'plan' AND w = ANY ($1) ORDER BY w, s.series_id`, ids)
	if err != nil {
		return nil, fmt.Errorf("read families of workers: %w", err)
	}
	all := map[schedule.WorkerID][]schedule.SeriesID{}
	for _, r := range rows {
		all[r.Worker] = append(all[r.Worker], r.Series)
	}
	return all, nil
}
