package charts

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// WhoTalksToWhom is where the graph of the whole suite is kept: what a real run's
// telemetry is compared with.
const WhoTalksToWhom = "deploy/observability/who-talks-to-whom.json"

// Whole is the graph of the suite with everything on, as the umbrella's network
// policies allow it.
func Whole(root string) (Graph, error) {
	given, err := ReadValues(filepath.Join(root, "helm/hearth/ci/suite-values.yaml"))
	if err != nil {
		return nil, err
	}
	objects, err := Render(root, Umbrella, Release{Name: Umbrella, Namespace: "hearth", Kubernetes: "v1.30.0", Values: given})
	if err != nil {
		return nil, err
	}
	return WhoMayTalk(objects)
}

// Generate returns the files that show the graph, by path: WhoTalksToWhom and, in
// helm/README.md, what stands between "<!-- graph -->" and "<!-- end -->". readme is
// that file as it is to be but for the graph; nil reads it.
func Generate(root string, readme []byte) (map[string][]byte, error) {
	graph, err := Whole(root)
	if err != nil {
		return nil, err
	}
	data, err := graph.JSON()
	if err != nil {
		return nil, err
	}
	if readme == nil {
		if readme, err = os.ReadFile(filepath.Join(root, "helm/README.md")); err != nil {
			return nil, err
		}
	}
	before, rest, ok := bytes.Cut(readme, []byte("<!-- graph -->\n"))
	_, after, closed := bytes.Cut(rest, []byte("<!-- end -->"))
	if !ok || !closed {
		return nil, fmt.Errorf("helm/README.md: it has no place for the graph: <!-- graph --> and <!-- end -->")
	}
	shown := fmt.Sprintf("<!-- graph -->\n```mermaid\n%s```\n<!-- end -->", graph.Services().Mermaid())
	return map[string][]byte{WhoTalksToWhom: data, "helm/README.md": bytes.Join([][]byte{before, after}, []byte(shown))}, nil
}
