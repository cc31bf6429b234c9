package population

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/hearthfps/hearth/services/intake/match"
)

// Settings of a generated population. Rates are chances by record.
type Settings struct {
	Seed    uint64
	Records int
	// More is the chance that a person has one more record than this one; the
	// number of records of a person is geometric.
	More float64
	// Moved is the chance that a household has another address by the next
	// record of one of its members.
	Moved float64
	// Year is the last year of birth.
	Year int
	// Households and Identifiers are the chances that a record has a
	// household key and a person number.
	Households, Identifiers float64
}

// Default is the population of the built-in model and the scale test.
func Default(records int, seed uint64) Settings {
	return Settings{Seed: seed, Records: records, More: 0.4, Moved: 0.15, Year: 2026, Households: 0.5, Identifiers: 0.6}
}

// Generate calls yield with records and the number of the true person of
// each, family by family, until there are enough.
func Generate(t *Tables, set Settings, yield func(p *match.Person, person int)) {
	g := &generator{t: t, set: set, rng: rand.New(rand.NewPCG(set.Seed, 7)), yield: yield}
	for g.records < set.Records {
		g.family()
	}
}

type generator struct {
	t       *Tables
	set     Settings
	rng     *rand.Rand
	yield   func(*match.Person, int)
	records int
	persons int
	homes   int
}

func (g *generator) chance(p float64) bool { return g.rng.Float64() < p }

// person is a true person, before anyone wrote anything down.
type person struct {
	given      []string
	family     string
	former     string
	birth      match.Date
	sex        match.Sex
	phone      string
	email      string
	identifier string
	twin       bool
}

type home struct {
	street, city, postcode, key, phone string
}

func (g *generator) home() home {
	g.homes++
	name := g.t.Cities.draw(g.rng.Float64())
	area := 0
	for _, c := range name {
		area = (area*31 + int(c)) % 900
	}
	return home{
		street:   fmt.Sprintf("%s %d", g.t.Streets.draw(g.rng.Float64()), 1+g.rng.IntN(120)),
		city:     name,
		postcode: fmt.Sprintf("%03d%02d", area+100, g.rng.IntN(40)),
		key:      fmt.Sprintf("h%d", g.homes),
		phone:    g.phone(),
	}
}

func (g *generator) phone() string { return fmt.Sprintf("04%08d", g.rng.IntN(100_000_000)) }

// family makes one household and everybody's records.
func (g *generator) family() {
	h := g.home()
	name := g.t.Family.draw(g.rng.Float64())
	var people []*person
	adults := 1 + g.rng.IntN(2)
	parentYear := g.set.Year - 20 - g.rng.IntN(50)
	for i := 0; i < adults; i++ {
		sex := match.Female
		if i == 1 {
			sex = match.Male
		}
		p := g.person(name, sex, parentYear-3+g.rng.IntN(7), nil)
		if sex == match.Female && g.chance(0.5) {
			p.former = g.t.Family.draw(g.rng.Float64())
		}
		if g.chance(0.2) {
			p.family = g.t.Family.draw(g.rng.Float64())
		}
		people = append(people, p)
	}
	children := g.rng.IntN(4)
	for i := 0; i < children; i++ {
		year := min(g.set.Year, parentYear+18+g.rng.IntN(22))
		sex := match.Female
		if g.chance(0.51) {
			sex = match.Male
		}
		c := g.person(name, sex, year, people)
		people = append(people, c)
		if g.chance(0.015) {
			t := g.person(name, match.Female+match.Sex(g.rng.IntN(2)), year, people)
			t.birth, t.twin, c.twin = c.birth, true, true
			people = append(people, t)
		}
	}
	for _, p := range people {
		id := g.persons
		g.persons++
		at := h
		for first := true; g.records < g.set.Records && (first || g.chance(g.set.More)); first = false {
			if !first && g.chance(g.set.Moved) {
				key := at.key
				at = g.home()
				at.key = key
			}
			rec := g.record(p, at)
			g.records++
			g.yield(rec, id)
		}
	}
}

func (g *generator) person(family string, sex match.Sex, year int, others []*person) *person {
	p := &person{family: family, sex: sex, birth: match.Date{Year: year, Month: 1 + g.rng.IntN(12), Day: 1 + g.rng.IntN(28)}}
	table := &g.t.Female
	if sex == match.Male {
		table = &g.t.Male
	}
again:
	for try := 0; ; try++ {
		p.given = []string{table.draw(g.rng.Float64())}
		if g.chance(0.5) {
			p.given = append(p.given, table.draw(g.rng.Float64()))
		}
		for _, o := range others {
			// Brothers and sisters have different names; a child may have a
			// parent's.
			if o.given[0] == p.given[0] && (o.birth.Year > year-15 || try < 2) {
				continue again
			}
		}
		break
	}
	if g.chance(0.6) && year < g.set.Year-12 {
		p.phone = g.phone()
	}
	if g.chance(0.3) && year < g.set.Year-12 {
		p.email = strings.ToLower(fmt.Sprintf("%s.%s%d@example.org", ascii(p.given[0]), ascii(family), g.rng.IntN(100)))
	}
	p.identifier = fmt.Sprintf("%02d%02d%02d%04d", p.birth.Day, p.birth.Month, p.birth.Year%100, g.rng.IntN(10000))
	return p
}

func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < 0x80:
			return r
		case r == 'ö' || r == 'Ö':
			return 'o'
		}
		return 'a'
	}, s)
}
