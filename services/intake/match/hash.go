package match

// hash64 is FNV-1a, kept here so that keys and artefacts never depend on a
// library's seed: the same person has the same keys on every machine.
type hash64 uint64

func newHash() hash64 { return 14695981039346656037 }

func (h hash64) byte(b byte) hash64 { return (h ^ hash64(b)) * 1099511628211 }

func (h hash64) bytes(b []byte) hash64 {
	for _, c := range b {
		h = (h ^ hash64(c)) * 1099511628211
	}
	return h
}

// text mixes in a string and its end, so that ("ab","c") and ("a","bc") differ.
func (h hash64) text(s string) hash64 {
	for i := 0; i < len(s); i++ {
		h = (h ^ hash64(s[i])) * 1099511628211
	}
	return (h ^ 0xff) * 1099511628211
}

func (h hash64) num(n uint64) hash64 {
	for i := 0; i < 8; i++ {
		h = (h ^ hash64(n&0xff)) * 1099511628211
		n >>= 8
	}
	return h
}

// mix spreads the bits (the finaliser of splitmix64), for use in hash tables.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}
