package api

import (
	"github.com/hearthfps/hearth/pkg/httpapi"
	store "github.com/hearthfps/hearth/services/assessment/postgres"
	"github.com/hearthfps/hearth/services/assessment/record"
)

// assessment shows an assessment: answers that are asked for apart from those
// that are kept aside.
func (s *Server) assessment(a *record.Assessment) (Assessment, error) {
	result, err := s.result(a)
	if err != nil {
		return Assessment{}, err
	}
	out := Assessment{
		AssessmentId: string(a.ID), CaseId: a.CaseID, Instrument: a.Instrument, InstrumentVersion: a.Version, InstrumentHash: a.Hash,
		Occasion: Occasion(a.Occasion), Status: AssessmentStatus(a.Status), DueAt: a.DueAt, Version: a.Revision,
		Answers: map[string]string{}, SetAside: map[string]string{}, Missing: []string{}, Contributors: append([]string{}, a.Contributors...),
	}
	for _, it := range result.Items {
		switch {
		case it.Answer != "":
			out.Answers[it.Item] = it.Answer
		case it.SetAside != "":
			out.SetAside[it.Item] = it.SetAside
		case it.Standing == "missing":
			out.Missing = append(out.Missing, it.Item)
		}
	}
	if a.Status == record.Completed {
		out.CompletedBy, out.CompletedAt = &a.CompletedBy, &a.CompletedAt
		n, st := needs(result), strengths(result)
		out.Needs, out.Strengths = &n, &st
	}
	if a.Safety != nil {
		out.SafetyDecision = safetyDecision(string(a.ID), a.CaseID, a.Safety)
	}
	return out, nil
}

func safetyDecision(assessmentID, caseID string, d *record.SafetyDecision) *SafetyDecision {
	return &SafetyDecision{
		AssessmentId: assessmentID, CaseId: caseID, Decision: SafetyDecisionCode(d.Decision), Proposed: SafetyDecisionCode(d.Proposed),
		DecidedBy: d.DecidedBy, DecidedAt: d.DecidedAt, Overridden: d.Overridden, ReasonCode: httpapi.OrNil(d.ReasonCode), Reason: httpapi.OrNil(d.Reason),
	}
}

func summary(r store.Listed) AssessmentSummary {
	out := AssessmentSummary{
		AssessmentId: string(r.ID), CaseId: r.CaseID, Instrument: r.Instrument, InstrumentVersion: r.Version, InstrumentHash: r.Hash,
		Occasion: Occasion(r.Occasion), Status: AssessmentStatus(r.Status), DueAt: r.DueAt, CompletedAt: httpapi.OrNil(r.CompletedAt),
	}
	if r.Safety != "" {
		d := SafetyDecisionCode(r.Safety)
		out.SafetyDecision = &d
	}
	return out
}
