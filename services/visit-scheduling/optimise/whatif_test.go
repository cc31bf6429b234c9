package optimise_test

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
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
	want := []string{
		"Visit v1 is now by bea instead of anna, still at day 0 08:00.",
		"Visit v2 is now by bea instead of anna, still at day 0 09:00.",
		"anna: visits 2 fewer; -120 minutes with families.",
		"bea: visits 2 more; +120 minutes with families.",
		"In all: 2 reassigned; cost +1768 points (changes against the published +1768).",
	}
	if diff := cmp.Diff(want, Language{}.Say(d)); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIf_EachSupposition(t *testing.T) {
	day := hours(0, 8, 16)
	for _, test := range []struct {
		name    string
		suppose []Supposition
		want    []string
	}{
		{"nothing", nil, []string{"Nothing changes."}},
		{"a visit less", []Supposition{VisitLess{"v3"}}, []string{
			"Visit v3 is no longer wanted: day 0 15:00 by bea falls away.", "bea: visits 1 fewer; -60 minutes with families.",
			"In all: 1 removed; the cost stays the same.",
		}},
		{"a visit more", []Supposition{VisitMore{visitAt("v4", 30, hours(0, 12, 13))}}, []string{
			"Visit v4 is added: day 0 12:00, by anna.", "anna: visits 1 more; +30 minutes with families.",
			"In all: 1 added; the cost stays the same.",
		}},
		{"nobody left but one", []Supposition{WorkerAway{"anna", day}, WorkerAway{"bea", day}, WorkerThere{"carl", hours(0, 16, 17)}}, nil},
		{"nobody", []Supposition{WorkerAway{"anna", day}, WorkerAway{"bea", day}, WorkerAway{"carl", day}}, nil},
		{"another", []Supposition{WorkerMore{atHome("dora", day)}, VisitAlso{"v1", hours(0, 16, 17)}, VisitAnyone{"v2"}}, []string{"Nothing changes."}},
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
			got := Language{}.Say(d)
			if test.want == nil {
				t.Log(got)
				return
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
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

func TestLanguage_SaysEachChange(t *testing.T) {
	at := func(start int, workers ...string) *Assignment {
		a := &Assignment{Workers: workers}
		for range workers {
			a.Starts = append(a.Starts, start)
		}
		return a
	}
	place := func(v string, a *Assignment) Placement { return Placement{v, *a} }
	p := Problem{Visits: []Visit{{ID: "moved", Minutes: 60}, {ID: "given", Minutes: 60}, {ID: "lost", Minutes: 30}, {ID: "same", Minutes: 30}}}
	a := Solution{Placed: []Placement{
		place("moved", at(600, "anna")), place("given", at(1000, "anna", "bea")), place("lost", at(700, "carl")), place("same", at(1, "carl")),
	}}
	b := Solution{
		Placed:    []Placement{place("moved", at(600+DayMinutes, "anna")), place("given", at(990, "bea", "carl")), place("same", at(1, "carl"))},
		Unplaced:  []Unplaced{{"lost", []Reason{{Rules: []Rule{RuleWindow, RuleSkill}, Proof: at(660, "bea")}, {Rules: []Rule{RuleStopped}}}}},
		Objective: Objective{Travel: -40, Unplaced: 1000},
	}
	want := []string{
		"The visit moved moves from 0/600 to 1/600, a day later, still by Ms anna.",
		"The visit lost loses its place, 0/700 by Ms carl. With times an hour wider and somebody without the skill it could be on 0/660 by Ms bea. The time was over before more was looked into.",
		"The visit given is now by Ms bea and Ms carl instead of Ms anna and Ms bea, and moves from 0/1000 to 0/990, 10 minutes earlier.",
		"Ms anna: visits 1 fewer, 1 moved; -60 minutes with families; -1 in the evening.",
		"Ms bea: visits 1 moved.",
		"Ms carl: visits 1 more, 1 fewer; +30 minutes with families; +1 in the evening.",
		"In all: 1 reassigned, 1 moved, 1 dropped; cost +960 points (visits left out +1000, travel -40).",
	}
	l := Language{
		Visit:  func(id string) string { return "The visit " + id },
		Worker: func(id string) string { return "Ms " + id },
		Clock:  func(m int) string { return string(rune('0'+m/DayMinutes)) + "/" + strconv.Itoa(m%DayMinutes) },
	}
	if diff := cmp.Diff(want, l.Say(Compare(p, a, p, b))); diff != "" {
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

func TestLanguage_AccountsForAVisit(t *testing.T) {
	p, s := office()
	p.Visits[1].Preferred = []string{"carl"}
	p.Visits[2].Locked, p.Visits[2].Published = true, &s.Placed[2].Assignment
	p.Workers = append(p.Workers[:2:2], Worker{ID: "carl", Start: &Place{Lat: 61.2, Lon: 25}, Shifts: []Window{hours(0, 9, 10)}})
	accounts, err := Explain(context.Background(), p, s)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"Visit v1 is on day 0 08:00 by anna: it costs nothing. The next best is day 0 08:00 by bea: it costs the same.",
		"Visit v2 is on day 0 09:00 by anna: it costs 600 points (workers not preferred +600). The next best is day 0 09:00 by bea: it costs the same.",
		"Visit v3 is on day 0 15:00 by bea: it costs nothing. It is locked there.",
	}
	for i, a := range accounts {
		if diff := cmp.Diff(want[i], Language{}.Account(a)); diff != "" {
			t.Error(diff)
		}
	}
	one := Problem{Workers: p.Workers[:1], Visits: p.Visits[:1]}
	if accounts, err = Explain(context.Background(), one, Solution{Placed: s.Placed[:1]}, "v1"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("Visit v1 is on day 0 08:00 by anna: it costs nothing. No rule lets it be with others or on another day while the rest stays.", Language{}.Account(accounts[0])); diff != "" {
		t.Error(diff)
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
		if said := (Language{}).Say(d); len(said) == 0 || (len(d.Changes) > 0 && len(said) != len(d.Changes)+len(d.Workers)+1) {
			t.Fatalf("%d changes, said: %v", len(d.Changes), said)
		}
	})
}

func TestLanguage_SaysAnOffer(t *testing.T) {
	to := func(start int, w string) Assignment { return Assignment{[]string{w}, []int{start}} }
	for _, test := range []struct {
		o    Offer
		want string
	}{
		{Offer{Assignment: to(600, "anna"), Points: 40}, "day 0 10:00 by anna, at 40 points; nothing moves."},
		{
			Offer{Assignment: to(600, "anna"), Points: 90, Moves: []Move{{"v", to(600, "anna"), to(660, "anna")}, {"u", to(700, "anna"), to(700, "bea")}}},
			"day 0 10:00 by anna, at 90 points. Visit v moves from day 0 10:00 to day 0 11:00, 60 minutes later, still by anna. Visit u is now by bea instead of anna, still at day 0 11:40.",
		},
	} {
		if diff := cmp.Diff(test.want, Language{}.Offer(test.o)); diff != "" {
			t.Error(diff)
		}
	}
}
