package charts

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The values that helm/README.md says are the least the umbrella needs are enough.
func TestReadme_TheLeastIsEnough(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "helm/README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "```yaml\n")
	example, _, closed := strings.Cut(rest, "```")
	if !ok || !closed {
		t.Fatal("helm/README.md shows no values")
	}
	objects, err := Render(root, Umbrella, Release{Name: "hearth", Namespace: "hearth", Kubernetes: newest(), Values: over(t, example, map[string]any{})})
	if err != nil {
		t.Fatal(err)
	}
	if n := len((rendering{objects: objects}).of("Deployment")); n != 6 {
		t.Errorf("%d deployments, want 6", n)
	}
}
