package referral

import (
	"fmt"
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
)

// Priority says how soon a referral must be answered.
type Priority string

// Priorities, the most urgent first.
var Priorities = []Priority{"immediate", "within_24h", "within_72h", "within_10_days", "routine"}

// moreUrgent says whether p asks for an answer sooner than q.
func (p Priority) moreUrgent(q Priority) bool {
	return slices.Index(Priorities, p) < slices.Index(Priorities, q)
}

// RuleRef names the rule that decided, so that a decision can be read years later.
type RuleRef struct{ Name, Version, Hash string }

// Condition is a compiled CEL expression over declared variables.
type Condition interface {
	True(variables map[string]any) (bool, error)
}

// PriorityRules is a version of the agency's rules: the first rule that holds
// decides.
type PriorityRules struct {
	Version, Hash string
	Rules         []PriorityRule
	Levels        map[Priority]PriorityLevel
	Reasons       []OverrideReason
}

// OverrideReason is a reason an override may give.
type OverrideReason struct {
	Code  string `yaml:"code"`
	Title string `yaml:"title"`
}

// PriorityRule proposes a priority when its condition holds.
type PriorityRule struct {
	Code     string
	When     Condition
	Priority Priority
}

// PriorityLevel says what a priority means.
type PriorityLevel struct {
	Within clock.Deadline `yaml:"within"`
	// Urgent ones must be taken up by the duty team, or escalate.
	Urgent bool `yaml:"urgent"`
}

// PriorityDecision is a priority with who or what decided it.
type PriorityDecision struct {
	Priority    Priority  `json:"priority"`
	Urgent      bool      `json:"urgent"`
	DueAt       time.Time `json:"due_at"`
	RuleName    string    `json:"rule_name"`
	RuleVersion string    `json:"rule_version"`
	RuleHash    string    `json:"rule_hash"`
	Proposed    Priority  `json:"proposed,omitempty"`
	Overridden  bool      `json:"overridden"`
	ReasonCode  string    `json:"reason_code,omitempty"`
	Note        string    `json:"note,omitempty"`
	DecidedBy   string    `json:"decided_by,omitempty"`
	ConfirmedBy string    `json:"confirmed_by,omitempty"`
	DecidedAt   time.Time `json:"decided_at"`
}

// PriorityAsked is a less urgent priority that waits for a second pair of eyes.
type PriorityAsked struct {
	Priority   Priority  `json:"priority"`
	ReasonCode string    `json:"reason_code"`
	Note       string    `json:"note,omitempty"`
	AskedBy    string    `json:"asked_by"`
	AskedAt    time.Time `json:"asked_at"`
}

// PriorityVariables are what a priority rule may speak of:
//
//	channel, kind, urgency, requested_program  text, "" when not stated
//	concerns, safety_flags                     lists of codes
//	children                                   how many children are named
//	youngest_age                               whole years; -1 when no child's birth year is known
//	country                                    the agency's, ISO 3166-1
func PriorityVariables(c *Content, country string, now time.Time) map[string]any {
	children, youngest := int64(0), int64(-1)
	for _, p := range c.Persons {
		if p.Role != "child" {
			continue
		}
		children++
		if age, ok := p.BirthDate.age(now); ok && (youngest < 0 || age < youngest) {
			youngest = age
		}
	}
	return map[string]any{
		"channel": c.Channel, "kind": c.Kind, "urgency": c.Urgency, "requested_program": c.RequestedProgram,
		"concerns": c.ConcernCodes(), "safety_flags": c.SafetyFlags, "children": children, "youngest_age": youngest, "country": country,
	}
}

// age is the least age in whole years the known part of a birth date allows.
func (d PartialDate) age(now time.Time) (int64, bool) {
	if d == "" {
		return 0, false
	}
	latest := string(d)
	switch len(d) {
	case len("2006"):
		latest += "-12-31"
	case len("2006-01"):
		latest += "-28"
	}
	born, err := clock.ParseDate(latest)
	if err != nil {
		return 0, false
	}
	today := clock.DateOf(now, time.UTC)
	age := today.Year - born.Year
	if today.Month < born.Month || today.Month == born.Month && today.Day < born.Day {
		age--
	}
	return int64(max(age, 0)), true
}

