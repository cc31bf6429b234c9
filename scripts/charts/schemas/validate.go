package schemas

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"
)

// Validator knows what one version of Kubernetes, and the custom resources, say of
// objects. Fields they do not name are faults too, as with `kubectl apply` and
// strict validation. It may be used from many goroutines once made.
type Validator struct {
	kinds map[kind]*jsonschema.Schema
}

type kind struct{ apiVersion, kind string }

// groups are the OpenAPI files of what charts render.
var groups = []string{"api__v1", "apis__apps__v1", "apis__batch__v1", "apis__networking.k8s.io__v1", "apis__policy__v1", "apis__autoscaling__v2"}

// New reads what the given version of Kubernetes says, one of Versions.
func New(version string) (*Validator, error) {
	v := &Validator{kinds: map[kind]*jsonschema.Schema{}}
	for _, m := range kubernetes {
		if m.version != version {
			continue
		}
		dir, err := m.dir()
		if err != nil {
			return nil, err
		}
		for _, group := range groups {
			if err := v.addOpenAPI(filepath.Join(dir, "api/openapi-spec/v3", group+"_openapi.json")); err != nil {
				return nil, err
			}
		}
	}
	if len(v.kinds) == 0 {
		return nil, fmt.Errorf("no schemas of Kubernetes %s: there are %s", version, strings.Join(Versions(), ", "))
	}
	for _, c := range custom {
		dir, err := c.dir()
		if err != nil {
			return nil, err
		}
		for _, file := range c.files {
			if err := v.addDefinition(filepath.Join(dir, file)); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

// Validate says what is wrong with an object, and that it is of an unknown kind.
func (v *Validator) Validate(object map[string]any) error {
	k := kind{fmt.Sprint(object["apiVersion"]), fmt.Sprint(object["kind"])}
	schema := v.kinds[k]
	if schema == nil {
		return fmt.Errorf("%s %s: nobody knows this kind", k.apiVersion, k.kind)
	}
	text, err := json.Marshal(object)
	if err != nil {
		return err
	}
	instance, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		return err
	}
	return schema.Validate(instance)
}

// addOpenAPI reads one of Kubernetes' OpenAPI 3.0 files.
func (v *Validator) addOpenAPI(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var document struct {
		Components struct {
			Schemas map[string]map[string]any `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	schemas := map[string]any{}
	for name, schema := range document.Components.Schemas {
		closeObjects(schema)
		schemas[name] = schema
	}
	compiler := newCompiler()
	if err := compiler.AddResource(file, map[string]any{"components": map[string]any{"schemas": schemas}}); err != nil {
		return err
	}
	for name, schema := range document.Components.Schemas {
		for _, k := range kindsOf(schema) {
			if v.kinds[k], err = compiler.Compile(file + "#/components/schemas/" + name); err != nil {
				return fmt.Errorf("%s: %s: %w", file, name, err)
			}
		}
	}
	return nil
}

func kindsOf(schema map[string]any) []kind {
	var kinds []kind
	of, _ := schema["x-kubernetes-group-version-kind"].([]any)
	if len(of) != 1 { // several: options of requests, no objects
		return nil
	}
	k, _ := of[0].(map[string]any)
	version := fmt.Sprint(k["version"])
	if group := fmt.Sprint(k["group"]); group != "" {
		version = group + "/" + version
	}
	return append(kinds, kind{version, fmt.Sprint(k["kind"])})
}

// addDefinition reads a CustomResourceDefinition.
func (v *Validator) addDefinition(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var definition struct {
		Spec struct {
			Group string `json:"group"`
			Names struct {
				Kind string `json:"kind"`
			} `json:"names"`
			Versions []struct {
				Name   string `json:"name"`
				Served bool   `json:"served"`
				Schema struct {
					OpenAPI map[string]any `json:"openAPIV3Schema"`
				} `json:"schema"`
			} `json:"versions"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(text, &definition); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for _, version := range definition.Spec.Versions {
		if !version.Served {
			continue
		}
		schema := version.Schema.OpenAPI
		closeObjects(schema)
		// The API server knows metadata; the definition says only that it is an object.
		schema["properties"].(map[string]any)["metadata"] = map[string]any{"type": "object"}
		compiler := newCompiler()
		url := file + "?" + version.Name
		if err := compiler.AddResource(url, schema); err != nil {
			return err
		}
		k := kind{definition.Spec.Group + "/" + version.Name, definition.Spec.Names.Kind}
		if v.kinds[k], err = compiler.Compile(url); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// newCompiler reads schemas as OpenAPI 3.0 means them, which is near JSON Schema's
// draft 4. Nothing is loaded that is not added.
func newCompiler() *jsonschema.Compiler {
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft4)
	c.UseLoader(jsonschema.SchemeURLLoader{})
	return c
}

// closeObjects makes unknown fields faults, where a schema lists fields and keeps
// nothing else. Parts of alternatives are left as they are: each lists what it is
// about alone.
func closeObjects(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			closeObjects(e)
		}
	case map[string]any:
		_, listed := v["properties"].(map[string]any)
		_, more := v["additionalProperties"]
		keeps, _ := v["x-kubernetes-preserve-unknown-fields"].(bool)
		if listed && !more && !keeps {
			v["additionalProperties"] = false
		}
		for name, e := range v {
			if name != "anyOf" && name != "oneOf" && name != "not" {
				closeObjects(e)
			}
		}
	}
}
