package instruments

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const small = `instrument: mini
version: 1.0.0
kind: safety
title: Mini
purpose: To be parsed
licence: CC-BY-4.0
attribution: Hearth contributors
effective: 2026-01-01
option_sets:
  seen:
    - {option: absent, label: Not seen, points: 0}
    - {option: present, label: Seen, points: 1}
    - {option: not_known, label: Not known, means: not_known}
items:
  - item: a
    text: Is there a?
    option_set: seen
  - item: b
    text: And b?
    enabled_when: {item: a, in: [present]}
    option_set: seen
subscales:
  - subscale: both
    title: Both
    domain: safety
    method: mean
    missing: {min_answered_percent: 50}
    items: [a, b]
    bands:
      - {band: low, title: Low, up_to: 0.5, need: none, strength: true}
      - {band: high, title: High, need: high}
    raise:
      - {to: high, when: {item: b, in: [present]}}
decision:
  - decide: unsafe
    when: {all: [{item: a, in: [present]}, {item: b, in: [present]}]}
  - decide: safe
`

func TestParse_ReadsEveryPart(t *testing.T) {
	ins, err := Parse([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	b, ok := ins.Item("b")
	if !ok || b.EnabledWhen == nil || b.EnabledWhen.Item != "a" {
		t.Errorf("item b = %+v, want it enabled by a", b)
	}
	half := Hundredths(50)
	want := []Band{{Code: "low", Title: "Low", UpTo: &half, Need: NoNeed, Strength: true}, {Code: "high", Title: "High", Need: HighNeed}}
	if diff := cmp.Diff(want, ins.Subscales[0].Bands); diff != "" {
		t.Errorf("bands (-want +got):\n%s", diff)
	}
	sum := sha256.Sum256([]byte(small))
	if want := hex.EncodeToString(sum[:]); ins.Hash != want {
		t.Errorf("hash = %s, want the file's %s", ins.Hash, want)
	}
	if len(ins.Decision) != 2 || ins.Decision[0].Decide != Unsafe || ins.Decision[1].When != nil {
		t.Errorf("decision = %+v", ins.Decision)
	}
}

func TestParse_RefusesWithTheReasonAndThePlace(t *testing.T) {
	tests := []struct{ name, old, new, want string }{
		{"an unknown field", "title: Mini", "title: Mini\ncolour: red", "colour"},
		{"an alias", "title: Mini", "title: &x Mini", "anchors and aliases"},
		{"a version that is none", "version: 1.0.0", "version: latest", "version:"},
		{"an unknown kind", "kind: safety", "kind: quiz", "kind:"},
		{"a date that is none", "effective: 2026-01-01", "effective: 2026-13-01", "effective:"},
		{"no licence", "licence: CC-BY-4.0", "licence: ''", "licence:"},
		{"enablement by a later item", "{item: a, in: [present]}\n    option_set", "{item: c, in: [present]}\n    option_set", `items[1].enabled_when: there is no item "c"`},
		{"enablement by itself", "{item: a, in: [present]}\n    option_set", "{item: b, in: [present]}\n    option_set", `items[1].enabled_when: there is no item "b"`},
		{"an answer the item does not have", "{item: a, in: [present]}\n    option_set", "{item: a, in: [maybe]}\n    option_set", `no option "maybe"`},
		{"two forms in one condition", "{item: a, in: [present]}\n    option_set", "{item: a, in: [present], not: {item: a, in: [absent]}}\n    option_set", "exactly one of"},
		{"a missing option set", "option_set: seen\n  - item: b", "option_set: heard\n  - item: b", `no option set "heard"`},
		{"an item twice", "item: b\n", "item: a\n", `item "a" is there twice`},
		{"points for not known", "label: Not known, means", "label: Not known, points: 2, means", "has no points"},
		{"points below zero", "points: 1", "points: -1", "outside 0 to 100"},
		{"a measuring answer without points", "label: Seen, points: 1", "label: Seen", "has no points, so the item cannot be in a subscale"},
		{"a subscale with an unknown item", "items: [a, b]\n    bands", "items: [a, z]\n    bands", `subscales[0].items[1]: there is no item "z"`},
		{"no missing-data rule", "    missing: {min_answered_percent: 50}\n", "", "min_answered_percent"},
		{"a sum over missing answers", "method: mean", "method: sum", "a sum needs 100"},
		{"an unknown domain", "domain: safety", "domain: weather", "domain:"},
		{"bands out of order", "up_to: 0.5, need: none, strength: true}", "up_to: 0.5, need: none}\n      - {band: mid, title: Mid, up_to: 0.5, need: none}", "not above the band before"},
		{"a last band with an end", "title: High, need", "title: High, up_to: 3, need", "no upper end"},
		{"a strength that is a need", "need: high}", "need: high, strength: true}", "strength"},
		{"a raise to an unknown band", "to: high, when", "to: top, when", `no band "top"`},
		{"a threshold finer than scores", "up_to: 0.5,", "up_to: 0.505,", "two decimals"},
		{"decisions from mild to severe", "decide: unsafe", "decide: safe", "decision"},
		{"a last decision with a condition", "  - decide: safe\n", "", "the last rule has no condition"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			src := strings.Replace(small, tt.old, tt.new, 1)
			if src == small {
				t.Fatalf("the test's change did not apply: %q", tt.old)
			}
			if tt.name == "decisions from mild to severe" {
				src = strings.Replace(src, "  - decide: safe\n`", "", 1)
				src = strings.TrimSuffix(src, "  - decide: safe\n") + "  - decide: unsafe\n"
			}
			_, err := Parse([]byte(src))
			if err == nil {
				t.Fatal("Parse accepted it")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %q, want it to contain %q", err, tt.want)
			}
		})
	}
}

func TestShipped_ReadsAndCoversEveryDomain(t *testing.T) {
	lib, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	safety, ok := lib.Get("safety_checklist", "1.0.0")
	if !ok || safety.Kind != Safety {
		t.Fatalf("safety_checklist 1.0.0 = %v, want a safety instrument", safety)
	}
	scale, ok := lib.Current("family_strengths_needs", time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC))
	if !ok {
		t.Fatal("no family_strengths_needs in effect in June 2026")
	}
	var got []Domain
	for _, s := range scale.Subscales {
		got = append(got, s.Domain)
	}
	if diff := cmp.Diff(domains, got); diff != "" {
		t.Errorf("domains of the scale (-want +got):\n%s", diff)
	}
	if _, ok := lib.Current("family_strengths_needs", time.Date(2025, 12, 31, 0, 0, 0, 0, time.UTC)); ok {
		t.Error("a version is current before it takes effect")
	}
}

