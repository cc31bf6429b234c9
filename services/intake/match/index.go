package match

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// A model's rules are chosen so that each pair is found several ways, which a
// file that is resolved in memory can afford. An index pays for each key with a
// row, and again with each look-up, and it grows: its rules are few that find
// almost as much, chosen for the size it is to serve. At that size one name, or a
// name and a year, finds hundreds, of whom a few are read; two names and a year
// find the person.
const (
	// indexServes is the number of persons an index is chosen for at least.
	indexServes = 1_000_000
	// indexLeast is the share of all pairs a rule must find, that no other does, for
	// what a key costs.
	indexLeast = 1e-3
	// indexBlock is how many persons an index reads of one key, the newest. Of a key
	// with more it finds each by chance.
	indexBlock = 32
	// indexRead is what reading a candidate costs beside keeping a key.
	indexRead = 0.1
	// indexPairs bounds the pairs rules are judged by.
	indexPairs = 200_000
)

// indexLibrary is what an index's rules are chosen from: those of a fit but for the
// household, which no report knows beforehand, and two names, or all of the date,
// with one thing more.
func indexLibrary() []rule {
	var rules []rule
	for _, r := range allRules() {
		if r.a != atomHousehold && r.b != atomHousehold {
			rules = append(rules, r)
		}
	}
	for _, with := range []atom{atomYear, atomYearMonth, atomMonthDay, atomDateDigits, atomPlace, atomArea, atomPostcode, atomStreet} {
		rules = append(rules, rule{atomNames, with})
		if with != atomYear {
			rules = append(rules, rule{atomName, with})
		}
	}
	return append(rules, rule{atomSound, atomDate}, rule{atomCanon, atomDate}, rule{atomEnds, atomDate})
}

// indexYield is what a rule costs an index for each person, in keys, and the chance
// that it finds each of the pairs it is judged by.
type indexYield struct {
	cost  float64
	finds []float32
}

// IndexedBy returns the model with an index's rules chosen anew from more records than
// it was learnt from; person numbers the person of each, and population is how many
// persons the index serves.
func (m *Model) IndexedBy(d *Dataset, person []int32, population int) (*Model, error) {
	if len(person) != d.Len() {
		return nil, fmt.Errorf("choose an index: %d persons for %d records", len(person), d.Len())
	}
	if !slices.Equal(d.f.schema, m.schema) {
		return nil, errors.New("choose an index: the records have other columns than the model")
	}
	c := *m
	c.rules, c.index = withIndex(m.rules, chooseIndex(d.f, person, population))
	return &c, c.seal()
}

// chooseIndex chooses the rules an index of that many persons keeps keys of: by the
// pairs of one person found (person numbers the person of each record) that each
// finds and those before it did not, over what its keys and candidates cost. Those
// that the later ones made superfluous are left out.
func chooseIndex(f *frame, person []int32, serves int) []rule {
	pairs := pairsOf(person)
	if len(pairs) == 0 {
		return nil
	}
	size := scaleOf(f, person, max(serves, indexServes))
	library := indexLibrary()
	all := make([]indexYield, len(library))
	for i, r := range library {
		all[i] = yieldOf(f, r, pairs, size)
	}
	var chosen []int
	missed := missedBy(all, nil, -1)
	worth := func(i int) float64 {
		fresh := 0.0
		for k, p := range all[i].finds {
			fresh += missed[k] * float64(p)
		}
		return fresh / float64(len(pairs)) / all[i].cost
	}
	for len(chosen) < len(library) {
		best, bestWorth := -1, 0.0
		for i := range all {
			if w := worth(i); w > bestWorth {
				best, bestWorth = i, w
			}
		}
		if best < 0 || bestWorth < indexLeast {
			break
		}
		chosen = append(chosen, best)
		missed = missedBy(all, chosen, -1)
	}
	for len(chosen) > 0 {
		least, leastWorth := -1, math.Inf(1)
		for at := range chosen {
			missed = missedBy(all, chosen, at)
			if w := worth(chosen[at]); w < leastWorth {
				least, leastWorth = at, w
			}
		}
		if leastWorth >= indexLeast {
			break
		}
		chosen = slices.Delete(chosen, least, least+1)
	}
	rules := make([]rule, len(chosen))
	for j, i := range chosen {
		rules[j] = library[i]
	}
	return rules
}

// missedBy are the chances that the chosen rules, but the one at without, find none
// of a pair.
func missedBy(all []indexYield, chosen []int, without int) []float64 {
	missed := make([]float64, len(all[0].finds))
	for k := range missed {
		missed[k] = 1
		for at, i := range chosen {
			if at != without {
				missed[k] *= 1 - float64(all[i].finds[k])
			}
		}
	}
	return missed
}

// withIndex adds rules to a model's and gives their numbers among them.
func withIndex(rules, index []rule) (all []rule, numbers []int) {
	all = slices.Clone(rules)
	for _, r := range index {
		at := slices.Index(all, r)
		if at < 0 {
			at = len(all)
			all = append(all, r)
		}
		numbers = append(numbers, at)
	}
	return all, numbers
}

