package vrptw

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/chance"
)

// plainCost prices the routes the local search holds, node by node.
func plainCost(l *local) int64 {
	in := l.in
	var sum int64
	for i := range l.routes {
		end := int32(in.N + i)
		at, t, load, warp := int32(0), in.Ready[0]+in.Service[0], int32(0), int32(0)
		for c := l.nodes[end].next; c != end; c = l.nodes[c].next {
			sum += int64(in.Dist[int(at)*in.N+int(c)])
			t = max(t+in.Dist[int(at)*in.N+int(c)], in.Ready[c])
			if t > in.Due[c] {
				warp += t - in.Due[c]
				t = in.Due[c]
			}
			t += in.Service[c]
			load += in.Demand[c]
			at = c
		}
		sum += int64(in.Dist[int(at)*in.N])
		warp += max(0, t+in.Dist[int(at)*in.N]-in.Due[0])
		sum += int64(warp)*l.warpCost + int64(max(0, load-in.Capacity))*l.loadCost
	}
	return sum
}

func drawInstance(t *rapid.T) *Instance {
	n := rapid.IntRange(3, 14).Draw(t, "nodes")
	in := &Instance{N: n, Capacity: 40, Fleet: rapid.IntRange(1, 4).Draw(t, "fleet")}
	// not symmetric, and no triangle inequality: the moves must not rely on either
	in.Dist = rapid.SliceOfN(rapid.Int32Range(0, 100), n*n, n*n).Draw(t, "dist")
	in.Ready = rapid.SliceOfN(rapid.Int32Range(0, 200), n, n).Draw(t, "ready")
	in.Service = rapid.SliceOfN(rapid.Int32Range(0, 20), n, n).Draw(t, "service")
	in.Demand = rapid.SliceOfN(rapid.Int32Range(0, 20), n, n).Draw(t, "demand")
	in.Due = make([]int32, n)
	for i := range n {
		in.Dist[i*n+i] = 0
		in.Due[i] = in.Ready[i] + rapid.Int32Range(0, 80).Draw(t, "width")
	}
	in.Ready[0], in.Due[0] = 0, 300
	return in
}

// Each move's constant-time price must be the true one: a move that says it
// pays lowers the plain cost.
func TestLocal_EveryMoveLowersThePlainCost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawInstance(t)
		rng := chance.New(rapid.Uint64().Draw(t, "seed"), 0)
		l := newLocal(in, rng, in.N)
		l.setPenalties(rapid.Int64Range(0, 20).Draw(t, "warp"), rapid.Int64Range(0, 20).Draw(t, "load"))
		routes := make([][]int32, l.fleet)
		for c := 1; c < in.N; c++ {
			r := rng.Intn(l.fleet)
			routes[r] = append(routes[r], int32(c))
		}
		l.set(routes)
		before := plainCost(l)
		for range 400 {
			u := int32(1 + rng.Intn(in.N-1))
			v := int32(1 + rng.Intn(in.N+l.fleet-1))
			if u == v {
				continue
			}
			moved := false
			if rng.Next()&1 == 0 {
				moved = l.after(v, u)
			} else {
				moved = l.before(u, v)
			}
			after := plainCost(l)
			if moved != (after < before) || after > before {
				t.Fatalf("move reported %v, cost %d → %d", moved, before, after)
			}
			before = after
		}
		seen := make([]bool, in.N)
		for _, r := range l.export(nil) {
			for _, c := range r {
				if seen[c] {
					t.Fatalf("customer %d doubled", c)
				}
				seen[c] = true
			}
		}
		for c := 1; c < in.N; c++ {
			if !seen[c] {
				t.Fatalf("customer %d lost", c)
			}
		}
	})
}
