package message

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Draft is a message an event calls for, before it has an id and a row.
type Draft struct {
	Template   string
	Audience   Audience
	Recipient  string // "" for the duty team: one message an entry of the agency file
	CaseID     string
	ReferralID string
	VisitID    string
	Variables  map[string]string
	DueAt      time.Time
	ExpiresAt  time.Time
	NoTime     bool // no allowed time is left: to be withheld with a task
}

// Knowledge is what is known from earlier events when a message is planned.
type Knowledge struct {
	Supervisor string         // of the event's case; "" when none is known
	Reachable  bool           // whether that supervisor has registered a contact
	Now        time.Time      //
	Zone       *time.Location // the agency's
	Rules      Delivery
}

// Occurrence is an event as this service reads it: the fields it needs of any
// type it listens to.
type Occurrence struct {
	CaseID       string    `json:"case_id"`
	ReferralID   string    `json:"referral_id"`
	Priority     string    `json:"priority"`
	Urgent       bool      `json:"urgent"`
	Clock        string    `json:"clock"`
	DueAt        time.Time `json:"due_at"`
	WorkerID     string    `json:"worker_id"`
	SupervisorID string    `json:"supervisor_id"`
	Role         string    `json:"role"`
	Author       string    `json:"author"`
	ReasonCode   string    `json:"reason_code"`
	Workers      []string  `json:"workers"`
	VisitID      string    `json:"visit_id"`
	StartsAt     time.Time `json:"starts_at"`
	ExpectedAt   time.Time `json:"expected_at"`
	Recipients   []string  `json:"recipients"`
	// PreviousWorkers and PreviousStartsAt are of a visit that was rescheduled.
	PreviousWorkers  []string  `json:"previous_workers"`
	PreviousStartsAt time.Time `json:"previous_starts_at"`
	// Reasons and LostStartsAt are of a visit without a place; the latter when it had one.
	Reasons      []string  `json:"reasons"`
	LostStartsAt time.Time `json:"lost_starts_at"`
}

// ReadOccurrence reads an event's data.
func ReadOccurrence(data json.RawMessage) (Occurrence, error) {
	var o Occurrence
	if err := json.Unmarshal(data, &o); err != nil {
		return o, fmt.Errorf("read event: %w", err)
	}
	return o, nil
}

// Urgent tells the duty team of an urgent referral. A referral that is not urgent calls for nothing.
func Urgent(o Occurrence, k Knowledge) []Draft {
	if !o.Urgent {
		return nil
	}
	return []Draft{k.inside(Draft{
		Template: "urgent_referral", Audience: DutyTeam, ReferralID: o.ReferralID,
		Variables: map[string]string{"referral_id": o.ReferralID, "priority": o.Priority, "due_at": stamp(o.DueAt)},
	})}
}

// ClockExpired tells the case's supervisor that a statutory clock ran out; the
// duty team when the case has none, or one who cannot be reached.
func ClockExpired(o Occurrence, k Knowledge) []Draft {
	reference := o.CaseID
	if reference == "" {
		reference = o.ReferralID
	}
	d := Draft{
		Template: "clock_expired", Audience: DutyTeam, CaseID: o.CaseID, ReferralID: o.ReferralID,
		Variables: map[string]string{"reference": reference, "clock": o.Clock, "due_at": stamp(o.DueAt)},
	}
	if k.Supervisor != "" && k.Reachable {
		d.Audience, d.Recipient = Supervisor, k.Supervisor
	}
	return []Draft{k.inside(d)}
}

// Assigned tells a worker of a new case.
func Assigned(o Occurrence, k Knowledge) []Draft {
	return []Draft{k.inside(Draft{
		Template: "assignment", Audience: Worker, Recipient: o.WorkerID, CaseID: o.CaseID,
		Variables: map[string]string{"case_id": o.CaseID, "role": o.Role},
	})}
}

// PlanSubmitted tells the supervisor that a plan waits for a decision.
func PlanSubmitted(o Occurrence, k Knowledge) []Draft {
	return []Draft{k.inside(Draft{
		Template: "plan_submitted", Audience: Supervisor, Recipient: o.SupervisorID, CaseID: o.CaseID,
		Variables: map[string]string{"case_id": o.CaseID},
	})}
}

// PlanApproved tells the case's workers.
func PlanApproved(o Occurrence, k Knowledge) []Draft {
	var drafts []Draft
	for _, w := range distinct(o.Workers) {
		drafts = append(drafts, k.inside(Draft{
			Template: "plan_approved", Audience: Worker, Recipient: w, CaseID: o.CaseID,
			Variables: map[string]string{"case_id": o.CaseID},
		}))
	}
	return drafts
}

// PlanReturned tells the plan's workers why it came back. The event names no
// worker; they are those assigned to the case.
func PlanReturned(o Occurrence, assigned []string, k Knowledge) []Draft {
	var drafts []Draft
	for _, w := range distinct(assigned) {
		drafts = append(drafts, k.inside(Draft{
			Template: "plan_returned", Audience: Worker, Recipient: w, CaseID: o.CaseID,
			Variables: map[string]string{"case_id": o.CaseID, "reason_code": o.ReasonCode},
		}))
	}
	return drafts
}

