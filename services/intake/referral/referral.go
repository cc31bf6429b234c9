package referral

import (
	"log/slog"
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
)

// Status of a referral.
type Status string

// The statuses of a referral. Received ends in one of the others; a withdrawal
// that is itself taken back brings it back to received.
//
//	received ──screen──▶ screened_in | screened_out | redirected
//	    ▲ │
//	    │ └─withdrawal──▶ withdrawn
//	    └──── taken back ────┘
//
// A withdrawal after the screening decision is recorded (WithdrawnAt) and
// changes no decision: what people decided, people undo.
const (
	Received    Status = "received"
	Withdrawn   Status = "withdrawn"
	ScreenedIn  Status = "screened_in"
	ScreenedOut Status = "screened_out"
	Redirected  Status = "redirected"
)

// Referral is what the sender's events about one matter come to, and what the
// agency decided.
type Referral struct {
	ID            ReferralID
	Version       int64
	Status        Status
	Receipt       ReceiptID
	Ref           EventRef
	ArrivedAt     time.Time
	Trace         string
	Content       Content
	Document      []byte // Content as canonical JSON, reporter aside
	Amended       bool   // Document differs from the submission's
	WantsFeedback bool
	Household     HouseholdID
	Persons       []PersonLink
	Priority      PriorityDecision
	Asked         *PriorityAsked
	TakenBy       string
	TakenAt       time.Time
	WithdrawnAt   time.Time
	Screening     *Screening
	Case          CaseID
	Clocks        []*ResponseClock
	// Excluded are told with the case; they are loaded to screen the referral.
	Excluded []Exclusion

	isNew    bool
	changed  bool
	relinked bool
	pending  Changes
}

// PersonLink ties a person of the referral, by ref, to the person known.
type PersonLink struct {
	Ref    string
	Person PersonID
	Role   string
	Basis  string
	Score  *Score // of a link made just now
}

// HistoryEntry says what happened, when and by whom: a worker's id, or "sender",
// "rule", "clock".
type HistoryEntry struct {
	At      time.Time
	What    string
	By      string
	Receipt ReceiptID
	Codes   map[string]string
}

// Changes are what a change of a referral has to say, beside its new state.
type Changes struct {
	Announcements []Announcement
	History       []HistoryEntry
}

// LogValue keeps what the referral says out of logs.
func (rf *Referral) LogValue() slog.Value {
	return slog.GroupValue(slog.String("referral_id", string(rf.ID)), slog.String("status", string(rf.Status)))
}

// String keeps what the referral says out of formatted text.
func (rf *Referral) String() string { return "referral " + string(rf.ID) }

// IsNew, Changed and Relinked (its persons) say what of the referral is to be
// stored; Pending what is to be said about it.
func (rf *Referral) IsNew() bool      { return rf.isNew }
func (rf *Referral) Changed() bool    { return rf.changed }
func (rf *Referral) Relinked() bool   { return rf.relinked }
func (rf *Referral) Pending() Changes { return rf.pending }

// start is when time begins to run: when the sender received it, but never
// later than it came to us, whatever the sender's clock says.
func (rf *Referral) start() time.Time {
	if rf.ArrivedAt.Before(rf.Content.ReceivedAt) {
		return rf.ArrivedAt
	}
	return rf.Content.ReceivedAt
}

// open says whether there is still something to decide.
func (rf *Referral) open() error {
	switch rf.Status {
	case Received:
		return nil
	case Withdrawn:
		return fault.New(fault.Conflict, "referral_withdrawn", "The sender withdrew this referral; there is nothing to decide.")
	default:
		return fault.New(fault.Conflict, "already_screened", "The screening decision on this referral was made already.")
	}
}

// Take takes the referral up. Taking what one has already taken changes nothing.
func (rf *Referral) Take(by string, now time.Time) error {
	if rf.TakenBy == by {
		return nil
	}
	if err := rf.open(); err != nil {
		return err
	}
	if rf.TakenBy != "" {
		return fault.New(fault.Conflict, "already_taken", "Somebody else has taken this referral up.")
	}
	rf.TakenBy, rf.TakenAt = by, now
	rf.change()
	rf.note(now, "taken", by, nil)
	rf.meet(MetTaken, now)
	return nil
}

func (rf *Referral) change() {
	rf.Version++
	rf.changed = true
}

func (rf *Referral) note(at time.Time, what, by string, codes map[string]string) {
	rf.pending.History = append(rf.pending.History, HistoryEntry{At: at, What: what, By: by, Codes: codes})
}

func (rf *Referral) noteReceipt(at time.Time, what string, receipt ReceiptID, codes map[string]string) {
	rf.pending.History = append(rf.pending.History, HistoryEntry{At: at, What: what, By: "sender", Receipt: receipt, Codes: codes})
}

// key is what orders the referral's events: its case once there is one.
func (rf *Referral) key() string {
	if rf.Case != "" {
		return string(rf.Case)
	}
	return string(rf.ID)
}

func (rf *Referral) announce(kind string, data any) {
	rf.say(kind, string(rf.ID), data)
}

func (rf *Referral) say(kind, subject string, data any) {
	rf.pending.Announcements = append(rf.pending.Announcements, Announcement{
		Type: kind, Subject: subject, Key: rf.key(), Version: rf.Version, Trace: rf.Trace, Data: data,
	})
}

func (rf *Referral) announcePriority() {
	p := rf.Priority
	rf.announce(TypeReferralPrioritised, ReferralPrioritised{
		Referral: rf.ID, Priority: p.Priority, RuleName: p.RuleName, RuleVersion: p.RuleVersion, Overridden: p.Overridden, Urgent: p.Urgent, DueAt: p.DueAt,
	})
}

// feedback tells that the reporter, who asked, is due an answer.
func (rf *Referral) feedback() {
	if rf.WantsFeedback {
		rf.announce(TypeFeedbackDue, FeedbackDue{Referral: rf.ID, Status: rf.Status})
	}
}

func (rf *Referral) inRoles() []PersonInRole {
	persons := []PersonInRole{}
	for _, l := range rf.Persons {
		persons = append(persons, PersonInRole{Person: l.Person, Role: l.Role})
	}
	return persons
}

// person is the link of a ref; nil when the referral names no such person.
func (rf *Referral) person(ref string) *PersonLink {
	if i := slices.IndexFunc(rf.Persons, func(l PersonLink) bool { return l.Ref == ref }); i >= 0 {
		return &rf.Persons[i]
	}
	return nil
}
