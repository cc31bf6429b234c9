package schedule

import (
	"fmt"
	"time"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
)

// Attended is one worker's coming and going.
type Attended struct {
	Worker WorkerID
	Mode   Mode
	// At is nil for a place nobody knows, and for who stayed where they were.
	At *Point
	In time.Time
	// Out is zero for who never checked out: where they went, and when, nobody knows.
	Out time.Time
}

// TravelFit is what recorded ways say of the estimate of travel. It holds no place.
type TravelFit struct {
	// FittedAt is zero when nothing was fitted yet; Since is how far back visits counted.
	FittedAt time.Time
	Since    time.Time
	Modes    []ModeFit
}

// ModeFit is the fit of one way of travelling.
type ModeFit struct {
	Mode Mode `json:"mode"`
	// Ways is how many recorded ways counted.
	Ways int `json:"ways"`
	// Used says whether there are enough of them to plan by.
	Used bool `json:"used"`
	// Percent is what ways take of the uncalibrated estimate, the stop apart, by
	// band of distance, and Seen the ways of each.
	Percent []int `json:"percent"`
	Seen    []int `json:"seen"`
	// Residual is how many minutes ways are from the calibrated estimate: half of
	// them are nearer. Before is the same of the uncalibrated one.
	Residual int `json:"residual"`
	Before   int `json:"before"`
	// Traffic is how fast it is by the hour where enough was recorded. Its days
	// count from Monday.
	Traffic []optimise.Traffic `json:"traffic,omitempty"`
}

// LeastWays is how many recorded ways of one mode it takes to plan by them.
const LeastWays = 50

// FitTravel fits an estimate to what was attended since some time: the ways from
// one check-out to the same worker's next check-in, on the same day of zone. Ways
// with an errand, a wait or a lunch in them are many; nearly half may be, and the
// fit stays (optimise.Estimate.Calibrate).
func FitTravel(base optimise.Estimate, attended []Attended, zone *time.Location, since, now time.Time) TravelFit {
	y, m, d := since.In(zone).Date()
	origin := time.Date(y, m, d, 0, 0, 0, 0, zone)
	// By the clock on the wall, so that the hours of the day stay theirs when clocks change.
	minute := func(t time.Time) int {
		y, m, d := t.In(zone).Date()
		days := int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Sub(time.Date(origin.Year(), origin.Month(), origin.Day(), 0, 0, 0, 0, time.UTC)) / (24 * time.Hour))
		return days*optimise.DayMinutes + t.In(zone).Hour()*60 + t.In(zone).Minute()
	}
	recorded := make([]optimise.Recorded, len(attended))
	for i, a := range attended {
		at := a.At
		if a.Out.IsZero() {
			a.Out, at = a.In, nil
		}
		recorded[i] = optimise.Recorded{Worker: string(a.Worker), Mode: a.Mode, Place: PlaceOf(at), In: minute(a.In), Out: minute(a.Out)}
	}
	trips := optimise.Trips(recorded)
	fitted, fits := base.Calibrate(trips)
	out := TravelFit{FittedAt: now, Since: since}
	for _, mode := range Modes() {
		counted := base.Counted(mode, trips)
		f := ModeFit{Mode: mode, Ways: len(counted), Used: len(counted) >= LeastWays, Before: base.Residual(counted), Percent: fitted.Percent[mode]}
		if f.Ways == 0 {
			continue
		}
		f.Residual = fitted.Residual(counted)
		for _, x := range fits {
			if x.Mode == mode {
				f.Seen = append(f.Seen, x.Trips)
			}
		}
		if f.Used {
			f.Traffic = fitted.CalibrateTraffic(mode, trips, (int(origin.Weekday())+6)%7)
		}
		out.Modes = append(out.Modes, f)
	}
	return out
}

// Modes are the ways of travelling there are.
func Modes() []Mode {
	return []Mode{optimise.Car, optimise.Transit, optimise.Bicycle, optimise.Foot}
}

// ModeName is a way of travelling as it is shown.
func ModeName(m Mode) string {
	if m == optimise.Car {
		return "car"
	}
	return string(m)
}

// Of is the fit of a mode; the zero value when no way of it was recorded.
func (f TravelFit) Of(m Mode) ModeFit {
	for _, x := range f.Modes {
		if x.Mode == m {
			return x
		}
	}
	return ModeFit{Mode: m}
}

// Apply is the estimate as far as enough was recorded to plan by it.
func (f TravelFit) Apply(base optimise.Estimate) optimise.Estimate {
	out := base
	out.Percent, out.Recorded = map[Mode][]int{}, 0
	for _, x := range f.Modes {
		if x.Used {
			out.Percent[x.Mode] = x.Percent
			out.Recorded += x.Ways
		}
	}
	return out
}

// Traffic is when ways take longer than the fitted estimate says, where enough was
// recorded. Hours that are quicker than it are left at it: a plan that holds at the
// usual speed holds then.
func (f TravelFit) Traffic() []optimise.Traffic {
	var out []optimise.Traffic
	for _, x := range f.Modes {
		for _, t := range x.Traffic {
			slower := false
			said := optimise.Traffic{Mode: t.Mode, Days: t.Days}
			for _, b := range t.Bands {
				slower = slower || b.Percent < 100
				said.Bands = append(said.Bands, optimise.Speed{From: b.From, Percent: min(b.Percent, 100)})
			}
			if x.Used && slower {
				out = append(out, said)
			}
		}
	}
	return out
}

// Words says what travel is planned by.
func (f TravelFit) Words() string {
	used, ways := 0, 0
	for _, x := range f.Modes {
		ways += x.Ways
		if x.Used {
			used += x.Ways
		}
	}
	switch {
	case f.FittedAt.IsZero():
		return "Travel times are an estimate by distance. No recorded ways were looked at yet."
	case used == 0:
		return fmt.Sprintf("Travel times are an estimate by distance. %d recorded ways are too few to correct it by: %d of one way of travelling are needed.", ways, LeastWays)
	}
	return fmt.Sprintf("Travel times are an estimate by distance, corrected by %d recorded ways.", used)
}
