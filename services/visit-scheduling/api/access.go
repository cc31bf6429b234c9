package api

import (
	"context"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/policy"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// Access puts what is asked to the policies.
type Access struct{ Engine *policy.Engine }

// visitResource is a visit as the policies see it: its own workers may know of
// it, whoever is assigned to the case.
func visitResource(v schedule.Visit) policy.Resource {
	r := policy.Resource{Type: "visit", ID: string(v.ID), CaseID: string(v.Case)}
	if v.Slot != nil {
		r.AssignedWorkers = each(v.Slot.Workers, text[schedule.WorkerID, string])
	}
	return r
}

// readVisit lets the asker see a visit, and keeps that they did.
func (a Access) readVisit(ctx context.Context, tx *kit.Tx, v schedule.Visit) error {
	return a.Engine.CheckRead(ctx, tx, policy.Read, visitResource(v))
}

// scheduleVisit lets the asker move or cancel a visit.
func (a Access) scheduleVisit(ctx context.Context, tx *kit.Tx, v schedule.Visit) error {
	return a.Engine.Check(ctx, tx, policy.Schedule, visitResource(v))
}

// scheduleCase lets the asker make a visit for a case, or look for one's place.
func (a Access) scheduleCase(ctx context.Context, tx *kit.Tx, id schedule.CaseID) error {
	return a.Engine.Check(ctx, tx, policy.Schedule, policy.Resource{Type: "visit", CaseID: string(id)})
}

// readCase lets the asker see what stands about a case's visits, and keeps that they did.
func (a Access) readCase(ctx context.Context, tx *kit.Tx, id schedule.CaseID) error {
	return a.Engine.CheckRead(ctx, tx, policy.Read, policy.Resource{Type: "visit", CaseID: string(id)})
}

// changeCase lets the asker change when a family may be visited, and keeps that they
// did.
func (a Access) changeCase(ctx context.Context, tx *kit.Tx, id schedule.CaseID) error {
	return a.Engine.CheckRead(ctx, tx, policy.Schedule, policy.Resource{Type: "visit", CaseID: string(id)})
}

// attendVisit lets the asker say what became of a visit.
func (a Access) attendVisit(ctx context.Context, tx *kit.Tx, v schedule.Visit) error {
	return a.Engine.Check(ctx, tx, policy.CheckIn, visitResource(v))
}

// schedule lets the asker plan, and see plans of no family's.
func (a Access) schedule(ctx context.Context, tx *kit.Tx) error {
	return a.Engine.Check(ctx, tx, policy.Schedule, policy.Resource{Type: "visit"})
}

// listChanges lets the asker list what a proposal changes, and says which as a
// condition on p.
func (a Access) listChanges(ctx context.Context, tx *kit.Tx) (string, []any, error) {
	if err := a.Engine.CheckRead(ctx, tx, policy.List, policy.Resource{Type: "visit"}); err != nil {
		return "", nil, err
	}
	return a.Engine.Filter(ctx, policy.Rows{
		Type: "visit", Case: "p.case_id", Workers: "ARRAY(SELECT b.worker_id FROM booking b WHERE b.visit_id = p.visit_id)",
	})
}

// readSeries lets the asker see a series, and keeps that they did.
func (a Access) readSeries(ctx context.Context, tx *kit.Tx, s schedule.Series) error {
	return a.Engine.CheckRead(ctx, tx, policy.Read, policy.Resource{Type: "series", ID: string(s.ID), CaseID: string(s.Case)})
}

// listVisits lets the asker list visits, and says which as a condition on v.
func (a Access) listVisits(ctx context.Context, tx *kit.Tx) (string, []any, error) {
	if err := a.Engine.CheckRead(ctx, tx, policy.List, policy.Resource{Type: "visit"}); err != nil {
		return "", nil, err
	}
	return a.seenVisits(ctx, tx)
}

// seenVisits says which visits the asker may know of as a condition on v. Nothing
// is shown by it alone.
func (a Access) seenVisits(ctx context.Context, tx *kit.Tx) (string, []any, error) {
	return a.Engine.Filter(ctx, policy.Rows{
		Type: "visit", Case: "v.case_id", Workers: "ARRAY(SELECT b.worker_id FROM booking b WHERE b.visit_id = v.visit_id)",
	})
}

// listSeries lets the asker list series, and says which as a condition on s.
func (a Access) listSeries(ctx context.Context, tx *kit.Tx) (string, []any, error) {
	if err := a.Engine.CheckRead(ctx, tx, policy.List, policy.Resource{Type: "series"}); err != nil {
		return "", nil, err
	}
	return a.Engine.CaseFilter(ctx, "series", "s.case_id")
}

// readWorker lets the asker see a worker, or with an empty id the list of them.
// base says whether their home base is shown: to who may change the record.
func (a Access) readWorker(ctx context.Context, tx *kit.Tx, id schedule.WorkerID) (base bool, err error) {
	action := policy.Read
	if id == "" {
		action = policy.List
	}
	r := policy.Resource{Type: "worker", ID: string(id)}
	if err := a.Engine.Check(ctx, tx, action, r); err != nil {
		return false, err
	}
	err = a.Engine.Check(ctx, tx, policy.Write, r)
	if err != nil && fault.KindOf(err) != fault.Forbidden {
		return false, err
	}
	return err == nil, nil
}

// writeWorker lets the asker change a worker's record.
func (a Access) writeWorker(ctx context.Context, tx *kit.Tx, id schedule.WorkerID) error {
	return a.Engine.Check(ctx, tx, policy.Write, policy.Resource{Type: "worker", ID: string(id)})
}
