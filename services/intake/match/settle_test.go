package match_test

import (
	"testing"

	"github.com/hearthfps/hearth/services/intake/match"
)

func TestSettle(t *testing.T) {
	m := model(t)
	child := func(given string, day int) *match.Person {
		return &match.Person{
			Given: []string{given}, Family: "Hartwell", BirthDate: match.Date{Year: 2014, Month: 5, Day: day},
			Addresses: []match.Address{{Lines: []string{"Mill Lane 4"}, City: "Ashford", PostalCode: "10011"}},
		}
	}
	liz, oliver := child("Elizabeth", 30), child("Oliver", 12)
	again := child("Elizabeth", 30)
	stranger := &match.Person{Given: []string{"Aino"}, Family: "Koskela", BirthDate: match.Date{Year: 1980, Month: 1, Day: 3}}
	all := []*match.Person{liz, oliver, stranger}

	got := match.Settle(m, []*match.Person{child("Elizabeth", 30), child("Oliver", 12), stranger, {}}, [][]*match.Person{all, all, all[:2], nil})
	if got[0].Zone != match.Link || got[0].Link.Person != liz || got[1].Zone != match.Link || got[1].Link.Person != oliver {
		t.Errorf("two children known by all they have: %+v", got[:2])
	}
	if got[2].Zone != match.New || got[2].Link != nil || got[3].Zone != match.New {
		t.Errorf("somebody new, and nobody: %+v", got[2:])
	}

	got = match.Settle(m, []*match.Person{child("Elizabeth", 30)}, [][]*match.Person{{liz, again}})
	if got[0].Zone != match.Ask || got[0].Why != match.WhySeveral || len(got[0].Ask) != 2 {
		t.Errorf("one person recorded twice: %+v, want a question about both", got[0])
	}

	got = match.Settle(m, []*match.Person{child("Elizabeth", 30), child("Elizabeth", 30)}, [][]*match.Person{{liz}, {liz}})
	for i, d := range got {
		if d.Zone != match.Ask || d.Why != match.WhyTaken {
			t.Errorf("person %d of two that fit one known: %+v, want a question", i, d)
		}
	}

	// Decided to be one person, the two records are one candidate, for one reported.
	liz.One, again.One = "liz", "liz"
	got = match.Settle(m, []*match.Person{child("Elizabeth", 30)}, [][]*match.Person{{liz, again, oliver}})
	if got[0].Zone != match.Link || got[0].Link.Person.One != "liz" {
		t.Errorf("one person of two records: %+v, want a link", got[0])
	}
	got = match.Settle(m, []*match.Person{child("Elizabeth", 30), child("Elizabeth", 30)}, [][]*match.Person{{liz}, {again}})
	for i, d := range got {
		if d.Zone != match.Ask || d.Why != match.WhyTaken {
			t.Errorf("person %d of two that fit two records of one: %+v, want a question", i, d)
		}
	}
}
