package vrptw

import (
	"math"
	"slices"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/chance"
)

// node is a customer or, from in.N on, the depot of one route, which is the
// start and the end of a circular list. What a move needs to know of the rest
// of a route is kept at its ends: on the way there (clock, warpBefore) and on
// the way back (latest, warpAfter), so a join of two parts is constant time.
//
// A vehicle that comes too late is sent back in time to the window's end; the
// sum of these warps is the penalised violation (Nagata, Bräysy, Dullaert 2010).
type node struct {
	next, prev, route, pos int32
	clock                  int32 // departure time after all warps so far
	warpBefore             int32 // warps up to and with this node
	loadBefore             int32 // demand up to and with this node
	latest                 int32 // arrival from which each further unit is a unit of warp
	warpAfter              int32 // warps of the rest for an arrival at or before latest
	ready, due, service    int32
	demand                 int32
	distBefore             int32
	_                      [2]int32
}

type routeState struct {
	load, warp, size int32
	penalty          int64
	changed          int64 // move number of the last change
}

// local is the local search: relocations and exchanges of short strings, tail
// exchanges and reversals, over a granular neighbourhood, in a space where
// lateness and overload are allowed at a price.
type local struct {
	in       *Instance
	rng      *chance.Source
	m        int // customers
	fleet    int
	size     int // nodes and route ends
	dist     []int32
	nodes    []node
	routes   []routeState
	near     [][]int32
	tested   []int64
	order    []int32
	moves    int64
	warpCost int64
	loadCost int64
}

// newLocal prepares the search; width is the number of neighbours looked at.
func newLocal(in *Instance, rng *chance.Source, width int) *local {
	n := in.N
	m := n - 1
	l := &local{in: in, rng: rng, m: m, fleet: min(in.Fleet, m)}
	l.size = n + l.fleet
	l.dist = make([]int32, l.size*l.size)
	at := func(i int) int {
		if i >= n {
			return 0
		}
		return i
	}
	for i := range l.size {
		for j := range l.size {
			l.dist[i*l.size+j] = in.Dist[at(i)*n+at(j)]
		}
	}
	l.nodes = make([]node, l.size)
	for i := range l.nodes {
		v := &l.nodes[i]
		k := at(i)
		v.ready, v.due, v.service, v.demand = in.Ready[k], in.Due[k], in.Service[k], in.Demand[k]
	}
	l.routes = make([]routeState, l.fleet)
	l.tested = make([]int64, l.size)
	l.order = make([]int32, m)
	for i := range l.order {
		l.order[i] = int32(i + 1)
	}
	l.near = neighbours(in, width)
	return l
}

// neighbours ranks for each customer the others by how well the two stand next
// to each other: distance, wait and unavoidable lateness, the better way round.
func neighbours(in *Instance, width int) [][]int32 {
	n := in.N
	proximity := func(i, j int) float64 {
		d := in.Dist[i*n+j]
		wait := max(0, in.Ready[j]-d-in.Service[i]-in.Due[i])
		late := max(0, in.Ready[i]+in.Service[i]+d-in.Due[j])
		return float64(d) + float64(0.2*float64(wait)) + float64(late)
	}
	near := make([][]int32, n)
	weight := make([]float64, n)
	for i := 1; i < n; i++ {
		all := make([]int32, 0, n)
		for j := 1; j < n; j++ {
			if j != i {
				weight[j] = math.Min(proximity(i, j), proximity(j, i))
				all = append(all, int32(j))
			}
		}
		slices.SortStableFunc(all, func(a, b int32) int {
			switch {
			case weight[a] < weight[b]:
				return -1
			case weight[a] > weight[b]:
				return 1
			}
			return 0
		})
		near[i] = slices.Clone(all[:min(width, len(all))])
	}
	return near
}

func (l *local) d(a, b int32) int32 { return l.dist[int(a)*l.size+int(b)] }

