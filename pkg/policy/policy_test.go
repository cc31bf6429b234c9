package policy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/pkg/testkit"
)

func agency(t testing.TB, slug string) tenant.AgencyID {
	t.Helper()
	a, err := tenant.Parse(slug)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// as is a worker of lakeland with roles.
func as(t testing.TB, worker string, roles ...string) auth.Principal {
	return auth.Principal{Subject: "s-" + worker, Agency: agency(t, "lakeland"), WorkerID: worker, Roles: roles}
}

type desk struct {
	t      testing.TB
	db     *postgres.DB
	engine *policy.Engine
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	db, _ := testkit.Database(t, os.DirFS("testdata/migrations"))
	engine, err := policy.New(clock.NewManual(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)))
	if err != nil {
		t.Fatal(err)
	}
	return &desk{t, db, engine}
}

func (d *desk) in(ctx context.Context, fn func(ctx context.Context, tx *postgres.Tx) error) error {
	return d.db.InTenant(ctx, fn)
}

func (d *desk) must(p auth.Principal, fn func(ctx context.Context, tx *postgres.Tx) error) {
	d.t.Helper()
	if err := d.in(auth.With(d.t.Context(), p), fn); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) check(p auth.Principal, action string, r policy.Resource) error {
	return d.in(auth.With(d.t.Context(), p), func(ctx context.Context, tx *postgres.Tx) error {
		return d.engine.Check(ctx, tx, action, r)
	})
}

func (d *desk) assign(caseID, worker string) {
	d.t.Helper()
	d.must(as(d.t, "setup"), func(ctx context.Context, tx *postgres.Tx) error {
		return policy.AssignWorker(ctx, tx, caseID, worker, "lead")
	})
}

func (d *desk) exclude(caseID, worker string) {
	d.t.Helper()
	d.must(as(d.t, "setup"), func(ctx context.Context, tx *postgres.Tx) error {
		return policy.ExcludeWorker(ctx, tx, caseID, worker)
	})
}

