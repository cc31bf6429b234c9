package schedule

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var attributes = []string{"woman", "elder"}

// drawTerms gives some workers terms: levels, breaks, limits, a way of travelling.
func drawTerms(t *rapid.T, a *Available, some func([]string, string) []string) {
	if rapid.Bool().Draw(t, "plain") {
		return
	}
	a.Attributes = some(attributes, "attributes")
	for _, s := range a.Skills {
		a.Levels = append(a.Levels, SkillLevel{s, rapid.IntRange(1, 3).Draw(t, "level")})
	}
	a.Mode = rapid.SampledFrom([]Mode{"", "transit", "bicycle", "foot"}).Draw(t, "mode")
	maybe := func(low, high int, label string) int {
		return rapid.IntRange(low, high).Draw(t, label) * rapid.IntRange(0, 1).Draw(t, "limited")
	}
	a.Limits = Limits{
		DayMinutes: maybe(30, 400, "day"), WeekMinutes: maybe(60, 1200, "week"), DayVisits: maybe(1, 4, "visits"), WeekVisits: maybe(1, 8, "week's visits"),
		OvertimeMinutes: maybe(5, 90, "overtime"), Families: maybe(1, 4, "families"),
	}
	for range rapid.IntRange(0, 2).Draw(t, "assigned") {
		a.Families = append(a.Families, SeriesID(fmt.Sprint("s", rapid.IntRange(0, 5).Draw(t, "family"))))
	}
	if rapid.Bool().Draw(t, "rests") {
		from, length := rapid.IntRange(9, 12).Draw(t, "rest from"), rapid.IntRange(1, 4).Draw(t, "rest within")
		for day := range 5 {
			a.Pauses = append(a.Pauses, Pause{Span{at(day, from, 0), at(day, from+length, 0)}, rapid.SampledFrom([]int{20, 30, 45, 60}).Draw(t, "rest")})
			a.Pauses = append(a.Pauses, Pause{Span{at(day, from+length, 0), at(day, from+length+1, 0)}, 10})
		}
	}
}

// drawAsks makes some visits ask for more.
func drawAsks(t *rapid.T, d *Demand, some func([]string, string) []string) {
	if rapid.Bool().Draw(t, "modest") {
		return
	}
	d.Daylight, d.NotLast = rapid.Bool().Draw(t, "daylight"), rapid.IntRange(0, 3).Draw(t, "not last") == 0
	if rapid.Bool().Draw(t, "as asked") {
		d.Attributes = some(attributes, "musts")
	}
	d.Wishes = some(attributes, "wishes")
	for _, s := range d.Skills {
		d.Levels = append(d.Levels, SkillLevel{s, rapid.IntRange(1, 3).Draw(t, "least")})
	}
}

// drawFamilies gives some series rules and a past, and the week its nights.
func drawFamilies(t *rapid.T, p *Problem) {
	for day := -1; day < 6; day++ {
		p.Dark = append(p.Dark, Span{at(day, 15, 30), at(day+1, 7, 40)})
	}
	workers := func(label string) []WorkerID {
		var all []WorkerID
		for i := range p.Roster {
			if rapid.IntRange(0, 2).Draw(t, label) == 0 {
				all = append(all, p.Roster[i].ID)
			}
		}
		return all
	}
	for series := range 6 {
		if rapid.Bool().Draw(t, "unruled") {
			continue
		}
		f := Family{Series: SeriesID(fmt.Sprint("s", series)), Regular: workers("regular"), Until: at(7, 0, 0), KnownFirst: rapid.Bool().Draw(t, "known first")}
		if rapid.Bool().Draw(t, "few people") {
			f.People = &People{Most: rapid.IntRange(1, 3).Draw(t, "people"), Days: rapid.IntRange(10, 90).Draw(t, "within")}
		}
		if len(f.Regular) > 0 && rapid.Bool().Draw(t, "few substitutes") {
			f.Substitutes = &Substitutes{Most: rapid.IntRange(0, 3).Draw(t, "substitutes"), NeverRunning: rapid.Bool().Draw(t, "never running")}
		}
		for i := range rapid.IntRange(0, 3).Draw(t, "past") {
			day := rapid.SampledFrom([]int{-500, -80, -8, -3, 8, 9}).Draw(t, "past day")
			f.Past = append(f.Past, PastVisit{
				Visit: VisitID(fmt.Sprint("p", series, i)), At: at(day, 10, 0), Workers: workers("came"),
				Took: day < 0, Substitute: rapid.Bool().Draw(t, "substitute"), Urgent: rapid.IntRange(0, 4).Draw(t, "urgent") == 0,
			})
		}
		p.Families = append(p.Families, f)
	}
}

