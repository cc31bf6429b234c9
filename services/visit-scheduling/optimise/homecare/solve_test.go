package homecare_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/benchfile"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/check"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/homecare"
)

func drawFile(t *rapid.T, most int) *benchfile.HomeCare {
	h := &benchfile.HomeCare{}
	kinds := rapid.IntRange(2, 4).Draw(t, "kinds")
	for k := range kinds {
		h.Services = append(h.Services, benchfile.HomeCareService{ID: fmt.Sprint("s", k), Duration: 10})
		// two for each kind, so that every pair can be staffed
		for range 2 {
			c := benchfile.HomeCareCaregiver{ID: fmt.Sprint("c", len(h.Caregivers)), Abilities: []string{fmt.Sprint("s", k)}}
			if also := rapid.IntRange(0, kinds-1).Draw(t, "also"); also != k {
				c.Abilities = append(c.Abilities, fmt.Sprint("s", also))
			}
			h.Caregivers = append(h.Caregivers, c)
		}
	}
	n := rapid.IntRange(1, most).Draw(t, "patients")
	kind := rapid.IntRange(0, kinds-1)
	for p := range n {
		from := float64(rapid.IntRange(0, 200).Draw(t, "from"))
		v := benchfile.HomeCarePatient{ID: fmt.Sprint("p", p), TimeWindow: [2]float64{from, from + float64(rapid.IntRange(0, 60).Draw(t, "width"))}}
		v.Required = append(v.Required, benchfile.HomeCareNeed{Service: fmt.Sprint("s", kind.Draw(t, "kind"))})
		switch rapid.IntRange(0, 3).Draw(t, "sync") {
		case 0:
			v.Sync = &benchfile.HomeCareSync{Type: "simultaneous"}
		case 1:
			least := float64(rapid.IntRange(0, 30).Draw(t, "least"))
			v.Sync = &benchfile.HomeCareSync{Type: "sequential", Distance: [2]float64{least, least + float64(rapid.IntRange(0, 30).Draw(t, "more"))}}
		}
		if v.Sync != nil {
			v.Required = append(v.Required, benchfile.HomeCareNeed{Service: fmt.Sprint("s", kind.Draw(t, "second"))})
		}
		h.Patients = append(h.Patients, v)
	}
	x := rapid.SliceOfN(rapid.Float64Range(0, 50), 2*(n+1), 2*(n+1)).Draw(t, "places")
	for i := range n + 1 {
		row := make([]float64, n+1)
		for j := range row {
			row[j] = math.Round(1000*math.Hypot(x[2*i]-x[2*j], x[2*i+1]-x[2*j+1])) / 1000
		}
		h.Distances = append(h.Distances, row)
	}
	return h
}

func TestSolve_EveryAnswerPassesTheChecker(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawFile(t, 14)
		plan, _, err := homecare.Solve(homecare.New(h), homecare.Options{Seed: rapid.Uint64().Draw(t, "seed"), Steps: 60})
		if err != nil {
			t.Fatal(err)
		}
		cost, err := check.HomeCare(h, plan.Stops())
		if err != nil {
			t.Fatal(err)
		}
		if got := float64(plan.Cost) / 3000; math.Abs(got-cost) > 1e-6 {
			t.Fatalf("cost %v, checker says %v", got, cost)
		}
	})
}

func TestSolve_SameSeedAndWorkGiveTheSameAnswer(t *testing.T) {
	h := rapid.Custom(func(t *rapid.T) *benchfile.HomeCare { return drawFile(t, 14) }).Example(5)
	opt := homecare.Options{Seed: 9, Steps: 200}
	a, _, err := homecare.Solve(homecare.New(h), opt)
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := homecare.Solve(homecare.New(h), opt)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("two runs differ (-first +second):\n%s", diff)
	}
}

// One caregiver has all skills and the other one only: unless the two can trade
// whole days, a plan that gives the simple patients to the versatile one is stuck.
func TestSolve_MovesAWholeDayToAnotherWorker(t *testing.T) {
	h := &benchfile.HomeCare{
		Services: []benchfile.HomeCareService{{ID: "a", Duration: 10}, {ID: "b", Duration: 10}},
		Caregivers: []benchfile.HomeCareCaregiver{
			{ID: "both", Abilities: []string{"a", "b"}}, {ID: "one", Abilities: []string{"a"}},
		},
	}
	at := [][2]float64{{0, 0}}
	for i := range 6 {
		h.Patients = append(h.Patients, benchfile.HomeCarePatient{
			ID: fmt.Sprint("p", i), TimeWindow: [2]float64{0, 1000},
			Required: []benchfile.HomeCareNeed{{Service: []string{"a", "b"}[i%2]}},
		})
		at = append(at, [2]float64{float64(1-2*(i%2)) * 100, float64(i)})
	}
	for _, p := range at {
		var row []float64
		for _, q := range at {
			row = append(row, math.Round(1000*math.Hypot(p[0]-q[0], p[1]-q[1]))/1000)
		}
		h.Distances = append(h.Distances, row)
	}
	plan, _, err := homecare.Solve(homecare.New(h), homecare.Options{Seed: 1, Steps: 100})
	if err != nil {
		t.Fatal(err)
	}
	cost, err := check.HomeCare(h, plan.Stops())
	if err != nil {
		t.Fatal(err)
	}
	if got, most := 3*cost, 410.0; got > most {
		t.Errorf("distance %.1f: one day a side is possible with less than %.1f", got, most)
	}
}
