package optimise

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTrips_PairsCheckOutWithTheNextCheckIn(t *testing.T) {
	a, b, c := Place{Lat: 61, Lon: 25}, Place{Lat: 61.1, Lon: 25}, Place{Lat: 61.2, Lon: 25}
	got := Trips([]Recorded{
		{"w", Car, b, 600, 660},
		{"w", Car, a, 500, 570},
		{"w", Car, b, 700, 720},   // the same place: no way between
		{"w", Car, c, 1200, 1300}, // eight hours later: no trip
		{"x", Car, c, 725, 800},   // somebody else
		{"x", Transit, a, 820, 830},
		{"y", Car, a, 100, 200},
		{"y", Car, b, 150, 250}, // at two places at once
		{"z", Car, a, 100, 160},
		{"z", Car, Place{Unknown: true}, 180, 190},
		{"z", Car, b, 200, 230},   // from a place nobody knows
		{"z", Car, c, 1440, 1450}, // the next day's first minute
		{"n", Car, a, 1300, 1430},
		{"n", Car, b, 1445, 1500}, // over midnight
	})
	if diff := cmp.Diff([]Trip{{Car, a, b, 570, 30}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestCalibrate_FindsTheRoadsUnderTheWaiting(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var base Estimate
	truth := Estimate{Percent: map[Mode][]int{Car: {140, 120, 90, 100}, Foot: {80, 80, 80, 80}}}
	var trips []Trip
	for range 4000 {
		from := Place{Lat: 61 + r.Float64()*0.3, Lon: 25 + r.Float64()*0.6}
		to := Place{Lat: from.Lat + (r.Float64()-0.5)*r.Float64()*0.4, Lon: from.Lon + (r.Float64()-0.5)*r.Float64()*0.8}
		trip := Trip{Mode: Car, From: from, To: to, Minutes: truth.Minutes(from, to)}
		if r.Float64() < 0.35 { // waited, shopped, had lunch
			trip.Minutes += 5 + r.IntN(90)
		}
		trips = append(trips, trip)
	}
	got, fits := base.Calibrate(trips)
	for k, want := range []int{140, 120, 90} {
		if p := got.Percent[Car][k]; p < want-8 || p > want+8 {
			t.Errorf("band %d: %d per cent, the roads are %d", k, p, want)
		}
	}
	if before, after := base.Residual(base.Counted(Car, trips)), got.Residual(base.Counted(Car, trips)); after >= before || after > 2 || base.Residual(nil) != 0 {
		t.Errorf("half of the trips within %d minutes, before %d", after, before)
	}
	if len(fits) != 4 || got.Recorded < 3000 || !strings.Contains(got.Label(), "calibrated from") || strings.Contains(base.Label(), "calibrated") {
		t.Errorf("fits %+v, label %q", fits, got.Label())
	}
	if got.MinutesBy(Foot, Place{Lat: 61, Lon: 25}, Place{Lat: 61.01, Lon: 25}) != base.MinutesBy(Foot, Place{Lat: 61, Lon: 25}, Place{Lat: 61.01, Lon: 25}) {
		t.Error("nobody walked, and the walks changed")
	}
}

// A few trips do not overturn the estimate, nor do absurd ones.
func TestCalibrate_LeansOnTheEstimateWhereLittleIsKnown(t *testing.T) {
	var base Estimate
	a, b := Place{Lat: 61, Lon: 25}, Place{Lat: 61.05, Lon: 25}
	usual := base.Minutes(a, b)
	got, _ := base.Calibrate([]Trip{{Car, a, b, 0, 2 * usual}, {Car, a, b, 0, 2 * usual}, {Car, a, b, 0, 1}, {Car, a, b, 0, 100 * usual}})
	if m := got.Minutes(a, b); m < usual || m > usual+usual/5 {
		t.Errorf("two slow trips: %d minutes, before %d", m, usual)
	}
}

// A morning at half the speed is found, an evening with few trips is let be.
func TestCalibrateTraffic_FindsTheSlowHours(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var e Estimate
	var trips []Trip
	const tuesday = 1
	for i := range 1200 {
		from := Place{Lat: 61 + r.Float64()*0.3, Lon: 25 + r.Float64()*0.6}
		to := Place{Lat: from.Lat + (r.Float64()-0.5)*0.4, Lon: from.Lon + (r.Float64()-0.5)*0.8}
		trip := Trip{Mode: Car, From: from, To: to, Depart: (i%28)*DayMinutes + 9*60 + r.IntN(6*60), Minutes: e.Minutes(from, to)}
		weekend := (i%28+tuesday)%7 >= 5
		switch {
		case i%3 == 0:
			trip.Depart = (i%28)*DayMinutes + 7*60 + r.IntN(2*60)
			if !weekend {
				trip.Minutes += trip.Minutes - 4
			}
		case i%100 == 1:
			trip.Depart = (i%28)*DayMinutes + 20*60
			trip.Minutes *= 2
		}
		if r.Float64() < 0.3 {
			trip.Minutes += 5 + r.IntN(60)
		}
		trips = append(trips, trip)
	}
	got := e.CalibrateTraffic(Car, trips, tuesday)
	if len(got) != 2 || !slices.Equal(got[0].Days, []int{0, 1, 2, 3, 4}) || !slices.Equal(got[1].Days, []int{5, 6}) {
		t.Fatalf("%+v", got)
	}
	working, free := got[0].Bands, got[1].Bands
	if p := working[1]; p.From != 7*60 || p.Percent < 48 || p.Percent > 60 {
		t.Errorf("a working day's morning: %+v, it was half the speed", p)
	}
	for _, p := range []Speed{working[2], free[1], free[2]} {
		if p.Percent < 95 || p.Percent > 105 {
			t.Errorf("%+v, it was the usual speed", p)
		}
	}
	if p := working[5]; p != (Speed{19 * 60, 100}) {
		t.Errorf("%+v from a dozen trips", p)
	}
	if got := e.CalibrateTraffic(Car, trips[:50], tuesday); got != nil {
		t.Errorf("%+v from fifty trips", got)
	}
}
