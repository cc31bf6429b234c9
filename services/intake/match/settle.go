package match

import (
	"cmp"
	"slices"
)

// Decision says what should happen with one person reported.
type Decision struct {
	Zone Zone
	// Link is whom to link to in zone Link, and nil else.
	Link *Scored
	// Ask are the candidates a person should look at in zone Ask, likeliest
	// first.
	Ask []Scored
	// Why says in words why a link was turned into a question; "" where it
	// was not.
	Why string
}

// Reasons to ask where one candidate by itself would be linked.
const (
	WhySeveral = "several known persons fit as well: perhaps one person recorded twice"
	WhyTaken   = "another person of the same report fits the same known person"
)

// Settle decides for the persons of one report together; candidates[i] are
// those found for persons[i], and the same known person is the same pointer, or
// has the same One. Persons reported together are different persons, so two of
// them are never linked to one known person; and a person who fits two known ones
// equally is asked about, for one of the two links would be false. Of a known
// person's several records the likeliest stands for all.
func Settle(m *Model, persons []*Person, candidates [][]*Person) []Decision {
	ranked := make([][]Scored, len(persons))
	wanted := map[any]int{}
	s, compiled := m.borrow(), map[*Person]int32{}
	for i, p := range persons {
		if i < len(candidates) && len(candidates[i]) > 0 {
			ranked[i] = oneEach(s.rank(p, candidates[i], compiled))
		}
		for _, s := range ranked[i] {
			if s.Zone == Link {
				wanted[whose(s.Person)]++
			}
		}
	}
	m.giveBack(s)
	out := make([]Decision, len(persons))
	for i := range persons {
		out[i] = settle(ranked[i], wanted)
	}
	return out
}

// whose names the person a record is of.
func whose(p *Person) any {
	if p.One != "" {
		return p.One
	}
	return p
}

// oneEach leaves of each known person the first of their records.
func oneEach(ranked []Scored) []Scored {
	seen := map[any]bool{}
	return slices.DeleteFunc(ranked, func(s Scored) bool {
		who := whose(s.Person)
		again := seen[who]
		seen[who] = true
		return again
	})
}

func settle(ranked []Scored, wanted map[any]int) Decision {
	var links, asks []Scored
	for _, s := range ranked {
		switch s.Zone {
		case Link:
			links = append(links, s)
		case Ask:
			asks = append(asks, s)
		}
	}
	both := slices.Concat(links, asks)
	slices.SortStableFunc(both, func(a, b Scored) int { return cmp.Compare(b.LogOdds, a.LogOdds) })
	switch {
	case len(both) == 0:
		return Decision{Zone: New}
	case len(links) == 0:
		return Decision{Zone: Ask, Ask: both}
	case len(links) > 1:
		return Decision{Zone: Ask, Ask: both, Why: WhySeveral}
	case wanted[whose(links[0].Person)] > 1:
		return Decision{Zone: Ask, Ask: both, Why: WhyTaken}
	}
	return Decision{Zone: Link, Link: &links[0]}
}
