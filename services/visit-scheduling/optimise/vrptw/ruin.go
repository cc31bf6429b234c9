package vrptw

import (
	"math"
	"slices"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/chance"
)

// The ruin-and-recreate search removes strings of neighbouring customers from
// neighbouring routes and puts them back greedily with blinks (Christiaens and
// Vanden Berghe, Transportation Science 54, 2020), accepting by annealing. It
// stays inside the feasible space, so a check of one insertion is constant time:
// departure times run forward, latest arrivals backward.

const (
	meanRemoved  = 10
	maxString    = 10
	blinkPer1024 = 10
	// A candidate list per customer and route outlives the iteration as long as
	// the route is as it was; three places are enough to blink past two.
	placesKept = 3
	// routes of answers within so many per mille of the best are remembered
	rememberWithin = 1020
	annealStride   = 128 // steps between two looks at the progress
)

type place struct {
	cost  int32
	index int32
}

type placeList struct {
	version uint64
	n       int32
	at      [placesKept]place
}

// ruinRoute is one route with its schedule. stops[i] is served after leg[i].
type ruinRoute struct {
	stops   []int32
	leg     []int32 // leg[i] = distance to stops[i]; leg[len(stops)] = home
	depart  []int32 // earliest departure from stops[i]
	latest  []int32 // latest arrival at stops[i] that keeps the rest on time
	load    int32
	version uint64
}

type ruin struct {
	in      *Instance
	rng     *chance.Source
	distT   []int32 // transposed distances
	near    []int32 // near[c*(n-1)…] customers by distance from c, c itself first
	routes  []ruinRoute
	saved   []ruinRoute
	isCopy  []bool // routes[i] has its old self in saved[i]
	copied  []int32
	of      []int32 // customer → route, -1 while removed
	where   []int32 // customer → index, right for unchanged routes only after sync
	lists   []placeList
	rank    [3][]int32 // static orders: keys for far, window start and end, length
	gone    []int32
	keys    []int64
	stamp   uint64
	cost    int64
	used    int
	touched []bool
	pool    *routePool      // where good routes are remembered, if anywhere
	better  func(*Solution) // told of each better answer, may be nil
}

func newRuin(in *Instance, rng *chance.Source) *ruin {
	n := in.N
	r := &ruin{in: in, rng: rng, of: make([]int32, n), where: make([]int32, n)}
	r.distT = make([]int32, n*n)
	for i := range n {
		for j := range n {
			r.distT[j*n+i] = in.Dist[i*n+j]
		}
	}
	m := n - 1
	r.near = make([]int32, m*n)
	for c := 1; c < n; c++ {
		row := r.near[c*m : c*m+m]
		for i := range row {
			row[i] = int32(i + 1)
		}
		d := in.Dist[c*n : c*n+n]
		slices.SortFunc(row, func(a, b int32) int {
			if int(a) == c || int(b) == c {
				if a == b {
					return 0
				}
				if int(a) == c {
					return -1
				}
				return 1
			}
			if d[a] != d[b] {
				return int(d[a]) - int(d[b])
			}
			return int(a - b)
		})
	}
	k := min(in.Fleet, m) + 1 // one over, so that recreation never lacks a route; the result is refused
	r.routes = make([]ruinRoute, k)
	r.saved = make([]ruinRoute, k)
	r.isCopy = make([]bool, k)
	r.touched = make([]bool, k)
	for i := range k {
		for _, x := range []*ruinRoute{&r.routes[i], &r.saved[i]} {
			x.stops = make([]int32, 0, n)
			x.leg = make([]int32, 0, n+1)
			x.depart = make([]int32, 0, n)
			x.latest = make([]int32, 0, n)
		}
	}
	r.lists = make([]placeList, n*k)
	r.gone = make([]int32, 0, n)
	r.keys = make([]int64, 0, n)
	r.copied = make([]int32, 0, k)
	return r
}

// load takes over a feasible solution.
func (r *ruin) load(routes [][]int32) {
	for i := range r.routes {
		rt := &r.routes[i]
		rt.stops = rt.stops[:0]
		if i < len(routes) {
			rt.stops = append(rt.stops, routes[i]...)
		}
		r.isCopy[i] = false
		r.resync(i)
	}
	r.copied = r.copied[:0]
	r.cost = r.in.cost(routes)
}

func (r *ruin) solution() *Solution {
	s := &Solution{}
	for i := range r.routes {
		if len(r.routes[i].stops) > 0 {
			s.Routes = append(s.Routes, slices.Clone(r.routes[i].stops))
		}
	}
	s.Cost = r.in.cost(s.Routes)
	return s
}

