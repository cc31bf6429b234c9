package match

import "fmt"

// A model's rules are chosen so that each pair is found several ways, which a
// file that is resolved in memory can afford. An index pays for each key with a
// row, and again with each look-up; its rules are the few of them that find
// almost as much.
const (
	// indexLeast is the share of all pairs a further rule must find.
	indexLeast = 5e-4
	// indexBlock is the size from which a block finds nobody: an index reads at
	// most so many persons of one key.
	indexBlock = 32
	// indexPairs bounds the pairs rules are judged by.
	indexPairs = 200_000
)

// chooseIndex chooses, of the model's rules, those an index keeps keys of: by the
// pairs of one person found (person numbers the person of each record) that each
// finds and none before it did, over what its keys and candidates cost.
func chooseIndex(f *frame, rules []rule, person []int32) []int {
	pairs := pairsOf(person)
	type yield struct {
		cost  float64
		finds []bool
	}
	all := make([]yield, len(rules))
	for i, r := range rules {
		all[i].cost, all[i].finds = yieldOf(f, r, pairs)
	}
	found := make([]bool, len(pairs))
	var chosen []int
	for len(chosen) < len(rules) {
		best, bestWorth, bestNew := -1, 0.0, 0
		for i := range all {
			fresh := 0
			for k, finds := range all[i].finds {
				if finds && !found[k] {
					fresh++
				}
			}
			if worth := float64(fresh) / all[i].cost; worth > bestWorth {
				best, bestWorth, bestNew = i, worth, fresh
			}
		}
		if best < 0 || float64(bestNew) < indexLeast*float64(len(pairs)) {
			break
		}
		chosen = append(chosen, best)
		for k, finds := range all[best].finds {
			found[k] = found[k] || finds
		}
	}
	return chosen
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

// yieldOf says what a rule costs an index for each person, in keys (a candidate
// is taken for a fiftieth of one), and which of the pairs it finds.
func yieldOf(f *frame, r rule, pairs [][2]int32) (cost float64, finds []bool) {
	k := newKeyer(f)
	var buf []uint64
	keys := make([][]uint64, f.len())
	size := map[uint64]int{}
	total := 0
	for i := range keys {
		buf = k.keys(int32(i), r, buf[:0])
		keys[i] = append([]uint64(nil), buf...)
		total += len(buf)
		for _, h := range buf {
			size[h]++
		}
	}
	mates := 0.0
	for _, n := range size {
		mates += float64(n) * float64(min(n, indexBlock)-1)
	}
	finds = make([]bool, len(pairs))
	for i, p := range pairs {
		for _, x := range keys[p[0]] {
			for _, y := range keys[p[1]] {
				finds[i] = finds[i] || x == y && size[x] <= indexBlock
			}
		}
	}
	n := float64(f.len())
	return 0.05 + float64(total)/n + 0.02*mates/n, finds
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
