package match_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/services/intake/match"
	"github.com/hearthfps/hearth/services/intake/match/population"
)

// invented fills a dataset and says who is who.
func invented(t testing.TB, n int, seed uint64) (*match.Dataset, []int32) {
	t.Helper()
	d, err := match.NewDataset(match.Columns{})
	if err != nil {
		t.Fatal(err)
	}
	var truth []int32
	population.Generate(population.BuiltIn(), population.Default(n, seed), func(p *match.Person, id int) {
		d.Add(p, 0)
		truth = append(truth, int32(id))
	})
	return d, truth
}

// quick settings spare random pairs; everything else is as for every file.
func quick() match.Settings {
	s := match.DefaultSettings()
	s.RandomPairs = 100_000
	s.RulePairs = 8_000
	return s
}

// pairsOf counts the pairs two groupings have in common, and each by itself.
func pairsOf(found, truth []int32) (both, a, b float64) {
	type cell struct{ a, b int32 }
	n := map[cell]float64{}
	na, nb := map[int32]float64{}, map[int32]float64{}
	for i := range found {
		n[cell{found[i], truth[i]}]++
		na[found[i]]++
		nb[truth[i]]++
	}
	for _, k := range n {
		both += k * (k - 1) / 2
	}
	for _, k := range na {
		a += k * (k - 1) / 2
	}
	for _, k := range nb {
		b += k * (k - 1) / 2
	}
	return both, a, b
}

func TestDedupe_LearnsFamiliesWithoutLabels(t *testing.T) {
	// Households of one surname, address and phone, with twins and namesakes:
	// without kin as a kind of pair of its own, precision here is 0.3.
	d, truth := invented(t, 8000, 77)
	res, err := match.Dedupe(d, quick())
	if err != nil {
		t.Fatal(err)
	}
	both, found, want := pairsOf(res.Persons, truth)
	precision, recall := both/found, both/want
	if precision < 0.97 || recall < 0.97 {
		t.Errorf("precision %.4f, recall %.4f; want both at least 0.97", precision, recall)
	}
	if res.Expected < 0.9*want || res.Expected > 1.1*want {
		t.Errorf("%.0f matching pairs expected by the probabilities, %.0f there are; want them within a tenth", res.Expected, want)
	}
	if most := 2 * match.DefaultSettings().Candidates; res.Candidates.Max > most {
		t.Errorf("a record was compared with %d others, the bound is %d", res.Candidates.Max, most)
	}
}

func TestDedupe_ProbabilitiesAreCalibrated(t *testing.T) {
	d, truth := invented(t, 8000, 78)
	res, err := match.Dedupe(d, quick())
	if err != nil {
		t.Fatal(err)
	}
	off, total := 0.0, 0.0
	for _, b := range match.Calibration(res.Pairs, truth) {
		t.Logf("said %.3f, were %.3f, of %d pairs", b.Said, b.Were, b.Pairs)
		off += float64(b.Pairs) * max(b.Said-b.Were, b.Were-b.Said)
		total += float64(b.Pairs)
	}
	if off/total > 0.05 {
		t.Errorf("probabilities are off by %.3f on average, want at most 0.05", off/total)
	}
}

func TestDedupe_IsTheSameOnOneCoreAndTwo(t *testing.T) {
	d, _ := invented(t, 1500, 5)
	one, two := quick(), quick()
	one.Workers, two.Workers = 1, 2
	a, err := match.Dedupe(d, one)
	if err != nil {
		t.Fatal(err)
	}
	b, err := match.Dedupe(d, two)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(a.Persons, b.Persons); diff != "" {
		t.Errorf("persons differ: %s", diff)
	}
	if diff := cmp.Diff(a.Pairs, b.Pairs); diff != "" {
		t.Errorf("pairs differ: %s", diff)
	}
}

