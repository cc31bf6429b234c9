package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/resource-directory/directory"
)

// CaseFile is what this service knows of a case.
type CaseFile struct {
	CaseID string `db:"case_id"`
	Closed bool   `db:"closed"`
	Trace  string `db:"trace"` // traceparent of the family's story
}

// OpenCase learns of a case. A case known already keeps its trace; topics have
// no order between them, so one may be known as closed before it is known as opened.
func OpenCase(ctx context.Context, tx *postgres.Tx, caseID, trace string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO case_file (case_id, trace) VALUES ($1, $2) ON CONFLICT (agency_id, case_id)
DO UPDATE SET trace = excluded.trace WHERE case_file.trace = ''`, caseID, trace)
	if err != nil {
		return fmt.Errorf("store case: %w", err)
	}
	return nil
}

// CloseCase marks a case closed: it takes no more resource referrals.
func CloseCase(ctx context.Context, tx *postgres.Tx, caseID string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO case_file (case_id, closed) VALUES ($1, true) ON CONFLICT (agency_id, case_id) DO UPDATE SET closed = true`, caseID)
	if err != nil {
		return fmt.Errorf("close case: %w", err)
	}
	return nil
}

// Case reads what is known of a case. It fails with NotFound.
func Case(ctx context.Context, tx *postgres.Tx, caseID string) (CaseFile, error) {
	var c CaseFile
	err := tx.GetContext(ctx, &c, `SELECT case_id, closed, trace FROM case_file WHERE case_id = $1`, caseID)
	if errors.Is(err, sql.ErrNoRows) {
		return c, fault.Missing("case")
	}
	if err != nil {
		return c, fmt.Errorf("read case: %w", err)
	}
	return c, nil
}

// Service reads what a referral needs of a service. It fails with NotFound.
func Service(ctx context.Context, tx *postgres.Tx, serviceID string) (directory.Service, error) {
	var row struct {
		ID     string `db:"service_id"`
		Name   string `db:"name"`
		Status string `db:"status"`
	}
	err := tx.GetContext(ctx, &row, `SELECT service_id, name, status FROM service WHERE service_id = $1`, serviceID)
	if errors.Is(err, sql.ErrNoRows) {
		return directory.Service{}, fault.Missing("service")
	}
	if err != nil {
		return directory.Service{}, fmt.Errorf("read service: %w", err)
	}
	return directory.Service{ID: row.ID, Name: row.Name, Status: row.Status}, nil
}

const referralColumns = `resource_referral_id, case_id, service_id, service_name, need, state, reason_code, outcome_code,
       requested_by, requested_at, answered_at, ended_at, version`

type referralRow struct {
	ID          string       `db:"resource_referral_id"`
	CaseID      string       `db:"case_id"`
	ServiceID   string       `db:"service_id"`
	ServiceName string       `db:"service_name"`
	Need        string       `db:"need"`
	State       string       `db:"state"`
	ReasonCode  string       `db:"reason_code"`
	OutcomeCode string       `db:"outcome_code"`
	RequestedBy string       `db:"requested_by"`
	RequestedAt time.Time    `db:"requested_at"`
	AnsweredAt  sql.NullTime `db:"answered_at"`
	EndedAt     sql.NullTime `db:"ended_at"`
	Version     int64        `db:"version"`
}

func (r referralRow) referral() directory.Referral {
	return directory.Referral{
		ID: directory.ReferralID(r.ID), CaseID: directory.CaseID(r.CaseID),
		ServiceID: r.ServiceID, ServiceName: r.ServiceName, Need: r.Need, State: directory.State(r.State),
		ReasonCode: r.ReasonCode, OutcomeCode: r.OutcomeCode, RequestedBy: r.RequestedBy, RequestedAt: r.RequestedAt.UTC(),
		AnsweredAt: r.AnsweredAt.Time.UTC(), EndedAt: r.EndedAt.Time.UTC(), Version: r.Version,
	}
}

