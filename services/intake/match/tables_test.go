package match

import (
	"strings"
	"testing"
)

func loaded(t testing.TB) *tables {
	t.Helper()
	tab, err := loadTables()
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

func TestFold(t *testing.T) {
	tab := loaded(t)
	for in, want := range map[string]string{
		"  Väinö  ":     "vaino",
		"O'Brien":       "obrien",
		"O’Brien":       "obrien",
		"Søren Kierkeg": "soren kierkeg",
		"Łukasz":        "lukasz",
		"Straße 5/B":    "strasse 5 b",
		"Иванова":       "ivanova",
		"Щукин":         "shchukin",
		"Αλέξανδρος":    "alexandros",
		"محمد":          "mhmd",
		"Nguyễn":        "nguyen",
		"Şahin-Çelik":   "sahin celik",
		"---":           "",
	} {
		if got := tab.fold(in); got != want {
			t.Errorf("fold(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzFold(f *testing.F) {
	tab := loaded(f)
	for _, s := range []string{"Väinö", "Щукин", "a\u0301", "ﬁ", "\xff", "İ", "ϒ", "0\xf4ˣ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := tab.fold(s)
		if twice := tab.fold(once); twice != once {
			t.Fatalf("fold(%q) = %q, folded again %q", s, once, twice)
		}
	})
}

func TestSound_WritesOneSoundOneWay(t *testing.T) {
	tab := loaded(t)
	for _, pair := range [][2]string{
		{"stephen", "stefen"},
		{"katherine", "catherine"},
		{"schmidt", "shmit"},
		{"philip", "filip"},
		{"jackson", "jakson"},
		{"mcmaster", "macmaster"},
		{"virtanen", "wirtanen"},
		{"anne", "ane"},
		{"hussein", "hussain"},
	} {
		if a, b := tab.sound(pair[0]), tab.sound(pair[1]); a != b {
			t.Errorf("sound(%q) = %q, sound(%q) = %q", pair[0], a, pair[1], b)
		}
	}
	if a, b := tab.sound("minea"), tab.sound("oliver"); a == b {
		t.Errorf("minea and oliver both sound %q", a)
	}
}

func TestStem_JoinsTheFormsOfOneFamilyName(t *testing.T) {
	tab := loaded(t)
	for _, pair := range [][2]string{
		{"ivanova", "ivanov"}, {"kowalska", "kowalski"}, {"andersdotter", "andersson"}, {"jonsdottir", "jonsson"}, {"dostoevskaya", "dostoevsky"},
	} {
		if a, b := tab.stem(pair[0]), tab.stem(pair[1]); a != b {
			t.Errorf("stem(%q) = %q, stem(%q) = %q", pair[0], a, pair[1], b)
		}
	}
}

// names compiles one person and returns given names, family names and whether
// the name is a placeholder.
func names(t *testing.T, p Person) (given, family []string, placeholder bool) {
	t.Helper()
	f := newFrame(loaded(t), baseSchema())
	r := f.add(&p)
	for _, v := range f.of(r, slotGiven) {
		given = append(given, f.names.text(v))
	}
	for _, v := range f.of(r, slotFamily) {
		family = append(family, f.names.text(v))
	}
	return given, family, f.flags[r].Has(PlaceholderName)
}

func TestCompile_PlaceholdersAreNoNames(t *testing.T) {
	for _, p := range []Person{
		{Given: []string{"Baby Boy"}, Family: "Smith"},
		{Given: []string{"BABY", "girl"}},
		{Given: []string{"UB"}},
		{Given: []string{"Twin A"}},
		{Given: []string{"Unknown"}},
		{Given: []string{"Vauva"}},
		{Given: []string{"BabyGirl"}},
	} {
		given, _, placeholder := names(t, p)
		if len(given) != 0 || !placeholder {
			t.Errorf("%v: given names %v, placeholder %v; want none and true", p.Given, given, placeholder)
		}
	}
	if given, _, placeholder := names(t, Person{Given: []string{"Boyd"}}); len(given) != 1 || placeholder {
		t.Errorf("Boyd: given names %v, placeholder %v; want one and false", given, placeholder)
	}
	if _, family, _ := names(t, Person{Family: "Unknown"}); len(family) != 0 {
		t.Errorf("family name Unknown gives %v, want none", family)
	}
}

func TestCompile_NamesAsWholes(t *testing.T) {
	for _, c := range []struct {
		p             Person
		given, family string
	}{
		{Person{Given: []string{"Dr. Mary-Jane"}, Family: "van der Berg"}, "mary jane", "berg"},
		{Person{Given: []string{"J.R."}, Family: "Chevallier-Boutell Jr"}, "j r", "chevallierboutell chevallier boutell"},
		{Person{Given: []string{"Sir"}, Family: "Le"}, "", "le"},
		{Person{Given: []string{"Omar"}, Family: "bin Hassan"}, "omar", "hassan"},
	} {
		given, family, _ := names(t, c.p)
		if got := strings.Join(given, " "); got != c.given {
			t.Errorf("%v: given %q, want %q", c.p.Given, got, c.given)
		}
		if got := strings.Join(family, " "); got != c.family {
			t.Errorf("%q: family %q, want %q", c.p.Family, got, c.family)
		}
	}
}
