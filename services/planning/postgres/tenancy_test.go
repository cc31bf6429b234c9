package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/pkg/testkit"
	"github.com/hearthfps/hearth/services/planning/casefile"
	"github.com/hearthfps/hearth/services/planning/goals"
	store "github.com/hearthfps/hearth/services/planning/postgres"
)

var at = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

func in(t *testing.T, db *postgres.DB, agency string, fn func(ctx context.Context, tx *postgres.Tx) error) error {
	t.Helper()
	id, err := tenant.Parse(agency)
	if err != nil {
		t.Fatal(err)
	}
	return db.InTenant(tenant.With(t.Context(), id), fn)
}

func newCase() *casefile.Case {
	return &casefile.Case{
		ID: "case-1", ReferralID: "referral-1", HouseholdID: "household-1", Program: "perhetyo", ProgramVersion: "1", Priority: "routine",
		Persons: []casefile.Person{{PersonID: "p", Role: "caregiver"}}, Languages: []string{"fi"}, SafetyFlags: []string{}, ConcernCodes: []string{},
		OpenedBy: "w", OpenedAt: at, Status: casefile.Open, Version: 1, Trace: "00-trace",
	}
}

func newPlan() *casefile.Plan {
	return &casefile.Plan{ID: "plan-1", CaseID: "case-1", Revision: 1, Versions: []casefile.PlanVersion{{
		Number: 1, Status: casefile.Approved, Author: "worker-1",
		Editors: []string{"worker-1"}, SupervisorID: "s", SubmittedBy: "worker-1", SubmittedAt: at, ApprovedBy: "s", ApprovedAt: at, CreatedAt: at,
		Content: casefile.Content{Goals: []casefile.Goal{}, ResourceNeeds: []string{}, Recipients: []string{}},
	}}}
}

var (
	assignment = casefile.Assignment{ID: "assignment-1", CaseID: "case-1", WorkerID: "worker-1", SupervisorID: "s", Role: casefile.Lead, By: "s", At: at}
	safetyPlan = casefile.SafetyPlan{
		ID: "safety-1", CaseID: "case-1", AssessmentID: "a", ReviewOn: "2026-03-09", StartedBy: "worker-1", StartedAt: at, Version: 1,
		Actions: []casefile.SafetyAction{{Description: "x", Responsible: casefile.Responsible{Kind: "network"}}},
	}
	review = casefile.Review{
		ID: "review-1", PlanID: "plan-1", PlanVersion: 1, CaseID: "case-1", HeldOn: "2026-03-02", TScore: 60, Goals: 1, By: "worker-1", At: at,
		Ratings: []casefile.GoalRating{{GoalID: "g", Level: 1}},
	}
	exclusion = store.Exclusion{CaseID: "case-1", WorkerID: "worker-9", ReasonCode: "relative", ExcludedBy: "s", ExcludedAt: at}
	need      = goals.Need{Domain: "parenting", Level: "high", AssessmentID: "a", Instrument: "scale", InstrumentVersion: "1", At: at}
	entry     = casefile.TimelineEntry{EventID: "event-1", FamilyKey: "referral-1", At: at, Service: "intake", Type: "t", Subject: "s", Data: []byte(`{"a": 1}`)}
)

