package referral

import (
	"bytes"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hearthfps/hearth/pkg/clock"
)

// Desk turns what events come to into referrals: who the persons are, how soon
// it must be answered, which clocks run.
type Desk struct {
	RuleBook RuleBook
	IDs      IDs
}

// Rules are the versions of the rules in force on a day.
type Rules struct {
	Priorities *PriorityRules
	Clocks     *ClockRules
	Screening  *ScreeningRules
}

// RuleBook knows which rules are in force on a day.
type RuleBook interface {
	InForce(day clock.Date) (Rules, error)
}

// Rules are those in force on the agency's day.
func (d *Desk) Rules(a *Agency, now time.Time) (Rules, error) {
	return d.RuleBook.InForce(a.Calendar.Today(now))
}

// Book is what is known of all that a group of arrivals touches, and who finds
// who is who in it.
type Book struct {
	*Ledger
	Matcher   Matcher
	People    *People
	Referrals map[ReferralID]*Referral

	described map[*Content][]*Person
	// SampleShare is the share of links made without asking that are to be judged
	// by somebody afterwards.
	SampleShare float64
}

// NewBook makes an empty one.
func NewBook(m Matcher) *Book {
	return &Book{Matcher: m, Ledger: NewLedger(), People: NewPeople(), Referrals: map[ReferralID]*Referral{}, described: map[*Content][]*Person{}}
}

// MatchBy has another matcher find who is who.
func (b *Book) MatchBy(m Matcher) {
	b.Matcher = m
	clear(b.described)
}

// Describe gives the persons a submission describes, not yet known: what is to be
// looked for before it is received.
func (b *Book) Describe(c *Content) []*Person {
	if b.described[c] == nil {
		b.described[c] = newPersons(c.Persons, c.Kind)
	}
	return b.described[c]
}

// Receive takes one arrival and brings the referral it belongs to, if any, to
// where it leads. trace is stored with a referral that begins.
func (d *Desk) Receive(b *Book, e Event, trace string, a *Agency, now time.Time) (Verdict, error) {
	step, err := b.Ledger.Receive(e, d.IDs, now)
	if err != nil || step.Referral == "" {
		return step.Verdict, err
	}
	rf := b.Referrals[step.Referral]
	if step.New {
		if rf, err = d.Open(step.Entry, e.Content, trace, b, a, now); err != nil {
			return Verdict{}, err
		}
		b.Referrals[rf.ID] = rf
		if len(step.Adopted) == 0 {
			rf.WantsFeedback = step.Outcome.WantsFeedback
			return step.Verdict, nil
		}
	}
	return step.Verdict, d.Amend(rf, step.Outcome, step.Entry.ReceiptID, b, a, now)
}

// Open makes the referral a submission asks for, as it was submitted; what
// amended it before it came is then applied by Amend.
func (d *Desk) Open(e *Entry, c *Content, trace string, b *Book, a *Agency, now time.Time) (*Referral, error) {
	rf := &Referral{
		ID: e.ReferralID, Version: 1, Status: Received, Receipt: e.ReceiptID, Ref: e.Ref, ArrivedAt: now, Trace: trace,
		Content: *c, Document: e.Document, isNew: true,
	}
	rf.Persons = b.People.identify(c.Persons, b.Describe(c), rf, b.Matcher, d.IDs)
	rf.Household = b.People.household(rf.Persons, c.Household, d.IDs)
	rules, err := d.Rules(a, now)
	if err != nil {
		return nil, err
	}
	if rf.Priority, err = rules.Priorities.Propose(c, a, rf.start(), now); err != nil {
		return nil, err
	}
	rf.announce(TypeReferralReceived, ReferralReceived{
		Referral: rf.ID, Receipt: rf.Receipt, Channel: c.Channel, Kind: c.Kind, RequestedProgram: c.RequestedProgram, Urgency: c.Urgency,
		ConcernCodes: c.ConcernCodes(), SafetyFlags: c.SafetyFlags, Persons: rf.inRoles(), Household: rf.Household, ReceivedAt: c.ReceivedAt,
	})
	rf.announcePriority()
	return rf, d.runClocks(rf, a, now)
}

// Amend brings the referral to what its history now comes to. by is the receipt
// of what arrived. It changes nothing when nothing that counts is otherwise.
func (d *Desk) Amend(rf *Referral, out Outcome, by ReceiptID, b *Book, a *Agency, now time.Time) error {
	if rf.WantsFeedback != out.WantsFeedback {
		rf.WantsFeedback = out.WantsFeedback
		rf.changed = true
	}
	changed, err := changedFields(rf.Document, out.Document)
	if err != nil {
		return err
	}
	if len(changed) > 0 {
		d.correct(rf, out, changed, by, b, now)
	}
	switch {
	case out.Withdrawn && rf.WithdrawnAt.IsZero():
		d.withdraw(rf, by, now)
	case !out.Withdrawn && !rf.WithdrawnAt.IsZero():
		d.restore(rf, by, now)
	}
	if rf.Status == Received && len(changed) > 0 {
		return d.reconsider(rf, a, now)
	}
	return d.runClocks(rf, a, now)
}

