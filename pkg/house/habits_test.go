package house

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// call is pkg.Name(…); "" when it is something else.
func call(n ast.Node) (pkg, name string, c *ast.CallExpr) {
	c, ok := n.(*ast.CallExpr)
	if !ok {
		return "", "", nil
	}
	s, ok := c.Fun.(*ast.SelectorExpr)
	if !ok {
		return "", "", nil
	}
	x, ok := s.X.(*ast.Ident)
	if !ok {
		return "", "", nil
	}
	return x.Name, s.Sel.Name, c
}

// watches are files that look at the time and decide nothing by it.
var watches = map[string]string{
	"services/intake/match/dedupe.go":              "how long each phase took",
	"services/visit-scheduling/optimise/budget.go": "the deadline it was given",
}

// Time, ids and randomness are handed in, or a decision cannot be repeated.
func TestDomainCodeIsHandedTimeAndChance(t *testing.T) {
	handedIn := map[string][]string{"time": {"Now", "Since", "Until", "Sleep", "After", "NewTimer", "NewTicker", "Tick"}, "uuid": {"New", "NewV7", "NewString", "NewRandom"}}
	for _, f := range sources(t) {
		if !f.isDomain() || watches[f.path] != "" {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if pkg, name, c := call(n); c != nil && slices.Contains(handedIn[pkg], name) {
				t.Errorf("%s calls %s.%s: time and ids are handed in", where(f, c.Pos()), pkg, name)
			}
			return true
		})
	}
}

// A test waits for a state. A sleep by itself is too short on a slow machine and
// too long on a fast one; in a loop it is the pause of a poll or the rate of a
// load, and where something must not happen, its line says how long is enough.
func TestTestsDoNotSleep(t *testing.T) {
	for _, f := range sources(t) {
		if !f.test || strings.HasSuffix(f.path, "bench_test.go") {
			continue
		}
		explained := map[int]bool{}
		for _, group := range f.ast.Comments {
			explained[set.Position(group.Pos()).Line] = true
		}
		var loops []ast.Node
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n.(type) {
			case *ast.ForStmt, *ast.RangeStmt:
				loops = append(loops, n)
			}
			pkg, name, c := call(n)
			if c == nil || pkg != "time" || name != "Sleep" || explained[set.Position(c.Pos()).Line] {
				return true
			}
			if !slices.ContainsFunc(loops, func(l ast.Node) bool { return l.Pos() < c.Pos() && c.End() < l.End() }) {
				t.Errorf("%s sleeps: wait for a state, or say on the line why so long is enough", where(f, c.Pos()))
			}
			return true
		})
	}
}

// What is not done is left out, and what is there is done.
func TestNothingIsLeftForLater(t *testing.T) {
	later := []string{"TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"}
	for _, f := range sources(t) {
		for _, group := range f.ast.Comments {
			for _, word := range later {
				if strings.Contains(group.Text(), word) {
					t.Errorf("%s: %s", where(f, group.Pos()), word)
				}
			}
		}
	}
}

// A package of the kit says what it guarantees.
func TestPackagesOfTheKitHaveADoc(t *testing.T) {
	has := map[string]bool{}
	dirs := map[string]bool{}
	for _, f := range sources(t) {
		if !f.within("pkg") || f.test || strings.Contains(f.dir, "/internal/") {
			continue
		}
		dirs[f.dir] = true
		has[f.dir] = has[f.dir] || f.ast.Doc != nil
	}
	for dir := range dirs {
		if !has[dir] {
			t.Errorf("%s has no package comment", dir)
		}
	}
}
