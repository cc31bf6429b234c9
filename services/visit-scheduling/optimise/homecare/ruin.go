package homecare

import (
	"math"
	"slices"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/chance"
)

// The search takes strings of patients near each other out of the plan and puts
// them back one by one at the cheapest place, accepting by annealing
// (Christiaens and Vanden Berghe, Transportation Science 54, 2020). A place is
// priced exactly: what the insertion does to every later start in all linked
// routes is propagated and taken back. An insertion never makes anyone earlier,
// so its extra distance is a lower bound, and few places need the exact price.

const (
	meanRemoved  = 8
	maxString    = 6
	blinkPer1024 = 10
)

type spot struct {
	extra int32 // distance
	node  int32 // to stand behind
	by    int32
}

type ruin struct {
	before [][]int32 // node → nodes worth standing behind
	*state
	rng                            *chance.Source
	near                           [][]int32 // patient → patients, nearest first
	gone                           []int32
	keys                           []int64
	out                            []bool
	hit                            []bool
	saved                          []int32
	spots                          [2][]spot
	best                           *Plan
	bestAll                        []int32 // the state's memory when best was met
	bestDistance, bestSum, bestMax int64
	steps                          int64
}

func newRuin(s *state, rng *chance.Source) *ruin {
	n := s.n
	r := &ruin{
		state: s, rng: rng, near: make([][]int32, n), gone: make([]int32, 0, n), keys: make([]int64, 0, n),
		out: make([]bool, n), hit: make([]bool, s.in.workers), saved: make([]int32, len(s.all)), bestAll: make([]int32, len(s.all)),
	}
	for p := range r.near {
		row := make([]int32, n)
		for q := range row {
			row[q] = int32(q)
		}
		d := func(q int32) int32 {
			if int(q) == p {
				return -1
			}
			return s.in.dist[p*s.stride+int(q)] + 10*max(s.in.from[p]-s.in.from[q], s.in.from[q]-s.in.from[p])/100
		}
		slices.SortFunc(row, func(a, b int32) int {
			if x, y := d(a), d(b); x != y {
				return int(x) - int(y)
			}
			return int(a - b)
		})
		r.near[p] = row
	}
	for k := range r.spots {
		r.spots[k] = make([]spot, 0, 2*n+s.in.workers)
	}
	return r
}

// remove takes a patient, both services if two, out of the plan.
func (r *ruin) remove(p int32) {
	r.out[p] = true
	r.gone = append(r.gone, p)
	for v := 2 * p; v <= 2*p+1; v++ {
		if v&1 == 1 && !r.in.double[p] {
			break
		}
		x := r.next[v]
		q := r.prev[v]
		r.next[q], r.prev[x] = x, q
		r.distance += int64(r.d(q, x) - r.d(q, v) - r.d(v, x))
		r.touch(x)
		if l := int64(r.late[v]); l > 0 {
			r.late[v] = 0
			r.lateSum -= l
			r.stale = r.stale || l == r.lateMax
		}
		r.start[v] = -1 // so that the next start counts as a change
	}
}

// removeStrings takes strings of nodes around a random patient out of the days
// of workers near.
func (r *ruin) removeStrings() {
	rng := r.rng
	r.gone = r.gone[:0]
	clear(r.hit)
	mean := float64(r.n) / float64(r.in.workers)
	longest := math.Min(maxString, math.Max(2, mean))
	count := int(float64(rng.Unit()*(4*float64(meanRemoved)/(1+longest)-1)) + 1)
	seed := rng.Intn(r.n)
	n2 := int32(2 * r.n)
	for _, p := range r.near[seed] {
		if count == 0 {
			return
		}
		if r.out[p] {
			continue
		}
		v := 2 * p
		if r.in.double[p] {
			v += int32(rng.Next() & 1)
		}
		w := r.worker[v]
		if r.hit[w] {
			continue
		}
		r.hit[w] = true
		count--
		l := int(rng.Unit()*longest*0.999999) + 1
		// go back a random part of the string, then take l from there
		first := v
		for range rng.Intn(l) {
			if r.prev[first] >= n2 {
				break
			}
			first = r.prev[first]
		}
		skip := int32(-1)
		if l > 2 && rng.Next()&1 == 0 {
			skip = int32(1 + rng.Intn(l-1))
		}
		for i := int32(0); l > 0 && first < n2; i++ {
			c := first
			first = r.next[first]
			if i == skip && c != v {
				continue
			}
			r.remove(c >> 1)
			l--
			// both services of a patient may be neighbours of first
			for first < n2 && r.out[first>>1] {
				first = r.next[first]
			}
		}
	}
}

