package optimise_test

import (
	"context"
	"slices"
	"testing"

	. "github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/check"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/familyvisits"
)

// shortWeek has too few people for its visits, and every kind of rule that may
// keep one out: pairs, ordered pairs, breaks, limits, locks, patterns, substitutes.
func shortWeek() Problem {
	p := familyvisits.Generate(200, 3)
	p.Workers = p.Workers[:3]
	seen := map[string]bool{}
	for i := range p.Visits {
		v := &p.Visits[i]
		v.Preferred = slices.DeleteFunc(slices.Clone(v.Preferred), func(id string) bool {
			return !slices.ContainsFunc(p.Workers, func(w Worker) bool { return w.ID == id })
		})
		if i%7 == 0 {
			v.NotLast = true
		}
		if i%5 == 0 && len(v.Roles) > 1 {
			v.Gap = &Gap{Min: 5, Max: 40}
		}
		if i%3 == 0 && !seen[v.Series] {
			seen[v.Series] = true
			f := Family{Series: v.Series, MaxWorkers: 1 + i%2, PerWeek: 1 + i%3, NotRunning: i%2 == 0}
			if i%4 == 0 {
				f.Regular = []string{p.Workers[i%3].ID}
				f.Substitutes = &Substitutes{Most: 1, NeverRunning: true}
			}
			if i%5 == 0 {
				f.Met, f.KnownFirst = []string{p.Workers[(i+1)%3].ID}, true
			}
			p.Families = append(p.Families, f)
		}
	}
	for i := range p.Workers {
		w := &p.Workers[i]
		w.Absences = append(w.Absences, Window{i * DayMinutes, i*DayMinutes + DayMinutes})
		w.MaxDayVisits, w.Caseload = 9, 20
		for d := range 5 {
			w.Breaks = append(w.Breaks, Break{Window{d*DayMinutes + 660, d*DayMinutes + 840}, 30})
		}
	}
	return p
}

// In a week with too few people each reason given for each visit left out is
// proved: relaxed by just the rules it names, the schedule takes the visit where
// the proof has it.
func TestSolve_EveryReasonOfAShortWeekIsProved(t *testing.T) {
	p := shortWeek()
	s := solve(t, p, Options{Seed: 1, WorkUnits: 1500})
	proved := map[Rule]int{}
	teams := prove(t, p, s, proved)
	t.Logf("%d visits left out, proved %v, %d of them for teams", len(s.Unplaced), proved, teams)
	for _, r := range []Rule{RuleLimit, RuleAbsence, RuleBooked, RuleWorkers, RuleCaseload} {
		if proved[r] == 0 {
			t.Errorf("no reason of rule %s: the week shows nothing of it", r)
		}
	}
	if teams == 0 {
		t.Error("no reason of a team")
	}
}

// Cancelled at any moment, the regions of a large week are a valid schedule in
// which every visit is accounted for, placed as far as it had come.
func TestSolve_RegionsCancelledAtAnyMomentAreValid(t *testing.T) {
	p := largeWeek()
	last := 0
	for _, questions := range []int64{1, 10, 60, 100, 150, 400} {
		ctx := &cancelAt{Context: context.Background()}
		ctx.left.Store(questions)
		s, err := Solve(ctx, p, Options{Seed: 1, WorkUnits: 100_000, Threads: 2})
		if err != nil {
			t.Fatal(err)
		}
		if bad := check.Schedule(p, s); bad != nil {
			t.Fatalf("after %d questions: %v", questions, bad)
		}
		t.Logf("after %d questions %d placed", questions, len(s.Placed))
		last = len(s.Placed)
	}
	if 10*last < 9*len(p.Visits) {
		t.Errorf("only %d of %d visits placed at the end: it was never cancelled late", last, len(p.Visits))
	}
}
