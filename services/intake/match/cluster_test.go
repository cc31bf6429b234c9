package match

import (
	"slices"
	"testing"
)

// clustered learns nothing: it puts records together under the built-in model.
func clustered(t *testing.T, records []Person) []int32 {
	t.Helper()
	m, err := DefaultModel()
	if err != nil {
		t.Fatal(err)
	}
	s := m.session(len(records))
	for i := range records {
		s.add(&records[i])
	}
	var edges []edge
	for a := range records {
		for b := a + 1; b < len(records); b++ {
			if sc := s.score(int32(a), int32(b)); sc.Bar == NotBarred {
				edges = append(edges, edge{int32(a), int32(b), float32(sc.LogOdds)})
			}
		}
	}
	c := &clusterer{cmp: s.cmp, sc: &s.sc, floor: edgeFloor, most: 8}
	c.run(len(records), edges, 0)
	return c.of
}

func groups(of []int32) int {
	all := slices.Clone(of)
	slices.Sort(all)
	return len(slices.Compact(all))
}

func TestCluster_JoinsRecordsThatOnlyTogetherAgree(t *testing.T) {
	full := Person{
		Given: []string{"Minea"}, Family: "Lehtonen", BirthDate: Date{2013, 11, 22},
		Addresses: []Address{{Lines: []string{"Koulukatu 10"}, City: "Oulu", PostalCode: "90100"}},
	}
	noAddress, noDate := full, full
	noAddress.Addresses = nil
	noDate.BirthDate = Date{}
	noDate.Given = []string{"Mineea"}
	if got := groups(clustered(t, []Person{full, noAddress, noDate, full})); got != 1 {
		t.Errorf("four records of one person make %d", got)
	}
}

func TestCluster_DoesNotChainThroughOneRecord(t *testing.T) {
	// Two women of one name and town, and a record that could be either.
	at := func(street string) []Address { return []Address{{Lines: []string{street}, City: "Oulu"}} }
	one := Person{Given: []string{"Minea"}, Family: "Lehtonen", BirthDate: Date{1990, 1, 15}, Addresses: at("Koulukatu 10")}
	other := Person{Given: []string{"Minea"}, Family: "Lehtonen", BirthDate: Date{1961, 8, 30}, Addresses: at("Asematie 3")}
	between := Person{Given: []string{"Minea"}, Family: "Lehtonen", Addresses: []Address{{City: "Oulu"}}}
	of := clustered(t, []Person{one, one, between, other, other})
	if of[0] != of[1] || of[3] != of[4] {
		t.Fatalf("equal records fell apart: %v", of)
	}
	if of[0] == of[3] {
		t.Errorf("the record between joined two women: %v", of)
	}
}

func TestCluster_HoldsOneBirthDate(t *testing.T) {
	// All but the date agrees, identifiers too: a parent's number on a child's
	// papers. Two records of each date are two persons; one is a slip.
	p := func(y int) Person {
		return Person{
			Given: []string{"Minea"}, Family: "Lehtonen", BirthDate: Date{y, 3, 14}, Sex: Female, Household: "h1",
			Addresses:   []Address{{Lines: []string{"Koulukatu 10"}, City: "Oulu", PostalCode: "90100"}},
			Contacts:    []Contact{{Value: "0401234567"}, {Kind: Email, Value: "minea@example.org"}},
			Identifiers: []Identifier{{"A", "140390X123"}},
		}
	}
	other := p(2018)
	other.BirthDate = Date{2018, 10, 2}
	if of := clustered(t, []Person{p(1990), p(1990), other, other}); of[0] == of[2] {
		t.Errorf("two birth dates in one person: %v", of)
	}
	if of := clustered(t, []Person{p(1990), p(1990), p(1991)}); groups(of) != 1 {
		t.Errorf("one slipped date made another person: %v", of)
	}
}

func TestCluster_KeepsTwinsApart(t *testing.T) {
	twin := func(given string) Person {
		return Person{
			Given: []string{given}, Family: "Lehtonen", BirthDate: Date{2020, 3, 14}, Household: "h1", Flags: MultipleBirth,
			Addresses: []Address{{Lines: []string{"Koulukatu 10"}, City: "Oulu", PostalCode: "90100"}},
			Contacts:  []Contact{{Value: "0401234567"}}, Identifiers: []Identifier{{"A", "140320X123"}},
		}
	}
	of := clustered(t, []Person{twin("Mia"), twin("Mio"), twin("Mia"), twin("Mio")})
	if of[0] != of[2] || of[1] != of[3] || of[0] == of[1] {
		t.Errorf("twins and their records: %v, want two persons of two records", of)
	}
}

func TestCluster_NeverCrossesAWall(t *testing.T) {
	p := Person{Given: []string{"Minea"}, Family: "Lehtonen", BirthDate: Date{2013, 11, 22}, Identifiers: []Identifier{{"A", "140320X123"}}}
	sealed := p
	sealed.Compartment = "sealed"
	of := clustered(t, []Person{p, sealed, p, sealed})
	if of[0] != of[2] || of[1] != of[3] || of[0] == of[1] {
		t.Errorf("records on two sides of a wall: %v", of)
	}
}
