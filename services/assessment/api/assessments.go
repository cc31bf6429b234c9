package api

import (
	"context"
	"time"

	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/assessment/announce"
	"github.com/hearthfps/hearth/services/assessment/instruments"
	store "github.com/hearthfps/hearth/services/assessment/postgres"
	"github.com/hearthfps/hearth/services/assessment/record"
)

// GetAssessment answers GET /assessments/{assessment_id}.
func (s *Server) GetAssessment(ctx context.Context, r GetAssessmentRequestObject) (GetAssessmentResponseObject, error) {
	var out GetAssessment200JSONResponse
	err := s.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		a, err := s.read(ctx, tx, r.AssessmentId)
		if err != nil {
			return err
		}
		out.Body, err = s.assessment(a)
		out.Headers.ETag = httpapi.ETag(a.Revision)
		return err
	})
	return out, err
}

// ListAssessments answers GET /assessments.
func (s *Server) ListAssessments(ctx context.Context, r ListAssessmentsRequestObject) (ListAssessmentsResponseObject, error) {
	q := store.Query{Limit: httpapi.Limit(r.Params.Limit)}
	if r.Params.Status != nil {
		q.Status = record.Status(*r.Params.Status)
	}
	if r.Params.DueBefore != nil {
		q.DueBefore = *r.Params.DueBefore
	}
	page, err := s.list(ctx, q, r.Params.Cursor)
	return ListAssessments200JSONResponse(page), err
}

// ListCaseAssessments answers GET /cases/{case_id}/assessments.
func (s *Server) ListCaseAssessments(ctx context.Context, r ListCaseAssessmentsRequestObject) (ListCaseAssessmentsResponseObject, error) {
	page, err := s.list(ctx, store.Query{CaseID: r.CaseId, Limit: httpapi.Limit(r.Params.Limit)}, r.Params.Cursor)
	return ListCaseAssessments200JSONResponse(page), err
}

// dueCursor is the place of an assessment in a list by due date.
type dueCursor struct {
	Due time.Time `json:"d"`
	ID  string    `json:"i"`
}

func (s *Server) list(ctx context.Context, q store.Query, cursor *string) (AssessmentPage, error) {
	out := AssessmentPage{Items: []AssessmentSummary{}}
	var after dueCursor
	if cursor != nil {
		if err := httpapi.DecodeCursor(*cursor, &after); err != nil {
			return out, err
		}
	}
	q.AfterDue, q.AfterID = after.Due, after.ID
	err := s.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		if q.CaseID != "" {
			if _, err := store.GetCase(ctx, tx, q.CaseID); err != nil {
				return err
			}
			if err := s.Policy.CheckRead(ctx, tx, policy.Read, ofCase(q.CaseID)); err != nil {
				return err
			}
		}
		if q.CaseID == "" {
			if err := s.Policy.CheckRead(ctx, tx, policy.List, policy.Resource{Type: "assessment"}); err != nil {
				return err
			}
		}
		q.Visible = s.visible(ctx)
		rows, err := store.List(ctx, tx, q)
		if err != nil {
			return err
		}
		out.Items, out.NextCursor = []AssessmentSummary{}, nil
		for i, row := range rows {
			if i == q.Limit {
				last := rows[i-1]
				next := httpapi.EncodeCursor(dueCursor{Due: last.DueAt, ID: string(last.ID)})
				out.NextCursor = &next
				break
			}
			out.Items = append(out.Items, summary(row))
		}
		return nil
	})
	return out, err
}

// StartAssessment answers POST /cases/{case_id}/assessments.
func (s *Server) StartAssessment(ctx context.Context, r StartAssessmentRequestObject) (StartAssessmentResponseObject, error) {
	return httpapi.Once(ctx, s.DB, func(ctx context.Context, tx *postgres.Tx) (out StartAssessment201JSONResponse, err error) {
		file, err := store.HoldCase(ctx, tx, r.CaseId)
		if err != nil {
			return out, err
		}
		if err := s.Policy.Check(ctx, tx, policy.Write, ofCase(r.CaseId)); err != nil {
			return out, err
		}
		if file.Closed {
			return out, fault.New(fault.Conflict, "case_closed", "The case is closed, so nothing more is assessed in it.")
		}
		now := s.Clock.Now()
		ins, ok := s.Library.Current(r.Body.Instrument, now)
		if !ok {
			return out, fault.New(fault.Unprocessable, "instrument_unknown", "There is no such instrument in use. See GET /instruments.",
				fault.Field{Pointer: "/instrument", Code: "unknown", Detail: "Name an instrument of the list."})
		}
		id, err := newID()
		if err != nil {
			return out, err
		}
		due := now
		if r.Body.DueAt != nil {
			due = r.Body.DueAt.UTC()
		}
		a := record.New(record.AssessmentID(id), r.CaseId, ins, record.Occasion(r.Body.Occasion), due, file.Trace)
		inserted, err := store.Insert(ctx, tx, a)
		if err != nil {
			return out, err
		}
		if !inserted {
			return out, fault.New(fault.Conflict, "review_open", "The case has an open review by this instrument. Answer that one.")
		}
		if err := announce.Due(ctx, tx, a); err != nil {
			return out, err
		}
		out.Body, err = s.assessment(a)
		out.Headers.ETag = httpapi.ETag(a.Revision)
		return out, err
	})
}

