package values

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Schema is what one chart can be told, in the order it is written.
type Schema struct {
	// Chart is the chart's name.
	Chart string
	root  yaml.MapSlice
}

// Load reads schema files and lays each over the one before: maps are merged,
// anything else is replaced.
func Load(chart string, files ...string) (*Schema, error) {
	s := &Schema{Chart: chart}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var layer yaml.MapSlice
		if err := yaml.UnmarshalWithOptions(text, &layer, yaml.UseOrderedMap(), yaml.Strict()); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if err := known(layer, ""); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		s.root = overlay(s.root, layer)
	}
	return s, nil
}

// keywords are those of JSON Schema that the schemas use. A description that YAML
// cuts at a comma makes another.
var keywords = []string{
	"$defs", "$ref", "type", "description", "default", "properties", "additionalProperties", "propertyNames", "required", "items", "enum", "const",
	"not", "pattern", "minLength", "maxLength", "minimum", "maximum", "minItems", "minProperties",
}

// known fails when a schema has a keyword that is none, with its place.
func known(schema yaml.MapSlice, at string) error {
	for _, item := range schema {
		keyword := fmt.Sprint(item.Key)
		if !slices.Contains(keywords, keyword) {
			return fmt.Errorf("%s: %q is no keyword of a schema; a text with a comma stands in quotes", at, keyword)
		}
		below, ok := item.Value.(yaml.MapSlice)
		if !ok {
			continue
		}
		switch keyword {
		case "default":
		case "$defs", "properties":
			for _, named := range below {
				one, ok := named.Value.(yaml.MapSlice)
				if !ok {
					return fmt.Errorf("%s/%v: want a schema", at, named.Key)
				}
				if err := known(one, fmt.Sprintf("%s/%v", at, named.Key)); err != nil {
					return err
				}
			}
		default:
			if err := known(below, at+"/"+keyword); err != nil {
				return err
			}
		}
	}
	return nil
}

// LoadDefinitions is Load, but of the first file only the definitions are taken:
// for a chart that is of another kind and shares words alone.
func LoadDefinitions(chart, definitions string, files ...string) (*Schema, error) {
	shared, err := Load(chart, definitions)
	if err != nil {
		return nil, err
	}
	own, err := Load(chart, files...)
	if err != nil {
		return nil, err
	}
	own.root = overlay(yaml.MapSlice{{Key: "$defs", Value: get(shared.root, "$defs")}}, own.root)
	return own, nil
}

func overlay(under, over yaml.MapSlice) yaml.MapSlice {
	out := slices.Clone(under)
	for _, item := range over {
		i := slices.IndexFunc(out, func(o yaml.MapItem) bool { return o.Key == item.Key })
		if i < 0 {
			out = append(out, item)
			continue
		}
		below, one := out[i].Value.(yaml.MapSlice)
		above, two := item.Value.(yaml.MapSlice)
		switch {
		case one && two:
			out[i].Value = overlay(below, above)
		case item.Key == "required":
			out[i].Value = append(slices.Clone(out[i].Value.([]any)), item.Value.([]any)...)
		default:
			out[i].Value = item.Value
		}
	}
	return out
}

func get(m yaml.MapSlice, key string) any {
	for _, item := range m {
		if item.Key == key {
			return item.Value
		}
	}
	return nil
}

func getMap(m yaml.MapSlice, key string) yaml.MapSlice {
	v, _ := get(m, key).(yaml.MapSlice)
	return v
}

func getText(m yaml.MapSlice, key string) string {
	v, _ := get(m, key).(string)
	return v
}

// resolve is the node with what its $ref points at beneath it.
func (s *Schema) resolve(node yaml.MapSlice) yaml.MapSlice {
	for {
		name, ok := strings.CutPrefix(getText(node, "$ref"), "#/$defs/")
		if !ok {
			return node
		}
		own := slices.DeleteFunc(slices.Clone(node), func(item yaml.MapItem) bool { return item.Key == "$ref" })
		node = overlay(getMap(getMap(s.root, "$defs"), name), own)
	}
}

// JSON is values.schema.json: what is not reached from the root is left out, and
// so are defaults, which are values.yaml's to say.
func (s *Schema) JSON() ([]byte, error) {
	used := map[string]bool{}
	body := slices.DeleteFunc(slices.Clone(s.root), func(item yaml.MapItem) bool { return item.Key == "$defs" })
	s.reach(body, used)
	var defs yaml.MapSlice
	for _, item := range getMap(s.root, "$defs") {
		if used[item.Key.(string)] {
			defs = append(defs, item)
		}
	}
	whole := append(yaml.MapSlice{
		{Key: "$schema", Value: "https://json-schema.org/draft/2020-12/schema"},
		{Key: "title", Value: "Values of the chart " + s.Chart},
	}, body...)
	whole = append(whole, yaml.MapItem{Key: "$defs", Value: defs})
	var compact, indented bytes.Buffer
	if err := writeJSON(&compact, whole, false); err != nil {
		return nil, err
	}
	if err := json.Indent(&indented, compact.Bytes(), "", "  "); err != nil {
		return nil, err
	}
	indented.WriteByte('\n')
	return indented.Bytes(), nil
}

// reach marks the definitions that v names, and those that they name.
func (s *Schema) reach(v any, used map[string]bool) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			s.reach(e, used)
		}
	case yaml.MapSlice:
		for _, item := range v {
			name, ok := strings.CutPrefix(fmt.Sprint(item.Value), "#/$defs/")
			if item.Key == "$ref" && ok {
				if !used[name] {
					used[name] = true
					s.reach(getMap(getMap(s.root, "$defs"), name), used)
				}
				continue
			}
			s.reach(item.Value, used)
		}
	}
}

// writeJSON keeps the order of maps. Defaults are left out, except where a
// property is called so.
func writeJSON(out *bytes.Buffer, v any, properties bool) error {
	switch v := v.(type) {
	case yaml.MapSlice:
		out.WriteByte('{')
		first := true
		for _, item := range v {
			if item.Key == "default" && !properties {
				continue
			}
			if !first {
				out.WriteByte(',')
			}
			first = false
			if err := writeJSON(out, item.Key, false); err != nil {
				return err
			}
			out.WriteByte(':')
			if err := writeJSON(out, item.Value, item.Key == "properties" && !properties); err != nil {
				return err
			}
		}
		out.WriteByte('}')
	case []any:
		out.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				out.WriteByte(',')
			}
			if err := writeJSON(out, e, false); err != nil {
				return err
			}
		}
		out.WriteByte(']')
	default:
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(v)
	}
	return nil
}
