package visitscheduling_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	visitscheduling "github.com/hearthfps/hearth/services/visit-scheduling"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// agree gives the workers of a week terms, its families rules and a past, and its
// days a night.
func agree(r *rand.Rand, p *schedule.Problem) {
	chance := func(share float64) bool { return r.Float64() < share }
	monday := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	p.Now = monday.AddDate(0, 0, -r.IntN(2000)) // weeks may be planned long before
	at := func(day, hour int) time.Time { return monday.AddDate(0, 0, day).Add(time.Duration(hour) * time.Hour) }
	for day := -1; day < 7; day++ {
		p.Dark = append(p.Dark, schedule.Span{From: at(day, 16), To: at(day+1, 8)})
	}
	for i := range p.Roster {
		a := &p.Roster[i]
		a.Mode = []schedule.Mode{"", "", "transit", "bicycle"}[r.IntN(4)]
		if chance(0.5) {
			a.Attributes = []string{"woman"}
		}
		for _, s := range a.Skills {
			a.Levels = append(a.Levels, schedule.SkillLevel{Skill: s, Level: 1 + r.IntN(3)})
		}
		if chance(0.5) {
			a.Limits = schedule.Limits{DayMinutes: 200 + r.IntN(200), WeekMinutes: 600 + r.IntN(900), DayVisits: 2 + r.IntN(3), WeekVisits: 6 + r.IntN(8), Families: 3 + r.IntN(6)}
		}
		if chance(0.5) && len(p.Demands) > 0 { // one of the week's families, and one that is not visited
			a.Families = []schedule.SeriesID{p.Demands[r.IntN(len(p.Demands))].Series, "elsewhere"}
		}
		if chance(0.5) {
			a.Limits.OvertimeMinutes = 10 + r.IntN(60)
		}
		if chance(0.7) {
			for day := range 5 {
				a.Pauses = append(a.Pauses, schedule.Pause{Span: schedule.Span{From: at(day, 10), To: at(day, 13)}, Minutes: 30})
			}
		}
	}
	series := map[schedule.SeriesID]bool{}
	for i := range p.Demands {
		d := &p.Demands[i]
		d.Daylight, d.NotLast = chance(0.2), chance(0.1)
		if chance(0.2) {
			d.Wishes = []string{"woman"}
		} else if chance(0.1) {
			d.Attributes = []string{"woman"}
		}
		for _, s := range d.Skills {
			d.Levels = append(d.Levels, schedule.SkillLevel{Skill: s, Level: 1 + r.IntN(2)})
		}
		if series[d.Series] || chance(0.5) {
			continue
		}
		series[d.Series] = true
		f := schedule.Family{Series: d.Series, Regular: append([]schedule.WorkerID{"gone"}, d.Known...), Until: at(7, 0), KnownFirst: chance(0.3)}
		if chance(0.5) {
			f.People = &schedule.People{Most: 1 + r.IntN(2), Days: 90}
		}
		if chance(0.5) {
			f.Substitutes = &schedule.Substitutes{Most: 1 + r.IntN(2), NeverRunning: chance(0.5)}
		}
		for n := range r.IntN(3) {
			f.Past = append(f.Past, schedule.PastVisit{
				Visit: schedule.VisitID(fmt.Sprint(d.Series, "-", n)), At: at(-7*(3-n), 10), Workers: []schedule.WorkerID{p.Roster[r.IntN(len(p.Roster))].ID},
				Took: true, Substitute: chance(0.3),
			})
		}
		p.Families = append(p.Families, f)
	}
}

