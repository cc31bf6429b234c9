package apitest

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// Examples sends each example of a request body that an OpenAPI file shows to
// where it belongs, with the parameters of its path taken from ids ("x-<name>"
// for those not there), and fails where an operation refuses its own example or
// has none. What else an answer says depends on what exists. It gives the number
// of bodies found.
func (c *Client) Examples(spec []byte, base string, ids map[string]string) int {
	c.t.Helper()
	var file struct {
		Paths map[string]map[string]any `yaml:"paths"`
	}
	if err := yaml.Unmarshal(spec, &file); err != nil {
		c.t.Fatal(err)
	}
	var fill []string
	for name, id := range ids {
		fill = append(fill, "{"+name+"}", id)
	}
	fill = append(fill, "{", "x-", "}", "")
	bodies := 0
	for _, path := range slices.Sorted(maps.Keys(file.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(file.Paths[path])) {
			for media, example := range bodyExamples(c.t, method, file.Paths[path][method]) {
				bodies++
				if example == nil {
					c.t.Errorf("%s %s: no example of its body", method, path)
					continue
				}
				got := c.Do(strings.ToUpper(method), base+strings.NewReplacer(fill...).Replace(path), example, Header("Content-Type", media), IfMatch("*"))
				if got.Status == http.StatusBadRequest || got.Status == http.StatusUnsupportedMediaType {
					c.t.Errorf("%s %s refuses its own example: %s", method, path, got.Body)
				}
			}
		}
	}
	return bodies
}

// bodyExamples are an operation's examples by media type, nil where one is missing.
func bodyExamples(t testing.TB, method string, node any) map[string]any {
	t.Helper()
	if method == "parameters" {
		return nil
	}
	var operation struct {
		RequestBody struct {
			Content map[string]struct {
				Example any `yaml:"example"`
			} `yaml:"content"`
		} `yaml:"requestBody"`
	}
	text, err := yaml.Marshal(node)
	if err == nil {
		err = yaml.Unmarshal(text, &operation)
	}
	if err != nil {
		t.Fatal(err)
	}
	examples := map[string]any{}
	for media, body := range operation.RequestBody.Content {
		examples[media] = body.Example
	}
	return examples
}
