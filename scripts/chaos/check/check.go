// Package check judges a chaos run from its evidence alone: what was sent, what
// was answered, what stands in the topics and what stands in the databases. It
// shares no code with the services; where both hold the same rule, each states
// it in its own way.
//
// It proves, of one run:
//
//  1. nothing sent is lost: each referral sent has one receipt and one referral;
//  2. nothing is doubled: no referral, event, case file or effect stands twice;
//  3. what was answered is true: the receipt an answer named is the one on record;
//  4. each event on a topic was taken in once by every service that handles its type;
//  5. each consumer took the events of one key in the order they stand in their topic;
//  6. on a topic, the versions of one aggregate under one key only grow;
//  7. nothing is left behind: outboxes are empty and nothing is parked.
package check

import (
	"fmt"
	"sort"
	"strings"
	"time"
)

// Sent is one referral the load sent until it was answered.
type Sent struct {
	Source    string `json:"source"`
	ID        string `json:"id"`
	Via       string `json:"via"`                  // "http" or "kafka"
	ReceiptID string `json:"receipt_id,omitempty"` // from the answer; empty when the way has none
	// Began is before it was sent first, Answered after it was answered.
	Began    time.Time `json:"began"`
	Answered time.Time `json:"answered"`
}

// Receipt is what intake has on record for one accepted event.
type Receipt struct {
	Source, ID, ReceiptID, ReferralID string
}

// Record is one event as it stands in a topic.
type Record struct {
	Topic     string
	Partition int
	Offset    int64
	ID        string // CloudEvents id: the same event published twice has the same id
	Type      string
	Key       string
	Subject   string
	Version   int64
}

// Taken is one row of a service's inbox: an event it handled, in the order it handled them.
type Taken struct {
	EventID string
	Seq     int64
}

// Evidence is all the checker looks at.
type Evidence struct {
	Sent      []Sent
	Receipts  []Receipt
	Referrals []string // referral ids in intake's table
	Topics    []Record // every topic of the services', each partition in offset order
	Inbox     map[string][]Taken
	Handles   map[string]func(eventType string) bool // by service
	Outbox    map[string]int                         // rows not yet published, by service
	Parked    map[string]int                         // events set aside, by service
	CaseFiles map[string]int                         // planning: rows by case id
	Due       map[string]int                         // assessment: assessments by case id and instrument
}

// Finding is one breach, with enough to look it up.
type Finding struct {
	Rule   string // "lost", "doubled", "answer", "order", "left"
	Detail string
}

func (f Finding) String() string { return f.Rule + ": " + f.Detail }

// Run judges the evidence; no findings means the run holds.
func Run(e Evidence) []Finding {
	var c collector
	c.referrals(e)
	firsts := c.topics(e)
	c.consumers(e, firsts)
	c.effects(e, firsts)
	c.leftovers(e)
	return c.found
}

type collector struct{ found []Finding }

func (c *collector) add(rule, format string, args ...any) {
	c.found = append(c.found, Finding{rule, fmt.Sprintf(format, args...)})
}

func (c *collector) referrals(e Evidence) {
	type key struct{ source, id string }
	byKey := map[key][]Receipt{}
	ofReferral := map[string]int{}
	for _, r := range e.Receipts {
		byKey[key{r.Source, r.ID}] = append(byKey[key{r.Source, r.ID}], r)
		ofReferral[r.ReferralID]++
	}
	for _, s := range e.Sent {
		got := byKey[key{s.Source, s.ID}]
		switch {
		case len(got) == 0:
			c.add("lost", "event %s by %s has no receipt", s.ID, s.Via)
			continue
		case len(got) > 1:
			c.add("doubled", "event %s by %s has %d receipts", s.ID, s.Via, len(got))
		}
		if s.ReceiptID != "" && s.ReceiptID != got[0].ReceiptID {
			c.add("answer", "event %s was answered with receipt %s, on record is %s", s.ID, s.ReceiptID, got[0].ReceiptID)
		}
		if got[0].ReferralID == "" {
			c.add("lost", "receipt %s of event %s leads to no referral", got[0].ReceiptID, s.ID)
		}
	}
	stands := map[string]bool{}
	for _, id := range e.Referrals {
		stands[id] = true
		if ofReferral[id] != 1 {
			c.add("doubled", "referral %s belongs to %d receipts", id, ofReferral[id])
		}
	}
	for id := range ofReferral {
		if id != "" && !stands[id] {
			c.add("lost", "referral %s is on a receipt and not in the table", id)
		}
	}
	if len(e.Referrals) != len(e.Sent) {
		c.add("doubled", "%d events were sent and %d referrals stand", len(e.Sent), len(e.Referrals))
	}
}

