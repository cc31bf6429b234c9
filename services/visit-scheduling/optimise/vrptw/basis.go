package vrptw

import (
	"math"
	"math/bits"
	"slices"
)

// wornOut is the number of pivots after which an inverse is worked out anew.
const wornOut = 500

// primal pivots until no active column and no slack improves. It reports how
// often, and false when it failed, was stopped, or took mostCutTurns.
func (t *tightening) primal(p *routePool) (int, bool) {
	const enough = -0.01
	for turn := range mostCutTurns {
		if turn%stopStride == stopStride-1 && p.halted() {
			return turn, false
		}
		enter, least := int32(0), enough
		for _, i := range t.active {
			if t.rest[i] < least {
				enter, least = i, t.rest[i]
			}
		}
		for k := range t.cuts {
			if r := -t.price[t.m+k]; r < least {
				enter, least = int32(^k), r
			}
		}
		if least == enough {
			return turn, true
		}
		leave, ratio, largest := -1, math.Inf(1), 0.0
		for i := range t.rows {
			if a := t.column(i, enter); a > firm {
				if r := max(0, t.value[i]) / a; r < ratio-tie || (r < ratio+tie && a > largest) {
					leave, ratio, largest = i, r, a
				}
			}
		}
		if leave < 0 {
			return turn, false
		}
		pivot := t.inverse[leave*t.wide : leave*t.wide+t.rows]
		for _, i := range t.active {
			t.alpha[i] = t.weigh(pivot, i)
		}
		t.pivot(leave, enter)
	}
	return mostCutTurns, false
}

// factor works out the inverse of the basis and the values anew, which rounding
// has worn. It reports false when the basis is singular.
func (t *tightening) factor() bool {
	t.worn = 0
	n := t.rows
	a := slices.Grow(t.square[:0], n*n)[:n*n] // the basis, a column a basic variable
	t.square = a
	clear(a)
	for i, b := range t.basis[:n] {
		if b < 0 {
			a[(t.m+int(^b))*n+i] = 1
			continue
		}
		for _, c := range t.entries[t.first[b]:t.first[b+1]] {
			a[int(c)*n+i] = 1
		}
		for w, x := range t.cutsOf[b] {
			for ; x != 0; x &= x - 1 {
				a[(t.m+w<<6+bits.TrailingZeros64(x))*n+i] = 1
			}
		}
	}
	inv := t.inverse
	for i := range n {
		clear(inv[i*t.wide : i*t.wide+n])
		inv[i*t.wide+i] = 1
	}
	for c := range n { // Gauss and Jordan, the largest element first
		at := c
		for i := c + 1; i < n; i++ {
			if math.Abs(a[i*n+c]) > math.Abs(a[at*n+c]) {
				at = i
			}
		}
		if math.Abs(a[at*n+c]) < 1e-9 {
			return false
		}
		top, under := a[c*n:c*n+n], inv[c*t.wide:c*t.wide+n]
		if at != c {
			other, below := a[at*n:at*n+n], inv[at*t.wide:at*t.wide+n]
			for k := range top {
				top[k], other[k] = other[k], top[k]
				under[k], below[k] = below[k], under[k]
			}
		}
		scale := 1 / top[c]
		for k := range top {
			top[k] = float64(top[k] * scale)
			under[k] = float64(under[k] * scale)
		}
		for i := range n {
			f := a[i*n+c]
			if i == c || f == 0 {
				continue
			}
			row, beside := a[i*n:i*n+n], inv[i*t.wide:i*t.wide+n]
			for k := c; k < n; k++ {
				row[k] -= float64(f * top[k])
			}
			for k, x := range under {
				beside[k] -= float64(f * x)
			}
		}
	}
	for i := range n {
		sum := 0.0
		for k, x := range inv[i*t.wide : i*t.wide+n] {
			sum += float64(x * t.right[k])
		}
		t.value[i] = sum
	}
	return true
}
