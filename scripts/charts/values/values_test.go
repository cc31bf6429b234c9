package values

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// root is the project's top, by links in this module; see matrix_test.go.
const root = "../testdata/project"

// What is generated is committed; when a source changes it is generated anew.
func TestGeneratedFilesAreUpToDate(t *testing.T) {
	files, err := Generate(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Errorf("%v: run make generate and commit", err)
			continue
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is not up to date: run make generate and commit\n-generated +committed\n%s", name, diff)
		}
	}
	for _, pattern := range []string{"helm/*/files/*.*", "helm/*/files/*/*"} {
		copies, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range copies {
			name, err := filepath.Rel(root, path)
			if err != nil {
				t.Fatal(err)
			}
			if files[name] == nil {
				t.Errorf("%s is of no source in deploy/observability: remove it", name)
			}
		}
	}
}

// Every line of values.yaml that sets something has a comment above it.
func TestYAML_EveryValueHasAComment(t *testing.T) {
	sets := regexp.MustCompile(`^\s*[A-Za-z][A-Za-z-]*:`)
	for _, chart := range append(Services(), "hearth") {
		s, err := Of(root, chart)
		if err != nil {
			t.Fatal(err)
		}
		text, err := s.YAML()
		if err != nil {
			t.Fatal(err)
		}
		before, set := "", 0
		for line := range strings.Lines(string(text)) {
			if sets.MatchString(line) {
				set++
				if !strings.HasPrefix(strings.TrimSpace(before), "# ") {
					t.Errorf("%s: no comment on %s", chart, line)
				}
			}
			before = line
		}
		if set < 20 {
			t.Errorf("%s: %d values; the test sees nothing", chart, set)
		}
	}
}

// What YAML makes of a sentence without quotes is found, and said where.
func TestLoad_RefusesWhatIsNoKeyword(t *testing.T) {
	file := filepath.Join(t.TempDir(), "schema.yaml")
	text := "properties: {a: {properties: {b: {description: One, two., type: string}}}}"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Load("test", file)
	if err == nil || !strings.Contains(err.Error(), "/a/b") || !strings.Contains(err.Error(), "two.") {
		t.Errorf("got %v, want an error that names /a/b and what stands there", err)
	}
}

// An overlay changes what it names and keeps the rest.
func TestLoad_OverlaysMergeMapsAndAddRequired(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	s, err := Load("test",
		write("under.yaml", "required: [a]\nproperties:\n  a: {description: A., type: string, default: x}\n  b: {description: B., type: integer, default: 1}\n"),
		write("over.yaml", "required: [c]\nproperties:\n  a: {default: y}\n  c: {description: C., type: boolean, default: true}\n"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := s.YAML()
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(text), "\n\n")
	if diff := cmp.Diff("# A.\na: \"y\"\n\n# B.\nb: 1\n\n# C.\nc: true\n", body); diff != "" {
		t.Errorf("values.yaml: -want +got\n%s", diff)
	}
	schema, err := s.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`"required": \[\s*"a",\s*"c"\s*\]`).Match(schema) || strings.Contains(string(schema), `"default"`) {
		t.Errorf("values.schema.json:\n%s", schema)
	}
}
