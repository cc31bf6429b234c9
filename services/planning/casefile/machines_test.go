package casefile

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestPlan_AnyHistoryKeepsTheRules plays random histories of one plan and checks
// after every step what must never stop being true.
func TestPlan_AnyHistoryKeepsTheRules(t *testing.T) {
	people := []string{"worker-1", "worker-2", "supervisor-1", "supervisor-2"}
	rapid.Check(t, func(t *rapid.T) {
		c := newCase()
		if err := c.Assign(Assignment{ID: "as-1", WorkerID: "worker-1", SupervisorID: "supervisor-1", Role: Lead, At: monday}); err != nil {
			t.Fatal(err)
		}
		p, err := NewPlan("p1", c, fullContent(), "worker-1", monday)
		if err != nil {
			t.Fatal(err)
		}
		approved := map[int]Content{}
		who := func(t *rapid.T) string { return rapid.SampledFrom(people).Draw(t, "who") }
		step := 0
		try := func(t *rapid.T, want []PlanStatus, act func() error) {
			before, revision := p.Newest().Status, p.Revision
			err := act()
			step++
			if err != nil && p.Revision != revision {
				t.Fatalf("a refused step changed the plan: %v", err)
			}
			if err == nil && p.Revision != revision+1 {
				t.Fatalf("a step counted %d revisions", p.Revision-revision)
			}
			if err == nil && !slices.Contains(want, before) {
				t.Fatalf("allowed from %s, want only from %v", before, want)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"edit": func(t *rapid.T) {
				content := fullContent()
				content.Goals[0].Statement = fmt.Sprint("step ", step)
				try(t, []PlanStatus{Draft, Returned}, func() error { return p.Edit(c, content, who(t)) })
			},
			"submit": func(t *rapid.T) {
				try(t, []PlanStatus{Draft, Returned}, func() error { return p.Submit(c, Limits{}, who(t), monday) })
			},
			"approve": func(t *rapid.T) {
				by := who(t)
				try(t, []PlanStatus{Submitted}, func() error { return p.Approve(c, by, monday) })
				if v := p.Newest(); v.Status == Approved && v.ApprovedBy == by {
					if _, known := approved[v.Number]; !known {
						approved[v.Number] = v.Content.Clone()
					}
				}
			},
			"return": func(t *rapid.T) {
				try(t, []PlanStatus{Submitted}, func() error {
					return p.SendBack(c, Return{Reason: "goals_unclear", By: who(t), At: monday})
				})
			},
			"revise": func(t *rapid.T) {
				try(t, []PlanStatus{Approved}, func() error { return p.Revise(c, who(t), monday) })
			},
			"": func(t *rapid.T) {
				inEffect := 0
				for i, v := range p.Versions {
					if v.Number != i+1 {
						t.Fatalf("version %d stands at place %d", v.Number, i)
					}
					if v.Status == Approved {
						inEffect++
					}
					if i < len(p.Versions)-1 && v.Status != Approved && v.Status != Superseded {
						t.Fatalf("version %d was left as %s", v.Number, v.Status)
					}
					if v.ApprovedBy != "" && (v.ApprovedBy == v.Author || v.ApprovedBy == v.SubmittedBy || slices.Contains(v.Editors, v.ApprovedBy)) {
						t.Fatalf("version %d was approved by its writer %s", v.Number, v.ApprovedBy)
					}
					if was, known := approved[v.Number]; known {
						if diff := cmp.Diff(was, v.Content); diff != "" {
							t.Fatalf("approved version %d changed:\n%s", v.Number, diff)
						}
					}
				}
				if inEffect > 1 {
					t.Fatalf("%d versions are in effect", inEffect)
				}
			},
		})
	})
}