// InsertReferral stores a new referral. It fails with Conflict when the case has
// an open one for the same need at the same service.
func InsertReferral(ctx context.Context, tx *postgres.Tx, r directory.Referral) error {
	_, err := tx.ExecContext(ctx, `
INSERT INTO resource_referral (resource_referral_id, case_id, service_id, service_name, need, state, requested_by, requested_at, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		r.ID, r.CaseID, r.ServiceID, r.ServiceName, r.Need, r.State, r.RequestedBy, r.RequestedAt, r.Version)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.ConstraintName == "resource_referral_open" {
		return fault.New(fault.Conflict, "already_referred", "This case has an open referral for this need at this service; follow that one.").Because(err)
	}
	if err != nil {
		return fmt.Errorf("store resource referral: %w", err)
	}
	return nil
}

// Referral reads a referral. It fails with NotFound.
func Referral(ctx context.Context, tx *postgres.Tx, id directory.ReferralID) (directory.Referral, error) {
	return oneReferral(ctx, tx, id, "")
}

// LockReferral reads a referral to change it in this transaction. It fails with NotFound.
func LockReferral(ctx context.Context, tx *postgres.Tx, id directory.ReferralID) (directory.Referral, error) {
	return oneReferral(ctx, tx, id, " FOR UPDATE")
}

func oneReferral(ctx context.Context, tx *postgres.Tx, id directory.ReferralID, lock string) (directory.Referral, error) {
	var row referralRow
	err := tx.GetContext(ctx, &row, `SELECT `+referralColumns+` FROM resource_referral WHERE resource_referral_id = $1`+lock, id)
	if errors.Is(err, sql.ErrNoRows) {
		return directory.Referral{}, fault.Missing("resource_referral")
	}
	if err != nil {
		return directory.Referral{}, fmt.Errorf("read resource referral: %w", err)
	}
	return row.referral(), nil
}

// UpdateReferral stores the next version of a locked referral. It fails with
// Internal when the stored version is not the one before.
func UpdateReferral(ctx context.Context, tx *postgres.Tx, r directory.Referral) error {
	res, err := tx.ExecContext(ctx, `
UPDATE resource_referral SET state = $2, reason_code = $3, outcome_code = $4, answered_at = $5, ended_at = $6, version = $7
 WHERE resource_referral_id = $1 AND version = $7 - 1`,
		r.ID, r.State, r.ReasonCode, r.OutcomeCode, postgres.NullTime(r.AnsweredAt), postgres.NullTime(r.EndedAt), r.Version)
	if err != nil {
		return fmt.Errorf("store resource referral: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("store resource referral: %w", err)
	}
	if n != 1 {
		return fault.New(fault.Internal, "version_lost", "The resource referral changed while it was locked.")
	}
	return nil
}

// ReferralFilter narrows a list. Access is a condition on case_id with its
// arguments numbered from $1, as pkg/policy makes it; "" is no limit.
type ReferralFilter struct {
	CaseID, ServiceID, State string
	Access                   string
	AccessArgs               []any
	After                    directory.ReferralID // the last of the page before
	Limit                    int
}

// Referrals lists referrals, newest first (ids are UUIDv7: their order is that of their making).
func Referrals(ctx context.Context, tx *postgres.Tx, f ReferralFilter) ([]directory.Referral, error) {
	q := postgres.Conditions{Args: f.AccessArgs}
	if f.Access != "" {
		q.Where = append(q.Where, "("+f.Access+")")
	}
	q.Equal("case_id", f.CaseID)
	q.Equal("service_id", f.ServiceID)
	q.Equal("state", f.State)
	if f.After != "" {
		q.Where = append(q.Where, "resource_referral_id < "+q.Arg(f.After))
	}
	var rows []referralRow
	err := tx.SelectContext(ctx, &rows, `SELECT `+referralColumns+` FROM resource_referral`+q.SQL()+
		` ORDER BY resource_referral_id DESC LIMIT `+strconv.Itoa(f.Limit), q.Args...)
	if err != nil {
		return nil, fmt.Errorf("list resource referrals: %w", err)
	}
	out := make([]directory.Referral, len(rows))
	for i, r := range rows {
		out[i] = r.referral()
	}
	return out, nil
}