// One rule broken on purpose must be found, and found by its name.
func TestCheck_FindsEachBreachOfWhatWasAgreed(t *testing.T) {
	slot := func(day, hour int, workers ...WorkerID) Slot {
		return Slot{StartsAt: at(day, hour, 0), EndsAt: at(day, hour+1, 0), Workers: workers}
	}
	booked := func(id string, day, hour int, worker WorkerID, series SeriesID) Booking {
		return Booking{Visit: VisitID(id), Series: series, Workers: []WorkerID{worker}, Span: Span{at(day, hour, 0), at(day, hour+1, 0)}, At: Location{Remote: true}}
	}
	family := func(change func(*Family)) func(*Problem, *Plan) {
		return func(p *Problem, _ *Plan) {
			f := Family{Series: "s-v", Regular: []WorkerID{"x"}, Until: at(7, 0, 0)}
			change(&f)
			p.Families = []Family{f}
		}
	}
	for _, test := range []struct {
		name   string
		want   Rule
		change func(*Problem, *Plan)
	}{
		{"a level too low", RuleSkill, func(p *Problem, _ *Plan) { p.Demands[0].Levels = []SkillLevel{{"parenting", 2}} }},
		{"not as asked", RuleAttribute, func(p *Problem, _ *Plan) { p.Demands[0].Attributes = []string{"woman"} }},
		{"into the night", RuleDark, func(p *Problem, _ *Plan) {
			p.Demands[0].Daylight, p.Dark = true, []Span{{at(1, 10, 30), at(2, 8, 0)}}
		}},
		{"last of the day", RuleLast, func(p *Problem, _ *Plan) {
			p.Demands[0].NotLast, p.Booked = true, []Booking{booked("b", 1, 8, "w", "s-b"), booked("c", 2, 12, "w", "s-b")}
		}},
		{"no break", RulePause, func(p *Problem, _ *Plan) { p.Roster[0].Pauses = []Pause{{Span{at(1, 10, 15), at(1, 11, 15)}, 30}} }},
		{"a break on the way", RulePause, func(p *Problem, _ *Plan) {
			// 8:00 to 10:00 less the way, but the break is due in the middle of what is left
			p.Roster[0].Pauses, p.Roster[0].Mode = []Pause{{Span{at(1, 9, 45), at(1, 10, 5)}, 20}}, "foot"
			p.Roster[0].Base = suburb
		}},
		{"visits of a day", RuleDayWork, func(p *Problem, _ *Plan) {
			p.Roster[0].Limits.DayVisits, p.Booked = 1, []Booking{booked("b", 1, 14, "w", "s-b")}
		}},
		{"minutes of a day, the way home counted", RuleDayWork, func(p *Problem, _ *Plan) { p.Roster[0].Limits.DayMinutes = 60 + 2*15 - 1 }},
		{"visits of a week", RuleWeekWork, func(p *Problem, _ *Plan) {
			p.Roster[0].Limits.WeekVisits, p.Booked = 1, []Booking{booked("b", 4, 9, "w", "s-b")}
		}},
		{"minutes of a week", RuleWeekWork, func(p *Problem, _ *Plan) {
			p.Roster[0].Limits.WeekMinutes, p.Booked = 140, []Booking{booked("b", 4, 9, "w", "s-b")}
		}},
		{"a family too many", RuleCaseload, func(p *Problem, _ *Plan) {
			p.Roster[0].Limits.Families, p.Roster[0].Families = 1, []SeriesID{"s-other"}
		}},
		{"overtime over", RuleHours, func(p *Problem, _ *Plan) {
			p.Roster[0].Shifts, p.Roster[0].Limits.OvertimeMinutes = []Span{{at(1, 8, 0), at(1, 10, 40)}}, 19
		}},
		{"overtime ended by an absence", RuleTravel, func(p *Problem, _ *Plan) {
			p.Roster[0].Shifts, p.Roster[0].Limits.OvertimeMinutes = []Span{{at(1, 8, 0), at(1, 10, 40)}}, 90
			p.Roster[0].Away = []Span{{at(1, 11, 5), at(1, 12, 0)}} // they would be back at 11:09
		}},
		{"substitutes used up", RuleSubstitutes, family(func(f *Family) {
			f.Substitutes = &Substitutes{Most: 1}
			f.Past = []PastVisit{{Visit: "p", At: at(-300, 9, 0), Workers: []WorkerID{"y"}, Took: true, Substitute: true}}
		})},
		{"a substitute after another", RuleRunning, family(func(f *Family) {
			f.Substitutes = &Substitutes{Most: 9, NeverRunning: true}
			f.Past = []PastVisit{{Visit: "p", At: at(-3, 9, 0), Workers: []WorkerID{"y"}, Took: true, Substitute: true}}
		})},
		{"a substitute before another", RuleRunning, family(func(f *Family) {
			f.Substitutes = &Substitutes{Most: 9, NeverRunning: true}
			f.Past = []PastVisit{{Visit: "p", At: at(9, 9, 0), Workers: []WorkerID{"y"}, Substitute: true}}
		})},
		{"one person more", RulePeople, family(func(f *Family) {
			f.People = &People{Most: 1, Days: 30}
			f.Past = []PastVisit{{Visit: "p", At: at(-10, 9, 0), Workers: []WorkerID{"x"}, Took: true}}
		})},
		{"nobody known", RuleKnownFirst, family(func(f *Family) { f.KnownFirst = true })},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := problem([]Available{worker("w"), worker("x")}, demand("v"))
			plan := Plan{Placed: []Placement{{"v", slot(1, 10, "w")}}}
			if found := p.Check(plan); found != nil {
				t.Fatalf("a good plan breaks %v", found)
			}
			test.change(&p, &plan)
			if diff := cmp.Diff([]Violation{{"v", test.want}}, p.Check(plan)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			simple, err := Greedy{}.Plan(context.Background(), p)
			if err != nil {
				t.Fatal(err)
			}
			if found := p.Check(simple); found != nil {
				t.Errorf("the simple planner breaks %v", found)
			}
		})
	}
}

