// Package chance is the randomness of every search: a source, the thresholds of
// annealing and their cooling.
//
//  1. The same seed gives the same numbers on every machine: integers, a table,
//     and single float64 operations that IEEE 754 rounds one way. No sum of
//     products, which some processors fuse, and no function of package math that
//     differs between them.
//  2. Nothing is shared: each search has its own Source.
package chance

import (
	"math"
	"math/bits"
)

// Source is wyrand: small and fast. Its value is the seed.
type Source struct{ s uint64 }

// New is the source of a numbered stream of a seed. Streams of one seed are
// independent of each other.
func New(seed, stream uint64) *Source {
	return &Source{seed*0x9e3779b97f4a7c15 + stream*0xd1342543de82ef95 + 1}
}

// Next returns 64 random bits.
func (r *Source) Next() uint64 {
	r.s += 0xa0761d6478bd642f
	hi, lo := bits.Mul64(r.s, r.s^0xe7037ed1a0b428db)
	return hi ^ lo
}

// Intn returns a number in [0,n), n > 0.
func (r *Source) Intn(n int) int {
	hi, _ := bits.Mul64(r.Next(), uint64(n))
	return int(hi)
}

// Unit returns a number in (0,1].
func (r *Source) Unit() float64 { return float64(r.Next()>>11+1) / (1 << 53) }

// Shuffle puts a in random order.
func (r *Source) Shuffle(a []int32) {
	for i := len(a) - 1; i > 0; i-- {
		j := r.Intn(i + 1)
		a[i], a[j] = a[j], a[i]
	}
}

// ln2 is the natural logarithm of 2 with 32 fractional bits.
const ln2 = 2977044472

// Exp returns an exponentially distributed number of mean 1: what -ln of a unit
// draw is, to six digits. Times a temperature it is how much worse an annealing
// step may be.
func (r *Source) Exp() float64 {
	x := r.Next() | 1
	n := bits.LeadingZeros64(x)
	hi, lo := bits.Mul64(uint64(n+1)<<32-log2(x<<n), ln2)
	return float64(hi<<32|lo>>32) / (1 << 32)
}

// log2 is the binary logarithm of m/2⁶³, the top bit of m set, with 32
// fractional bits.
func log2(m uint64) uint64 {
	f := m << 1
	i, rest := f>>56, f>>24&(1<<32-1)
	return logs[i] + (logs[i+1]-logs[i])*rest>>32
}

// Cool is hot·(cold/hot)^p, the temperature of a geometric cooling at progress p
// from 0 to 1. Temperatures are normal numbers, above 0; cold is not above hot.
func Cool(hot, cold, p float64) float64 {
	drop := float64(p * (log2Of(hot) - log2Of(cold)))
	whole := math.Ceil(drop)
	f := uint64((whole - drop) * (1 << 32)) // 2^-drop is 2^-whole · 2^f
	i := 0
	for i < 255 && logs[i+1] <= f {
		i++
	}
	step := float64(f-logs[i]) / float64(logs[i+1]-logs[i])
	return math.Ldexp(hot*((256+float64(i)+step)/256), -int(whole))
}

func log2Of(x float64) float64 {
	b := math.Float64bits(x)
	return float64(int(b>>52&0x7ff)-1023) + float64(float64(log2(1<<63|b<<11))/(1<<32))
}
