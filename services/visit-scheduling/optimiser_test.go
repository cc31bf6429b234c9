package visitscheduling_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	visitscheduling "github.com/hearthfps/hearth/services/visit-scheduling"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// region draws points within some 30 km.
func region(r *rand.Rand, n int) []*schedule.Point {
	points := make([]*schedule.Point, n)
	for i := range points {
		points[i] = &schedule.Point{Lat: 60.8 + r.Float64()*0.4, Lon: 25.3 + r.Float64()*0.8}
	}
	return points
}

func days(from, to int) (spans []schedule.Span) {
	for day := range 5 {
		midnight := time.Date(2026, 3, 2+day, 0, 0, 0, 0, time.UTC)
		spans = append(spans, schedule.Span{From: midnight.Add(time.Duration(from) * time.Hour), To: midnight.Add(time.Duration(to) * time.Hour)})
	}
	return spans
}

// week draws an agency's week: pairs, skills, languages, remote visits, unknown
// places, absences, exclusions, visits that lost their place, and bookings that
// the simple planner made before.
func week(t testing.TB, seed uint64, workers, visits int) schedule.Problem {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	points := append(region(r, 10+workers/4), nil)
	skills, languages := []string{"parenting", "trauma", "infant"}, []string{"fi", "sv", "so"}
	p := schedule.Problem{Zone: time.UTC, Travel: schedule.Estimate(5, 20)}
	some := func(all []string, share float64) (chosen []string) {
		for _, s := range all {
			if r.Float64() < share {
				chosen = append(chosen, s)
			}
		}
		return chosen
	}
	for i := range workers {
		a := schedule.Available{
			ID: schedule.WorkerID(fmt.Sprintf("w%03d", i)), Skills: some(skills, 0.7), Languages: append(some(languages[1:], 0.4), "fi"),
			Base: points[r.IntN(len(points))], Shifts: days(8, 12+r.IntN(6)),
		}
		if r.Float64() < 0.3 {
			from := time.Date(2026, 3, 2+r.IntN(5), 9+r.IntN(4), 30, 0, 0, time.UTC)
			a.Away = []schedule.Span{{From: from, To: from.Add(time.Duration(1+r.IntN(30)) * time.Hour)}}
		}
		p.Roster = append(p.Roster, a)
	}
	var before []schedule.Demand
	for i := range visits {
		d := schedule.Demand{
			Visit: schedule.VisitID(fmt.Sprintf("v%05d", i)), Series: schedule.SeriesID(fmt.Sprintf("s%05d", i/2)), Windows: days(8+r.IntN(3), 14+r.IntN(4)),
			Minutes: 30 + 15*r.IntN(4), Workers: 1, Skills: some(skills, 0.3), At: schedule.Location{Point: points[r.IntN(len(points))], Remote: r.Float64() < 0.1},
			PerDay: 1, Spacing: 2, Known: []schedule.WorkerID{p.Roster[r.IntN(workers)].ID},
		}
		if r.Float64() < 0.5 {
			d.Language = languages[r.IntN(len(languages))]
		}
		if r.Float64() < 0.15 {
			d.Workers = 2
		}
		if r.Float64() < 0.1 {
			d.Excluded = []schedule.WorkerID{p.Roster[r.IntN(workers)].ID}
		}
		if r.Float64() < 0.3 {
			before = append(before, d)
		} else {
			p.Demands = append(p.Demands, d)
		}
	}
	earlier := p
	if seed%3 == 1 { // mornings are slow, and Wednesday's most
		p.Traffic = []optimise.Traffic{
			{Bands: []optimise.Speed{{From: 0, Percent: 100}, {From: 7 * 60, Percent: 60}, {From: 10 * 60, Percent: 100}}},
			{Days: []int{2}, Bands: []optimise.Speed{{From: 0, Percent: 40}}},
		}
		earlier.Traffic = p.Traffic
	}
	earlier.Demands = before
	plan, err := schedule.Greedy{}.Plan(t.Context(), earlier)
	if err != nil {
		t.Fatal(err)
	}
	of := map[schedule.VisitID]schedule.Demand{}
	for _, d := range before {
		of[d.Visit] = d
	}
	for _, placed := range plan.Placed {
		d := of[placed.Visit]
		if r.Float64() < 0.2 {
			d.Lost = &placed.Slot
			p.Demands = append(p.Demands, d)
			continue
		}
		p.Booked = append(p.Booked, schedule.Booking{Visit: d.Visit, Series: d.Series, Workers: placed.Slot.Workers, Span: placed.Slot.Span(), At: d.At})
	}
	return p
}

func TestOptimiser_BreaksNoRulePlacesNoFewerAndRepeatsItself(t *testing.T) {
	o := visitscheduling.Optimiser{Budget: time.Hour, Effort: 20, Grid: 5}
	better := 0
	for seed := range uint64(40) {
		p := week(t, seed, 1+int(seed%9), 5+int(seed)*2)
		simple, err := schedule.Greedy{}.Plan(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := o.Plan(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		if found := p.Check(plan); found != nil {
			t.Fatalf("seed %d: breaks %v", seed, found)
		}
		if len(plan.Placed) < len(simple.Placed) {
			t.Errorf("seed %d: placed %d, the simple planner %d", seed, len(plan.Placed), len(simple.Placed))
		}
		if len(plan.Placed) > len(simple.Placed) {
			better++
		}
		again, err := o.Plan(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(plan, again); diff != "" {
			t.Fatalf("seed %d: another plan for the same problem:\n%s", seed, diff)
		}
	}
	if better == 0 {
		t.Error("the search never placed a visit more than the simple planner: is it used?")
	}
}

func TestOptimiser_StopsWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (visitscheduling.Optimiser{Budget: time.Second, Effort: 1, Grid: 5}).Plan(ctx, week(t, 1, 3, 10)); err == nil {
		t.Error("a cancelled run gave a plan")
	}
}

// travel is what a plan costs its workers, in minutes on the way.
func travel(p schedule.Problem, plan schedule.Plan) (minutes int) {
	for _, placed := range p.Round(plan, 1).Placed {
		minutes += placed.Slot.Travel
	}
	return minutes
}

func BenchmarkPlanners(b *testing.B) {
	p := week(b, 7, 100, 4000)
	for name, planner := range map[string]schedule.Planner{
		"simple": schedule.Greedy{}, "optimise": visitscheduling.Optimiser{Budget: 20 * time.Second, Effort: 20, Grid: 5},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				plan, err := planner.Plan(b.Context(), p)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(len(plan.Placed)), "placed")
				b.ReportMetric(float64(travel(p, plan))/float64(len(plan.Placed)), "min/visit")
			}
		})
	}
}
