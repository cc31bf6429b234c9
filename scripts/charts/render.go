package charts

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/hearthfps/hearth/scripts/charts/values"
)

// Umbrella is the chart that installs all services.
const Umbrella = "hearth"

// Names are the charts that install something: the services' and the umbrella.
func Names() []string { return append(values.Services(), Umbrella) }

// Object is one rendered Kubernetes object.
type Object struct {
	unstructured.Unstructured
	// Template is the file it is of, intake/templates/service.yaml.
	Template string
	// Text is its YAML.
	Text []byte
}

// String names the object: Deployment intake.
func (o Object) String() string { return o.GetKind() + " " + o.GetName() }

// Release is what a chart is installed as.
type Release struct {
	// Name is the release's, Namespace where it goes.
	Name, Namespace string
	// Kubernetes is the version of the cluster, "v1.36.3".
	Kubernetes string
	// Values are laid over the chart's own.
	Values map[string]any
}

// ReadValues reads values files; a later one beats an earlier.
func ReadValues(files ...string) (map[string]any, error) {
	all := map[string]any{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var layer map[string]any
		if err := yaml.UnmarshalStrict(text, &layer); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = chartutil.CoalesceTables(layer, all)
	}
	return all, nil
}

// Load reads the chart called name. root is the project's top.
func Load(root, name string) (*chart.Chart, error) {
	c, err := loader.LoadDir(filepath.Join(root, "helm", name))
	if err != nil {
		return nil, fmt.Errorf("chart %s: %w", name, err)
	}
	return c, nil
}

// Render is RenderChart of the chart called name, read from its folder.
func Render(root, name string, r Release) ([]Object, error) {
	c, err := Load(root, name)
	if err != nil {
		return nil, err
	}
	return RenderChart(c, r)
}

// RenderChart is `helm template`: every object, hooks and tests included, in the
// order of templates. It fails where Helm would: on values the schema refuses, and
// on templates that say what is missing. The chart is used up.
func RenderChart(c *chart.Chart, r Release) ([]Object, error) {
	version, err := chartutil.ParseKubeVersion(r.Kubernetes)
	if err != nil {
		return nil, fmt.Errorf("Kubernetes %q: %w", r.Kubernetes, err)
	}
	given := chartutil.Values(maps.Clone(r.Values))
	if err := chartutil.ProcessDependenciesWithMerge(c, given); err != nil {
		return nil, err
	}
	all, err := chartutil.ToRenderValues(c, given,
		chartutil.ReleaseOptions{Name: r.Name, Namespace: r.Namespace, Revision: 1, IsInstall: true},
		&chartutil.Capabilities{KubeVersion: *version, APIVersions: chartutil.DefaultVersionSet})
	if err != nil {
		return nil, err
	}
	files, err := engine.Engine{Strict: true}.Render(c, all)
	if err != nil {
		return nil, err
	}
	var objects []Object
	for _, template := range slices.Sorted(maps.Keys(files)) {
		if !strings.HasSuffix(template, ".yaml") {
			continue
		}
		of, err := split(template, files[template])
		if err != nil {
			return nil, err
		}
		objects = append(objects, of...)
	}
	slices.SortStableFunc(objects, func(a, b Object) int { return cmp.Compare(a.Template, b.Template) })
	return objects, nil
}

// split reads the documents of one rendered template.
func split(template, text string) ([]Object, error) {
	var objects []Object
	reader := utilyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text)))
	for {
		document, err := reader.Read()
		if err == io.EOF {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", template, err)
		}
		o := Object{Template: template, Text: document}
		if err := yaml.UnmarshalStrict(document, &o.Object); err != nil {
			return nil, fmt.Errorf("%s: %w\n%s", template, err, document)
		}
		if len(o.Object) > 0 {
			objects = append(objects, o)
		}
	}
}
