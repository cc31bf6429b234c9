package specs_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	specs "github.com/hearthfps/hearth/api-specs"
)

// openAPIFiles are the services' files; _shared.yaml is what they repeat.
func openAPIFiles(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob("openapi/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files := slices.DeleteFunc(all, func(f string) bool { return f == "openapi/_shared.yaml" })
	if len(files) < 6 {
		t.Fatalf("got %d OpenAPI files, want one of each service", len(files))
	}
	return files
}

func document(t *testing.T, file string) map[string]any {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict()).Decode(&doc); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return doc
}

// at follows keys into maps; nil when one is missing.
func at(v any, keys ...string) any {
	for _, k := range keys {
		m, _ := v.(map[string]any)
		v = m[k]
	}
	return v
}

func TestOpenAPI_FilesAreValid(t *testing.T) {
	for _, file := range openAPIFiles(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := openapi3.NewLoader().LoadFromData(data)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if !strings.HasPrefix(doc.OpenAPI, "3.1") {
			t.Errorf("%s: is OpenAPI %s, want 3.1", file, doc.OpenAPI)
		}
		if err := doc.Validate(t.Context()); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		embedded, err := fs.ReadFile(specs.OpenAPI, file)
		if err != nil || !bytes.Equal(embedded, data) {
			t.Errorf("%s is not embedded as it is: %v", file, err)
		}
	}
}

// Clients are written once against these.
func TestOpenAPI_SharedComponentsAreTheSameInAllFiles(t *testing.T) {
	shared := at(document(t, "openapi/_shared.yaml"), "components").(map[string]any)
	for _, file := range openAPIFiles(t) {
		doc := document(t, file)
		for _, must := range [][]string{{"securitySchemes", "bearer"}, {"responses", "Problem"}, {"schemas", "Problem"}, {"schemas", "ProblemField"}} {
			if at(doc, "components", must[0], must[1]) == nil {
				t.Errorf("%s has no components/%s", file, strings.Join(must, "/"))
			}
		}
		for kind, components := range shared {
			for name, want := range components.(map[string]any) {
				got := at(doc, "components", kind, name)
				if got == nil {
					continue
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s: components/%s/%s is not that of _shared.yaml:\n%s", file, kind, name, diff)
				}
			}
		}
	}
}

type operation struct {
	file, path, method, id string
	node                   map[string]any
	parameters             []string // names of shared components, or of own parameters
}

func operations(t *testing.T) []operation {
	t.Helper()
	var all []operation
	for _, file := range openAPIFiles(t) {
		for path, item := range at(document(t, file), "paths").(map[string]any) {
			for method, node := range item.(map[string]any) {
				op, ok := node.(map[string]any)
				if !ok || at(op, "responses") == nil {
					continue
				}
				id, _ := op["operationId"].(string)
				o := operation{file: file, path: path, method: method, id: id, node: op}
				for _, list := range []any{at(item, "parameters"), op["parameters"]} {
					items, _ := list.([]any)
					for _, p := range items {
						ref, _ := at(p, "$ref").(string)
						name, _ := at(p, "name").(string)
						o.parameters = append(o.parameters, strings.TrimPrefix(ref, "#/components/parameters/")+name)
					}
				}
				all = append(all, o)
			}
		}
	}
	return all
}

// withoutKey are POSTs whose effect is bound to something better than a key, or
// that have none.
var withoutKey = map[string]string{
	"receiveEvents":   "an event is its source and id",
	"importEvents":    "an event is its source and id",
	"importDirectory": "a record is its id",
	"decideContact":   "a question: nothing changes",
	"matchPersons":    "a question: nothing changes",
	"matchPatient":    "a question: nothing changes",
	"recomputeScore":  "a question: nothing changes",
}

// withoutProblem tell what went wrong otherwise.
var withoutProblem = map[string]string{"matchPatient": "FHIR has a resource for it"}

// withoutIfMatch are changes that come out the same whatever was there before.
var withoutIfMatch = map[string]string{
	"grantReporter":       "a grant is there or is not",
	"grantAddress":        "a grant is there or is not",
	"sealPerson":          "a seal is there or is not",
	"excludeFromReferral": "an exclusion is there or is not",
}

