package index_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/hearthfps/hearth/services/intake/index"
	"github.com/hearthfps/hearth/services/intake/referral"
)

func person(id, given, family, born string, change ...func(*referral.Person)) *referral.Person {
	p := &referral.Person{ID: referral.PersonID(id), BirthDate: referral.PartialDate(born), Name: referral.Name{Family: family}}
	if given != "" {
		p.Name.Given = []string{given}
	}
	for _, c := range change {
		c(p)
	}
	return p
}

func at(street string) func(*referral.Person) {
	return func(p *referral.Person) {
		p.Addresses = append(p.Addresses, referral.Address{Lines: []string{street}, City: "Oulu", PostalCode: "90100"})
	}
}

func hiding(p *referral.Person) { p.Addresses[0].Confidential = true }

func phone(number string) func(*referral.Person) {
	return func(p *referral.Person) {
		p.Contacts = append(p.Contacts, referral.Contact{Kind: "phone", Value: number})
	}
}

func in(h string) func(*referral.Person) {
	return func(p *referral.Person) { p.Households = append(p.Households, referral.HouseholdID(h)) }
}

func sealed(p *referral.Person) { p.Seal = referral.SealAdoption }
func unborn(p *referral.Person) { p.Unborn = true }
func also(g, f string) func(*referral.Person) {
	return func(p *referral.Person) {
		p.Aliases = append(p.Aliases, referral.Name{Given: []string{g}, Family: f})
	}
}