// CheckoutMissed asks the visit's workers and their supervisor to make sure all
// is well; the duty team in a supervisor's stead when there is none to reach.
func CheckoutMissed(o Occurrence, k Knowledge) []Draft {
	draft := Draft{
		Template: "checkout_missed", CaseID: o.CaseID, VisitID: o.VisitID,
		Variables: map[string]string{"visit_id": o.VisitID, "case_id": o.CaseID, "expected_at": stamp(o.ExpectedAt)},
	}
	var drafts []Draft
	for _, w := range distinct(o.Workers) {
		d := draft
		d.Audience, d.Recipient = Worker, w
		drafts = append(drafts, k.inside(d))
	}
	draft.Audience = DutyTeam
	if k.Supervisor != "" && k.Reachable {
		draft.Audience, draft.Recipient = Supervisor, k.Supervisor
	}
	return append(drafts, k.inside(draft))
}

// VisitReminders reminds each recipient before a visit; nobody of one that has begun.
func VisitReminders(o Occurrence, k Knowledge) []Draft {
	if !o.StartsAt.After(k.Now) {
		return nil
	}
	at, ok := k.Rules.ReminderAt(o.StartsAt, k.Now, k.Zone)
	var drafts []Draft
	for _, person := range distinct(o.Recipients) {
		d := Draft{
			Template: "visit_reminder", Audience: Family, Recipient: person, CaseID: o.CaseID, VisitID: o.VisitID,
			Variables: map[string]string{"starts_at": stamp(o.StartsAt)},
			DueAt:     at, ExpiresAt: o.StartsAt, NoTime: !ok,
		}
		if d.NoTime {
			d.DueAt = k.Now
		}
		drafts = append(drafts, d)
	}
	return drafts
}

// VisitMoved tells, at once, the family and the workers of a visit that has
// another time or other workers, and those it was taken from. gone are those of
// the latter who may still hear of the case. A visit that has begun moves nobody.
func VisitMoved(o Occurrence, gone []string, k Knowledge) []Draft {
	if !o.StartsAt.After(k.Now) {
		return nil
	}
	var drafts []Draft
	at := k.Rules.NextAllowed(k.Now, k.Zone)
	for _, person := range distinct(o.Recipients) {
		d := Draft{
			Template: "visit_moved", Audience: Family, Recipient: person, CaseID: o.CaseID, VisitID: o.VisitID,
			Variables: map[string]string{"starts_at": stamp(o.StartsAt)},
			DueAt:     at, ExpiresAt: o.StartsAt, NoTime: !at.Before(o.StartsAt),
		}
		if d.NoTime {
			d.DueAt = k.Now
		}
		drafts = append(drafts, d)
	}
	for _, w := range distinct(o.Workers) {
		drafts = append(drafts, k.inside(Draft{
			Template: "visit_changed", Audience: Worker, Recipient: w, CaseID: o.CaseID, VisitID: o.VisitID,
			Variables: map[string]string{"visit_id": o.VisitID, "case_id": o.CaseID, "starts_at": stamp(o.StartsAt)},
		}))
	}
	for _, w := range distinct(gone) {
		drafts = append(drafts, k.inside(Draft{
			Template: "visit_taken", Audience: Worker, Recipient: w, CaseID: o.CaseID, VisitID: o.VisitID,
			Variables: map[string]string{"visit_id": o.VisitID, "starts_at": stamp(o.PreviousStartsAt)},
		}))
	}
	return drafts
}

// TakenFrom are the workers a rescheduled visit no longer has.
func (o Occurrence) TakenFrom() []string {
	var gone []string
	for _, w := range distinct(o.PreviousWorkers) {
		if !slices.Contains(o.Workers, w) {
			gone = append(gone, w)
		}
	}
	return gone
}

// VisitUnplaced tells the case's supervisor, or the duty team, of a visit that had
// a time and finds no other. One that never had a time calls for nothing.
func VisitUnplaced(o Occurrence, k Knowledge) []Draft {
	if o.LostStartsAt.IsZero() || len(o.Reasons) == 0 {
		return nil
	}
	d := Draft{
		Template: "visit_unplaced", Audience: DutyTeam, CaseID: o.CaseID, VisitID: o.VisitID,
		Variables: map[string]string{"visit_id": o.VisitID, "case_id": o.CaseID, "starts_at": stamp(o.LostStartsAt), "reason_code": o.Reasons[0]},
	}
	if k.Supervisor != "" && k.Reachable {
		d.Audience, d.Recipient = Supervisor, k.Supervisor
	}
	return []Draft{k.inside(d)}
}

// Feedback thanks a reporter who asked to hear back.
func Feedback(o Occurrence, k Knowledge) []Draft {
	return []Draft{{
		Template: "feedback", Audience: Reporter, Recipient: o.ReferralID, ReferralID: o.ReferralID,
		DueAt: k.Rules.NextAllowed(k.Now, k.Zone), ExpiresAt: k.Now.Add(k.Rules.ExpiresAfter),
	}}
}

// inside completes a message within the agency: due now, for as long as messages last.
func (k Knowledge) inside(d Draft) Draft {
	d.DueAt, d.ExpiresAt = k.Now, k.Now.Add(k.Rules.ExpiresAfter)
	return d
}

// DedupeKey names a message: one event makes one of a template for a recipient.
func DedupeKey(eventID, template, recipient string) string {
	return eventID + "/" + template + "/" + recipient
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func distinct(in []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, s := range in {
		if s != "" && !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}