// resync recomputes a route's schedule from its stops.
func (r *ruin) resync(i int) {
	in, rt := r.in, &r.routes[i]
	n, k := in.N, len(rt.stops)
	rt.leg, rt.depart, rt.latest = rt.leg[:k+1], rt.depart[:k], rt.latest[:k]
	prev, t, load := int32(0), in.Ready[0]+in.Service[0], int32(0)
	for j, c := range rt.stops {
		d := in.Dist[int(prev)*n+int(c)]
		rt.leg[j] = d
		t = max(t+d, in.Ready[c]) + in.Service[c]
		rt.depart[j] = t
		load += in.Demand[c]
		r.of[c], r.where[c] = int32(i), int32(j)
		prev = c
	}
	rt.leg[k] = in.Dist[int(prev)*n]
	rt.load = load
	late := in.Due[0]
	for j := k - 1; j >= 0; j-- {
		c := rt.stops[j]
		late = min(late-rt.leg[j+1]-in.Service[c], in.Due[c])
		rt.latest[j] = late
	}
	r.stamp++
	rt.version = r.stamp
}

func (r *ruin) keep(i int) {
	if r.isCopy[i] {
		return
	}
	r.isCopy[i] = true
	r.copied = append(r.copied, int32(i))
	src, dst := &r.routes[i], &r.saved[i]
	dst.stops = append(dst.stops[:0], src.stops...)
	dst.leg = append(dst.leg[:0], src.leg...)
	dst.depart = append(dst.depart[:0], src.depart...)
	dst.latest = append(dst.latest[:0], src.latest...)
	dst.load, dst.version = src.load, src.version
}

func (r *ruin) accept() {
	for _, i := range r.copied {
		r.isCopy[i] = false
	}
	r.copied = r.copied[:0]
}

func (r *ruin) revert() {
	for _, i := range r.copied {
		r.isCopy[i] = false
		r.routes[i], r.saved[i] = r.saved[i], r.routes[i]
		for j, c := range r.routes[i].stops {
			r.of[c], r.where[c] = int32(i), int32(j)
		}
	}
	r.copied = r.copied[:0]
}

// removeStrings takes strings of customers around a random one out of routes
// near it.
func (r *ruin) removeStrings() {
	in, rng := r.in, r.rng
	m := in.N - 1
	used := 0
	for i := range r.routes {
		if len(r.routes[i].stops) > 0 {
			used++
		}
		r.touched[i] = false
	}
	mean := float64(m) / float64(used)
	longest := math.Min(maxString, mean)
	most := 4*float64(meanRemoved)/(1+longest) - 1
	count := int(float64(rng.Unit()*most) + 1)
	seed := 1 + rng.Intn(m)
	row := r.near[seed*m : seed*m+m]
	r.gone = r.gone[:0]
	for _, c := range row {
		if count == 0 {
			break
		}
		t := r.of[c]
		if t < 0 || r.touched[t] {
			continue
		}
		r.touched[t] = true
		count--
		rt := &r.routes[t]
		size := len(rt.stops)
		l := int(float64(rng.Unit()*math.Min(float64(size), longest)*0.999999) + 1)
		l = min(l, size)
		r.keep(int(t))
		skip := 0
		if l > 1 && l < size && rng.Next()&1 == 0 {
			skip = 1
			for l+skip < size && rng.Intn(100) == 0 {
				skip++
			}
		}
		span := l + skip
		at := int(r.where[c])
		lo := max(0, at-span+1)
		hi := min(at, size-span)
		first := lo + rng.Intn(hi-lo+1)
		gap := 0
		if skip > 0 {
			gap = 1 + rng.Intn(l-1) // kept customers start after this many removed
		}
		out := rt.stops[:first]
		for j := first; j < size; j++ {
			o := j - first
			if o < span && (skip == 0 || o < gap || o >= gap+skip) {
				r.gone = append(r.gone, rt.stops[j])
			} else {
				out = append(out, rt.stops[j])
			}
		}
		rt.stops = out
		r.resync(int(t))
		for _, g := range r.gone {
			r.of[g] = -1
		}
	}
}

// order sorts the removed customers by one of the paper's keys.
func (r *ruin) order() {
	in, rng := r.in, r.rng
	r.keys = r.keys[:0]
	pick := rng.Intn(17)
	for _, c := range r.gone {
		var k int32
		switch {
		case pick < 4:
			k = int32(rng.Next() >> 40)
		case pick < 8:
			k = -in.Demand[c]
		case pick < 10:
			k = -in.Dist[c]
		case pick < 11:
			k = in.Dist[c]
		case pick < 13:
			k = in.Due[c] - in.Ready[c]
		case pick < 15:
			k = in.Ready[c]
		default:
			k = -in.Due[c]
		}
		r.keys = append(r.keys, int64(k)<<32|int64(c))
	}
	slices.Sort(r.keys)
	for i, k := range r.keys {
		r.gone[i] = int32(k & 0xffffffff)
	}
}

