package announce_test

import (
	"io/fs"
	"strings"
	"testing"

	specs "github.com/hearthfps/hearth/api-specs"
	"github.com/hearthfps/hearth/pkg/testkit"
)

// TestExamples_FitTheirSchemas holds every example of an event of ours against
// its schema, and every schema to having one.
func TestExamples_FitTheirSchemas(t *testing.T) {
	schemas, err := fs.Glob(specs.Events, "events/org.hearth.planning.*.json")
	if err != nil || len(schemas) == 0 {
		t.Fatalf("schemas: %v, %v", schemas, err)
	}
	for _, path := range schemas {
		eventType := strings.TrimSuffix(strings.TrimPrefix(path, "events/"), ".json")
		example, err := specs.Examples.ReadFile("examples/events/" + eventType + ".json")
		if err != nil {
			t.Errorf("%s has no example: %v", eventType, err)
			continue
		}
		if err := testkit.CheckEvent(eventType, example); err != nil {
			t.Error(err)
		}
		if err := testkit.CheckEvent(eventType, []byte(strings.Replace(string(example), "{", `{"name": "A Person", `, 1))); err == nil {
			t.Errorf("%s takes a field that it does not name", eventType)
		}
	}
}
