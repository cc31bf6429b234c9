package message

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hearthfps/hearth/pkg/fault"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func pending() Message {
	return Message{ID: "m", Template: "visit_reminder", Audience: Family, State: Pending, DueAt: noon, ExpiresAt: noon.Add(24 * time.Hour), CreatedAt: noon, Version: 1}
}

func TestMessage_RetriesWaitLongerAndThenFail(t *testing.T) {
	m, now := pending(), noon
	for i, wait := range fastRules.RetryAfter {
		var err error
		m, err = m.Retry("email", now, fastRules)
		if err != nil || m.State != Pending || !m.DueAt.Equal(now.Add(wait)) {
			t.Fatalf("try %d: got %s due %v (%v), want due %v", i+1, m.State, m.DueAt, err, now.Add(wait))
		}
		now = m.DueAt
	}
	m, err := m.Retry("email", now, fastRules)
	if err != nil || m.State != Failed || m.ReasonCode != ReasonExhausted || !m.NeedsTask() {
		t.Fatalf("got %s %s (%v)", m.State, m.ReasonCode, err)
	}
}

func TestMessage_AskingIntakeGoesOnUntilItsTimeIsOver(t *testing.T) {
	m, now := pending(), noon
	for range 100_000 {
		var err error
		if m, err = m.AskAgain(now, fastRules); err != nil {
			t.Fatal(err)
		}
		if m.State != Pending {
			break
		}
		if gap := m.DueAt.Sub(now); gap > time.Minute {
			t.Fatalf("waits %v, longer than the longest stated", gap)
		}
		now = m.DueAt
	}
	if m.State != Failed || m.ReasonCode != ReasonExpired || m.Attempts != 0 {
		t.Fatalf("got %s %s after %d tries at a provider", m.State, m.ReasonCode, m.Attempts)
	}
}

// Whatever happens to a message in whatever order, it ends once, and an end is kept.
func TestMessage_EndsOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, now := pending(), noon
		for range rapid.IntRange(1, 15).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(1, 180).Draw(t, "minutes")) * time.Minute)
			before := m
			var err error
			switch rapid.IntRange(0, 8).Draw(t, "step") {
			case 0:
				m, _, err = m.Claim(now, fastRules)
			case 1:
				m, err = m.Sent("email", "fi", now)
			case 2:
				m, err = m.Retry("email", now, fastRules)
			case 3:
				m, err = m.AskAgain(now, fastRules)
			case 4:
				m, err = m.Postpone(now.Add(time.Hour), now)
			case 5:
				m, err = m.Withhold("no_safe_contact", now)
			case 6:
				m, err = m.Fail("email", ReasonRejected, now)
			case 7:
				m, err = m.Cancel(ReasonRescheduled, now)
			case 8:
				m, err = m.Expire(now)
			}
			if before.State != Pending {
				if fault.KindOf(err) != fault.Conflict || m.State != before.State || m.Version != before.Version {
					t.Fatalf("%s became %s (%v)", before.State, m.State, err)
				}
				continue
			}
			if err != nil || m.Version != before.Version+1 {
				t.Fatalf("pending, version %d to %d (%v)", before.Version, m.Version, err)
			}
			if (m.State == Pending) != m.EndedAt.IsZero() || (m.State == Pending && m.DueAt.After(m.ExpiresAt)) {
				t.Fatalf("%s ended %v, due %v", m.State, m.EndedAt, m.DueAt)
			}
		}
	})
}

func TestTask_IsCompletedOnceWithAKnownOutcome(t *testing.T) {
	m, _ := pending().Withhold("no_safe_contact", noon)
	task := NewTask("t", m, noon)
	if _, err := task.Complete("forgot", "worker-1", noon); fault.KindOf(err) != fault.Invalid {
		t.Errorf("unknown outcome: got %v", err)
	}
	done, err := task.Complete("reached_otherwise", "worker-1", noon)
	if err != nil || !done.Done || done.Version != 2 || done.CompletedBy != "worker-1" {
		t.Errorf("got %+v (%v)", done, err)
	}
	if _, err := done.Complete("not_needed", "worker-2", noon); fault.KindOf(err) != fault.Conflict {
		t.Errorf("completed twice: got %v", err)
	}
}
