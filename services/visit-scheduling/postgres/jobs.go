package postgres

import (
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

type jobRow struct {
	ID       string                       `db:"job_id"`
	Status   string                       `db:"status"`
	Request  column[schedule.JobRequest]  `db:"request"`
	Progress column[schedule.JobProgress] `db:"progress"`
	Failure  string                       `db:"failure_code"`
	StopAsk  bool                         `db:"stop_asked"`
	By       string                       `db:"asked_by"`
	AskedAt  time.Time                    `db:"asked_at"`
	EndedAt  *time.Time                   `db:"ended_at"`
	Version  int64                        `db:"version"`
}

func (r jobRow) job() schedule.Job {
	j := schedule.Job{
		ID: schedule.JobID(r.ID), Status: schedule.JobStatus(r.Status), Request: r.Request.V, Progress: r.Progress.V,
		Failure: r.Failure, StopAsk: r.StopAsk, By: r.By, AskedAt: r.AskedAt.UTC(), Version: r.Version,
	}
	if r.EndedAt != nil {
		j.EndedAt = r.EndedAt.UTC()
	}
	return j
}

const jobColumns = `job_id, status, request, progress, failure_code, stop_asked, asked_by, asked_at, ended_at, version`

// InsertJob stores a new job.
func (Store) InsertJob(ctx context.Context, tx *postgres.Tx, j schedule.Job) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO planning_job (job_id, status, request, progress, asked_by, asked_at, version) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		j.ID, j.Status, column[schedule.JobRequest]{j.Request}, column[schedule.JobProgress]{j.Progress}, j.By, j.AskedAt, j.Version)
	if err != nil {
		return fmt.Errorf("store job: %w", err)
	}
	return nil
}

// Job reads a job, locked when lock is set. NotFound when there is none.
func (Store) Job(ctx context.Context, tx *postgres.Tx, id schedule.JobID, lock bool) (schedule.Job, error) {
	query := `SELECT ` + jobColumns + ` FROM planning_job WHERE job_id = $1`
	if lock {
		query += ` FOR UPDATE`
	}
	var row jobRow
	if err := tx.GetContext(ctx, &row, query, id); errors.Is(err, sql.ErrNoRows) {
		return schedule.Job{}, fault.Missing("planning_job")
	} else if err != nil {
		return schedule.Job{}, fmt.Errorf("read job: %w", err)
	}
	return row.job(), nil
}

// Jobs reads a page of jobs, the newest first; of one status or of all.
func (Store) Jobs(ctx context.Context, tx *postgres.Tx, status schedule.JobStatus, before schedule.JobID, limit int) ([]schedule.Job, error) {
	var rows []jobRow
	err := tx.SelectContext(ctx, &rows, `SELECT `+jobColumns+` FROM planning_job
		WHERE ($1 = '' OR status = $1) AND ($2 = '' OR job_id < $2) ORDER BY job_id DESC LIMIT $3`, status, before, limit)
	if err != nil {
		return nil, fmt.Errorf("read jobs: %w", err)
	}
	jobs := make([]schedule.Job, len(rows))
	for i, r := range rows {
		jobs[i] = r.job()
	}
	return jobs, nil
}

// SaveJob stores what can change of a job. Its claim ends when it no longer waits
// for a planner.
func (Store) SaveJob(ctx context.Context, tx *postgres.Tx, j schedule.Job) error {
	var ended *time.Time
	if !j.EndedAt.IsZero() {
		ended = &j.EndedAt
	}
	_, err := tx.ExecContext(ctx, `
		UPDATE planning_job SET status = $2, progress = $3, failure_code = $4, stop_asked = $5, ended_at = $6, version = $7,
			claimed_by = CASE WHEN $2 = 'running' THEN claimed_by ELSE '' END, claimed_until = CASE WHEN $2 = 'running' THEN claimed_until END
		WHERE job_id = $1`,
		j.ID, j.Status, column[schedule.JobProgress]{j.Progress}, j.Failure, j.StopAsk, ended, j.Version)
	if err != nil {
		return fmt.Errorf("store job: %w", err)
	}
	return nil
}

// ClaimJob claims the oldest job that waits for a planner, or whose planner died,
// until a time; false when there is none.
func (Store) ClaimJob(ctx context.Context, tx *postgres.Tx, planner string, now, until time.Time) (schedule.Job, bool, error) {
	var row jobRow
	err := tx.GetContext(ctx, &row, `
		UPDATE planning_job SET claimed_by = $1, claimed_until = $3, status = 'running', version = version + 1
		WHERE job_id = (
			SELECT job_id FROM planning_job WHERE status IN ('queued', 'running') AND (claimed_until IS NULL OR claimed_until <= $2)
			ORDER BY asked_at, job_id LIMIT 1 FOR UPDATE SKIP LOCKED)
		RETURNING `+jobColumns, planner, now, until)
	if errors.Is(err, sql.ErrNoRows) {
		return schedule.Job{}, false, nil
	}
	if err != nil {
		return schedule.Job{}, false, fmt.Errorf("claim job: %w", err)
	}
	return row.job(), true, nil
}