// Propose decides by rule. The error says which rule could not be evaluated.
func (r *PriorityRules) Propose(c *Content, a *Agency, received, now time.Time) (PriorityDecision, error) {
	variables := PriorityVariables(c, a.Country, now)
	for _, rule := range r.Rules {
		holds, err := rule.When.True(variables)
		if err != nil {
			return PriorityDecision{}, fmt.Errorf("priority rule %s: %w", rule.Code, err)
		}
		if holds {
			return r.level(rule.Priority, a, received, PriorityDecision{RuleName: rule.Code, DecidedAt: now}), nil
		}
	}
	return PriorityDecision{}, fmt.Errorf("no priority rule holds: the last one must hold always")
}

func (r *PriorityRules) level(p Priority, a *Agency, received time.Time, d PriorityDecision) PriorityDecision {
	level := r.Levels[p]
	d.Priority, d.Urgent, d.DueAt = p, level.Urgent, level.Within.From(received, a.Calendar)
	d.RuleVersion, d.RuleHash = r.Version, r.Hash
	return d
}

// Override changes the priority by a person's decision. A more urgent one holds
// at once; a less urgent one waits for Confirm.
func (rf *Referral) Override(to Priority, reason, note, by string, r *PriorityRules, a *Agency, now time.Time) error {
	if err := rf.open(); err != nil {
		return err
	}
	if !slices.ContainsFunc(r.Reasons, func(known OverrideReason) bool { return known.Code == reason }) {
		return fault.New(fault.Unprocessable, "unknown_reason", "Give one of the reasons the agency's priority rules list.",
			fault.Field{Pointer: "/reason_code", Code: "unknown_code", Detail: "not a reason for another priority"})
	}
	if to == rf.Priority.Priority {
		return fault.New(fault.Conflict, "same_priority", "The referral has this priority already.")
	}
	if rf.Priority.Priority.moreUrgent(to) {
		rf.Asked = &PriorityAsked{Priority: to, ReasonCode: reason, Note: note, AskedBy: by, AskedAt: now}
		rf.change()
		rf.note(now, "priority_asked", by, map[string]string{"priority": string(to), "reason_code": reason})
		return nil
	}
	rf.override(to, reason, note, by, "", r, a, now)
	return nil
}

// Confirm makes the asked priority hold: by a supervisor who is not the one who asked.
func (rf *Referral) Confirm(by string, r *PriorityRules, a *Agency, now time.Time) error {
	if err := rf.open(); err != nil {
		return err
	}
	asked := rf.Asked
	if asked == nil {
		return fault.New(fault.Conflict, "nothing_asked", "No less urgent priority is waiting to be confirmed.")
	}
	if asked.AskedBy == by {
		return fault.New(fault.Forbidden, "four_eyes", "A less urgent priority is confirmed by somebody other than who asked for it.")
	}
	rf.override(asked.Priority, asked.ReasonCode, asked.Note, asked.AskedBy, by, r, a, now)
	return nil
}

func (rf *Referral) override(to Priority, reason, note, by, confirmed string, r *PriorityRules, a *Agency, now time.Time) {
	proposed := rf.Priority.Priority
	if rf.Priority.Overridden {
		proposed = rf.Priority.Proposed
	}
	rf.Priority = r.level(to, a, rf.start(), PriorityDecision{
		RuleName: rf.Priority.RuleName, Proposed: proposed, Overridden: true, ReasonCode: reason, Note: note,
		DecidedBy: by, ConfirmedBy: confirmed, DecidedAt: now,
	})
	rf.Asked = nil
	rf.change()
	rf.note(now, "priority_overridden", by, map[string]string{"priority": string(to), "reason_code": reason})
	rf.announcePriority()
}