// set takes over routes; there must be no more than the fleet.
func (l *local) set(routes [][]int32) {
	n := int32(l.in.N)
	for i := range l.routes {
		end := n + int32(i)
		prev := end
		if i < len(routes) {
			for _, c := range routes[i] {
				l.nodes[prev].next = c
				l.nodes[c].prev = prev
				prev = c
			}
		}
		l.nodes[prev].next = end
		l.nodes[end].prev = prev
		l.refresh(int32(i))
		l.routes[i].changed = 0
	}
	l.moves = 0
	for i := range l.tested {
		l.tested[i] = -1
	}
}

// refresh recomputes what a route's nodes know.
func (l *local) refresh(r int32) {
	n := int32(l.in.N)
	end := n + r
	e := &l.nodes[end]
	e.route, e.pos, e.clock, e.warpBefore, e.loadBefore, e.distBefore = r, 0, e.ready+e.service, 0, 0, 0
	clock, warp, load, pos, dist := e.clock, int32(0), int32(0), int32(0), int32(0)
	prev := end
	for c := e.next; c != end; {
		v := &l.nodes[c]
		pos++
		d := l.d(prev, c)
		dist += d
		t := clock + d
		if t > v.due {
			warp += t - v.due
			t = v.due
		} else if t < v.ready {
			t = v.ready
		}
		clock = t + v.service
		load += v.demand
		v.route, v.pos, v.clock, v.warpBefore, v.loadBefore, v.distBefore = r, pos, clock, warp, load, dist
		prev = c
		c = v.next
	}
	t := clock + l.d(prev, end)
	if t > e.due {
		warp += t - e.due
	}
	e.latest, e.warpAfter = e.due, 0
	rs := &l.routes[r]
	rs.load, rs.warp, rs.size = load, warp, pos
	rs.penalty = l.price(warp, load)
	late, after := e.due, int32(0)
	next := end
	for c := e.prev; c != end; {
		v := &l.nodes[c]
		s := late - l.d(c, next) - v.service
		if s < v.ready {
			after += v.ready - s
			s = v.ready
		} else if s > v.due {
			s = v.due
		}
		late = s
		v.latest, v.warpAfter = late, after
		next = c
		c = v.prev
	}
}

func (l *local) price(warp, load int32) int64 {
	return int64(warp)*l.warpCost + int64(max(0, load-l.in.Capacity))*l.loadCost
}

// trip is a vehicle on its way: where it is, when it leaves there, and what it
// has warped so far.
type trip struct {
	at, clock, warp int32
}

func (l *local) from(c int32) trip {
	v := &l.nodes[c]
	return trip{c, v.clock, v.warpBefore}
}

func (l *local) step(t trip, c int32) trip {
	v := &l.nodes[c]
	a := t.clock + l.dist[int(t.at)*l.size+int(c)]
	if a > v.due {
		t.warp += a - v.due
		a = v.due
	} else if a < v.ready {
		a = v.ready
	}
	return trip{c, a + v.service, t.warp}
}

// walk visits first..last, following next.
func (l *local) walk(t trip, first, last int32) trip {
	for c := first; ; c = l.nodes[c].next {
		t = l.step(t, c)
		if c == last {
			return t
		}
	}
}

// walkBack visits first..last, following prev.
func (l *local) walkBack(t trip, first, last int32) trip {
	for c := first; ; c = l.nodes[c].prev {
		t = l.step(t, c)
		if c == last {
			return t
		}
	}
}

// finish joins the trip to c and all that follows c, and returns the total warp.
func (l *local) finish(t trip, c int32) int32 {
	v := &l.nodes[c]
	a := t.clock + l.dist[int(t.at)*l.size+int(c)]
	return t.warp + v.warpAfter + max(0, a-v.latest)
}

// export writes the non-empty routes into dst, reusing its memory.
func (l *local) export(dst [][]int32) [][]int32 {
	n := int32(l.in.N)
	k := 0
	for i := range l.routes {
		end := n + int32(i)
		if l.nodes[end].next == end {
			continue
		}
		if k == len(dst) {
			dst = append(dst, nil)
		}
		dst[k] = dst[k][:0]
		for c := l.nodes[end].next; c != end; c = l.nodes[c].next {
			dst[k] = append(dst[k], c)
		}
		k++
	}
	return dst[:k]
}

func (l *local) setPenalties(warp, load int64) {
	l.warpCost, l.loadCost = warp, load
}
