package match

import "math"

// frequencies hold, for every value of every slot, the chance that a random
// other person has it, as log2. Agreement on a rare value is worth more.
type frequencies struct {
	schema schema
	logU   [][]float32 // by slot and value; nil for dates and slots without
	floor  []float32   // by slot: a value never seen
	year   []float32   // log2 by year
	day    []float32   // log2 by month*100+day
}

// countFrequencies counts values by person, not by record: person[r] numbers
// who record r is believed to be, nil means every record is someone else.
// Counts are discounted as in absolute discounting (Kneser, Ney 1995): a value
// one person has been seen with is not thereby seen on a random other, so a
// phone number everybody has for himself comes out rare and a surname does not.
func countFrequencies(f *frame, person []int32) *frequencies {
	return countValues(f, person, 1)
}

// countValues is countFrequencies for records not yet grouped: each is how
// many records a person has on average, by which counts are divided.
func countValues(f *frame, person []int32, each float64) *frequencies {
	q := &frequencies{
		schema: f.schema, logU: make([][]float32, len(f.schema)), floor: make([]float32, len(f.schema)),
		year: make([]float32, 10000), day: make([]float32, 10000),
	}
	order := make([]int32, f.len()) // records grouped by person
	if person == nil {
		for i := range order {
			order[i] = int32(i)
		}
	} else {
		order = groupByPerson(person)
	}
	for s := range f.schema {
		if !f.used[s] || f.schema[s].Kind == kindSex {
			continue
		}
		if f.schema[s].Kind == kindDate {
			years, days := make([]uint32, 10000), make([]uint32, 10000)
			lastY, lastD := make([]int32, 10000), make([]int32, 10000)
			known := count(f, s, order, person, func(v uint32, p int32) {
				bump(years, lastY, v/10000, p)
				bump(days, lastD, v%10000, p)
			})
			q.year, _ = discount(years, known, each)
			q.day, q.floor[s] = discount(days, known, each)
			continue
		}
		counts := make([]uint32, f.lex[s].size())
		last := make([]int32, len(counts))
		known := count(f, s, order, person, func(v uint32, p int32) { bump(counts, last, v, p) })
		q.logU[s], q.floor[s] = discount(counts, known, each)
	}
	return q
}

func groupByPerson(person []int32) []int32 {
	top := int32(0)
	for _, p := range person {
		top = max(top, p)
	}
	start := make([]uint32, top+2)
	for _, p := range person {
		start[p+1]++
	}
	for i := 1; i < len(start); i++ {
		start[i] += start[i-1]
	}
	order := make([]int32, len(person))
	for r, p := range person {
		order[start[p]] = int32(r)
		start[p]++
	}
	return order
}

// count calls add for every value of slot s and returns how many persons have
// one at all.
func count(f *frame, s int, order, person []int32, add func(v uint32, p int32)) (known float64) {
	lastKnown := int32(-1)
	for _, r := range order {
		p := r
		if person != nil {
			p = person[r]
		}
		vs := f.of(r, s)
		if len(vs) > 0 && p != lastKnown {
			known++
			lastKnown = p
		}
		for _, v := range vs {
			add(v, p)
		}
	}
	return known
}

// bump counts value v once a person; last remembers who was counted last.
func bump(counts []uint32, last []int32, v uint32, p int32) {
	if last[v] != p+1 {
		counts[v]++
		last[v] = p + 1
	}
}

func discount(counts []uint32, known, each float64) (logs []float32, floor float32) {
	persons := func(c uint32) float64 {
		if c == 0 || each == 1 {
			return float64(c)
		}
		return max(1, float64(c)/each)
	}
	known /= each
	var once, twice float64
	for _, c := range counts {
		switch math.Round(persons(c)) {
		case 1:
			once++
		case 2:
			twice++
		}
	}
	d := 0.5
	if once > 0 {
		d = once / (once + 2*twice)
	}
	const least = 0.05 // of one person: no value is taken to be rarer
	known = max(known, 1)
	logs = make([]float32, len(counts))
	for i, c := range counts {
		logs[i] = float32(math.Log2(min(1, max(persons(c)-d, least)/known)))
	}
	return logs, float32(math.Log2(min(1, max(1-d, least)/known)))
}

// of is the log2 chance that a random other person has value v of slot s.
func (q *frequencies) of(s uint8, v uint32) float32 {
	if s == slotEither {
		return max(q.of(slotGiven, v), q.of(slotFamily, v))
	}
	if q.schema[s].Kind == kindDate {
		return q.year[v/10000] + q.day[v%10000]
	}
	if l := q.logU[s]; int(v) < len(l) {
		return l[v]
	}
	return q.floor[s]
}
