package optimise_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	. "github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/check"
)

// What a visit is said to cost is what the checker finds the schedule to cost more
// with it, and the other place named is a valid one at the price named.
func TestExplain_AccountsForEachVisit(t *testing.T) {
	others := 0
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		p.Traffic = nil // travel at another hour would change what the others cost
		for i := range p.Workers {
			p.Workers[i].Breaks = nil // they float
		}
		s := solve(t, p, Options{Seed: 1, WorkUnits: 40})
		accounts, err := Explain(context.Background(), p, s)
		if err != nil {
			t.Fatal(err)
		}
		if len(accounts) != len(s.Placed) {
			t.Fatalf("%d accounts of %d visits", len(accounts), len(s.Placed))
		}
		for i, a := range accounts {
			without := s
			without.Placed = slices.Delete(slices.Clone(s.Placed), i, i+1)
			more := difference(check.Cost(p, s), check.Cost(p, without))
			more.Unplaced = 0
			if diff := cmp.Diff(more, a.Cost); diff != "" {
				t.Fatalf("visit %s (-checker's +account's): %s", a.Visit, diff)
			}
			if a.Next == nil {
				continue
			}
			others++
			other := s
			other.Placed = slices.Clone(s.Placed)
			other.Placed[i].Assignment = *a.Next
			if bad := check.Schedule(p, other); bad != nil {
				t.Fatalf("visit %s at %+v: %v", a.Visit, *a.Next, bad)
			}
			if diff := cmp.Diff(difference(check.Cost(p, other), check.Cost(p, s)), a.NextCost); diff != "" {
				t.Fatalf("visit %s elsewhere (-checker's +account's): %s", a.Visit, diff)
			}
		}
	})
	if others == 0 {
		t.Error("no visit with another place was drawn")
	}
}

func difference(a, b Objective) Objective {
	return Objective{
		a.Travel - b.Travel, a.Preference - b.Preference, a.Wishes - b.Wishes, a.Continuity - b.Continuity, a.Stability - b.Stability,
		a.Spacing - b.Spacing, a.Weekday - b.Weekday, a.Overtime - b.Overtime, a.FairLoad - b.FairLoad, a.FairTravel - b.FairTravel,
		a.FairEvening - b.FairEvening, a.Unplaced - b.Unplaced,
	}
}

func office() (Problem, Solution) {
	day := hours(0, 8, 16)
	p := Problem{
		Workers: []Worker{atHome("anna", day), atHome("bea", day), {ID: "carl", Start: nearby, End: nearby, Shifts: []Window{day}}},
		Visits:  []Visit{visitAt("v1", 60, day), visitAt("v2", 60, hours(0, 9, 10)), visitAt("v3", 60, hours(0, 15, 16))},
	}
	at := func(v, w string, start int) Placement { return Placement{v, Assignment{[]string{w}, []int{start}}} }
	return p, Solution{Placed: []Placement{at("v1", "anna", 480), at("v2", "anna", 540), at("v3", "bea", 900)}}
}

// by is a visit's place with workers who begin together.
func by(start int, workers ...string) *Assignment {
	return &Assignment{workers, slices.Repeat([]int{start}, len(workers))}
}

