package match

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// anyone draws a person from few values, so that pairs have much in common.
func anyone(t *rapid.T) Person {
	pick := func(name string, values ...string) string { return rapid.SampledFrom(values).Draw(t, name) }
	p := Person{
		Given:  []string{pick("given", "Anna", "Ana", "Hanna", "Liz", "Elizabeth", "J.", "", "Baby Girl", "Иван", "Virtanen")},
		Family: pick("family", "Virtanen", "Wirtanen", "Ivanova", "Ivanov", "van der Berg", "Chevallier-Boutell", "Boutell", "", "Anna"),
		BirthDate: Date{
			rapid.SampledFrom([]int{0, 1999, 2009, 2010}).Draw(t, "y"), rapid.SampledFrom([]int{0, 1, 2, 12}).Draw(t, "m"), rapid.SampledFrom([]int{0, 1, 2, 12}).Draw(t, "d"),
		},
		Sex:       Sex(rapid.IntRange(0, 3).Draw(t, "sex")),
		Household: pick("household", "", "h1", "h2"),
	}
	if second := pick("second", "", "Maria", "Mari", "M"); second != "" {
		p.Given = append(p.Given, second)
	}
	if city := pick("city", "", "Oulu", "Olu", "Turku"); city != "" {
		p.Addresses = append(p.Addresses, Address{
			Lines: []string{pick("street", "Koulukatu 10", "Koulukatu 1", "10 School Street")}, City: city, PostalCode: pick("code", "", "90100", "90200", "bs2 0el"),
		})
	}
	for range rapid.IntRange(0, 2).Draw(t, "contacts") {
		p.Contacts = append(p.Contacts, Contact{Value: pick("contact", "040 123 4567", "+358401234567", "0401234568", "a.b@example.org", "ab@example.org")})
	}
	for range rapid.IntRange(0, 2).Draw(t, "identifiers") {
		p.Identifiers = append(p.Identifiers, Identifier{pick("system", "A", "B"), pick("value", "12345", "12346", "99999")})
	}
	if a := pick("other", "", "painter", "painters", "poet"); a != "" {
		p.Attributes = append(p.Attributes, Attribute{"occupation", a})
	}
	return p
}

func TestCompare_IsSymmetric(t *testing.T) {
	m, err := DefaultModel()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyone(t), anyone(t)
		ab, ba := m.Compare(&a, &b), m.Compare(&b, &a)
		if d := ab.LogOdds - ba.LogOdds; d > 1e-3 || d < -1e-3 {
			t.Fatalf("%v one way and %v the other", ab, ba)
		}
		if diff := cmp.Diff(ab.Guards, ba.Guards); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestCompare_MissingIsNoEvidence(t *testing.T) {
	m, err := DefaultModel()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		a := anyone(t)
		e := m.Explain(&a, &Person{})
		if len(e.Evidence) != 0 || e.Zone == Link {
			t.Fatalf("against nothing known: %+v", e)
		}
	})
}

func TestExplain_AddsUpToTheScore(t *testing.T) {
	m, err := DefaultModel()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyone(t), anyone(t)
		e := m.Explain(&a, &b)
		if diff := cmp.Diff(m.Compare(&a, &b), e.Score); diff != "" {
			t.Fatal(diff)
		}
		sum := e.Prior + e.KinDiscount
		for _, ev := range e.Evidence {
			sum += ev.Weight
			if ev.Why == "" || ev.Level == "" || ev.Comparison == "" {
				t.Fatalf("evidence without a reason: %+v", ev)
			}
		}
		if d := sum - e.LogOdds; d > 0.01 || d < -0.01 {
			t.Fatalf("prior, evidence and discount add up to %.3f, the score is %.3f", sum, e.LogOdds)
		}
		if e.KinDiscount > 0.01 {
			t.Fatalf("kinship speaks for one person by %.3f bits", e.KinDiscount)
		}
		for _, c := range e.Changes {
			if c.Zone == e.Zone {
				t.Fatalf("a change that alters nothing: %+v", c)
			}
		}
	})
}

func TestExplain_NamesTheChangeThatWouldLink(t *testing.T) {
	m, err := DefaultModel()
	if err != nil {
		t.Fatal(err)
	}
	a := Person{Given: []string{"Minea"}, Family: "Lehtonen", BirthDate: Date{2013, 11, 22}, Addresses: []Address{{City: "Oulu", PostalCode: "90100"}}}
	b := a
	b.Family = "Korhonen"
	e := m.Explain(&a, &b)
	if e.Zone != Ask {
		t.Fatalf("another family name: %v, want ask", e.Zone)
	}
	for _, c := range e.Changes {
		if c.Comparison == "family name" && c.Zone == Link {
			b.Family = "Lehtonen"
			if got := m.Compare(&a, &b).Zone; got != Link {
				t.Fatalf("said to link with the same family name, and does not: %v", got)
			}
			return
		}
	}
	t.Fatalf("nobody says the family name stands in the way: %+v", e.Changes)
}

// levelOf compares two persons in one comparison.
func levelOf(t *testing.T, c int, a, b Person) string {
	t.Helper()
	f := newFrame(loaded(t), baseSchema())
	ra, rb := f.add(&a), f.add(&b)
	var p pattern
	newComparer(f).compare(ra, rb, &p)
	return f.schema.levelNames(c)[p.level[c]]
}

