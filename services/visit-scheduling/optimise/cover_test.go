package optimise_test

import (
	"context"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	. "github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/check"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/familyvisits"
)

// away takes a worker out for a day and unlocks what they had then, which it
// counts.
func away(p Problem, s Solution, worker, day int) (Problem, int) {
	p.Workers, p.Visits = slices.Clone(p.Workers), slices.Clone(p.Visits)
	w := &p.Workers[worker]
	off := Window{day * DayMinutes, (day + 1) * DayMinutes}
	w.Absences = append(slices.Clone(w.Absences), off)
	lost := 0
	for _, x := range s.Placed {
		if slices.Contains(x.Workers, w.ID) && x.Starts[0] >= off.From && x.Starts[0] < off.To {
			lost++
			at := slices.IndexFunc(p.Visits, func(v Visit) bool { return v.ID == x.Visit })
			p.Visits[at].Locked = false
		}
	}
	return p, lost
}

func TestCover_KeepsTheCapAndEveryRule(t *testing.T) {
	p := familyvisits.Generate(500, 1)
	week := solve(t, p, Options{Seed: 1, WorkUnits: 4000})
	familyvisits.Publish(&p, week, 30, 1)
	for worker := range p.Workers {
		q, lost := away(p, week, worker, worker%5)
		for _, most := range []int{-1, 0, 2} {
			got, err := Cover(context.Background(), q, week, most, Options{Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			if bad := check.Schedule(q, got.Solution); bad != nil {
				t.Fatal(bad)
			}
			limit := most
			if most < 0 {
				limit = len(got.Uncovered) * 3 / 2
			}
			if len(got.Moves) > limit {
				t.Errorf("worker %d: %d visits moved, at most %d may", worker, len(got.Moves), limit)
			}
			if n := len(got.Uncovered); n < lost || n > lost+lost/4+1 {
				t.Errorf("worker %d: %d visits uncovered, %d were theirs", worker, n, lost)
			}
			told := map[string]bool{}
			for _, id := range got.Uncovered {
				told[id] = true
			}
			for _, m := range got.Moves {
				if told[m.Visit] {
					t.Errorf("worker %d: visit %s is uncovered and moved", worker, m.Visit)
				}
				told[m.Visit] = true
			}
			at := map[string]Assignment{}
			for _, x := range got.Placed {
				at[x.Visit] = x.Assignment
			}
			for _, x := range week.Placed {
				if now, ok := at[x.Visit]; !told[x.Visit] && (!ok || !cmp.Equal(now, x.Assignment)) {
					t.Errorf("worker %d: visit %s was %+v, is %+v, and nobody is told", worker, x.Visit, x.Assignment, now)
				}
			}
			if again := lost - (len(week.Placed) - len(got.Placed)); most < 0 && 4*again < 3*lost {
				t.Errorf("worker %d: only %d of %d visits are placed again", worker, again, lost)
			}
		}
	}
}

func TestCover_OfAnyProblemIsValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		if len(p.Workers) == 0 {
			return
		}
		s := solve(t, p, Options{Seed: 1, WorkUnits: 40})
		q, _ := away(p, s, rapid.IntRange(0, len(p.Workers)-1).Draw(t, "ill"), rapid.IntRange(0, 2).Draw(t, "day"))
		most := rapid.IntRange(0, 3).Draw(t, "most")
		got, err := Cover(context.Background(), q, s, most, Options{Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		if bad := check.Schedule(q, got.Solution); bad != nil {
			t.Fatal(bad)
		}
		if len(got.Moves) > most {
			t.Errorf("%d moves, at most %d", len(got.Moves), most)
		}
	})
}

// dayOf is one day of a published week as a problem of its own, with the schedule
// it has: the visits that stand on it.
func dayOf(p Problem, s Solution, day int) (Problem, Solution) {
	span := Window{day * DayMinutes, (day + 1) * DayMinutes}
	in := map[string]bool{}
	var out Solution
	for _, x := range s.Placed {
		if x.Starts[0] >= span.From && x.Starts[0] < span.To {
			in[x.Visit] = true
			out.Placed = append(out.Placed, x)
		}
	}
	p.Visits = slices.DeleteFunc(slices.Clone(p.Visits), func(v Visit) bool { return !in[v.ID] })
	for i := range p.Visits {
		v := &p.Visits[i]
		v.Windows = slices.DeleteFunc(slices.Clone(v.Windows), func(w Window) bool { return w.To <= span.From || w.From >= span.To })
	}
	p.Workers = slices.Clone(p.Workers)
	for i := range p.Workers {
		w := &p.Workers[i]
		w.Shifts = slices.DeleteFunc(slices.Clone(w.Shifts), func(s Window) bool { return s.To <= span.From || s.From >= span.To })
	}
	return p, out
}

// BenchmarkCover covers a worker's sick day: in a day of some 500 visits that may
// not leave it, and in the week of 2,500 it is of.
func BenchmarkCover(b *testing.B) {
	p := familyvisits.Generate(2500, 1)
	week := solve(b, p, Options{Seed: 1, WorkUnits: 50_000})
	familyvisits.Publish(&p, week, 30, 1)
	for _, test := range []struct {
		name string
		days int
	}{{"day", 5}, {"week", 1}} {
		b.Run(test.name, func(b *testing.B) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			lost, again, moved, visits, i, longest := 0, 0, 0, 0, 0, time.Duration(0)
			for b.Loop() {
				day, q, s := i%5, p, week
				if test.days == 5 {
					q, s = dayOf(p, week, day)
				}
				visits += len(q.Visits)
				q, n := away(q, s, i%len(p.Workers), day)
				began := threadTime()
				got, err := Cover(context.Background(), q, s, -1, Options{Seed: 1})
				longest = max(longest, threadTime()-began)
				if err != nil {
					b.Fatal(err)
				}
				if bad := check.Schedule(q, got.Solution); bad != nil {
					b.Fatal(bad)
				}
				if 2*len(got.Moves) > 3*len(got.Uncovered) {
					b.Errorf("%d moved for %d uncovered", len(got.Moves), len(got.Uncovered))
				}
				lost += n
				again += len(got.Placed) - (len(s.Placed) - n)
				moved += len(got.Moves)
				i++
			}
			b.ReportMetric(float64(visits)/float64(i), "visits")
			b.ReportMetric(float64(lost)/float64(i), "uncovered/op")
			b.ReportMetric(100*float64(again)/float64(max(1, lost)), "covered-%")
			b.ReportMetric(float64(moved)/float64(max(1, lost)), "moved/uncovered")
			b.ReportMetric(longest.Seconds()*1000, "longest-cpu-ms")
		})
	}
}
