package optimise_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	. "github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/check"
)

var (
	home   = &Place{Lat: 61, Lon: 25}
	nearby = &Place{Lat: 61, Lon: 25.02}
)

// hours are a span of one day.
func hours(day, from, to int) Window {
	return Window{day*DayMinutes + from*60, day*DayMinutes + to*60}
}

func weekday(from, to int) (out []Window) {
	for d := range 5 {
		out = append(out, hours(d, from, to))
	}
	return out
}

func atHome(id string, shifts ...Window) Worker {
	return Worker{ID: id, Start: home, End: home, Shifts: shifts}
}

func visitAt(id string, minutes int, windows ...Window) Visit {
	return Visit{ID: id, Place: home, Minutes: minutes, Windows: windows}
}

// In each problem one visit more could be made but for one rule. That rule is the
// reason given, its proof is valid without the rule, and with the rule gone from
// the problem the visit is placed.
func TestSolve_EachRuleHoldsAndIsNamed(t *testing.T) {
	one := func(rules func(*Problem)) Problem {
		p := Problem{Workers: []Worker{atHome("w", hours(0, 8, 16))}, Visits: []Visit{visitAt("v", 60, hours(0, 8, 16))}}
		rules(&p)
		return p
	}
	// Two visits of one family, on one day or two days running.
	two := func(days int, f Family, rules func(*Problem)) Problem {
		p := Problem{Families: []Family{f}}
		p.Families[0].Series = "f"
		w := atHome("w")
		for d := range days {
			w.Shifts = append(w.Shifts, hours(d, 8, 16))
		}
		p.Workers = append(p.Workers, w)
		for i := range 2 {
			v := visitAt(fmt.Sprint("v", i), 60, w.Shifts[i%days])
			v.Series = "f"
			p.Visits = append(p.Visits, v)
		}
		if rules != nil {
			rules(&p)
		}
		return p
	}
	for _, test := range []struct {
		rule Rule
		p    Problem
	}{
		{RuleSkill, one(func(p *Problem) {
			p.Workers[0].Skills, p.Workers[0].Levels = []string{"trauma"}, map[string]int{"trauma": 2}
			p.Visits[0].Roles = []Role{{Levels: map[string]int{"trauma": 3}}}
		})},
		{RuleAttribute, one(func(p *Problem) { p.Visits[0].Roles = []Role{{Attributes: []string{"a"}}} })},
		{RuleDark, one(func(p *Problem) { p.Dark, p.Visits[0].Daylight = []Window{hours(0, 0, 12), hours(0, 12, 24)}, true })},
		{RuleLast, one(func(p *Problem) { p.Visits[0].NotLast = true })},
		{RuleLimit, one(func(p *Problem) {
			p.Visits, p.Workers[0].MaxDayVisits = append(p.Visits, visitAt("u", 60, hours(0, 8, 16))), 1
		})},
		{RuleLimit, one(func(p *Problem) {
			p.Visits, p.Workers[0].MaxWeekVisits = append(p.Visits, visitAt("u", 60, hours(1, 8, 16))), 1
			p.Workers[0].Shifts = weekday(8, 16)
		})},
		{RuleCaseload, one(func(p *Problem) {
			p.Workers[0].Caseload, p.Workers[0].Families, p.Visits[0].Series = 1, []string{"elsewhere"}, "f"
		})},
		{RuleBreak, one(func(p *Problem) {
			p.Workers[0].Breaks, p.Visits[0].Minutes = []Break{{hours(0, 11, 13), 30}}, 480
		})},
		// a longer shift makes no break due that was not
		{RuleShift, one(func(p *Problem) {
			p.Workers[0].Breaks = []Break{{Window{15*60 + 30, 16*60 + 30}, 30}}
			p.Visits[0].Minutes, p.Visits[0].Windows = 120, []Window{hours(0, 15, 17)}
		})},
		{RulePattern, two(2, Family{PerWeek: 1}, nil)},
		{RulePattern, two(2, Family{NotRunning: true}, nil)},
		{RuleWorkers, two(1, Family{MaxWorkers: 1}, func(p *Problem) {
			p.Workers = append(p.Workers, atHome("x", hours(0, 8, 16)))
			p.Visits[0].Minutes, p.Visits[1].Minutes = 300, 300
		})},
		{RuleWorkers, two(1, Family{MaxWorkers: 1, Met: []string{"gone"}}, func(p *Problem) { p.Visits = p.Visits[:1] })},
		{RuleKnown, two(1, Family{KnownFirst: true, Met: []string{"gone"}}, func(p *Problem) { p.Visits = p.Visits[:1] })},
		{RuleKnown, two(1, Family{KnownFirst: true, Met: []string{"gone"}}, func(p *Problem) {
			p.Visits, p.Workers = p.Visits[:1], append(p.Workers, atHome("x", hours(0, 8, 16)))
			p.Visits[0].Roles = make([]Role, 2)
		})},
		{RuleSubstitute, two(1, Family{Regular: []string{"own"}, Substitutes: &Substitutes{Most: 4, Used: 3}}, nil)},
		{RuleSubstitute, two(2, Family{Regular: []string{"own"}, Substitutes: &Substitutes{Most: 4, NeverRunning: true}}, nil)},
	} {
		t.Run(string(test.rule), func(t *testing.T) {
			s := solve(t, test.p, Options{Seed: 1, WorkUnits: 50})
			if len(s.Unplaced) != 1 {
				t.Fatalf("unplaced %+v, want one visit", s.Unplaced)
			}
			u := s.Unplaced[0]
			i := slices.IndexFunc(u.Reasons, func(r Reason) bool { return slices.Equal(r.Rules, []Rule{test.rule}) })
			if i < 0 {
				t.Fatalf("reasons %v, want %s", u.Reasons, test.rule)
			}
			q, placed := relaxed(test.p, s, u.Visit, u.Reasons[i])
			if bad := check.Schedule(q, placed); bad != nil {
				t.Errorf("the proof of %v: %v", u.Reasons[i], bad)
			}
			if again := solve(t, q, Options{Seed: 1, WorkUnits: 50}); len(again.Unplaced) != 0 {
				t.Errorf("without the rule %+v is still unplaced", again.Unplaced)
			}
		})
	}
}

