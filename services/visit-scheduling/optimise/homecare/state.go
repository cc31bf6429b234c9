package homecare

import "math/bits"

// state is a plan under change. Patients stand in one order that every route
// follows, so that linked services can never wait for each other in a circle.
// After a change only the patients whose times move are visited, in that order:
// a bit set of places holds those still to be looked at.
type state struct {
	in     *Instance
	n      int // patients
	stride int
	// all is the memory of the seven slices below it, so that a whole plan is
	// saved and restored by one copy.
	all    []int32
	order  []int32 // place → patient
	place  []int32 // patient → place
	worker []int32 // by node
	// next and prev link a worker's nodes; ends are 2n+worker.
	next, prev []int32
	start      []int32
	late       []int32 // by node
	home       []int32 // node or end → row in dist
	dirty      []uint64
	log        []change
	distance   int64
	lateSum    int64
	lateMax    int64 // an upper bound while stale
	stale      bool
}

type change struct{ node, start int32 }

func newState(in *Instance) *state {
	n := in.patients
	k := 2*n + in.workers
	s := &state{
		in: in, n: n, stride: n + 1, all: make([]int32, 2*n+5*k), home: make([]int32, k),
		dirty: make([]uint64, (n+63)/64+1), log: make([]change, 0, 4*n),
	}
	rest := s.all
	for _, part := range []struct {
		to   *[]int32
		size int
	}{{&s.order, n}, {&s.place, n}, {&s.worker, k}, {&s.next, k}, {&s.prev, k}, {&s.start, k}, {&s.late, k}} {
		*part.to, rest = rest[:part.size:part.size], rest[part.size:]
	}
	for v := range k {
		s.home[v] = int32(min(v/2, n))
		if v >= 2*n {
			s.home[v] = int32(n)
			s.worker[v] = int32(v - 2*n)
			s.next[v], s.prev[v] = int32(v), int32(v)
		}
	}
	return s
}

func (s *state) d(a, b int32) int32 {
	return s.in.dist[int(s.home[a])*s.stride+int(s.home[b])]
}

func (s *state) cost() int64 { return s.distance + s.lateSum + s.lateMax }

// putIn puts a node into worker w's route behind node p.
func (s *state) putIn(v, p, w int32) {
	x := s.next[p]
	s.next[p], s.prev[v], s.next[v], s.prev[x] = v, p, x, v
	s.worker[v] = w
	s.distance += int64(s.d(p, v) + s.d(v, x) - s.d(p, x))
	s.touch(v)
	s.touch(x)
}

func (s *state) touch(v int32) {
	if int(v) < 2*s.n {
		at := s.place[v>>1]
		s.dirty[at>>6] |= 1 << (at & 63)
	}
}

// shift moves a patient to another place in the order. Dirty marks must not be
// set yet.
func (s *state) shift(p, to int32) {
	at := s.place[p]
	for ; at < to; at++ {
		q := s.order[at+1]
		s.order[at], s.place[q] = q, at
	}
	for ; at > to; at-- {
		q := s.order[at-1]
		s.order[at], s.place[q] = q, at
	}
	s.order[to], s.place[p] = p, to
}

func (s *state) arrival(v int32) int32 {
	p := s.prev[v]
	if int(p) >= 2*s.n {
		return s.d(p, v)
	}
	return s.start[p] + s.in.length[p] + s.d(p, v)
}

// propagate brings all starts up to date.
func (s *state) propagate() {
	in := s.in
	for w := 0; w < len(s.dirty); w++ {
		for s.dirty[w] != 0 {
			b := bits.TrailingZeros64(s.dirty[w])
			s.dirty[w] &^= 1 << b
			p := s.order[w<<6+b]
			v := 2 * p
			a := max(in.from[p], s.arrival(v))
			if in.double[p] {
				c := max(in.from[p], s.arrival(v+1), a+in.gapMin[p])
				a = max(a, c-in.gapMax[p])
				s.setStart(v+1, c, in.due[p])
			}
			s.setStart(v, a, in.due[p])
		}
	}
}

func (s *state) setStart(v, t, due int32) {
	if s.start[v] == t {
		return
	}
	s.log = append(s.log, change{v, s.start[v]})
	s.start[v] = t
	l := max(0, t-due)
	if old := s.late[v]; l != old {
		s.late[v] = l
		s.lateSum += int64(l - old)
		if int64(l) >= s.lateMax {
			s.lateMax, s.stale = int64(l), false
		} else if int64(old) == s.lateMax {
			s.stale = true // the largest one shrank
		}
	}
	s.touch(s.next[v])
}

// settle makes lateMax known again.
func (s *state) settle() {
	if !s.stale {
		return
	}
	s.lateMax, s.stale = 0, false
	for _, l := range s.late[:2*s.n] {
		s.lateMax = max(s.lateMax, int64(l))
	}
}

func (s *state) undoTimes() {
	for i := len(s.log) - 1; i >= 0; i-- {
		c := s.log[i]
		s.start[c.node] = c.start
		s.late[c.node] = max(0, c.start-s.in.due[c.node>>1])
	}
	s.log = s.log[:0]
}