func TestCompare_Levels(t *testing.T) {
	order := baseSchema().order()
	name := func(given, family string) Person { return Person{Given: []string{given}, Family: family} }
	for _, c := range []struct {
		about string
		c     int
		a, b  Person
		want  string
	}{
		{"nickname", slotGiven, name("Liz", "Ash"), name("Elizabeth", "Ash"), "known form"},
		{"spelling across languages", slotGiven, name("Мухаммед", "Али"), name("Mohamed", "Ali"), "known form"},
		{"diacritics", slotGiven, name("Väinö", "Ash"), name("Vaino", "Ash"), "same"},
		{"initial", slotGiven, name("J.", "Ash"), name("John", "Ash"), "initial agrees"},
		{"middle name used", slotGiven, name("Anna Maria", "Ash"), name("Maria", "Ash"), "another name agrees"},
		{"women's form", slotFamily, name("Anna", "Ivanova"), name("Anna", "Ivanov"), "known form"},
		{"part of a double name", slotFamily, name("Anna", "Chevallier-Boutell"), name("Anna", "Boutell"), "another name agrees"},
		{"particle", slotFamily, name("Anna", "van der Berg"), name("Anna", "Berg"), "same"},
		{"former name", slotFamily, Person{Given: []string{"Anna"}, Family: "Ash", Aliases: []Name{{Family: "Hartwell"}}}, name("Anna", "Hartwell"), "another name agrees"},
		{"exchanged names", order, name("Virtanen", "Anna"), name("Anna", "Virtanen"), "exchanged"},
		{"exchanged names agree", slotFamily, name("Virtanen", "Anna"), name("Anna", "Virtanen"), "same"},
		{"single name in the wrong place", order, name("Virtanen", ""), name("Anna", "Virtanen"), "single name in the other's place"},
		{"trunk and country code", slotPhone, Person{Contacts: []Contact{{Value: "040 727 5367"}}}, Person{Contacts: []Contact{{Value: "+358 40 7275367"}}}, "same"},
		{"numbers of two systems", slotIdentifiers, Person{Identifiers: []Identifier{{"A", "12345"}}}, Person{Identifiers: []Identifier{{"B", "12345"}}}, "unknown"},
		{"a slip in a number", slotIdentifiers, Person{Identifiers: []Identifier{{"A", "1234567"}}}, Person{Identifiers: []Identifier{{"A", "1234657"}}}, "near"},
	} {
		if got := levelOf(t, c.c, c.a, c.b); got != c.want {
			t.Errorf("%s: %q, want %q", c.about, got, c.want)
		}
		if got := levelOf(t, c.c, c.b, c.a); got != c.want {
			t.Errorf("%s, the other way: %q, want %q", c.about, got, c.want)
		}
	}
}

func TestKeys_FindDamagedNames(t *testing.T) {
	m, err := DefaultModel()
	if err != nil {
		t.Fatal(err)
	}
	base := Person{Given: []string{"Elizabeth"}, Family: "Hartwell", BirthDate: Date{2014, 5, 13}}
	for about, change := range map[string]func(p *Person){
		"nickname":             func(p *Person) { p.Given = []string{"Liz"} },
		"names exchanged":      func(p *Person) { p.Given, p.Family = []string{"Hartwell"}, "Elizabeth" },
		"family name misspelt": func(p *Person) { p.Family = "Hartwall" },
		"given name misspelt":  func(p *Person) { p.Given = []string{"Elizbeth"} },
		"no family name":       func(p *Person) { p.Family = "" },
		"day for month":        func(p *Person) { p.BirthDate = Date{2014, 5, 31} },
		"wrong birth year":     func(p *Person) { p.BirthDate = Date{2013, 5, 13} },
		"birth year only":      func(p *Person) { p.BirthDate = Date{2014, 0, 0} },
		"no birth date":        func(p *Person) { p.BirthDate = Date{} },
		"double family name":   func(p *Person) { p.Family = "Hartwell-Ash" },
		"other family name":    func(p *Person) { p.Family = "Korhonen" },
	} {
		p := base
		change(&p)
		if !sharesKey(m, &base, &p) {
			t.Errorf("%s: %v %s is not found from %v %s", about, base.Given, base.Family, p.Given, p.Family)
		}
	}
}

func sharesKey(m *Model, a, b *Person) bool {
	keys := map[uint64]bool{}
	for _, k := range m.Keys(a) {
		keys[k.Hash] = true
	}
	for _, k := range m.Keys(b) {
		if keys[k.Hash] {
			return true
		}
	}
	return false
}

func TestKeys_AreBoundedAndTheSameEachTime(t *testing.T) {
	m, err := DefaultModel()
	if err != nil {
		t.Fatal(err)
	}
	rules := m.RuleNames()
	rapid.Check(t, func(t *rapid.T) {
		p := anyone(t)
		keys := m.Keys(&p)
		if len(keys) > maxPersonKeys {
			t.Fatalf("%d keys, the bound is %d", len(keys), maxPersonKeys)
		}
		if diff := cmp.Diff(keys, m.Keys(&p)); diff != "" {
			t.Fatal(diff)
		}
		for _, k := range keys {
			if int(k.Rule) >= len(rules) {
				t.Fatalf("key of rule %d, there are %d", k.Rule, len(rules))
			}
		}
	})
}
