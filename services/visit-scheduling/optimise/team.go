package optimise

import (
	"cmp"
	"math"
	"slices"
)

// inquiry is what is known of a team while its places are looked for.
type inquiry struct {
	asked int32
	kept  []kept // by tour
	spots []spot
	// Of a team that begins as one: what each part costs at least, by when it begins,
	// in slots of time; anyPrice where it cannot.
	least  [maxRoles][]int64
	first  int32 // minute the first slot begins
	listed int32 // parts that are known
	open   bool  // they are being listed
}

// kept are the places in a tour, whichever part of the team it is for.
type kept struct{ asked, from, to int32 }

const slotBits = 6 // a slot is 64 minutes

func newInquiry(c *plan) *inquiry {
	g := &inquiry{first: math.MaxInt32, kept: make([]kept, len(c.tours))}
	last := int32(math.MinInt32)
	for i := range c.tours {
		g.first, last = min(g.first, c.tours[i].from), max(last, c.tours[i].to)
	}
	if len(c.tours) > 0 {
		for k := range g.least {
			g.least[k] = make([]int64, g.slot(last)+1)
		}
	}
	return g
}

// ask forgets what is known: another team is asked about, or of another schedule.
func (f *finder) ask() {
	if f.inquiry == nil {
		f.inquiry = newInquiry(f.plan)
	}
	f.inquiry.asked++
	f.inquiry.spots = f.inquiry.spots[:0]
}

func (g *inquiry) slot(minute int32) int32 { return (minute - g.first) >> slotBits }

// rest is the least all listed parts but k cost together where they begin from lo to
// hi.
func (g *inquiry) rest(k, lo, hi int32) int64 {
	if g == nil || g.listed == 0 {
		return 0
	}
	least := anyPrice
	for b := g.slot(lo); b <= g.slot(hi); b++ {
		var sum int64
		for i := range g.listed {
			if i != k {
				sum += g.least[i][b]
			}
		}
		least = min(least, sum)
	}
	return least
}

// admits says whether a place of part k may be one of a team for less than limit, and
// takes down what it costs.
func (g *inquiry) admits(pv *pVisit, k int32, sp *spot, limit int64) bool {
	if g == nil || !g.open {
		return true
	}
	lo, can := pv.earliest(sp.lo)
	if !can || lo > sp.hi || sp.points+g.rest(k, lo, sp.hi) >= limit {
		return false
	}
	for b := g.slot(lo); b <= g.slot(sp.hi); b++ {
		g.least[k][b] = min(g.least[k][b], sp.points)
	}
	return true
}

// spotsFor is spotsIn, asked but once for all parts of a team.
func (f *finder) spotsFor(pv *pVisit, t int32, windows []Window) []spot {
	if pv.roles == 1 {
		f.here = f.spotsIn(pv, t, windows, f.here[:0])
		return f.here
	}
	g := f.inquiry
	at := &g.kept[t]
	if at.asked != g.asked {
		from := len(g.spots)
		g.spots = f.spotsIn(pv, t, windows, g.spots)
		*at = kept{g.asked, int32(from), int32(len(g.spots))}
	}
	return g.spots[at.from:at.to]
}

// team chooses one spot for each role. A team for less than some limit is the
// cheapest if there is one, and whoever costs more need not be looked at: first
// the limit is what any stranger costs, where the family knows enough, then what
// a team usually costs, then out's.
func (f *finder) team(v int32, in *scope, out *choice) {
	pv := &f.visits[v]
	most := out.points
	stranger := int64(pv.stranger)
	for _, limit := range [...]int64{stranger, usualTeam*stranger + int64(usualWay*f.w.TravelMinute)*int64(pv.roles), most} {
		if limit > most || (limit == stranger && len(pv.preferred) < int(pv.roles)) {
			continue
		}
		if out.points = limit; f.listTeam(v, in, limit) {
			f.choose(v, out)
		}
		if out.points < limit {
			return
		}
	}
	out.points = most
}

const (
	usualTeam = 2  // strangers in a team
	usualWay  = 30 // minutes, for each
)

// listTeam lists the places of every role by points, so that the cheapest rest
// bounds every partial choice; those that cannot be part of a team for less than
// limit are left out. It is false when a role has none.
func (f *finder) listTeam(v int32, in *scope, limit int64) bool {
	pv, g := &f.visits[v], f.inquiry
	if pv.ordered {
		return f.listInOrder(v, in, limit)
	}
	g.open = true
	defer func() { g.open, g.listed = false, 0 }()
	for k := range pv.roles {
		for b := range g.least[k] {
			g.least[k][b] = anyPrice
		}
		if len(f.spotsOf(v, k, in, limit)) == 0 {
			return false
		}
		g.listed = k + 1
	}
	for k := range pv.roles {
		if !f.keep(k, func(sp *spot) bool { return g.admits(pv, k, sp, limit) }) {
			return false
		}
	}
	return true
}

