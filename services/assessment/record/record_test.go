package record

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/services/assessment/instruments"
)

var noon = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)

func instrument(t testing.TB, code string) *instruments.Instrument {
	t.Helper()
	lib, err := instruments.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	ins, ok := lib.Current(code, noon)
	if !ok {
		t.Fatalf("no %s", code)
	}
	return ins
}

func codeOf(err error) string {
	if f, ok := fault.As(err); ok {
		return f.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func patch(pairs ...string) map[string]*string {
	out := map[string]*string{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			out[pairs[i]] = nil
			continue
		}
		out[pairs[i]] = &pairs[i+1]
	}
	return out
}

func calm() map[string]*string {
	return patch("children_seen", "present", "serious_harm", "absent", "sexual_harm", "absent", "violence_between_adults", "absent",
		"caregiver_unable_now", "absent", "urgent_needs_unmet", "absent", "dangerous_home", "absent", "child_self_danger", "absent",
		"caregiver_acts", "present", "network_acts", "present")
}

func TestAnswer_AllOrNothingAndNullTakesBack(t *testing.T) {
	ins := instrument(t, "safety_checklist")
	a := New("a1", "c1", ins, Opening, noon, "")
	if err := a.Answer(ins, patch("serious_harm", "present", "weapon_at_hand", "present"), "worker-1"); err != nil {
		t.Fatal(err)
	}
	err := a.Answer(ins, patch("serious_harm", "absent", "zebra", "", "sexual_harm", "maybe"), "worker-1")
	if codeOf(err) != "answers_invalid" {
		t.Fatalf("err = %v, want answers_invalid", err)
	}
	f, _ := fault.As(err)
	var got []string
	for _, field := range f.Fields {
		got = append(got, field.Pointer+" "+field.Code)
	}
	if diff := cmp.Diff([]string{"/answers/sexual_harm unknown_option", "/answers/zebra unknown_item"}, got); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	if a.Answers["serious_harm"] != "present" || a.Revision != 2 {
		t.Errorf("a refused patch changed the answers: %v, revision %d", a.Answers, a.Revision)
	}
	if err := a.Answer(ins, patch("serious_harm", ""), "worker-2"); err != nil {
		t.Fatal(err)
	}
	if _, still := a.Answers["serious_harm"]; still {
		t.Error("null did not take the answer back")
	}
	if a.Answers["weapon_at_hand"] != "present" {
		t.Error("an answer that is not asked for was deleted rather than kept apart")
	}
	if diff := cmp.Diff([]string{"worker-1", "worker-2"}, a.Contributors); diff != "" {
		t.Errorf("contributors (-want +got):\n%s", diff)
	}
}

func TestComplete_OnceAndOnlyWhenSafetyIsDecided(t *testing.T) {
	ins := instrument(t, "safety_checklist")
	a := New("a1", "c1", ins, Opening, noon, "")
	answers := calm()
	answers["sexual_harm"] = nil
	if err := a.Answer(ins, answers, "worker-1"); err != nil {
		t.Fatal(err)
	}
	err := a.Complete(ins, "worker-1", noon)
	f, ok := fault.As(err)
	if !ok || f.Code != "safety_undecided" || len(f.Fields) != 1 || f.Fields[0].Pointer != "/answers/sexual_harm" {
		t.Fatalf("err = %v, want safety_undecided for sexual_harm", err)
	}
	if err := a.Answer(ins, patch("sexual_harm", "absent"), "worker-1"); err != nil {
		t.Fatal(err)
	}
	if err := a.Complete(ins, "worker-1", noon); err != nil {
		t.Fatal(err)
	}
	if a.Safety == nil || a.Safety.Decision != instruments.Safe || a.Safety.Overridden {
		t.Errorf("safety = %+v, want safe", a.Safety)
	}
	for name, act := range map[string]func() error{
		"complete": func() error { return a.Complete(ins, "worker-1", noon) },
		"answer":   func() error { return a.Answer(ins, patch("sexual_harm", "present"), "worker-1") },
	} {
		if got := codeOf(act()); got != "assessment_completed" {
			t.Errorf("%s again: %q, want assessment_completed", name, got)
		}
	}
	if a.Cancel() {
		t.Error("a completed assessment was cancelled")
	}
}

func TestComplete_BoundToTheFileItWasAnsweredOn(t *testing.T) {
	ins := instrument(t, "safety_checklist")
	a := New("a1", "c1", ins, Opening, noon, "")
	changed := *ins
	changed.Hash = "0"
	for name, err := range map[string]error{
		"answer":   a.Answer(&changed, calm(), "worker-1"),
		"complete": a.Complete(&changed, "worker-1", noon),
	} {
		if codeOf(err) != "instrument_changed" {
			t.Errorf("%s: %v, want instrument_changed", name, err)
		}
	}
}

func TestOverride_FourEyesAndTheProposalStays(t *testing.T) {
	ins := instrument(t, "safety_checklist")
	a := New("a1", "c1", ins, Opening, noon, "")
	if got := codeOf(a.Override(instruments.Unsafe, "new_information", "A threat was made.", "supervisor-1", noon)); got != "no_safety_decision" {
		t.Errorf("before completion: %q, want no_safety_decision", got)
	}
	if err := a.Answer(ins, patch("children_seen", "present"), "supervisor-2"); err != nil {
		t.Fatal(err)
	}
	if err := a.Answer(ins, calm(), "worker-1"); err != nil {
		t.Fatal(err)
	}
	if err := a.Complete(ins, "worker-1", noon); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		by       string
		decision instruments.Decision
		want     string
	}{
		{"worker-1", instruments.Unsafe, "own_assessment"},
		{"supervisor-2", instruments.Unsafe, "own_assessment"}, // answered some of it
		{"supervisor-1", instruments.Safe, "decision_unchanged"},
		{"supervisor-1", instruments.Unsafe, ""},
	} {
		if got := codeOf(a.Override(tt.decision, "new_information", "A threat was made.", tt.by, noon)); got != tt.want {
			t.Errorf("%s to %s: %q, want %q", tt.by, tt.decision, got, tt.want)
		}
	}
	want := &SafetyDecision{
		Decision: instruments.Unsafe, Proposed: instruments.Safe, DecidedBy: "supervisor-1", DecidedAt: noon,
		Overridden: true, ReasonCode: "new_information", Reason: "A threat was made.",
	}
	if diff := cmp.Diff(want, a.Safety); diff != "" {
		t.Errorf("safety decision (-want +got):\n%s", diff)
	}
}

