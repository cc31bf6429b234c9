package optimise

import "math"

// Travel tells how many minutes it takes from one place to another, the stop
// itself included. It must not be negative. Between equal places it is zero, or,
// where a place stands for an area, what it takes from one door to the next. It
// need not be the same both ways.
type Travel interface {
	Minutes(from, to Place) int
}

// ByMode is a Travel that also knows how long it takes otherwise than by car. One
// that does not is asked the same for all.
type ByMode interface {
	Travel
	MinutesBy(mode Mode, from, to Place) int
}

// Mode is a way of travelling.
type Mode string

// The ways of travelling.
const (
	Car     Mode = ""
	Transit Mode = "transit"
	Bicycle Mode = "bicycle"
	Foot    Mode = "foot"
)

func (m Mode) known() bool { return m == Car || m == Transit || m == Bicycle || m == Foot }

// Estimate is travel without a map: great-circle distance × 1.35, slow for the
// first kilometres and faster further out, and a constant for each stop. Further
// is never faster. It is an estimate; nothing leaves the process. The zero value
// is ready. It is the same on every machine: see exact.go.
type Estimate struct {
	// StopMinutes are for parking and walking: 0 means 4, None none. By transit the
	// wait comes to it, 5 minutes; on foot there is none.
	StopMinutes int
	// UnknownMinutes are allowed for a way of which an end is unknown, the stop
	// included: 0 means 20, None none.
	UnknownMinutes int
	// Areas says that a place is the middle of an area: between equal places there
	// is a stop, too.
	Areas bool
	// Percent is what recorded visits say the trips of each mode take of the
	// estimate, band by band; see Calibrate. None is 100.
	Percent map[Mode][]int
	// Recorded is how many trips that is from.
	Recorded int
}

// Stop is the minutes for parking and walking, or the wait, of a mode.
func (e Estimate) Stop(m Mode) int { return e.stop(m) }

// Unknown is what is allowed for a way of which an end is unknown, in minutes.
func (e Estimate) Unknown() int { return usually(e.UnknownMinutes, usualUnknown) }

// None is no minutes where 0 means the usual ones.
const None = -1

const (
	usualStop    = 4
	usualUnknown = 20
	transitWait  = 5
)

func usually(minutes, usual int) int {
	switch {
	case minutes == 0:
		return usual
	case minutes < 0:
		return 0
	}
	return minutes
}

// band is kilometres of road up to which a speed in km/h is assumed.
type band struct{ upTo, speed float64 }

// bands are the speeds by mode. By transit the first kilometre is walked.
func bands(m Mode) []band {
	switch m {
	case Transit:
		return []band{{1, 5}, {10, 20}, {30, 35}, {math.MaxFloat64, 50}}
	case Bicycle:
		return []band{{2, 14}, {10, 17}, {30, 17}, {math.MaxFloat64, 15}}
	case Foot:
		return []band{{2, 5}, {10, 5}, {30, 4.5}, {math.MaxFloat64, 4}}
	}
	return []band{{2, 20}, {10, 35}, {30, 55}, {math.MaxFloat64, 75}}
}

// Detour is road over great-circle distance.
const Detour = 1.35

const (
	earthKm = 6371.0088 // mean radius, IUGG
	detour  = Detour
)

// Minutes implements Travel.
func (e Estimate) Minutes(from, to Place) int { return e.MinutesBy(Car, from, to) }

// MinutesBy implements ByMode.
func (e Estimate) MinutesBy(mode Mode, from, to Place) int {
	return e.between(mode, bands(mode), from, to, from.unit(), to.unit())
}

// between is MinutesBy for places whose unit vectors are known.
func (e Estimate) between(mode Mode, speeds []band, from, to Place, a, b vector) int {
	switch {
	case from.Unknown || to.Unknown:
		return e.Unknown()
	case from == to && !e.Areas:
		return 0
	case from == to:
		return e.stop(mode)
	}
	return e.stop(mode) + e.way(mode, speeds, a, b)
}

func (e Estimate) stop(mode Mode) int {
	switch mode {
	case Foot:
		return 0
	case Transit:
		return usually(e.StopMinutes, usualStop) + transitWait
	}
	return usually(e.StopMinutes, usualStop)
}

// way is the minutes on the road between two unit vectors, rounded up.
func (e Estimate) way(mode Mode, speeds []band, a, b vector) int {
	km := a.roadKm(b)
	minutes := drive(speeds, km)
	if p := e.Percent[mode]; len(p) == len(speeds) {
		k := bandOf(speeds, km)
		minutes = float64(minutes*float64(p[k])) / 100
		// Where a band is quicker than the one before, it takes as long as to that one's end.
		for i, b := range speeds[:k] {
			minutes = math.Max(minutes, float64(drive(speeds, b.upTo)*float64(p[i]))/100)
		}
	}
	return int(math.Ceil(minutes))
}

func bandOf(speeds []band, km float64) int {
	k := 0
	for km > speeds[k].upTo {
		k++
	}
	return k
}

// drive is the minutes for so many kilometres of road.
func drive(speeds []band, km float64) float64 {
	minutes, done := 0.0, 0.0
	for _, b := range speeds {
		if km <= b.upTo {
			return minutes + float64((km-done)/b.speed*60)
		}
		minutes += float64((b.upTo - done) / b.speed * 60)
		done = b.upTo
	}
	return minutes
}
