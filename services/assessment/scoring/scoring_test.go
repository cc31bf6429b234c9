package scoring

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hearthfps/hearth/services/assessment/instruments"
)

func shipped(t testing.TB, code string) *instruments.Instrument {
	t.Helper()
	lib, err := instruments.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	ins, ok := lib.Get(code, "1.0.0")
	if !ok {
		t.Fatalf("no %s 1.0.0", code)
	}
	return ins
}

// calm answers the checklist for a family in which no danger was found.
func calm() Answers {
	return Answers{
		"children_seen": "present", "serious_harm": "absent", "sexual_harm": "absent", "violence_between_adults": "absent",
		"caregiver_unable_now": "absent", "urgent_needs_unmet": "absent", "dangerous_home": "absent", "child_self_danger": "absent",
		"caregiver_acts": "present", "network_acts": "present",
	}
}

func TestScore_SafetyDecision(t *testing.T) {
	tests := []struct {
		name    string
		change  Answers // "" removes the answer
		want    instruments.Decision
		waiting []string
	}{
		{name: "nothing found", want: instruments.Safe},
		{name: "harm by someone who can reach the child", change: Answers{"serious_harm": "present", "harm_can_recur": "present"}, want: instruments.Unsafe},
		{name: "harm by someone who cannot", change: Answers{"serious_harm": "present", "harm_can_recur": "absent"}, want: instruments.SafeWithPlan},
		{name: "violence and a weapon", change: Answers{"violence_between_adults": "present", "violence_reaches_child": "absent", "weapon_at_hand": "present"}, want: instruments.Unsafe},
		{name: "caregiver unable, another adult cares", change: Answers{"caregiver_unable_now": "present", "other_adult_cares": "present"}, want: instruments.SafeWithPlan},
		{name: "caregiver unable, nobody cares", change: Answers{"caregiver_unable_now": "present", "other_adult_cares": "absent"}, want: instruments.Unsafe},
		{name: "dangerous home with protection", change: Answers{"dangerous_home": "present"}, want: instruments.SafeWithPlan},
		{name: "dangerous home and nobody acts", change: Answers{"dangerous_home": "present", "caregiver_acts": "absent", "network_acts": "not_known"}, want: instruments.Unsafe},
		{name: "what could not be found out is planned for", change: Answers{"sexual_harm": "not_known"}, want: instruments.SafeWithPlan},
		{name: "a child not seen", change: Answers{"children_seen": "absent"}, want: instruments.SafeWithPlan},
		{name: "a missing answer is not a no", change: Answers{"sexual_harm": ""}, waiting: []string{"sexual_harm"}},
		{name: "a missing answer cannot soften what is certain", change: Answers{"sexual_harm": "present", "dangerous_home": ""}, want: instruments.Unsafe},
		{name: "a weapon noted before the violence was taken back", change: Answers{"weapon_at_hand": "present"}, want: instruments.Safe},
	}
	ins := shipped(t, "safety_checklist")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			answers := calm()
			for item, option := range tt.change {
				if option == "" {
					delete(answers, item)
					continue
				}
				answers[item] = option
			}
			got := Score(ins, answers).Decision
			if got.Proposed != tt.want {
				t.Errorf("proposed %q, want %q; rules %+v", got.Proposed, tt.want, got.Rules)
			}
			if diff := cmp.Diff(tt.waiting, got.Waiting); diff != "" {
				t.Errorf("waiting for (-want +got):\n%s", diff)
			}
		})
	}
}

