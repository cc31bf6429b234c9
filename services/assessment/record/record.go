package record

import (
	"maps"
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/services/assessment/instruments"
	"github.com/hearthfps/hearth/services/assessment/scoring"
)

// AssessmentID names an assessment.
type AssessmentID string

// Status is where an assessment stands.
//
//	     first answer                complete, once
//	due ──────────────▶ in_progress ────────────────▶ completed ─┐
//	 │  │                    │  ▲                         ▲      │ override of its
//	 │  └──── complete ──────┼──┘ answer                  └──────┘ safety decision
//	 │        (no answers    │
//	 │         are enough)   │ case closed
//	 └───────────────────────┴──────────────▶ cancelled
type Status string

const (
	Due        Status = "due"
	InProgress Status = "in_progress"
	Completed  Status = "completed"
	Cancelled  Status = "cancelled"
)

// Occasion is why an assessment is made.
type Occasion string

const (
	Opening Occasion = "opening" // the program asks for it when a case opens
	Review  Occasion = "review"
	Change  Occasion = "change" // something in the family's life changed
	Ending  Occasion = "closing"
)

// Assessment is one instrument answered for one case.
type Assessment struct {
	ID           AssessmentID
	CaseID       string
	Instrument   string
	Version      string // of the instrument
	Hash         string // of the instrument's file
	Occasion     Occasion
	Status       Status
	DueAt        time.Time
	Answers      scoring.Answers // all that were given, asked for or not
	Contributors []string        // who saved answers, in the order they first did
	CompletedBy  string
	CompletedAt  time.Time
	Result       *scoring.Result // of a completed assessment
	Safety       *SafetyDecision
	Revision     int64
	Trace        string
}

// SafetyDecision is what was decided about the children's safety.
type SafetyDecision struct {
	Decision   instruments.Decision
	Proposed   instruments.Decision // by the instrument's rules
	DecidedBy  string
	DecidedAt  time.Time
	Overridden bool
	ReasonCode string
	Reason     string // in a supervisor's words; never leaves this service
}

// New gives a case an instrument to answer.
func New(id AssessmentID, caseID string, ins *instruments.Instrument, occasion Occasion, due time.Time, trace string) *Assessment {
	return &Assessment{
		ID: id, CaseID: caseID, Instrument: ins.Code, Version: ins.Version, Hash: ins.Hash,
		Occasion: occasion, Status: Due, DueAt: due, Answers: scoring.Answers{}, Revision: 1, Trace: trace,
	}
}

// mustBeOpen fails with Conflict: assessment_completed, assessment_cancelled.
func (a *Assessment) mustBeOpen() error {
	switch a.Status {
	case Completed:
		return fault.New(fault.Conflict, "assessment_completed", "The assessment is complete and does not change. Start another to assess again.")
	case Cancelled:
		return fault.New(fault.Conflict, "assessment_cancelled", "The assessment was cancelled when its case closed.")
	}
	return nil
}

// bound fails with Conflict (instrument_changed) when ins is not the instrument
// the answers are given to.
func (a *Assessment) bound(ins *instruments.Instrument) error {
	if ins.Code != a.Instrument || ins.Version != a.Version || ins.Hash != a.Hash {
		return fault.New(fault.Conflict, "instrument_changed",
			"The instrument file is not the one the answers were given to. Restore the file; publish changes as a new version.")
	}
	return nil
}

