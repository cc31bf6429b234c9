package match_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/hearthfps/hearth/services/intake/match"
	"github.com/hearthfps/hearth/services/intake/match/population"
)

// model is the built-in model for a population small enough that likeness
// proves much: the hardest case for what must not be linked.
func model(t testing.TB) *match.Model {
	t.Helper()
	m, err := match.DefaultModel()
	if err != nil {
		t.Fatal(err)
	}
	if m, err = m.ForPopulation(10_000); err != nil {
		t.Fatal(err)
	}
	return m
}

// people are records of an invented population.
func people(n int, seed uint64) []*match.Person {
	var out []*match.Person
	population.Generate(population.BuiltIn(), population.Default(n, seed), func(p *match.Person, _ int) { out = append(out, p) })
	return out
}

// pair is two persons who are not one, however alike.
type pair struct {
	kind string
	a, b match.Person
}

// adversary makes pairs of different persons of one family out of a record.
type adversary struct {
	rng   *rand.Rand
	given []string
}

func (v *adversary) name() string { return v.given[v.rng.IntN(len(v.given))] }

// slip changes one letter: the names of twins often differ by no more.
func (v *adversary) slip(s string) string {
	r := []rune(strings.ToLower(s))
	i := v.rng.IntN(len(r))
	for r[i] < 'a' || r[i] > 'z' { // ä for a would be no other name
		i = v.rng.IntN(len(r))
	}
	r[i] = 'a' + (r[i]-'a'+1+rune(v.rng.IntN(25)))%26
	return string(r)
}

func (v *adversary) twin(p match.Person) match.Person {
	t := p
	for t.Given = []string{v.name()}; t.Given[0] == p.Given[0]; {
		t.Given = []string{v.name()}
	}
	near := v.rng.IntN(3) == 0
	if near {
		t.Given = []string{v.slip(p.Given[0])}
	}
	if v.rng.IntN(4) > 0 || near {
		t.Identifiers = nil // else the papers were mixed up
	}
	if v.rng.IntN(2) == 0 {
		t.Flags |= match.MultipleBirth
	}
	return t
}

func (v *adversary) sibling(p match.Person) match.Person {
	s := v.twin(p)
	s.Identifiers = nil
	s.BirthDate.Year += 1 + v.rng.IntN(9)
	s.BirthDate.Month = 1 + v.rng.IntN(12)
	return s
}

func (v *adversary) parent(p match.Person) match.Person {
	s := p
	s.Identifiers = nil
	switch v.rng.IntN(4) {
	case 0:
		s.BirthDate = match.Date{}
	case 1:
		s.BirthDate = match.Date{Year: p.BirthDate.Year - 18 - v.rng.IntN(25)}
	default:
		s.BirthDate = match.Date{Year: p.BirthDate.Year - 18 - v.rng.IntN(25), Month: 1 + v.rng.IntN(12), Day: 1 + v.rng.IntN(28)}
		if v.rng.IntN(10) == 0 { // born on the parent's birthday
			s.BirthDate.Month, s.BirthDate.Day = p.BirthDate.Month, p.BirthDate.Day
		}
	}
	return s
}

// adopted is the same child under another family name; without a wall between
// the records nobody but a person may put them together.
func (v *adversary) adopted(p match.Person, family match.Person) match.Person {
	s := p
	s.Family = family.Family
	s.Identifiers, s.Aliases = nil, nil
	if v.rng.IntN(2) == 0 {
		s.Addresses, s.Contacts, s.Household = family.Addresses, family.Contacts, family.Household
	}
	return s
}

func (v *adversary) unnamed(p match.Person) match.Person {
	s := v.twin(p)
	s.Given = []string{[]string{"Baby Boy", "Baby Girl", "UB", "Unknown", "Twin B", "Vauva", ""}[v.rng.IntN(7)]}
	return s
}

// pairs makes n pairs of every kind in turn.
func pairs(n int) []pair {
	v := &adversary{rng: rand.New(rand.NewPCG(11, 11))}
	var whole []*match.Person
	for _, p := range people(4*n, 5) {
		if p.BirthDate.Full() && len([]rune(p.Given[0])) > 2 && p.Family != "" {
			whole = append(whole, p)
			v.given = append(v.given, p.Given[0])
		}
	}
	kinds := []struct {
		name string
		make func(p, other match.Person) match.Person
	}{
		{"twin", func(p, _ match.Person) match.Person { return v.twin(p) }},
		{"sibling", func(p, _ match.Person) match.Person { return v.sibling(p) }},
		{"parent of the same name", func(p, _ match.Person) match.Person { return v.parent(p) }},
		{"adopted", v.adopted},
		{"unnamed twin", func(p, _ match.Person) match.Person { return v.unnamed(p) }},
	}
	var out []pair
	for i := 0; len(out) < n; i++ {
		k := kinds[i%len(kinds)]
		p, other := *whole[i%len(whole)], *whole[(i+7)%len(whole)]
		if k.name == "adopted" && other.Family[0] == p.Family[0] { // no other name, or a slip of it
			continue
		}
		out = append(out, pair{k.name, p, k.make(p, other)})
	}
	return out
}

func TestCompare_NeverLinksTwinsSiblingsNamesakesOrAdopted(t *testing.T) {
	m := model(t)
	asked := map[string]int{}
	all := pairs(10_000)
	for _, x := range all {
		for _, s := range []match.Score{m.Compare(&x.a, &x.b), m.Compare(&x.b, &x.a)} {
			if s.Zone == match.Link {
				t.Fatalf("%s linked at p = %.6f\n%+v\n%+v", x.kind, s.P, x.a, x.b)
			}
			if s.Zone == match.Ask {
				asked[x.kind]++
			}
		}
	}
	t.Logf("of %d pairs, both ways, asked about: %v", len(all), asked)
}