// What the service's planner answers keeps all that was agreed, and the search is
// not given up for the simple planner's plan.
func TestOptimiser_KeepsWhatWasAgreed(t *testing.T) {
	o := visitscheduling.Optimiser{Budget: time.Hour, Effort: 20, Grid: 5}
	better, placed := 0, 0
	for seed := range uint64(40) {
		p := week(t, seed, 2+int(seed%9), 8+int(seed)*2)
		agree(rand.New(rand.NewPCG(seed, 9)), &p)
		if seed%2 == 0 { // what was booked without the rules may break them
			p = schedule.Standing{Problem: p}.Settle().Problem
		}
		simple, err := schedule.Greedy{}.Plan(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		if found := p.Check(simple); found != nil {
			t.Fatalf("seed %d: the simple planner breaks %v", seed, found)
		}
		plan, err := o.Plan(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		if found := p.Check(plan); found != nil {
			t.Fatalf("seed %d: breaks %v", seed, found)
		}
		if placed += len(plan.Placed); len(plan.Placed) > len(simple.Placed) {
			better++
		}
		if _, ok := o.Price(schedule.Standing{Problem: p, Plan: plan}); !ok && seed%2 == 0 {
			t.Errorf("seed %d: the engine cannot price its own plan", seed)
		}
	}
	if better < 4 {
		t.Errorf("the search placed more than the simple planner in %d weeks of 40: is it used?", better)
	}
	if placed < 300 {
		t.Errorf("%d visits placed in all: the rules are met by doing nothing", placed)
	}
	t.Logf("better in %d weeks, %d visits placed", better, placed)
}

// The same of any week that is drawn, whatever was booked before.
func TestOptimiser_NoAnswerBreaksWhatWasAgreed(t *testing.T) {
	o := visitscheduling.Optimiser{Budget: time.Hour, Effort: 10, Grid: 5}
	rapid.Check(t, func(r *rapid.T) {
		seed := rapid.Uint64Range(100, 1<<40).Draw(r, "seed")
		p := week(t, seed, rapid.IntRange(1, 8).Draw(r, "workers"), rapid.IntRange(2, 40).Draw(r, "visits"))
		agree(rand.New(rand.NewPCG(seed, 9)), &p)
		plan, err := o.Plan(t.Context(), p)
		if err != nil {
			r.Fatal(err)
		}
		if found := p.Check(plan); found != nil {
			r.Fatalf("breaks %v", found)
		}
	})
}

// A board of a standing week offers places that keep all that was agreed, with what
// they move.
func TestBoard_OffersKeepWhatWasAgreed(t *testing.T) {
	o := visitscheduling.Optimiser{Budget: time.Hour, Effort: 20, Grid: 5}
	offered, broken := 0, 0
	for seed := range uint64(30) {
		p := week(t, seed, 4+int(seed%9), 8+int(seed)*2)
		agree(rand.New(rand.NewPCG(seed, 9)), &p)
		more := p.Demands[len(p.Demands)-1]
		p.Demands = p.Demands[:len(p.Demands)-1]
		plan, err := o.Plan(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		standing := schedule.Standing{Problem: p, Plan: plan}
		for i, d := range p.Demands {
			for _, x := range plan.Placed {
				if x.Visit == d.Visit {
					p.Demands[i].Lost = &x.Slot
				}
			}
		}
		board, err := o.Lay(standing)
		if err != nil {
			t.Fatal(err)
		}
		openings, err := board.Openings(more)
		if err != nil {
			t.Fatal(err)
		}
		standing = standing.Settle()
		for _, open := range openings {
			to := map[schedule.VisitID]schedule.Slot{more.Visit: open.Slot}
			for _, m := range open.Moves {
				to[m.Visit] = m.Slot
			}
			after := schedule.Plan{Placed: []schedule.Placement{{Visit: more.Visit, Slot: open.Slot}}}
			for _, x := range standing.Plan.Placed {
				if slot, moves := to[x.Visit]; moves {
					x.Slot = slot
				}
				after.Placed = append(after.Placed, x)
			}
			q := standing.Problem
			q.Demands = append(slices.Clone(q.Demands), more)
			offered++
			for _, found := range q.Check(after) {
				if found.Rule != schedule.RuleLost {
					broken++
					t.Logf("seed %d: %v", seed, found)
				}
			}
		}
	}
	t.Logf("%d offers, %d of them the judge refuses", offered, broken)
	if offered < 30 || broken > 0 {
		t.Errorf("%d offers, %d of them the judge refuses; want none", offered, broken)
	}
}

// An agency that weighs what families were told as much keeps to it more than one
// that weighs the way as much.
func TestOptimiser_WeighsAsTheAgencyDoes(t *testing.T) {
	o := visitscheduling.Optimiser{Budget: time.Hour, Effort: 30, Grid: 5}
	steady, quick := optimise.DefaultWeights(), optimise.DefaultWeights()
	steady.ChangedWorker, steady.MovedMinute, steady.MovedMost = 5000, 50, 1440
	quick.ChangedWorker, quick.MovedMinute, quick.TravelMinute = 0, 0, 100
	kept := map[string]int{}
	for seed := range uint64(12) {
		p := week(t, seed, 6, 40)
		for i := range p.Demands { // everybody was told a time and a worker
			d := &p.Demands[i]
			from := d.Windows[i%len(d.Windows)].From
			d.Lost = &schedule.Slot{StartsAt: from, EndsAt: from.Add(time.Duration(d.Minutes) * time.Minute)}
			for n := range d.Workers {
				d.Lost.Workers = append(d.Lost.Workers, p.Roster[(i+n)%len(p.Roster)].ID)
			}
		}
		for name, weights := range map[string]optimise.Weights{"steady": steady, "quick": quick} {
			p.Weights = weights
			plan, err := o.Plan(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			told := map[schedule.VisitID]*schedule.Slot{}
			for _, d := range p.Demands {
				told[d.Visit] = d.Lost
			}
			for _, x := range plan.Placed {
				if told[x.Visit].StartsAt.Equal(x.Slot.StartsAt) && slices.Contains(told[x.Visit].Workers, x.Slot.Workers[0]) {
					kept[name]++
				}
			}
		}
	}
	t.Log(kept)
	if kept["steady"] <= 2*kept["quick"] {
		t.Errorf("%v visits are as told; the weights are not heard", kept)
	}
}

func BenchmarkAgreed(b *testing.B) {
	p := week(b, 7, 100, 4000)
	agree(rand.New(rand.NewPCG(7, 9)), &p)
	for name, planner := range map[string]schedule.Planner{
		"simple": schedule.Greedy{}, "optimise": visitscheduling.Optimiser{Budget: 60 * time.Second, Effort: 20, Grid: 5},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				plan, err := planner.Plan(b.Context(), p)
				if err != nil {
					b.Fatal(err)
				}
				if found := p.Check(plan); found != nil {
					b.Fatalf("breaks %v", found[0])
				}
				b.ReportMetric(float64(len(plan.Placed)), "placed")
			}
		})
	}
}