func TestWhatIf_SaysWhatASickWorkerWouldChange(t *testing.T) {
	p, s := office()
	before, schedule := p, s
	q, after, d, err := WhatIf(context.Background(), p, s, Options{Seed: 1, WorkUnits: 100}, WorkerAway{"anna", hours(0, 0, 24)})
	if err != nil {
		t.Fatal(err)
	}
	if bad := check.Schedule(q, after); bad != nil {
		t.Fatal(bad)
	}
	if diff := cmp.Diff(before, p) + cmp.Diff(schedule, s); diff != "" {
		t.Error("what was given is changed:", diff)
	}
	given := func(visit string, start int) Change {
		return Change{Kind: Reassigned, Visit: visit, From: by(start, "anna"), To: by(start, "bea"), Gone: []string{"anna"}, New: []string{"bea"}}
	}
	want := Difference{
		Changes: []Change{given("v1", 480), given("v2", 540)},
		Cost:    Objective{Stability: 1768},
		Workers: []Effect{{Worker: "anna", Lost: 2, Work: -120, First: 480}, {Worker: "bea", Gained: 2, Work: 120, First: 480}},
	}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIf_EachSupposition(t *testing.T) {
	day := hours(0, 8, 16)
	for _, test := range []struct {
		name    string
		suppose []Supposition
		want    *Difference // nil is whatever is valid
	}{
		{"nothing", nil, &Difference{}},
		{"a visit less", []Supposition{VisitLess{"v3"}}, &Difference{
			Changes: []Change{{Kind: Removed, Visit: "v3", From: by(900, "bea"), Gone: []string{"bea"}}},
			Workers: []Effect{{Worker: "bea", Lost: 1, Work: -60, First: 900}},
		}},
		{"a visit more", []Supposition{VisitMore{visitAt("v4", 30, hours(0, 12, 13))}}, &Difference{
			Changes: []Change{{Kind: Added, Visit: "v4", To: by(720, "anna"), New: []string{"anna"}}},
			Workers: []Effect{{Worker: "anna", Gained: 1, Work: 30, First: 720}},
		}},
		{"nobody left but one", []Supposition{WorkerAway{"anna", day}, WorkerAway{"bea", day}, WorkerThere{"carl", hours(0, 16, 17)}}, nil},
		{"nobody", []Supposition{WorkerAway{"anna", day}, WorkerAway{"bea", day}, WorkerAway{"carl", day}}, nil},
		{"another", []Supposition{WorkerMore{atHome("dora", day)}, VisitAlso{"v1", hours(0, 16, 17)}, VisitAnyone{"v2"}}, &Difference{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, s := office()
			q, after, d, err := WhatIf(context.Background(), p, s, Options{Seed: 1, WorkUnits: 100}, test.suppose...)
			if err != nil {
				t.Fatal(err)
			}
			if bad := check.Schedule(q, after); bad != nil {
				t.Fatal(bad)
			}
			if test.want == nil {
				t.Log(d)
				return
			}
			if diff := cmp.Diff(*test.want, d); diff != "" {
				t.Error(diff)
			}
		})
	}
	p, s := office()
	for _, x := range []Supposition{WorkerAway{"x", day}, WorkerThere{"x", day}, VisitLess{"x"}, VisitAlso{"x", day}, VisitAnyone{"x"}} {
		if _, _, _, err := WhatIf(context.Background(), p, s, Options{WorkUnits: 1}, x); err == nil {
			t.Errorf("%T of what is not there: no error", x)
		}
	}
}

func TestCompare_NamesEachChange(t *testing.T) {
	place := func(v string, a *Assignment) Placement { return Placement{v, *a} }
	p := Problem{Visits: []Visit{{ID: "moved", Minutes: 60}, {ID: "given", Minutes: 60}, {ID: "lost", Minutes: 30}, {ID: "same", Minutes: 30}}}
	why := []Reason{{Rules: []Rule{RuleWindow, RuleSkill}, Proof: by(660, "bea")}, {Rules: []Rule{RuleStopped}}}
	a := Solution{Placed: []Placement{
		place("moved", by(600, "anna")), place("given", by(1000, "anna", "bea")), place("lost", by(700, "carl")), place("same", by(1, "carl")),
	}}
	b := Solution{
		Placed:    []Placement{place("moved", by(600+DayMinutes, "anna")), place("given", by(990, "bea", "carl")), place("same", by(1, "carl"))},
		Unplaced:  []Unplaced{{"lost", why}},
		Objective: Objective{Travel: -40, Unplaced: 1000},
	}
	want := Difference{
		Changes: []Change{
			{Kind: Moved, Visit: "moved", From: by(600, "anna"), To: by(600+DayMinutes, "anna"), Minutes: DayMinutes, OtherDay: true},
			{Kind: Dropped, Visit: "lost", From: by(700, "carl"), Gone: []string{"carl"}, Reasons: why},
			{Kind: Reassigned, Visit: "given", From: by(1000, "anna", "bea"), To: by(990, "bea", "carl"), Minutes: -10, Gone: []string{"anna"}, New: []string{"carl"}},
		},
		Cost: Objective{Travel: -40, Unplaced: 1000},
		Workers: []Effect{
			{Worker: "anna", Lost: 1, Moved: 1, Work: -60, Evenings: -1, First: 600},
			{Worker: "bea", Moved: 1, First: 990},
			{Worker: "carl", Gained: 1, Lost: 1, Work: 30, Evenings: 1, First: 700},
		},
	}
	if diff := cmp.Diff(want, Compare(p, a, p, b)); diff != "" {
		t.Error(diff)
	}
}

// From one schedule to another and back is the same difference turned round.
func TestCompare_IsTheSameBackwards(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		a := solve(t, p, Options{Seed: 1, WorkUnits: 5})
		b := solve(t, p, Options{Seed: 2, WorkUnits: 40})
		there, back := Compare(p, a, p, b), Compare(p, b, p, a)
		if len(there.Changes) != len(back.Changes) || there.Cost.Total() != -back.Cost.Total() {
			t.Fatalf("%d changes at %d, backwards %d at %d", len(there.Changes), there.Cost.Total(), len(back.Changes), back.Cost.Total())
		}
		for i, e := range there.Workers {
			if e.Gained != back.Workers[i].Lost || e.Work != -back.Workers[i].Work || e.Evenings != -back.Workers[i].Evenings {
				t.Fatalf("%+v, backwards %+v", e, back.Workers[i])
			}
		}
		if none := Compare(p, a, p, a); len(none.Changes) != 0 || len(none.Workers) != 0 {
			t.Fatalf("a schedule differs from itself: %+v", none)
		}
	})
}

