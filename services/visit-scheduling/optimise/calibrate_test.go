package optimise

import (
	"math/rand/v2"
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
	})
	if diff := cmp.Diff([]Trip{{Car, a, b, 30}}, got); diff != "" {
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
		trip := Trip{Car, from, to, truth.Minutes(from, to)}
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
	got, _ := base.Calibrate([]Trip{{Car, a, b, 2 * usual}, {Car, a, b, 2 * usual}, {Car, a, b, 1}, {Car, a, b, 100 * usual}})
	if m := got.Minutes(a, b); m < usual || m > usual+usual/5 {
		t.Errorf("two slow trips: %d minutes, before %d", m, usual)
	}
}
