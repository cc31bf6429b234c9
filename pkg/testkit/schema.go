package testkit

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	specs "github.com/hearthfps/hearth/api-specs"
)

var schemas sync.Map // event type → *jsonschema.Schema

// CheckEvent holds an event's data against events/<type>.json of api-specs. A
// type without a schema is refused, unless it is of the service "test", which
// the kit's own tests publish as.
func CheckEvent(eventType string, data []byte) error {
	if strings.HasPrefix(eventType, "org.hearth.test.") {
		return nil
	}
	schema, err := eventSchema(eventType)
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("event %s: its data is not JSON: %w", eventType, err)
	}
	if err := schema.Validate(value); err != nil {
		return fmt.Errorf("event %s breaks its schema: %w", eventType, err)
	}
	return nil
}

func eventSchema(eventType string) (*jsonschema.Schema, error) {
	if found, ok := schemas.Load(eventType); ok {
		return found.(*jsonschema.Schema), nil
	}
	name := "events/" + eventType + ".json"
	text, err := fs.ReadFile(specs.Events, name)
	if err != nil {
		return nil, fmt.Errorf("event %s has no schema: write api-specs/%s", eventType, name)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	if err := compiler.AddResource(name, document); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	schema, err := compiler.Compile(name)
	if err != nil {
		return nil, fmt.Errorf("compile %s: %w", name, err)
	}
	schemas.Store(eventType, schema)
	return schema, nil
}
