package optimise

import "math"

// Travel tells how many minutes it takes from one place to another, the stop
// itself included. It must not be negative, and is zero between equal places.
type Travel interface {
	Minutes(from, to Place) int
}

// Estimate is travel without a map: great-circle distance × 1.35, slow for the
// first kilometres and faster further out, and a constant for each stop. It is an
// estimate; nothing leaves the process. The zero value is ready.
type Estimate struct {
	StopMinutes int // parking and walking; 0 means 4
}

// Kilometres of road and the speed on them.
var bands = [...]struct{ upTo, speed float64 }{{2, 20}, {10, 35}, {30, 55}, {math.Inf(1), 75}}

const (
	earthKm = 6371.0088 // mean radius, IUGG
	detour  = 1.35
)

// Minutes implements Travel.
func (e Estimate) Minutes(from, to Place) int {
	if from == to {
		return 0
	}
	return e.stop() + int(math.Ceil(drive(from.unit(), to.unit())))
}

func (e Estimate) stop() int {
	if e.StopMinutes == 0 {
		return 4
	}
	return e.StopMinutes
}

type vector struct{ x, y, z float64 }

func (p Place) unit() vector {
	lat, lon := p.Lat*math.Pi/180, p.Lon*math.Pi/180
	return vector{math.Cos(lat) * math.Cos(lon), math.Cos(lat) * math.Sin(lon), math.Sin(lat)}
}

// drive is the minutes on the road between two unit vectors.
func drive(a, b vector) float64 {
	dx, dy, dz := a.x-b.x, a.y-b.y, a.z-b.z
	chord := math.Sqrt(dx*dx + dy*dy + dz*dz)
	km := detour * earthKm * 2 * math.Asin(math.Min(1, chord/2))
	minutes, done := 0.0, 0.0
	for _, b := range bands {
		if km <= b.upTo {
			return minutes + (km-done)/b.speed*60
		}
		minutes += (b.upTo - done) / b.speed * 60
		done = b.upTo
	}
	return minutes
}