func TestScore_MissingDataRule(t *testing.T) {
	ins := shipped(t, "family_strengths_needs")
	parenting := func(r Result) SubscaleScore {
		for _, s := range r.Subscales {
			if s.Subscale == "parenting" {
				return s
			}
		}
		t.Fatal("no parenting subscale")
		return SubscaleScore{}
	}
	tests := []struct {
		name    string
		answers Answers
		score   string
		reason  string
		band    string
		from    string
	}{
		{"all answered", Answers{"warmth": "adequate", "limits": "some_need", "routines": "some_need", "caregiver_wellbeing": "adequate", "caregiver_substances": "strength"}, "1.20", "", "adequate", ""},
		{"four of five are enough", Answers{"warmth": "adequate", "limits": "some_need", "routines": "some_need", "caregiver_wellbeing": "adequate"}, "1.50", "", "some_need", ""},
		{"three of five are not", Answers{"warmth": "strength", "limits": "strength", "routines": "strength"}, "", TooFewAnswers, "", ""},
		{"not known is missing", Answers{"warmth": "strength", "limits": "strength", "routines": "strength", "caregiver_wellbeing": "not_known", "caregiver_substances": "not_known"}, "", TooFewAnswers, "", ""},
		{"what does not apply is not missing", Answers{"warmth": "strength", "limits": "strength", "routines": "strength", "caregiver_wellbeing": "not_applicable", "caregiver_substances": "not_applicable"}, "0.00", "", "strength", ""},
		{"one serious need is not averaged away", Answers{"warmth": "strength", "limits": "serious_need", "routines": "strength", "caregiver_wellbeing": "strength", "caregiver_substances": "strength"}, "0.60", "", "some_need", "adequate"},
		{"nothing applies", Answers{"warmth": "not_applicable", "limits": "not_applicable", "routines": "not_applicable", "caregiver_wellbeing": "not_applicable", "caregiver_substances": "not_applicable"}, "", NothingApplicable, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := parenting(Score(ins, tt.answers))
			score := ""
			if got.Score != nil {
				score = got.Score.String()
			}
			if score != tt.score || got.NoScore != tt.reason || got.Band != tt.band || got.RaisedFrom != tt.from {
				t.Errorf("score %q reason %q band %q raised from %q; want %q %q %q %q", score, got.NoScore, got.Band, got.RaisedFrom, tt.score, tt.reason, tt.band, tt.from)
			}
		})
	}
}

func TestScore_UnansweredGateLeavesItsItemsOpenNotAbsent(t *testing.T) {
	ins := shipped(t, "family_strengths_needs")
	for _, tt := range []struct{ gate, want string }{{"", TooFewAnswers}, {"no", NothingApplicable}, {"yes", TooFewAnswers}} {
		answers := Answers{}
		if tt.gate != "" {
			answers["child_of_school_age"] = tt.gate
		}
		for _, s := range Score(ins, answers).Subscales {
			if s.Subscale == "child_education" && s.NoScore != tt.want {
				t.Errorf("gate %q: no score because %q, want %q", tt.gate, s.NoScore, tt.want)
			}
		}
	}
}