// pairsOf lists pairs of records of one person: the first few of each, which is
// all of nearly everybody's.
func pairsOf(person []int32) [][2]int32 {
	const most = 6
	records := map[int32][]int32{}
	var pairs [][2]int32
	for r, p := range person {
		if len(pairs) == indexPairs || len(records[p]) == most {
			continue
		}
		for _, other := range records[p] {
			pairs = append(pairs, [2]int32{other, int32(r)})
		}
		records[p] = append(records[p], int32(r))
	}
	return pairs
}

// blockSize says how many persons an index of a size reads a block of a sample has.
type blockSize struct {
	person, family []int32 // by record
	scale          float64 // persons of the index for one of the sample
}

func scaleOf(f *frame, person []int32, serves int) blockSize {
	persons := map[int32]struct{}{}
	for _, p := range person {
		persons[p] = struct{}{}
	}
	return blockSize{person, familiesOf(f, person), max(1, float64(serves)/float64(len(persons)))}
}

// familiesOf numbers the family of each record: the persons of one family name in one
// street, as any of a person's records has it. They share a block because of one
// another and not by chance, and however the index grows they do not become more.
func familiesOf(f *frame, person []int32) []int32 {
	k := newKeyer(f)
	of := map[int32]int32{} // family by person
	by := map[uint64]int32{}
	for i, p := range person {
		names, streets := f.of(int32(i), slotFamily), f.of(int32(i), slotStreet)
		if _, known := of[p]; known || len(names) == 0 || len(streets) == 0 {
			continue
		}
		key := mix(k.sound(names[0])) + textHash(f.lex[slotStreet].text(streets[0]))
		if _, known := by[key]; !known {
			by[key] = p
		}
		of[p] = by[key]
	}
	family := make([]int32, len(person))
	for i, p := range person {
		family[i] = p
		if home, known := of[p]; known {
			family[i] = home
		}
	}
	return family
}

// of is the size of a block of so many persons and families in the sample: one is
// looked for with their family, and the others are as many times more as the index
// is larger.
func (b blockSize) of(persons, families int) float64 {
	return float64(persons) + float64(families-1)*float64(persons)/float64(families)*(b.scale-1)
}

// yieldOf says what a rule costs and which of the pairs it finds.
func yieldOf(f *frame, r rule, pairs [][2]int32, size blockSize) indexYield {
	k := newKeyer(f)
	var buf []uint64
	keys := make([][]uint64, f.len())
	total := 0
	var all []keyed
	for i := range keys {
		buf = k.keys(int32(i), r, buf[:0])
		slices.Sort(buf)
		keys[i] = slices.Clone(slices.Compact(buf))
		total += len(keys[i])
		for _, h := range keys[i] {
			all = append(all, keyed{h, int32(i)})
		}
	}
	n := float64(f.len())
	y := indexYield{cost: 0.05, finds: make([]float32, len(pairs))}
	if total == 0 {
		return y
	}
	persons := map[uint64]float64{}
	read := 0.0
	all = sortKeyed(all)
	var people, families []int32
	for i := 0; i < len(all); {
		j := i
		people, families = people[:0], families[:0]
		for ; j < len(all) && all[j].key == all[i].key; j++ {
			people, families = append(people, size.person[all[j].rec]), append(families, size.family[all[j].rec])
		}
		block := size.of(distinct(people), distinct(families))
		persons[all[i].key] = block
		read += float64(j-i) * min(block-1, indexBlock)
		i = j
	}
	for i, p := range pairs {
		missed := 1.0
		for _, x := range keys[p[0]] {
			if _, shared := slices.BinarySearch(keys[p[1]], x); shared {
				missed *= 1 - min(1, indexBlock/persons[x])
			}
		}
		y.finds[i] = float32(1 - missed)
	}
	y.cost += float64(total)/n + indexRead*read/n
	return y
}

// indexed checks the numbers of an index's rules.
func indexed(index []int, rules int) error {
	seen := map[int]bool{}
	for _, i := range index {
		if i < 0 || i >= rules || seen[i] {
			return fmt.Errorf("index rule %d: want each rule of the %d at most once", i, rules)
		}
		seen[i] = true
	}
	return nil
}

// maxIndexKeys bounds the keys of one person in an index, whatever the number of
// their names, addresses and telephones.
const maxIndexKeys = 48

// IndexKeys are the keys an index keeps of a person and looks them up by: those of
// the rules chosen for it, some ten, and in any case at most 48. Persons who share
// one are candidates.
func (m *Model) IndexKeys(p *Person) []Key {
	if len(m.index) == 0 {
		keys := m.Keys(p)
		return keys[:min(len(keys), maxIndexKeys)]
	}
	return m.keysOf(p, m.index, maxIndexKeys)
}

// Scheme is a hash of all that a person's index keys depend on beside the person:
// models of one scheme find by the same keys.
func (m *Model) Scheme() string {
	h := newHash().text(m.tab.digest)
	for _, s := range m.schema {
		h = h.text(s.String())
	}
	index := m.index
	if len(index) == 0 {
		for i := range m.rules {
			index = append(index, i)
		}
	}
	for _, i := range index {
		h = h.text(m.rules[i].String())
	}
	return fmt.Sprintf("%016x", uint64(h))
}

// distinct counts what is in list, which it sorts.
func distinct(list []int32) int {
	slices.Sort(list)
	return len(slices.Compact(list))
}
