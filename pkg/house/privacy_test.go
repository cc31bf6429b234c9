package house

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// personal are names of fields and variables that hold what a person could be
// known by. They are what our own types call it.
var personal = regexp.MustCompile(`^(Given|Family|GivenNames?|FamilyNames?|FullName|PersonName|BirthDate|Phone|PhoneNumber|Email|Street|Lines|PostalCode|Narrative|ContactValue|Identifiers?|ReporterName)$`)

// mentions finds the first personal name in an expression.
func mentions(n ast.Node) (name string) {
	ast.Inspect(n, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && name == "" && personal.MatchString(id.Name) {
			name = id.Name
		}
		return name == ""
	})
	return name
}

// Faults are answered and logged; what they say is about the request, not about
// the persons in it.
func TestFaultsHoldNoPersonalData(t *testing.T) {
	checked := 0
	for _, f := range sources(t) {
		if f.test {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if pkg, name, c := call(n); c != nil && pkg == "fault" && name == "New" && len(c.Args) > 2 {
				checked++
				for _, a := range c.Args[1:] {
					if found := mentions(a); found != "" {
						t.Errorf("%s: a fault is made of %s", where(f, c.Pos()), found)
					}
				}
			}
			if lit, ok := n.(*ast.CompositeLit); ok {
				if sel, ok := lit.Type.(*ast.SelectorExpr); ok && sel.Sel.Name == "Field" {
					if x, ok := sel.X.(*ast.Ident); ok && x.Name == "fault" {
						checked++
						if found := mentions(lit); found != "" {
							t.Errorf("%s: a fault's field is made of %s", where(f, lit.Pos()), found)
						}
					}
				}
			}
			return true
		})
	}
	if checked < 100 {
		t.Errorf("only %d faults were found", checked)
	}
}

var logMethods = []string{
	"Debug", "Info", "Warn", "Error", "DebugContext", "InfoContext", "WarnContext", "ErrorContext", "Log", "LogAttrs", "With",
}

// A log line holds ids and codes.
func TestLogsHoldNoPersonalData(t *testing.T) {
	checked := 0
	for _, f := range sources(t) {
		if f.test {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			c, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			s, ok := c.Fun.(*ast.SelectorExpr)
			if !ok || !slices.Contains(logMethods, s.Sel.Name) || !isLog(s.X) {
				return true
			}
			checked++
			for _, a := range c.Args {
				if found := mentions(a); found != "" {
					t.Errorf("%s: a log line is made of %s", where(f, c.Pos()), found)
				}
			}
			return true
		})
	}
	if checked < 20 {
		t.Errorf("only %d log lines were found", checked)
	}
}

// isLog says whether an expression is a logger, by its name.
func isLog(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.Ident:
		return strings.EqualFold(x.Name, "log") || x.Name == "slog" || x.Name == "logger"
	case *ast.SelectorExpr:
		return strings.EqualFold(x.Sel.Name, "log") || x.Sel.Name == "Log"
	case *ast.CallExpr:
		if s, ok := x.Fun.(*ast.SelectorExpr); ok {
			return isLog(s.X)
		}
		if id, ok := x.Fun.(*ast.Ident); ok {
			return strings.HasPrefix(id.Name, "log")
		}
	}
	return false
}

// notPersons have such a field and hold no person.
var notPersons = map[string]string{
	"services/resource-directory/directory.ServiceAtLocation": "where an organisation is",
	"services/intake/match.Columns":                           "names of a data set's columns",
	"services/intake/match/population.Settings":               "how people are made up",
	"services/intake/match/population.Tables":                 "how common names are",
}

// A type that holds a person says so to the log: it is logged as [redacted].
func TestPersonalTypesRedactThemselves(t *testing.T) {
	type name struct{ dir, name string }
	fields := map[name]string{}
	at := map[name]string{}
	redacts := map[name]bool{}
	for _, f := range sources(t) {
		if f.test || f.service() == "" || f.service() == "hearth" || strings.Contains(f.dir, "/cmd/") {
			continue
		}
		for _, d := range f.ast.Decls {
			switch d := d.(type) {
			case *ast.GenDecl:
				if d.Tok != token.TYPE {
					continue
				}
				for _, spec := range d.Specs {
					ts := spec.(*ast.TypeSpec)
					st, ok := ts.Type.(*ast.StructType)
					if !ok || !ts.Name.IsExported() {
						continue
					}
					for _, field := range st.Fields.List {
						for _, id := range field.Names {
							if personal.MatchString(id.Name) {
								n := name{f.dir, ts.Name.Name}
								fields[n], at[n] = id.Name, where(f, ts.Pos())
							}
						}
					}
				}
			case *ast.FuncDecl:
				if d.Name.Name == "LogValue" && d.Recv != nil {
					recv := d.Recv.List[0].Type
					if star, ok := recv.(*ast.StarExpr); ok {
						recv = star.X
					}
					if id, ok := recv.(*ast.Ident); ok {
						redacts[name{f.dir, id.Name}] = true
					}
				}
			}
		}
	}
	if len(fields) == 0 {
		t.Fatal("no type that holds a person was found")
	}
	for n, field := range fields {
		if !redacts[n] && notPersons[n.dir+"."+n.name] == "" {
			t.Errorf("%s: %s holds %s and does not redact itself: give it LogValue() slog.Value", at[n], n.name, field)
		}
	}
}
