package benchfile

import (
	"fmt"
	"io"
	"math"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/chance"
)

// Generate makes a file of the mixed kind (RC1): half of the customers in
// clusters, half anywhere, on a square that grows so that their density stays
// that of 100 on 100 by 100; vehicles of 200 for demands of 1 to 40, a depot in
// the middle that is open for about eight to twelve visits, windows of a tenth
// to two thirds of that for three customers of four. Every customer can be
// served alone. The same size and seed give the same file on every machine.
func Generate(customers int, seed uint64) *Solomon {
	r := chance.New(seed, uint64(customers))
	side := int(math.Ceil(10 * math.Sqrt(float64(customers))))
	s := &Solomon{Name: fmt.Sprintf("generated_%d_%d", customers, seed), Vehicles: max(2, customers/4), Capacity: 200}
	open := 120 + 3*side/2
	s.Nodes = append(s.Nodes, SolomonNode{X: float64(side / 2), Y: float64(side / 2), Due: open})
	type point struct{ x, y int }
	var centres []point
	for range 1 + customers/25 {
		centres = append(centres, point{r.Intn(side + 1), r.Intn(side + 1)})
	}
	for c := range customers {
		x, y := r.Intn(side+1), r.Intn(side+1)
		if c%2 == 0 {
			at := centres[r.Intn(len(centres))]
			// the sum of three draws is near the normal distribution
			around := func(m int) int { return min(max(m+r.Intn(9)+r.Intn(9)+r.Intn(9)-12, 0), side) }
			x, y = around(at.x), around(at.y)
		}
		v := SolomonNode{X: float64(x), Y: float64(y), Demand: 1 + r.Intn(40), Service: 10}
		way := int(math.Ceil(math.Hypot(v.X-s.Nodes[0].X, v.Y-s.Nodes[0].Y)))
		first, last := way, open-way-v.Service
		v.Ready, v.Due = 0, last
		if r.Intn(4) > 0 {
			half := open/20 + r.Intn(open/3-open/20+1)
			middle := first + r.Intn(last-first+1)
			v.Ready, v.Due = max(0, middle-half), min(last, middle+half)
		}
		s.Nodes = append(s.Nodes, v)
	}
	return s
}

// Write writes the file in the format ReadSolomon reads.
func (s *Solomon) Write(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%s\n\nVEHICLE\nNUMBER CAPACITY\n%d %d\n\nCUSTOMER\nCUST NO. XCOORD. YCOORD. DEMAND READY TIME DUE DATE SERVICE TIME\n\n",
		s.Name, s.Vehicles, s.Capacity)
	for i, v := range s.Nodes {
		if err != nil {
			break
		}
		_, err = fmt.Fprintf(w, "%d %v %v %d %d %d %d\n", i, v.X, v.Y, v.Demand, v.Ready, v.Due, v.Service)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", s.Name, err)
	}
	return nil
}
