package matrix

import (
	"maps"
	"math"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
)

// Digits is to how many decimals of a degree places are rounded before anybody is
// asked about them: some hundred metres.
const Digits = 3

// fileDigits is how exactly the places of a file are told apart: about a metre.
const fileDigits = 5

// Spot is a rounded place: degrees in units of its last decimal.
type Spot struct{ Lat, Lon int32 }

// SpotOf is a place to Digits decimals.
func SpotOf(p optimise.Place) Spot { return spot(p, Digits) }

func spot(p optimise.Place, digits int) Spot {
	scale := math.Pow10(digits)
	return Spot{int32(math.Round(p.Lat * scale)), int32(math.Round(p.Lon * scale))}
}

// Place is where a spot of Digits decimals is.
func (s Spot) Place() optimise.Place {
	scale := math.Pow10(Digits)
	return optimise.Place{Lat: float64(s.Lat) / scale, Lon: float64(s.Lon) / scale}
}

// Way is how long it takes by a mode from one spot to another, the stop not in it.
type Way struct {
	Mode     optimise.Mode
	From, To Spot
	Minutes  int // None when there is no way
}

// None is the minutes of a way there is not.
const None = -1

type leg struct{ from, to Spot }

// Times are the ways somebody told. They do not change; the zero value of the
// pointer knows none.
type Times struct {
	name    string
	digits  int
	stopped bool // the stop is in the minutes
	of      map[optimise.Mode]map[leg]int16
	size    int
}

// NewTimes knows the ways that name told, to Digits decimals.
func NewTimes(name string, ways []Way) *Times {
	return (&Times{name: name, digits: Digits}).With(ways)
}

// With is t and more ways; of two for the same the later counts.
func (t *Times) With(ways []Way) *Times {
	more := &Times{name: t.name, digits: t.digits, stopped: t.stopped, of: map[optimise.Mode]map[leg]int16{}}
	for mode, known := range t.of {
		more.of[mode] = maps.Clone(known)
	}
	for _, w := range ways {
		more.put(w)
	}
	for _, known := range more.of {
		more.size += len(known)
	}
	return more
}

func (t *Times) put(w Way) {
	known := t.of[w.Mode]
	if known == nil {
		known = map[leg]int16{}
		t.of[w.Mode] = known
	}
	known[leg{w.From, w.To}] = int16(min(max(w.Minutes, None), math.MaxInt16))
}

// Len is how many ways are known.
func (t *Times) Len() int {
	if t == nil {
		return 0
	}
	return t.size
}

// Asked says whether somebody was asked about a way, whether there is one or not.
func (t *Times) Asked(mode optimise.Mode, from, to Spot) bool {
	if t == nil {
		return false
	}
	_, asked := t.of[mode][leg{from, to}]
	return asked
}

// lookup is the minutes of a way, if they are known.
func (t *Times) lookup(mode optimise.Mode, from, to optimise.Place) (int, bool) {
	if t == nil || from.Unknown || to.Unknown {
		return 0, false
	}
	a, b := spot(from, t.digits), spot(to, t.digits)
	if a == b {
		return 0, false
	}
	m, known := t.of[mode][leg{a, b}]
	return int(m), known && m != None
}

// Over is travel by known times, and by an estimate where there are none. The stop
// is the estimate's.
type Over struct {
	Times    *Times
	Estimate optimise.Estimate
}

// Minutes implements optimise.Travel.
func (o Over) Minutes(from, to optimise.Place) int { return o.MinutesBy(optimise.Car, from, to) }

// MinutesBy implements optimise.ByMode. It asks nobody.
func (o Over) MinutesBy(mode optimise.Mode, from, to optimise.Place) int {
	m, known := o.Times.lookup(mode, from, to)
	switch {
	case !known:
		return o.Estimate.MinutesBy(mode, from, to)
	case o.Times.stopped:
		return m
	}
	return m + o.Estimate.Stop(mode)
}

// Source is who says how long a way is: the name of the times, or "estimate".
func (o Over) Source(mode optimise.Mode, from, to optimise.Place) string {
	if _, known := o.Times.lookup(mode, from, to); known {
		return o.Times.name
	}
	return "estimate"
}