// The same rules leave a way, and it is found.
func TestSolve_FindsTheWayARuleLeaves(t *testing.T) {
	day := hours(0, 8, 16)
	for _, test := range []struct {
		name string
		p    Problem
		ok   func(Solution) bool
	}{
		{
			"a break between the visits", Problem{
				Workers: []Worker{{ID: "w", Start: home, Shifts: []Window{day}, Breaks: []Break{{hours(0, 11, 13), 30}}}},
				Visits:  []Visit{visitAt("long", 220, day), visitAt("longer", 230, day)},
			}, func(s Solution) bool { return s.Breaks[0].Start >= 660 && s.Breaks[0].Start <= 750 },
		},
		{
			"the risky visit before the other", Problem{
				Workers: []Worker{atHome("w", day)},
				Visits:  []Visit{{ID: "risky", NotLast: true, Place: home, Minutes: 30, Windows: []Window{day}}, visitAt("other", 30, day)},
			}, func(s Solution) bool { return s.Placed[0].Starts[0] < s.Placed[1].Starts[0] },
		},
		{
			"the risky visit before an absence, the other after it", Problem{
				Workers: []Worker{{ID: "w", Start: home, End: home, Shifts: []Window{day}, Absences: []Window{hours(0, 10, 14)}}},
				Visits:  []Visit{{ID: "risky", NotLast: true, Place: home, Minutes: 100, Windows: []Window{hours(0, 8, 10)}}, visitAt("other", 100, day)},
			}, func(s Solution) bool { return s.Placed[1].Starts[0] >= 840 },
		},
		{
			"somebody new together with one who is known", Problem{
				Workers:  []Worker{atHome("new", day), atHome("known", day)},
				Visits:   []Visit{{ID: "v", Series: "f", Place: home, Minutes: 30, Windows: []Window{day}, Roles: make([]Role, 2), NeverAlone: true}},
				Families: []Family{{Series: "f", Met: []string{"known"}, KnownFirst: true}},
			}, func(s Solution) bool { return len(s.Placed[0].Workers) == 2 },
		},
		{
			"anyone, to a family that knows nobody", Problem{
				Workers:  []Worker{atHome("new", day)},
				Visits:   []Visit{{ID: "v", Series: "f", Place: home, Minutes: 30, Windows: []Window{day}}},
				Families: []Family{{Series: "f", KnownFirst: true}},
			}, func(s Solution) bool { return s.Placed[0].Workers[0] == "new" },
		},
		{
			"a substitute, the family's own, a substitute", Problem{
				Workers: []Worker{atHome("own", hours(1, 8, 9)), atHome("other", hours(0, 8, 9), hours(2, 8, 9))},
				Visits: []Visit{
					{ID: "a", Series: "f", Place: home, Minutes: 60, Windows: []Window{hours(0, 8, 9)}},
					{ID: "b", Series: "f", Place: home, Minutes: 60, Windows: []Window{hours(1, 8, 9)}},
					{ID: "c", Series: "f", Place: home, Minutes: 60, Windows: []Window{hours(2, 8, 9)}},
				},
				Families: []Family{{Series: "f", Regular: []string{"own"}, Substitutes: &Substitutes{Most: 2, NeverRunning: true}}},
			}, func(s Solution) bool { return s.Placed[1].Workers[0] == "own" },
		},
		{
			"overtime, as nothing else is left", Problem{
				Workers: []Worker{{ID: "w", Start: home, End: nearby, OvertimeMinutes: 60, Shifts: []Window{day}}},
				Visits:  []Visit{visitAt("v", 480, hours(0, 8, 18))},
			}, func(s Solution) bool { return s.Objective.Overtime > 0 },
		},
		{
			"a way in the traffic's time", Problem{
				Workers: []Worker{{ID: "w", Start: home, Shifts: []Window{day}}},
				Visits:  []Visit{{ID: "v", Place: nearby, Minutes: 30, Windows: []Window{day}}},
				Traffic: []Traffic{{Bands: []Speed{{0, 50}}}},
			}, func(s Solution) bool {
				return s.Placed[0].Starts[0] == 480+2*Estimate{}.Minutes(*home, *nearby)
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := solve(t, test.p, Options{Seed: 1, WorkUnits: 100})
			if len(s.Unplaced) > 0 {
				t.Fatalf("unplaced: %+v", s.Unplaced)
			}
			if !test.ok(s) {
				t.Errorf("%+v, breaks %v, %+v", s.Placed, s.Breaks, s.Objective)
			}
		})
	}
}

