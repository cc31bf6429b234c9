package schedule

import (
	"time"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
)

// paces is when one arrives who leaves at a time, by the hour's traffic. Who leaves
// later never arrives earlier. The hours are those of the clock on the wall.
type paces struct {
	zone *time.Location
	of   map[Mode]optimise.Pace
}

func newPaces(p Problem) paces {
	out := paces{zone: p.Zone, of: map[Mode]optimise.Pace{}}
	for _, mode := range Modes() {
		if pace := optimise.PaceOf(p.Traffic, mode); !pace.Full() {
			out.of[mode] = pace
		}
	}
	return out
}

// minute is the minute of the week, from Monday's midnight on.
func (p paces) minute(t time.Time) int {
	local := t.In(p.zone)
	return (int(local.Weekday())+6)%7*optimise.DayMinutes + local.Hour()*60 + local.Minute()
}

// arrive is when who sets out at depart has a way of so many minutes behind them.
func (p paces) arrive(mode Mode, depart time.Time, way int) time.Time {
	return depart.Add(time.Duration(p.takes(mode, depart, way)) * time.Minute)
}

// leave is when to set out at the latest to be there by a time.
func (p paces) leave(mode Mode, by time.Time, way int) time.Time {
	return by.Add(-time.Duration(p.took(mode, by, way)) * time.Minute)
}

// takes is how long a way takes that is begun at a time.
func (p paces) takes(mode Mode, depart time.Time, way int) int {
	pace, known := p.of[mode]
	if !known {
		return way
	}
	m := p.minute(depart)
	return pace.Arrive(m, way) - m
}

// took is how long a way takes that is to be done by a time.
func (p paces) took(mode Mode, by time.Time, way int) int {
	pace, known := p.of[mode]
	if !known {
		return way
	}
	m := p.minute(by)
	return m - pace.Leave(m, way)
}