// HoldJob holds a claim until a later time; false when another planner has it
// now, or nobody is to.
func (Store) HoldJob(ctx context.Context, tx *postgres.Tx, planner string, id schedule.JobID, until time.Time) (bool, error) {
	held, err := tx.ExecContext(ctx, `UPDATE planning_job SET claimed_until = $3 WHERE job_id = $1 AND claimed_by = $2 AND status = 'running'`, id, planner, until)
	if err != nil {
		return false, fmt.Errorf("hold job: %w", err)
	}
	n, err := held.RowsAffected()
	return n > 0, err
}

// LockClaimed locks and reads a job that planner has claimed; false when it has not.
func (Store) LockClaimed(ctx context.Context, tx *postgres.Tx, planner string, id schedule.JobID) (schedule.Job, bool, error) {
	var row jobRow
	err := tx.GetContext(ctx, &row, `SELECT `+jobColumns+` FROM planning_job WHERE job_id = $1 AND claimed_by = $2 AND status = 'running' FOR UPDATE`, id, planner)
	if errors.Is(err, sql.ErrNoRows) {
		return schedule.Job{}, false, nil
	}
	if err != nil {
		return schedule.Job{}, false, fmt.Errorf("read job: %w", err)
	}
	return row.job(), true, nil
}

// PutOffJob keeps a job whose planning failed until a later time.
func (Store) PutOffJob(ctx context.Context, tx *postgres.Tx, planner string, id schedule.JobID, until time.Time) error {
	_, err := tx.ExecContext(ctx, `UPDATE planning_job SET claimed_by = '', claimed_until = $3 WHERE job_id = $1 AND claimed_by = $2`, id, planner, until)
	if err != nil {
		return fmt.Errorf("put off job: %w", err)
	}
	return nil
}

// ForgetJobs drops jobs that ended before a time.
func (Store) ForgetJobs(ctx context.Context, tx *postgres.Tx, before time.Time) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM planning_job WHERE ended_at < $1`, before); err != nil {
		return fmt.Errorf("forget jobs: %w", err)
	}
	return nil
}

// KeepChanges makes the changes a job proposes for a week those given, and no
// others. What was published stays.
func (Store) KeepChanges(ctx context.Context, tx *postgres.Tx, id schedule.JobID, week schedule.Week, changes []schedule.ProposedChange) error {
	batch := &pgx.Batch{}
	batch.Queue(`DELETE FROM planning_change WHERE job_id = $1 AND week_of = $2::text::date AND NOT published`, string(id), week.String())
	for _, c := range changes {
		before, after, reasons, err := jsonOf(column[*schedule.Slot]{c.From}, column[*schedule.Slot]{c.To}, list(c.Reasons))
		if err != nil {
			return err
		}
		remedies, err := list(c.Remedies).Value()
		if err != nil {
			return err
		}
		batch.Queue(`
			INSERT INTO planning_change (job_id, visit_id, visit_version, case_id, week_of, kind, before, after, reasons, remedies)
			VALUES ($1, $2, $3, $4, $5::text::date, $6, $7, $8, $9, $10)
			ON CONFLICT (agency_id, job_id, visit_id) DO UPDATE SET visit_version = excluded.visit_version, kind = excluded.kind,
				before = excluded.before, after = excluded.after, reasons = excluded.reasons, remedies = excluded.remedies, published = false`,
			string(id), string(c.Visit), c.Version, string(c.Case), week.String(), string(c.Kind), before, after, reasons, remedies)
	}
	if err := tx.SendBatch(ctx, batch, nil); err != nil {
		return fmt.Errorf("store changes: %w", err)
	}
	return nil
}

// MarkPublished records that changes were published.
func (Store) MarkPublished(ctx context.Context, tx *postgres.Tx, id schedule.JobID, visits []schedule.VisitID) error {
	names := make([]string, len(visits))
	for i, v := range visits {
		names[i] = string(v)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE planning_change SET published = true WHERE job_id = $1 AND visit_id = ANY ($2)`, id, names); err != nil {
		return fmt.Errorf("mark changes published: %w", err)
	}
	return nil
}

// ChangePage is what a list of a job's changes asks for.
type ChangePage struct {
	Job schedule.JobID
	// Week, Case and Kind narrow the list; zero values do not.
	Week  schedule.Week
	Case  schedule.CaseID
	Kind  schedule.ChangeKind
	After schedule.VisitID
	Limit int // 0 is all
	// Seen is a condition on p (planning_change) that holds for what the asker may
	// know of; its placeholders are those of Args, from $1 on.
	Seen string
	Args []any
}