func TestResult_NeedsTakeTheWorstAndUnknownIsNotInThem(t *testing.T) {
	score := instruments.Hundredths(100)
	r := Result{Subscales: []SubscaleScore{
		{Domain: "health", Score: &score, Need: instruments.NoNeed, Strength: true},
		{Domain: "health", Score: &score, Need: instruments.HighNeed},
		{Domain: "parenting", NoScore: TooFewAnswers},
		{Domain: "supports", Score: &score, Need: instruments.NoNeed, Strength: true},
	}}
	if diff := cmp.Diff([]Need{{"health", instruments.HighNeed}, {"supports", instruments.NoNeed}}, r.Needs()); diff != "" {
		t.Errorf("needs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]instruments.Domain{"supports"}, r.Strengths()); diff != "" {
		t.Errorf("strengths (-want +got):\n%s", diff)
	}
}

func TestCheck_NamesUnknownItemsAndOptions(t *testing.T) {
	ins := shipped(t, "safety_checklist")
	var got []string
	for _, f := range Check(ins, Answers{"serious_harm": "perhaps", "zebra": "yes", "dangerous_home": "absent"}) {
		got = append(got, f.Item+" "+f.Code)
	}
	if diff := cmp.Diff([]string{"serious_harm unknown_option", "zebra unknown_item"}, got); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

// someAnswers draws answers to some of an instrument's items.
func someAnswers(ins *instruments.Instrument) *rapid.Generator[Answers] {
	return rapid.Custom(func(t *rapid.T) Answers {
		out := Answers{}
		for _, it := range ins.Items {
			i := rapid.IntRange(-1, len(it.Options)-1).Draw(t, it.Code)
			if i >= 0 {
				out[it.Code] = it.Options[i].Code
			}
		}
		return out
	})
}

func anyInstrument(t testing.TB) []*instruments.Instrument {
	return []*instruments.Instrument{shipped(t, "safety_checklist"), shipped(t, "family_strengths_needs")}
}

// meaning is a result without the record of answers set aside.
func meaning(r Result) Result {
	r.Items = append([]ItemTrace(nil), r.Items...)
	for i := range r.Items {
		r.Items[i].SetAside = ""
	}
	return r
}

func TestScore_OrderOfAnswersDoesNotMatter(t *testing.T) {
	all := anyInstrument(t)
	rapid.Check(t, func(t *rapid.T) {
		ins := rapid.SampledFrom(all).Draw(t, "instrument")
		final := someAnswers(ins).Draw(t, "answers")
		order := rapid.Permutation(ins.Items).Draw(t, "order")
		// Save one by one in any order, with a first thought that is overwritten later.
		saved := maps.Clone(someAnswers(ins).Draw(t, "first thoughts"))
		for _, it := range order {
			delete(saved, it.Code)
			if o, ok := final[it.Code]; ok {
				saved[it.Code] = o
				Score(ins, saved)
			}
		}
		if diff := cmp.Diff(Score(ins, final), Score(ins, saved)); diff != "" {
			t.Fatalf("saved in parts differs from saved at once:\n%s", diff)
		}
	})
}

func TestScore_AnswersNotAskedForNeverMatter(t *testing.T) {
	all := anyInstrument(t)
	rapid.Check(t, func(t *rapid.T) {
		ins := rapid.SampledFrom(all).Draw(t, "instrument")
		answers := someAnswers(ins).Draw(t, "answers")
		before := Score(ins, answers)
		changed := maps.Clone(answers)
		for _, tr := range before.Items {
			if tr.Standing != "not_asked" && tr.Standing != "undetermined" {
				continue
			}
			it, _ := ins.Item(tr.Item)
			i := rapid.IntRange(-1, len(it.Options)-1).Draw(t, "other "+tr.Item)
			delete(changed, tr.Item)
			if i >= 0 {
				changed[tr.Item] = it.Options[i].Code
			}
		}
		after := Score(ins, changed)
		if diff := cmp.Diff(meaning(before), meaning(after)); diff != "" {
			t.Fatalf("answers that were not asked for changed the result:\n%s", diff)
		}
	})
}

func TestScore_MissingIsNeverADefault(t *testing.T) {
	all := anyInstrument(t)
	rapid.Check(t, func(t *rapid.T) {
		ins := rapid.SampledFrom(all).Draw(t, "instrument")
		answers := someAnswers(ins).Draw(t, "answers")
		r := Score(ins, answers)
		for _, s := range r.Subscales {
			sum, n := 0, 0
			for _, c := range s.Contributions {
				if _, answered := answers[c.Item]; !answered && c.Status == Counted {
					t.Fatalf("%s counts %s, which has no answer", s.Subscale, c.Item)
				}
				if c.Status == Counted {
					sum, n = sum+*c.Points, n+1
				}
			}
			if sum != s.PointSum || n != s.Counted {
				t.Fatalf("%s: the contributions add up to %d over %d, the trace says %d over %d", s.Subscale, sum, n, s.PointSum, s.Counted)
			}
			if s.Score != nil && s.Counted*100 < s.MinPercent*s.Applicable {
				t.Fatalf("%s has a score from %d of %d items", s.Subscale, s.Counted, s.Applicable)
			}
			if (s.Score == nil) == (s.NoScore == "") {
				t.Fatalf("%s: a score or a reason, not both or neither: %+v", s.Subscale, s)
			}
		}
		// Filling in what is missing never changes a decision already reached towards a milder one.
		if r.Decision != nil && r.Decision.Proposed != "" {
			rank := map[instruments.Decision]int{instruments.Safe: 1, instruments.SafeWithPlan: 2, instruments.Unsafe: 3}
			full := maps.Clone(answers)
			for _, tr := range r.Items {
				if tr.Standing == "missing" {
					it, _ := ins.Item(tr.Item)
					full[tr.Item] = rapid.SampledFrom(it.Options).Draw(t, tr.Item).Code
				}
			}
			if got := Score(ins, full).Decision.Proposed; rank[got] != rank[r.Decision.Proposed] {
				t.Fatalf("decided %s with answers missing, %s with all of them", r.Decision.Proposed, got)
			}
		}
	})
}

func TestResult_SurvivesStorage(t *testing.T) {
	all := anyInstrument(t)
	rapid.Check(t, func(t *rapid.T) {
		ins := rapid.SampledFrom(all).Draw(t, "instrument")
		r := Score(ins, someAnswers(ins).Draw(t, "answers"))
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var back Result
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, back); diff != "" {
			t.Fatalf("read back (-written +read):\n%s", diff)
		}
	})
}

func BenchmarkScore_StrengthsAndNeeds(b *testing.B) {
	ins := shipped(b, "family_strengths_needs")
	answers := Answers{}
	for _, it := range ins.Items {
		answers[it.Code] = it.Options[0].Code
	}
	b.ReportAllocs()
	for b.Loop() {
		Score(ins, answers)
	}
}
