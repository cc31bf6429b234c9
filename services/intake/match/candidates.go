package match

import (
	"cmp"
	"math"
	"slices"
	"sync"
)

// bounds limit the work candidate generation may do for one record, also one
// with a common name.
type bounds struct {
	candidates int // most candidates a record chooses
	visits     int // most block mates looked at for one record
	block      int // blocks larger than this are not used
}

// blocks are groups of records that share a key, over all rules.
type blocks struct {
	members []int32  // records, block by block
	start   []uint32 // block b is members[start[b]:start[b+1]]
	ofStart []uint32 // record r is in blocks of[ofStart[r]:ofStart[r+1]]
	of      []uint32
}

type keyed struct {
	key uint64
	rec int32
}

// buildBlocks groups the records of f by the rules' keys. Blocks of one record
// and blocks over the limit are left out.
func buildBlocks(f *frame, rules []rule, limit, workers int) *blocks {
	parts := make([]ruleBlocks, len(rules))
	parallel(workers, len(rules), func(_, i int) {
		parts[i] = blocksOf(f, rules[i], limit)
	})
	b := &blocks{start: []uint32{0}}
	total, nblocks := 0, 0
	for _, p := range parts {
		total += len(p.members)
		nblocks += len(p.ends)
	}
	b.members = make([]int32, 0, total)
	b.start = make([]uint32, 1, nblocks+1)
	for i, p := range parts {
		base := uint32(len(b.members))
		b.members = append(b.members, p.members...)
		for _, e := range p.ends {
			b.start = append(b.start, base+e)
		}
		parts[i] = ruleBlocks{}
	}
	b.ofStart = make([]uint32, f.len()+1)
	for _, r := range b.members {
		b.ofStart[r+1]++
	}
	for i := 1; i < len(b.ofStart); i++ {
		b.ofStart[i] += b.ofStart[i-1]
	}
	b.of = make([]uint32, len(b.members))
	fill := slices.Clone(b.ofStart[:f.len()])
	for blk := 0; blk+1 < len(b.start); blk++ {
		for _, r := range b.members[b.start[blk]:b.start[blk+1]] {
			b.of[fill[r]] = uint32(blk)
			fill[r]++
		}
	}
	return b
}

type ruleBlocks struct {
	members []int32
	ends    []uint32
}

func blocksOf(f *frame, r rule, limit int) ruleBlocks {
	k := newKeyer(f)
	var buf []uint64
	all := make([]keyed, 0, f.len())
	for i := int32(0); int(i) < f.len(); i++ {
		buf = k.keys(i, r, buf[:0])
		for _, h := range buf {
			all = append(all, keyed{h, i})
		}
	}
	all = sortKeyed(all)
	var out ruleBlocks
	for i := 0; i < len(all); {
		j := i + 1
		for j < len(all) && all[j].key == all[i].key {
			j++
		}
		from := len(out.members)
		if j-i > 1 && j-i <= 2*limit {
			for _, e := range all[i:j] {
				if n := len(out.members); n > from && out.members[n-1] == e.rec {
					continue
				}
				out.members = append(out.members, e.rec)
			}
			if n := len(out.members) - from; n < 2 || n > limit {
				out.members = out.members[:from]
			} else {
				out.ends = append(out.ends, uint32(len(out.members)))
			}
		}
		i = j
	}
	out.members = slices.Clone(out.members)
	return out
}

// sortKeyed sorts by key, then record: one scattering pass by the top bits,
// which are uniform because keys are hashes, then a short sort in each bucket.
func sortKeyed(all []keyed) []keyed {
	bits := max(1, int(math.Ilogb(float64(len(all)+1)))-1)
	shift := uint(64 - bits)
	count := make([]uint32, 1<<bits+1)
	for _, e := range all {
		count[e.key>>shift+1]++
	}
	for i := 1; i < len(count); i++ {
		count[i] += count[i-1]
	}
	out := make([]keyed, len(all))
	next := slices.Clone(count[:len(count)-1])
	for _, e := range all {
		b := e.key >> shift
		out[next[b]] = e
		next[b]++
	}
	for i := 0; i+1 < len(count); i++ {
		b := out[count[i]:count[i+1]]
		if len(b) < 24 {
			for x := 1; x < len(b); x++ {
				for y := x; y > 0 && less(b[y], b[y-1]); y-- {
					b[y], b[y-1] = b[y-1], b[y]
				}
			}
			continue
		}
		slices.SortFunc(b, func(x, y keyed) int {
			if c := cmp.Compare(x.key, y.key); c != 0 {
				return c
			}
			return cmp.Compare(x.rec, y.rec)
		})
	}
	return out
}

func less(x, y keyed) bool {
	return x.key < y.key || x.key == y.key && x.rec < y.rec
}

// adjacency is candidate pairs by their lower record, ascending.
type adjacency struct {
	start []uint32
	to    []int32
}

func (a *adjacency) of(r int32) []int32 { return a.to[a.start[r]:a.start[r+1]] }

func (a *adjacency) has(r, j int32) bool {
	_, ok := slices.BinarySearch(a.of(min(r, j)), max(r, j))
	return ok
}