func TestDecisions(t *testing.T) {
	d := newDesk(t)
	d.assign("c-1", "worker-1")
	d.assign("c-1", "worker-2")
	d.exclude("c-1", "worker-2")
	d.exclude("c-1", "boss-2")
	plan := policy.Resource{Type: "plan", ID: "p-1", CaseID: "c-1", Author: "worker-1"}
	bossPlan := policy.Resource{Type: "plan", ID: "p-2", CaseID: "c-1", Author: "boss-1"}
	referral := policy.Resource{Type: "referral", ID: "r-1"}
	visit := policy.Resource{Type: "visit", ID: "v-1", CaseID: "c-1", AssignedWorkers: []string{"worker-9"}}
	inbound := policy.Resource{Type: "inbound_event", Source: "/systems/edu/one"}
	worker1, worker2, worker3 := as(t, "worker-1", auth.RoleFamilyWorker), as(t, "worker-2", auth.RoleFamilyWorker), as(t, "worker-3", auth.RoleFamilyWorker)
	boss, boss2 := as(t, "boss-1", auth.RoleSupervisor), as(t, "boss-2", auth.RoleSupervisor)
	intake := as(t, "intake-1", auth.RoleIntakeWorker)
	scheduler := as(t, "plans-1", auth.RoleScheduler)
	officer := as(t, "officer-1", auth.RolePrivacyOfficer)
	operator := auth.Principal{Subject: "op", Agency: agency(t, "lakeland"), Roles: []string{auth.RoleOperator}}
	service := auth.Principal{Subject: "service:x", Agency: agency(t, "lakeland"), Roles: []string{auth.RoleService}}
	school := auth.Principal{Subject: "school", Agency: agency(t, "lakeland"), Roles: []string{auth.RoleReferrer}, Source: "/systems/edu"}
	for _, tc := range []struct {
		name   string
		who    auth.Principal
		action string
		what   policy.Resource
		code   string
	}{
		{"assigned worker reads", worker1, policy.Read, plan, ""},
		{"assigned worker writes", worker1, policy.Write, plan, ""},
		{"assigned worker does not approve", worker1, policy.Approve, bossPlan, "not_allowed"},
		{"unassigned worker is told nothing", worker3, policy.Read, plan, "plan_not_found"},
		{"unassigned worker is told nothing when writing", worker3, policy.Write, plan, "plan_not_found"},
		{"excluded beats assigned", worker2, policy.Read, plan, "plan_not_found"},
		{"excluded beats supervisor", boss2, policy.Read, plan, "plan_not_found"},
		{"supervisor approves another's", boss, policy.Approve, plan, ""},
		{"supervisor does not approve own", boss, policy.Approve, bossPlan, "own_work"},
		{"supervisor does not return own", boss, policy.Return, bossPlan, "own_work"},
		{"supervisor edits own", boss, policy.Write, bossPlan, ""},
		{"supervisor assigns", boss, policy.Assign, policy.Resource{Type: "case", ID: "c-1", CaseID: "c-1"}, ""},
		{"worker does not assign", worker1, policy.Assign, policy.Resource{Type: "case", ID: "c-1", CaseID: "c-1"}, "not_allowed"},
		{"intake worker screens", intake, policy.Screen, referral, ""},
		{"intake worker has no case file", intake, policy.Read, plan, "plan_not_found"},
		{"family worker has no referral of no case", worker1, policy.Read, referral, "referral_not_found"},
		{"assigned worker reads the case's referral", worker1, policy.Read, policy.Resource{Type: "referral", ID: "r-1", CaseID: "c-1"}, ""},
		{"scheduler moves visits", scheduler, policy.Schedule, visit, ""},
		{"scheduler has no plans", scheduler, policy.Read, plan, "plan_not_found"},
		{"the visit's own worker reads it", as(t, "worker-9", auth.RoleFamilyWorker), policy.CheckIn, visit, ""},
		{"privacy officer excludes", officer, policy.Exclude, policy.Resource{Type: "case", ID: "c-1", CaseID: "c-1"}, ""},
		{"privacy officer has no case file", officer, policy.Read, plan, "plan_not_found"},
		{"operator runs the suite", operator, policy.Operate, policy.Resource{Type: "parked_event"}, ""},
		{"operator has no case file", operator, policy.Read, plan, "plan_not_found"},
		{"family worker does not run the suite", worker1, policy.Operate, policy.Resource{Type: "parked_event"}, "not_allowed"},
		{"everyone knows instruments", operator, policy.Read, policy.Resource{Type: "instrument", ID: "safety_checklist"}, ""},
		{"not everyone loads the directory", worker1, policy.Import, policy.Resource{Type: "directory"}, "not_allowed"},
		{"supervisor loads the directory", boss, policy.Import, policy.Resource{Type: "directory"}, ""},
		{"service reads", service, policy.Read, plan, ""},
		{"worker reads own contact", worker1, policy.Write, policy.Resource{Type: "worker", ID: "worker-1"}, ""},
		{"worker does not change another's", worker1, policy.Write, policy.Resource{Type: "worker", ID: "worker-3"}, "not_allowed"},
		{"referrer sends for its source", school, policy.Receive, inbound, ""},
		{"referrer does not send for another", school, policy.Receive, policy.Resource{Type: "inbound_event", Source: "/systems/education"}, "not_allowed"},
		{"referrer reads own receipt", school, policy.Read, policy.Resource{Type: "receipt", ID: "x", Source: "/systems/edu"}, ""},
		{"referrer reads no other's receipt", school, policy.Read, policy.Resource{Type: "receipt", ID: "x", Source: "/systems/police"}, "not_allowed"},
		{"referrer reads no referral", school, policy.Read, referral, "referral_not_found"},
		{"worker lists", worker3, policy.List, policy.Resource{Type: "plan"}, ""},
		{"operator does not list", operator, policy.List, policy.Resource{Type: "plan"}, "not_allowed"},
		{"unknown action", boss, "obliterate", plan, "policy_unknown"},
		{"unknown type", boss, policy.Read, policy.Resource{Type: "spaceship"}, "policy_unknown"},
	} {
		err := d.check(tc.who, tc.action, tc.what)
		if tc.code == "" && err != nil || tc.code != "" && !fault.Is(err, tc.code) {
			t.Errorf("%s: got %v, want %q", tc.name, err, tc.code)
		}
	}
}

