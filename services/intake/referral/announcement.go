package referral

import "time"

// Announcement is an event of ours, to be published in the transaction that made
// it true. It holds ids, codes and times alone.
type Announcement struct {
	Type    string
	Subject string
	Key     string
	Version int64
	Trace   string
	Data    any
}

// The types of intake's events.
const (
	TypeReferralReceived    = "org.hearth.intake.referral.received.v1"
	TypeReferralCorrected   = "org.hearth.intake.referral.corrected.v1"
	TypeReferralWithdrawn   = "org.hearth.intake.referral.withdrawn.v1"
	TypeReferralPrioritised = "org.hearth.intake.referral.prioritised.v1"
	TypeReferralScreened    = "org.hearth.intake.referral.screened.v1"
	TypeFeedbackDue         = "org.hearth.intake.referral.feedback_due.v1"
	TypeClockStarted        = "org.hearth.intake.clock.started.v1"
	TypeClockMet            = "org.hearth.intake.clock.met.v1"
	TypeClockExpired        = "org.hearth.intake.clock.expired.v1"
	TypeCaseOpened          = "org.hearth.intake.case.opened.v1"
)

// PersonInRole is a person as events name them.
type PersonInRole struct {
	Person PersonID `json:"person_id"`
	Role   string   `json:"role"`
}

// ReferralReceived is the data of referral.received.
type ReferralReceived struct {
	Referral         ReferralID     `json:"referral_id"`
	Receipt          ReceiptID      `json:"receipt_id"`
	Channel          string         `json:"channel"`
	Kind             string         `json:"kind"`
	RequestedProgram string         `json:"requested_program,omitempty"`
	Urgency          string         `json:"urgency"`
	ConcernCodes     []string       `json:"concern_codes"`
	SafetyFlags      []string       `json:"safety_flags"`
	Persons          []PersonInRole `json:"persons"`
	Household        HouseholdID    `json:"household_id"`
	ReceivedAt       time.Time      `json:"received_at"`
}

// ReferralCorrected is the data of referral.corrected.
type ReferralCorrected struct {
	Referral  ReferralID  `json:"referral_id"`
	Household HouseholdID `json:"household_id"`
	Changed   []string    `json:"changed"`
	Urgency   string      `json:"urgency,omitempty"`
}

// ReferralWithdrawn is the data of referral.withdrawn.
type ReferralWithdrawn struct {
	Referral ReferralID `json:"referral_id"`
}

// ReferralPrioritised is the data of referral.prioritised.
type ReferralPrioritised struct {
	Referral    ReferralID `json:"referral_id"`
	Priority    Priority   `json:"priority"`
	RuleName    string     `json:"rule_name"`
	RuleVersion string     `json:"rule_version"`
	Overridden  bool       `json:"overridden"`
	Urgent      bool       `json:"urgent"`
	DueAt       time.Time  `json:"due_at"`
}

// ReferralScreened is the data of referral.screened.
type ReferralScreened struct {
	Referral   ReferralID        `json:"referral_id"`
	Decision   ScreeningDecision `json:"decision"`
	ReasonCode string            `json:"reason_code"`
	DecidedBy  string            `json:"decided_by"`
	Case       CaseID            `json:"case_id,omitempty"`
	DecidedAt  time.Time         `json:"decided_at"`
}

// FeedbackDue is the data of referral.feedback_due.
type FeedbackDue struct {
	Referral ReferralID `json:"referral_id"`
	Status   Status     `json:"status"`
}

// ClockChanged is the data of the clock events.
type ClockChanged struct {
	ID       ClockID    `json:"clock_id"`
	Clock    string     `json:"clock"`
	Referral ReferralID `json:"referral_id"`
	Case     CaseID     `json:"case_id,omitempty"`
	DueAt    time.Time  `json:"due_at"`
	MetAt    *time.Time `json:"met_at,omitempty"`
}

// CaseOpened is the data of case.opened.
type CaseOpened struct {
	Case           CaseID         `json:"case_id"`
	Referral       ReferralID     `json:"referral_id"`
	Household      HouseholdID    `json:"household_id"`
	Program        string         `json:"program"`
	ProgramVersion string         `json:"program_version"`
	Persons        []PersonInRole `json:"persons"`
	Languages      []string       `json:"languages"`
	SafetyFlags    []string       `json:"safety_flags"`
	ConcernCodes   []string       `json:"concern_codes"`
	Priority       Priority       `json:"priority"`
	OpenedBy       string         `json:"opened_by"`
	OpenedAt       time.Time      `json:"opened_at"`
	Excluded       []Exclusion    `json:"excluded,omitempty"`
}

// Exclusion keeps a worker from knowing of a referral, and of the case it opens.
type Exclusion struct {
	Worker string `json:"worker_id" db:"worker_id"`
	Reason string `json:"reason_code" db:"reason_code"`
	By     string `json:"excluded_by" db:"excluded_by"`
}
