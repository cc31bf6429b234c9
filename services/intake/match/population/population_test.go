package population

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/services/intake/match"
)

type record struct {
	Person match.Person
	ID     int
}

func records(n int, seed uint64) []record {
	var out []record
	Generate(BuiltIn(), Default(n, seed), func(p *match.Person, id int) { out = append(out, record{*p, id}) })
	return out
}

func TestGenerate_IsTheSameForASeed(t *testing.T) {
	if diff := cmp.Diff(records(500, 4), records(500, 4)); diff != "" {
		t.Error(diff)
	}
	if cmp.Equal(records(500, 4), records(500, 5)) {
		t.Error("two seeds, one population")
	}
}

func TestGenerate_MakesAsManyRecordsAsAsked(t *testing.T) {
	for _, n := range []int{0, 1, 7, 1000} {
		if got := len(records(n, 1)); got != n {
			t.Errorf("%d records, want %d", got, n)
		}
	}
}

func TestGenerate_IsDamagedLikeRecordsAre(t *testing.T) {
	const n = 20_000
	byPerson := map[int][]match.Person{}
	for _, r := range records(n, 2) {
		byPerson[r.ID] = append(byPerson[r.ID], r.Person)
	}
	var pairs, sameGiven, sameFamily, sameDate, unknownDate float64
	for _, rs := range byPerson {
		for i := 1; i < len(rs); i++ {
			a, b := rs[0], rs[i]
			pairs++
			if a.Given[0] == b.Given[0] {
				sameGiven++
			}
			if a.Family == b.Family {
				sameFamily++
			}
			if a.BirthDate.IsZero() || b.BirthDate.IsZero() {
				unknownDate++
			} else if a.BirthDate == b.BirthDate {
				sameDate++
			}
		}
	}
	if ratio := n / float64(len(byPerson)); math.Abs(ratio-1/(1-0.4)) > 0.05 {
		t.Errorf("%.2f records a person, want about %.2f", ratio, 1/(1-0.4))
	}
	for what, x := range map[string][3]float64{
		"given names that agree":  {sameGiven / pairs, 0.6, 0.9},
		"family names that agree": {sameFamily / pairs, 0.6, 0.9},
		"birth dates unknown":     {unknownDate / pairs, 0.1, 0.2},
		"known dates that agree":  {sameDate / (pairs - unknownDate), 0.65, 0.9},
	} {
		if x[0] < x[1] || x[0] > x[2] {
			t.Errorf("%s: %.3f of pairs of one person, want %.2f to %.2f", what, x[0], x[1], x[2])
		}
	}
}

func TestGenerate_HasTwins(t *testing.T) {
	type birth struct {
		home string
		d    match.Date
	}
	given := map[birth]map[string]int{}
	for _, r := range records(20_000, 3) {
		if r.Person.Flags.Has(match.MultipleBirth) && r.Person.Household != "" && r.Person.BirthDate.Full() {
			b := birth{r.Person.Household, r.Person.BirthDate}
			if given[b] == nil {
				given[b] = map[string]int{}
			}
			given[b][r.Person.Given[0]] = r.ID
		}
	}
	twins := 0
	for _, names := range given {
		ids := map[int]bool{}
		for _, id := range names {
			ids[id] = true
		}
		if len(ids) > 1 {
			twins++
		}
	}
	if twins < 5 {
		t.Errorf("%d pairs of twins known by household and date in 20,000 records", twins)
	}
}

func TestLoad_ReadsFrequencyTables(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"females.csv": "# names\nAMY, 3\nBEA,1\n", "cities.csv": "Oulu,5\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tables, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := []int{tables.Female.Len(), tables.Cities.Len()}; !cmp.Equal(got, []int{2, 1}) {
		t.Errorf("names and cities: %v, want 2 and 1", got)
	}
	if tables.Family.Len() != BuiltIn().Family.Len() {
		t.Error("a table without a file is not the built-in one")
	}
	if err := os.WriteFile(filepath.Join(dir, "males.csv"), []byte("JOHN,many\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "males.csv: line 1") {
		t.Errorf("a count that is no number: %v, want the file and line", err)
	}
	if _, err := Load(filepath.Join(dir, "none")); err == nil {
		t.Error("a folder that is not there was read")
	}
}

func FuzzReadWeighted(f *testing.F) {
	f.Add("AMY,3\n")
	f.Add("x,1e308\ny,1e308\n")
	f.Add("a,NaN\nb,+Inf\n")
	f.Fuzz(func(t *testing.T, text string) {
		w, err := readWeighted(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, u := range []float64{0, 0.5, 0.999999} {
			if w.draw(u) == "" {
				t.Fatalf("%q draws nothing at %v", text, u)
			}
		}
	})
}