func TestExplain_NamesTheNextBestPlace(t *testing.T) {
	p, s := office()
	p.Visits[1].Preferred = []string{"carl"}
	p.Visits[2].Locked, p.Visits[2].Published = true, &s.Placed[2].Assignment
	p.Workers = append(p.Workers[:2:2], Worker{ID: "carl", Start: &Place{Lat: 61.2, Lon: 25}, Shifts: []Window{hours(0, 9, 10)}})
	accounts, err := Explain(context.Background(), p, s)
	if err != nil {
		t.Fatal(err)
	}
	want := []Account{
		{Visit: "v1", At: *by(480, "anna"), Next: by(480, "bea")},
		{Visit: "v2", At: *by(540, "anna"), Cost: Objective{Preference: 600}, Next: by(540, "bea")},
		{Visit: "v3", At: *by(900, "bea"), Locked: true},
	}
	if diff := cmp.Diff(want, accounts); diff != "" {
		t.Error(diff)
	}
	one := Problem{Workers: p.Workers[:1], Visits: p.Visits[:1]}
	if accounts, err = Explain(context.Background(), one, Solution{Placed: s.Placed[:1]}, "v1"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Account{{Visit: "v1", At: *by(480, "anna")}}, accounts); diff != "" {
		t.Error("nobody else is there:", diff)
	}
	if _, err := Explain(context.Background(), p, Solution{Placed: []Placement{{"v1", Assignment{[]string{"anna"}, []int{0}}}}}); err == nil {
		t.Error("a visit at night is accounted for")
	}
}

// Whatever is supposed, the answer is valid and nothing that was given changes.
func TestWhatIf_IsValidAndChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		s := solve(t, p, Options{Seed: 1, WorkUnits: 30})
		if len(p.Workers) == 0 || len(p.Visits) == 0 {
			return
		}
		from := rapid.IntRange(0, 2000).Draw(t, "from")
		w := Window{from, from + rapid.IntRange(1, 900).Draw(t, "minutes")}
		worker, visit := rapid.SampledFrom(p.Workers).Draw(t, "worker").ID, rapid.SampledFrom(p.Visits).Draw(t, "visit").ID
		suppose := rapid.SampledFrom([]Supposition{
			WorkerAway{worker, w},
			WorkerThere{worker, w},
			VisitLess{visit},
			VisitAlso{visit, w},
			VisitAnyone{visit},
			WorkerMore{Worker{ID: "new", Shifts: []Window{w}}},
			VisitMore{Visit{ID: "new", Minutes: 20, Windows: []Window{w}}},
		}).Draw(t, "supposed")
		before, err := json.Marshal([]any{p.Visits, p.Workers, p.Families, s})
		if err != nil {
			t.Fatal(err)
		}
		q, after, d, err := WhatIf(context.Background(), p, s, Options{Seed: 1, WorkUnits: 20}, suppose)
		if err != nil {
			t.Fatal(err)
		}
		if bad := check.Schedule(q, after); bad != nil {
			t.Fatal(bad)
		}
		if again, err := json.Marshal([]any{p.Visits, p.Workers, p.Families, s}); err != nil || string(again) != string(before) {
			t.Fatalf("what was given is changed (%v)", err)
		}
		if diff := cmp.Diff(Compare(p, s, q, after), d); diff != "" {
			t.Fatalf("the difference told is another: %s", diff)
		}
	})
}