func builtIn(t testing.TB) *index.Index {
	t.Helper()
	x, err := index.BuiltIn()
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// found says whether two persons share a key.
func found(x *index.Index, p, q *referral.Person) bool {
	keys := x.Find(p)
	return slices.ContainsFunc(x.Find(q), func(k int64) bool { return slices.Contains(keys, k) })
}

func TestIndex_Match(t *testing.T) {
	x := builtIn(t)
	for name, c := range map[string]struct {
		known, now *referral.Person
		want       string
		reason     string
	}{
		"the same, written otherwise":     {person("k", "Väinö", "Mäki-Laine", "2015-02-03", at("Katu 1")), person("n", "VAINO", "maki laine", "2015-02-03", at("katu 1")), "linked", ""},
		"a slip in the birth date":        {person("k", "Valtteri", "Lehtonen", "2015-02-03", at("Katu 1"), phone("0401234567")), person("n", "Valtteri", "Lehtonen", "2015-03-02", at("Katu 1"), phone("+358401234567")), "linked", ""},
		"another given name: a twin?":     {person("k", "Mia", "Koski", "2015-02-03", at("Katu 1")), person("n", "Mio", "Koski", "2015-02-03", at("Katu 1")), "asked", "twin"},
		"a brother":                       {person("k", "Onni", "Koski", "2013-05-06", at("Katu 1")), person("n", "Eino", "Koski", "2015-02-03", at("Katu 1")), "new", ""},
		"parent and child of one name":    {person("k", "Ada", "Koski", "1985-07-11", at("Katu 1")), person("n", "Ada", "Koski", "2015-02-03", at("Katu 1")), "new", ""},
		"no birth date":                   {person("k", "Ada", "Koskinen", "2015-02-03", at("Katu 1")), person("n", "Ada", "Koskinen", "", at("Katu 1")), "asked", "no_birth_date"},
		"sealed after an adoption":        {person("k", "Ada", "Koskinen", "2015-02-03", at("Katu 1"), sealed), person("n", "Ada", "Koskinen", "2015-02-03", at("Katu 1")), "new", ""},
		"hidden address on one side":      {person("k", "Ada", "Koskinen", "2015-02-03", at("Katu 1"), hiding), person("n", "Ada", "Koskinen", "2015-02-03", at("Katu 1")), "asked", "confidential_address"},
		"hidden address on both sides":    {person("k", "Ada", "Koskinen", "2015-02-03", at("Katu 1"), hiding), person("n", "Ada", "Koskinen", "2015-02-03", at("Katu 1"), hiding), "linked", ""},
		"known by another name as well":   {person("k", "Ada", "Koskinen", "1985-02-03", at("Tie 9"), also("Ada", "Lehtovaara")), person("n", "Ada", "Lehtovaara", "1985-02-03", at("Tie 9")), "linked", ""},
		"an unborn child is never linked": {person("k", "", "Koskinen", "", at("Katu 1"), unborn), person("n", "", "Koskinen", "", at("Katu 1"), unborn), "", ""},
		"nothing in common but a surname": {person("k", "Ada", "Koskinen", "1985-02-03", at("Tie 9")), person("n", "Eero", "Koskinen", "1999-11-12", at("Polku 4")), "new", ""},
	} {
		t.Run(name, func(t *testing.T) {
			links := x.Match(referral.Report{Persons: []*referral.Person{c.now}, Found: [][]*referral.Person{{c.known}}, Together: []bool{false}})
			got := links[0]
			if c.want == "" {
				if got.Basis == referral.BasisLinked {
					t.Error("linked")
				}
				return
			}
			if got.Basis != c.want {
				s, ok := index.Compare(x.Live, c.known, c.now)
				t.Fatalf("got %s, want %s (p = %.5f %v %v, may be compared: %v)", got.Basis, c.want, s.P, s.Reasons, s.Evidence, ok)
			}
			if got.Basis == referral.BasisLinked && (got.Person != c.known || got.Score.Model != x.Live.ID() || len(got.Score.Evidence) == 0) {
				t.Errorf("a link that does not say to whom, by what and why: %+v", got.Score)
			}
			if c.reason != "" && !slices.Contains(got.Asks[0].Reasons, c.reason) {
				t.Errorf("got reasons %v, want %s", got.Asks[0].Reasons, c.reason)
			}
			if c.want != "new" && !found(x, c.known, c.now) {
				t.Error("no key in common: the index would not find them")
			}
		})
	}
}

// Who is linked first tells which household the report is of, and that is evidence
// for the others.
func TestIndex_Match_TheHouseholdOfOneIsEvidenceForTheOthers(t *testing.T) {
	x := builtIn(t)
	mother := person("m", "Marjatta", "Lehtovaara", "1985-02-03", at("Tie 9"), phone("0401234567"), in("h"))
	child := person("c", "Ada", "Lehtovaara", "2015-02-03", in("h"))
	again := person("m2", "Marjatta", "Lehtovaara", "1985-02-03", at("Tie 9"), phone("0401234567"))
	ada := person("c2", "Ada", "Lehtovaara", "2015-02-03")
	p := func(together bool) float64 {
		links := x.Match(referral.Report{Persons: []*referral.Person{again, ada}, Found: [][]*referral.Person{{mother}, {child}}, Together: []bool{together, together}})
		if links[1].Score != nil {
			return links[1].Score.LogOdds
		}
		return links[1].Asks[0].LogOdds
	}
	if alone, together := p(false), p(true); together <= alone {
		t.Errorf("log odds %.2f without the household, %.2f with it", alone, together)
	}
}

// Two persons of one report are never one person, and nobody is linked to two.
func TestIndex_Match_PersonsOfOneReportStayApart(t *testing.T) {
	x := builtIn(t)
	rapid.Check(t, func(rt *rapid.T) {
		one := func(label string) *referral.Person {
			p := person(label, rapid.SampledFrom([]string{"Ada", "Aada", "Bo", ""}).Draw(rt, "given"), "Koskinen", rapid.SampledFrom([]string{"", "2015", "2015-02-03"}).Draw(rt, "born"))
			if rapid.Bool().Draw(rt, "home") {
				at("Katu 1")(p)
			}
			return p
		}
		known := []*referral.Person{one("k1"), one("k2"), one("k3")}
		var r referral.Report
		for i := range 3 {
			r.Persons, r.Found, r.Together = append(r.Persons, one(fmt.Sprint("n", i))), append(r.Found, known), append(r.Together, true)
		}
		seen := map[referral.PersonID]bool{}
		for _, l := range x.Match(r) {
			if l.Person != nil && seen[l.Person.ID] {
				rt.Fatalf("%s is twice in one report", l.Person.ID)
			}
			if l.Person != nil {
				seen[l.Person.ID] = true
			}
		}
	})
}

func TestIndex_KeepsKeysOfBothGenerations(t *testing.T) {
	x := *builtIn(t)
	p := person("k", "Ada", "Koskinen", "2015-02-03", at("Katu 1"))
	one := len(x.Keep(p))
	x.Other, x.OtherGeneration = x.Live, 2
	both := x.Keep(p)
	if len(both) != 2*one || both[0].Generation != 1 || both[len(both)-1].Generation != 2 {
		t.Errorf("%d keys in one generation, in two %v", one, both)
	}
}
