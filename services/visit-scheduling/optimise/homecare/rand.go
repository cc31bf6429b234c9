package homecare

import "math/bits"

// source is wyrand: small, fast, and the same on every machine.
type source struct{ s uint64 }

func (r *source) next() uint64 {
	r.s += 0xa0761d6478bd642f
	hi, lo := bits.Mul64(r.s, r.s^0xe7037ed1a0b428db)
	return hi ^ lo
}

// intn returns a number in [0,n), n > 0.
func (r *source) intn(n int) int {
	hi, _ := bits.Mul64(r.next(), uint64(n))
	return int(hi)
}

// unit returns a number in (0,1].
func (r *source) unit() float64 { return float64(r.next()>>11+1) / (1 << 53) }
