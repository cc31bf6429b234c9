package check

import (
	"fmt"
	"math"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/benchfile"
)

// Routes verifies a set of routes for a Solomon file and returns its total
// distance, every leg cut to one decimal. The error names the first breach:
// a customer missing or served twice, lateness, overload, too many vehicles.
func Routes(s *benchfile.Solomon, routes [][]int32) (float64, error) {
	if len(routes) > s.Vehicles {
		return 0, fmt.Errorf("%d routes for %d vehicles", len(routes), s.Vehicles)
	}
	served := make([]bool, len(s.Nodes))
	tenths := 0
	leg := func(i, j int32) int {
		dx, dy := s.Nodes[i].X-s.Nodes[j].X, s.Nodes[i].Y-s.Nodes[j].Y
		return int(math.Floor(10*math.Sqrt(dx*dx+dy*dy) + 1e-9))
	}
	for k, route := range routes {
		at, load := int32(0), 0
		now := 10 * (s.Nodes[0].Ready + s.Nodes[0].Service)
		for _, c := range route {
			if c <= 0 || int(c) >= len(s.Nodes) {
				return 0, fmt.Errorf("route %d: no customer %d", k+1, c)
			}
			if served[c] {
				return 0, fmt.Errorf("route %d: customer %d is served twice", k+1, c)
			}
			served[c] = true
			v := s.Nodes[c]
			tenths += leg(at, c)
			now += leg(at, c)
			if now > 10*v.Due {
				return 0, fmt.Errorf("route %d: customer %d is reached at %.1f, window ends %d", k+1, c, float64(now)/10, v.Due)
			}
			now = max(now, 10*v.Ready) + 10*v.Service
			load += v.Demand
			at = c
		}
		tenths += leg(at, 0)
		if now += leg(at, 0); now > 10*s.Nodes[0].Due {
			return 0, fmt.Errorf("route %d: back at %.1f, depot closes %d", k+1, float64(now)/10, s.Nodes[0].Due)
		}
		if load > s.Capacity {
			return 0, fmt.Errorf("route %d: load %d above capacity %d", k+1, load, s.Capacity)
		}
	}
	for c := 1; c < len(served); c++ {
		if !served[c] {
			return 0, fmt.Errorf("customer %d is not served", c)
		}
	}
	return float64(tenths) / 10, nil
}
