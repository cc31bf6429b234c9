// Package announce publishes what happened to an assessment. Its events hold
// ids, codes and times; a supervisor's words stay here.
package announce

import (
	"context"
	"time"

	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/assessment/instruments"
	"github.com/hearthfps/hearth/services/assessment/record"
	"github.com/hearthfps/hearth/services/assessment/scoring"
)

// The events of assessment.
const (
	TypeDue       = "org.hearth.assessment.assessment.due.v1"
	TypeCompleted = "org.hearth.assessment.assessment.completed.v1"
	TypeDecided   = "org.hearth.assessment.safety.decided.v1"
)

// Due tells that a case has an instrument to be answered.
func Due(ctx context.Context, tx *postgres.Tx, a *record.Assessment) error {
	return events.Publish(ctx, tx, draft(TypeDue, a, struct {
		AssessmentID record.AssessmentID `json:"assessment_id"`
		CaseID       string              `json:"case_id"`
		Instrument   string              `json:"instrument"`
		Version      string              `json:"instrument_version"`
		DueAt        time.Time           `json:"due_at"`
	}{a.ID, a.CaseID, a.Instrument, a.Version, a.DueAt.UTC()}))
}

type completed struct {
	AssessmentID record.AssessmentID  `json:"assessment_id"`
	CaseID       string               `json:"case_id"`
	Instrument   string               `json:"instrument"`
	Version      string               `json:"instrument_version"`
	Hash         string               `json:"instrument_hash"`
	CompletedBy  string               `json:"completed_by"`
	CompletedAt  time.Time            `json:"completed_at"`
	Scores       []score              `json:"scores"`
	Needs        []scoring.Need       `json:"needs"`
	Strengths    []instruments.Domain `json:"strengths"`
}

type score struct {
	Subscale string                  `json:"subscale"`
	Score    *instruments.Hundredths `json:"score,omitempty"`
	Band     string                  `json:"band,omitempty"`
}

type decided struct {
	AssessmentID record.AssessmentID  `json:"assessment_id"`
	CaseID       string               `json:"case_id"`
	Decision     instruments.Decision `json:"decision"`
	DecidedBy    string               `json:"decided_by"`
	Overridden   bool                 `json:"overridden"`
}

// Completed tells that an assessment is complete, and what was decided if it
// decides.
func Completed(ctx context.Context, tx *postgres.Tx, a *record.Assessment) error {
	c := completed{
		AssessmentID: a.ID, CaseID: a.CaseID, Instrument: a.Instrument, Version: a.Version, Hash: a.Hash,
		CompletedBy: a.CompletedBy, CompletedAt: a.CompletedAt.UTC(), Needs: a.Result.Needs(), Strengths: a.Result.Strengths(),
		Scores: make([]score, len(a.Result.Subscales)),
	}
	for i, s := range a.Result.Subscales {
		c.Scores[i] = score{Subscale: s.Subscale, Score: s.Score, Band: s.Band}
	}
	drafts := []events.Draft{draft(TypeCompleted, a, c)}
	if a.Safety != nil {
		drafts = append(drafts, decision(a))
	}
	return events.Publish(ctx, tx, drafts...)
}

// Decided tells that a safety decision was overridden.
func Decided(ctx context.Context, tx *postgres.Tx, a *record.Assessment) error {
	return events.Publish(ctx, tx, decision(a))
}

func decision(a *record.Assessment) events.Draft {
	return draft(TypeDecided, a, decided{a.ID, a.CaseID, a.Safety.Decision, a.Safety.DecidedBy, a.Safety.Overridden})
}

func draft(eventType string, a *record.Assessment, data any) events.Draft {
	return events.Draft{Type: eventType, Subject: string(a.ID), Key: a.CaseID, Version: a.Revision, Data: data, Trace: a.Trace}
}
