package policy

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
)

const (
	readAccess = `
SELECT worker_id, role <> '' AS assigned, excluded, '' AS unit, false AS placed FROM case_access WHERE case_id = ANY($1)
UNION ALL
SELECT '', false, false, coalesce(unit, ''), true FROM unnest($1::text[]) AS asked (case_id) LEFT JOIN case_unit USING (case_id)`

	placeCase = `
INSERT INTO case_unit (case_id, unit) VALUES ($1, $2)
ON CONFLICT (agency_id, case_id) DO UPDATE SET unit = excluded.unit`

	readUnit = `SELECT coalesce((SELECT unit FROM case_unit WHERE case_id = $1), '')`

	assign = `
INSERT INTO case_access (case_id, worker_id, role) VALUES ($1, $2, $3)
ON CONFLICT (agency_id, case_id, worker_id) DO UPDATE SET role = excluded.role`

	unassign = `UPDATE case_access SET role = '' WHERE case_id = $1 AND worker_id = $2`

	exclude = `
INSERT INTO case_access (case_id, worker_id, excluded) VALUES ($1, $2, true)
ON CONFLICT (agency_id, case_id, worker_id) DO UPDATE SET excluded = true`

	liftExclusion = `UPDATE case_access SET excluded = false WHERE case_id = $1 AND worker_id = $2`

	insertAudit = `
INSERT INTO audit (audit_id, at, actor, action, resource_type, resource_id, case_id, decision, reason)
VALUES ($1, $2, $3, $4, $5, $6, nullif($7, ''), $8, nullif($9, ''))`
)

// standing is how people and units stand to some cases.
type standing struct {
	assigned, excluded []string // workers
	units              []string // of each case; "" of one that no unit has
}

// caseAccess reads who works on cases, who may not know of them, and which units
// have them.
func caseAccess(ctx context.Context, tx *postgres.Tx, cases []string) (s standing, err error) {
	var rows []struct {
		WorkerID string `db:"worker_id"`
		Assigned bool   `db:"assigned"`
		Excluded bool   `db:"excluded"`
		Unit     string `db:"unit"`
		Placed   bool   `db:"placed"`
	}
	if err := tx.SelectContext(ctx, &rows, readAccess, cases); err != nil {
		return s, fmt.Errorf("read case access: %w", err)
	}
	for _, row := range rows {
		if row.Assigned {
			s.assigned = append(s.assigned, row.WorkerID)
		}
		if row.Excluded {
			s.excluded = append(s.excluded, row.WorkerID)
		}
		if row.Placed {
			s.units = append(s.units, row.Unit)
		}
	}
	return s, nil
}

// PlaceCase gives a case to an organisational unit, in place of the one that had
// it. Planning calls it as it does AssignWorker. It fails with Unprocessable
// (unit_invalid) for what is no path of a unit.
func PlaceCase(ctx context.Context, tx *postgres.Tx, caseID, unit string) error {
	if !auth.ValidUnit(unit) {
		return fault.New(fault.Unprocessable, "unit_invalid", "A unit is a path of lower-case names, such as north/team-2.",
			fault.Field{Pointer: "/unit", Code: "pattern", Detail: "write the unit as office/team"})
	}
	if _, err := tx.ExecContext(ctx, placeCase, caseID, unit); err != nil {
		return fmt.Errorf("give case to unit: %w", err)
	}
	return nil
}

// UnitOf is the unit that has a case; "" while none has.
func UnitOf(ctx context.Context, tx *postgres.Tx, caseID string) (unit string, err error) {
	if err := tx.GetContext(ctx, &unit, readUnit, caseID); err != nil {
		return "", fmt.Errorf("read unit of case: %w", err)
	}
	return unit, nil
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

// LiftExclusion lets a worker know of a case again who was kept from it, as far as
// their work asks for it. It gives back no assignment.
func LiftExclusion(ctx context.Context, tx *postgres.Tx, caseID, workerID string) error {
	if _, err := tx.ExecContext(ctx, liftExclusion, caseID, workerID); err != nil {
		return fmt.Errorf("lift exclusion from case: %w", err)
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