// Changes reads changes a job proposes, by visit.
func (Store) Changes(ctx context.Context, tx *postgres.Tx, p ChangePage) ([]schedule.ProposedChange, error) {
	q := conditions{args: p.Args}
	if p.Seen != "" {
		q.and(p.Seen)
	}
	q.and(`p.job_id = ?`, p.Job)
	if p.Week != (schedule.Week{}) {
		q.and(`p.week_of = ?`, p.Week.Monday)
	}
	if p.Case != "" {
		q.and(`p.case_id = ?`, p.Case)
	}
	if p.Kind != "" {
		q.and(`p.kind = ?`, p.Kind)
	}
	if p.After != "" {
		q.and(`p.visit_id > ?`, p.After)
	}
	order := ` ORDER BY p.visit_id`
	if p.Limit > 0 {
		order += q.numbered(` LIMIT ?`, p.Limit)
	}
	var rows []struct {
		Visit     string                    `db:"visit_id"`
		Version   int64                     `db:"visit_version"`
		Case      string                    `db:"case_id"`
		Series    string                    `db:"series_id"`
		WeekOf    clock.Date                `db:"week_of"`
		Kind      string                    `db:"kind"`
		Before    column[*schedule.Slot]    `db:"before"`
		After     column[*schedule.Slot]    `db:"after"`
		Reasons   column[[]schedule.Reason] `db:"reasons"`
		Remedies  column[[]schedule.Remedy] `db:"remedies"`
		Published bool                      `db:"published"`
	}
	err := tx.SelectContext(ctx, &rows, `SELECT p.visit_id, p.visit_version, p.case_id, coalesce(v.series_id, '') AS series_id, p.week_of, p.kind, p.before, p.after, p.reasons, p.remedies, p.published
		FROM planning_change p LEFT JOIN visit v USING (agency_id, visit_id) WHERE `+q.where+order, q.args...)
	if err != nil {
		return nil, fmt.Errorf("read changes: %w", err)
	}
	changes := make([]schedule.ProposedChange, len(rows))
	for i, r := range rows {
		changes[i] = schedule.ProposedChange{
			Change: schedule.Change{
				Visit: schedule.VisitID(r.Visit), Series: schedule.SeriesID(r.Series), Kind: schedule.ChangeKind(r.Kind),
				From: r.Before.V, To: r.After.V, Reasons: r.Reasons.V, Remedies: r.Remedies.V,
			},
			Case: schedule.CaseID(r.Case), Week: schedule.Week{Monday: r.WeekOf}, Version: r.Version, Published: r.Published,
		}
	}
	return changes, nil
}

// FamilyEffect is what a proposal does to one family.
type FamilyEffect struct {
	Case     string `db:"case_id"`
	Moved    int    `db:"moved"`
	Placed   int    `db:"placed"`
	Unplaced int    `db:"unplaced"`
	// OtherWorkers is how many of the moved visits come with other workers.
	OtherWorkers int `db:"other_workers"`
	// OtherDays is how many of the moved visits come on another day, in zone.
	OtherDays int `db:"other_days"`
}

// FamilyEffects reads what a job's proposal does to each family, by case.
func (Store) FamilyEffects(ctx context.Context, tx *postgres.Tx, p ChangePage, zone string) ([]FamilyEffect, error) {
	q := conditions{args: p.Args}
	q.and(p.Seen)
	q.and(`p.job_id = ?`, p.Job)
	if p.Case != "" {
		q.and(`p.case_id > ?`, p.Case)
	}
	columns := q.numbered(`count(*) FILTER (WHERE p.kind = 'moved'
			AND ((p.before->>'starts_at')::timestamptz AT TIME ZONE ?)::date <> ((p.after->>'starts_at')::timestamptz AT TIME ZONE ?)::date)::int AS other_days`, zone, zone)
	order := q.numbered(` GROUP BY p.case_id ORDER BY p.case_id LIMIT ?`, p.Limit)
	var rows []FamilyEffect
	err := tx.SelectContext(ctx, &rows, `SELECT p.case_id,
			count(*) FILTER (WHERE p.kind = 'moved')::int AS moved, count(*) FILTER (WHERE p.kind = 'new')::int AS placed,
			count(*) FILTER (WHERE p.kind = 'unplaced')::int AS unplaced,
			count(*) FILTER (WHERE p.kind = 'moved'
				AND NOT ((p.before->'workers') @> (p.after->'workers') AND (p.after->'workers') @> (p.before->'workers')))::int AS other_workers, `+columns+`
		FROM planning_change p WHERE `+q.where+order, q.args...)
	if err != nil {
		return nil, fmt.Errorf("read effects on families: %w", err)
	}
	return rows, nil
}