// SaveAnswers answers PATCH /assessments/{assessment_id}.
func (s *Server) SaveAnswers(ctx context.Context, r SaveAnswersRequestObject) (SaveAnswersResponseObject, error) {
	var out SaveAnswers200JSONResponse
	err := s.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		a, ins, err := s.change(ctx, tx, r.AssessmentId, policy.Write)
		if err != nil {
			return err
		}
		if err := httpapi.IfMatch(ctx, a.Revision); err != nil {
			return err
		}
		by, err := auth.Worker(ctx)
		if err != nil {
			return err
		}
		if err := a.Answer(ins, r.Body.Answers, by); err != nil {
			return err
		}
		if err := store.Save(ctx, tx, a); err != nil {
			return err
		}
		out.Body, err = s.assessment(a)
		out.Headers.ETag = httpapi.ETag(a.Revision)
		return err
	})
	return out, err
}

// CompleteAssessment answers POST /assessments/{assessment_id}:complete.
func (s *Server) CompleteAssessment(ctx context.Context, r CompleteAssessmentRequestObject) (CompleteAssessmentResponseObject, error) {
	return httpapi.Once(ctx, s.DB, func(ctx context.Context, tx *postgres.Tx) (out CompleteAssessment200JSONResponse, err error) {
		a, ins, err := s.change(ctx, tx, r.AssessmentId, policy.Write)
		if err != nil {
			return out, err
		}
		if err := httpapi.IfMatch(ctx, a.Revision); err != nil {
			return out, err
		}
		by, err := auth.Worker(ctx)
		if err != nil {
			return out, err
		}
		if err := a.Complete(ins, by, s.Clock.Now().UTC()); err != nil {
			return out, err
		}
		if err := store.Save(ctx, tx, a); err != nil {
			return out, err
		}
		if err := announce.Completed(ctx, tx, a); err != nil {
			return out, err
		}
		if err := s.scheduleReview(ctx, tx, a); err != nil {
			return out, err
		}
		out.Body, err = s.assessment(a)
		out.Headers.ETag = httpapi.ETag(a.Revision)
		return out, err
	})
}

// scheduleReview gives the case the next review by the instrument that was just
// completed, in its newest version, if the program asks for one and none is open.
func (s *Server) scheduleReview(ctx context.Context, tx *postgres.Tx, done *record.Assessment) error {
	// Held, so that a closing that runs beside sees the review and cancels it.
	file, err := store.HoldCase(ctx, tx, done.CaseID)
	if err != nil || file.Closed {
		return err
	}
	due, asked, err := s.Programs.NextReview(tx.Agency(), file.Program, file.ProgramVersion, done.Instrument, done.CompletedAt)
	if err != nil || !asked {
		return err
	}
	ins, ok := s.Library.Current(done.Instrument, done.CompletedAt)
	if !ok {
		return fault.New(fault.Conflict, "instrument_not_in_effect", "The program asks for a review by an instrument of which no version is in effect.")
	}
	id, err := newID()
	if err != nil {
		return err
	}
	next := record.New(record.AssessmentID(id), done.CaseID, ins, record.Review, due, file.Trace)
	inserted, err := store.Insert(ctx, tx, next)
	if err != nil || !inserted {
		return err
	}
	return announce.Due(ctx, tx, next)
}

// OverrideSafety answers POST /assessments/{assessment_id}:override-safety.
func (s *Server) OverrideSafety(ctx context.Context, r OverrideSafetyRequestObject) (OverrideSafetyResponseObject, error) {
	return httpapi.Once(ctx, s.DB, func(ctx context.Context, tx *postgres.Tx) (out OverrideSafety200JSONResponse, err error) {
		a, _, err := s.change(ctx, tx, r.AssessmentId, policy.Override)
		if err != nil {
			return out, err
		}
		if err := httpapi.IfMatch(ctx, a.Revision); err != nil {
			return out, err
		}
		by, err := auth.Worker(ctx)
		if err != nil {
			return out, err
		}
		if a.Safety != nil {
			if current, _, err := store.CurrentSafety(ctx, tx, a.CaseID); err != nil {
				return out, err
			} else if current != a.ID {
				return out, fault.New(fault.Conflict, "decision_superseded", "A later assessment decided. Override that one.")
			}
		}
		err = a.Override(instruments.Decision(r.Body.Decision), string(r.Body.ReasonCode), r.Body.Reason, by, s.Clock.Now().UTC())
		if err != nil {
			return out, err
		}
		if err := store.Save(ctx, tx, a); err != nil {
			return out, err
		}
		if err := announce.Decided(ctx, tx, a); err != nil {
			return out, err
		}
		out.Body, err = s.assessment(a)
		out.Headers.ETag = httpapi.ETag(a.Revision)
		return out, err
	})
}

// GetSafetyDecision answers GET /cases/{case_id}/safety-decision.
func (s *Server) GetSafetyDecision(ctx context.Context, r GetSafetyDecisionRequestObject) (GetSafetyDecisionResponseObject, error) {
	var out GetSafetyDecision200JSONResponse
	err := s.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		if _, err := store.GetCase(ctx, tx, r.CaseId); err != nil {
			return err
		}
		if err := s.Policy.CheckRead(ctx, tx, policy.Read, ofCase(r.CaseId)); err != nil {
			return err
		}
		id, d, err := store.CurrentSafety(ctx, tx, r.CaseId)
		if err != nil {
			return err
		}
		out = GetSafetyDecision200JSONResponse(*safetyDecision(string(id), r.CaseId, d))
		return nil
	})
	return out, err
}
