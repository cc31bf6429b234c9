package referral

import (
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
)

// ReceiptID, ReferralID and the like are UUIDv7 in text.
type (
	ReceiptID   string
	ReferralID  string
	PersonID    string
	HouseholdID string
	CaseID      string
	ClockID     string
)

// VerdictStatus is the answer to an arrival.
type VerdictStatus string

// The verdicts.
const (
	VerdictAccepted  VerdictStatus = "accepted"
	VerdictDuplicate VerdictStatus = "duplicate"
	VerdictConflict  VerdictStatus = "conflict"
	VerdictWaiting   VerdictStatus = "waiting"
	VerdictRefused   VerdictStatus = "refused"
)

// Verdict is what an arrival is answered.
type Verdict struct {
	Status     VerdictStatus
	ReceiptID  ReceiptID
	ReferralID ReferralID
	Problems   []fault.Field
	Notices    []fault.Field
}

// Ledger is what is known of the events that a group of arrivals touches: the
// same arrivals, events that refer to them, and the histories those belong to.
// Fill it with Know, give it arrivals in order, and store what Changed says.
type Ledger struct {
	entries   map[EventRef]*Entry
	histories map[ReferralID]*history
	waiting   map[EventRef][]*Entry // by target

	added      []*Entry
	changed    []*Entry
	quarantine []Event
}

// history keeps the entries of one referral by pointer, so that one entry has
// one status wherever it is seen.
type history struct {
	submission *Entry
	amendments []*Entry
}

// NewLedger makes an empty one.
func NewLedger() *Ledger {
	return &Ledger{entries: map[EventRef]*Entry{}, histories: map[ReferralID]*history{}, waiting: map[EventRef][]*Entry{}}
}

// Know tells the ledger an entry that is stored already, and says whether it is
// news. An entry may be told without its Document first, which is enough to know
// a duplicate by; all entries of a referral are told with it before one that
// belongs to it is received.
func (l *Ledger) Know(e Entry) bool {
	if known := l.entries[e.Ref]; known != nil {
		if known.Document != nil || e.Document == nil {
			return false
		}
		known.Document = e.Document
		return true
	}
	l.place(&e)
	return true
}

func (l *Ledger) place(e *Entry) {
	l.entries[e.Ref] = e
	switch {
	case e.ReferralID == "":
		l.waiting[e.Target] = append(l.waiting[e.Target], e)
	default:
		l.join(e)
	}
}

func (l *Ledger) join(e *Entry) {
	h := l.histories[e.ReferralID]
	if h == nil {
		h = &history{}
		l.histories[e.ReferralID] = h
	}
	if e.Kind == Submission {
		h.submission = e
	} else {
		h.amendments = append(h.amendments, e)
	}
}

// IDs makes new identifiers.
type IDs interface {
	Receipt() ReceiptID
	Referral() ReferralID
	Person() PersonID
	Household() HouseholdID
	Case() CaseID
	Clock() ClockID
}

// Step is what one arrival did.
type Step struct {
	Verdict Verdict
	// Entry is the arrival as it is now kept; nil when it was kept before or refused.
	Entry *Entry
	// Referral is the referral whose history grew; "" when none did.
	Referral ReferralID
	// New says that the referral came with this arrival.
	New bool
	// Adopted are events that had waited and now belong to the referral, in the
	// order they were found.
	Adopted []*Entry
	// Outcome is what the history now comes to, when it grew.
	Outcome Outcome
}

