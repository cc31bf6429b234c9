package schedule

import "github.com/hearthfps/hearth/services/visit-scheduling/optimise"

// Point is a place on earth in degrees (WGS 84). Families' points are centroids
// of postal areas, never addresses.
type Point struct {
	Lat float64 `json:"lat"`
	Lon float64 `json:"lon"`
}

// Location is where a visit takes place, as far as travel is concerned.
type Location struct {
	// Point is nil when the place is unknown or withheld.
	Point *Point
	// Remote is true when nobody travels: the worker stays where they are.
	Remote bool
}

// Travel tells how many whole minutes a way takes, the stop at its end included.
// One and the same is asked by those who plan and by Problem.Check.
type Travel = optimise.ByMode

// Estimated is the source of travel times that are worked out from distance.
const Estimated = "estimate"

// Sourced is a Travel that knows of each way who said how long it takes: Estimated,
// or the name of a provider or of a file.
type Sourced interface {
	Travel
	Source(mode Mode, from, to optimise.Place) string
}

// Mode is a way of travelling; the zero value is by car.
type Mode = optimise.Mode

// PlaceOf is a point as travel knows it: nil is a place nobody knows.
func PlaceOf(p *Point) optimise.Place {
	if p == nil {
		return optimise.Place{Unknown: true}
	}
	return optimise.Place{Lat: p.Lat, Lon: p.Lon}
}

// Estimate is travel from distance alone (optimise.Estimate), between the middles
// of areas: from door to door of one area there is a stop as well. stop is added
// to every way, unknown allowed for one of which an end is not known, in minutes.
func Estimate(stop, unknown int) optimise.Estimate {
	exactly := func(minutes int) int {
		if minutes == 0 {
			return optimise.None
		}
		return minutes
	}
	return optimise.Estimate{StopMinutes: exactly(stop), UnknownMinutes: exactly(unknown), Areas: true}
}
