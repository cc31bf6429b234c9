// Package vrptw searches for short sets of vehicle routes with time windows.
//
// Input is an [Instance] in whole units (the caller scales), output the best
// feasible [Solution] found. Everything is integer arithmetic: with the same
// seed and the same progress the search takes the same path on every machine.
package vrptw

import (
	"errors"
	"fmt"
	"math"
)

// Instance is one routing problem. Node 0 is the depot, nodes 1..N-1 are
// customers. All slices have N elements, Dist has N*N (row = from).
//
// Distances, times and demands are non-negative and small enough that a whole
// route's sum fits 31 bits.
type Instance struct {
	N        int
	Dist     []int32 // cost of a leg and its travel time
	Ready    []int32 // earliest start of service
	Due      []int32 // latest start of service; for the depot, latest return
	Service  []int32
	Demand   []int32
	Capacity int32
	Fleet    int // most routes a solution may have
}

// Solution is a set of non-empty routes of customers, depot left out.
type Solution struct {
	Routes [][]int32
	Cost   int64
}

// Validate reports the first thing about the instance the search cannot accept.
func (in *Instance) Validate() error {
	n := in.N
	if n < 1 {
		return errors.New("instance has no depot")
	}
	if len(in.Dist) != n*n || len(in.Ready) != n || len(in.Due) != n || len(in.Service) != n || len(in.Demand) != n {
		return fmt.Errorf("instance of %d nodes has slices of other lengths", n)
	}
	if in.Fleet < 1 && n > 1 {
		return errors.New("instance has customers and no vehicle")
	}
	for i := range n {
		switch {
		case in.Due[i] < in.Ready[i]:
			return fmt.Errorf("node %d: window ends (%d) before it begins (%d)", i, in.Due[i], in.Ready[i])
		case in.Demand[i] < 0 || in.Service[i] < 0 || in.Ready[i] < 0:
			return fmt.Errorf("node %d: negative demand, service or window", i)
		case in.Demand[i] > in.Capacity:
			return fmt.Errorf("node %d: demand %d above capacity %d", i, in.Demand[i], in.Capacity)
		}
		if i > 0 {
			start := max(in.Ready[0]+in.Dist[i], in.Ready[i])
			if start > in.Due[i] || start+in.Service[i]+in.Dist[i*n] > in.Due[0] {
				return fmt.Errorf("node %d: cannot be served even alone", i)
			}
		}
	}
	sum, longest := int64(in.Due[0]), int64(0)
	for _, d := range in.Dist {
		if d < 0 {
			return errors.New("a distance is negative")
		}
		longest = max(longest, int64(d))
	}
	for i := range n {
		sum += longest + int64(in.Service[i]) + int64(in.Demand[i])
	}
	if sum > math.MaxInt32 {
		return fmt.Errorf("numbers too large: one route of all could reach %d, at most %d is counted", sum, math.MaxInt32)
	}
	return nil
}

// cost is the length of the routes, legs to and from the depot included.
func (in *Instance) cost(routes [][]int32) int64 {
	var sum int64
	for _, r := range routes {
		prev := int32(0)
		for _, c := range r {
			sum += int64(in.Dist[int(prev)*in.N+int(c)])
			prev = c
		}
		sum += int64(in.Dist[int(prev)*in.N])
	}
	return sum
}
