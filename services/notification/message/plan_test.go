package message

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	caseID     = "019aa7b0-11f2-7a44-8a0e-5b8c0d9e1f22"
	referralID = "019aa7b0-0000-7a44-8a0e-5b8c0d9e1f22"
	visitID    = "019aa7b0-2222-7a44-8a0e-5b8c0d9e1f22"
)

// told is who is told what, for comparing.
type told struct {
	Template  string
	Audience  Audience
	Recipient string
}

func who(drafts []Draft) []told {
	out := []told{}
	for _, d := range drafts {
		out = append(out, told{d.Template, d.Audience, d.Recipient})
	}
	return out
}

func TestPlan_WhoIsToldOfWhat(t *testing.T) {
	k := Knowledge{Now: noon, Zone: time.UTC, Rules: fastRules}
	supervised := k
	supervised.Supervisor, supervised.Reachable = "boss", true
	silent := k
	silent.Supervisor = "boss"
	for _, tc := range []struct {
		name string
		got  []Draft
		want []told
	}{
		{"urgent referral", Urgent(Occurrence{Urgent: true, ReferralID: referralID, Priority: "immediate", DueAt: noon}, k), []told{{"urgent_referral", DutyTeam, ""}}},
		{"referral that is not urgent", Urgent(Occurrence{ReferralID: referralID}, k), []told{}},
		{"clock of a case", ClockExpired(Occurrence{CaseID: caseID, ReferralID: referralID}, supervised), []told{{"clock_expired", Supervisor, "boss"}}},
		{"clock of a case whose supervisor cannot be reached", ClockExpired(Occurrence{CaseID: caseID}, silent), []told{{"clock_expired", DutyTeam, ""}}},
		{"clock of a referral", ClockExpired(Occurrence{ReferralID: referralID}, k), []told{{"clock_expired", DutyTeam, ""}}},
		{"assignment", Assigned(Occurrence{CaseID: caseID, WorkerID: "w1", Role: "lead"}, k), []told{{"assignment", Worker, "w1"}}},
		{"plan submitted", PlanSubmitted(Occurrence{CaseID: caseID, SupervisorID: "boss"}, k), []told{{"plan_submitted", Supervisor, "boss"}}},
		{"plan approved, each worker once", PlanApproved(Occurrence{CaseID: caseID, Workers: []string{"w1", "w2", "w1"}}, k), []told{{"plan_approved", Worker, "w1"}, {"plan_approved", Worker, "w2"}}},
		{"plan returned", PlanReturned(Occurrence{CaseID: caseID}, []string{"w1"}, k), []told{{"plan_returned", Worker, "w1"}}},
		{"missed check-out", CheckoutMissed(Occurrence{CaseID: caseID, VisitID: visitID, Workers: []string{"w1", "w2"}}, supervised), []told{{"checkout_missed", Worker, "w1"}, {"checkout_missed", Worker, "w2"}, {"checkout_missed", Supervisor, "boss"}}},
		{"missed check-out, nobody to supervise", CheckoutMissed(Occurrence{CaseID: caseID, VisitID: visitID, Workers: []string{"w1"}}, k), []told{{"checkout_missed", Worker, "w1"}, {"checkout_missed", DutyTeam, ""}}},
		{"visit", VisitReminders(Occurrence{CaseID: caseID, VisitID: visitID, StartsAt: noon.Add(72 * time.Hour), Recipients: []string{"p1", "p2"}}, k), []told{{"visit_reminder", Family, "p1"}, {"visit_reminder", Family, "p2"}}},
		{"visit nobody is reminded of", VisitReminders(Occurrence{CaseID: caseID, VisitID: visitID, StartsAt: noon.Add(72 * time.Hour)}, k), []told{}},
		{"visit that has begun", VisitReminders(Occurrence{CaseID: caseID, StartsAt: noon, Recipients: []string{"p1"}}, k), []told{}},
		{"visit that moved", VisitMoved(Occurrence{CaseID: caseID, VisitID: visitID, StartsAt: noon.Add(72 * time.Hour), Recipients: []string{"p1"}, Workers: []string{"w2"}}, []string{"w1"}, k), []told{{"visit_moved", Family, "p1"}, {"visit_changed", Worker, "w2"}, {"visit_taken", Worker, "w1"}}},
		{"visit that moved and has begun", VisitMoved(Occurrence{CaseID: caseID, StartsAt: noon, Recipients: []string{"p1"}, Workers: []string{"w2"}}, nil, k), []told{}},
		{"visit that lost its time", VisitUnplaced(Occurrence{CaseID: caseID, VisitID: visitID, LostStartsAt: noon, Reasons: []string{"fully_booked"}}, supervised), []told{{"visit_unplaced", Supervisor, "boss"}}},
		{"visit that never had a time", VisitUnplaced(Occurrence{CaseID: caseID, VisitID: visitID, Reasons: []string{"fully_booked"}}, supervised), []told{}},
		{"feedback", Feedback(Occurrence{ReferralID: referralID}, k), []told{{"feedback", Reporter, referralID}}},
	} {
		if diff := cmp.Diff(tc.want, who(tc.got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
		for _, d := range tc.got {
			if d.DueAt.Before(noon) || !d.ExpiresAt.After(d.DueAt) {
				t.Errorf("%s: due %v, expires %v", tc.name, d.DueAt, d.ExpiresAt)
			}
		}
	}
}

// Every draft carries exactly the variables its template needs beyond the agency's name.
func TestPlan_DraftsFillTheirTemplates(t *testing.T) {
	templates := shipped(t)
	k := Knowledge{Now: noon, Zone: time.UTC, Rules: fastRules}
	o := Occurrence{
		CaseID: caseID, ReferralID: referralID, VisitID: visitID, Priority: "immediate", Urgent: true, Clock: "response_24h", DueAt: noon,
		WorkerID: "w1", SupervisorID: "boss", Role: "lead", ReasonCode: "goals_unclear", Workers: []string{"w1"},
		StartsAt: noon.Add(72 * time.Hour), ExpectedAt: noon, Recipients: []string{"p1"},
		PreviousStartsAt: noon, LostStartsAt: noon, Reasons: []string{"fully_booked"},
	}
	var drafts []Draft
	for _, d := range [][]Draft{Urgent(o, k), ClockExpired(o, k), Assigned(o, k), PlanSubmitted(o, k), PlanApproved(o, k), PlanReturned(o, []string{"w1"}, k), CheckoutMissed(o, k), VisitReminders(o, k), VisitMoved(o, []string{"w9"}, k), VisitUnplaced(o, k), Feedback(o, k)} {
		drafts = append(drafts, d...)
	}
	seen := map[string]bool{}
	for _, d := range drafts {
		seen[d.Template] = true
		spec, ok := templates.Spec(d.Template)
		if !ok {
			t.Errorf("there is no template %s", d.Template)
		}
		for name, kind := range spec.Variables {
			if kind != "agency" && d.Variables[name] == "" {
				t.Errorf("%s: %s is empty", d.Template, name)
			}
		}
		for name := range d.Variables {
			if _, ok := spec.Variables[name]; !ok {
				t.Errorf("%s: %s is not declared", d.Template, name)
			}
		}
		if _, err := templates.Render(Message{Template: d.Template, Audience: d.Audience, Variables: d.Variables}, "sv", "Järvilinna", time.UTC); err != nil {
			t.Error(err)
		}
	}
	for _, name := range templates.Names() {
		if !seen[name] {
			t.Errorf("no event leads to %s", name)
		}
	}
}

func TestVisitReminders_WithoutAnAllowedTimeAreForAPerson(t *testing.T) {
	night := time.Date(2026, 11, 23, 23, 0, 0, 0, time.UTC)
	drafts := VisitReminders(Occurrence{VisitID: visitID, StartsAt: night.Add(9 * time.Hour), Recipients: []string{"p1"}}, Knowledge{Now: night, Zone: time.UTC, Rules: fastRules})
	if len(drafts) != 1 || !drafts[0].NoTime {
		t.Errorf("got %+v", drafts)
	}
}