func TestGuarantee1_AnotherAgencyIsNoAgency(t *testing.T) {
	d := newDesk(t)
	// The transaction is lakeland's; the principal is not.
	p := as(t, "boss-1", auth.RoleSupervisor, auth.RoleService, auth.RoleAdmin)
	p.Agency = agency(t, "northshore")
	ctx := tenant.With(auth.With(t.Context(), p), agency(t, "lakeland"))
	err := d.in(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		return d.engine.Check(ctx, tx, policy.Read, policy.Resource{Type: "instrument", ID: "x"})
	})
	if fault.KindOf(err) != fault.Forbidden {
		t.Errorf("got %v", err)
	}
}

func TestGuarantee2_ExclusionBeatsBreakGlass(t *testing.T) {
	d := newDesk(t)
	d.exclude("c-1", "worker-2")
	r := policy.Resource{Type: "case", ID: "c-1", CaseID: "c-1"}
	read := func(worker, reason, action string) error {
		ctx := auth.With(t.Context(), as(t, worker, auth.RoleFamilyWorker))
		if reason != "" {
			ctx = policy.WithBreakGlass(ctx, reason)
		}
		return d.in(ctx, func(ctx context.Context, tx *postgres.Tx) error { return d.engine.CheckRead(ctx, tx, action, r) })
	}
	if err := read("worker-1", "", policy.Read); !fault.Is(err, "case_not_found") {
		t.Errorf("without breaking glass: got %v", err)
	}
	if err := read("worker-1", "child alone at night", policy.Read); err != nil {
		t.Errorf("break-glass: got %v", err)
	}
	if err := read("worker-1", "child alone at night", policy.Write); !fault.Is(err, "not_allowed") {
		t.Errorf("break-glass to write: got %v", err)
	}
	if err := read("worker-2", "child alone at night", policy.Read); !fault.Is(err, "case_not_found") {
		t.Errorf("excluded: got %v", err)
	}
	want := []string{
		"worker-1 read case/c-1 c-1 deny",
		"worker-1 read case/c-1 c-1 break_glass child alone at night",
		"worker-1 write case/c-1 c-1 deny",
		"worker-2 read case/c-1 c-1 deny",
	}
	if diff := cmp.Diff(want, d.audit()); diff != "" {
		t.Error(diff)
	}
}

func TestGuarantee7_ADenialIsAuditedOnlyWhenItEndsTheRequest(t *testing.T) {
	d := newDesk(t)
	ctx := auth.With(t.Context(), as(t, "worker-1", auth.RoleFamilyWorker))
	ask := func(ctx context.Context, tx *postgres.Tx) error {
		return d.engine.Check(ctx, tx, policy.Read, policy.Resource{Type: "case", ID: "c-1", CaseID: "c-1"})
	}
	if err := d.in(ctx, ask); !fault.Is(err, "case_not_found") {
		t.Errorf("got %v", err)
	}
	// Asked, refused, and answered without it.
	if err := d.in(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		if err := ask(ctx, tx); !fault.Is(err, "case_not_found") {
			return err
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"worker-1 read case/c-1 c-1 deny"}, d.audit()); diff != "" {
		t.Error(diff)
	}
}

func TestBreakGlass_OpensNothingThatLeavesNoAudit(t *testing.T) {
	d := newDesk(t)
	ctx := policy.WithBreakGlass(auth.With(t.Context(), as(t, "worker-1", auth.RoleFamilyWorker)), "child alone at night")
	err := d.in(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		return d.engine.Check(ctx, tx, policy.Read, policy.Resource{Type: "case", ID: "c-1", CaseID: "c-1"})
	})
	if !fault.Is(err, "case_not_found") {
		t.Errorf("got %v", err)
	}
}

func TestBreakGlass_ABlankReasonIsNone(t *testing.T) {
	d := newDesk(t)
	for _, blank := range []string{" ", "\u00a0\u2003"} {
		ctx := policy.WithBreakGlass(auth.With(t.Context(), as(t, "worker-1", auth.RoleFamilyWorker)), blank)
		err := d.in(ctx, func(ctx context.Context, tx *postgres.Tx) error {
			return d.engine.CheckRead(ctx, tx, policy.Read, policy.Resource{Type: "case", ID: "c-1", CaseID: "c-1"})
		})
		if !fault.Is(err, "case_not_found") {
			t.Errorf("%q: got %v", blank, err)
		}
	}
}

