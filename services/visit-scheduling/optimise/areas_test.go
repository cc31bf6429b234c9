package optimise_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/check"
)

// Places that are the middles of areas: there is a stop at every door, nothing to
// travel for who never left the base, and an allowance where nobody knows.
func TestEstimate_OfAreasIsWhatTheSearchPlansBy(t *testing.T) {
	area := &optimise.Place{Lat: 61, Lon: 25}
	for _, test := range []struct {
		name   string
		places []*optimise.Place
		shift  optimise.Window
		starts []int
		ride   int
	}{
		{"remote work fills the whole day", []*optimise.Place{nil}, optimise.Window{From: 480, To: 540}, []int{480}, 0},
		{"next door to the base", []*optimise.Place{area}, optimise.Window{From: 480, To: 550}, []int{485}, 10},
		{"no room for the stops", []*optimise.Place{area}, optimise.Window{From: 480, To: 549}, nil, 0},
		{"two doors of one area", []*optimise.Place{area, area}, optimise.Window{From: 480, To: 615}, []int{485, 550}, 15},
		{"nobody knows where", []*optimise.Place{{Unknown: true}}, optimise.Window{From: 480, To: 580}, []int{500}, 40},
		{"both unknown", []*optimise.Place{{Unknown: true}, {Unknown: true}}, optimise.Window{From: 480, To: 660}, []int{500, 580}, 60},
	} {
		p := optimise.Problem{
			Travel:  optimise.Estimate{StopMinutes: 5, Areas: true},
			Workers: []optimise.Worker{{ID: "w", Start: area, End: area, Shifts: []optimise.Window{test.shift}}},
		}
		for i, at := range test.places {
			p.Visits = append(p.Visits, optimise.Visit{ID: string(rune('a' + i)), Place: at, Minutes: 60, Windows: []optimise.Window{{From: 0, To: 1440}}})
		}
		s, err := optimise.Solve(t.Context(), p, optimise.Options{Seed: 1, WorkUnits: 50})
		if err != nil {
			t.Fatal(err)
		}
		if bad := check.Schedule(p, s); bad != nil {
			t.Errorf("%s: %v", test.name, bad)
		}
		var starts []int
		for _, x := range s.Placed {
			starts = append(starts, x.Starts[0])
		}
		if len(starts) == 2 && starts[0] > starts[1] {
			starts[0], starts[1] = starts[1], starts[0]
		}
		if diff := cmp.Diff(test.starts, starts); diff != "" || s.Objective.Travel != int64(test.ride*optimise.DefaultWeights().TravelMinute) {
			t.Errorf("%s: %d minutes' points of travel, want %d; starts %s", test.name, s.Objective.Travel, test.ride, diff)
		}
	}
}
