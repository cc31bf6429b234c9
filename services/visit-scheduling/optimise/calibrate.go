package optimise

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Recorded is a visit as it was made: minutes since an origin at midnight.
type Recorded struct {
	Worker  string
	Mode    Mode
	Place   Place // an unknown one is the end of no trip
	In, Out int   // check-in and check-out
}

// Trip is a way between two visits as it was recorded: everything from check-out
// to check-in, a wait or a lunch included.
type Trip struct {
	Mode     Mode
	From, To Place
	Depart   int // the check-out, as Recorded has it
	Minutes  int
}

// longestTrip in minutes: a gap above it is no trip.
const longestTrip = 180

// Trips pairs each worker's check-outs with the check-in that follows, at another
// place, on the same day and within three hours. Visits that overlap give none.
func Trips(visits []Recorded) []Trip {
	all := slices.Clone(visits)
	slices.SortStableFunc(all, func(a, b Recorded) int { return cmp.Or(cmp.Compare(a.Worker, b.Worker), cmp.Compare(a.In, b.In)) })
	var out []Trip
	for i := 1; i < len(all); i++ {
		a, b := all[i-1], all[i]
		gap := b.In - a.Out
		known := !a.Place.Unknown && !b.Place.Unknown && a.Place != b.Place
		oneDay := floorDiv(a.Out, DayMinutes) == floorDiv(b.In, DayMinutes)
		if a.Worker == b.Worker && a.Mode == b.Mode && known && oneDay && gap > 0 && gap <= longestTrip {
			out = append(out, Trip{a.Mode, a.Place, b.Place, a.Out, gap})
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
			if km, r, counts := e.ratio(mode, speeds, t); counts {
				k := bandOf(speeds, km)
				ratios[k], all = append(ratios[k], r), append(all, r)
			}
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

// ratio is what a trip took of what it takes by distance, the stop apart. A trip
// that is far from it does not count.
func (e Estimate) ratio(mode Mode, speeds []band, t Trip) (km, ratio float64, counts bool) {
	if t.Mode != mode || t.From == t.To {
		return 0, 0, false
	}
	km = t.From.unit().roadKm(t.To.unit())
	ratio = float64(t.Minutes-e.stop(mode)) / math.Max(1, drive(speeds, km))
	return km, ratio, ratio >= 0.2 && ratio <= 5 // else checked in late, or was elsewhere between
}

// Counted are the trips of a mode that Calibrate looks at.
func (e Estimate) Counted(mode Mode, trips []Trip) []Trip {
	speeds := bands(mode)
	var out []Trip
	for _, t := range trips {
		if _, _, counts := e.ratio(mode, speeds, t); counts {
			out = append(out, t)
		}
	}
	return out
}

// Residual is how far trips are from the estimate, in minutes: half of them are
// nearer. It is 0 of none.
func (e Estimate) Residual(trips []Trip) int {
	var off []int
	for _, t := range trips {
		off = append(off, max(t.Minutes-e.MinutesBy(t.Mode, t.From, t.To), e.MinutesBy(t.Mode, t.From, t.To)-t.Minutes))
	}
	if len(off) == 0 {
		return 0
	}
	slices.Sort(off)
	return off[len(off)/2]
}

// hours are the parts of a day a speed is looked for in, by the minute each begins.
var hours = []int{0, 7 * 60, 9 * 60, 15 * 60, 17 * 60, 19 * 60}

const (
	enoughForHours = 60 // trips in a part of the day, below which nothing is said of it
	leastSpeed     = 50 // per cent
	mostSpeed      = 150
)

// CalibrateTraffic says how fast a mode is by the part of the day, against e, on
// working days (origin's weekday: 0 is Monday) and at weekends, where enough trips
// were recorded; nil where they were not. It is robust as Calibrate is.
func (e Estimate) CalibrateTraffic(mode Mode, trips []Trip, weekday int) []Traffic {
	var out []Traffic
	for _, weekend := range []bool{false, true} {
		ratios := make([][]float64, len(hours))
		for _, t := range e.Counted(mode, trips) {
			day := ((floorDiv(t.Depart, DayMinutes)+weekday)%7 + 7) % 7
			if (day >= 5) != weekend {
				continue
			}
			k := len(hours) - 1
			for t.Depart-floorDiv(t.Depart, DayMinutes)*DayMinutes < hours[k] {
				k--
			}
			way := e.MinutesBy(mode, t.From, t.To) - e.stop(mode)
			ratios[k] = append(ratios[k], float64(t.Minutes-e.stop(mode))/math.Max(1, float64(way)))
		}
		said := Traffic{Mode: mode}
		any := false
		for k, from := range hours {
			percent := 100
			if len(ratios[k]) >= enoughForHours {
				any = true
				percent = min(max(int(math.Round(100/lean(ratios[k], 1))), leastSpeed), mostSpeed)
			}
			said.Bands = append(said.Bands, Speed{from, percent})
		}
		if !any {
			continue
		}
		for d := range 7 {
			if (d >= 5) == weekend {
				said.Days = append(said.Days, d)
			}
		}
		out = append(out, said)
	}
	return out
}

// Assumed is a band of road distance with the speed assumed in it, in km/h.
type Assumed struct{ UpToKm, Speed float64 }

// Bands are the speeds of a mode, the last without an end (math.MaxFloat64).
func Bands(m Mode) []Assumed {
	var out []Assumed
	for _, b := range bands(m) {
		out = append(out, Assumed{b.upTo, b.speed})
	}
	return out
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