// A schedule that has its break after a visit is taken up as it is: by a board, and
// as the start of a search.
func TestSolve_TakesUpAScheduleAroundItsBreak(t *testing.T) {
	p := Problem{
		Workers: []Worker{{ID: "w", Start: home, End: home, Shifts: []Window{hours(0, 8, 16)}, Breaks: []Break{{hours(0, 11, 13), 30}}}},
		Visits:  []Visit{visitAt("before", 60, hours(0, 11, 12)), visitAt("after", 30, Window{750, 780}), visitAt("early", 170, hours(0, 8, 11))},
	}
	at := func(v string, start int) Placement { return Placement{v, Assignment{[]string{"w"}, []int{start}}} }
	s := Solution{
		Placed: []Placement{at("before", 660), at("after", 750), at("early", 490)}, Breaks: []BreakTaken{{"w", 720, 30}},
	}
	if bad := check.Schedule(p, s); bad != nil {
		t.Fatal(bad)
	}
	if _, err := NewBoard(p, s); err != nil {
		t.Error(err)
	}
	got := solve(t, p, Options{Seed: 1, WorkUnits: 1, Start: &s})
	if len(got.Unplaced) > 0 {
		t.Errorf("unplaced: %+v", got.Unplaced)
	}
	if diff := cmp.Diff(s.Breaks, got.Breaks); diff != "" {
		t.Error(diff)
	}
}

