package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

type workerRow struct {
	ID        string                   `db:"worker_id"`
	Team      string                   `db:"team"`
	Skills    column[[]string]         `db:"skills"`
	Languages column[[]string]         `db:"languages"`
	BaseLat   *float64                 `db:"base_lat"`
	BaseLon   *float64                 `db:"base_lon"`
	Hours     column[[]schedule.Hours] `db:"hours"`
	Terms     column[schedule.Terms]   `db:"terms"`
	Version   int64                    `db:"version"`
}

func (r workerRow) worker() schedule.Worker {
	w := schedule.Worker{
		ID: schedule.WorkerID(r.ID), Team: r.Team, Skills: r.Skills.V, Languages: r.Languages.V, Hours: r.Hours.V, Terms: r.Terms.V, Version: r.Version,
	}
	if r.BaseLat != nil && r.BaseLon != nil {
		w.Base = &schedule.Point{Lat: *r.BaseLat, Lon: *r.BaseLon}
	}
	return w
}

type absenceRow struct {
	Worker string    `db:"worker_id"`
	ID     string    `db:"absence_id"`
	From   time.Time `db:"starts_at"`
	To     time.Time `db:"ends_at"`
	Reason string    `db:"reason_code"`
}

func (r absenceRow) absence() schedule.Absence {
	return schedule.Absence{ID: schedule.AbsenceID(r.ID), Span: schedule.Span{From: r.From.UTC(), To: r.To.UTC()}, Reason: r.Reason}
}

const (
	workerColumns  = `worker_id, team, skills, languages, base_lat, base_lon, hours, terms, version`
	absenceColumns = `worker_id, absence_id, starts_at, ends_at, reason_code`
)

// unknownWorker is what asking for a worker that is not there fails with.
func unknownWorker() error {
	return fault.Missing("worker")
}

// Worker reads a worker with all absences, and locks the worker when lock is
// set. NotFound when there is none.
func (Store) Worker(ctx context.Context, tx *postgres.Tx, id schedule.WorkerID, lock bool) (schedule.Worker, error) {
	query := `SELECT ` + workerColumns + ` FROM worker WHERE worker_id = $1`
	if lock {
		query += ` FOR UPDATE`
	}
	var row workerRow
	if err := tx.GetContext(ctx, &row, query, id); errors.Is(err, sql.ErrNoRows) {
		return schedule.Worker{}, unknownWorker()
	} else if err != nil {
		return schedule.Worker{}, fmt.Errorf("read worker: %w", err)
	}
	workers := []schedule.Worker{row.worker()}
	return workers[0], addAbsences(ctx, tx, workers, time.Time{}, &workers[0])
}

// addAbsences gives workers their absences that end after from; out, when not
// nil, receives the first worker.
func addAbsences(ctx context.Context, tx *postgres.Tx, workers []schedule.Worker, from time.Time, out *schedule.Worker) error {
	ids, at := make([]string, len(workers)), map[schedule.WorkerID]int{}
	for i, w := range workers {
		ids[i], at[w.ID] = string(w.ID), i
	}
	var rows []absenceRow
	err := tx.SelectContext(ctx, &rows, `SELECT `+absenceColumns+` FROM absence
		WHERE worker_id = ANY ($1) AND ends_at > $2 ORDER BY worker_id, starts_at, absence_id`, ids, from)
	if err != nil {
		return fmt.Errorf("read absences: %w", err)
	}
	for _, r := range rows {
		w := &workers[at[schedule.WorkerID(r.Worker)]]
		w.Absences = append(w.Absences, r.absence())
	}
	if out != nil {
		*out = workers[0]
	}
	return nil
}

// Workers reads a page of workers in order of id, after the given one.
func (Store) Workers(ctx context.Context, tx *postgres.Tx, after schedule.WorkerID, limit int) ([]schedule.Worker, error) {
	var rows []workerRow
	err := tx.SelectContext(ctx, &rows, `SELECT `+workerColumns+` FROM worker WHERE worker_id > $1 ORDER BY worker_id LIMIT $2`, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read workers: %w", err)
	}
	return withAbsences(ctx, tx, rows, time.Time{})
}

// Roster reads every worker of the agency with the absences that end after from.
func (Store) Roster(ctx context.Context, tx *postgres.Tx, from time.Time) ([]schedule.Worker, error) {
	var rows []workerRow
	if err := tx.SelectContext(ctx, &rows, `SELECT `+workerColumns+` FROM worker ORDER BY worker_id`); err != nil {
		return nil, fmt.Errorf("read workers: %w", err)
	}
	return withAbsences(ctx, tx, rows, from)
}

