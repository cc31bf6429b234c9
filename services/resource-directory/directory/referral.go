package directory

import (
	"fmt"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
)

// ReferralID identifies a resource referral: a UUIDv7.
type ReferralID string

// CaseID identifies a case: a UUIDv7 that intake gave it.
type CaseID string

// State is where a resource referral stands.
//
//	requested ──► accepted ──► completed
//	    │  │          │
//	    │  └──────────┴──────► withdrawn
//	    └────────────────────► declined
type State string

// The states of a resource referral. Declined, completed and withdrawn are final.
const (
	Requested State = "requested"
	Accepted  State = "accepted"
	Declined  State = "declined"
	Completed State = "completed"
	Withdrawn State = "withdrawn"
)

// Final tells whether nothing more can happen to a referral in this state.
func (s State) Final() bool { return s == Declined || s == Completed || s == Withdrawn }

// declineReasons are the codes a service may decline with.
var declineReasons = []string{"no_capacity", "not_eligible", "outside_area", "language_not_offered", "service_ended", "no_answer", "other"}

// withdrawReasons are the codes the agency may withdraw with.
var withdrawReasons = []string{"family_declined", "need_changed", "other_service_found", "case_closing", "made_in_error"}

// outcomes are what can come of an accepted referral. What nobody knows is "unknown", never "need_met".
var outcomes = []string{"need_met", "need_partly_met", "need_not_met", "family_did_not_attend", "unknown"}

// Referral follows one need of a case to one community service until the loop is closed.
// It holds nothing about the family but the case id.
type Referral struct {
	ID          ReferralID
	CaseID      CaseID
	ServiceID   string
	ServiceName string // as the directory had it at the request
	Need        string // a code of the needs file
	State       State
	ReasonCode  string // why declined or withdrawn
	OutcomeCode string // what came of it
	RequestedBy string // worker id
	RequestedAt time.Time
	AnsweredAt  time.Time // accepted or declined; zero before
	EndedAt     time.Time // declined, completed or withdrawn; zero before
	Version     int64
}

// Request starts a referral in state requested, version 1.
func Request(id ReferralID, caseID CaseID, service Service, need, by string, now time.Time) (Referral, error) {
	if service.Status != StatusActive {
		return Referral{}, fault.New(fault.Conflict, "service_not_active",
			fmt.Sprintf("The service is %s; refer to an active one.", service.Status),
			fault.Field{Pointer: "/service_id", Code: "service_not_active", Detail: "The directory does not list this service as active."})
	}
	return Referral{
		ID: id, CaseID: caseID, ServiceID: service.ID, ServiceName: service.Name, Need: need,
		State: Requested, RequestedBy: by, RequestedAt: now, Version: 1,
	}, nil
}

// Accept records that the service took the referral on. It returns a Conflict
// unless the referral is requested.
func (r Referral) Accept(now time.Time) (Referral, error) {
	if err := r.mustBe("accepted", Requested); err != nil {
		return r, err
	}
	r.State, r.AnsweredAt = Accepted, now
	return r.next(), nil
}

// Decline records that the service did not take the referral on. It returns a
// Conflict unless the referral is requested, Invalid for an unknown reason.
func (r Referral) Decline(reason string, now time.Time) (Referral, error) {
	if err := oneOf("/reason_code", reason, declineReasons); err != nil {
		return r, err
	}
	if err := r.mustBe("declined", Requested); err != nil {
		return r, err
	}
	r.State, r.ReasonCode, r.AnsweredAt, r.EndedAt = Declined, reason, now, now
	return r.next(), nil
}

// Complete closes the loop with what came of the referral. It returns a
// Conflict unless the referral is accepted, Invalid for an unknown outcome.
func (r Referral) Complete(outcome string, now time.Time) (Referral, error) {
	if err := oneOf("/outcome_code", outcome, outcomes); err != nil {
		return r, err
	}
	if err := r.mustBe("completed", Accepted); err != nil {
		return r, err
	}
	r.State, r.OutcomeCode, r.EndedAt = Completed, outcome, now
	return r.next(), nil
}

// Withdraw takes the referral back. It returns a Conflict when the referral is
// already at its end, Invalid for an unknown reason.
func (r Referral) Withdraw(reason string, now time.Time) (Referral, error) {
	if err := oneOf("/reason_code", reason, withdrawReasons); err != nil {
		return r, err
	}
	if err := r.mustBe("withdrawn", Requested, Accepted); err != nil {
		return r, err
	}
	r.State, r.ReasonCode, r.EndedAt = Withdrawn, reason, now
	return r.next(), nil
}

func (r Referral) next() Referral {
	r.Version++
	return r
}

func (r Referral) mustBe(become string, allowed ...State) error {
	for _, s := range allowed {
		if r.State == s {
			return nil
		}
	}
	return fault.New(fault.Conflict, "wrong_state",
		fmt.Sprintf("The resource referral is %s and cannot be %s.", r.State, become))
}

func oneOf(pointer, got string, known []string) error {
	for _, k := range known {
		if got == k {
			return nil
		}
	}
	return fault.New(fault.Invalid, "unknown_code", "The code is not one of those known.",
		fault.Field{Pointer: pointer, Code: "unknown_code", Detail: fmt.Sprintf("Use one of %v.", known)})
}

// Slip is all that the outside organisation is given: enough to quote and to
// act on, and nothing of the family.
type Slip struct {
	Reference     ReferralID
	CaseReference CaseID
	ServiceID     string
	ServiceName   string
	Need          string
	RequestedAt   time.Time
}

// Slip returns what the outside organisation is given.
func (r Referral) Slip() Slip {
	return Slip{r.ID, r.CaseID, r.ServiceID, r.ServiceName, r.Need, r.RequestedAt}
}