// A supervisor who has a second token, one that names no worker, is one person.
func TestGuarantee1_TwoTokensOfOnePersonAreOnePerson(t *testing.T) {
	d := newDesk(t)
	boss := as(t, "boss-1", auth.RoleSupervisor)
	if err := d.check(boss, policy.Approve, policy.Resource{Type: "plan", ID: "p-1", CaseID: "c-1", Author: boss.Subject}); !fault.Is(err, "own_work") {
		t.Errorf("own work, done without a worker's id: %v", err)
	}
}

func (d *desk) audit() []string {
	d.t.Helper()
	var lines []string
	d.must(as(d.t, "setup"), func(ctx context.Context, tx *postgres.Tx) error {
		return tx.SelectContext(ctx, &lines, `
SELECT actor || ' ' || action || ' ' || resource_type || '/' || resource_id || ' ' || coalesce(case_id, '-') || ' ' || decision || coalesce(' ' || reason, '')
FROM audit ORDER BY audit_id`)
	})
	return lines
}

func TestGuarantee5_WhoLeadsAUnitLeadsItAndWhatIsBelow(t *testing.T) {
	d := newDesk(t)
	for caseID, unit := range map[string]string{"c-team-1": "north/team-1", "c-team-2": "north/team-2", "c-north": "north", "c-northern": "northern"} {
		d.must(as(t, "setup"), func(ctx context.Context, tx *postgres.Tx) error { return policy.PlaceCase(ctx, tx, caseID, unit) })
	}
	d.assign("c-team-2", "boss-1")
	bound := func(worker, role string, units ...string) auth.Principal {
		p := as(t, worker, role)
		p.Units = append([]string{}, units...)
		return p
	}
	plan := func(caseID string) policy.Resource { return policy.Resource{Type: "plan", ID: "p", CaseID: caseID} }
	for _, tc := range []struct {
		name   string
		who    auth.Principal
		action string
		what   policy.Resource
		code   string
	}{
		{"their team's case", bound("boss-2", auth.RoleSupervisor, "north/team-1"), policy.Read, plan("c-team-1"), ""},
		{"another team's", bound("boss-2", auth.RoleSupervisor, "north/team-1"), policy.Read, plan("c-team-2"), "plan_not_found"},
		{"their office's, above their team", bound("boss-2", auth.RoleSupervisor, "north/team-1"), policy.Read, plan("c-north"), "plan_not_found"},
		{"a team below their office", bound("boss-3", auth.RoleSupervisor, "north"), policy.Approve, plan("c-team-2"), ""},
		{"an office whose name begins alike", bound("boss-3", auth.RoleSupervisor, "north"), policy.Read, plan("c-northern"), "plan_not_found"},
		{"a case no unit has", bound("boss-2", auth.RoleSupervisor, "north/team-1"), policy.Assign, policy.Resource{Type: "case", ID: "c-new", CaseID: "c-new"}, ""},
		{"assigning another team's case", bound("boss-2", auth.RoleSupervisor, "north/team-1"), policy.Assign, policy.Resource{Type: "case", ID: "c-team-2", CaseID: "c-team-2"}, "case_not_found"},
		{"assigned in another team", bound("boss-1", auth.RoleSupervisor, "north/team-1"), policy.Read, plan("c-team-2"), ""},
		{"a token that lists no unit", bound("boss-2", auth.RoleSupervisor), policy.Read, plan("c-team-1"), "plan_not_found"},
		{"a token that says nothing of units", as(t, "boss-4", auth.RoleSupervisor), policy.Read, plan("c-northern"), ""},
		{"a scheduler of another team", bound("plans-1", auth.RoleScheduler, "north/team-1"), policy.Schedule, policy.Resource{Type: "visit", ID: "v", CaseID: "c-team-2"}, "visit_not_found"},
		{"a person of two cases, one of them theirs", bound("boss-2", auth.RoleSupervisor, "north/team-1"), policy.Read, policy.Resource{Type: "person", ID: "p", Cases: []string{"c-team-2", "c-team-1"}}, ""},
		{"a person of other teams' cases", bound("boss-2", auth.RoleSupervisor, "north/team-1"), policy.Read, policy.Resource{Type: "person", ID: "p", Cases: []string{"c-team-2", "c-northern"}}, "person_not_found"},
		{"an intake worker, whatever the unit", bound("intake-1", auth.RoleIntakeWorker, "south"), policy.Read, policy.Resource{Type: "referral", ID: "r", CaseID: "c-team-1"}, ""},
	} {
		err := d.check(tc.who, tc.action, tc.what)
		if tc.code == "" && err != nil || tc.code != "" && !fault.Is(err, tc.code) {
			t.Errorf("%s: got %v, want %q", tc.name, err, tc.code)
		}
	}
	d.must(bound("boss-3", auth.RoleSupervisor, "north"), func(ctx context.Context, tx *postgres.Tx) error {
		for _, c := range []string{"c-team-1", "c-team-2", "c-north", "c-northern", "c-new"} {
			if _, err := tx.ExecContext(ctx, "INSERT INTO note (note_id, case_id, workers) VALUES ($1, $1, '{}')", c); err != nil {
				return err
			}
		}
		where, args, err := d.engine.CaseFilter(ctx, "plan", "case_id")
		if err != nil {
			return err
		}
		var listed []string
		err = tx.SelectContext(ctx, &listed, "SELECT note_id FROM note WHERE "+where+" ORDER BY note_id", args...)
		if diff := cmp.Diff([]string{"c-new", "c-north", "c-team-1", "c-team-2"}, listed); diff != "" {
			t.Errorf("listed to who leads the office (-want +got):\n%s", diff)
		}
		return err
	})
	d.must(as(t, "setup"), func(ctx context.Context, tx *postgres.Tx) error {
		for _, bad := range []string{"", "North", "north/", "/north", "north//team", "north team", strings.Repeat("n", 101)} {
			if err := policy.PlaceCase(ctx, tx, "c-team-1", bad); !fault.Is(err, "unit_invalid") {
				t.Errorf("unit %q: %v", bad, err)
			}
		}
		return nil
	})
}

