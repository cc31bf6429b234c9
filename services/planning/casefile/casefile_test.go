package casefile

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
)

var monday = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func newCase() *Case {
	return &Case{
		ID: "case-1", ReferralID: "referral-1", Program: "perhetyo", Status: Open, Version: 1,
		Persons: []Person{{"child-1", "child"}, {"parent-1", "caregiver"}},
	}
}

// activeCase has worker-1 as its lead and supervisor-1 as her supervisor.
func activeCase(t testing.TB) *Case {
	t.Helper()
	c := newCase()
	if err := c.Assign(Assignment{ID: "as-1", WorkerID: "worker-1", SupervisorID: "supervisor-1", Role: Lead, By: "supervisor-1", At: monday}); err != nil {
		t.Fatal(err)
	}
	return c
}

func fullContent() Content {
	return Content{
		StartsOn: "2026-03-16", EndsOn: "2026-06-14",
		Goals: []Goal{{GoalID: "g1", Domain: "parenting", Statement: "Evenings are calm.", DueOn: "2026-06-01", Interventions: []Intervention{
			{Description: "Practise.", Responsible: Responsible{Kind: "worker", ID: "worker-1"}, DueOn: "2026-05-01"},
			{Description: "Read a story.", Responsible: Responsible{Kind: "family_member", ID: "parent-1"}, DueOn: "2026-05-01"},
		}}},
		VisitPattern:  &VisitPattern{TimesAWeek: 2, Minutes: 90, Workers: 1, Place: "home", Skills: []string{}, Earliest: "09:00", Latest: "17:00", Weekdays: []string{"mon", "wed"}},
		ResourceNeeds: []string{}, Recipients: []string{"parent-1"},
	}
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	got := ""
	if f, ok := fault.As(err); ok {
		got = f.Code
	} else if err != nil {
		got = err.Error()
	}
	if got != code {
		t.Errorf("refused with %q, want %q", got, code)
	}
}

func TestAssign_Rules(t *testing.T) {
	base := Assignment{ID: "as-2", WorkerID: "worker-2", SupervisorID: "supervisor-1", Role: CoWorker, At: monday}
	tests := []struct {
		name    string
		prepare func(*Case)
		change  func(*Assignment)
		want    string
	}{
		{name: "a co-worker beside the lead"},
		{name: "a second lead", change: func(a *Assignment) { a.Role = Lead }, want: "lead_exists"},
		{name: "the same worker again", change: func(a *Assignment) { a.WorkerID = "worker-1" }, want: "already_assigned"},
		{name: "one's own supervisor", change: func(a *Assignment) { a.SupervisorID = "worker-2" }, want: "own_supervisor"},
		{name: "an excluded worker", prepare: func(c *Case) { c.Barred = []string{"worker-2"} }, want: "worker_excluded"},
		{name: "a closed case", prepare: func(c *Case) { c.Status = Closed }, want: "case_closed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, a := activeCase(t), base
			if tt.prepare != nil {
				tt.prepare(c)
			}
			if tt.change != nil {
				tt.change(&a)
			}
			wantCode(t, c.Assign(a), tt.want)
		})
	}
}

func TestExclude_EndsTheAssignmentAndBeatsEveryLaterOne(t *testing.T) {
	c := activeCase(t)
	ended, err := c.Exclude("worker-1", "supervisor-2", monday)
	if err != nil || ended == nil || ended.Ended == nil || ended.Ended.Reason != "excluded" {
		t.Fatalf("ended = %+v, %v; want worker-1's assignment ended as excluded", ended, err)
	}
	if c.Status != Open {
		t.Errorf("status = %s without a lead, want open", c.Status)
	}
	wantCode(t, c.Assign(Assignment{ID: "as-3", WorkerID: "worker-1", SupervisorID: "supervisor-1", Role: Lead}), "worker_excluded")
	_, err = c.Exclude("worker-1", "supervisor-2", monday)
	wantCode(t, err, "worker_excluded")
}

