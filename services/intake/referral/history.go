package referral

import (
	"cmp"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hearthfps/hearth/pkg/fault"
)

// EventStatus is what became of an event that was taken in.
type EventStatus string

// The statuses of an event.
const (
	Applied EventStatus = "applied"   // it has its effect
	Waiting EventStatus = "waiting"   // for the event it refers to
	Refused EventStatus = "refused"   // with what is known it cannot be applied
	Undone  EventStatus = "withdrawn" // it was taken back
)

// Entry is an event as it is kept, its reporter aside.
type Entry struct {
	Ref        EventRef
	Kind       Kind
	Target     EventRef
	Time       time.Time
	ReceiptID  ReceiptID
	ReferralID ReferralID // "" while it waits
	Hash       [32]byte
	Document   []byte
	Status     EventStatus
	Problems   []fault.Field
	// WantsFeedback is what the event says of it; nil when it says nothing.
	WantsFeedback *bool
}

// History is a submission and every event that came to refer to it, directly or
// through another.
//
//	               ┌────────────────────────── submission ──────────────┐
//	  corrects     │                                   withdraws        │
//	┌──────────────┴─┐  corrects   ┌──────────────┐  ┌──────────────────┴┐
//	│ correction C1  │◀────────────│ correction C2│  │ withdrawal W1     │◀── withdrawal W2
//	└──────────────▲─┘             └──────────────┘  └───────────────────┘    withdraws
//	  withdraws    └── withdrawal W3
//
// What it comes to is a function of the set of events, not of their order:
//
//   - A withdrawal holds unless another withdrawal that holds takes it back.
//   - The referral is withdrawn when a withdrawal that holds refers to the submission.
//   - A correction is taken back (withdrawn) when a withdrawal that holds refers
//     to it, or when what it corrects was taken back.
//   - The others are applied to the submission's data one after the other, each
//     as a merge patch: by time, a correction never before what it corrects, and
//     between equals by source and id. One whose result is not a sound referral is
//     refused and skipped. A withdrawn referral is corrected all the same: the
//     record says what the sender last said.
//   - A correction of a withdrawal is refused: there is nothing in it to correct.
//
// An event whose target is not known waits, belongs to no history, and has no
// effect; events that refer to each other in a ring wait for ever.
type History struct {
	Submission Entry
	Amendments []Entry
}

// Outcome is what a history comes to.
type Outcome struct {
	Content   Content
	Document  []byte // Content, as canonical JSON
	Withdrawn bool
	Statuses  map[EventRef]EventStatus
	Problems  map[EventRef][]fault.Field
	// Order are the receipts whose reporter parts apply, in order.
	Order []ReceiptID
	// WantsFeedback: the reporter asked to hear what became of it.
	WantsFeedback bool
}

// applied takes note of an entry that has its effect.
func (out *Outcome) applied(e *Entry) {
	out.Order = append(out.Order, e.ReceiptID)
	if e.WantsFeedback != nil {
		out.WantsFeedback = *e.WantsFeedback
	}
}

// Fold computes what the history comes to. The error means that what was kept
// does not read, which it did when it was taken in.
func (h *History) Fold(now time.Time) (Outcome, error) {
	out := Outcome{Statuses: map[EventRef]EventStatus{}, Problems: map[EventRef][]fault.Field{}}
	by := map[EventRef]*Entry{h.Submission.Ref: &h.Submission}
	withdrawals := map[EventRef][]*Entry{}
	for i := range h.Amendments {
		e := &h.Amendments[i]
		by[e.Ref] = e
		if e.Kind == Withdrawal {
			withdrawals[e.Target] = append(withdrawals[e.Target], e)
		}
	}
	var holds func(*Entry) bool
	takenBack := func(ref EventRef) bool {
		return slices.ContainsFunc(withdrawals[ref], func(w *Entry) bool { return holds(w) })
	}
	holds = func(w *Entry) bool { return !takenBack(w.Ref) }

	out.Withdrawn = takenBack(h.Submission.Ref)
	out.Statuses[h.Submission.Ref] = Applied
	if out.Withdrawn {
		out.Statuses[h.Submission.Ref] = Undone
	}
	var corrections []placed
	for i := range h.Amendments {
		e := &h.Amendments[i]
		switch {
		case e.Kind == Withdrawal:
			out.Statuses[e.Ref] = Applied
			if !holds(e) {
				out.Statuses[e.Ref] = Undone
			}
		case correctsWithdrawal(e, by):
			out.refuse(e.Ref, fault.Field{Pointer: "/data/corrects", Code: "not_correctable", Detail: "a withdrawal has nothing to correct: withdraw it instead"})
		case undone(e, by, takenBack):
			out.Statuses[e.Ref] = Undone
		default:
			corrections = append(corrections, place(e, by))
		}
	}
	slices.SortFunc(corrections, placed.compare)
	return out, out.apply(h.Submission, corrections, now)
}

// apply lays the corrections on the submission's data, one after the other.
func (out *Outcome) apply(submission Entry, corrections []placed, now time.Time) error {
	var tree any
	if err := json.Unmarshal(submission.Document, &tree); err != nil {
		return err
	}
	r := &reader{now: now}
	out.Content = r.content(tree, "/data")
	out.applied(&submission)
	for _, c := range corrections {
		var doc struct {
			Changes any `json:"changes"`
		}
		if err := json.Unmarshal(c.Document, &doc); err != nil {
			return err
		}
		merged := mergePatch(tree, doc.Changes)
		r := &reader{now: now}
		content := r.content(merged, "/data")
		if len(r.faults) > 0 {
			out.refuse(c.Ref, r.faults...)
			continue
		}
		tree, out.Content = merged, content
		out.Statuses[c.Ref] = Applied
		out.applied(c.Entry)
	}
	out.Document = canonical(tree)
	return nil
}

func (out *Outcome) refuse(ref EventRef, why ...fault.Field) {
	out.Statuses[ref] = Refused
	out.Problems[ref] = why
}

// placed is a correction and its place in the order of application.
type placed struct {
	*Entry
	time  time.Time // not before that of what it corrects
	depth int       // how many corrections it stands on
}

func place(e *Entry, by map[EventRef]*Entry) placed {
	p := placed{Entry: e, time: e.Time}
	for target := by[e.Target]; target != nil && target.Kind == Correction; target = by[target.Target] {
		p.depth++
		if target.Time.After(p.time) {
			p.time = target.Time
		}
	}
	return p
}

func (p placed) compare(q placed) int {
	return cmp.Or(p.time.Compare(q.time), cmp.Compare(p.depth, q.depth), cmp.Compare(p.Ref.Source, q.Ref.Source), cmp.Compare(p.Ref.ID, q.Ref.ID))
}

func correctsWithdrawal(e *Entry, by map[EventRef]*Entry) bool {
	for target := by[e.Target]; target != nil; target = by[target.Target] {
		if target.Kind == Withdrawal {
			return true
		}
	}
	return false
}

// undone says whether e or a correction it stands on was taken back.
func undone(e *Entry, by map[EventRef]*Entry, takenBack func(EventRef) bool) bool {
	for ; e != nil && e.Kind == Correction; e = by[e.Target] {
		if takenBack(e.Ref) {
			return true
		}
	}
	return false
}