func TestOpenAPI_OperationsKeepTheConventions(t *testing.T) {
	ids := map[string]bool{}
	for _, o := range operations(t) {
		where := o.file + " " + o.method + " " + o.path
		has := func(name string) bool { return slices.Contains(o.parameters, name) }
		if key := o.file + o.id; o.id == "" || ids[key] {
			t.Errorf("%s: operationId %q is missing or twice", where, o.id)
		} else {
			ids[key] = true
		}
		if withoutProblem[o.id] == "" && at(o.node, "responses", "default", "$ref") != "#/components/responses/Problem" {
			t.Errorf("%s: its default answer is not Problem", where)
		}
		switch {
		case o.method == "post" && withoutKey[o.id] == "" && !has("IdempotencyKey"):
			t.Errorf("%s: a POST takes an Idempotency-Key", where)
		case (o.method == "put" || o.method == "patch") && withoutIfMatch[o.id] == "" && !has("IfMatch"):
			t.Errorf("%s: a change takes If-Match", where)
		}
		for status := range o.node["responses"].(map[string]any) {
			if status != "default" && status != "304" && !strings.HasPrefix(status, "2") { // 304: nothing new is no failure
				t.Errorf("%s: failures are the default answer, not %s", where, status)
			}
		}
	}
	for id := range withoutKey {
		if !slices.ContainsFunc(operations(t), func(o operation) bool { return o.id == id }) {
			t.Errorf("%s is excused and is not there", id)
		}
	}
}

// What a body may hold is said whole: a field that is not declared is a mistake of
// the asker's, and is told.
func TestOpenAPI_RequestBodiesAreClosed(t *testing.T) {
	for _, file := range openAPIFiles(t) {
		doc := document(t, file)
		for _, o := range operations(t) {
			if o.file != file || o.node["x-hearth-stream"] == true {
				continue
			}
			content, _ := at(o.node, "requestBody", "content").(map[string]any)
			for media, entry := range content {
				if strings.Contains(media, "json") {
					openObjects(t, doc, at(entry, "schema"), file+" "+o.id, map[string]bool{})
				}
			}
		}
	}
}

// openObjects complains of every object schema that lets unknown fields through.
func openObjects(t *testing.T, doc, schema any, where string, seen map[string]bool) {
	t.Helper()
	s, ok := schema.(map[string]any)
	if !ok {
		return
	}
	if ref, ok := s["$ref"].(string); ok {
		if seen[ref] {
			return
		}
		seen[ref] = true
		openObjects(t, doc, at(doc, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...), where+" "+ref[strings.LastIndex(ref, "/")+1:], seen)
		return
	}
	if properties, ok := s["properties"].(map[string]any); ok {
		if s["additionalProperties"] != false && s["unevaluatedProperties"] != false {
			t.Errorf("%s: an object takes unknown fields: say additionalProperties: false", where)
		}
		for name, p := range properties {
			openObjects(t, doc, p, where+"/"+name, seen)
		}
	}
	openObjects(t, doc, s["items"], where+"[]", seen)
	for _, key := range []string{"oneOf", "anyOf"} {
		list, _ := s[key].([]any)
		for _, sub := range list {
			openObjects(t, doc, sub, where, seen)
		}
	}
}

// A list is {items, next_cursor}; one that takes limit and cursor gives the next.
func TestOpenAPI_ListsArePaged(t *testing.T) {
	for _, o := range operations(t) {
		doc := document(t, o.file)
		schema := at(o.node, "responses", "200", "content", "application/json", "schema")
		if ref, ok := at(schema, "$ref").(string); ok {
			schema = at(doc, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
		}
		if o.method != "get" || at(schema, "properties", "items") == nil {
			continue
		}
		paged := at(schema, "properties", "next_cursor") != nil
		limit, cursor := slices.Contains(o.parameters, "Limit"), slices.Contains(o.parameters, "Cursor")
		if limit != cursor || limit && !paged {
			t.Errorf("%s %s: next_cursor %v, limit %v, cursor %v", o.file, o.id, paged, limit, cursor)
		}
	}
}

func compile(t *testing.T, file string) (*jsonschema.Schema, map[string]any) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource(file, doc); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	schema, err := compiler.Compile(file)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return schema, doc.(map[string]any)
}

func eventTypes(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("events/*.json")
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, f := range files {
		types = append(types, strings.TrimSuffix(filepath.Base(f), ".json"))
	}
	if len(types) < 30 {
		t.Fatalf("got %d event types", len(types))
	}
	return types
}

// Every later version must still read the example.
func TestEvents_EachHasASchemaAndAnExampleThatFitsIt(t *testing.T) {
	examples, err := filepath.Glob("examples/events/*.json")
	if err != nil {
		t.Fatal(err)
	}
	types := eventTypes(t)
	for _, example := range examples {
		if name := strings.TrimSuffix(filepath.Base(example), ".json"); !slices.Contains(types, name) {
			t.Errorf("%s is an example of no event", example)
		}
	}
	for _, name := range types {
		schema, doc := compile(t, "events/"+name+".json")
		if doc["$schema"] != "https://json-schema.org/draft/2020-12/schema" {
			t.Errorf("%s: $schema is not 2020-12", name)
		}
		if description, _ := doc["description"].(string); description == "" {
			t.Errorf("%s: does not say what it is", name)
		}
		data, err := os.ReadFile("examples/events/" + name + ".json")
		if err != nil {
			t.Errorf("%s has no example: %v", name, err)
			continue
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Errorf("example of %s: %v", name, err)
			continue
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("example of %s: %v", name, err)
		}
	}
}

