package schedule

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
)

// attendedDays is a worker who goes from place to place for so many days, each way
// taking percent of the estimate, with lunch on every third.
func attendedDays(e optimise.Estimate, worker WorkerID, mode Mode, zone *time.Location, days, percent int) (all []Attended) {
	r := rand.New(rand.NewPCG(7, 8))
	for day := range days {
		now := time.Date(2026, 3, 2+day, 9, 0, 0, 0, zone)
		for i := range 4 {
			at := &Point{61 + r.Float64()*0.2, 25 + r.Float64()*0.4}
			if i > 0 {
				way := e.MinutesBy(mode, PlaceOf(all[len(all)-1].At), PlaceOf(at))
				now = now.Add(time.Duration(way*percent/100) * time.Minute)
			}
			if i == 2 && day%3 == 0 {
				now = now.Add(40 * time.Minute)
			}
			all = append(all, Attended{Worker: worker, Mode: mode, At: at, In: now, Out: now.Add(time.Hour)})
			now = now.Add(time.Hour)
		}
	}
	return all
}

func TestFitTravel_CorrectsTheEstimateByRecordedWays(t *testing.T) {
	helsinki, err := time.LoadLocation("Europe/Helsinki")
	if err != nil {
		t.Fatal(err)
	}
	base := Estimate(0, 20)
	since, now := time.Date(2026, 2, 20, 0, 0, 0, 0, time.UTC), time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	attended := append(attendedDays(base, "w1", optimise.Car, helsinki, 40, 150), attendedDays(base, "w2", optimise.Bicycle, helsinki, 10, 70)...)
	fit := FitTravel(base, attended, helsinki, since, now)
	car, bicycle := fit.Of(optimise.Car), fit.Of(optimise.Bicycle)
	if car.Ways < 100 || !car.Used || car.Residual >= car.Before || car.Residual > 2 {
		t.Errorf("by car %+v", car)
	}
	if bicycle.Ways < 20 || bicycle.Ways >= LeastWays || bicycle.Used {
		t.Errorf("by bicycle %+v", bicycle)
	}
	fitted := fit.Apply(base)
	a, b := PlaceOf(&Point{61, 25}), PlaceOf(&Point{61.05, 25.1})
	if got, want := fitted.Minutes(a, b), base.Minutes(a, b)*150/100; got < want-2 || got > want+2 {
		t.Errorf("by car %d minutes, recorded %d", got, want)
	}
	if got, want := fitted.MinutesBy(optimise.Bicycle, a, b), base.MinutesBy(optimise.Bicycle, a, b); got != want {
		t.Errorf("by bicycle %d minutes, want the estimate's %d: there are too few ways", got, want)
	}
	if fitted.Minutes(a, optimise.Place{Unknown: true}) != 20 || fitted.Minutes(a, a) != 0 {
		t.Error("the allowance or the stop changed")
	}
	if got := fit.Words(); !strings.Contains(got, "estimate") || !strings.Contains(got, "corrected by") {
		t.Errorf("%q", got)
	}
	few := FitTravel(base, attended[len(attended)-8:], helsinki, since, now)
	if got := few.Words(); !strings.Contains(got, "too few") || few.Apply(base).Recorded != 0 {
		t.Errorf("%q", got)
	}
	if got := (TravelFit{}).Words(); !strings.Contains(got, "No recorded ways") {
		t.Errorf("%q", got)
	}
}

func TestFitTravel_CountsOnlyWaysFromDoorToDoor(t *testing.T) {
	at := func(hour, minute int) time.Time { return time.Date(2026, 3, 2, hour, minute, 0, 0, time.UTC) }
	a, b := &Point{61, 25}, &Point{61.1, 25}
	way := func(between ...Attended) []Attended {
		all := append([]Attended{{Worker: "w", At: a, In: at(8, 0), Out: at(9, 0)}}, between...)
		return append(all, Attended{Worker: "w", At: b, In: at(9, 40), Out: at(10, 0)})
	}
	for _, test := range []struct {
		name     string
		attended []Attended
		want     int
	}{
		{"from one to the next", way(), 1},
		{"a remote visit between", way(Attended{Worker: "w", In: at(9, 10), Out: at(9, 20)}), 0},
		{"somebody else's visit between", way(Attended{Worker: "x", In: at(9, 10), Out: at(9, 20)}), 1},
		{"never checked out between", way(Attended{Worker: "w", At: b, In: at(9, 10)}), 0},
	} {
		got := 0
		for _, m := range FitTravel(Estimate(5, 20), test.attended, time.UTC, at(0, 0), at(23, 0)).Modes {
			got += m.Ways
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: ways %s", test.name, diff)
		}
	}
}