func TestLiftExclusion_AllowsANewAssignmentAndGivesBackNone(t *testing.T) {
	c := activeCase(t)
	wantCode(t, c.LiftExclusion("worker-1"), "exclusion_not_found")
	if _, err := c.Exclude("worker-1", "supervisor-2", monday); err != nil {
		t.Fatal(err)
	}
	version := c.Version
	if err := c.LiftExclusion("worker-1"); err != nil {
		t.Fatal(err)
	}
	if c.Version != version+1 || c.Status != Open {
		t.Errorf("version %d, status %s; want %d and open: the assignment stays ended", c.Version, c.Status, version+1)
	}
	if err := c.Assign(Assignment{ID: "as-3", WorkerID: "worker-1", SupervisorID: "supervisor-1", Role: Lead}); err != nil {
		t.Errorf("assign after the exclusion was lifted: %v", err)
	}
	wantCode(t, c.LiftExclusion("worker-1"), "exclusion_not_found")
}

func TestClose_Rules(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(*Case)
		closing Closing
		want    string
	}{
		{name: "by a supervisor who does not work on it", closing: Closing{Reason: "goals_met", By: "supervisor-1", At: monday}},
		{name: "by its own worker", closing: Closing{Reason: "goals_met", By: "worker-1"}, want: "own_case"},
		{name: "with a safety plan in force", prepare: func(c *Case) { c.Safety.PlanInForce = "sp-1" }, closing: Closing{Reason: "goals_met", By: "supervisor-1"}, want: "safety_plan_in_force"},
		{name: "with one in force, even when the child is placed", prepare: func(c *Case) { c.Safety.PlanInForce = "sp-1" }, closing: Closing{Reason: "child_placed", By: "supervisor-1"}, want: "safety_plan_in_force"},
		{name: "with one demanded and never started", prepare: func(c *Case) { c.Safety = c.Safety.Decided("unsafe", "a1") }, closing: Closing{Reason: "goals_met", By: "supervisor-1"}, want: "safety_plan_demanded"},
		{name: "with one demanded, and others answering for the child's safety", prepare: func(c *Case) { c.Safety = c.Safety.Decided("unsafe", "a1") }, closing: Closing{Reason: "child_placed", By: "supervisor-1"}},
		{name: "twice", prepare: func(c *Case) { c.Status = Closed }, closing: Closing{Reason: "goals_met", By: "supervisor-1"}, want: "case_closed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := activeCase(t)
			if tt.prepare != nil {
				tt.prepare(c)
			}
			ended, err := c.Close(tt.closing)
			wantCode(t, err, tt.want)
			if tt.want == "" && (len(ended) != 1 || ended[0].Ended.Reason != "case_closed" || c.Status != Closed) {
				t.Errorf("ended %+v, status %s; want the lead's assignment ended and the case closed", ended, c.Status)
			}
		})
	}
}

func TestSafetyPlan_FromDemandToEnd(t *testing.T) {
	c := activeCase(t)
	c.Safety = c.Safety.Decided("safe_with_plan", "a1")
	if !c.Safety.Demanded {
		t.Fatal("safe_with_plan demands no safety plan")
	}
	draft := SafetyPlan{
		ID: "sp-1", ReviewOn: "2026-03-09", StartedBy: "worker-1", StartedAt: monday,
		Actions: []SafetyAction{{"Stays overnight.", Responsible{Kind: "network"}}, {"Calls daily.", Responsible{Kind: "worker", ID: "worker-1"}}},
	}

	_, err := c.StartSafetyPlan(SafetyPlan{ID: "x", ReviewOn: "2026-03-01", Actions: []SafetyAction{{"?", Responsible{Kind: "worker", ID: "worker-9"}}}}, "2026-03-02")
	wantCode(t, err, "safety_plan_invalid")
	f, _ := fault.As(err)
	var got []string
	for _, field := range f.Fields {
		got = append(got, field.Pointer+" "+field.Code)
	}
	if diff := cmp.Diff([]string{"/actions/0/responsible/id not_assigned", "/review_on in_the_past"}, got); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}

	p, err := c.StartSafetyPlan(draft, "2026-03-02")
	if err != nil {
		t.Fatal(err)
	}
	if p.AssessmentID != "a1" || c.Safety.Demanded || c.Safety.PlanInForce != "sp-1" {
		t.Errorf("plan of assessment %q, safety %+v; want the demand of a1 met", p.AssessmentID, c.Safety)
	}
	_, err = c.StartSafetyPlan(draft, "2026-03-02")
	wantCode(t, err, "safety_plan_in_force")

	ended, err := c.EndSafetyPlan(p, Ending{Reason: "replaced", By: "worker-1", At: monday})
	if err != nil {
		t.Fatal(err)
	}
	if !c.Safety.Demanded {
		t.Error("a plan ended as replaced leaves no demand for the one that replaces it")
	}
	_, err = c.EndSafetyPlan(ended, Ending{Reason: "danger_resolved"})
	wantCode(t, err, "safety_plan_ended")
}

