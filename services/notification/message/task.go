package message

import (
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
)

// TaskID identifies a task: a UUIDv7.
type TaskID string

// taskOutcomes are what can come of a task.
var taskOutcomes = []string{"reached_otherwise", "not_needed", "could_not_reach", "contact_corrected"}

// Task asks a person to see to what a message could not do.
type Task struct {
	ID          TaskID
	MessageID   MessageID
	Template    string
	Audience    Audience
	ReasonCode  string
	CaseID      string
	ReferralID  string
	Done        bool
	OutcomeCode string
	CompletedBy string
	CompletedAt time.Time
	CreatedAt   time.Time
	Version     int64
}

// NewTask makes the task of a message that was withheld or has failed.
func NewTask(id TaskID, m Message, now time.Time) Task {
	return Task{
		ID: id, MessageID: m.ID, Template: m.Template, Audience: m.Audience, ReasonCode: m.ReasonCode,
		CaseID: m.CaseID, ReferralID: m.ReferralID, CreatedAt: now, Version: 1,
	}
}

// Complete ends the task. It returns Invalid for an unknown outcome and a
// Conflict when the task is done already.
func (t Task) Complete(outcome, by string, now time.Time) (Task, error) {
	if !slices.Contains(taskOutcomes, outcome) {
		return t, fault.New(fault.Invalid, "unknown_code", "The outcome is not one of those known.",
			fault.Field{Pointer: "/outcome_code", Code: "unknown_code", Detail: "Use reached_otherwise, not_needed, could_not_reach or contact_corrected."})
	}
	if t.Done {
		return t, fault.New(fault.Conflict, "task_done", "The task is done already.")
	}
	t.Done, t.OutcomeCode, t.CompletedBy, t.CompletedAt = true, outcome, by, now
	t.Version++
	return t, nil
}