func TestDedupe_FailsLoudlyWhereNothingCanBeLearnt(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	random := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte('a' + rng.IntN(26))
		}
		return string(b)
	}
	for name, person := range map[string]func(i int) match.Person{
		"nothing known": func(int) match.Person { return match.Person{} },
		"all the same": func(int) match.Person {
			return match.Person{Given: []string{"Anna"}, Family: "Smith", BirthDate: match.Date{Year: 2000, Month: 1, Day: 1}}
		},
		"nobody twice": func(i int) match.Person {
			return match.Person{
				Given: []string{random(8)}, Family: random(9),
				BirthDate:   match.Date{Year: 1900 + i%100, Month: 1 + rng.IntN(12), Day: 1 + rng.IntN(28)},
				Identifiers: []match.Identifier{{System: "s", Value: random(12)}},
			}
		},
	} {
		d, err := match.NewDataset(match.Columns{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 400 {
			p := person(i)
			d.Add(&p, 0)
		}
		if res, err := match.Dedupe(d, quick()); !errors.Is(err, match.ErrImplausible) {
			t.Errorf("%s: %v, %v; want ErrImplausible", name, res, err)
		}
	}
	few, _ := invented(t, 20, 1)
	if _, err := match.Dedupe(few, quick()); !errors.Is(err, match.ErrImplausible) {
		t.Errorf("twenty records: %v; want ErrImplausible", err)
	}
}

func TestDedupe_RefusesEmptySettings(t *testing.T) {
	d, _ := invented(t, 100, 1)
	if _, err := match.Dedupe(d, match.Settings{}); err == nil {
		t.Error("settings of zero accepted")
	}
	if _, err := match.Learn(d, match.Settings{}, match.Made{}); err == nil {
		t.Error("settings of zero accepted to learn under")
	}
}

func TestDedupe_LinksTwoFilesOnlyAcross(t *testing.T) {
	d, err := match.NewDataset(match.Columns{})
	if err != nil {
		t.Fatal(err)
	}
	var truth []int32
	var source []int8
	seen := map[int]int{}
	population.Generate(population.BuiltIn(), population.Default(8000, 6), func(p *match.Person, id int) {
		if seen[id]++; seen[id] > 2 {
			return
		}
		source = append(source, int8(seen[id]-1))
		d.Add(p, source[len(source)-1])
		truth = append(truth, int32(id))
	})
	res, err := match.Dedupe(d, quick())
	if err != nil {
		t.Fatal(err)
	}
	hit, n := 0.0, 0.0
	for _, p := range res.Pairs {
		if source[p.A] == source[p.B] {
			t.Fatalf("records %d and %d of one file were paired", p.A, p.B)
		}
		if p.LogOdds > 0 {
			n++
			if truth[p.A] == truth[p.B] {
				hit++
			}
		}
	}
	want := 0.0
	for _, k := range seen {
		if k > 1 {
			want++
		}
	}
	if hit/n < 0.97 || hit/want < 0.95 {
		t.Errorf("precision %.3f, recall %.3f; want at least 0.97 and 0.95", hit/n, hit/want)
	}
}

func TestLearn_ArtefactReadsBackTheSame(t *testing.T) {
	d, _ := invented(t, 4000, 8)
	m, err := match.Learn(d, quick(), match.Made{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	var first, second bytes.Buffer
	if _, err := m.WriteTo(&first); err != nil {
		t.Fatal(err)
	}
	again, err := match.ReadModel(bytes.NewReader(first.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.WriteTo(&second); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) || again.ID() != m.ID() {
		t.Fatalf("read back as %s, was %s", again.ID(), m.ID())
	}
	for i, p := range people(50, 2) {
		q := people(50, 2)[(i+1)%50]
		if diff := cmp.Diff(m.Compare(p, q), again.Compare(p, q)); diff != "" {
			t.Fatalf("scores differ: %s", diff)
		}
		if diff := cmp.Diff(m.Keys(p), again.Keys(p)); diff != "" {
			t.Fatalf("keys differ: %s", diff)
		}
	}
}

func TestReadModel_RefusesWhatIsNoModel(t *testing.T) {
	var good bytes.Buffer
	m, err := match.DefaultModel()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.WriteTo(&good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"another format":         {`"format": 1`, `"format": 2`},
		"another language table": {`"language_tables": "`, `"language_tables": "0`},
		"no costs":               {`"false_link": 1000`, `"false_link": 0`},
		"prior of one":           {`"prior_same": 0`, `"prior_same": 1`},
		"unknown rule":           {`"name+date"`, `"shoe-size"`},
		"unknown field":          {`"format": 1`, `"form": 1`},
	} {
		bad := bytes.Replace(good.Bytes(), []byte(change[0]), []byte(change[1]), 1)
		if bytes.Equal(bad, good.Bytes()) {
			t.Fatalf("%s: nothing changed", name)
		}
		if _, err := match.ReadModel(bytes.NewReader(bad)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func FuzzReadModel(f *testing.F) {
	m, err := match.DefaultModel()
	if err != nil {
		f.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := m.WriteTo(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte(`{"format":1}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := match.ReadModel(bytes.NewReader(raw))
		if err != nil {
			return
		}
		p := match.Person{Given: []string{"Anna"}, Family: "Smith", BirthDate: match.Date{Year: 2000}}
		if s := m.Compare(&p, &p); !(s.P >= 0 && s.P <= 1) {
			t.Fatalf("a model was accepted that says p = %v", s.P)
		}
	})
}

func TestModel_PriorFallsWithThePopulation(t *testing.T) {
	m := model(t)
	p := match.Person{Given: []string{"Anna"}, Family: "Smith"}
	before := m.Compare(&p, &p).LogOdds
	for _, n := range []int{100_000, 1_000_000, 10_000_000} {
		larger, err := m.ForPopulation(n)
		if err != nil {
			t.Fatal(err)
		}
		after := larger.Compare(&p, &p).LogOdds
		if after >= before {
			t.Errorf("among %d persons log odds %.2f, among fewer %.2f", n, after, before)
		}
		before = after
	}
	if _, err := m.ForPopulation(0); err == nil {
		t.Error("a population of nobody accepted")
	}
}

func ExampleRank() {
	m, err := match.DefaultModel()
	if err != nil {
		fmt.Println(err)
		return
	}
	// As told on the telephone: a short form, and the year off by one.
	told := &match.Person{Given: []string{"Liz"}, Family: "Hartwell", BirthDate: match.Date{Year: 2014}}
	known := []*match.Person{
		{ID: "p1", Given: []string{"Oliver"}, Family: "Hartwell", BirthDate: match.Date{Year: 2016, Month: 2, Day: 9}},
		{ID: "p2", Given: []string{"Elizabeth"}, Family: "Hartwell", BirthDate: match.Date{Year: 2014, Month: 5, Day: 30}},
	}
	for _, s := range match.Rank(m, told, known) {
		fmt.Println(s.Person.ID, s.Zone)
	}
	// Output:
	// p2 ask
	// p1 new
}

// Links and keys made by the built-in model of before name it: it must stay what it was.
func TestEarlierModel_IsTheOneKeysStandUnder(t *testing.T) {
	m, err := match.EarlierModel()
	if err != nil {
		t.Fatal(err)
	}
	if m.ID() != "match/1/3437e43fcf25507667290673" || m.Scheme() != "e23727ee6e8450eb" {
		t.Errorf("model %s, scheme %s", m.ID(), m.Scheme())
	}
	today, err := match.DefaultModel()
	if err != nil {
		t.Fatal(err)
	}
	a := match.Person{Given: []string{"Aada"}, Family: "Lehtovaara", BirthDate: match.Date{Year: 2015, Month: 2, Day: 3}}
	b := match.Person{Given: []string{"Ada"}, Family: "Lehtovaara", BirthDate: match.Date{Year: 2015, Month: 2, Day: 3}}
	if got, want := today.Compare(&a, &b), m.Compare(&a, &b); got.LogOdds != want.LogOdds || got.Zone != want.Zone {
		t.Errorf("today's scores %v, the one before %v", got, want)
	}
}

// What a model compared before changes neither keys nor scores.
func TestModel_ComparesAndFindsAsIfForTheFirstTime(t *testing.T) {
	var persons []*match.Person
	population.Generate(population.BuiltIn(), population.Default(3000, 11), func(p *match.Person, _ int) {
		q := *p
		persons = append(persons, &q)
	})
	model := func() *match.Model {
		m, err := match.DefaultModel()
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	used := model()
	for i := range persons[1:] {
		used.Compare(persons[i], persons[i+1])
	}
	for from := 0; from+25 <= len(persons); from += 600 {
		some, fresh := persons[from:from+25], model()
		for _, p := range some {
			if diff := cmp.Diff(fresh.IndexKeys(p), used.IndexKeys(p)); diff != "" {
				t.Errorf("keys (-fresh +used):\n%s", diff)
			}
			if diff := cmp.Diff(match.Rank(fresh, p, some), match.Rank(used, p, some)); diff != "" {
				t.Errorf("ranked (-fresh +used):\n%s", diff)
			}
		}
	}
}

// The index of the built-in model is chosen for a million persons: few keys a person,
// that find nearly all of the pairs there are, and few others.
func TestDefaultModel_ItsIndexFindsMuchWithFewKeys(t *testing.T) {
	m, err := match.DefaultModel()
	if err != nil {
		t.Fatal(err)
	}
	var firsts, again []*match.Person
	var of []int
	last := -1
	set := population.Default(40_000, 5)
	set.Households = 0
	population.Generate(population.BuiltIn(), set, func(p *match.Person, person int) {
		q := *p
		if person == last {
			again, of = append(again, &q), append(of, len(firsts)-1)
			return
		}
		last = person
		firsts = append(firsts, &q)
	})
	by := map[uint64][]int{}
	keys := 0
	for i, p := range firsts {
		for _, k := range m.IndexKeys(p) {
			by[k.Hash] = append(by[k.Hash], i)
			keys++
		}
	}
	found, alike, read := 0, 0, 0
	for i, q := range again {
		if m.Compare(q, firsts[of[i]]).Zone == match.New {
			continue // not to be seen, whether they are found or not
		}
		alike++
		there := false
		for _, k := range m.IndexKeys(q) {
			read += len(by[k.Hash])
			there = there || slices.Contains(by[k.Hash], of[i])
		}
		if there {
			found++
		}
	}
	share, mean, candidates := float64(found)/float64(alike), float64(keys)/float64(len(firsts)), float64(read)/float64(alike)
	t.Logf("%d persons, %.1f keys each; of %d pairs %.4f found, reading %.1f persons", len(firsts), mean, alike, share, candidates)
	if share < 0.98 || mean > 11 || candidates > 20 {
		t.Errorf("found %.4f (want 0.98), %.1f keys a person (at most 11), %.1f persons read (at most 20)", share, mean, candidates)
	}
}

func TestIndexedBy_RefusesWhatItCannotChooseBy(t *testing.T) {
	m, err := match.DefaultModel()
	if err != nil {
		t.Fatal(err)
	}
	d, truth := invented(t, 3000, 7)
	if _, err := m.IndexedBy(d, truth[1:], 3000); err == nil {
		t.Error("a person too few, and no error")
	}
	other, err := match.NewDataset(match.Columns{Attributes: []string{"school"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.IndexedBy(other, nil, 3000); err == nil {
		t.Error("other columns, and no error")
	}
	again, err := m.IndexedBy(d, truth, 3000)
	if err != nil {
		t.Fatal(err)
	}
	twice, err := m.IndexedBy(d, truth, 3000)
	if err != nil || again.ID() != twice.ID() || again.ID() == m.ID() {
		t.Errorf("models %s and %s of %s: %v", again.ID(), twice.ID(), m.ID(), err)
	}
}
