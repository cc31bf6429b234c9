package optimise

// begin chooses a start: the published one if it can be had, the last before it
// if not, and without one the earliest.
func (s *state) begin(v *pVisit, arrive, latest int32) int32 {
	if v.start > arrive {
		if b, ok := v.earliest(v.start); ok && b <= latest {
			return b
		}
		if b, ok := v.latest(latest); ok && b >= arrive {
			return b
		}
	}
	b, _ := v.earliest(arrive)
	return b
}

func absolute(x int32) int32 { return max(x, -x) }

// spot is a place in a tour for one part of a visit.
type spot struct {
	tour, index int32
	lo, hi      int32 // starts that keep the tour possible, windows aside
	legs        int32 // extra travel at its hours
	way         int32 // extra travel at the usual speed, which limits count
	points      int64 // all this part costs
}

// look finds whether a visit can stand before stop i of tour t, with its start
// anywhere from lo to hi. ok is false when not; over is true when this and every
// later position is too late.
func (s *state) look(t, i int32, v *pVisit) (sp spot, ok, over bool) {
	def, tr := &s.plan.tours[t], &s.tours[t]
	at, now := def.start, def.from
	if i > 0 {
		x := &tr.stops[i-1]
		at, now = x.at, x.done
	}
	lo, then, way := now, at, int32(0)
	if v.place >= 0 {
		way = s.travelTo(def.mode, at, v.place)
		lo = s.arrive(def.mode, now, way)
		then = v.place
	} else if v.rest && tr.visits == 0 {
		then = -1 // nobody is on the way yet
	}
	first, can := v.earliest(lo)
	if !can || first+v.minutes > def.to {
		// travel may make this place late and a later one not
		first, can = v.earliest(now)
		return spot{}, false, !can || first+v.minutes > def.to
	}
	legs := lo - now
	var hi int32
	switch {
	case int(i) == len(tr.stops):
		home := s.travel(def.mode, then, def.end)
		hi = s.leave(def.mode, def.to, home) - v.minutes
		legs += s.rideFrom(def.mode, first+v.minutes, home) - tr.back
		way += home - tr.home
	case tr.visits > 0 && (!tr.stops[i].remote || v.place < 0):
		x := &tr.stops[i]
		next := x.leg
		if v.place >= 0 {
			next = s.travel(def.mode, then, x.at)
		}
		hi = s.leave(def.mode, x.latest, next) - v.minutes
		legs += s.rideFrom(def.mode, first+v.minutes, next) - x.ride
		way += next - x.leg
	default:
		// the next stops are remote: the change of place shows only after them
		var more, further int32
		hi, more, further = s.lookPast(t, i, then, first+v.minutes)
		hi -= v.minutes
		legs += more
		way += further
	}
	if first > hi {
		return spot{}, false, false
	}
	return spot{tour: t, index: i, lo: lo, hi: hi, legs: legs, way: way}, true, false
}

// spotsIn adds the spots of a visit in a tour, whoever makes it: what look finds
// before each stop and at the end. The windows are the visit's from the first on that
// meets the tour's time.
func (s *state) spotsIn(v *pVisit, t int32, windows []Window, out []spot) []spot {
	def, tr := &s.plan.tours[t], &s.tours[t]
	if s.speeds == nil && s.units != nil && v.place >= 0 && s.minutes[def.mode] != nil {
		return s.scan(v, t, windows, s.minutes[def.mode][int(v.place)*s.places:][:s.places], out)
	}
	soonest := int32(windows[0].From) + v.minutes
	for i := range int32(len(tr.stops) + 1) {
		// The next stop cannot wait until this visit is done; a remote one might,
		// if the visit shortens the way after it.
		if int(i) < len(tr.stops) && tr.stops[i].latest < soonest && (v.place < 0 || !tr.stops[i].remote) {
			continue
		}
		sp, ok, over := s.look(t, i, v)
		if over {
			break
		}
		if ok {
			out = append(out, sp)
		}
	}
	return out
}

