package schedule

import "math"

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

// Travel estimates the way from one point to another in whole minutes. A nil
// point is one that is not known.
type Travel interface {
	Minutes(from, to *Point) int
}

// Estimate is travel time from distance alone: the great-circle distance times
// 1.35 (the usual ratio of road to straight line), driven at a speed that grows
// with the distance, and a constant for each stop. It is an estimate, no route,
// and is labelled so where it is shown.
type Estimate struct {
	// Stop is added to every way, for parking and walking, in minutes.
	Stop int
	// Unknown is the allowance in minutes when either end is not known.
	Unknown int
}

// roadFactor is road distance over great-circle distance.
const roadFactor = 1.35

// bands: the first 5 km are driven at 25 km/h, the next 15 at 40, the next 40
// at 60, the rest at 80. Summed piecewise, so that further is never faster.
var bands = [...]struct{ km, speed float64 }{{5, 25}, {15, 40}, {40, 60}, {math.Inf(1), 80}}

// Minutes is the estimate, rounded up.
func (e Estimate) Minutes(from, to *Point) int {
	if from == nil || to == nil {
		return e.Unknown
	}
	left, hours := greatCircle(*from, *to)*roadFactor, 0.0
	for _, b := range bands {
		km := math.Min(left, b.km)
		hours += km / b.speed
		left -= km
		if left <= 0 {
			break
		}
	}
	return e.Stop + int(math.Ceil(hours*60-1e-9))
}

// greatCircle is the distance in km on a sphere of the earth's mean radius
// (haversine formula, 6371.0088 km, IUGG).
func greatCircle(a, b Point) float64 {
	const radius, degree = 6371.0088, math.Pi / 180
	dLat, dLon := (b.Lat-a.Lat)*degree, (b.Lon-a.Lon)*degree
	h := math.Pow(math.Sin(dLat/2), 2) + math.Cos(a.Lat*degree)*math.Cos(b.Lat*degree)*math.Pow(math.Sin(dLon/2), 2)
	return 2 * radius * math.Asin(math.Min(1, math.Sqrt(h)))
}