func TestGaps_EachIsNamedWithItsPlace(t *testing.T) {
	limits := Limits{
		MinTimesAWeek: 1, MaxTimesAWeek: 3, MaxWorkers: 1, Longest: clock.Deadline{Months: 6}, Places: []string{"home", "office"}, Earliest: "08:00", Latest: "20:00",
		Weekdays: []string{"mon", "tue", "wed", "thu", "fri"},
	}
	tests := []struct {
		name   string
		change func(*Content)
		want   []string
	}{
		{"nothing missing", func(*Content) {}, nil},
		{"an empty plan", func(c *Content) { *c = Content{} }, []string{"/goals required", "/starts_on required", "/ends_on required", "/visit_pattern required"}},
		{"no part for the family", func(c *Content) { c.Goals[0].Interventions = c.Goals[0].Interventions[:1] }, []string{"/goals family_responsibility_missing"}},
		{"no part for a worker", func(c *Content) { c.Goals[0].Interventions = c.Goals[0].Interventions[1:] }, []string{"/goals worker_responsibility_missing"}},
		{"a stranger responsible", func(c *Content) { c.Goals[0].Interventions[1].Responsible.ID = "parent-9" }, []string{"/goals/0/interventions/1/responsible/id not_in_case"}},
		{"a worker of another case", func(c *Content) { c.Goals[0].Interventions[0].Responsible.ID = "worker-9" }, []string{"/goals/0/interventions/0/responsible/id not_assigned"}},
		{"a goal due after the plan", func(c *Content) { c.Goals[0].DueOn = "2026-06-15" }, []string{"/goals/0/due_on outside_plan"}},
		{"an end before the start", func(c *Content) { c.Goals = nil; c.EndsOn = "2026-03-01" }, []string{"/goals required", "/ends_on before_starts_on"}},
		{"longer than the program", func(c *Content) { c.EndsOn = "2026-09-30" }, []string{"/ends_on longer_than_program"}},
		{"an intervention without a day of its own", func(c *Content) { c.Goals[0].Interventions[0].DueOn = "" }, nil},
		{"a goal without a day", func(c *Content) { c.Goals[0].DueOn = "" }, []string{"/goals/0/due_on required"}},
		{"the last day the program allows", func(c *Content) { c.EndsOn = "2026-09-16" }, nil},
		{"the day after it", func(c *Content) { c.EndsOn = "2026-09-17" }, []string{"/ends_on longer_than_program"}},
		{"a place the program does not visit", func(c *Content) { c.VisitPattern.Place = "remote" }, []string{"/visit_pattern/place outside_program"}},
		{"hours the program does not visit", func(c *Content) { c.VisitPattern.Earliest, c.VisitPattern.Latest = "06:00", "22:00" }, []string{"/visit_pattern/earliest outside_program", "/visit_pattern/latest outside_program"}},
		{"a day the program does not visit", func(c *Content) { c.VisitPattern.Weekdays = []string{"mon", "sun"} }, []string{"/visit_pattern/weekdays/1 outside_program"}},
		{"more visits than the program allows", func(c *Content) { c.VisitPattern.TimesAWeek = 4 }, []string{"/visit_pattern/times_a_week outside_program"}},
		{"a pair where the program has none", func(c *Content) { c.VisitPattern.Workers = 2 }, []string{"/visit_pattern/workers outside_program"}},
		{"a visit longer than its window", func(c *Content) { c.VisitPattern.Latest = "10:00" }, []string{"/visit_pattern/latest visit_does_not_fit"}},
		{"a level of a skill nobody asks for", func(c *Content) { c.VisitPattern.SkillLevels = []SkillLevel{{"trauma", 2}} }, []string{"/visit_pattern/skill_levels/0/skill skill_not_asked"}},
		{"fewer people than come", func(c *Content) { c.VisitPattern.People = &People{Most: 0, Days: 30} }, []string{"/visit_pattern/people too_few_people"}},
		{"people, substitutes and wishes", func(c *Content) {
			c.VisitPattern.People, c.VisitPattern.Substitutes = &People{Most: 3, Days: 90}, &Substitutes{Most: 4, NeverRunning: true}
			c.VisitPattern.Wishes, c.VisitPattern.KnownFirst = []Wish{{Attribute: "woman", Must: true}}, true
		}, nil},
		{"three visits in one day", func(c *Content) { c.VisitPattern.TimesAWeek, c.VisitPattern.Weekdays = 3, []string{"mon"} }, []string{"/visit_pattern/weekdays too_few_weekdays"}},
		{"a reminder to a child", func(c *Content) { c.Recipients = []string{"child-1"} }, []string{"/recipients/0 not_a_caregiver"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			content := fullContent()
			tt.change(&content)
			var got []string
			for _, f := range content.Gaps(activeCase(t), limits) {
				got = append(got, f.Pointer+" "+f.Code)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("gaps (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPatch_IsAMergePatch(t *testing.T) {
	tests := []struct {
		name, patch string
		want        func(*Content)
		code        string
	}{
		{"a value", `{"ends_on":"2026-07-01"}`, func(c *Content) { c.EndsOn = "2026-07-01" }, ""},
		{"null takes away", `{"starts_on":null,"visit_pattern":null}`, func(c *Content) { c.StartsOn, c.VisitPattern = "", nil }, ""},
		{"an object is merged", `{"visit_pattern":{"minutes":60,"language":"sv"}}`, func(c *Content) { c.VisitPattern.Minutes, c.VisitPattern.Language = 60, "sv" }, ""},
		{"a list is replaced", `{"recipients":["parent-2"]}`, func(c *Content) { c.Recipients = []string{"parent-2"} }, ""},
		{"nothing changes nothing", `{}`, func(*Content) {}, ""},
		{"half a first visit pattern", `{"visit_pattern":{"minutes":null}}`, nil, "patch_invalid"},
		{"an unknown field", `{"title":"x"}`, nil, "patch_invalid"},
		{"no JSON", `{`, nil, "patch_invalid"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := fullContent().Patch(json.RawMessage(tt.patch))
			wantCode(t, err, tt.code)
			if tt.want == nil {
				return
			}
			want := fullContent()
			tt.want(&want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("content (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNormalise_GivesIDsAndRefusesForeignOnes(t *testing.T) {
	n := 0
	newID := func() string { n++; return fmt.Sprintf("new-%d", n) }
	before := fullContent()
	c := Content{Goals: []Goal{{Statement: "A", Domain: "health"}, {GoalID: "g1", Statement: "B", Domain: "health"}}}
	if err := c.Normalise(before, newID); err != nil {
		t.Fatal(err)
	}
	if c.Goals[0].GoalID != "new-1" || c.Goals[1].GoalID != "g1" || c.Recipients == nil {
		t.Errorf("content = %+v", c)
	}
	foreign := Content{Goals: []Goal{{GoalID: "elsewhere"}, {GoalID: "g1"}, {GoalID: "g1"}}}
	err := foreign.Normalise(before, newID)
	wantCode(t, err, "goal_id_unknown")
	if f, ok := fault.As(err); !ok || len(f.Fields) != 2 {
		t.Errorf("faults = %+v, want the foreign goal and the doubled one", err)
	}
}

func TestTScore_MatchesTheFormula(t *testing.T) {
	// Hand-computed: 50 + 10·Σx/√(0.7·n + 0.3·n²).
	for _, tt := range []struct {
		levels []int
		want   float64
	}{
		{[]int{0, 0, 0}, 50},
		{[]int{1}, 60},
		{[]int{-2}, 30},
		{[]int{1, 1}, 62.4},        // 20/√2.6 = 12.4035
		{[]int{2, 0, -1}, 54.56},   // 10/√4.8 = 4.5644
		{[]int{2, 2, 2, 2}, 79.02}, // 80/√7.6 = 29.0191
	} {
		if got := TScore(tt.levels); got != tt.want {
			t.Errorf("TScore(%v) = %v, want %v", tt.levels, got, tt.want)
		}
	}
}

func TestReview_OnlyKnownGoalsOfTheApprovedPlan(t *testing.T) {
	c := activeCase(t)
	p, err := NewPlan("p1", c, fullContent(), "worker-1", monday)
	if err != nil {
		t.Fatal(err)
	}
	review := Review{ID: "r1", HeldOn: "2026-03-02", Ratings: []GoalRating{{GoalID: "g1", Level: 1}}}
	_, err = p.Review(c, review, "2026-03-02")
	wantCode(t, err, "plan_not_approved")
	if err := p.Submit(c, Limits{}, "worker-1", monday); err != nil {
		t.Fatal(err)
	}
	if err := p.Approve(c, "supervisor-1", monday); err != nil {
		t.Fatal(err)
	}
	got, err := p.Review(c, review, "2026-03-02")
	if err != nil || got.TScore != 60 || got.Goals != 1 || got.PlanVersion != 1 {
		t.Errorf("review = %+v, %v; want T 60 over one goal of version 1", got, err)
	}
	_, err = p.Review(c, Review{HeldOn: "2026-03-03", Ratings: []GoalRating{{GoalID: "zz"}, {GoalID: "g1"}, {GoalID: "g1"}}}, "2026-03-02")
	wantCode(t, err, "review_invalid")
	if f, _ := fault.As(err); len(f.Fields) != 3 {
		t.Errorf("faults = %+v, want unknown goal, goal twice and a day to come", f.Fields)
	}
}

func TestTimelineEntry_WhatBelongsInTheFile(t *testing.T) {
	tests := []struct {
		name, eventType, data string
		ok                    bool
		family, kept          string
	}{
		{"of a case", "org.hearth.assessment.assessment.due.v1", `{"case_id":"c1","referral_id":"r1"}`, true, "c1", ""},
		{"of a referral", "org.hearth.intake.referral.received.v1", `{"referral_id":"r1"}`, true, "r1", ""},
		{"of neither", "org.hearth.visit-scheduling.visit.checked_in.v1", `{"visit_id":"v"}`, true, "key", ""},
		{"who is one person", "org.hearth.intake.person.merged.v1", `{"merge_id":"m","person_id":"a","absorbed_id":"b"}`, false, "", ""},
		{"that a reporter waits", "org.hearth.intake.referral.feedback_due.v1", `{"referral_id":"r1","status":"screened_in"}`, false, "", ""},
		{"a message to the reporter", "org.hearth.notification.message.sent.v1", `{"referral_id":"r1","audience":"reporter"}`, false, "", ""},
		{"a message to a worker", "org.hearth.notification.message.sent.v1", `{"case_id":"c1","audience":"worker"}`, true, "c1", ""},
		{"a correction of the reporter too", "org.hearth.intake.referral.corrected.v1", `{"changed":["reporter.name","urgency"],"referral_id":"r1"}`, true, "r1", `{"changed":["urgency"],"referral_id":"r1"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, ok, err := NewTimelineEntry("e1", tt.eventType, "s", "key", monday, json.RawMessage(tt.data))
			if err != nil || ok != tt.ok || e.FamilyKey != tt.family {
				t.Fatalf("entry for %q, %v, %v; want %q, %v", e.FamilyKey, ok, err, tt.family, tt.ok)
			}
			if tt.kept != "" && string(e.Data) != tt.kept {
				t.Errorf("data = %s, want %s", e.Data, tt.kept)
			}
		})
	}
	if e, _, _ := NewTimelineEntry("e", "org.hearth.visit-scheduling.visit.scheduled.v1", "s", "k", monday, json.RawMessage(`{}`)); e.Service != "visit-scheduling" {
		t.Errorf("service = %q, want visit-scheduling", e.Service)
	}
}
