package optimise

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// Who leaves later never arrives earlier, and leave is the last minute that arrives in time.
func TestTraffic_IsFirstInFirstOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []Traffic
		for range rapid.IntRange(1, 3).Draw(t, "sayings") {
			x := Traffic{Days: rapid.SliceOfN(rapid.IntRange(0, 6), 0, 2).Draw(t, "days")}
			for range rapid.IntRange(1, 4).Draw(t, "bands") {
				x.Bands = append(x.Bands, Speed{rapid.IntRange(0, DayMinutes-1).Draw(t, "from"), rapid.IntRange(slowest, fastest).Draw(t, "percent")})
			}
			all = append(all, x)
		}
		s := speedsOf(all, Car)
		way := int32(rapid.IntRange(0, 300).Draw(t, "way"))
		depart := int32(rapid.IntRange(-2*WeekMinutes, 3*WeekMinutes).Draw(t, "depart"))
		arrive := s.arrive(depart, way)
		if arrive < depart+way*100/fastest || (way > 0 && arrive > depart+way*100/slowest) {
			t.Fatalf("a way of %d takes %d", way, arrive-depart)
		}
		if later := s.arrive(depart+1, way); later < arrive {
			t.Fatalf("leaving at %d arrives at %d, a minute later at %d", depart, arrive, later)
		}
		by := depart + int32(rapid.IntRange(0, 4000).Draw(t, "by"))
		leave := s.leave(by, way)
		if s.arrive(leave, way) > by || s.arrive(leave+1, way) <= by {
			t.Fatalf("to be there by %d leave at %d: arrives %d, a minute later %d", by, leave, s.arrive(leave, way), s.arrive(leave+1, way))
		}
	})
}

func TestTraffic_SaysNothingOfOtherModes(t *testing.T) {
	all := []Traffic{{Mode: Transit, Bands: []Speed{{0, 50}}}}
	if speedsOf(all, Car) != nil {
		t.Error("a saying of buses slows cars")
	}
	if got := speedsOf(all, Transit).arrive(100, 10); got != 120 {
		t.Errorf("ten minutes at half the speed from 100: there at %d", got)
	}
	// the last band of a day runs on over midnight
	s := speedsOf([]Traffic{{Bands: []Speed{{600, 100}, {1200, 50}}}}, Car)
	if got := s.arrive(DayMinutes+590, 10); got != DayMinutes+590+15 {
		t.Errorf("half an hour's end of the night: there after %d", got-DayMinutes-590)
	}
}

// The functions written out agree with the library's as far as both are exact.
func TestExact_IsTheLibrarys(t *testing.T) {
	for i := -3142; i <= 3142; i++ {
		x := float64(i) / 1000
		if d := math.Abs(sine(x) - math.Sin(x)); d > 1e-15*4 {
			t.Fatalf("sine of %v is off by %v", x, d)
		}
		if d := math.Abs(cosine(x) - math.Cos(x)); d > 1e-15*4 {
			t.Fatalf("cosine of %v is off by %v", x, d)
		}
		if x := math.Abs(x) / 3.142; x <= 1 {
			if d := math.Abs(arcsine(x) - math.Asin(x)); d > 1e-15*8 {
				t.Fatalf("arc sine of %v is off by %v", x, d)
			}
		}
	}
	// Helsinki to Oulu by the haversine formula: 540.6 km
	if km := (Place{Lat: 60.1699, Lon: 24.9384}).unit().roadKm(Place{Lat: 65.0121, Lon: 25.4651}.unit()) / detour; math.Abs(km-539) > 3 {
		t.Errorf("Helsinki to Oulu: %v km", km)
	}
}

func TestEstimate_ByMode(t *testing.T) {
	a, b := Place{Lat: 61, Lon: 25}, Place{Lat: 61.03, Lon: 25.03}
	var e Estimate
	car, bus, bicycle, foot := e.MinutesBy(Car, a, b), e.MinutesBy(Transit, a, b), e.MinutesBy(Bicycle, a, b), e.MinutesBy(Foot, a, b)
	if !(car < bicycle && bicycle < bus && bus < foot) {
		t.Errorf("five kilometres: car %d, bicycle %d, transit %d, foot %d minutes", car, bicycle, bus, foot)
	}
	slow := Estimate{Percent: map[Mode][]int{Car: {100, 200, 100, 100}}}
	if got := slow.Minutes(a, b); got < 2*(car-4)-2 || got > 2*(car-4)+6 {
		t.Errorf("at 200 per cent %d minutes, before %d", got, car)
	}
	for _, m := range []Mode{Car, Transit, Bicycle, Foot} {
		if e.MinutesBy(m, a, a) != 0 {
			t.Error("a way to where one is")
		}
	}
}
