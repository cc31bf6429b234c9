package optimise

import (
	"cmp"
	"slices"
)

// Traffic says how fast one mode is by the hour, against the speed its travel
// times are for. Speed changes while on the way: who leaves later never arrives
// earlier (Ichoua, Gendreau, Potvin, European Journal of Operational Research 144, 2003).
type Traffic struct {
	Mode Mode
	// Days are the days it is for, counted from the origin in weeks of seven: 0 to
	// 6. None is every day. Of two for one day the later counts.
	Days  []int
	Bands []Speed
}

// Speed is in force from a minute of the day until the next, the last one over
// midnight until the first: 50 means that a way takes twice as long.
type Speed struct{ From, Percent int }

const slowest, full, fastest = 10, 100, 400 // per cent

func (a *audit) traffic(t Traffic) {
	if !t.Mode.known() {
		a.bad("traffic: no way of travelling is called %q", t.Mode)
	}
	for _, d := range t.Days {
		if d < 0 || d > 6 {
			a.bad("traffic: day %d; 0 to 6 are possible", d)
		}
	}
	if len(t.Bands) == 0 {
		a.bad("traffic: no speeds")
	}
	for _, b := range t.Bands {
		if b.From < 0 || b.From >= DayMinutes || b.Percent < slowest || b.Percent > fastest {
			a.bad("traffic: %d per cent from minute %d; %d to %d per cent and minutes of a day are possible", b.Percent, b.From, slowest, fastest)
		}
	}
}

// speeds is how far one gets by each minute of a week, in hundredths of a minute
// at the full speed: increasing, gone[0] is 0. when[k] is the first minute by which
// k minutes at the full speed are gone.
type speeds struct {
	gone [WeekMinutes + 1]int32
	when []int32
}

// speedsOf is nil when nothing is said of the mode.
func speedsOf(all []Traffic, mode Mode) *speeds {
	var percent [WeekMinutes]int32
	said := false
	for i := range percent {
		percent[i] = full
	}
	for _, t := range all {
		if t.Mode != mode || len(t.Bands) == 0 {
			continue
		}
		said = true
		bands := slices.SortedStableFunc(slices.Values(t.Bands), func(a, b Speed) int { return cmp.Compare(a.From, b.From) })
		for d := range 7 {
			if len(t.Days) > 0 && !slices.Contains(t.Days, d) {
				continue
			}
			for m := range DayMinutes {
				now := bands[len(bands)-1]
				for _, b := range bands {
					if b.From <= m {
						now = b
					}
				}
				percent[d*DayMinutes+m] = int32(now.Percent)
			}
		}
	}
	if !said {
		return nil
	}
	s := &speeds{}
	for i, p := range percent {
		for s.gone[i] >= int32(len(s.when))*full {
			s.when = append(s.when, int32(i))
		}
		s.gone[i+1] = s.gone[i] + p
	}
	for s.gone[WeekMinutes] >= int32(len(s.when))*full {
		s.when = append(s.when, WeekMinutes)
	}
	return s
}

// at is how far one gets from the origin until minute t, in hundredths.
func (s *speeds) at(t int32) int64 {
	if t >= 0 && t <= WeekMinutes {
		return int64(s.gone[t])
	}
	week := floorDiv(int(t), WeekMinutes)
	return int64(week)*int64(s.gone[WeekMinutes]) + int64(s.gone[int(t)-week*WeekMinutes])
}

// reached is the first minute by which one is so far, in hundredths from the origin.
func (s *speeds) reached(goal int64) int32 {
	whole := int(s.gone[WeekMinutes])
	week := floorDiv(int(goal), whole)
	rest := int32(int(goal) - week*whole)
	t := s.when[rest/full]
	for s.gone[t] < rest {
		t++
	}
	return t + int32(week)*WeekMinutes
}

// Pace is how fast one mode is by the hour, for who plans beside the search. The
// zero value is always the full speed.
type Pace struct{ speeds *speeds }

// PaceOf is the pace of a mode. Traffic must be sound.
func PaceOf(all []Traffic, mode Mode) Pace { return Pace{speedsOf(all, mode)} }

// Full says whether it is always the full speed.
func (p Pace) Full() bool { return p.speeds == nil }

// Arrive is the first minute by which a way of so many minutes, begun at depart, is done.
func (p Pace) Arrive(depart, minutes int) int {
	return int(p.speeds.arrive(int32(depart), int32(minutes)))
}

// Leave is the last minute to set out to be there by a time.
func (p Pace) Leave(by, minutes int) int { return int(p.speeds.leave(int32(by), int32(minutes))) }

// arrive is the first minute by which a way of so many minutes, begun at depart,
// is done.
func (s *speeds) arrive(depart, minutes int32) int32 {
	if s == nil || minutes == 0 {
		return depart + minutes
	}
	return s.reached(s.at(depart) + full*int64(minutes))
}

// leave is the last minute to set out to be there by a time: arrive(leave(by))
// is not after by, and one minute later would be.
func (s *speeds) leave(by, minutes int32) int32 {
	if s == nil || minutes == 0 {
		return by - minutes
	}
	goal := s.at(by) - full*int64(minutes)
	t := s.reached(goal)
	if s.at(t) > goal {
		t--
	}
	return t
}
