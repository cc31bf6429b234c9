package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/hearthfps/hearth/"

// file is one Go file of the repository.
type file struct {
	path    string // from the root, with slashes
	dir     string // its folder, which is its package's path within the module root
	test    bool
	ast     *ast.File
	imports []string
}

var set = token.NewFileSet()

// sources gives every Go file of the repository that is not generated.
func sources(t *testing.T) []file {
	t.Helper()
	if _, err := os.Stat(filepath.Join("..", "..", "go.work")); err != nil {
		t.Skip("the rest of the repository is not here")
	}
	all, err := read()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 100 {
		t.Fatalf("got %d Go files: the walk misses the repository", len(all))
	}
	return all
}

// read parses them once for all tests.
var read = sync.OnceValues(func() (all []file, _ error) {
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := entry.Name()
		if entry.IsDir() {
			if base != ".." && strings.HasPrefix(base, ".") || base == "testdata" || base == "bin" || base == "data" {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(base) != ".go" {
			return nil
		}
		parsed, err := parser.ParseFile(set, name, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		if ast.IsGenerated(parsed) {
			return nil
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		f := file{path: filepath.ToSlash(rel), dir: path.Dir(filepath.ToSlash(rel)), test: strings.HasSuffix(base, "_test.go"), ast: parsed}
		for _, i := range parsed.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, p)
		}
		all = append(all, f)
		return nil
	})
	return all, err
})

// service is the service a file belongs to; "" for none.
func (f file) service() string {
	rest, ok := strings.CutPrefix(f.dir, "services/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// within says whether the file lies in a folder or below it.
func (f file) within(dir string) bool { return f.dir == dir || strings.HasPrefix(f.dir, dir+"/") }

// where is a position, from the root.
func where(f file, at token.Pos) string {
	return f.path + ":" + strconv.Itoa(set.Position(at).Line)
}

// domain are the packages that hold rules and nothing else, with all below them
// but commands.
var domain = map[string][]string{
	"intake":             {"referral", "match"},
	"assessment":         {"instruments", "scoring", "record"},
	"planning":           {"casefile", "goals"},
	"visit-scheduling":   {"schedule", "optimise"},
	"resource-directory": {"directory"},
	"notification":       {"message"},
}

// isDomain says whether a file that is no test is domain code.
func (f file) isDomain() bool {
	if f.test || strings.Contains(f.dir, "/cmd/") || strings.HasSuffix(f.dir, "/population") || strings.HasSuffix(f.dir, "/benchfile") {
		return false
	}
	return slices.ContainsFunc(domain[f.service()], func(p string) bool { return f.within("services/" + f.service() + "/" + p) })
}