// sortGone orders the removed patients by a random one of several keys.
func (r *ruin) sortGone() {
	in, rng := r.in, r.rng
	pick := rng.Intn(12)
	r.keys = r.keys[:0]
	for _, p := range r.gone {
		var k int32
		switch {
		case pick < 4:
			k = int32(rng.Next() >> 40)
		case pick < 6:
			k = -in.dist[int(p)*r.stride+r.n]
		case pick < 7:
			k = in.dist[int(p)*r.stride+r.n]
		case pick < 9:
			k = in.from[p]
		case pick < 10:
			k = -in.from[p]
		default:
			k = int32(len(in.able[2*p]))
			if in.double[p] {
				k -= 100
			}
		}
		r.keys = append(r.keys, int64(k)<<32|int64(p))
	}
	slices.Sort(r.keys)
	for i, k := range r.keys {
		r.gone[i] = int32(k & 0xffffffff)
	}
}

// list collects the places of node v by extra distance.
func (r *ruin) list(v int32, k int) []spot {
	l := r.spots[k][:0]
	n2 := int32(2 * r.n)
	row := r.in.dist[int(r.home[v])*r.stride : int(r.home[v]+1)*r.stride]
	for _, w := range r.in.able[v] {
		end := n2 + w
		for u := end; ; {
			x := r.next[u]
			if r.rng.Next()&1023 >= blinkPer1024 {
				l = append(l, spot{row[r.home[u]] + row[r.home[x]] - r.d(u, x), u, w})
			}
			u = x
			if u == end {
				break
			}
		}
	}
	r.spots[k] = l
	return l
}

func bySpot(a, b spot) int { return int(a.extra) - int(b.extra) }

// room is the range of places a patient may take between u and what follows it:
// more than lo, at most hi, counted without the patient itself.
func (r *ruin) room(u, at int32) (lo, hi int32) {
	n2 := int32(2 * r.n)
	lo, hi = -1, int32(r.n-1)
	if u < n2 {
		lo = r.place[u>>1]
		if lo > at {
			lo--
		}
	}
	if x := r.next[u]; x < n2 {
		hi = r.place[x>>1]
		if hi > at {
			hi--
		}
	}
	return lo, hi
}

// trial puts v at spot s (and, if o ≥ 0, o at so), returns by how much lateness
// grows, and takes all of it back.
func (r *ruin) trial(p, target int32, v int32, s spot, o int32, so spot) int64 {
	oldSum, oldMax := r.lateSum, r.lateMax
	back := r.place[p]
	r.shift(p, target)
	r.linkIn(v, s.node)
	r.touch(v)
	r.touch(r.next[v])
	if o >= 0 {
		r.linkIn(o, so.node)
		r.touch(o)
		r.touch(r.next[o])
	}
	r.propagate()
	r.settle()
	grown := r.lateSum + r.lateMax - oldSum - oldMax
	r.linkOut(v)
	if o >= 0 {
		r.linkOut(o)
	}
	r.undoTimes()
	r.late[v] = 0
	if o >= 0 {
		r.late[o] = 0
	}
	r.shift(p, back)
	r.lateSum, r.lateMax, r.stale = oldSum, oldMax, false
	return grown
}

func (r *ruin) linkIn(v, u int32) {
	x := r.next[u]
	r.next[u], r.prev[v], r.next[v], r.prev[x] = v, u, x, v
}

func (r *ruin) linkOut(v int32) {
	u, x := r.prev[v], r.next[v]
	r.next[u], r.prev[x] = x, u
}

// fit is the place of the order nearest to the patient's own in (lo, hi].
func (r *ruin) fit(p, lo, hi int32) int32 {
	return min(max(r.place[p], lo+1), hi)
}

// insert puts a removed patient back at the cheapest place. It reports false
// when there is none.
func (r *ruin) insert(p int32) bool {
	v := 2 * p
	at := r.place[p]
	var best int64 = math.MaxInt64
	var bestA, bestB spot
	var bestAt int32 = -1
	l := r.list(v, 0)
	if !r.in.double[p] {
		slices.SortFunc(l, bySpot)
		for _, s := range l {
			if int64(s.extra) >= best {
				break
			}
			lo, hi := r.room(s.node, at)
			t := r.fit(p, lo, hi)
			if c := int64(s.extra) + r.trial(p, t, v, s, -1, spot{}); c < best {
				best, bestA, bestAt = c, s, t
			}
		}
	} else {
		m := r.list(v+1, 1)
		slices.SortFunc(l, bySpot)
		slices.SortFunc(m, bySpot)
		if len(m) == 0 {
			return false
		}
		for _, s := range l {
			if int64(s.extra+m[0].extra) >= best {
				break
			}
			lo, hi := r.room(s.node, at)
			for _, o := range m {
				if int64(s.extra+o.extra) >= best {
					break
				}
				if o.by == s.by {
					continue
				}
				lo2, hi2 := r.room(o.node, at)
				if lo2, hi2 = max(lo, lo2), min(hi, hi2); lo2 >= hi2 {
					continue
				}
				t := r.fit(p, lo2, hi2)
				if c := int64(s.extra) + int64(o.extra) + r.trial(p, t, v, s, v+1, o); c < best {
					best, bestA, bestB, bestAt = c, s, o, t
				}
			}
		}
	}
	if bestAt < 0 {
		return false
	}
	r.shift(p, bestAt)
	r.putIn(v, bestA.node, bestA.by)
	if r.in.double[p] {
		r.putIn(v+1, bestB.node, bestB.by)
	}
	r.propagate()
	r.settle()
	r.log = r.log[:0]
	r.out[p] = false
	return true
}

