package match

import (
	"testing"

	"pgregory.net/rapid"
)

// slowEdits is the recurrence written out over whole tables.
func slowEdits(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			c := 1
			if a[i-1] == b[j-1] {
				c = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+c)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}

func word(t *rapid.T, name string) string {
	return rapid.StringMatching(`[a-e0-3]{1,12}`).Draw(t, name)
}

func TestEdits_EqualsTheRecurrenceUpToItsLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := word(t, "a"), word(t, "b")
		limit := rapid.IntRange(0, 5).Draw(t, "limit")
		want := min(slowEdits(a, b), limit+1)
		if got := edits(a, b, limit); got != want {
			t.Fatalf("edits(%q, %q, %d) = %d, want %d", a, b, limit, got, want)
		}
	})
}

func TestJaroWinkler_PublishedValues(t *testing.T) {
	// Winkler 1990 and the examples commonly given since.
	for _, c := range []struct {
		a, b string
		want float64
	}{
		{"martha", "marhta", 0.961}, {"dixon", "dicksonx", 0.813}, {"duane", "dwayne", 0.840}, {"abc", "xyz", 0},
	} {
		if got := jaroWinkler(c.a, c.b); got < c.want-0.001 || got > c.want+0.001 {
			t.Errorf("jaroWinkler(%q, %q) = %.4f, want %.3f", c.a, c.b, got, c.want)
		}
	}
}

func TestOutline_NeverRulesOutWhatLettersWouldAllow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLexicon()
		a, b := word(t, "a"), word(t, "b")
		o := l.outline(l.intern(a), l.intern(b))
		if n := slowEdits(a, b); !o.within(n) {
			t.Fatalf("%q and %q are %d edits apart, and ruled out at %d", a, b, n, n)
		}
		if jw := jaroWinkler(a, b); jw >= 0.86 && !o.alike() {
			t.Fatalf("%q and %q are %.3f alike, and ruled out", a, b, jw)
		}
	})
}

func TestLexicon_NumbersEachTextOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOf(rapid.StringMatching(`[a-c]{0,4}`)).Draw(t, "texts")
		l := newLexicon()
		numbers := map[string]uint32{}
		for _, s := range texts {
			id := l.intern(s)
			if before, ok := numbers[s]; ok && before != id {
				t.Fatalf("%q is %d and %d", s, before, id)
			}
			numbers[s] = id
		}
		for s, id := range numbers {
			if got := l.text(id); got != s {
				t.Fatalf("text(%d) = %q, want %q", id, got, s)
			}
		}
	})
}
