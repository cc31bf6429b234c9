package optimise

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Recorded is a visit as it was made: minutes since any origin.
type Recorded struct {
	Worker  string
	Mode    Mode
	Place   Place
	In, Out int // check-in and check-out
}

// Trip is a way between two visits as it was recorded: everything from check-out
// to check-in, a wait or a lunch included.
type Trip struct {
	Mode     Mode
	From, To Place
	Minutes  int
}

// longestTrip in minutes: a gap above it is no trip.
const longestTrip = 180

// Trips pairs each worker's check-outs with the check-in that follows, at another
// place and within three hours. Visits that overlap give none.
func Trips(visits []Recorded) []Trip {
	all := slices.Clone(visits)
	slices.SortStableFunc(all, func(a, b Recorded) int { return cmp.Or(cmp.Compare(a.Worker, b.Worker), cmp.Compare(a.In, b.In)) })
	var out []Trip
	for i := 1; i < len(all); i++ {
		a, b := all[i-1], all[i]
		gap := b.In - a.Out
		if a.Worker == b.Worker && a.Mode == b.Mode && a.Place != b.Place && gap > 0 && gap <= longestTrip {
			out = append(out, Trip{a.Mode, a.Place, b.Place, gap})
		}
	}
	return out
}

// Fit is what the trips of one mode and band of distance say.
type Fit struct {
	Mode    Mode
	UpToKm  float64 // of road
	Trips   int
	Percent int // of the uncalibrated estimate
}

const (
	enoughTrips = 30  // so many weigh as much as all that is known beyond them
	leastFit    = 50  // per cent; what lies outside is not believed
	mostFit     = 300 // per cent
)

// Calibrate fits the estimate to recorded trips. A gap holds waiting and breaks as
// well as the way, so it is the shortest half of the ratios that counts (the
// shorth: Andrews et al., Robust Estimates of Location, 1972): nearly half of the
// trips may be too long and it stays. A band with few trips leans on all of its
// mode, a mode with few on the estimate. The stop's minutes stay as they are.
func (e Estimate) Calibrate(trips []Trip) (Estimate, []Fit) {
	out := e
	out.Percent, out.Recorded = map[Mode][]int{}, 0
	var fits []Fit
	for _, mode := range []Mode{Car, Transit, Bicycle, Foot} {
		speeds := bands(mode)
		ratios := make([][]float64, len(speeds))
		var all []float64
		for _, t := range trips {
			if t.Mode != mode || t.From == t.To {
				continue
			}
			km := t.From.unit().roadKm(t.To.unit())
			r := float64(t.Minutes-e.stop(mode)) / math.Max(1, drive(speeds, km))
			if r < 0.2 || r > 5 {
				continue // checked in late, or was elsewhere between
			}
			k := bandOf(speeds, km)
			ratios[k], all = append(ratios[k], r), append(all, r)
		}
		if len(all) == 0 {
			continue
		}
		mean := lean(all, 1)
		for k, b := range speeds {
			f := Fit{mode, b.upTo, len(ratios[k]), int(math.Round(100 * lean(ratios[k], mean)))}
			f.Percent = min(max(f.Percent, leastFit), mostFit)
			out.Percent[mode] = append(out.Percent[mode], f.Percent)
			fits = append(fits, f)
		}
		out.Recorded += len(all)
	}
	return out, fits
}

// lean is the shorth of what was seen, drawn towards what is known besides.
func lean(seen []float64, known float64) float64 {
	n := float64(len(seen))
	if n == 0 {
		return known
	}
	return (n*shorth(seen) + enoughTrips*known) / (n + enoughTrips)
}

// shorth is the mean of the shortest half of some numbers.
func shorth(x []float64) float64 {
	x = slices.Clone(x)
	slices.Sort(x)
	half := len(x)/2 + 1
	first := 0
	for i := range len(x) - half + 1 {
		if x[i+half-1]-x[i] < x[first+half-1]-x[first] {
			first = i
		}
	}
	sum := 0.0
	for _, v := range x[first : first+half] {
		sum += v
	}
	return sum / float64(half)
}

// Label says what the travel times are, for people.
func (e Estimate) Label() string {
	if e.Recorded == 0 {
		return "estimate: great-circle distance × 1.35"
	}
	return fmt.Sprintf("estimate: great-circle distance × 1.35, calibrated from %d recorded trips", e.Recorded)
}