// Answer saves some answers; a nil answer takes one back. It fails with Conflict
// as an assessment that is not open does, and with Unprocessable
// (answers_invalid) with every fault.
func (a *Assessment) Answer(ins *instruments.Instrument, patch map[string]*string, by string) error {
	if err := a.mustBeOpen(); err != nil {
		return err
	}
	if err := a.bound(ins); err != nil {
		return err
	}
	given := scoring.Answers{}
	for item, option := range patch {
		if option != nil {
			given[item] = *option
		}
	}
	faults := scoring.Check(ins, given)
	for item, option := range patch {
		if _, known := ins.Item(item); option == nil && !known {
			faults = append(faults, scoring.Fault{Item: item, Code: "unknown_item", Detail: "The instrument has no such item."})
		}
	}
	if len(faults) > 0 {
		fields := make([]fault.Field, len(faults))
		for i, f := range faults {
			fields[i] = fault.Field{Pointer: "/answers/" + f.Item, Code: f.Code, Detail: f.Detail}
		}
		slices.SortFunc(fields, func(a, b fault.Field) int { return compare(a.Pointer, b.Pointer) })
		return fault.New(fault.Unprocessable, "answers_invalid", "Some answers do not fit the instrument; none was saved.", fields...)
	}
	answers := maps.Clone(a.Answers)
	for item, option := range patch {
		delete(answers, item)
		if option != nil {
			answers[item] = *option
		}
	}
	a.Answers, a.Status = answers, InProgress
	if !slices.Contains(a.Contributors, by) {
		a.Contributors = append(slices.Clone(a.Contributors), by)
	}
	a.Revision++
	return nil
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Complete scores the assessment and, for a safety instrument, decides. It fails
// with Conflict as an assessment that is not open does, and with Unprocessable
// (safety_undecided) naming the answers that are missing.
func (a *Assessment) Complete(ins *instruments.Instrument, by string, at time.Time) error {
	if err := a.mustBeOpen(); err != nil {
		return err
	}
	if err := a.bound(ins); err != nil {
		return err
	}
	result := scoring.Score(ins, a.Answers)
	if d := result.Decision; d != nil {
		if d.Proposed == "" {
			fields := make([]fault.Field, len(d.Waiting))
			for i, item := range d.Waiting {
				fields[i] = fault.Field{Pointer: "/answers/" + item, Code: "required", Detail: "The decision depends on this answer. If it cannot be found out, answer that it is not known."}
			}
			return fault.New(fault.Unprocessable, "safety_undecided", "The safety decision depends on answers that are missing.", fields...)
		}
		a.Safety = &SafetyDecision{Decision: d.Proposed, Proposed: d.Proposed, DecidedBy: by, DecidedAt: at}
	}
	a.Status, a.Result, a.CompletedBy, a.CompletedAt = Completed, &result, by, at
	a.Revision++
	return nil
}

// Score is the stored result of a completed assessment, and of an open one what
// its answers come to so far. It fails with Conflict (instrument_changed) when
// an open one cannot be scored.
func (a *Assessment) Score(ins *instruments.Instrument) (scoring.Result, error) {
	if a.Result != nil {
		return *a.Result, nil
	}
	if err := a.bound(ins); err != nil {
		return scoring.Result{}, err
	}
	return scoring.Score(ins, a.Answers), nil
}

// Recompute scores the stored answers again. It fails with Conflict:
// assessment_open, instrument_changed.
func (a *Assessment) Recompute(ins *instruments.Instrument) (scoring.Result, error) {
	if a.Status != Completed {
		return scoring.Result{}, fault.New(fault.Conflict, "assessment_open", "The assessment is not complete, so there is no stored score to compare with.")
	}
	if err := a.bound(ins); err != nil {
		return scoring.Result{}, err
	}
	return scoring.Score(ins, a.Answers), nil
}

// Override decides otherwise than the instrument proposed. It fails with
// Conflict: no_safety_decision, decision_unchanged; and with Forbidden
// (own_assessment).
func (a *Assessment) Override(decision instruments.Decision, code, reason, by string, at time.Time) error {
	if a.Safety == nil {
		return fault.New(fault.Conflict, "no_safety_decision", "There is no safety decision to override.")
	}
	if a.CompletedBy == by || slices.Contains(a.Contributors, by) {
		return fault.New(fault.Forbidden, "own_assessment", "A decision is overridden by a supervisor who had no part in the answers.")
	}
	if a.Safety.Decision == decision {
		return fault.New(fault.Conflict, "decision_unchanged", "This is the decision already.")
	}
	a.Safety = &SafetyDecision{
		Decision: decision, Proposed: a.Safety.Proposed, DecidedBy: by, DecidedAt: at,
		Overridden: true, ReasonCode: code, Reason: reason,
	}
	a.Revision++
	return nil
}

// Cancel ends an open assessment when its case closes; changed is false when it
// was not open.
func (a *Assessment) Cancel() (changed bool) {
	if a.mustBeOpen() != nil {
		return false
	}
	a.Status = Cancelled
	a.Revision++
	return true
}
