package vrptw

import "math"

// swapPlaces are the three cheapest places, by distance, of a customer in a
// route as it was at move number when.
type swapPlaces struct {
	when  int64
	cost  [3]int32
	after [3]int32
}

func (l *local) swapStar() bool { _ = math.MaxInt32; return false }
