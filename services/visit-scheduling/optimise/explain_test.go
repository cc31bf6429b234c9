package optimise_test

import (
	"context"
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