// scan is spotsIn for a visit whose ways, the same there and back and at any hour,
// are a row of the travel times. Most gaps are too short with no way at all.
func (s *state) scan(v *pVisit, t int32, windows []Window, row []uint16, out []spot) []spot {
	def, tr := &s.plan.tours[t], &s.tours[t]
	to := func(base int32) int32 {
		if base < 0 {
			return 0
		}
		return int32(row[base])
	}
	now := def.from
	for i := range int32(len(tr.stops) + 1) {
		first, can := earliestOf(windows, now, v.minutes)
		if !can || first+v.minutes > def.to {
			return out // now, and so ever after
		}
		end := int(i) == len(tr.stops)
		by := def.to
		if !end {
			x := &tr.stops[i]
			now = x.done
			if x.remote {
				// what follows the remote stops decides
				if first+v.minutes <= x.latest || first+v.minutes <= x.latest+s.slack(def, tr, i) {
					if sp, ok, _ := s.look(t, i, v); ok {
						out = append(out, sp)
					}
				}
				continue
			}
			by = x.latest
		}
		if first+v.minutes > by {
			continue
		}
		before, way := def.from, int32(0)
		if i > 0 {
			x := &tr.stops[i-1]
			before, way = x.done, to(x.at)
		} else {
			way = to(def.start)
		}
		if first, can = earliestOf(windows, before+way, v.minutes); !can || first+v.minutes > def.to {
			continue
		}
		was, ahead := tr.home, int32(0)
		if end {
			ahead = to(def.end)
		} else {
			was, ahead = tr.stops[i].leg, to(tr.stops[i].at)
		}
		if hi := by - ahead - v.minutes; first <= hi {
			out = append(out, spot{tour: t, index: i, lo: before + way, hi: hi, legs: way + ahead - was, way: way + ahead - was})
		}
	}
	return out
}

// slack is how much later a remote stop could begin if the way after it and the remote
// ones that follow it were none: at most that way, but for a later window of one.
func (s *state) slack(def *pTour, tr *tour, i int32) int32 {
	for k := int(i); k < len(tr.stops); k++ {
		x := &tr.stops[k]
		if !x.remote {
			return x.leg
		}
		for _, w := range s.visits[x.visit].windows {
			if int32(w.From) > x.latest && int32(w.From) < def.to {
				return def.to - def.from
			}
		}
	}
	return tr.home
}

// rideFrom is how long a way takes when it is begun at a time.
func (s *state) rideFrom(mode, depart, minutes int32) int32 {
	return s.arrive(mode, depart, minutes) - depart
}

// lookPast is the last time a worker standing at a place may go on to stop i
// and all after it, where stop i is remote, and the change of travel if they go
// on at now: at its hour, and at the usual speed.
func (s *state) lookPast(t, i, place, now int32) (hi, legs, way int32) {
	def, tr := &s.plan.tours[t], &s.tours[t]
	n := int32(len(tr.stops))
	k := i
	for k < n && tr.stops[k].remote {
		now = max(now, tr.stops[k].start) + s.visits[tr.stops[k].visit].minutes
		k++
	}
	if k == n {
		home := s.travel(def.mode, place, def.end)
		hi, legs, way = s.leave(def.mode, def.to, home), s.rideFrom(def.mode, now, home)-tr.back, home-tr.home
	} else {
		leg := s.travel(def.mode, place, tr.stops[k].at)
		hi, legs, way = s.leave(def.mode, tr.stops[k].latest, leg), s.rideFrom(def.mode, now, leg)-tr.stops[k].ride, leg-tr.stops[k].leg
	}
	for j := k - 1; j >= i; j-- {
		x := &tr.stops[j]
		v := &s.visits[x.visit]
		if x.fixed {
			if x.start > hi-v.minutes {
				return -1 << 30, 0, 0
			}
			hi = x.start
			continue
		}
		l, ok := v.latest(hi - v.minutes)
		if !ok {
			return -1 << 30, 0, 0
		}
		hi = l
	}
	return hi, legs, way
}

// withinLimits says whether the worker may have one more visit and that much
// more work.
func (s *state) withinLimits(t, extra int32) bool {
	def := &s.plan.tours[t]
	w := &s.workers[def.worker]
	return s.dayWork[def.day]+extra <= w.maxDay && s.weekWork[def.week]+extra <= w.maxWeek &&
		s.dayVisits[def.day] < w.maxDayVisits && s.weekVisits[def.week] < w.maxWeekVisits
}

// followed says whether a visit comes after stop i of a tour on that day.
func (s *state) followed(t, i int32) bool {
	if i <= s.tours[t].last {
		return true
	}
	tours := s.dayTours[s.plan.tours[t].day]
	for k := len(tours) - 1; tours[k] != t; k-- {
		if s.tours[tours[k]].visits > 0 {
			return true
		}
	}
	return false
}