func TestGuarantee6_ProtectedRecordsNeedAGrantByName(t *testing.T) {
	d := newDesk(t)
	d.assign("c-1", "worker-1")
	d.exclude("c-1", "worker-3")
	reporter := policy.Resource{Type: "reporter", ID: "rep-1", CaseID: "c-1", Protected: true, Granted: []string{"worker-2", "worker-3"}}
	for _, tc := range []struct {
		name string
		who  auth.Principal
		code string
	}{
		{"named in the grant, with no other right", as(t, "worker-2", auth.RoleFamilyWorker), ""},
		{"named, and excluded", as(t, "worker-3", auth.RoleFamilyWorker), "reporter_not_found"},
		{"assigned, not named", as(t, "worker-1", auth.RoleFamilyWorker), "protected"},
		{"supervisor, not named", as(t, "boss-1", auth.RoleSupervisor), "protected"},
		{"intake worker, not named", as(t, "intake-1", auth.RoleIntakeWorker), "protected"},
		{"service", as(t, "", auth.RoleService), "protected"},
		{"a stranger is not told that there is one", as(t, "worker-9", auth.RoleFamilyWorker), "reporter_not_found"},
	} {
		err := d.check(tc.who, policy.Read, reporter)
		if tc.code == "" && err != nil || tc.code != "" && !fault.Is(err, tc.code) {
			t.Errorf("%s: got %v, want %q", tc.name, err, tc.code)
		}
	}
	if err := d.check(as(t, "officer-1", auth.RolePrivacyOfficer), policy.Grant, reporter); err != nil {
		t.Errorf("privacy officer grants: %v", err)
	}
	if err := d.check(as(t, "boss-1", auth.RoleSupervisor), policy.Grant, reporter); err == nil {
		t.Error("a supervisor grants")
	}
}

func TestGuarantee7_NoAuditNoAccess(t *testing.T) {
	d := newDesk(t)
	d.assign("c-1", "worker-1")
	who := as(t, "worker-1", auth.RoleFamilyWorker)
	d.must(who, func(ctx context.Context, tx *postgres.Tx) error {
		return d.engine.CheckRead(ctx, tx, policy.Read, policy.Resource{Type: "plan", ID: "p-1", CaseID: "c-1"})
	})
	if diff := cmp.Diff([]string{"worker-1 read plan/p-1 c-1 permit"}, d.audit()); diff != "" {
		t.Error(diff)
	}
	// A transaction that cannot write the audit row gives no access.
	err := d.db.ReadInTenant(auth.With(t.Context(), who), func(ctx context.Context, tx *postgres.Tx) error {
		return d.engine.CheckRead(ctx, tx, policy.Read, policy.Resource{Type: "plan", ID: "p-1", CaseID: "c-1"})
	})
	if err == nil {
		t.Error("read without an audit row")
	}
}

