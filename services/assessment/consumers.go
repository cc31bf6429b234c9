package assessment

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/assessment/announce"
	store "github.com/hearthfps/hearth/services/assessment/postgres"
	"github.com/hearthfps/hearth/services/assessment/record"
)

// subscriptions are what assessment takes in: cases that open and close, and who
// may know of them.
func (s schedule) subscriptions() []events.Subscription {
	return []events.Subscription{
		{Topics: []string{events.Topic("intake"), events.Topic("planning")}, Handlers: map[string]events.Handler{
			"org.hearth.intake.case.opened.v1":   s.caseOpened,
			"org.hearth.planning.case.closed.v1": caseClosed,
		}},
		{Topics: []string{events.Topic("planning")}, Handlers: policy.CaseAccessHandlers()},
	}
}

// caseOpened gives a new case the instruments its program asks for. A case whose
// closing was heard of before is given none.
func (s schedule) caseOpened(ctx context.Context, tx *postgres.Tx, e events.Event) error {
	var opened struct {
		CaseID         string    `json:"case_id"`
		Program        string    `json:"program"`
		ProgramVersion string    `json:"program_version"`
		OpenedAt       time.Time `json:"opened_at"`
	}
	if err := e.Decode(&opened); err != nil {
		return err
	}
	closed, err := store.OpenCase(ctx, tx, store.CaseFile{
		CaseID: opened.CaseID, Program: opened.Program, ProgramVersion: opened.ProgramVersion, OpenedAt: opened.OpenedAt, Trace: e.TraceParent,
	})
	if err != nil || closed {
		return err
	}
	due, err := s.opening(e.Agency, opened.Program, opened.ProgramVersion, opened.OpenedAt)
	if err != nil {
		return err
	}
	for _, d := range due {
		id, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("draw assessment id: %w", err)
		}
		a := record.New(record.AssessmentID(id.String()), opened.CaseID, d.instrument, record.Opening, d.due, e.TraceParent)
		inserted, err := store.Insert(ctx, tx, a)
		if err != nil {
			return err
		}
		if !inserted {
			continue
		}
		if err := announce.Due(ctx, tx, a); err != nil {
			return err
		}
	}
	return nil
}

// caseClosed cancels what was not completed.
func caseClosed(ctx context.Context, tx *postgres.Tx, e events.Event) error {
	var closed struct {
		CaseID   string    `json:"case_id"`
		ClosedAt time.Time `json:"closed_at"`
	}
	if err := e.Decode(&closed); err != nil {
		return err
	}
	if err := store.CloseCase(ctx, tx, closed.CaseID, closed.ClosedAt); err != nil {
		return err
	}
	open, err := store.OpenAssessments(ctx, tx, closed.CaseID)
	if err != nil {
		return err
	}
	for _, id := range open {
		a, err := store.Lock(ctx, tx, id)
		if err != nil {
			return err
		}
		if a.Cancel() {
			if err := store.Save(ctx, tx, a); err != nil {
				return err
			}
		}
	}
	return nil
}
