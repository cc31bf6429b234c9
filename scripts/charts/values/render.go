package values

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
)

// width is where comments are broken.
const width = 116

// YAML is values.yaml. A value without a default that is no block of values is
// left out: it has no value until one is given.
func (s *Schema) YAML() ([]byte, error) {
	var out bytes.Buffer
	fmt.Fprintf(&out, "# Values of the chart %s. Generated from schema.yaml here and in helm/lib; values.schema.json refuses what is not here.\n", s.Chart)
	err := s.yaml(&out, s.root, 0)
	return out.Bytes(), err
}

func (s *Schema) yaml(out *bytes.Buffer, node yaml.MapSlice, depth int) error {
	indent := strings.Repeat("  ", depth)
	for _, item := range getMap(node, "properties") {
		name := item.Key.(string)
		value := s.resolve(item.Value.(yaml.MapSlice))
		block, hasDefault := s.isBlock(value), has(value, "default")
		if !block && !hasDefault {
			continue
		}
		if depth == 0 {
			out.WriteByte('\n')
		}
		for line := range wrap(getText(value, "description"), width-len(indent)-2) {
			fmt.Fprintf(out, "%s# %s\n", indent, line)
		}
		if block {
			fmt.Fprintf(out, "%s%s:\n", indent, name)
			if err := s.yaml(out, value, depth+1); err != nil {
				return err
			}
			continue
		}
		text, err := flow(get(value, "default"))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Fprintf(out, "%s%s: %s\n", indent, name, text)
	}
	return nil
}

// isBlock says whether a value is shown property by property: it is an object
// with no default of its own and something beneath it to show.
func (s *Schema) isBlock(value yaml.MapSlice) bool {
	if has(value, "default") {
		return false
	}
	for _, item := range getMap(value, "properties") {
		below := s.resolve(item.Value.(yaml.MapSlice))
		if has(below, "default") || s.isBlock(below) {
			return true
		}
	}
	return false
}

func has(node yaml.MapSlice, key string) bool {
	for _, item := range node {
		if item.Key == key {
			return true
		}
	}
	return false
}

// flow is a value on one line, as JSON, which is YAML.
func flow(v any) (string, error) {
	var out bytes.Buffer
	if err := writeJSON(&out, v, true); err != nil {
		return "", err
	}
	return strings.ReplaceAll(out.String(), "\n", ""), nil
}

func wrap(text string, width int) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		line := ""
		for word := range strings.FieldsSeq(text) {
			if line != "" && len(line)+1+len(word) > width {
				if !yield(line) {
					return
				}
				line = ""
			}
			line = strings.TrimSpace(line + " " + word)
		}
		if line != "" {
			yield(line)
		}
	}
}

// Row is one value in a table of helm/README.md.
type Row struct{ Path, Default, Meaning string }

// Rows are the values, flat, in order. Blocks are no rows of their own.
func (s *Schema) Rows() ([]Row, error) { return s.rows(s.root, "") }

func (s *Schema) rows(node yaml.MapSlice, path string) ([]Row, error) {
	var rows []Row
	for _, item := range getMap(node, "properties") {
		name := path + item.Key.(string)
		if name == "hearth-lib" {
			continue
		}
		value := s.resolve(item.Value.(yaml.MapSlice))
		if !has(value, "default") && len(getMap(value, "properties")) > 0 {
			below, err := s.rows(value, name+".")
			if err != nil {
				return nil, err
			}
			rows = append(rows, below...)
			continue
		}
		text := ""
		if has(value, "default") {
			var err error
			if text, err = flow(get(value, "default")); err != nil {
				return nil, err
			}
		}
		rows = append(rows, Row{name, text, getText(value, "description") + bounds(value)})
		if text == "{}" && name != "global" { // nothing is set of what could be; global's are the umbrella's to show
			more, err := s.rows(value, name+".")
			if err != nil {
				return nil, err
			}
			rows = append(rows, more...)
		}
		if below := getMap(s.resolve(getMap(value, "items")), "properties"); len(below) > 0 {
			more, err := s.rows(s.resolve(getMap(value, "items")), name+"[].")
			if err != nil {
				return nil, err
			}
			rows = append(rows, more...)
		}
	}
	return rows, nil
}

// bounds are what the schema says beside the description.
func bounds(value yaml.MapSlice) string {
	low, high := get(value, "minimum"), get(value, "maximum")
	switch {
	case low != nil && high != nil:
		return fmt.Sprintf(" %v to %v.", low, high)
	case low != nil:
		return fmt.Sprintf(" At least %v.", low)
	}
	return ""
}