// TestCase_AnyHistoryKeepsTheRules does the same for the case and its safety plan.
func TestCase_AnyHistoryKeepsTheRules(t *testing.T) {
	workers := []string{"worker-1", "worker-2", "worker-3"}
	rapid.Check(t, func(t *rapid.T) {
		c := newCase()
		var plan SafetyPlan
		ids := 0
		closedAt := int64(0)
		at := func() time.Time { ids++; return monday.Add(time.Duration(ids) * time.Minute) }
		worker := func(t *rapid.T) string { return rapid.SampledFrom(workers).Draw(t, "worker") }
		t.Repeat(map[string]func(*rapid.T){
			"assign": func(t *rapid.T) {
				role := rapid.SampledFrom([]AssignmentRole{Lead, CoWorker}).Draw(t, "role")
				when := at()
				w := worker(t)
				err := c.Assign(Assignment{ID: fmt.Sprint("as-", ids), WorkerID: w, SupervisorID: "supervisor-1", Role: role, At: when})
				if err == nil && slices.Contains(c.Barred, w) {
					t.Fatal("an excluded worker was assigned")
				}
			},
			"unassign": func(t *rapid.T) {
				if len(c.Roster) > 0 {
					id := rapid.SampledFrom(c.Roster).Draw(t, "assignment").ID
					if _, err := c.Unassign(id, "workload", "supervisor-1", at()); err != nil {
						t.Fatalf("unassigning from the roster: %v", err)
					}
				}
			},
			"exclude": func(t *rapid.T) { _, _ = c.Exclude(worker(t), "supervisor-1", at()) },
			"lift exclusion": func(t *rapid.T) {
				w := worker(t)
				barred := slices.Contains(c.Barred, w)
				if err := c.LiftExclusion(w); (err == nil) != barred {
					t.Fatalf("lifting: %v of an exclusion that is there: %t", err, barred)
				}
			},
			"decide": func(t *rapid.T) {
				if c.Status != Closed {
					c.Safety = c.Safety.Decided(rapid.SampledFrom([]string{"safe", "safe_with_plan", "unsafe"}).Draw(t, "decision"), "a1")
				}
			},
			"start safety plan": func(*rapid.T) {
				when := at()
				if p, err := c.StartSafetyPlan(SafetyPlan{ID: fmt.Sprint("sp-", ids), ReviewOn: "2026-03-09", StartedAt: when}, "2026-03-02"); err == nil {
					plan = p
				}
			},
			"end safety plan": func(t *rapid.T) {
				reason := rapid.SampledFrom([]string{"danger_resolved", "replaced"}).Draw(t, "reason")
				if p, err := c.EndSafetyPlan(plan, Ending{Reason: reason, By: "worker-1", At: at()}); err == nil {
					plan = p
				}
			},
			"close": func(t *rapid.T) {
				inForce, demanded := c.Safety.PlanInForce != "", c.Safety.Demanded
				reason := rapid.SampledFrom([]string{"goals_met", "child_placed"}).Draw(t, "reason")
				if _, err := c.Close(Closing{Reason: reason, By: "supervisor-1", At: at()}); err == nil {
					if inForce || (demanded && reason == "goals_met") {
						t.Fatal("closed although the children's safety was open")
					}
					closedAt = c.Version
				}
			},
			"": func(t *rapid.T) {
				leads := 0
				for _, a := range c.Roster {
					if a.Role == Lead {
						leads++
					}
					if slices.Contains(c.Barred, a.WorkerID) {
						t.Fatalf("%s is excluded and has the case", a.WorkerID)
					}
				}
				if leads > 1 {
					t.Fatalf("%d leads", leads)
				}
				if c.Status != Closed && (leads == 1) != (c.Status == Active) {
					t.Fatalf("status %s with %d leads", c.Status, leads)
				}
				if c.Safety.Demanded && c.Safety.PlanInForce != "" {
					t.Fatal("a plan is demanded while one is in force")
				}
				if c.Status == Closed && (len(c.Roster) > 0 || c.Safety.PlanInForce != "" || closedAt == 0) {
					t.Fatalf("closed with %d workers and safety plan %q", len(c.Roster), c.Safety.PlanInForce)
				}
			},
		})
	})
}