// Our own events hold ids, codes and times: nothing a person could be named in.
func TestEvents_OursHaveNoRoomForFreeText(t *testing.T) {
	for _, name := range eventTypes(t) {
		if strings.HasPrefix(name, "org.hearth.referral.") {
			continue // inbound: it carries personal data of necessity
		}
		_, doc := compile(t, "events/"+name+".json")
		freeText(t, name, doc, doc)
	}
}

func freeText(t *testing.T, where string, root map[string]any, schema any) {
	t.Helper()
	s, ok := schema.(map[string]any)
	if !ok {
		return
	}
	if ref, ok := s["$ref"].(string); ok {
		freeText(t, where, root, at(root, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...))
		return
	}
	kinds := map[any]bool{}
	switch kind := s["type"].(type) {
	case string:
		kinds[kind] = true
	case []any:
		for _, k := range kind {
			kinds[k] = true
		}
	}
	if kinds["string"] && s["pattern"] == nil && s["enum"] == nil && s["const"] == nil && s["format"] != "date-time" && s["format"] != "date" {
		t.Errorf("%s: a string without a pattern, an enum or a date is room for free text", where)
	}
	if pattern, _ := s["pattern"].(string); strings.Contains(pattern, `\s`) || strings.Contains(pattern, " ") || strings.Contains(pattern, ".*") || strings.Contains(pattern, ".+$") && !strings.Contains(pattern, "]+$") {
		t.Errorf("%s: pattern %s lets words through", where, pattern)
	}
	if kinds["object"] && s["additionalProperties"] != false {
		t.Errorf("%s: an object takes any field: say additionalProperties: false", where)
	}
	if len(kinds) == 0 && s["enum"] == nil && s["const"] == nil && s["oneOf"] == nil && s["anyOf"] == nil {
		t.Errorf("%s: takes anything: say its type", where)
	}
	properties, _ := s["properties"].(map[string]any)
	for name, p := range properties {
		freeText(t, where+"/"+name, root, p)
	}
	if s["items"] != nil {
		freeText(t, where+"[]", root, s["items"])
	}
	for _, key := range []string{"oneOf", "anyOf"} {
		list, _ := s[key].([]any)
		for _, sub := range list {
			freeText(t, where, root, sub)
		}
	}
}

var services = []string{"intake", "assessment", "planning", "visit-scheduling", "resource-directory", "notification"}

// The AsyncAPI file lists every topic and every event, and nothing else.
func TestAsyncAPI_ListsEveryTopicAndEvent(t *testing.T) {
	doc := document(t, "asyncapi.yaml")
	if version, _ := doc["asyncapi"].(string); !strings.HasPrefix(version, "3.") {
		t.Fatalf("is AsyncAPI %q, want 3", version)
	}
	channels := at(doc, "channels").(map[string]any)
	want := map[string]string{"referralsInbound": "referrals.inbound.v1"}
	for _, s := range services {
		want[s] = s + ".events.v1"
	}
	got := map[string]string{}
	listed := map[string]string{} // event type → channel
	for name, channel := range channels {
		got[name], _ = at(channel, "address").(string)
		for _, m := range at(channel, "messages").(map[string]any) {
			ref, _ := at(m, "$ref").(string)
			listed[strings.TrimPrefix(ref, "#/components/messages/")] = name
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, name := range eventTypes(t) {
		channel := "referralsInbound"
		if !strings.HasPrefix(name, "org.hearth.referral.") {
			channel, _, _ = strings.Cut(strings.TrimPrefix(name, "org.hearth."), ".")
		}
		if listed[name] != channel {
			t.Errorf("%s is listed in channel %q, want %q", name, listed[name], channel)
		}
		delete(listed, name)
		message := at(doc, "components", "messages", name)
		if at(message, "payload", "$ref") != "./events/"+name+".json" {
			t.Errorf("%s: its payload is not ./events/%s.json", name, name)
		}
		if at(message, "examples") == nil && at(message, "x-hearth-example") != "./examples/events/"+name+".json" {
			t.Errorf("%s: does not name its example", name)
		}
	}
	if len(listed) > 0 {
		t.Errorf("listed, and not in events/: %v", listed)
	}
	for name, op := range at(doc, "operations").(map[string]any) {
		ref, _ := at(op, "channel", "$ref").(string)
		if channels[strings.TrimPrefix(ref, "#/channels/")] == nil {
			t.Errorf("operation %s: no channel %s", name, ref)
		}
		if action := at(op, "action"); action != "send" && action != "receive" {
			t.Errorf("operation %s: action %v", name, action)
		}
	}
}

func TestRules_FilesAreYAML(t *testing.T) {
	files, err := filepath.Glob("rules/*/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if document(t, file)["version"] == nil {
			t.Errorf("%s has no version", file)
		}
	}
	if len(files) < 16 {
		t.Errorf("got %d rule files", len(files))
	}
}
