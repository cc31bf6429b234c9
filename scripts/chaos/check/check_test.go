package check_test

import (
	"strings"
	"testing"

	"github.com/hearthfps/hearth/scripts/chaos/check"
)

func everything(string) bool { return true }

// sound is the evidence of a run in which one referral became one case.
func sound() check.Evidence {
	topics := []check.Record{
		{Topic: "intake.events.v1", Offset: 0, ID: "e1", Type: "org.hearth.intake.referral.received.v1", Key: "r1", Subject: "r1", Version: 1},
		{Topic: "intake.events.v1", Offset: 1, ID: "e2", Type: "org.hearth.intake.case.opened.v1", Key: "c1", Subject: "c1", Version: 1},
		{Topic: "intake.events.v1", Offset: 2, ID: "e3", Type: "org.hearth.intake.clock.met.v1", Key: "c1", Subject: "k1", Version: 2},
		{Topic: "intake.events.v1", Offset: 3, ID: "e1", Type: "org.hearth.intake.referral.received.v1", Key: "r1", Subject: "r1", Version: 1},
	}
	return check.Evidence{
		Sent:      []check.Sent{{Source: "/s", ID: "in1", Via: "http", ReceiptID: "p1"}},
		Receipts:  []check.Receipt{{Source: "/s", ID: "in1", ReceiptID: "p1", ReferralID: "r1"}},
		Referrals: []string{"r1"},
		Topics:    topics,
		Inbox:     map[string][]check.Taken{"planning": {{"e1", 1}, {"e2", 2}, {"e3", 3}}},
		Handles:   map[string]func(string) bool{"planning": everything},
		Outbox:    map[string]int{"intake": 0},
		Parked:    map[string]int{"planning": 0},
		CaseFiles: map[string]int{"c1": 1},
		Due:       map[string]int{"c1 safety-checklist": 1},
	}
}

func TestRun_SoundEvidenceHasNoFindings(t *testing.T) {
	if found := check.Run(sound()); len(found) != 0 {
		t.Errorf("found %v, want nothing", found)
	}
}

func TestRun_FindsEachBreach(t *testing.T) {
	cases := []struct {
		name string
		harm func(*check.Evidence)
		want string
	}{
		{"a referral without a receipt", func(e *check.Evidence) { e.Receipts = nil }, "lost: event in1"},
		{"two receipts for one event", func(e *check.Evidence) {
			e.Receipts = append(e.Receipts, check.Receipt{Source: "/s", ID: "in1", ReceiptID: "p2", ReferralID: "r2"})
		}, "doubled: event in1"},
		{"a receipt without a referral", func(e *check.Evidence) { e.Receipts[0].ReferralID = "" }, "lost: receipt p1"},
		{"a referral that vanished", func(e *check.Evidence) { e.Referrals = nil }, "lost: referral r1 is on a receipt"},
		{"a referral nobody sent", func(e *check.Evidence) { e.Referrals = append(e.Referrals, "r9") }, "doubled: referral r9"},
		{"an answer that was not true", func(e *check.Evidence) { e.Sent[0].ReceiptID = "p9" }, "answer: event in1"},
		{"an event a consumer skipped", func(e *check.Evidence) { e.Inbox["planning"] = e.Inbox["planning"][:2] }, "lost: planning never took org.hearth.intake.clock.met.v1 e3"},
		{"an event taken twice", func(e *check.Evidence) {
			e.Inbox["planning"] = append(e.Inbox["planning"], check.Taken{EventID: "e2", Seq: 9})
		}, "doubled: planning took event e2 twice"},
		{"events of a key out of order", func(e *check.Evidence) {
			e.Inbox["planning"] = []check.Taken{{"e1", 1}, {"e3", 2}, {"e2", 3}}
		}, "order: planning took e3 before e2"},
		{"an aggregate that went back", func(e *check.Evidence) {
			e.Topics = append(e.Topics, check.Record{Topic: "intake.events.v1", Offset: 9, ID: "e9", Key: "c1", Subject: "k1", Version: 1})
			e.Inbox["planning"] = append(e.Inbox["planning"], check.Taken{EventID: "e9", Seq: 9})
		}, "order: event e9"},
		{"one event in two partitions", func(e *check.Evidence) { e.Topics[3].Partition = 5 }, "order: event e1 stands in"},
		{"a referral never announced", func(e *check.Evidence) {
			e.Topics = e.Topics[1:3]
		}, "lost: referral r1 was announced 0 times"},
		{"a case opened twice", func(e *check.Evidence) {
			e.Topics = append(e.Topics, check.Record{Topic: "intake.events.v1", Offset: 9, ID: "e9", Type: "org.hearth.intake.case.opened.v1", Key: "c1", Subject: "c1", Version: 2})
			e.Inbox["planning"] = append(e.Inbox["planning"], check.Taken{EventID: "e9", Seq: 9})
		}, "doubled: case c1 was opened 2 times"},
		{"a case without a file", func(e *check.Evidence) { e.CaseFiles = nil }, "lost: case c1 has 0 files"},
		{"a file without a case", func(e *check.Evidence) { e.CaseFiles["c9"] = 1 }, "doubled: planning has a file of case c9"},
		{"a case without an assessment", func(e *check.Evidence) { e.Due = nil }, "lost: case c1 has no assessment due"},
		{"an assessment due twice", func(e *check.Evidence) { e.Due["c1 safety-checklist"] = 2 }, "doubled: assessment c1 safety-checklist"},
		{"an event never published", func(e *check.Evidence) { e.Outbox["intake"] = 1 }, "left: 1 events wait in the outbox of intake"},
		{"an event set aside", func(e *check.Evidence) { e.Parked["planning"] = 1 }, "left: 1 events are parked in planning"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := sound()
			c.harm(&e)
			found := check.Run(e)
			var all []string
			for _, f := range found {
				all = append(all, f.String())
			}
			if !strings.Contains(strings.Join(all, "\n"), c.want) {
				t.Errorf("found %q, want one that says %q", all, c.want)
			}
		})
	}
}