// step ruins and recreates once and accepts a growth of up to allowed.
func (r *ruin) step(allowed int64) {
	oldDistance, oldSum, oldMax := r.distance, r.lateSum, r.lateMax
	copy(r.saved, r.all)
	r.removeStrings()
	for _, p := range r.gone {
		at := r.place[p]
		r.dirty[at>>6] &^= 1 << (at & 63)
	}
	r.propagate()
	r.settle()
	r.log = r.log[:0]
	r.sortGone()
	ok := true
	limit := oldDistance + oldSum + oldMax + allowed
	for _, p := range r.gone {
		if !ok || r.distance > limit || !r.insert(p) {
			ok = false
			r.out[p] = false
		}
	}
	if ok && r.cost() <= limit {
		if r.cost() < r.best.Cost {
			r.keep()
		}
		r.reorder()
		return
	}
	copy(r.all, r.saved)
	r.distance, r.lateSum, r.lateMax, r.stale = oldDistance, oldSum, oldMax, false
}

// keep remembers the plan as the best.
func (r *ruin) keep() {
	if r.best == nil {
		r.best = &Plan{Routes: make([][]int32, r.in.workers), Start: make([]int32, 2*r.n)}
	}
	r.best.Cost = r.cost()
	copy(r.best.Start, r.start)
	copy(r.bestAll, r.all)
	r.bestDistance, r.bestSum, r.bestMax = r.distance, r.lateSum, r.lateMax
	for w := range r.best.Routes {
		r.best.Routes[w] = r.best.Routes[w][:0]
		end := int32(2*r.n + w)
		for v := r.next[end]; v != end; v = r.next[v] {
			r.best.Routes[w] = append(r.best.Routes[w], v)
		}
	}
}

// restore goes back to the best plan.
func (r *ruin) restore() {
	copy(r.all, r.bestAll)
	r.distance, r.lateSum, r.lateMax, r.stale = r.bestDistance, r.bestSum, r.bestMax, false
}

// reorder brings the order nearer to the clock, as far as the routes allow: the
// place of a linked patient in one day is then a sensible one in the other's.
// Neighbours in the order may change sides unless one follows the other directly.
func (s *state) reorder() {
	for i := 1; i < s.n; i++ {
		p := s.order[i]
		t := s.start[2*p]
		j := i
		for j > 0 {
			q := s.order[j-1]
			if s.start[2*q] <= t || s.follows(q, p) {
				break
			}
			s.order[j], s.place[q] = q, int32(j)
			j--
		}
		s.order[j], s.place[p] = p, int32(j)
	}
}

// follows reports whether a service of p comes directly after one of q.
func (s *state) follows(q, p int32) bool {
	return s.next[2*q]>>1 == p || s.in.double[q] && s.next[2*q+1]>>1 == p
}

// swapDays gives two workers each other's whole day if their skills allow. It
// costs nothing, as all leave from one office, and is what frees a worker of
// many skills from a day that needs few of them: no string is long enough for
// that.
func (r *ruin) swapDays() {
	n2 := int32(2 * r.n)
	w, o := int32(r.rng.Intn(r.in.workers)), int32(r.rng.Intn(r.in.workers))
	if w == o || !r.mayTake(w, o) || !r.mayTake(o, w) {
		return
	}
	a, b := n2+w, n2+o
	fa, la, fb, lb := r.next[a], r.prev[a], r.next[b], r.prev[b]
	r.attach(a, fb, lb, b)
	r.attach(b, fa, la, a)
}

// mayTake reports whether worker w has the skills for all of o's day.
func (r *ruin) mayTake(w, o int32) bool {
	end := int32(2*r.n) + o
	can := r.in.can[int(w)*2*r.n : int(w+1)*2*r.n]
	for v := r.next[end]; v != end; v = r.next[v] {
		if !can[v] {
			return false
		}
	}
	return true
}

// attach makes first..last, which stood at the end from, the day at end e.
func (r *ruin) attach(e, first, last, from int32) {
	if first == from {
		r.next[e], r.prev[e] = e, e
		return
	}
	r.next[e], r.prev[first], r.prev[e], r.next[last] = first, e, last, e
	for v := first; v != e; v = r.next[v] {
		r.worker[v] = r.worker[e]
	}
}
