package intake

import (
	"context"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/timers"
	store "github.com/hearthfps/hearth/services/intake/postgres"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// The events of other services that clocks wait for.
const (
	assessmentDue       = "org.hearth.assessment.assessment.due.v1"
	assessmentCompleted = "org.hearth.assessment.assessment.completed.v1"
	safetyDecided       = "org.hearth.assessment.safety.decided.v1"
	visitCheckedIn      = "org.hearth.visit-scheduling.visit.checked_in.v1"
)

// milestoneHandlers meet the clocks that wait for what other services do.
func milestoneHandlers() map[string]events.Handler {
	return map[string]events.Handler{
		assessmentDue: func(ctx context.Context, tx *postgres.Tx, e events.Event) error {
			var d struct {
				Assessment string          `json:"assessment_id"`
				Case       referral.CaseID `json:"case_id"`
			}
			if err := e.Decode(&d); err != nil {
				return err
			}
			_, err := store.NoteAssessment(ctx, tx, d.Case, d.Assessment, false)
			return err
		},
		assessmentCompleted: func(ctx context.Context, tx *postgres.Tx, e events.Event) error {
			var d struct {
				Assessment  string          `json:"assessment_id"`
				Case        referral.CaseID `json:"case_id"`
				CompletedAt time.Time       `json:"completed_at"`
			}
			if err := e.Decode(&d); err != nil {
				return err
			}
			done, err := store.NoteAssessment(ctx, tx, d.Case, d.Assessment, true)
			if err != nil {
				return err
			}
			reached := []string{referral.MetAssessmentStarted}
			if done {
				reached = append(reached, referral.MetAssessmentDone)
			}
			return reach(ctx, tx, d.Case, d.CompletedAt, reached...)
		},
		safetyDecided: func(ctx context.Context, tx *postgres.Tx, e events.Event) error {
			var d struct {
				Case referral.CaseID `json:"case_id"`
			}
			if err := e.Decode(&d); err != nil {
				return err
			}
			return reach(ctx, tx, d.Case, e.Time, referral.MetAssessmentStarted, referral.MetFirstContact)
		},
		visitCheckedIn: func(ctx context.Context, tx *postgres.Tx, e events.Event) error {
			var d struct {
				Case referral.CaseID `json:"case_id"`
				At   time.Time       `json:"at"`
			}
			if err := e.Decode(&d); err != nil {
				return err
			}
			return reach(ctx, tx, d.Case, d.At, referral.MetFirstContact)
		},
	}
}

// reach tells the referral that opened a case of milestones. A case that no
// referral of ours opened has no clocks.
func reach(ctx context.Context, tx *postgres.Tx, c referral.CaseID, at time.Time, milestones ...string) error {
	id, err := store.ReferralOfCase(ctx, tx, c)
	if err != nil || id == "" {
		return err
	}
	rf, err := store.Referral(ctx, tx, id, true)
	if err != nil {
		return err
	}
	for _, m := range milestones {
		rf.Reach(m, at.UTC())
	}
	if !rf.Changed() {
		return nil
	}
	return store.SaveReferral(ctx, tx, rf)
}

// expireClock lets a clock run out when its timer fires.
func expireClock(c clock.Clock) timers.Handler {
	return func(ctx context.Context, tx *postgres.Tx, t timers.Timer) error {
		rf, err := store.Referral(ctx, tx, referral.ReferralID(t.Subject), true)
		if err != nil {
			return err
		}
		if !rf.Expire(referral.ClockID(t.ID), c.Now()) {
			return nil
		}
		return store.SaveReferral(ctx, tx, rf)
	}
}