// choose picks for each record its best candidates: those that share most
// with it, each shared block counting by how rare it is, smallest blocks
// first until the visits are used up. Choosing is mutual or accepted: a
// record takes on at most as many others that chose it and it did not choose,
// best first, so that no record is compared more than twice the limit.
func (b *blocks) choose(f *frame, lim bounds, workers int) *adjacency {
	n := f.len()
	const chunk = 1024
	chunks := (n + chunk - 1) / chunk
	lists := make([][]choice, chunks)
	chosen := &choices{start: make([]uint32, n+1)}
	ws := make([]chooser, workers)
	parallel(workers, chunks, func(w, c int) {
		k := &ws[w]
		if k.score == nil {
			k.score = make([]float32, n)
			k.logN = math.Log2(float64(n) + 1)
		}
		for r := c * chunk; r < min(n, (c+1)*chunk); r++ {
			from := len(lists[c])
			lists[c] = k.choose(f, b, int32(r), lim, lists[c])
			chosen.start[r+1] = uint32(len(lists[c]) - from)
		}
	})
	for i := 1; i <= n; i++ {
		chosen.start[i] += chosen.start[i-1]
	}
	chosen.all = slices.Concat(lists...)
	return chosen.accept(n, lim)
}

// choice is a candidate and how much it shares.
type choice struct {
	rec   int32
	score float32
}

func byScore(x, y choice) int {
	if d := cmp.Compare(y.score, x.score); d != 0 {
		return d
	}
	return cmp.Compare(x.rec, y.rec)
}

// chooser is the scratch space of one goroutine.
type chooser struct {
	score []float32
	mates []int32
	order []uint32
	best  []choice
	logN  float64
}

func (k *chooser) choose(f *frame, b *blocks, r int32, lim bounds, out []choice) []choice {
	size := func(blk uint32) uint32 { return b.start[blk+1] - b.start[blk] }
	k.order = append(k.order[:0], b.of[b.ofStart[r]:b.ofStart[r+1]]...)
	slices.SortFunc(k.order, func(x, y uint32) int {
		if d := cmp.Compare(size(x), size(y)); d != 0 {
			return d
		}
		return cmp.Compare(x, y)
	})
	k.mates = k.mates[:0]
	visits := 0
	for _, blk := range k.order {
		if visits += int(size(blk)); visits > lim.visits && len(k.mates) > 0 {
			break
		}
		rare := float32(k.logN - math.Log2(float64(size(blk))))
		for _, j := range b.members[b.start[blk]:b.start[blk+1]] {
			if j == r || !f.pairable(j, r) {
				continue
			}
			if k.score[j] == 0 {
				k.mates = append(k.mates, j)
			}
			k.score[j] += rare
		}
	}
	k.best = k.best[:0]
	for _, j := range k.mates {
		k.best = append(k.best, choice{j, k.score[j]})
		k.score[j] = 0
	}
	if len(k.best) > lim.candidates {
		slices.SortFunc(k.best, byScore)
		k.best = k.best[:lim.candidates]
	}
	slices.SortFunc(k.best, func(x, y choice) int { return cmp.Compare(x.rec, y.rec) })
	return append(out, k.best...)
}

// choices are what all records chose, by record, ascending.
type choices struct {
	start []uint32
	all   []choice
}

func (c *choices) of(r int32) []choice { return c.all[c.start[r]:c.start[r+1]] }

// accept turns choices into pairs, each listed with its lower record only.
func (c *choices) accept(n int, lim bounds) *adjacency {
	// by[r] is who chose r, ascending because records are gone through in order.
	by := &choices{start: make([]uint32, n+1), all: make([]choice, len(c.all))}
	for _, x := range c.all {
		by.start[x.rec+1]++
	}
	for i := 1; i <= n; i++ {
		by.start[i] += by.start[i-1]
	}
	next := slices.Clone(by.start[:n])
	for r := int32(0); int(r) < n; r++ {
		for _, x := range c.of(r) {
			by.all[next[x.rec]] = choice{r, x.score}
			next[x.rec]++
		}
	}
	pairs := make([][2]int32, 0, len(c.all))
	var suitors []choice
	for r := int32(0); int(r) < n; r++ {
		mine := c.of(r)
		suitors = suitors[:0]
		for _, x := range by.of(r) {
			for len(mine) > 0 && mine[0].rec < x.rec {
				mine = mine[1:]
			}
			if len(mine) == 0 || mine[0].rec != x.rec {
				suitors = append(suitors, x)
			} else if x.rec > r {
				pairs = append(pairs, [2]int32{r, x.rec})
			}
		}
		if len(suitors) > lim.candidates {
			slices.SortFunc(suitors, byScore)
			suitors = suitors[:lim.candidates]
		}
		for _, x := range suitors {
			pairs = append(pairs, [2]int32{min(r, x.rec), max(r, x.rec)})
		}
	}
	a := &adjacency{start: make([]uint32, n+1), to: make([]int32, len(pairs))}
	for _, p := range pairs {
		a.start[p[0]+1]++
	}
	for i := 1; i <= n; i++ {
		a.start[i] += a.start[i-1]
	}
	next = slices.Clone(a.start[:n])
	for _, p := range pairs {
		a.to[next[p[0]]] = p[1]
		next[p[0]]++
	}
	for r := int32(0); int(r) < n; r++ {
		slices.Sort(a.of(r))
	}
	return a
}

// parallel runs do(worker, i) for i in [0,n) on the given number of
// goroutines and waits for all.
func parallel(workers, n int, do func(worker, i int)) {
	if workers <= 1 || n <= 1 {
		for i := 0; i < n; i++ {
			do(0, i)
		}
		return
	}
	var next struct {
		sync.Mutex
		i int
	}
	var wg sync.WaitGroup
	for w := 0; w < workers; w++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for {
				next.Lock()
				i := next.i
				next.i++
				next.Unlock()
				if i >= n {
					return
				}
				do(w, i)
			}
		}()
	}
	wg.Wait()
}
