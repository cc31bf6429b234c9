package match

import (
	"container/heap"
	"math"
	"slices"
)

// edge is a scored candidate pair.
type edge struct {
	a, b int32
	lod  float32 // log2 odds that the two are one person
}

// clusterer agglomerates records into persons. Two clusters are compared by
// what all their members say together: of each comparison the likelihood
// ratios of the member pairs are averaged (the records of a person are taken
// as noisy copies of each other, each as likely the model of the next), and
// the averages multiplied. Evidence that no single pair has is found this way
// (the postcode of one, the maiden name of another), and chains are not: a
// pair in the middle does not carry two clusters that otherwise disagree.
type clusterer struct {
	cmp     *comparer
	sc      *scorer
	members [][]int32 // by cluster; nil once merged away
	of      []int32   // record to cluster
	near    [][]int32 // by cluster: records it has edges to
	version []int32
	queue   mergeQueue
	floor   float32 // queue nothing below
	sums    []float64
	kin     []float64
	counts  []float64
	most    int // members compared on either side
	tree    []join
}

// join records that two clusters became one at the given odds.
type join struct {
	a, b int32 // one record of either
	lod  float32
}

type merge struct {
	lod    float32
	a, b   int32
	va, vb int32
}

type mergeQueue []merge

func (q mergeQueue) Len() int { return len(q) }
func (q mergeQueue) Less(i, j int) bool {
	switch {
	case q[i].lod != q[j].lod:
		return q[i].lod > q[j].lod
	case q[i].a != q[j].a:
		return q[i].a < q[j].a
	}
	return q[i].b < q[j].b
}
func (q mergeQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *mergeQueue) Push(x any)   { *q = append(*q, x.(merge)) }
func (q *mergeQueue) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}

func (c *clusterer) run(n int, edges []edge, threshold float32) {
	c.members = make([][]int32, n)
	c.of = make([]int32, n)
	c.near = make([][]int32, n)
	c.version = make([]int32, n)
	for i := range c.of {
		c.of[i] = int32(i)
		c.members[i] = []int32{int32(i)}
	}
	for i := range edges {
		if edges[i].lod >= c.floor {
			c.near[edges[i].a] = append(c.near[edges[i].a], edges[i].b)
			c.near[edges[i].b] = append(c.near[edges[i].b], edges[i].a)
		}
	}
	for _, e := range edges {
		if e.lod < c.floor {
			continue
		}
		c.queue = append(c.queue, merge{lod: e.lod, a: e.a, b: e.b})
	}
	heap.Init(&c.queue)
	for len(c.queue) > 0 {
		m := heap.Pop(&c.queue).(merge)
		if c.members[m.a] == nil || c.members[m.b] == nil || c.version[m.a] != m.va || c.version[m.b] != m.vb {
			continue
		}
		if m.lod < threshold {
			break
		}
		c.tree = append(c.tree, join{c.members[m.a][0], c.members[m.b][0], m.lod})
		c.merge(m.a, m.b)
	}
}

func (c *clusterer) merge(a, b int32) {
	if len(c.members[a]) < len(c.members[b]) {
		a, b = b, a
	}
	for _, r := range c.members[b] {
		c.of[r] = a
	}
	c.members[a] = append(c.members[a], c.members[b]...)
	c.members[b] = nil
	c.version[a]++
	// Neighbours are kept as records and brought to their clusters here.
	ns := append(c.near[a], c.near[b]...)
	for i, r := range ns {
		ns[i] = c.of[r]
	}
	slices.Sort(ns)
	ns = slices.Compact(ns)
	ns = slices.DeleteFunc(ns, func(x int32) bool { return x == a })
	c.near[a], c.near[b] = ns, nil
	for i := range ns {
		other := ns[i]
		// A cluster's number is the number of one of its records.
		if lod := c.linkage(a, other); lod >= c.floor {
			heap.Push(&c.queue, merge{lod, a, other, c.version[a], c.version[other]})
		}
	}
}

// never is the odds of a merge a constraint forbids.
const never = -math.MaxFloat32

// apart reports whether two records must not be in one cluster: walled off
// from each other, or twins by name.
func (c *clusterer) apart(x, y int32, p *pattern) bool {
	f := c.cmp.f
	if f.barred(x, y) != NotBarred {
		return true
	}
	return (f.flags[x] | f.flags[y]).Has(MultipleBirth) && p.level[slotDate] >= dateSlip &&
		p.level[slotGiven] != missing && p.level[slotGiven] <= nameNear && p.level[slotGiven] != nameInitial
}

// twoDates reports whether two clusters each have a birth date two of their
// records agree on, and the two dates are those of two persons. One record
// with a wrong date breaks nothing; two that agree on another are somebody.
func (c *clusterer) twoDates(ma, mb []int32) bool {
	da, db := c.settledDate(ma), c.settledDate(mb)
	if da == 0 || db == 0 || da == db {
		return false
	}
	l := dateLevel(unpack(da), unpack(db))
	return l < dateNear && l != dateAnniversary
}

// settledDate is the whole birth date most of a cluster's records have, 0
// where no two agree.
func (c *clusterer) settledDate(members []int32) uint32 {
	if len(members) < 2 {
		return 0
	}
	best, most := uint32(0), 1
	for i, r := range members {
		v := c.cmp.f.of(r, slotDate)
		if len(v) == 0 || !unpack(v[0]).Full() {
			continue
		}
		n := 1
		for _, o := range members[i+1:] {
			if w := c.cmp.f.of(o, slotDate); len(w) > 0 && w[0] == v[0] {
				n++
			}
		}
		if n > most {
			best, most = v[0], n
		}
	}
	return best
}

// linkage is the log2 odds that two clusters are one person.
func (c *clusterer) linkage(a, b int32) float32 {
	ma, mb := c.spread(c.members[a]), c.spread(c.members[b])
	if c.sums == nil {
		c.sums = make([]float64, len(c.sc.logs.m))
		c.kin = make([]float64, len(c.sums))
		c.counts = make([]float64, len(c.sums))
	}
	if c.twoDates(ma, mb) {
		return never
	}
	clear(c.sums)
	clear(c.kin)
	clear(c.counts)
	var p pattern
	for _, x := range ma {
		for _, y := range mb {
			c.cmp.compare(x, y, &p)
			if c.apart(x, y, &p) {
				return never
			}
			for k := range c.sums {
				if p.level[k] == missing {
					continue
				}
				wm, wk := c.sc.logs.one(k, &p, c.sc.q)
				c.sums[k] += math.Exp2(float64(wm))
				c.kin[k] += math.Exp2(float64(wk))
				c.counts[k]++
			}
		}
	}
	same, kin, chance := float64(c.sc.same), float64(c.sc.kin), 0.0
	for k := range c.sums {
		if c.counts[k] == 0 {
			continue
		}
		same += math.Log2(c.sums[k] / c.counts[k])
		if w := math.Log2(c.kin[k] / c.counts[k]); c.sc.logs.alike[k] != 0 {
			chance = max(chance, w)
		} else {
			kin += w
		}
	}
	kin += chance
	return against(float32(same), float32(kin))
}

// spread picks at most c.most members, evenly.
func (c *clusterer) spread(m []int32) []int32 {
	if len(m) <= c.most {
		return m
	}
	out := make([]int32, c.most)
	for i := range out {
		out[i] = m[i*len(m)/c.most]
	}
	return out
}
