package rules_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/rules"
)

type greeting struct {
	rules.Header `yaml:",inline"`
	Words        string         `yaml:"words"`
	After        clock.Deadline `yaml:"after"`
}

const head = "name: greeting\nversion: \"1\"\neffective_from: 2026-01-01\n"

func TestGuarantee1_StrictAndSaysWhere(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"unknown field", head + "wrods: hi\n", `unknown field "wrods"`},
		{"repeated field", head + "words: a\nwords: b\n", `already defined`},
		{"second document", head + "---\nwords: b\n", "more than one YAML document"},
		{"empty", "", "empty"},
		{"wrong type", head + "after: 7 days\n", "after"},
		{"no YAML", head + "words: [\n", "greeting.yaml"},
		{"no name", "version: \"1\"\neffective_from: 2026-01-01\n", "name: a code"},
		{"no version", "name: a\neffective_from: 2026-01-01\n", "version: letters"},
		{"no day", "name: a\nversion: \"1\"\n", "effective_from: the first day"},
		{"no such day", "name: a\nversion: \"1\"\neffective_from: 2026-02-30\n", "YYYY-MM-DD"},
		{"too large", head + "words: " + strings.Repeat("x", 5<<20), "larger than"},
	} {
		_, _, err := rules.Parse[greeting]("greeting.yaml", []byte(tc.text))
		if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "greeting.yaml") {
			t.Errorf("%s: got %v, want %q and the file", tc.name, err, tc.want)
		}
	}
	got, ref, err := rules.Parse[greeting]("greeting.yaml", []byte(head+"words: hi\nafter: {working_days: 7}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got.Words != "hi" || got.After.WorkingDays != 7 || got.EffectiveFrom != clock.NewDate(2026, 1, 1) {
		t.Errorf("got %+v", got)
	}
	if ref.Name != "greeting" || ref.Version != "1" || len(ref.Hash) != 64 {
		t.Errorf("got %+v", ref)
	}
}