func TestGuarantee8_NobodyIsDenied(t *testing.T) {
	d := newDesk(t)
	err := d.in(tenant.With(t.Context(), agency(t, "lakeland")), func(ctx context.Context, tx *postgres.Tx) error {
		if _, _, err := d.engine.CaseFilter(ctx, "plan", "case_id"); fault.KindOf(err) != fault.Unauthenticated {
			t.Errorf("filter: got %v", err)
		}
		return d.engine.Check(ctx, tx, policy.Read, policy.Resource{Type: "plan"})
	})
	if fault.KindOf(err) != fault.Unauthenticated {
		t.Errorf("got %v", err)
	}
}

// Random worlds in a real database: a row is listed exactly when it may be read.
func TestGuarantee4_ListsFollowTheSameRule(t *testing.T) {
	d := newDesk(t)
	types := []string{"plan", "visit", "referral", "case", "message", "instrument", "receipt", "worker"}
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		workers := []string{"w-1", "w-2", "w-3"}
		cases := []string{"", fmt.Sprintf("%d-a", run), fmt.Sprintf("%d-b", run), fmt.Sprintf("%d-c", run)}
		who := as(t, rapid.SampledFrom(append(workers, "")).Draw(rt, "worker"),
			rapid.OneOf(rapid.SliceOfDistinct(rapid.SampledFrom(auth.Roles()), rapid.ID[string]),
				// All roles at once may do nearly everything; of most interest are those that units bind.
				rapid.SampledFrom([][]string{{auth.RoleSupervisor}, {auth.RoleScheduler, auth.RoleFamilyWorker}})).Draw(rt, "roles")...)
		units := []string{"north", "north/team-1", "northern"}
		if rapid.Bool().Draw(rt, "bound") {
			who.Units = rapid.SliceOfNDistinct(rapid.SampledFrom(units), 0, 2, rapid.ID[string]).Draw(rt, "units")
		}
		kind := rapid.SampledFrom(types).Draw(rt, "type")
		type note struct {
			ID, Case string
			Workers  []string
		}
		var notes []note
		for i := range rapid.IntRange(1, 6).Draw(rt, "notes") {
			n := note{ID: fmt.Sprintf("%d-%d", run, i), Case: rapid.SampledFrom(cases).Draw(rt, "case")}
			n.Workers = rapid.SliceOfDistinct(rapid.SampledFrom(workers), rapid.ID[string]).Draw(rt, "of the row")
			notes = append(notes, n)
		}
		err := d.in(auth.With(t.Context(), who), func(ctx context.Context, tx *postgres.Tx) error {
			for _, c := range cases[1:] {
				if unit := rapid.SampledFrom(append(units, "")).Draw(rt, "unit"); unit != "" {
					if err := policy.PlaceCase(ctx, tx, c, unit); err != nil {
						return err
					}
				}
				for _, w := range workers {
					var err error
					switch rapid.IntRange(0, 4).Draw(rt, "standing") {
					case 1:
						err = policy.AssignWorker(ctx, tx, c, w, "lead")
					case 2:
						err = policy.ExcludeWorker(ctx, tx, c, w)
					case 3:
						if err = policy.AssignWorker(ctx, tx, c, w, "lead"); err == nil {
							err = policy.ExcludeWorker(ctx, tx, c, w)
						}
					case 4:
						if err = policy.AssignWorker(ctx, tx, c, w, "lead"); err == nil {
							err = policy.UnassignWorker(ctx, tx, c, w)
						}
					}
					if err != nil {
						return err
					}
				}
			}
			var want []string
			for _, n := range notes {
				_, err := tx.ExecContext(ctx, "INSERT INTO note (note_id, case_id, workers) VALUES ($1, nullif($2, ''), $3)", n.ID, n.Case, n.Workers)
				if err != nil {
					return err
				}
				err = d.engine.Check(ctx, tx, policy.Read, policy.Resource{Type: kind, ID: n.ID, CaseID: n.Case, AssignedWorkers: n.Workers})
				switch {
				case err == nil:
					want = append(want, n.ID)
				case fault.KindOf(err) == fault.Internal:
					return err
				}
			}
			where, args, err := d.engine.Filter(ctx, policy.Rows{Type: kind, Case: rapid.SampledFrom([]string{"note.case_id", "case_id"}).Draw(rt, "column"), Workers: "note.workers"}, fmt.Sprintf("%d-%%", run))
			if err != nil {
				return err
			}
			var got []string
			if err := tx.SelectContext(ctx, &got, "SELECT note_id FROM note WHERE note_id LIKE $1 AND "+where+" ORDER BY note_id", args...); err != nil {
				return err
			}
			slices.Sort(want)
			if diff := cmp.Diff(strings.Join(want, " "), strings.Join(got, " ")); diff != "" {
				rt.Fatalf("%v %s as %v:\n%s\n%s", who.Roles, kind, who.WorkerID, diff, where)
			}
			return nil
		})
		if err != nil {
			rt.Fatal(err)
		}
	})
}

