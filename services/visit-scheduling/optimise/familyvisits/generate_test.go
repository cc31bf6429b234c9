package familyvisits_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/check"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/familyvisits"
)

func TestGenerate_MakesTheSameSoundWeekAgain(t *testing.T) {
	p := familyvisits.Generate(1000, 7)
	if diff := cmp.Diff(p, familyvisits.Generate(1000, 7)); diff != "" {
		t.Fatalf("twice the same seed (-first +second):\n%s", diff)
	}
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	pairs := 0
	for _, v := range p.Visits {
		if len(v.Roles) == 2 {
			pairs++
		}
	}
	if len(p.Visits) != 1000 || len(p.Workers) != 20 || pairs < 110 || pairs > 190 {
		t.Errorf("%d visits, %d workers, %d pairs; want 1000, 20 and about 150", len(p.Visits), len(p.Workers), pairs)
	}
}

// A published week with locks, then a worker falls ill: what stood is kept, and
// only what was theirs and little else moves.
func TestSickWorker_MovesLittleElse(t *testing.T) {
	solve := func(p optimise.Problem, opt optimise.Options) optimise.Solution {
		t.Helper()
		s, err := optimise.Solve(context.Background(), p, opt)
		if err != nil {
			t.Fatal(err)
		}
		if bad := check.Schedule(p, s); bad != nil {
			t.Fatal(bad)
		}
		return s
	}
	day := optimise.Window{From: optimise.DayMinutes, To: 2 * optimise.DayMinutes}
	uncovered, again, others := 0, 0, 0
	for ill := range 4 {
		p := familyvisits.Generate(200, 1)
		week := solve(p, optimise.Options{Seed: 1, WorkUnits: 2000})
		familyvisits.Publish(&p, week, 30, 1)
		p.Workers[ill].Absences = append(p.Workers[ill].Absences, day)
		lost := map[string]bool{}
		for i := range p.Visits {
			v := &p.Visits[i]
			if a := v.Published; a != nil && slices.Contains(a.Workers, p.Workers[ill].ID) && a.Starts[0] >= day.From && a.Starts[0] < day.To {
				lost[v.ID], v.Locked = true, false
			}
		}
		at := map[string]optimise.Assignment{}
		for _, x := range solve(p, optimise.Options{Seed: 1, WorkUnits: 1000, Start: &week}).Placed {
			at[x.Visit] = x.Assignment
		}
		for _, x := range week.Placed {
			switch now, placed := at[x.Visit]; {
			case lost[x.Visit] && placed:
				again++
			case !lost[x.Visit] && (!placed || !cmp.Equal(now, x.Assignment)):
				others++
			}
		}
		uncovered += len(lost)
	}
	if uncovered < 20 {
		t.Fatalf("only %d visits were uncovered; the cases show nothing", uncovered)
	}
	t.Logf("%d visits uncovered, %d placed again, %d others moved", uncovered, again, others)
	if 4*again < 3*uncovered || 2*others > 3*uncovered {
		t.Errorf("%d visits uncovered, %d placed again, %d others moved; want three quarters placed and at most 1.5 others a lost one", uncovered, again, others)
	}
}