func TestCompare_LinksPlainRecordsOfOnePerson(t *testing.T) {
	// The guards would be worth nothing if nothing were ever linked.
	m := model(t)
	byPerson := map[int][]*match.Person{}
	population.Generate(population.BuiltIn(), population.Default(5000, 9), func(p *match.Person, id int) {
		byPerson[id] = append(byPerson[id], p)
	})
	var linked, asked, missed float64
	for _, records := range byPerson {
		for i := 1; i < len(records); i++ {
			switch m.Compare(records[0], records[i]).Zone {
			case match.Link:
				linked++
			case match.Ask:
				asked++
			default:
				missed++
			}
		}
	}
	all := linked + asked + missed
	if linked/all < 0.5 || missed/all > 0.03 {
		t.Fatalf("linked %.1f %%, asked %.1f %%, missed %.1f %%; want at least 50 %% linked and at most 3 %% missed",
			100*linked/all, 100*asked/all, 100*missed/all)
	}
}

func TestCompare_LinksNobodyElse(t *testing.T) {
	m := model(t)
	records, id := []*match.Person{}, []int{}
	population.Generate(population.BuiltIn(), population.Default(4000, 21), func(p *match.Person, person int) {
		records, id = append(records, p), append(id, person)
	})
	index := map[uint64][]int{}
	links, wrong := 0, 0
	for i, p := range records {
		seen := map[int]bool{}
		for _, k := range m.Keys(p) {
			for _, j := range index[k.Hash] {
				if seen[j] {
					continue
				}
				seen[j] = true
				if m.Compare(p, records[j]).Zone == match.Link {
					links++
					if id[i] != id[j] {
						wrong++
						t.Logf("linked wrongly:\n%+v\n%+v", *p, *records[j])
					}
				}
			}
			index[k.Hash] = append(index[k.Hash], i)
		}
	}
	if links < 1000 || wrong > links/1000 {
		t.Fatalf("%d of %d links wrong; the costs allow one in a thousand", wrong, links)
	}
}

func TestWall_NothingCrossesIt(t *testing.T) {
	m := model(t)
	for i, p := range people(2000, 3) {
		sealed := *p
		sealed.Compartment = "adoption-17"
		other := *p
		other.Compartment = "adoption-18"
		open := map[uint64]bool{}
		for _, k := range m.Keys(p) {
			open[k.Hash] = true
		}
		for _, k := range m.Keys(&sealed) {
			if open[k.Hash] {
				t.Fatalf("person %d shares a key of rule %d across the wall", i, k.Rule)
			}
		}
		if s := m.Compare(p, &sealed); s.Bar != match.BarCompartment || s.P != 0 || s.Zone != match.New {
			t.Fatalf("person %d compared across the wall: %+v", i, s)
		}
		if got := match.Rank(m, p, []*match.Person{&sealed, &other, p}); len(got) != 1 || got[0].Index != 2 {
			t.Fatalf("person %d: ranked %v, want the open record alone", i, got)
		}
		if e := m.Explain(p, &sealed); len(e.Evidence) != 0 || len(e.Changes) != 0 {
			t.Fatalf("person %d: the wall is explained away: %+v", i, e)
		}
		if s := m.Compare(&sealed, &sealed); s.Bar != match.NotBarred {
			t.Fatalf("person %d: barred inside its own compartment", i)
		}
	}
}

func TestReporter_IsMatchedWithNobody(t *testing.T) {
	m := model(t)
	for _, p := range people(200, 4) {
		reporter := *p
		reporter.Flags |= match.Reporter
		if keys := m.Keys(&reporter); len(keys) != 0 {
			t.Fatalf("a reporter has keys: %v", keys)
		}
		for _, other := range []*match.Person{p, &reporter} {
			if s := m.Compare(&reporter, other); s.Bar != match.BarReporter || s.P != 0 {
				t.Fatalf("a reporter was compared: %+v", s)
			}
		}
	}
}

func TestCosts_StateTheThresholds(t *testing.T) {
	m := model(t)
	dearer, err := m.WithCosts(match.Costs{FalseLink: 1e9, MissedLink: 20, Asking: 1})
	if err != nil {
		t.Fatal(err)
	}
	p := people(1, 1)[0]
	p.BirthDate, p.Identifiers = match.Date{Year: 2012, Month: 3, Day: 4}, nil
	if s := m.Compare(p, p); s.Zone != match.Link {
		t.Fatalf("the same record: %+v, want it linked", s)
	}
	if s := dearer.Compare(p, p); s.Zone != match.Ask {
		t.Fatalf("the same record where a false link costs a billion questions: %v, want ask", s.Zone)
	}
	if dearer.ID() == m.ID() {
		t.Fatal("other thresholds under the same ID")
	}
	for _, c := range []match.Costs{{}, {FalseLink: 1, MissedLink: 2, Asking: 1}, {FalseLink: 10, MissedLink: 1, Asking: 2}} {
		if _, err := m.WithCosts(c); err == nil {
			t.Errorf("%+v accepted", c)
		}
	}
	if from := fmt.Sprintf("%.3f %.3f", m.Costs().LinkFrom(), m.Costs().AskFrom()); from != "0.999 0.050" {
		t.Errorf("thresholds %s, want 0.999 0.050", from)
	}
}