func (d *Desk) correct(rf *Referral, out Outcome, changed []string, by ReceiptID, b *Book, now time.Time) {
	before := rf.Content
	rf.Content, rf.Document, rf.Amended = out.Content, out.Document, true
	rf.change()
	if slices.Contains(changed, "persons") {
		d.correctPersons(rf, before.Persons, b)
	}
	data := ReferralCorrected{Referral: rf.ID, Household: rf.Household, Changed: changed}
	if slices.Contains(changed, "urgency") {
		data.Urgency = rf.Content.Urgency
	}
	rf.announce(TypeReferralCorrected, data)
	rf.noteReceipt(now, "corrected", by, nil)
}

// correctPersons follows corrected persons by ref: one that stays is the same
// person with corrected details, one that is new is identified, one that is gone
// is no longer in the referral.
func (d *Desk) correctPersons(rf *Referral, before []ReportedPerson, b *Book) {
	links := make([]PersonLink, 0, len(rf.Content.Persons))
	var added []ReportedPerson
	for _, now := range rf.Content.Persons {
		link := rf.person(now.Ref)
		if link == nil {
			added = append(added, now)
			continue
		}
		link.Role = now.Role
		links = append(links, *link)
		i := slices.IndexFunc(before, func(p ReportedPerson) bool { return p.Ref == now.Ref })
		if p := b.People.Get(link.Person); p != nil && i >= 0 {
			p.correct(before[i], now, rf.ID)
			b.People.Know(p, p.FoundBy(b.Matcher)...)
		}
	}
	rf.relinked = true
	rf.Persons = links
	rf.Persons = append(links, b.People.identify(added, newPersons(added, rf.Content.Kind), rf, b.Matcher, d.IDs)...)
	// Who those the correction adds may be was not loaded with it.
	for _, l := range rf.Persons[len(links):] {
		b.People.Get(l.Person).corrected = true
	}
}

func (d *Desk) withdraw(rf *Referral, by ReceiptID, now time.Time) {
	rf.WithdrawnAt = now
	if rf.Status == Received {
		rf.Status = Withdrawn
	}
	rf.change()
	rf.announce(TypeReferralWithdrawn, ReferralWithdrawn{Referral: rf.ID})
	rf.noteReceipt(now, "withdrawn", by, nil)
}

func (d *Desk) restore(rf *Referral, by ReceiptID, now time.Time) {
	rf.WithdrawnAt = time.Time{}
	if rf.Status == Withdrawn {
		rf.Status = Received
	}
	rf.change()
	rf.noteReceipt(now, "withdrawal_taken_back", by, nil)
	rf.announce(TypeReferralCorrected, ReferralCorrected{Referral: rf.ID, Household: rf.Household, Changed: []string{"status"}})
}

// reconsider proposes the priority again after a correction. What a person
// overrode stands: the correction shows in the history, and people decide again.
func (d *Desk) reconsider(rf *Referral, a *Agency, now time.Time) error {
	if rf.Priority.Overridden {
		return d.runClocks(rf, a, now)
	}
	rules, err := d.Rules(a, now)
	if err != nil {
		return err
	}
	proposal, err := rules.Priorities.Propose(&rf.Content, a, rf.start(), now)
	if err != nil {
		return err
	}
	old := rf.Priority
	if proposal.Priority != old.Priority || !proposal.DueAt.Equal(old.DueAt) {
		rf.Priority = proposal
		rf.change()
		rf.announcePriority()
	}
	return d.runClocks(rf, a, now)
}

// changedFields are the members of data that differ between two documents.
func changedFields(before, after []byte) ([]string, error) {
	if bytes.Equal(before, after) {
		return nil, nil
	}
	var a, b map[string]any
	if err := json.Unmarshal(before, &a); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(after, &b); err != nil {
		return nil, err
	}
	var changed []string
	for _, name := range fields {
		_, inA := a[name]
		_, inB := b[name]
		if inA != inB || !bytes.Equal(canonical(a[name]), canonical(b[name])) {
			changed = append(changed, name)
		}
	}
	return changed, nil
}

// ReadContent reads a stored document, which was sound when it was stored.
func ReadContent(document []byte, now time.Time) (Content, error) {
	var tree any
	if err := json.Unmarshal(document, &tree); err != nil {
		return Content{}, err
	}
	r := &reader{now: now.AddDate(1, 0, 0)}
	return r.content(tree, "/data"), nil
}

// Override changes a referral's priority by a person's decision, with the clocks
// that follow from it.
func (d *Desk) Override(rf *Referral, to Priority, reason, note, by string, a *Agency, now time.Time) error {
	rules, err := d.Rules(a, now)
	if err != nil {
		return err
	}
	if err := rf.Override(to, reason, note, by, rules.Priorities, a, now); err != nil {
		return err
	}
	return d.runClocks(rf, a, now)
}

// Confirm makes the less urgent priority somebody else asked for hold, with the
// clocks that follow from it.
func (d *Desk) Confirm(rf *Referral, by string, a *Agency, now time.Time) error {
	rules, err := d.Rules(a, now)
	if err != nil {
		return err
	}
	if err := rf.Confirm(by, rules.Priorities, a, now); err != nil {
		return err
	}
	return d.runClocks(rf, a, now)
}