// fill stores one of everything.
func fill(ctx context.Context, tx *postgres.Tx) error {
	for _, step := range []func() error{
		func() error { return store.InsertCase(ctx, tx, newCase()) },
		func() error { return store.InsertAssignment(ctx, tx, assignment, "perhetyo", 1) },
		func() error { return store.InsertExclusion(ctx, tx, exclusion) },
		func() error {
			return store.PutSafety(ctx, tx, "case-1", casefile.Safety{Decision: "unsafe", AssessmentID: "a", Demanded: true})
		},
		func() error { return store.InsertSafetyPlan(ctx, tx, safetyPlan) },
		func() error { return store.InsertPlan(ctx, tx, newPlan()) },
		func() error { return store.InsertReview(ctx, tx, review) },
		func() error { return store.PutNeed(ctx, tx, "case-1", need) },
		func() error { return store.InsertTimelineEntry(ctx, tx, entry) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func everyCase(args []any) (string, []any, error) { return "true", args, nil }

// reads is every store method that reads, each telling what it found in one form.
var reads = map[string]func(ctx context.Context, tx *postgres.Tx) (any, error){
	"GetCase":  func(ctx context.Context, tx *postgres.Tx) (any, error) { return store.GetCase(ctx, tx, "case-1") },
	"LockCase": func(ctx context.Context, tx *postgres.Tx) (any, error) { return store.LockCase(ctx, tx, "case-1") },
	"Safety":   func(ctx context.Context, tx *postgres.Tx) (any, error) { return store.Safety(ctx, tx, "case-1") },
	"GetAssignment": func(ctx context.Context, tx *postgres.Tx) (any, error) {
		return store.GetAssignment(ctx, tx, "assignment-1")
	},
	"GetSafetyPlan": func(ctx context.Context, tx *postgres.Tx) (any, error) {
		return store.GetSafetyPlan(ctx, tx, "safety-1")
	},
	"PlanCase":   func(ctx context.Context, tx *postgres.Tx) (any, error) { return store.PlanCase(ctx, tx, "plan-1") },
	"GetPlan":    func(ctx context.Context, tx *postgres.Tx) (any, error) { return store.GetPlan(ctx, tx, "plan-1") },
	"PlanOfCase": func(ctx context.Context, tx *postgres.Tx) (any, error) { return store.PlanOfCase(ctx, tx, "case-1") },
	"Needs":      func(ctx context.Context, tx *postgres.Tx) (any, error) { return store.Needs(ctx, tx, "case-1") },
	"ListCases": func(ctx context.Context, tx *postgres.Tx) (any, error) {
		return store.ListCases(ctx, tx, store.CaseQuery{Visible: everyCase, Limit: 10})
	},
	"ListAssignments": func(ctx context.Context, tx *postgres.Tx) (any, error) {
		return store.ListAssignments(ctx, tx, "case-1", store.Place{}, 10)
	},
	"ListExclusions": func(ctx context.Context, tx *postgres.Tx) (any, error) {
		return store.ListExclusions(ctx, tx, "case-1", store.Place{}, 10)
	},
	"ListSafetyPlans": func(ctx context.Context, tx *postgres.Tx) (any, error) {
		return store.ListSafetyPlans(ctx, tx, "case-1", store.Place{}, 10)
	},
	"ListReviews": func(ctx context.Context, tx *postgres.Tx) (any, error) {
		return store.ListReviews(ctx, tx, "plan-1", store.Place{}, 10)
	},
	"ListTimeline": func(ctx context.Context, tx *postgres.Tx) (any, error) {
		return store.ListTimeline(ctx, tx, "case-1", "", store.Place{}, 10)
	},
}

// seen words what a read found; a refusal is its code.
func seen(v any, err error) string {
	if f, ok := fault.As(err); ok {
		return f.Code
	}
	if err != nil {
		return "error: " + err.Error()
	}
	switch v := v.(type) {
	case *casefile.Case:
		return fmt.Sprintf("%+v", *v)
	case *casefile.Plan:
		if v == nil {
			return "none"
		}
	case []store.ListedCase:
		out := []string{}
		for _, c := range v {
			out = append(out, fmt.Sprint(c.ID, c.Program, c.Status, *c.Lead))
		}
		return fmt.Sprint(out)
	}
	return fmt.Sprintf("%+v", v)
}

func readAll(t *testing.T, db *postgres.DB, agency string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for name, read := range reads {
		// A transaction each: a read that fails must not spoil the next.
		_ = in(t, db, agency, func(ctx context.Context, tx *postgres.Tx) error {
			v, err := read(ctx, tx)
			out[name] = seen(v, err)
			return err
		})
	}
	return out
}

func TestStore_NoMethodReachesAnotherAgency(t *testing.T) {
	db, _ := testkit.Database(t, store.Migrations)
	if err := in(t, db, "lakeland", fill); err != nil {
		t.Fatal(err)
	}
	before := readAll(t, db, "lakeland")

	want := map[string]string{
		"GetCase": "case_not_found", "LockCase": "case_not_found", "Safety": fmt.Sprintf("%+v", casefile.Safety{}), "GetAssignment": "assignment_not_found",
		"GetSafetyPlan": "safety_plan_not_found", "PlanCase": "plan_not_found", "GetPlan": "plan_not_found", "PlanOfCase": "none", "Needs": "[]",
		"ListCases": "[]", "ListAssignments": "[]", "ListExclusions": "[]", "ListSafetyPlans": "[]", "ListReviews": "[]", "ListTimeline": "[]",
	}
	if diff := cmp.Diff(want, readAll(t, db, "northshore")); diff != "" {
		t.Errorf("what another agency sees (-want +got):\n%s", diff)
	}

	// Changes made from another agency to ids it does not own fail, and touch nothing.
	changed := newCase()
	changed.Version, changed.Status = 9, casefile.Closed
	changed.Closing = &casefile.Closing{Reason: "goals_met", By: "s", At: at}
	ended := assignment
	ended.Ended = &casefile.Ending{Reason: "workload", By: "s", At: at}
	endedPlan := safetyPlan
	endedPlan.Ended, endedPlan.Version = ended.Ended, 2
	plan := newPlan()
	plan.Revision = 9
	for name, change := range map[string]func(ctx context.Context, tx *postgres.Tx) error{
		"SaveCase": func(ctx context.Context, tx *postgres.Tx) error { return store.SaveCase(ctx, tx, changed) },
		"EndAssignments": func(ctx context.Context, tx *postgres.Tx) error {
			return store.EndAssignments(ctx, tx, "perhetyo", ended)
		},
		"EndSafetyPlan": func(ctx context.Context, tx *postgres.Tx) error { return store.EndSafetyPlan(ctx, tx, endedPlan) },
		"SavePlan":      func(ctx context.Context, tx *postgres.Tx) error { return store.SavePlan(ctx, tx, plan) },
		"InsertAssignment": func(ctx context.Context, tx *postgres.Tx) error {
			return store.InsertAssignment(ctx, tx, assignment, "perhetyo", 1)
		},
		"InsertExclusion": func(ctx context.Context, tx *postgres.Tx) error { return store.InsertExclusion(ctx, tx, exclusion) },
		"LiftExclusion": func(ctx context.Context, tx *postgres.Tx) error {
			_, err := store.LiftExclusion(ctx, tx, exclusion.CaseID, exclusion.WorkerID, "excluded_in_error", "s", at)
			return err
		},
		"InsertSafetyPlan": func(ctx context.Context, tx *postgres.Tx) error { return store.InsertSafetyPlan(ctx, tx, safetyPlan) },
		"InsertPlan":       func(ctx context.Context, tx *postgres.Tx) error { return store.InsertPlan(ctx, tx, newPlan()) },
		"InsertReview":     func(ctx context.Context, tx *postgres.Tx) error { return store.InsertReview(ctx, tx, review) },
	} {
		if err := in(t, db, "northshore", change); err == nil {
			t.Errorf("%s from another agency went through", name)
		}
	}
	// The same ids stored by the other agency are other rows.
	if err := in(t, db, "northshore", fill); err != nil {
		t.Errorf("another agency cannot use the same ids: %v", err)
	}
	if diff := cmp.Diff(before, readAll(t, db, "lakeland")); diff != "" {
		t.Errorf("what the agency sees after another's changes (-before +after):\n%s", diff)
	}
}

func TestStore_ReadsWhatItWrote(t *testing.T) {
	db, _ := testkit.Database(t, store.Migrations)
	err := in(t, db, "lakeland", func(ctx context.Context, tx *postgres.Tx) error {
		if err := fill(ctx, tx); err != nil {
			return err
		}
		c, err := store.GetCase(ctx, tx, "case-1")
		if err != nil {
			return err
		}
		want := newCase()
		want.Roster, want.Barred = []casefile.Assignment{assignment}, []string{"worker-9"}
		want.Safety = casefile.Safety{Decision: "unsafe", AssessmentID: "a", Demanded: true, PlanInForce: "safety-1"}
		if diff := cmp.Diff(want, c); diff != "" {
			t.Errorf("case (-written +read):\n%s", diff)
		}
		p, err := store.GetPlan(ctx, tx, "plan-1")
		if diff := cmp.Diff(newPlan(), p); diff != "" {
			t.Errorf("plan (-written +read):\n%s", diff)
		}
		if err != nil {
			return err
		}
		sp, err := store.GetSafetyPlan(ctx, tx, "safety-1")
		if diff := cmp.Diff(safetyPlan, sp); diff != "" {
			t.Errorf("safety plan (-written +read):\n%s", diff)
		}
		if err != nil {
			return err
		}
		rs, err := store.ListReviews(ctx, tx, "plan-1", store.Place{}, 10)
		if diff := cmp.Diff([]casefile.Review{review}, rs); diff != "" {
			t.Errorf("reviews (-written +read):\n%s", diff)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSavePlan_AnApprovedVersionIsLeftAsItIs(t *testing.T) {
	db, _ := testkit.Database(t, store.Migrations)
	err := in(t, db, "lakeland", func(ctx context.Context, tx *postgres.Tx) error {
		if err := fill(ctx, tx); err != nil {
			return err
		}
		p, err := store.GetPlan(ctx, tx, "plan-1")
		if err != nil {
			return err
		}
		p.Revision++
		p.Versions[0].Content.StartsOn = "2030-01-01"
		if err := store.SavePlan(ctx, tx, p); err != nil {
			return err
		}
		p, err = store.GetPlan(ctx, tx, "plan-1")
		if err == nil && p.Versions[0].Content.StartsOn != "" {
			t.Errorf("an approved version was rewritten to start on %s", p.Versions[0].Content.StartsOn)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTables_EveryOneIsHeldToItsTenant(t *testing.T) {
	db, _ := testkit.Database(t, store.Migrations)
	testkit.ProveTenancy(t, db)
}
