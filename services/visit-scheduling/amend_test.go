package visitscheduling_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	visitscheduling "github.com/hearthfps/hearth/services/visit-scheduling"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// An amended board answers as one laid out anew.
func TestBoard_AmendedItAnswersAsOneLaidAnew(t *testing.T) {
	o := visitscheduling.Optimiser{Grid: 5}
	amended, moved, refused := 0, 0, 0
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 3))
		p := week(t, seed, 4+int(seed%6), 30)
		if seed%3 == 0 {
			agree(r, &p)
		}
		plan, err := schedule.Greedy{}.Plan(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		s := schedule.Standing{Problem: p, Plan: schedule.Plan{Placed: plan.Placed}}
		of := map[schedule.VisitID]schedule.Demand{}
		for _, d := range p.Demands {
			of[d.Visit] = d
		}
		s.Problem.Demands = nil
		for _, x := range s.Plan.Placed {
			s.Problem.Demands = append(s.Problem.Demands, of[x.Visit])
		}
		s = s.Settle()
		board, err := o.Lay(s)
		if err != nil {
			t.Fatal(err)
		}
		for step := range 6 {
			if len(s.Plan.Placed) == 0 {
				break
			}
			id := s.Plan.Placed[r.IntN(len(s.Plan.Placed))].Visit
			gone, now := []schedule.VisitID{id}, schedule.Standing{Problem: schedule.Problem{Zone: p.Zone}}
			rest := without(s, id)
			if step%2 == 0 { // it moves instead of going away
				bare, err := o.Lay(rest)
				if err != nil {
					t.Fatal(err)
				}
				openings, err := bare.Openings(of[id])
				if err != nil {
					t.Fatal(err)
				}
				for _, x := range openings {
					if len(x.Moves) == 0 {
						gone, now.Problem.Demands = nil, []schedule.Demand{of[id]}
						now.Plan.Placed = []schedule.Placement{{Visit: id, Slot: x.Slot}}
						moved++
						break
					}
				}
			}
			if err := board.Amend(gone, now); err != nil {
				refused++
				continue // as it was
			}
			amended++
			s = rest
			s.Problem.Demands = append(s.Problem.Demands, now.Problem.Demands...)
			s.Plan.Placed = append(s.Plan.Placed, now.Plan.Placed...)
			anew, err := o.Lay(s)
			if err != nil {
				t.Fatal(err)
			}
			asked := wanted(schedule.VisitID(fmt.Sprint("asked", step)))
			asked.Workers, asked.Language, asked.Windows = 1+step%2, "", days(8, 18)
			want, err := anew.Openings(asked)
			if err != nil {
				t.Fatal(err)
			}
			got, err := board.Openings(asked)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("seed %d, step %d (-anew +amended):\n%s", seed, step, diff)
			}
		}
	}
	t.Logf("%d amendments, %d of them moves, %d refused", amended, moved, refused)
	if moved == 0 || amended < 3*refused {
		t.Error("boards are hardly ever amended")
	}
}

// without is a standing schedule without a visit.
func without(s schedule.Standing, id schedule.VisitID) schedule.Standing {
	out := schedule.Standing{Problem: s.Problem}
	out.Problem.Demands = nil
	for _, d := range s.Problem.Demands {
		if d.Visit != id {
			out.Problem.Demands = append(out.Problem.Demands, d)
		}
	}
	for _, x := range s.Plan.Placed {
		if x.Visit != id {
			out.Plan.Placed = append(out.Plan.Placed, x)
		}
	}
	return out
}