func TestGuarantee2_TheVersionInForce(t *testing.T) {
	file := func(version, from string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("name: greeting\nversion: \"" + version + "\"\neffective_from: " + from + "\nwords: v" + version + "\n")}
	}
	files := fstest.MapFS{"g/a.yaml": file("2", "2026-07-01"), "g/b.yaml": file("1", "2026-01-01"), "g/README.md": {Data: []byte("x")}}
	library, err := rules.LoadLibrary[greeting](files, "g", nil)
	if err != nil {
		t.Fatal(err)
	}
	for day, want := range map[string]string{"2026-01-01": "1", "2026-06-30": "1", "2026-07-01": "2", "2030-01-01": "2"} {
		on, err := clock.ParseDate(day)
		if err != nil {
			t.Fatal(err)
		}
		got, err := library.InForce("greeting", on)
		if err != nil || got.Ref.Version != want || got.Rules.Words != "v"+want {
			t.Errorf("%s: got %s, %v; want %s", day, got.Ref.Version, err, want)
		}
	}
	if _, err := library.InForce("greeting", clock.NewDate(2025, 12, 31)); !fault.Is(err, "rules_not_in_force") {
		t.Errorf("before the first: got %v", err)
	}
	if got, err := library.Version("greeting", "1"); err != nil || got.Rules.Words != "v1" {
		t.Errorf("an old version: got %+v, %v", got, err)
	}
	if _, err := library.Version("greeting", "9"); !fault.Is(err, "rules_version_unknown") {
		t.Errorf("got %v", err)
	}
	for name, clash := range map[string]*fstest.MapFile{"both greeting 2": file("2", "2027-01-01"), "both take effect": file("3", "2026-07-01")} {
		if _, err := rules.LoadLibrary[greeting](fstest.MapFS{"g/a.yaml": file("2", "2026-07-01"), "g/c.yaml": clash}, "g", nil); err == nil || !strings.Contains(err.Error(), strings.Fields(name)[0]) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestGuarantee3_TheHashIsOfTheBytes(t *testing.T) {
	_, one, err := rules.Parse[greeting]("g", []byte(head))
	if err != nil {
		t.Fatal(err)
	}
	_, two, err := rules.Parse[greeting]("g", []byte(head+"# a comment\n"))
	if err != nil {
		t.Fatal(err)
	}
	if one.Hash == two.Hash || one.Version != two.Version {
		t.Errorf("got %+v and %+v", one, two)
	}
}

func language(t testing.TB) *rules.Language {
	t.Helper()
	l, err := rules.NewLanguage(map[string]rules.Type{
		"urgency": rules.Text, "children": rules.Number, "share": rules.Decimal, "night": rules.Truth,
		"received": rules.Moment, "concerns": rules.TextList, "labels": rules.TextMap, "extra": rules.Object,
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestCondition_Decides(t *testing.T) {
	values := map[string]any{
		"urgency": "high", "children": int64(3), "share": 0.5, "night": true, "received": time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC),
		"concerns": []string{"neglect", "housing"}, "labels": map[string]string{"a": "b"}, "extra": map[string]any{"age": int64(4)},
	}
	for text, want := range map[string]bool{
		`urgency == "high" && children > 2`:                             true,
		`"neglect" in concerns`:                                         true,
		`concerns.exists(c, c in ["sexual_abuse", "physical_abuse"])`:   false,
		`concerns.all(c, c != "x") && size(concerns) == 2`:              true,
		`received.getHours("Europe/Helsinki") == 0`:                     true,
		`has(extra.age) && extra.age < 5`:                               true,
		`has(extra.missing) && extra.missing == true || night`:          true,
		`labels["a"] == "b" && share < 1.0`:                             true,
		`received < timestamp("2026-03-01T00:00:00Z") || urgency == ""`: false,
		`urgency.matches("^h.+h$")`:                                     true,
	} {
		c, err := language(t).Condition(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got, err := c.True(values)
		if err != nil || got != want {
			t.Errorf("%s: got %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestGuarantee4_WrongConditionsAreRefusedWhenRead(t *testing.T) {
	for _, text := range []string{"", "urgency", "urgancy == 'high'", "children == 'three'", "children +", "1", `urgency == "a" ? 1 : true`, strings.Repeat("true && ", 1000) + "true"} {
		if _, err := language(t).Condition(text); err == nil {
			t.Errorf("%.40q is taken", text)
		}
	}
}

func TestGuarantee4_EvaluationFailsRatherThanGuesses(t *testing.T) {
	const canary = "Canary-Name"
	long := make([]string, 3000)
	for i := range long {
		long[i] = canary
	}
	for _, tc := range []struct {
		name, text, want string
		values           map[string]any
	}{
		{"missing variable", `urgency == "x"`, "a variable is missing", nil},
		{"wrong type", `children > 1`, "another type", map[string]any{"children": canary}},
		{"missing key", `extra.age > 1`, "a key is missing", map[string]any{"extra": map[string]any{}}},
		{"zero", `1 / children > 1`, "divides by zero", map[string]any{"children": int64(0)}},
		{"short list", `concerns[5] == "x"`, "too short", map[string]any{"concerns": []string{canary}}},
		{"too much", `concerns.all(a, concerns.all(b, a == b))`, "costs too much", map[string]any{"concerns": long}},
		{"nil", `concerns.exists(c, c == "x")`, "", map[string]any{"concerns": nil}},
	} {
		c, err := language(t).Condition(tc.text)
		if err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		_, err = c.True(tc.values)
		if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: got %v, want %q", tc.name, err, tc.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(head + "words: hi\nafter: {hours: 1}\n"))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("{"))
	f.Add([]byte("- ? : !!binary"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, ref, err := rules.Parse[greeting]("f", data)
		if err == nil && (got.Name != ref.Name || got.Name == "" || got.Version == "") {
			t.Errorf("%q reads as %+v", data, got)
		}
	})
}

func FuzzCondition(f *testing.F) {
	f.Add(`urgency == "x" || children > 2`)
	f.Add(`concerns.map(x, x + x).exists(y, y.matches("a*"))`)
	l := language(f)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := l.Condition(text)
		if err != nil {
			return
		}
		_, _ = c.True(map[string]any{"urgency": "x", "children": int64(1), "concerns": []string{"a"}}) // must end, and not panic
	})
}