func TestSolve_WeighsWishesAndShares(t *testing.T) {
	day := hours(0, 8, 20)
	fair := func(change func(*Weights)) Weights {
		w := DefaultWeights()
		change(&w)
		return w
	}
	six := func() (out []Visit) {
		for i := range 6 {
			out = append(out, visitAt(fmt.Sprint("v", i), 60, hours(0, 17, 20), hours(1, 17, 20)))
		}
		return out
	}
	for _, test := range []struct {
		name string
		p    Problem
		want map[string]int // worker → visits
	}{
		{"a wish", Problem{
			Workers: []Worker{atHome("a", day), {ID: "b", Start: nearby, End: nearby, Shifts: []Window{day}, Attributes: []string{"x"}}},
			Visits:  []Visit{{ID: "v", Place: home, Minutes: 60, Windows: []Window{day}, Wishes: []Wish{{"x", 500}}}},
		}, map[string]int{"b": 1}},
		{"a wish that costs too much travel", Problem{
			Workers: []Worker{atHome("a", day), {ID: "b", Start: nearby, End: nearby, Shifts: []Window{day}, Attributes: []string{"x"}}},
			Visits:  []Visit{{ID: "v", Place: home, Minutes: 60, Windows: []Window{day}, Wishes: []Wish{{"x", 5}}}},
		}, map[string]int{"a": 1}},
		{"not past a shift's end", Problem{
			Workers: []Worker{{ID: "a", Start: home, End: home, Shifts: []Window{hours(0, 8, 10)}, OvertimeMinutes: 60}, {ID: "b", Start: nearby, End: nearby, Shifts: []Window{day}}},
			Visits:  []Visit{visitAt("v", 60, hours(0, 10, 12))},
		}, map[string]int{"b": 1}},
		{"the load", Problem{
			Workers: []Worker{atHome("a", day, hours(1, 8, 20)), atHome("b", day, hours(1, 8, 20))},
			Visits:  six(), Weights: fair(func(w *Weights) { w.FairLoad = 20 }),
		}, map[string]int{"a": 3, "b": 3}},
		{"the evenings", Problem{
			Workers: []Worker{atHome("a", day, hours(1, 8, 20)), atHome("b", day, hours(1, 8, 20)), atHome("c", day, hours(1, 8, 20))},
			Visits:  six(), Weights: fair(func(w *Weights) { w.FairEvening = 20 }),
		}, map[string]int{"a": 2, "b": 2, "c": 2}},
		{"the faster way", Problem{
			Workers: []Worker{{ID: "a", Mode: Foot, Start: nearby, End: nearby, Shifts: []Window{day}}, {ID: "b", Start: nearby, End: nearby, Shifts: []Window{day}}},
			Visits:  []Visit{{ID: "v", Place: &Place{Lat: 61.1, Lon: 25}, Minutes: 60, Windows: []Window{day}}},
		}, map[string]int{"b": 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := solve(t, test.p, Options{Seed: 1, WorkUnits: 400})
			got := map[string]int{}
			for _, x := range s.Placed {
				got[x.Workers[0]]++
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff, s.Objective)
			}
		})
	}
}

func TestSolve_KeepsTheWeekday(t *testing.T) {
	p := Problem{Families: []Family{{Series: "f", PerWeek: 1, SteadyWeekday: true}}}
	w := atHome("w")
	for d := range 28 {
		if d%7 < 5 {
			w.Shifts = append(w.Shifts, hours(d, 8, 16))
		}
	}
	p.Workers = []Worker{w}
	for week := range 4 {
		v := visitAt(fmt.Sprint("v", week), 60, w.Shifts[5*week:5*week+5]...)
		v.Series = "f"
		if week == 2 { // only the Thursday is left
			v.Windows = v.Windows[3:4]
		}
		p.Visits = append(p.Visits, v)
	}
	s := solve(t, p, Options{Seed: 1, WorkUnits: 500})
	for _, x := range s.Placed {
		if x.Starts[0]/DayMinutes%7 != 3 {
			t.Errorf("visit %s on day %d", x.Visit, x.Starts[0]/DayMinutes)
		}
	}
}

// A change to a visit of tomorrow costs more than the same to one next week, and
// that more than one in two weeks.
func TestSolve_ChargesNotice(t *testing.T) {
	w := DefaultWeights()
	for _, test := range []struct {
		days int
		want int
	}{
		{0, 3*w.ChangedWorker + 30*3*w.MovedMinute},
		{1, 300 + 300*2*13/14 + 30*(2+2*2*13/14)}, // 13 of the 14 days of notice are short
		{7, 2*w.ChangedWorker + 30*2*w.MovedMinute},
		{14, w.ChangedWorker + 30*w.MovedMinute},
		{30, w.ChangedWorker + 30*w.MovedMinute},
	} {
		start := test.days*DayMinutes + 600
		v := visitAt("v", 60, Window{start + 30, start + 90})
		v.Published = &Assignment{Workers: []string{"gone"}, Starts: []int{start}}
		s := solve(t, Problem{Workers: []Worker{atHome("w", hours(test.days, 8, 16))}, Visits: []Visit{v}, Now: 600}, Options{Seed: 1, WorkUnits: 10})
		if s.Objective.Stability != int64(test.want) {
			t.Errorf("in %d days: %d points, want %d", test.days, s.Objective.Stability, test.want)
		}
	}
}
