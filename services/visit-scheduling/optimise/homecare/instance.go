// Package homecare searches for cheap home-care plans: routes of caregivers
// with skills over patients of whom some need two services in step. Lateness is
// allowed and part of the cost: distance + total lateness + largest lateness.
//
// Times and distances are whole units (thousandths of a minute for the public
// files), so a search takes the same path on every machine.
package homecare

import (
	"math"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/benchfile"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/check"
)

const unit = 1000

// Instance is a plan to be made. Service k of patient p is node 2p+k; the
// second of a patient who needs one only does not exist.
type Instance struct {
	patients, workers int
	dist              []int32 // (patients+1)² ; the office is the last
	from, due         []int32 // by patient
	double            []bool
	gapMin, gapMax    []int32   // second start minus first start
	length            []int32   // by node
	able              [][]int32 // node → workers who may
	can               []bool    // worker*nodes+node
}

// New turns a file into whole units. Decimals beyond a thousandth round so that
// what is feasible here is feasible there.
func New(h *benchfile.HomeCare) *Instance {
	n := len(h.Patients)
	up := func(v float64) int32 { return int32(math.Ceil(float64(v*unit) - 1e-6)) }
	down := func(v float64) int32 { return int32(math.Floor(float64(v*unit) + 1e-6)) }
	in := &Instance{
		patients: n, workers: len(h.Caregivers), dist: make([]int32, (n+1)*(n+1)),
		from: make([]int32, n), due: make([]int32, n), double: make([]bool, n),
		gapMin: make([]int32, n), gapMax: make([]int32, n),
		length: make([]int32, 2*n), able: make([][]int32, 2*n), can: make([]bool, 2*n*len(h.Caregivers)),
	}
	at := func(i int) int { // file's place: office first
		if i == n {
			return 0
		}
		return i + 1
	}
	for i := range n + 1 {
		for j := range n + 1 {
			in.dist[i*(n+1)+j] = up(h.Distances[at(i)][at(j)])
		}
	}
	for p, v := range h.Patients {
		in.from[p], in.due[p] = up(v.TimeWindow[0]), down(v.TimeWindow[1])
		in.double[p] = v.Sync != nil
		if v.Sync != nil && v.Sync.Type == "sequential" {
			in.gapMin[p], in.gapMax[p] = up(v.Sync.Distance[0]), down(v.Sync.Distance[1])
		}
		for k, q := range v.Required {
			in.length[2*p+k] = up(h.Duration(p, k))
			for w, c := range h.Caregivers {
				for _, a := range c.Abilities {
					if a == q.Service && !in.can[w*2*n+2*p+k] {
						in.able[2*p+k] = append(in.able[2*p+k], int32(w))
						in.can[w*2*n+2*p+k] = true
					}
				}
			}
		}
	}
	return in
}

// Plan is an answer: for each worker the nodes in order, and every start.
type Plan struct {
	Routes [][]int32
	Start  []int32
	Cost   int64 // three times the published cost, in units
}

// Stops turns the plan into what the checker reads.
func (p *Plan) Stops() [][]check.Stop {
	out := make([][]check.Stop, len(p.Routes))
	for w, r := range p.Routes {
		for _, v := range r {
			out[w] = append(out[w], check.Stop{Patient: int(v / 2), Service: int(v % 2), Start: float64(p.Start[v]) / unit})
		}
	}
	return out
}
