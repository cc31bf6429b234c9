package api_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	specs "github.com/hearthfps/hearth/api-specs"
	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
)

// TestContract_EveryExampleOfABodyIsTaken sends each example the OpenAPI file
// shows to where it belongs. What happens then depends on the case; that the body
// is what the contract wants does not.
func TestContract_EveryExampleOfABodyIsTaken(t *testing.T) {
	d := newDesk(t)
	spec, err := specs.OpenAPI.ReadFile("openapi/assessment.yaml")
	if err != nil {
		t.Fatal(err)
	}
	type operation struct {
		RequestBody struct {
			Content map[string]struct {
				Example map[string]any `yaml:"example"`
			} `yaml:"content"`
		} `yaml:"requestBody"`
	}
	var paths struct {
		Paths map[string]map[string]any `yaml:"paths"`
	}
	if err := yaml.Unmarshal(spec, &paths); err != nil {
		t.Fatal(err)
	}
	bodies := 0
	for _, path := range slices.Sorted(maps.Keys(paths.Paths)) {
		for method, node := range paths.Paths[path] {
			if method == "parameters" {
				continue
			}
			text, err := yaml.Marshal(node)
			if err != nil {
				t.Fatal(err)
			}
			var op operation
			if err := yaml.Unmarshal(text, &op); err != nil {
				t.Fatal(err)
			}
			for media, body := range op.RequestBody.Content {
				bodies++
				if body.Example == nil {
					t.Errorf("%s %s: no example of its body", method, path)
					continue
				}
				at := "/assessment/v1" + strings.NewReplacer("{case_id}", "case-1", "{", "x-", "}", "").Replace(path)
				got := d.supervisor().Do(strings.ToUpper(method), at, body.Example, apitest.Header("Content-Type", media), apitest.IfMatch("*"))
				if got.Status == http.StatusBadRequest || got.Status == http.StatusUnsupportedMediaType {
					t.Errorf("%s %s refuses its own example: %s", method, path, got.Body)
				}
			}
		}
	}
	if bodies < 3 {
		t.Errorf("found %d bodies: the file was not read as it should be", bodies)
	}
}
