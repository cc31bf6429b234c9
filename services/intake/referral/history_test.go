package referral

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// books receives events in order and says what they came to.
func books(t testing.TB, events ...map[string]any) (map[string]string, []VerdictStatus) {
	t.Helper()
	l, ids := NewLedger(), &counter{}
	var verdicts []VerdictStatus
	for _, e := range events {
		step, err := l.Receive(event(t, e), ids, noon)
		if err != nil {
			t.Fatal(err)
		}
		verdicts = append(verdicts, step.Verdict.Status)
	}
	return state(t, l), verdicts
}

// state is what a ledger holds, ids of our own aside: per event its status, per
// referral its content and whether it is withdrawn.
func state(t testing.TB, l *Ledger) map[string]string {
	t.Helper()
	got := map[string]string{}
	for ref, e := range l.entries {
		got[ref.ID] = string(e.Status)
	}
	for _, h := range l.histories {
		flat := History{Submission: *h.submission}
		for _, e := range h.amendments {
			flat.Amendments = append(flat.Amendments, *e)
		}
		out, err := flat.Fold(noon)
		if err != nil {
			t.Fatal(err)
		}
		got["referral "+h.submission.Ref.ID] = fmt.Sprint(out.Withdrawn, " ", string(out.Document))
		got["summary "+h.submission.Ref.ID] = fmt.Sprint(out.Withdrawn, " ", out.Content.Urgency, " ", out.Content.Narrative)
	}
	return got
}

func TestHistory_WhatAmendmentsComeTo(t *testing.T) {
	high, low := `{"urgency":"high"}`, `{"urgency":"low","narrative":"N"}`
	for name, c := range map[string]struct {
		events []map[string]any
		want   map[string]string
	}{
		"corrected": {
			[]map[string]any{submission("a"), correction("c", "a", high)},
			map[string]string{"summary a": "false high Hungry on several mornings.", "a": "applied", "c": "applied"},
		},
		"correction of a correction comes after it though its time is the same": {
			[]map[string]any{submission("a"), correction("z", "a", high), correction("b", "z", low)},
			map[string]string{"summary a": "false low N", "z": "applied", "b": "applied"},
		},
		"field taken away": {
			[]map[string]any{submission("a"), correction("c", "a", `{"urgency":null}`)},
			map[string]string{"summary a": "false unknown Hungry on several mornings."},
		},
		"withdrawn then corrected stays withdrawn and is corrected": {
			[]map[string]any{submission("a"), withdrawal("w", "a"), correction("c", "a", high)},
			map[string]string{"summary a": "true high Hungry on several mornings.", "a": "withdrawn", "w": "applied", "c": "applied"},
		},
		"a withdrawal taken back": {
			[]map[string]any{submission("a"), withdrawal("w", "a"), withdrawal("v", "w")},
			map[string]string{"summary a": "false standard Hungry on several mornings.", "a": "applied", "w": "withdrawn", "v": "applied"},
		},
		"a correction taken back, with what corrected it": {
			[]map[string]any{submission("a"), correction("b", "a", high), correction("c", "b", low), withdrawal("w", "b")},
			map[string]string{"summary a": "false standard Hungry on several mornings.", "b": "withdrawn", "c": "withdrawn"},
		},
		"a correction that does not fit is refused and the rest stands": {
			[]map[string]any{submission("a"), correction("b", "a", `{"household":{"members":["p7"]}}`), correction("c", "a", high)},
			map[string]string{"summary a": "false high Hungry on several mornings.", "b": "refused", "c": "applied"},
		},
		"a correction of a withdrawal is refused": {
			[]map[string]any{submission("a"), withdrawal("w", "a"), correction("c", "w", high)},
			map[string]string{"summary a": "true standard Hungry on several mornings.", "c": "refused"},
		},
		"waiting for what never comes": {
			[]map[string]any{correction("c", "a", high), withdrawal("w", "c")},
			map[string]string{"c": "waiting", "w": "waiting"},
		},
		"a ring waits": {
			[]map[string]any{correction("b", "c", high), correction("c", "b", high)},
			map[string]string{"b": "waiting", "c": "waiting"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, order := range [][]map[string]any{c.events, reversed(c.events)} {
				got, _ := books(t, order...)
				for k, want := range c.want {
					if got[k] != want {
						t.Errorf("%s: got %q, want %q", k, got[k], want)
					}
				}
			}
		})
	}
}

func reversed(in []map[string]any) []map[string]any {
	out := slices.Clone(in)
	slices.Reverse(out)
	return out
}

