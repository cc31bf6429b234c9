package house

import (
	"go/ast"
	"go/token"
	"strconv"
	"testing"
)

// literal is the text of a string literal; "" for anything else.
func literal(x ast.Expr) string {
	lit, ok := x.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	s, err := strconv.Unquote(lit.Value)
	if err != nil {
		return ""
	}
	return s
}

// A resource of a type that no policy knows is refused to everybody: that is
// found here, and not by a worker.
func TestPoliciesKnowEveryResourceType(t *testing.T) {
	known := map[string]bool{}
	for _, f := range sources(t) {
		if f.path != "pkg/policy/groups.go" {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || spec.Names[0].Name != "resourceKinds" {
				return true
			}
			for _, e := range spec.Values[0].(*ast.CompositeLit).Elts {
				known[literal(e.(*ast.KeyValueExpr).Key)] = true
			}
			return false
		})
	}
	if len(known) < 20 {
		t.Fatalf("got %d types of policy", len(known))
	}
	used := 0
	for _, f := range sources(t) {
		if f.test || f.service() == "" {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if pkg, name, c := composite(n); c != nil && pkg == "policy" && (name == "Resource" || name == "Rows") {
				for _, e := range c.Elts {
					kv, ok := e.(*ast.KeyValueExpr)
					if !ok {
						continue
					}
					if key, ok := kv.Key.(*ast.Ident); ok && key.Name == "Type" && literal(kv.Value) != "" {
						used++
						if !known[literal(kv.Value)] {
							t.Errorf("%s: no policy knows type %q", where(f, c.Pos()), literal(kv.Value))
						}
					}
				}
			}
			if c, ok := n.(*ast.CallExpr); ok && len(c.Args) > 2 {
				if s, ok := c.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "CaseFilter" {
					used++
					if name := literal(c.Args[1]); name != "" && !known[name] {
						t.Errorf("%s: no policy knows type %q", where(f, c.Pos()), name)
					}
				}
			}
			return true
		})
	}
	if used < 10 {
		t.Errorf("only %d uses of policies were found", used)
	}
}

// composite is a literal of pkg.Name{…}.
func composite(n ast.Node) (pkg, name string, c *ast.CompositeLit) {
	c, ok := n.(*ast.CompositeLit)
	if !ok {
		return "", "", nil
	}
	s, ok := c.Type.(*ast.SelectorExpr)
	if !ok {
		return "", "", nil
	}
	x, ok := s.X.(*ast.Ident)
	if !ok {
		return "", "", nil
	}
	return x.Name, s.Sel.Name, c
}