// Receive takes one arrival and says what it did.
//
//	identity known, same content   duplicate: the first receipt, no effect
//	identity known, other content  conflict: the first stays, this one is put in quarantine
//	submission                     accepted; what waited for it, and for that, is adopted
//	amendment, target in a history accepted (refused when it does not fit); adopts likewise
//	amendment, target not          waiting
func (l *Ledger) Receive(e Event, ids IDs, now time.Time) (Step, error) {
	if known := l.entries[e.Ref]; known != nil {
		return l.again(known, e), nil
	}
	entry := &Entry{Ref: e.Ref, Kind: e.Kind, Target: e.Target, Time: e.Time, ReceiptID: ids.Receipt(), Hash: e.Hash, Document: e.Document, Status: Waiting, WantsFeedback: e.WantsFeedback}
	step := Step{Entry: entry, Verdict: Verdict{Status: VerdictWaiting, ReceiptID: entry.ReceiptID, Notices: e.Notices}}
	switch target := l.entries[e.Target]; {
	case e.Kind == Submission:
		entry.ReferralID, step.New = ids.Referral(), true
	case target != nil:
		entry.ReferralID = target.ReferralID
	}
	l.place(entry)
	l.added = append(l.added, entry)
	if entry.ReferralID == "" {
		return step, nil
	}
	step.Referral = entry.ReferralID
	step.Adopted = l.adopt(entry)
	var err error
	if step.New && len(step.Adopted) == 0 {
		step.Outcome = e.alone(entry)
	} else if step.Outcome, err = l.settle(entry.ReferralID, now); err != nil {
		return Step{}, err
	}
	step.Verdict.Status, step.Verdict.ReferralID = VerdictAccepted, entry.ReferralID
	if entry.Status == Refused {
		step.Verdict.Status, step.Verdict.Problems = VerdictRefused, entry.Problems
	}
	return step, nil
}

// alone is what a submission nobody amended comes to: itself.
func (e *Event) alone(entry *Entry) Outcome {
	entry.Status = Applied
	out := Outcome{Content: *e.Content, Document: e.Document, Statuses: map[EventRef]EventStatus{e.Ref: Applied}}
	out.applied(entry)
	return out
}

func (l *Ledger) again(known *Entry, e Event) Step {
	v := Verdict{Status: VerdictDuplicate, ReceiptID: known.ReceiptID, ReferralID: known.ReferralID, Notices: e.Notices}
	if known.Hash != e.Hash {
		v.Status, v.Notices = VerdictConflict, nil
		v.Problems = []fault.Field{{Pointer: "", Code: "conflict", Detail: "an event with this source and id was received before with other content; the first is kept: send a correction with an id of its own"}}
		l.quarantine = append(l.quarantine, e)
	}
	return Step{Verdict: v}
}

// adopt takes the events that wait for e, and those that wait for them, into its history.
func (l *Ledger) adopt(e *Entry) []*Entry {
	var adopted []*Entry
	for queue := []*Entry{e}; len(queue) > 0; queue = queue[1:] {
		head := queue[0]
		for _, w := range l.waiting[head.Ref] {
			w.ReferralID = e.ReferralID
			l.join(w)
			l.touch(w)
			adopted, queue = append(adopted, w), append(queue, w)
		}
		delete(l.waiting, head.Ref)
	}
	return adopted
}

// settle folds a history and gives each of its entries the status that follows.
func (l *Ledger) settle(id ReferralID, now time.Time) (Outcome, error) {
	h := l.histories[id]
	flat := History{Submission: *h.submission}
	for _, e := range h.amendments {
		flat.Amendments = append(flat.Amendments, *e)
	}
	out, err := flat.Fold(now)
	if err != nil {
		return out, err
	}
	for _, e := range append([]*Entry{h.submission}, h.amendments...) {
		if e.Status != out.Statuses[e.Ref] || len(e.Problems) != len(out.Problems[e.Ref]) {
			e.Status, e.Problems = out.Statuses[e.Ref], out.Problems[e.Ref]
			l.touch(e)
		}
	}
	return out, nil
}

// Outcome is what the history of a referral comes to, all of whose entries the
// ledger knows.
func (l *Ledger) Outcome(id ReferralID, now time.Time) (Outcome, error) {
	if h := l.histories[id]; h == nil || h.submission == nil {
		return Outcome{}, fault.Missing("referral")
	}
	return l.settle(id, now)
}

func (l *Ledger) touch(e *Entry) {
	if !slices.Contains(l.added, e) && !slices.Contains(l.changed, e) {
		l.changed = append(l.changed, e)
	}
}

// Added are the entries that came, Changed those that were known and changed,
// Quarantine the events whose content conflicts with the one kept.
func (l *Ledger) Added() []*Entry     { return l.added }
func (l *Ledger) Changed() []*Entry   { return l.changed }
func (l *Ledger) Quarantine() []Event { return l.quarantine }

// Entry gives what is kept under an identity; nil when nothing is.
func (l *Ledger) Entry(ref EventRef) *Entry { return l.entries[ref] }
