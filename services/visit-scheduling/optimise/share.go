package optimise

// share is what a worker has of the whole: minutes of visits and travel, minutes
// of travel, evening visits.
type share struct{ load, ride, evenings int64 }

// square prices a share of a worker's minutes, growing with its square: weight
// points for a minute more when half of them are taken.
func square(weight int, part, of int64) int64 {
	return int64(weight) * part * part / max(1, of)
}

// shareCost is what a worker's share costs, term by term.
func (c *plan) shareCost(w int32, x share) (load, ride, evenings int64) {
	of := c.workers[w].minutes
	return square(c.w.FairLoad, x.load, of), square(c.w.FairTravel, x.ride, of), int64(c.w.FairEvening) * x.evenings * x.evenings
}

// addShare changes what a worker has, and the cost of it.
func (s *state) addShare(w int32, d share) {
	x := &s.shares[w]
	load, ride, evenings := s.shareCost(w, *x)
	x.load, x.ride, x.evenings = x.load+d.load, x.ride+d.ride, x.evenings+d.evenings
	load2, ride2, evenings2 := s.shareCost(w, *x)
	s.cost.FairLoad += load2 - load
	s.cost.FairTravel += ride2 - ride
	s.cost.FairEvening += evenings2 - evenings
}

// sharePrice is what more of something for a worker would cost.
func (s *state) sharePrice(w int32, d share) int64 {
	x := s.shares[w]
	load, ride, evenings := s.shareCost(w, x)
	load2, ride2, evenings2 := s.shareCost(w, share{x.load + d.load, x.ride + d.ride, x.evenings + d.evenings})
	return load2 - load + ride2 - ride + evenings2 - evenings
}

// isEvening says whether a part ends in the evening.
func (c *plan) isEvening(start, minutes int32) bool {
	return start-int32(floorDiv(int(start), DayMinutes))*DayMinutes+minutes > c.evening
}
