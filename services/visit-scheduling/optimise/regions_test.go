package optimise_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	. "github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/check"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/familyvisits"
)

// A week large enough to be cut into regions, with some of everything that ties
// visits in different regions together.
func largeWeek() Problem {
	p := familyvisits.Generate(1600, 5)
	for i := range p.Visits {
		v := &p.Visits[i]
		switch i % 9 {
		case 0:
			if len(v.Roles) > 1 {
				v.Gap = &Gap{Min: 10, Max: 60}
			}
		case 1:
			v.NotLast = true
		}
	}
	seen := map[string]bool{}
	for i, v := range p.Visits {
		if i%5 == 0 && !seen[v.Series] {
			seen[v.Series] = true
			f := Family{Series: v.Series, MaxWorkers: 2, NotRunning: i%2 == 0}
			if len(v.Preferred) > 0 {
				f.Regular = v.Preferred
				f.Substitutes = &Substitutes{Most: 1}
			}
			p.Families = append(p.Families, f)
		}
	}
	for i := range p.Workers {
		w := &p.Workers[i]
		if i%3 == 0 {
			w.Caseload = 20
		}
		for d := range 5 {
			w.Breaks = append(w.Breaks, Break{Window{d*DayMinutes + 660, d*DayMinutes + 840}, 30})
		}
	}
	return p
}

func TestSolve_RegionsKeepEveryRuleOnAnyNumberOfThreads(t *testing.T) {
	p := largeWeek()
	one := solve(t, p, Options{Seed: 3, WorkUnits: 4000})
	if bad := check.Schedule(p, one); bad != nil {
		t.Fatal(bad)
	}
	if 10*len(one.Unplaced) > len(p.Visits) {
		t.Errorf("%d of %d visits are left out", len(one.Unplaced), len(p.Visits))
	}
	three := solve(t, p, Options{Seed: 3, WorkUnits: 4000, Threads: 3})
	if diff := cmp.Diff(one, three); diff != "" {
		t.Errorf("one thread and three differ:\n%s", diff)
	}
	// improve what a search of a little work made, with some of it locked
	familyvisits.Publish(&p, one, 30, 1)
	better := solve(t, p, Options{Seed: 4, WorkUnits: 3000, Start: &one})
	if bad := check.Schedule(p, better); bad != nil {
		t.Fatal(bad)
	}
	if start := solve(t, p, Options{Seed: 4, WorkUnits: 1, Start: &one}); better.Objective.Total() > start.Objective.Total() {
		t.Errorf("%d after 3000 units, %d after one", better.Objective.Total(), start.Objective.Total())
	}
}

func TestRegions_EveryThreadHoldsTheSameScheduleAndKnowsItsCost(t *testing.T) {
	p := largeWeek()
	p.Weights = DefaultWeights()
	p.Weights.FairLoad, p.Weights.FairTravel, p.Weights.FairEvening = 2, 2, 30
	held, kept, anew := SearchRegions(&p, Options{Seed: 7, WorkUnits: 6000, Threads: 3})
	for i := range held {
		if diff := cmp.Diff(held[0], held[i]); diff != "" {
			t.Errorf("thread %d holds another schedule:\n%s", i, diff)
		}
		if diff := cmp.Diff(anew[i], kept[i]); diff != "" {
			t.Errorf("thread %d counts the cost wrongly:\n%s", i, diff)
		}
	}
}

func TestSolve_RegionsCancelledAtOnceAreAValidSchedule(t *testing.T) {
	p := largeWeek()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s, err := Solve(ctx, p, Options{Seed: 1, WorkUnits: 1000})
	if err != nil {
		t.Fatal(err)
	}
	if bad := check.Schedule(p, s); bad != nil {
		t.Fatal(bad)
	}
	if got := len(s.Placed) + len(s.Unplaced); got != len(p.Visits) {
		t.Errorf("%d visits are accounted for, of %d", got, len(p.Visits))
	}
}
