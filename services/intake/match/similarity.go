package match

// edits is the optimal string alignment distance of a and b (insert, delete,
// replace, swap of neighbours), cut off: any distance above limit is limit+1.
// Source: the restricted Damerau–Levenshtein recurrence.
func edits(a, b string, limit int) int {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > limit {
		return limit + 1
	}
	for len(a) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	if len(a) == 0 {
		return min(len(b), limit+1)
	}
	const most = 63
	if len(b) > most {
		a, b = a[:min(len(a), most)], b[:most]
	}
	var rows [3][most + 1]uint8
	prev2, prev, cur := &rows[0], &rows[1], &rows[2]
	for j := 0; j <= len(b); j++ {
		prev[j] = uint8(j)
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = uint8(i)
		best := cur[0]
		for j := 1; j <= len(b); j++ {
			c := uint8(1)
			if a[i-1] == b[j-1] {
				c = 0
			}
			d := min(prev[j]+1, cur[j-1]+1, prev[j-1]+c)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, prev2[j-2]+1)
			}
			cur[j] = d
			best = min(best, d)
		}
		if int(best) > limit {
			return limit + 1
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return min(int(prev[len(b)]), limit+1)
}

// jaroWinkler is the Jaro–Winkler similarity in [0,1] with the usual prefix
// scale 0.1 over at most four characters.
func jaroWinkler(a, b string) float64 {
	if len(a) > 64 {
		a = a[:64]
	}
	if len(b) > 64 {
		b = b[:64]
	}
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	if len(a) > len(b) {
		a, b = b, a
	}
	window := max(len(b)/2-1, 0)
	var usedA, usedB uint64
	m := 0
	for i := 0; i < len(a); i++ {
		for j := max(0, i-window); j <= min(len(b)-1, i+window); j++ {
			if usedB>>uint(j)&1 == 0 && a[i] == b[j] {
				usedA |= 1 << uint(i)
				usedB |= 1 << uint(j)
				m++
				break
			}
		}
	}
	if m == 0 {
		return 0
	}
	swaps, j := 0, 0
	for i := 0; i < len(a); i++ {
		if usedA>>uint(i)&1 == 0 {
			continue
		}
		for usedB>>uint(j)&1 == 0 {
			j++
		}
		if a[i] != b[j] {
			swaps++
		}
		j++
	}
	fm := float64(m)
	jaro := (fm/float64(len(a)) + fm/float64(len(b)) + (fm-float64(swaps)/2)/fm) / 3
	p := 0
	for p < 4 && p < len(a) && a[p] == b[p] {
		p++
	}
	return jaro + float64(p)*0.1*(1-jaro)
}