func TestLibrary_CurrentIsTheNewestInEffectByNumber(t *testing.T) {
	file := func(version, from string) *fstest.MapFile {
		s := strings.Replace(small, "version: 1.0.0", "version: "+version, 1)
		return &fstest.MapFile{Data: []byte(strings.Replace(s, "2026-01-01", from, 1))}
	}
	lib, err := Load(fstest.MapFS{
		"mini-1.9.0.yaml":  file("1.9.0", "2026-02-01"),
		"mini-1.10.0.yaml": file("1.10.0", "2026-03-01"),
		"mini-2.0.0.yaml":  file("2.0.0", "2027-01-01"),
	})
	if err != nil {
		t.Fatal(err)
	}
	ins, ok := lib.Current("mini", time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	if !ok || ins.Version != "1.10.0" {
		t.Errorf("current = %v %v, want 1.10.0", ins, ok)
	}
	if _, err := Load(fstest.MapFS{"mini.yaml": file("1.0.0", "2026-01-01")}); err == nil {
		t.Error("Load accepted a file that is not named after its version")
	}
}

func TestHundredths_ReadsWhatItWrites(t *testing.T) {
	for _, tt := range []struct {
		points, count int
		want          string
	}{{7, 3, "2.33"}, {8, 3, "2.67"}, {1, 8, "0.13"}, {0, 4, "0.00"}, {12, 1, "12.00"}} {
		h := Ratio(tt.points, tt.count)
		b, err := json.Marshal(h)
		if err != nil || string(b) != tt.want {
			t.Errorf("%d/%d = %s, %v; want %s", tt.points, tt.count, b, err, tt.want)
		}
		var back Hundredths
		if err := json.Unmarshal(b, &back); err != nil || back != h {
			t.Errorf("read back %d, %v; want %d", back, err, h)
		}
	}
	for _, bad := range []string{`"2"`, `-1`, `0.001`, `1e99`, `true`} {
		var h Hundredths
		if err := json.Unmarshal([]byte(bad), &h); err == nil {
			t.Errorf("%s was read as %v", bad, h)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	for _, name := range []string{"safety_checklist-1.0.0.yaml", "family_strengths_needs-1.0.0.yaml"} {
		src, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	f.Add([]byte("a: &x [*x]"))
	f.Add([]byte("items: [{item: a, enabled_when: {not: {not: {not: {item: a}}}}}]"))
	f.Fuzz(func(t *testing.T, src []byte) {
		ins, err := Parse(src)
		if err != nil {
			return
		}
		if ins.Hash == "" || len(ins.Items) == 0 || len(ins.Subscales) == 0 {
			t.Fatalf("accepted without a hash, items or subscales: %+v", ins)
		}
		unanswered := func(string) Standing { return Standing{State: Open} }
		for i := range ins.Items {
			if c := ins.Items[i].EnabledWhen; c != nil && c.Eval(unanswered) == True && !negates(c) {
				t.Fatalf("item %s is enabled by no answer at all", ins.Items[i].Code)
			}
		}
	})
}

// negates says whether c holds a not, under which no answer can be enough.
func negates(c *Condition) bool {
	if c.Not != nil {
		return true
	}
	for i := range c.All {
		if negates(&c.All[i]) {
			return true
		}
	}
	for i := range c.Any {
		if negates(&c.Any[i]) {
			return true
		}
	}
	return false
}