func TestLedger_Verdicts(t *testing.T) {
	a, other := submission("a"), set(submission("a"), "/data/narrative", "edited")
	c := correction("c", "a", `{"urgency":"high"}`)
	unfit := correction("u", "a", `{"concerns":[{"code":"neglect","subjects":["p9"]}]}`)
	_, got := books(t, c, c, a, a, other, other, c, unfit, unfit)
	want := []VerdictStatus{VerdictWaiting, VerdictDuplicate, VerdictAccepted, VerdictDuplicate, VerdictConflict, VerdictConflict, VerdictDuplicate, VerdictRefused, VerdictDuplicate}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
}

// Guarantee 2: any order of arrival, any re-sends, one result.
func TestHistory_AnyOrderAndAnyResendsComeToTheSame(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		events := someEvents(rt)
		want, _ := books(t, events...)

		arrivals := rapid.Permutation(events).Draw(rt, "order")
		for range rapid.IntRange(0, 6).Draw(rt, "resends") {
			arrivals = slices.Insert(arrivals, rapid.IntRange(0, len(arrivals)).Draw(rt, "at"), rapid.SampledFrom(events).Draw(rt, "again"))
		}
		got, _ := books(t, arrivals...)
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("another order came to something else (-want +got):\n%s", diff)
		}
	})
}

// someEvents makes submissions and a web of amendments of anything, sound and
// not, of events that come and events that never do.
func someEvents(rt *rapid.T) []map[string]any {
	n := rapid.IntRange(1, 10).Draw(rt, "events")
	names := []string{}
	for i := range n {
		names = append(names, fmt.Sprintf("e%d", i))
	}
	targets := append(slices.Clone(names), "never")
	var events []map[string]any
	for i, name := range names {
		kind := rapid.SampledFrom([]string{"submission", "correction", "correction", "withdrawal"}).Draw(rt, "kind")
		target := rapid.SampledFrom(targets).Draw(rt, "target")
		if i == 0 || target == name {
			kind = "submission"
		}
		var e map[string]any
		switch kind {
		case "submission":
			e = submission(name)
		case "correction":
			changes := rapid.SampledFrom([]string{
				`{"urgency":"high"}`, `{"urgency":"low"}`, `{"urgency":null,"narrative":"N"}`, `{"safety_flags":[]}`,
				`{"household":{"members":["p3"]}}`, `{"relationships":[],"household":null,"concerns":[],"persons":[{"ref":"p3","role":"child"}]}`,
				`{"concerns":[{"code":"housing","subjects":["p2"]}]}`, `{"reporter":{"wants_feedback":false}}`,
			}).Draw(rt, "changes")
			e = correction(name, target, changes)
		default:
			e = withdrawal(name, target)
		}
		hour := rapid.IntRange(0, 3).Draw(rt, "hour")
		if hour == 3 {
			delete(e, "time")
		} else {
			e["time"] = time.Date(2026, 11, 2, 8+hour, 0, 0, 0, time.UTC).Format(time.RFC3339)
		}
		events = append(events, e)
	}
	return events
}

func TestWeek_SixHundredReferralsInAnyOrder(t *testing.T) {
	var arrivals []Event
	for i, line := range lines(t, week(t, "events.ndjson")) {
		e, faults := ParseEvent(line, noon)
		if faults != nil {
			t.Fatalf("line %d refused: %v", i+1, faults)
		}
		arrivals = append(arrivals, e)
	}
	verdicts := func(order []Event, l *Ledger) map[VerdictStatus]int {
		count := map[VerdictStatus]int{}
		ids := &counter{}
		for _, e := range order {
			step, err := l.Receive(e, ids, noon)
			if err != nil {
				t.Fatal(err)
			}
			count[step.Verdict.Status]++
		}
		return count
	}
	forward := NewLedger()
	first := verdicts(arrivals, forward)
	t.Logf("first: %v", first)
	if len(forward.histories) != 600 || len(forward.entries) != first[VerdictAccepted]+first[VerdictWaiting] {
		t.Errorf("%d referrals, %d events kept", len(forward.histories), len(forward.entries))
	}
	before := state(t, forward)
	again := verdicts(arrivals, forward)
	if again[VerdictAccepted]+again[VerdictWaiting]+again[VerdictRefused] > 0 || cmp.Diff(before, state(t, forward)) != "" {
		t.Errorf("the whole file again changed something: %v", again)
	}
	for ref, e := range forward.entries {
		if e.Status == Waiting {
			t.Errorf("%s still waits", ref.ID)
		}
	}

	backward := slices.Clone(arrivals)
	slices.Reverse(backward)
	other := NewLedger()
	verdicts(backward, other)
	if len(other.histories) != 600 {
		t.Errorf("backward: %d referrals", len(other.histories))
	}
	// Of a conflict the first to arrive is kept, so those are compared by identity alone.
	after := state(t, other)
	for k := range before {
		if _, ok := after[k]; !ok && !strings.HasPrefix(k, "summary") {
			t.Errorf("%s is missing when sent backward", k)
		}
	}
}