func TestComplete_SavedInPartsEqualsAtOnce(t *testing.T) {
	all := []*instruments.Instrument{instrument(t, "safety_checklist"), instrument(t, "family_strengths_needs")}
	rapid.Check(t, func(t *rapid.T) {
		ins := rapid.SampledFrom(all).Draw(t, "instrument")
		whole := map[string]*string{}
		for _, it := range ins.Items {
			if i := rapid.IntRange(-1, len(it.Options)-1).Draw(t, it.Code); i >= 0 {
				whole[it.Code] = &it.Options[i].Code
			}
		}
		once := New("a1", "c1", ins, Opening, noon, "")
		if err := once.Answer(ins, whole, "worker-1"); err != nil {
			t.Fatal(err)
		}
		parts := New("a1", "c1", ins, Opening, noon, "")
		for _, it := range rapid.Permutation(ins.Items).Draw(t, "order") {
			first := rapid.SampledFrom(it.Options).Draw(t, "first "+it.Code)
			if err := parts.Answer(ins, map[string]*string{it.Code: &first.Code}, "worker-1"); err != nil {
				t.Fatal(err)
			}
			if err := parts.Answer(ins, map[string]*string{it.Code: whole[it.Code]}, "worker-1"); err != nil {
				t.Fatal(err)
			}
		}
		errOnce, errParts := once.Complete(ins, "worker-1", noon), parts.Complete(ins, "worker-1", noon)
		if codeOf(errOnce) != codeOf(errParts) {
			t.Fatalf("at once: %v; in parts: %v", errOnce, errParts)
		}
		parts.Revision = once.Revision
		if diff := cmp.Diff(once, parts); diff != "" {
			t.Fatalf("in parts differs from at once:\n%s", diff)
		}
	})
}

func TestAssessment_AnyHistoryKeepsTheRules(t *testing.T) {
	ins := instrument(t, "safety_checklist")
	people := []string{"worker-1", "supervisor-1", "supervisor-2"}
	rapid.Check(t, func(t *rapid.T) {
		a := New("a1", "c1", ins, Opening, noon, "")
		who := func(t *rapid.T) string { return rapid.SampledFrom(people).Draw(t, "who") }
		var scored *Assessment
		t.Repeat(map[string]func(*rapid.T){
			"answer": func(t *rapid.T) {
				it := rapid.SampledFrom(ins.Items).Draw(t, "item")
				o := rapid.SampledFrom(it.Options).Draw(t, "option").Code
				before := a.Status
				if err := a.Answer(ins, map[string]*string{it.Code: &o}, who(t)); err == nil && before != Due && before != InProgress {
					t.Fatalf("answered when %s", before)
				}
			},
			"answer all": func(t *rapid.T) { _ = a.Answer(ins, calm(), who(t)) },
			"complete": func(t *rapid.T) {
				before := a.Status
				if err := a.Complete(ins, who(t), noon); err == nil {
					if before != Due && before != InProgress {
						t.Fatalf("completed when %s", before)
					}
					kept := *a
					scored = &kept
				}
			},
			"override": func(t *rapid.T) {
				by := who(t)
				d := rapid.SampledFrom([]instruments.Decision{instruments.Safe, instruments.SafeWithPlan, instruments.Unsafe}).Draw(t, "decision")
				if err := a.Override(d, "new_information", "reason", by, noon); err == nil && (slices.Contains(a.Contributors, by) || a.CompletedBy == by) {
					t.Fatalf("%s overrode an assessment %s took part in", by, by)
				}
			},
			"cancel": func(*rapid.T) { a.Cancel() },
			"": func(t *rapid.T) {
				if (a.Status == Completed) != (a.Result != nil) || (a.Status == Completed) != (a.Safety != nil) {
					t.Fatalf("%s with result %v and decision %v", a.Status, a.Result != nil, a.Safety != nil)
				}
				if scored == nil {
					return
				}
				if a.Status != Completed || cmp.Diff(scored.Answers, a.Answers) != "" || cmp.Diff(scored.Result, a.Result) != "" {
					t.Fatal("a completed assessment changed")
				}
				again, err := a.Recompute(ins)
				if err != nil || cmp.Diff(*a.Result, again) != "" {
					t.Fatalf("recomputing gives another result: %v", err)
				}
				if a.Safety.Proposed != a.Result.Decision.Proposed {
					t.Fatal("the proposal was lost")
				}
			},
		})
	})
}