// listInOrder is listTeam for parts that follow each other.
func (f *finder) listInOrder(v int32, in *scope, limit int64) bool {
	pv := &f.visits[v]
	var least [maxRoles]int64
	for k := range pv.roles {
		l := f.spotsOf(v, k, in, limit)
		if len(l) == 0 {
			return false
		}
		least[k] = l[0].points
		for _, sp := range l[1:] {
			least[k] = min(least[k], sp.points)
		}
		limit -= least[k]
	}
	for k := range pv.roles {
		if !f.keep(k, func(sp *spot) bool { return sp.points < limit+least[k] }) {
			return false
		}
	}
	return true
}

// keep sorts the places of a role that are of use by points, and says whether there
// are any.
func (f *finder) keep(k int32, use func(*spot) bool) bool {
	l := slices.DeleteFunc(f.lists[k], func(sp spot) bool { return !use(&sp) })
	slices.SortFunc(l, func(a, b spot) int {
		switch { // most differ in points
		case a.points != b.points:
			return cmp.Compare(a.points, b.points)
		case a.tour != b.tour:
			return cmp.Compare(a.tour, b.tour)
		}
		return cmp.Compare(a.index, b.index)
	})
	f.lists[k] = l
	return len(l) > 0
}

// choose finds the cheapest team of the places listed, the first not in a banned
// tour, if it is cheaper than out.
func (f *finder) choose(v int32, out *choice) {
	pv := &f.visits[v]
	var least [maxRoles + 1]int64
	for k := pv.roles - 1; k >= 0; k-- {
		least[k] = least[k+1] + f.lists[k][0].points
	}
	var chosen [maxRoles]spot
	var extend func(k int32, points int64, lo, hi int32)
	extend = func(k int32, points int64, lo, hi int32) {
		if k == pv.roles {
			f.settle(v, chosen[:k], points, out)
			return
		}
		for _, sp := range f.lists[k] {
			if points+sp.points+least[k+1] >= out.points {
				return
			}
			if f.sameWorker(chosen[:k], sp) || (k == 0 && f.ban[sp.tour]) {
				continue
			}
			lo2, hi2 := max(lo, sp.lo), min(hi, sp.hi)
			if !pv.ordered && lo2 > hi2 {
				continue
			}
			if pv.ordered {
				lo2, hi2 = lo, hi
			}
			chosen[k] = sp
			extend(k+1, points+sp.points, lo2, hi2)
		}
	}
	extend(0, 0, math.MinInt32, math.MaxInt32)
}

func (f *finder) sameWorker(chosen []spot, sp spot) bool {
	for _, c := range chosen {
		if f.plan.tours[c.tour].worker == f.plan.tours[sp.tour].worker {
			return true
		}
	}
	return false
}

// settle finds starts for a complete team and keeps it if it is the best.
func (f *finder) settle(v int32, spots []spot, points int64, out *choice) {
	pv := &f.visits[v]
	var starts [maxRoles]int32
	if !f.align(pv, spots, &starts) || (pv.team && !f.fits(v, spots)) {
		return
	}
	for k, sp := range spots {
		points += f.movedBy(sp, v, starts[k])
	}
	if points < out.points {
		out.points = points
		out.starts = starts
		copy(out.spots[:], spots)
	}
}

// align finds starts of all parts that fit the spots, the windows and the
// visit's rule of time, as near to the published start as the first part can be.
func (f *finder) align(pv *pVisit, spots []spot, starts *[maxRoles]int32) bool {
	if !pv.ordered {
		lo, hi := spots[0].lo, spots[0].hi
		for _, sp := range spots[1:] {
			lo, hi = max(lo, sp.lo), min(hi, sp.hi)
		}
		s := f.begin(pv, lo, hi)
		if _, ok := pv.earliest(lo); !ok || s > hi {
			return false
		}
		for k := range spots {
			starts[k] = s
		}
		return true
	}
	// Push every part to its earliest, then push the earlier ones up where a gap
	// is too long, until nothing moves: the least fixed point, if there is one.
	for k, sp := range spots {
		starts[k] = sp.lo
	}
	if pv.start > starts[0] && pv.start <= spots[0].hi {
		starts[0] = pv.start
	}
	for again := true; again; {
		again = false
		for k := range spots {
			need := starts[k]
			if k > 0 {
				need = max(need, starts[k-1]+pv.gapMin)
			}
			if k+1 < len(spots) {
				need = max(need, starts[k+1]-pv.gapMax)
			}
			s, ok := pv.earliest(need)
			if !ok || s > spots[k].hi {
				return false
			}
			if s != starts[k] {
				starts[k], again = s, true
			}
		}
	}
	return true
}