// TeamOf reads the workers of a team, with the absences that end after from. A team
// without workers is none: NotFound.
func (Store) TeamOf(ctx context.Context, tx *postgres.Tx, team string, from time.Time) ([]schedule.Worker, error) {
	var rows []workerRow
	if err := tx.SelectContext(ctx, &rows, `SELECT `+workerColumns+` FROM worker WHERE team = $1 ORDER BY worker_id`, team); err != nil {
		return nil, fmt.Errorf("read team: %w", err)
	}
	if len(rows) == 0 {
		return nil, fault.Missing("team")
	}
	return withAbsences(ctx, tx, rows, from)
}

// WorkersOf reads the workers of ids that exist, not locked, with the absences
// that end after from.
func (Store) WorkersOf(ctx context.Context, tx *postgres.Tx, ids []schedule.WorkerID, from time.Time) ([]schedule.Worker, error) {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = string(id)
	}
	var rows []workerRow
	if err := tx.SelectContext(ctx, &rows, `SELECT `+workerColumns+` FROM worker WHERE worker_id = ANY ($1) ORDER BY worker_id`, names); err != nil {
		return nil, fmt.Errorf("read workers: %w", err)
	}
	return withAbsences(ctx, tx, rows, from)
}

// LockWorkers locks and reads the workers of ids that exist, in order of id, with
// the absences that end after from.
func (Store) LockWorkers(ctx context.Context, tx *postgres.Tx, ids []schedule.WorkerID, from time.Time) ([]schedule.Worker, error) {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = string(id)
	}
	var rows []workerRow
	err := tx.SelectContext(ctx, &rows, `SELECT `+workerColumns+` FROM worker WHERE worker_id = ANY ($1) ORDER BY worker_id FOR UPDATE`, names)
	if err != nil {
		return nil, fmt.Errorf("lock workers: %w", err)
	}
	return withAbsences(ctx, tx, rows, from)
}

func withAbsences(ctx context.Context, tx *postgres.Tx, rows []workerRow, from time.Time) ([]schedule.Worker, error) {
	workers := make([]schedule.Worker, len(rows))
	for i, r := range rows {
		workers[i] = r.worker()
	}
	return workers, addAbsences(ctx, tx, workers, from, nil)
}

// PutWorker stores w, absences apart, whether it is there or not.
func (Store) PutWorker(ctx context.Context, tx *postgres.Tx, w schedule.Worker) error {
	var lat, lon *float64
	if w.Base != nil {
		lat, lon = &w.Base.Lat, &w.Base.Lon
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO worker (worker_id, skills, languages, base_lat, base_lon, hours, version, team, terms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (agency_id, worker_id) DO UPDATE SET team = excluded.team, skills = excluded.skills, languages = excluded.languages,
			base_lat = excluded.base_lat, base_lon = excluded.base_lon, hours = excluded.hours, terms = excluded.terms, version = excluded.version`,
		w.ID, list(w.Skills), list(w.Languages), lat, lon, list(w.Hours), w.Version, w.Team, column[schedule.Terms]{w.Terms})
	if err != nil {
		return fmt.Errorf("store worker: %w", err)
	}
	return nil
}

// ReplaceAbsences makes the worker's absences those given, and no others.
func (Store) ReplaceAbsences(ctx context.Context, tx *postgres.Tx, id schedule.WorkerID, absences []schedule.Absence) error {
	batch := &pgx.Batch{}
	batch.Queue(`DELETE FROM absence WHERE worker_id = $1`, string(id))
	for _, a := range absences {
		batch.Queue(`INSERT INTO absence (worker_id, absence_id, starts_at, ends_at, reason_code) VALUES ($1, $2, $3, $4, $5)`,
			string(id), string(a.ID), a.From, a.To, a.Reason)
	}
	if err := tx.SendBatch(ctx, batch, nil); err != nil {
		return fmt.Errorf("store absences: %w", err)
	}
	return nil
}

// AddAbsence stores one more absence.
func (Store) AddAbsence(ctx context.Context, tx *postgres.Tx, id schedule.WorkerID, a schedule.Absence) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO absence (worker_id, absence_id, starts_at, ends_at, reason_code) VALUES ($1, $2, $3, $4, $5)`,
		id, a.ID, a.From, a.To, a.Reason)
	if err != nil {
		return fmt.Errorf("store absence: %w", err)
	}
	return nil
}

// RemoveAbsence removes an absence and says when it was; NotFound when there is none.
func (Store) RemoveAbsence(ctx context.Context, tx *postgres.Tx, worker schedule.WorkerID, id schedule.AbsenceID) (schedule.Absence, error) {
	var row absenceRow
	err := tx.GetContext(ctx, &row, `DELETE FROM absence WHERE worker_id = $1 AND absence_id = $2 RETURNING `+absenceColumns, worker, id)
	if errors.Is(err, sql.ErrNoRows) {
		return schedule.Absence{}, fault.Missing("absence")
	}
	if err != nil {
		return schedule.Absence{}, fmt.Errorf("remove absence: %w", err)
	}
	return row.absence(), nil
}
