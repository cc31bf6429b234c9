package schedule

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
)

// Who leaves later never arrives earlier, and leaving at the last moment is in time.
func TestPaces_AreFirstInFirstOut(t *testing.T) {
	helsinki, err := time.LoadLocation("Europe/Helsinki")
	if err != nil {
		t.Fatal(err)
	}
	p := newPaces(Problem{Zone: helsinki, Traffic: rushHours(40)})
	rapid.Check(t, func(t *rapid.T) {
		depart := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 7*24*3600-1).Draw(t, "second")) * time.Second)
		way, later := rapid.IntRange(0, 200).Draw(t, "way"), time.Duration(rapid.IntRange(0, 7200).Draw(t, "later"))*time.Second
		arrive := p.arrive(optimise.Car, depart, way)
		if arrive.Before(depart.Add(time.Duration(way)*time.Minute)) || p.arrive(optimise.Car, depart.Add(later), way).Before(arrive) {
			t.Fatalf("leaving at %v arrives at %v, %v later at %v", depart, arrive, later, p.arrive(optimise.Car, depart.Add(later), way))
		}
		by := depart.Truncate(time.Minute)
		if leave := p.leave(optimise.Car, by, way); p.arrive(optimise.Car, leave, way).After(by) {
			t.Fatalf("to be there by %v leave at %v: there at %v", by, leave, p.arrive(optimise.Car, leave, way))
		}
		if got := p.arrive(optimise.Foot, depart, way); !got.Equal(depart.Add(time.Duration(way) * time.Minute)) {
			t.Fatalf("on foot there at %v", got)
		}
	})
}

func TestGreedy_LeavesEarlierInTheRushHour(t *testing.T) {
	way := Estimate(5, 20).Minutes(PlaceOf(centre), PlaceOf(suburb))
	if way < 8 || way > 30 {
		t.Fatalf("the way takes %d minutes", way)
	}
	for _, test := range []struct {
		name    string
		traffic []optimise.Traffic
		day     int
		want    int // minutes after eight
	}{
		{"no traffic", nil, 0, way},
		{"half the speed", rushHours(50), 0, 2 * way},
		{"Friday's", rushHours(50), 4, 2 * way},
		{"half the speed of buses", []optimise.Traffic{{Mode: optimise.Transit, Bands: []optimise.Speed{{From: 0, Percent: 50}}}}, 0, way},
		{"the next day's", []optimise.Traffic{{Days: []int{1}, Bands: []optimise.Speed{{From: 0, Percent: 50}}}}, 0, way},
	} {
		d := demand("v")
		d.Windows = []Span{{at(test.day, 8, 0), at(test.day, 12, 0)}}
		p := problem([]Available{worker("w")}, d)
		p.Traffic = test.traffic
		slot := planned(t, p).Placed[0].Slot
		if want := (test.want + 4) / 5 * 5; int(slot.StartsAt.Sub(at(test.day, 8, 0))/time.Minute) != want || slot.Travel < test.want-1 || slot.Travel > test.want {
			t.Errorf("%s: there at %v after %d minutes, want %d", test.name, slot.StartsAt, slot.Travel, test.want)
		}
		// What holds without traffic does not within it.
		early := Plan{Placed: []Placement{{"v", Slot{StartsAt: at(test.day, 8, way), EndsAt: at(test.day, 9, way), Workers: []WorkerID{"w"}}}}}
		if found := p.Check(early); (len(found) == 0) != (test.want == way) {
			t.Errorf("%s: %d minutes after eight: %v", test.name, way, found)
		}
	}
}

func TestTravelFit_HoursThatAreQuickerArePlannedAtTheUsualSpeed(t *testing.T) {
	fit := TravelFit{Modes: []ModeFit{
		{Used: true, Traffic: []optimise.Traffic{
			{Days: []int{0}, Bands: []optimise.Speed{{From: 0, Percent: 140}, {From: 420, Percent: 70}}},
			{Days: []int{6}, Bands: []optimise.Speed{{From: 0, Percent: 120}}},
		}},
		{Mode: optimise.Foot, Traffic: []optimise.Traffic{{Mode: optimise.Foot, Bands: []optimise.Speed{{From: 0, Percent: 50}}}}},
	}}
	got := fit.Traffic()
	if len(got) != 1 || got[0].Bands[0].Percent != 100 || got[0].Bands[1].Percent != 70 || fit.Modes[0].Traffic[0].Bands[0].Percent != 140 {
		t.Errorf("%+v", got)
	}
}