// places finds the cheapest feasible places of customer c in route i.
func (r *ruin) places(c int32, i int, l *placeList) {
	in, rt := r.in, &r.routes[i]
	n := in.N
	l.version, l.n = rt.version, 0
	if rt.load+in.Demand[c] > in.Capacity {
		return
	}
	from := in.Dist[int(c)*n : int(c)*n+n] // c → x
	to := r.distT[int(c)*n : int(c)*n+n]   // x → c
	ready, due, serv := in.Ready[c], in.Due[c], in.Service[c]
	t, dPrev := in.Ready[0]+in.Service[0], to[0]
	worst := int32(math.MaxInt32)
	k := len(rt.stops)
	stops, leg, depart, latest := rt.stops, rt.leg[:k+1], rt.depart[:k], rt.latest[:k]
	for j := 0; ; j++ {
		arrive := t + dPrev
		if arrive > due {
			return // later places are later still
		}
		next, late := int32(0), in.Due[0]
		if j < k {
			next, late = stops[j], latest[j]
		}
		dNext := from[next]
		if cost := dPrev + dNext - leg[j]; cost < worst && max(arrive, ready)+serv+dNext <= late {
			p := l.n
			if p == placesKept {
				p--
			} else {
				l.n++
			}
			for p > 0 && l.at[p-1].cost > cost {
				l.at[p] = l.at[p-1]
				p--
			}
			l.at[p] = place{cost, int32(j)}
			if l.n == placesKept {
				worst = l.at[placesKept-1].cost
			}
		}
		if j == k {
			return
		}
		t, dPrev = depart[j], to[next]
	}
}

// recreate puts the removed customers back one by one at the cheapest place not
// blinked at. It reports false when the fleet does not suffice.
func (r *ruin) recreate() bool {
	in, rng := r.in, r.rng
	k := len(r.routes)
	for _, c := range r.gone {
		best, bestRoute, bestAt := int32(math.MaxInt32), -1, int32(0)
		empty := -1
		for i := range r.routes {
			rt := &r.routes[i]
			if len(rt.stops) == 0 {
				if empty < 0 {
					empty = i
				}
				continue
			}
			l := &r.lists[int(c)*k+i]
			if l.version != rt.version {
				r.places(c, i, l)
			}
			for p := range l.at[:l.n] {
				if l.at[p].cost >= best {
					break
				}
				if rng.Next()&1023 < blinkPer1024 {
					continue
				}
				best, bestRoute, bestAt = l.at[p].cost, i, l.at[p].index
				break
			}
		}
		if bestRoute < 0 {
			if empty < 0 {
				return false
			}
			best, bestRoute, bestAt = in.Dist[c]+in.Dist[int(c)*in.N], empty, 0
		}
		r.keep(bestRoute)
		rt := &r.routes[bestRoute]
		rt.stops = slices.Insert(rt.stops, int(bestAt), c)
		r.resync(bestRoute)
	}
	return true
}

func (r *ruin) changed() int64 {
	var d int64
	for _, i := range r.copied {
		for _, x := range r.routes[i].leg[:len(r.routes[i].stops)+1] {
			d += int64(x)
		}
		for _, x := range r.saved[i].leg[:len(r.saved[i].stops)+1] {
			d -= int64(x)
		}
	}
	return d
}

// remember gives the routes just changed to the pool.
func (r *ruin) remember() {
	if r.pool == nil {
		return
	}
	for _, i := range r.copied {
		rt := &r.routes[i]
		sum := int32(0)
		for _, x := range rt.leg {
			sum += x
		}
		r.pool.add(rt.stops, sum)
	}
}

func (r *ruin) withinFleet() bool {
	used := 0
	for i := range r.routes {
		if len(r.routes[i].stops) > 0 {
			used++
		}
	}
	return used <= r.in.Fleet
}

// anneal cools from hot to cold as progress goes from 0 to 1, and returns the
// best solution met, nil if none was within the fleet. Progress is asked every
// few steps and told how many were taken.
func (r *ruin) anneal(hot, cold float64, progress func(steps int64) float64) *Solution {
	var best *Solution
	if r.withinFleet() {
		best = r.solution()
	}
	t := hot
	for step := int64(0); ; step++ {
		if step%annealStride == 0 {
			p := progress(step)
			if p >= 1 {
				return best
			}
			t = chance.Cool(hot, cold, max(0, p))
		}
		r.removeStrings()
		r.order()
		if r.recreate() {
			d := r.changed()
			if float64(d) < t*r.rng.Exp() {
				r.cost += d
				if best != nil && r.cost*1000 < best.Cost*rememberWithin {
					r.remember()
				}
				r.accept()
				if (best == nil || r.cost < best.Cost) && r.withinFleet() {
					best = r.solution()
					if r.better != nil {
						r.better(best)
					}
				}
				continue
			}
		}
		r.revert()
	}
}

// construct builds routes from nothing. They may be one more than the fleet.
func (r *ruin) construct() {
	r.load(nil)
	r.gone = r.gone[:0]
	for c := 1; c < r.in.N; c++ {
		r.gone = append(r.gone, int32(c))
	}
	r.order()
	r.recreate()
	r.accept()
	r.cost = r.in.cost(r.solution().Routes)
}
