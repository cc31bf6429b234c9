package vrptw

import "github.com/hearthfps/hearth/services/visit-scheduling/optimise/benchfile"

// FromSolomon scales a Solomon file to whole tenths.
func FromSolomon(s *benchfile.Solomon) *Instance {
	n := len(s.Nodes)
	in := &Instance{
		N: n, Dist: make([]int32, n*n), Ready: make([]int32, n), Due: make([]int32, n),
		Service: make([]int32, n), Demand: make([]int32, n),
		Capacity: int32(s.Capacity), Fleet: s.Vehicles,
	}
	for i, v := range s.Nodes {
		in.Ready[i] = int32(v.Ready) * benchfile.Scale
		in.Due[i] = int32(v.Due) * benchfile.Scale
		in.Service[i] = int32(v.Service) * benchfile.Scale
		in.Demand[i] = int32(v.Demand)
		for j := range n {
			in.Dist[i*n+j] = s.Distance(i, j)
		}
	}
	return in
}