// What is just allowed is allowed.
func TestCheck_AllowsWhatIsAgreed(t *testing.T) {
	for name, change := range map[string]func(*Problem){
		"a break before the way":  func(p *Problem) { p.Roster[0].Pauses = []Pause{{Span{at(1, 8, 0), at(1, 9, 0)}, 60}} },
		"a break after the visit": func(p *Problem) { p.Roster[0].Pauses = []Pause{{Span{at(1, 10, 30), at(1, 12, 0)}, 30}} },
		"a break not due":         func(p *Problem) { p.Roster[0].Pauses = []Pause{{Span{at(1, 7, 0), at(1, 11, 0)}, 240}} },
		"overtime": func(p *Problem) {
			p.Roster[0].Shifts, p.Roster[0].Limits.OvertimeMinutes = []Span{{at(1, 8, 0), at(1, 10, 40)}}, 60
		},
		"its own family":            func(p *Problem) { p.Roster[0].Limits.Families, p.Roster[0].Families = 1, []SeriesID{"s-v", "s-o"} },
		"an old substitute":         func(p *Problem) { p.Families[0].Substitutes = &Substitutes{Most: 1} },
		"a known one":               func(p *Problem) { p.Families[0].KnownFirst, p.Families[0].Past[0].Workers = true, []WorkerID{"w"} },
		"somebody met too long ago": func(p *Problem) { p.Families[0].People = &People{Most: 1, Days: 300} },
		"somebody after another": func(p *Problem) {
			p.Demands[0].NotLast, p.Booked = true, []Booking{{Visit: "b", Workers: []WorkerID{"w"}, Span: Span{at(1, 12, 0), at(1, 13, 0)}, At: Location{Remote: true}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := problem([]Available{worker("w")}, demand("v"))
			p.Families = []Family{{Series: "s-v", Regular: []WorkerID{"x"}, Until: at(7, 0, 0), Past: []PastVisit{
				{Visit: "p", At: at(-400, 9, 0), Workers: []WorkerID{"y"}, Took: true, Substitute: true},
			}}}
			change(&p)
			plan := Plan{Placed: []Placement{{"v", Slot{StartsAt: at(1, 10, 0), EndsAt: at(1, 11, 0), Workers: []WorkerID{"w"}}}}}
			if found := p.Check(plan); found != nil {
				t.Errorf("breaks %v", found)
			}
		})
	}
}

func TestGreedy_GivesWhatIsWishedFor(t *testing.T) {
	a, b, d := worker("a"), worker("b"), demand("v")
	b.Attributes, d.Wishes = []string{"woman"}, []string{"woman"}
	if got := planned(t, problem([]Available{a, b}, d)).Placed[0].Slot.Workers[0]; got != "b" {
		t.Errorf("%s was sent; b is as wished", got)
	}
}

func TestAvailable_OvertimeEndsWithTheNextShiftAndWithAnAbsence(t *testing.T) {
	a := Available{Shifts: []Span{{at(0, 8, 0), at(0, 12, 0)}, {at(0, 12, 30), at(0, 16, 0)}, {at(1, 8, 0), at(1, 16, 0)}}, Limits: Limits{OvertimeMinutes: 60}}
	a.Away = []Span{{at(1, 16, 20), at(1, 18, 0)}}
	want := []Span{{at(0, 8, 0), at(0, 12, 30)}, {at(0, 12, 30), at(0, 17, 0)}, {at(1, 8, 0), at(1, 16, 20)}}
	got, _ := Stretches(a, nil)
	if diff := cmp.Diff(want, got, cmp.Comparer(time.Time.Equal)); diff != "" {
		t.Error(diff)
	}
}
