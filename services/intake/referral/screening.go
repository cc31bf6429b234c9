package referral

import (
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
)

// ScreeningDecision is what becomes of a referral.
type ScreeningDecision string

// ScreeningRules are the agency's coded reasons.
type ScreeningRules struct {
	Version, Hash string
	Reasons       []ScreeningReason
}

// ScreeningReason is a reason a decision may give.
type ScreeningReason struct {
	Decision ScreeningDecision `yaml:"decision"`
	Code     string            `yaml:"code"`
	Title    string            `yaml:"title"`
}

// Screening is a screening decision, as made.
type Screening struct {
	Decision       ScreeningDecision `json:"decision"`
	ReasonCode     string            `json:"reason_code"`
	Program        string            `json:"program,omitempty"`
	ProgramVersion string            `json:"program_version,omitempty"`
	RedirectedTo   string            `json:"redirected_to,omitempty"`
	Note           string            `json:"note,omitempty"`
	DecidedBy      string            `json:"decided_by"`
	DecidedAt      time.Time         `json:"decided_at"`
	RulesVersion   string            `json:"rules_version"`
}

// Screen records the screening decision: once, for a coded reason that belongs to
// it. Screened in opens a case in a program the agency runs.
func (rf *Referral) Screen(s Screening, rules *ScreeningRules, a *Agency, ids IDs, now time.Time) error {
	if err := rf.open(); err != nil {
		return err
	}
	if err := rf.check(&s, rules, a, now); err != nil {
		return err
	}
	s.RulesVersion, s.DecidedAt = rules.Version, now
	rf.Screening, rf.Status, rf.Asked = &s, Status(s.Decision), nil
	rf.change()
	rf.note(now, "screened", s.DecidedBy, map[string]string{"decision": string(s.Decision), "reason_code": s.ReasonCode})
	if rf.TakenBy == "" {
		rf.TakenBy, rf.TakenAt = s.DecidedBy, now
	}
	if rf.Status == ScreenedIn {
		rf.Case = ids.Case()
	}
	rf.announceScreening(now)
	rf.meet(MetTaken, now)
	rf.meet(MetScreened, now)
	if rf.Status != ScreenedIn {
		rf.stopClocks(func(*ResponseClock) bool { return true })
	}
	rf.feedback()
	return nil
}

func (rf *Referral) check(s *Screening, rules *ScreeningRules, a *Agency, now time.Time) error {
	if !slices.ContainsFunc(rules.Reasons, func(r ScreeningReason) bool { return r.Decision == s.Decision && r.Code == s.ReasonCode }) {
		return fault.New(fault.Unprocessable, "unknown_reason", "The reason does not belong to this decision; GET /screening-reasons lists those that do.",
			fault.Field{Pointer: "/reason_code", Code: "unknown_code", Detail: "not a reason for this decision"})
	}
	if s.Decision != ScreeningDecision(ScreenedIn) && s.Program != "" {
		return fault.New(fault.Unprocessable, "program_not_wanted", "Only a referral screened in enters a program.",
			fault.Field{Pointer: "/program", Code: "not_allowed", Detail: "leave program out"})
	}
	if s.Decision != ScreeningDecision(Redirected) && s.RedirectedTo != "" {
		return fault.New(fault.Unprocessable, "redirection_not_wanted", "Only a referral redirected goes elsewhere.",
			fault.Field{Pointer: "/redirected_to", Code: "not_allowed", Detail: "leave redirected_to out"})
	}
	if s.Decision != ScreeningDecision(ScreenedIn) {
		return nil
	}
	if s.Program == "" {
		s.Program = rf.Content.RequestedProgram
	}
	version, ok := a.Program(s.Program, now)
	switch {
	case s.Program == "":
		return fault.New(fault.Unprocessable, "program_required", "The referral asks for no program: say which one the case enters.",
			fault.Field{Pointer: "/program", Code: "required", Detail: "program is required here"})
	case !ok:
		return fault.New(fault.Unprocessable, "unknown_program", "The agency has no such program: say which one the case enters.",
			fault.Field{Pointer: "/program", Code: "unknown_code", Detail: "not a program of this agency"})
	}
	s.ProgramVersion = version
	return nil
}

// announceScreening tells the decision on the referral's own key, so that it comes
// after all else about the referral, and the case on the case's.
func (rf *Referral) announceScreening(now time.Time) {
	s := rf.Screening
	opened := rf.Case
	rf.Case = ""
	rf.announce(TypeReferralScreened, ReferralScreened{
		Referral: rf.ID, Decision: s.Decision, ReasonCode: s.ReasonCode, DecidedBy: s.DecidedBy, Case: opened, DecidedAt: now,
	})
	rf.Case = opened
	if opened == "" {
		return
	}
	rf.say(TypeCaseOpened, string(opened), CaseOpened{
		Case: opened, Referral: rf.ID, Household: rf.Household, Program: s.Program, ProgramVersion: s.ProgramVersion,
		Persons: rf.inRoles(), Languages: rf.Content.Languages(), SafetyFlags: rf.Content.SafetyFlags, ConcernCodes: rf.Content.ConcernCodes(),
		Priority: rf.Priority.Priority, OpenedBy: s.DecidedBy, OpenedAt: now, Excluded: rf.Excluded,
	})
}
