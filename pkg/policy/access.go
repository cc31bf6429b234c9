package policy

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/postgres"
)

const (
	readAccess = `SELECT worker_id, role <> '' AS assigned, excluded FROM case_access WHERE case_id = $1`

	assign = `
INSERT INTO case_access (case_id, worker_id, role) VALUES ($1, $2, $3)
ON CONFLICT (agency_id, case_id, worker_id) DO UPDATE SET role = excluded.role`

	unassign = `UPDATE case_access SET role = '' WHERE case_id = $1 AND worker_id = $2`

	exclude = `
INSERT INTO case_access (case_id, worker_id, excluded) VALUES ($1, $2, true)
ON CONFLICT (agency_id, case_id, worker_id) DO UPDATE SET excluded = true`

	insertAudit = `
INSERT INTO audit (audit_id, at, actor, action, resource_type, resource_id, case_id, decision, reason)
VALUES ($1, $2, $3, $4, $5, $6, nullif($7, ''), $8, nullif($9, ''))`
)

// caseAccess reads who works on a case, and who may not know of it.
func caseAccess(ctx context.Context, tx *postgres.Tx, caseID string) (assigned, excluded []string, err error) {
	var rows []struct {
		WorkerID string `db:"worker_id"`
		Assigned bool   `db:"assigned"`
		Excluded bool   `db:"excluded"`
	}
	if err := tx.SelectContext(ctx, &rows, readAccess, caseID); err != nil {
		return nil, nil, fmt.Errorf("read case access: %w", err)
	}
	for _, row := range rows {
		if row.Assigned {
			assigned = append(assigned, row.WorkerID)
		}
		if row.Excluded {
			excluded = append(excluded, row.WorkerID)
		}
	}
	return assigned, excluded, nil
}

// AssignWorker lets a worker work on a case. role is lead or co_worker. Planning,
// which owns assignments, calls it in the transaction that makes one; in every
// other service the handlers of CaseAccessHandlers do.
func AssignWorker(ctx context.Context, tx *postgres.Tx, caseID, workerID, role string) error {
	if _, err := tx.ExecContext(ctx, assign, caseID, workerID, role); err != nil {
		return fmt.Errorf("give access to case: %w", err)
	}
	return nil
}

// UnassignWorker takes it away. An exclusion stays.
func UnassignWorker(ctx context.Context, tx *postgres.Tx, caseID, workerID string) error {
	if _, err := tx.ExecContext(ctx, unassign, caseID, workerID); err != nil {
		return fmt.Errorf("take away access to case: %w", err)
	}
	return nil
}

// ExcludeWorker keeps a worker from knowing of a case.
func ExcludeWorker(ctx context.Context, tx *postgres.Tx, caseID, workerID string) error {
	if _, err := tx.ExecContext(ctx, exclude, caseID, workerID); err != nil {
		return fmt.Errorf("exclude from case: %w", err)
	}
	return nil
}

// audit writes that the principal of ctx saw r.
func (e *Engine) audit(ctx context.Context, tx *postgres.Tx, action string, r Resource, decision, reason string) error {
	p, _ := auth.From(ctx)
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	_, err = tx.ExecContext(ctx, insertAudit, id.String(), e.clock.Now(), p.Actor(), action, r.Type, r.ID, r.CaseID, decision, reason)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}