// topics keeps the first standing of each event: publishing is at least once,
// so an event may stand again later, and only its first place counts.
func (c *collector) topics(e Evidence) []Record {
	var firsts []Record
	seen := map[string]Record{}
	versions := map[string]int64{}
	for _, r := range e.Topics {
		if first, again := seen[r.ID]; again {
			if first.Topic != r.Topic || first.Partition != r.Partition {
				c.add("order", "event %s stands in %s/%d and in %s/%d", r.ID, first.Topic, first.Partition, r.Topic, r.Partition)
			}
			continue
		}
		seen[r.ID] = r
		firsts = append(firsts, r)
		if r.Version > 0 {
			// An aggregate that gets another key (a referral that becomes a case) begins another lane.
			at := r.Topic + " " + r.Subject + " under key " + r.Key
			if r.Version < versions[at] {
				c.add("order", "event %s of %s has version %d after version %d", r.ID, at, r.Version, versions[at])
			}
			versions[at] = r.Version
		}
	}
	return firsts
}

func (c *collector) consumers(e Evidence, firsts []Record) {
	for service, inbox := range e.Inbox {
		at := map[string]int64{}
		for _, t := range inbox {
			if _, twice := at[t.EventID]; twice {
				c.add("doubled", "%s took event %s twice", service, t.EventID)
			}
			at[t.EventID] = t.Seq
		}
		last := map[string]Record{}
		for _, r := range firsts {
			if !e.Handles[service](r.Type) {
				continue
			}
			seq, taken := at[r.ID]
			if !taken {
				c.add("lost", "%s never took %s %s (%s/%d@%d)", service, r.Type, r.ID, r.Topic, r.Partition, r.Offset)
				continue
			}
			lane := r.Topic + " " + r.Key
			if before, ok := last[lane]; ok && at[before.ID] > seq {
				c.add("order", "%s took %s before %s, which stands before it under key %s", service, r.ID, before.ID, r.Key)
			}
			last[lane] = r
		}
	}
}

// effects compares what the topics say happened with what stands because of it.
func (c *collector) effects(e Evidence, firsts []Record) {
	received, opened := map[string]int{}, map[string]int{}
	for _, r := range firsts {
		switch r.Type {
		case "org.hearth.intake.referral.received.v1":
			received[r.Subject]++
		case "org.hearth.intake.case.opened.v1":
			opened[r.Key]++
		}
	}
	for _, id := range e.Referrals {
		if received[id] != 1 {
			c.add(rule(received[id]), "referral %s was announced %d times", id, received[id])
		}
	}
	for id, n := range opened {
		if n != 1 {
			c.add("doubled", "case %s was opened %d times", id, n)
		}
		if e.CaseFiles[id] != 1 {
			c.add(rule(e.CaseFiles[id]), "case %s has %d files in planning", id, e.CaseFiles[id])
		}
	}
	for id := range e.CaseFiles {
		if opened[id] == 0 {
			c.add("doubled", "planning has a file of case %s, which was never opened", id)
		}
	}
	instruments := map[string]int{}
	for what, n := range e.Due {
		instruments[strings.SplitN(what, " ", 2)[0]]++
		if n != 1 {
			c.add("doubled", "assessment %s is due %d times", what, n)
		}
	}
	for id := range opened {
		if instruments[id] == 0 {
			c.add("lost", "case %s has no assessment due", id)
		}
	}
}

func rule(n int) string {
	if n == 0 {
		return "lost"
	}
	return "doubled"
}

func (c *collector) leftovers(e Evidence) {
	for service, n := range e.Outbox {
		if n > 0 {
			c.add("left", "%d events wait in the outbox of %s", n, service)
		}
	}
	for service, n := range e.Parked {
		if n > 0 {
			c.add("left", "%d events are parked in %s", n, service)
		}
	}
}

// Summary counts findings by rule, in a fixed order.
func Summary(found []Finding) string {
	counts := map[string]int{}
	for _, f := range found {
		counts[f.Rule]++
	}
	rules := []string{"lost", "doubled", "order", "answer", "left"}
	sort.Strings(rules)
	parts := make([]string, 0, len(rules))
	for _, r := range rules {
		parts = append(parts, fmt.Sprintf("%s %d", r, counts[r]))
	}
	return strings.Join(parts, ", ")
}
