package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/notification/message"
)

// CaseFile is what this service knows of a case; the zero value of one it has not heard of.
type CaseFile struct {
	CaseID       string `db:"case_id"`
	Trace        string `db:"trace"`
	SupervisorID string `db:"supervisor_id"`
	Closed       bool   `db:"closed"`
}

// OpenCase learns of a case. A case known already keeps what is known.
func OpenCase(ctx context.Context, tx *postgres.Tx, caseID, trace string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO case_file (case_id, trace) VALUES ($1, $2)
ON CONFLICT (agency_id, case_id) DO UPDATE SET trace = excluded.trace WHERE case_file.trace = ''`, caseID, trace)
	if err != nil {
		return fmt.Errorf("store case: %w", err)
	}
	return nil
}

// SetSupervisor notes who supervises a case.
func SetSupervisor(ctx context.Context, tx *postgres.Tx, caseID, supervisorID string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO case_file (case_id, supervisor_id) VALUES ($1, $2)
ON CONFLICT (agency_id, case_id) DO UPDATE SET supervisor_id = excluded.supervisor_id`, caseID, supervisorID)
	if err != nil {
		return fmt.Errorf("store supervisor of case: %w", err)
	}
	return nil
}

// CloseCase marks a case closed.
func CloseCase(ctx context.Context, tx *postgres.Tx, caseID string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO case_file (case_id, closed) VALUES ($1, true)
ON CONFLICT (agency_id, case_id) DO UPDATE SET closed = true`, caseID)
	if err != nil {
		return fmt.Errorf("close case: %w", err)
	}
	return nil
}

// Case reads what is known of a case; one never heard of is not an error.
func Case(ctx context.Context, tx *postgres.Tx, caseID string) (CaseFile, error) {
	c := CaseFile{CaseID: caseID}
	err := tx.GetContext(ctx, &c, `SELECT case_id, trace, supervisor_id, closed FROM case_file WHERE case_id = $1`, caseID)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return c, fmt.Errorf("read case: %w", err)
	}
	return c, nil
}

// AssignedWorkers lists who works on a case, from the kit's table of access.
func AssignedWorkers(ctx context.Context, tx *postgres.Tx, caseID string) ([]string, error) {
	var ids []string
	err := tx.SelectContext(ctx, &ids, `SELECT worker_id FROM case_access WHERE case_id = $1 AND NOT excluded AND role IN ('lead', 'co_worker') ORDER BY role DESC, worker_id`, caseID)
	if err != nil {
		return nil, fmt.Errorf("read workers of case: %w", err)
	}
	return ids, nil
}

// Excluded tells whether a worker may not know of a case.
func Excluded(ctx context.Context, tx *postgres.Tx, caseID, workerID string) (bool, error) {
	var excluded bool
	err := tx.GetContext(ctx, &excluded, `SELECT EXISTS (SELECT FROM case_access WHERE case_id = $1 AND worker_id = $2 AND excluded)`, caseID, workerID)
	if err != nil {
		return false, fmt.Errorf("read exclusions of case: %w", err)
	}
	return excluded, nil
}

// OpenReferral keeps the trace a referral's story began with.
func OpenReferral(ctx context.Context, tx *postgres.Tx, referralID, trace string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO referral_file (referral_id, trace) VALUES ($1, $2) ON CONFLICT DO NOTHING`, referralID, trace)
	if err != nil {
		return fmt.Errorf("store referral: %w", err)
	}
	return nil
}

// ReferralTrace is the trace a referral's story began with, "" when none is known.
func ReferralTrace(ctx context.Context, tx *postgres.Tx, referralID string) (string, error) {
	var trace string
	err := tx.GetContext(ctx, &trace, `SELECT trace FROM referral_file WHERE referral_id = $1`, referralID)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read referral: %w", err)
	}
	return trace, nil
}

// WorkerContact reads how a worker is reached. It fails with NotFound.
func WorkerContact(ctx context.Context, tx *postgres.Tx, workerID string) (message.Contact, error) {
	return contact(ctx, tx, workerID, "")
}

// LockWorkerContact reads a contact to change it in this transaction. It fails with NotFound.
func LockWorkerContact(ctx context.Context, tx *postgres.Tx, workerID string) (message.Contact, error) {
	return contact(ctx, tx, workerID, " FOR UPDATE")
}

func contact(ctx context.Context, tx *postgres.Tx, workerID, lock string) (message.Contact, error) {
	var row struct {
		WorkerID string `db:"worker_id"`
		Email    string `db:"email"`
		Phone    string `db:"phone"`
		Language string `db:"language"`
		Prefers  string `db:"prefers"`
		Version  int64  `db:"version"`
	}
	err := tx.GetContext(ctx, &row, `SELECT worker_id, email, phone, language, prefers, version FROM worker_contact WHERE worker_id = $1`+lock, workerID)
	if errors.Is(err, sql.ErrNoRows) {
		return message.Contact{}, fault.Missing("contact")
	}
	if err != nil {
		return message.Contact{}, fmt.Errorf("read contact of worker: %w", err)
	}
	return message.Contact(row), nil
}

// PutWorkerContact stores a version of a contact: the first, or the next of a
// locked one. It fails with Conflict when somebody else stored it first.
func PutWorkerContact(ctx context.Context, tx *postgres.Tx, c message.Contact) error {
	res, err := tx.ExecContext(ctx, `
INSERT INTO worker_contact (worker_id, email, phone, language, prefers, version) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (agency_id, worker_id) DO UPDATE SET email = excluded.email, phone = excluded.phone, language = excluded.language,
       prefers = excluded.prefers, version = excluded.version WHERE worker_contact.version = excluded.version - 1`,
		c.WorkerID, c.Email, c.Phone, c.Language, c.Prefers, c.Version)
	if err != nil {
		return fmt.Errorf("store contact of worker: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("store contact of worker: %w", err)
	}
	if n != 1 {
		return fault.New(fault.Conflict, "contact_exists", "Somebody registered this worker's contact just now; read it and change that.")
	}
	return nil
}