func TestCaseAccessHandlers_FollowPlanning(t *testing.T) {
	d := newDesk(t)
	handlers := policy.CaseAccessHandlers()
	plan := policy.Resource{Type: "plan", ID: "p-1", CaseID: "c-1"}
	who := as(t, "worker-1", auth.RoleFamilyWorker)
	tell := func(what, data string) {
		t.Helper()
		d.must(as(t, "setup"), func(ctx context.Context, tx *postgres.Tx) error {
			return handlers["org.hearth.planning.case."+what+".v1"](ctx, tx, events.Event{Type: what, Data: json.RawMessage(data)})
		})
	}
	tell("assigned", `{"case_id":"c-1","worker_id":"worker-1","role":"lead","supervisor_id":"boss-1"}`)
	if err := d.check(who, policy.Read, plan); err != nil {
		t.Errorf("assigned: %v", err)
	}
	tell("assigned", `{"case_id":"c-1","worker_id":"worker-1","role":"lead","supervisor_id":"boss-1","unit":"north/team-1"}`)
	d.must(as(t, "setup"), func(ctx context.Context, tx *postgres.Tx) error {
		if unit, err := policy.UnitOf(ctx, tx, "c-1"); unit != "north/team-1" || err != nil {
			t.Errorf("unit of the case: %q, %v", unit, err)
		}
		return nil
	})
	tell("unassigned", `{"case_id":"c-1","worker_id":"worker-1","reason_code":"moved"}`)
	if err := d.check(who, policy.Read, plan); !fault.Is(err, "plan_not_found") {
		t.Errorf("unassigned: %v", err)
	}
	tell("excluded", `{"case_id":"c-1","worker_id":"worker-1"}`)
	tell("assigned", `{"case_id":"c-1","worker_id":"worker-1","role":"lead"}`)
	if err := d.check(who, policy.Read, plan); !fault.Is(err, "plan_not_found") {
		t.Errorf("excluded, then assigned: %v", err)
	}
	tell("exclusion_lifted", `{"case_id":"c-1","worker_id":"worker-1"}`)
	if err := d.check(who, policy.Read, plan); err != nil {
		t.Errorf("assigned, and the exclusion lifted: %v", err)
	}
	d.must(as(t, "setup"), func(ctx context.Context, tx *postgres.Tx) error {
		if err := handlers["org.hearth.planning.case.assigned.v1"](ctx, tx, events.Event{Data: json.RawMessage(`[]`)}); fault.KindOf(err) != fault.Unprocessable {
			t.Errorf("unreadable: %v", err)
		}
		return nil
	})
}

func BenchmarkCheck(b *testing.B) {
	engine, err := policy.New(clock.System())
	if err != nil {
		b.Fatal(err)
	}
	ctx := auth.With(b.Context(), as(b, "worker-1", auth.RoleFamilyWorker))
	for b.Loop() {
		if _, _, err := engine.CaseFilter(ctx, "plan", "case_id"); err != nil {
			b.Fatal(err)
		}
	}
}
