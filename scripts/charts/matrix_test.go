package charts

import (
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"helm.sh/helm/v3/pkg/chartutil"
	"sigs.k8s.io/yaml"

	"github.com/hearthfps/hearth/scripts/charts/schemas"
	"github.com/hearthfps/hearth/scripts/charts/values"
)

// root is the project's top, by links that lie in this module: Go runs a test whose
// result it has kept again when a file of the test's own module has changed, and
// knows of no other.
const root = "testdata/project"

// asking are the services whose charts need a client of the identity provider.
var asking = []string{"notification", "visit-scheduling"}

// matrix are the values files a service's chart is rendered with.
var matrix = []string{"minimal", "full", "keda", "gateway", "off"}

// umbrellas are those of the umbrella, each laid over the one before it.
var umbrellas = map[string][]string{"umbrella": {"umbrella"}, "umbrella-part": {"umbrella", "umbrella-part"}}

// rendering is a chart rendered with values.
type rendering struct {
	chart, values string
	objects       []Object
}

func (r rendering) String() string { return r.chart + "/" + r.values }

// settings are the values of one cell of the matrix.
func settings(t testing.TB, chart, name string) map[string]any {
	t.Helper()
	files := []string{name}
	if slices.Contains(asking, chart) {
		files = []string{"asking", name}
		if name == "minimal" {
			files = []string{name, "asking"}
		}
	}
	if chart == Umbrella {
		files = umbrellas[name]
	}
	var paths []string
	for _, file := range files {
		if file == "umbrella" {
			paths = append(paths, filepath.Join(root, "helm/hearth/ci/suite-values.yaml"))
			continue
		}
		paths = append(paths, filepath.Join("testdata", file+".yaml"))
	}
	all, err := ReadValues(paths...)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func render(t testing.TB, chart, name, version string) rendering {
	t.Helper()
	release := chart
	if name == "full" {
		release = "family" // the release's name is not the chart's
	}
	objects, err := Render(root, chart, Release{Name: release, Namespace: "hearth", Kubernetes: version, Values: settings(t, chart, name)})
	if err != nil {
		t.Fatalf("%s/%s: %v", chart, name, err)
	}
	return rendering{chart, name, objects}
}

// rendered keeps what has been rendered: it is read by many tests, changed by none.
var rendered sync.Map

// renderings are all cells of the matrix, for one version of Kubernetes.
func renderings(t testing.TB, version string) []rendering {
	t.Helper()
	if all, ok := rendered.Load(version); ok {
		return all.([]rendering)
	}
	var all []rendering
	for _, chart := range values.Services() {
		for _, name := range matrix {
			all = append(all, render(t, chart, name, version))
		}
	}
	for name := range umbrellas {
		all = append(all, render(t, Umbrella, name, version))
	}
	rendered.Store(version, all)
	return all
}

func newest() string { return schemas.Versions()[0] }

// of are the objects of a kind.
func (r rendering) of(kind string) []Object {
	var found []Object
	for _, o := range r.objects {
		if o.GetKind() == kind {
			found = append(found, o)
		}
	}
	return found
}

// over lays values, as YAML, over others.
func over(t testing.TB, text string, under map[string]any) map[string]any {
	t.Helper()
	var layer map[string]any
	if err := yaml.UnmarshalStrict([]byte(text), &layer); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return chartutil.CoalesceTables(layer, under)
}
