package homecare

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/chance"
)

func drawInstance(t *rapid.T) *Instance {
	n, w := rapid.IntRange(2, 10).Draw(t, "patients"), rapid.IntRange(2, 5).Draw(t, "workers")
	in := &Instance{
		patients: n, workers: w,
		dist: rapid.SliceOfN(rapid.Int32Range(0, 90), (n+1)*(n+1), (n+1)*(n+1)).Draw(t, "dist"),
		from: rapid.SliceOfN(rapid.Int32Range(0, 300), n, n).Draw(t, "from"), due: make([]int32, n),
		double: rapid.SliceOfN(rapid.Bool(), n, n).Draw(t, "double"),
		gapMin: rapid.SliceOfN(rapid.Int32Range(0, 40), n, n).Draw(t, "gap"), gapMax: make([]int32, n),
		length: rapid.SliceOfN(rapid.Int32Range(0, 30), 2*n, 2*n).Draw(t, "length"),
		able:   make([][]int32, 2*n), can: make([]bool, 2*n*w),
	}
	for p := range n {
		in.due[p] = in.from[p] + rapid.Int32Range(0, 60).Draw(t, "width")
		in.gapMax[p] = in.gapMin[p] + rapid.Int32Range(0, 30).Draw(t, "more")
	}
	for v := range 2 * n {
		for k := range w {
			if k < 2 || rapid.Bool().Draw(t, "able") {
				in.able[v] = append(in.able[v], int32(k))
				in.can[k*2*n+v] = true
			}
		}
	}
	return in
}

// The state after any number of small moves, ruins and refusals must be the one
// a plain recomputation from the routes gives.
func TestState_StaysTrueUnderMoves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawInstance(t)
		s := newState(in)
		s.construct()
		r := newRuin(s, chance.New(rapid.Uint64().Draw(t, "seed"), 0))
		r.keep()
		r.neighbours(30)
		for range 60 {
			allowed := int64(r.rng.Intn(60))
			switch r.rng.Intn(5) {
			case 0:
				r.relocate(allowed)
			case 1:
				r.swap(allowed)
			case 2:
				r.tails(allowed)
			case 3:
				r.swapDays()
			default:
				r.step(allowed)
			}
			compare(t, r)
			r.reorder()
			compare(t, r)
		}
	})
}

func compare(t *rapid.T, r *ruin) {
	in, n := r.in, r.n
	fresh := newState(in)
	copy(fresh.order, r.order)
	for i, p := range r.order {
		if r.place[p] != int32(i) {
			t.Fatalf("patient %d: place %d, order says %d", p, r.place[p], i)
		}
		fresh.place[p] = int32(i)
	}
	count := 0
	for w := range int32(in.workers) {
		end := int32(2*n) + w
		last := int32(-1)
		for v := r.next[end]; v != end; v = r.next[v] {
			if r.worker[v] != w || !slices.Contains(in.able[v], w) {
				t.Fatalf("node %d in the day of %d, who may not or is not recorded (%d)", v, w, r.worker[v])
			}
			if r.place[v/2] <= last {
				t.Fatalf("worker %d: day not in the common order", w)
			}
			last = r.place[v/2]
			fresh.putIn(v, fresh.prev[end], w)
			count++
		}
	}
	for p := range n {
		count--
		if in.double[p] {
			count--
			if r.worker[2*p] == r.worker[2*p+1] {
				t.Fatalf("patient %d: one worker for both services", p)
			}
		}
	}
	if count != 0 {
		t.Fatalf("%d services too many", count)
	}
	fresh.propagate()
	fresh.settle()
	for v := range 2 * n {
		if v&1 == 1 && !in.double[v/2] {
			continue
		}
		if r.start[v] != fresh.start[v] || r.late[v] != fresh.late[v] {
			t.Fatalf("node %d: start %d late %d, want %d and %d", v, r.start[v], r.late[v], fresh.start[v], fresh.late[v])
		}
	}
	if r.distance != fresh.distance || r.lateSum != fresh.lateSum || r.lateMax != fresh.lateMax || r.stale {
		t.Fatalf("sums %d %d %d, want %d %d %d", r.distance, r.lateSum, r.lateMax, fresh.distance, fresh.lateSum, fresh.lateMax)
	}
}
