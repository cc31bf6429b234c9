package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// Case is what is known of a case here.
type Case struct {
	ID        schedule.CaseID `db:"case_id"`
	Household string          `db:"household_id"`
	Trace     string          `db:"traceparent"`
	ClosedAt  *time.Time      `db:"closed_at"`
}

// OpenCase stores what is learnt of a case; what is known already stays. It
// returns the case, locked.
func (Store) OpenCase(ctx context.Context, tx *postgres.Tx, c Case) (Case, error) {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO family_case (case_id, household_id, traceparent) VALUES ($1, $2, $3)
		ON CONFLICT (agency_id, case_id) DO UPDATE SET
			household_id = CASE WHEN family_case.household_id = '' THEN excluded.household_id ELSE family_case.household_id END,
			traceparent = CASE WHEN family_case.traceparent = '' THEN excluded.traceparent ELSE family_case.traceparent END`,
		c.ID, c.Household, c.Trace)
	if err != nil {
		return Case{}, fmt.Errorf("store case: %w", err)
	}
	if err := tx.GetContext(ctx, &c, `SELECT case_id, household_id, traceparent, closed_at FROM family_case WHERE case_id = $1 FOR UPDATE`, c.ID); err != nil {
		return Case{}, fmt.Errorf("read case: %w", err)
	}
	return c, nil
}

// TraceFrom makes trace the case's story: the case's opening knows it better than
// whatever else was heard first.
func (Store) TraceFrom(ctx context.Context, tx *postgres.Tx, id schedule.CaseID, trace string) error {
	if _, err := tx.ExecContext(ctx, `UPDATE family_case SET traceparent = $2 WHERE case_id = $1 AND $2 <> ''`, id, trace); err != nil {
		return fmt.Errorf("store trace of case: %w", err)
	}
	return nil
}

// SetProgram keeps the program a case's newest plan is of.
func (Store) SetProgram(ctx context.Context, tx *postgres.Tx, id schedule.CaseID, program string) error {
	if _, err := tx.ExecContext(ctx, `UPDATE family_case SET program = $2 WHERE case_id = $1`, id, program); err != nil {
		return fmt.Errorf("store program of case: %w", err)
	}
	return nil
}

// ProgramsOf reads the programs of cases; "" is not known.
func (Store) ProgramsOf(ctx context.Context, tx *postgres.Tx, cases []schedule.CaseID) (map[schedule.CaseID]string, error) {
	ids := make([]string, len(cases))
	for i, c := range cases {
		ids[i] = string(c)
	}
	var rows []struct {
		ID      schedule.CaseID `db:"case_id"`
		Program string          `db:"program"`
	}
	if err := tx.SelectContext(ctx, &rows, `SELECT case_id, program FROM family_case WHERE case_id = ANY ($1)`, ids); err != nil {
		return nil, fmt.Errorf("read programs: %w", err)
	}
	all := map[schedule.CaseID]string{}
	for _, r := range rows {
		all[r.ID] = r.Program
	}
	return all, nil
}

// CloseCase marks a case closed.
func (Store) CloseCase(ctx context.Context, tx *postgres.Tx, id schedule.CaseID, at time.Time) error {
	if _, err := tx.ExecContext(ctx, `UPDATE family_case SET closed_at = $2 WHERE case_id = $1`, id, at); err != nil {
		return fmt.Errorf("close case: %w", err)
	}
	return nil
}

type seriesRow struct {
	ID          string                      `db:"series_id"`
	Kind        string                      `db:"kind"`
	Case        string                      `db:"case_id"`
	Household   string                      `db:"household_id"`
	Trace       string                      `db:"traceparent"`
	PlanID      string                      `db:"plan_id"`
	PlanVersion int64                       `db:"plan_version"`
	StartsOn    clock.Date                  `db:"starts_on"`
	EndsOn      clock.Date                  `db:"ends_on"`
	Pattern     column[schedule.Pattern]    `db:"pattern"`
	Workers     column[[]schedule.WorkerID] `db:"workers"`
	Recipients  column[[]string]            `db:"recipients"`
	Status      string                      `db:"status"`
	EndReason   string                      `db:"end_reason"`
	Planned     int                         `db:"planned"`
	Exceptions  column[[]exceptionRow]      `db:"exceptions"`
	Version     int64                       `db:"version"`
}

func (r seriesRow) series() schedule.Series {
	series := schedule.Series{
		ID: schedule.SeriesID(r.ID), Kind: schedule.SeriesKind(r.Kind), Case: schedule.CaseID(r.Case), Household: r.Household, Trace: r.Trace,
		PlanID: schedule.PlanID(r.PlanID), PlanVersion: r.PlanVersion, StartsOn: r.StartsOn, EndsOn: r.EndsOn,
		Pattern: r.Pattern.V, Workers: r.Workers.V, Recipients: r.Recipients.V,
		Status: schedule.SeriesStatus(r.Status), EndReason: r.EndReason, Planned: r.Planned, Version: r.Version,
	}
	for _, e := range r.Exceptions.V {
		series.Exceptions = append(series.Exceptions, e.exception())
	}
	return series
}

const seriesColumns = `s.series_id, s.kind, s.case_id, c.household_id, c.traceparent, s.plan_id, s.plan_version, s.starts_on, s.ends_on,
	s.pattern, s.workers, s.recipients, s.status, s.end_reason, s.planned, s.version, ` + exceptionsOfSeries + ` AS exceptions`

const fromSeries = ` FROM series s JOIN family_case c USING (agency_id, case_id) `

func oneSeries(ctx context.Context, tx *postgres.Tx, where string, args ...any) (schedule.Series, error) {
	var row seriesRow
	err := tx.GetContext(ctx, &row, `SELECT `+seriesColumns+fromSeries+where, args...)
	if errors.Is(err, sql.ErrNoRows) {
		return schedule.Series{}, fault.Missing("series")
	}
	if err != nil {
		return schedule.Series{}, fmt.Errorf("read series: %w", err)
	}
	return row.series(), nil
}

// Series reads a series, locked when lock is set. NotFound when there is none.
func (Store) Series(ctx context.Context, tx *postgres.Tx, id schedule.SeriesID, lock bool) (schedule.Series, error) {
	where := `WHERE s.series_id = $1`
	if lock {
		where += ` FOR UPDATE OF s`
	}
	return oneSeries(ctx, tx, where, id)
}

// ActiveSeries locks and reads the active series of one kind of a case; NotFound
// when it has none.
func (Store) ActiveSeries(ctx context.Context, tx *postgres.Tx, id schedule.CaseID, kind schedule.SeriesKind) (schedule.Series, error) {
	return oneSeries(ctx, tx, `WHERE s.case_id = $1 AND s.status = 'active' AND s.kind = $2 FOR UPDATE OF s`, id, kind)
}

// LatestVersion is the newest version of a plan that became a series; 0 is none.
func (Store) LatestVersion(ctx context.Context, tx *postgres.Tx, plan schedule.PlanID) (int64, error) {
	var version int64
	if err := tx.GetContext(ctx, &version, `SELECT coalesce(max(plan_version), 0) FROM series WHERE plan_id = $1`, plan); err != nil {
		return 0, fmt.Errorf("read plan version: %w", err)
	}
	return version, nil
}

// InsertSeries stores a new series. The case must be known.
func (Store) InsertSeries(ctx context.Context, tx *postgres.Tx, s schedule.Series) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO series (series_id, kind, case_id, plan_id, plan_version, starts_on, ends_on, pattern, workers, recipients, status, end_reason, planned, version)
		VALUES ($1, $14, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		s.ID, s.Case, s.PlanID, s.PlanVersion, s.StartsOn, s.EndsOn, column[schedule.Pattern]{s.Pattern},
		list(s.Workers), list(s.Recipients), s.Status, s.EndReason, s.Planned, s.Version, s.Kind)
	if err != nil {
		return fmt.Errorf("store series: %w", err)
	}
	return keepFamilyWorkers(ctx, tx, s)
}

// SaveSeries stores what can change of a series.
func (Store) SaveSeries(ctx context.Context, tx *postgres.Tx, s schedule.Series) error {
	if _, err := tx.ExecContext(ctx, takeOver, s.ID); err != nil {
		return fmt.Errorf("take over workers of a family: %w", err)
	}
	_, err := tx.ExecContext(ctx, `UPDATE series SET workers = $2, status = $3, end_reason = $4, planned = $5, version = $6, ends_on = $7 WHERE series_id = $1`,
		s.ID, list(s.Workers), s.Status, s.EndReason, s.Planned, s.Version, s.EndsOn)
	if err != nil {
		return fmt.Errorf("store series: %w", err)
	}
	return keepFamilyWorkers(ctx, tx, s)
}

// HouseholdsOf reads where the visits of cases take place.
func (Store) HouseholdsOf(ctx context.Context, tx *postgres.Tx, cases []schedule.CaseID) (map[schedule.CaseID]string, error) {
	ids := make([]string, len(cases))
	for i, c := range cases {
		ids[i] = string(c)
	}
	var rows []Case
	if err := tx.SelectContext(ctx, &rows, `SELECT case_id, household_id, traceparent, closed_at FROM family_case WHERE case_id = ANY ($1)`, ids); err != nil {
		return nil, fmt.Errorf("read households: %w", err)
	}
	all := map[schedule.CaseID]string{}
	for _, r := range rows {
		all[r.ID] = r.Household
	}
	return all, nil
}

// SeriesPage is what a list of series asks for. Newest plan first within a case.
type SeriesPage struct {
	Case  schedule.CaseID // empty: any
	After schedule.SeriesID
	Limit int
	// Seen is a condition on s (series) that holds for what the asker may know of;
	// its placeholders are those of Args, from $1 on.
	Seen string
	Args []any
}

// SeriesList reads a page of series.
func (Store) SeriesList(ctx context.Context, tx *postgres.Tx, p SeriesPage) ([]schedule.Series, error) {
	q := conditions{args: p.Args}
	q.and(p.Seen)
	if p.Case != "" {
		q.and(`s.case_id = ?`, p.Case)
	}
	if p.After != "" {
		q.and(`s.series_id > ?`, p.After)
	}
	var rows []seriesRow
	query := `SELECT ` + seriesColumns + fromSeries + `WHERE ` + q.where + q.numbered(` ORDER BY s.series_id LIMIT ?`, p.Limit)
	if err := tx.SelectContext(ctx, &rows, query, q.args...); err != nil {
		return nil, fmt.Errorf("read series: %w", err)
	}
	all := make([]schedule.Series, len(rows))
	for i, r := range rows {
		all[i] = r.series()
	}
	return all, nil
}

// Ledgers counts the visits of each series by how they stand.
func (Store) Ledgers(ctx context.Context, tx *postgres.Tx, all []schedule.Series) (map[schedule.SeriesID]schedule.Ledger, error) {
	ids, ledgers := make([]string, len(all)), map[schedule.SeriesID]schedule.Ledger{}
	for i, s := range all {
		ids[i] = string(s.ID)
		ledgers[s.ID] = schedule.Ledger{Planned: s.Planned}
	}
	var counts []struct {
		Series string `db:"series_id"`
		Status string `db:"status"`
		N      int    `db:"n"`
	}
	err := tx.SelectContext(ctx, &counts, `SELECT series_id, status, count(*) AS n FROM visit WHERE series_id = ANY ($1) GROUP BY series_id, status`, ids)
	if err != nil {
		return nil, fmt.Errorf("count visits: %w", err)
	}
	for _, c := range counts {
		ledger := ledgers[schedule.SeriesID(c.Series)]
		ledger.Count(schedule.Status(c.Status), c.N)
		ledgers[schedule.SeriesID(c.Series)] = ledger
	}
	return ledgers, nil
}
