package httpapi

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/hearthfps/hearth/pkg/fault"
)

// Violations lists what a JSON Schema validation found: a pointer, a code and a
// sentence each, none of which repeats a value of the document. It returns nil
// when err is no validation error.
func Violations(err error) []fault.Field { return violations(err) }

func violations(err error) []fault.Field {
	root, ok := err.(*jsonschema.ValidationError)
	if !ok {
		return nil
	}
	fields := leaves(root)
	slices.SortStableFunc(fields, func(a, b fault.Field) int { return strings.Compare(a.Pointer, b.Pointer) })
	return slices.CompactFunc(fields, func(a, b fault.Field) bool { return a == b })
}

// leaves walks down to the failures that say something to a person.
func leaves(e *jsonschema.ValidationError) []fault.Field {
	at := pointer(e.InstanceLocation...)
	switch k := e.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf:
		if best := closest(e.Causes); best != nil {
			return best
		}
		return []fault.Field{{Pointer: at, Code: "one_of", Detail: "This fits none, or more than one, of the forms it may have."}}
	case *kind.Required:
		return each(at, k.Missing, "required", "This field is required.")
	case *kind.AdditionalProperties:
		return each(at, k.Properties, "unknown_field", "There is no such field here.")
	case *kind.FalseSchema:
		return []fault.Field{{Pointer: at, Code: "unknown_field", Detail: "There is no such field here."}}
	case *kind.DependentRequired:
		return each(at, k.Missing, "required", fmt.Sprintf("This field is required together with %s.", k.Prop))
	}
	if len(e.Causes) > 0 {
		var fields []fault.Field
		for _, cause := range e.Causes {
			fields = append(fields, leaves(cause)...)
		}
		return fields
	}
	code, detail := describe(e.ErrorKind)
	return []fault.Field{{Pointer: at, Code: code, Detail: detail}}
}

// closest picks, of the forms a value may have, the one it comes nearest to:
// that fails deepest in the document, then with the fewest faults.
func closest(causes []*jsonschema.ValidationError) []fault.Field {
	var best []fault.Field
	bestDepth := -1
	for _, cause := range causes {
		fields := leaves(cause)
		depth := 0
		for _, f := range fields {
			depth = max(depth, strings.Count(f.Pointer, "/"))
		}
		if depth > bestDepth || depth == bestDepth && len(fields) < len(best) {
			best, bestDepth = fields, depth
		}
	}
	return best
}

// each makes a fault of every name that is missing or too much in the object at.
// A name that may be anything is shown only when it looks like a field's name.
func each(at string, names []string, code, detail string) []fault.Field {
	var fields []fault.Field
	for _, name := range names {
		fields = append(fields, fault.Field{Pointer: at + pointer(safeName(name)), Code: code, Detail: detail})
	}
	return fields
}

// describe words a failure without the value that failed.
func describe(k jsonschema.ErrorKind) (code, detail string) {
	switch k := k.(type) {
	case *kind.Type:
		return "type", "This must be " + strings.Join(k.Want, " or ") + "."
	case *kind.Enum:
		return "enum", "This must be one of " + list(k.Want) + "."
	case *kind.Const:
		return "const", "This must be " + list([]any{k.Want}) + "."
	case *kind.Format:
		return "format", "This is not a valid " + k.Want + "."
	case *kind.Pattern:
		return "pattern", "This must match " + k.Want + "."
	case *kind.MinLength:
		return "min_length", fmt.Sprintf("This has at least %d characters.", k.Want)
	case *kind.MaxLength:
		return "max_length", fmt.Sprintf("This has at most %d characters.", k.Want)
	case *kind.MinItems:
		return "min_items", fmt.Sprintf("This has at least %d items.", k.Want)
	case *kind.MaxItems:
		return "max_items", fmt.Sprintf("This has at most %d items.", k.Want)
	case *kind.MinProperties:
		return "min_properties", fmt.Sprintf("This has at least %d fields.", k.Want)
	case *kind.MaxProperties:
		return "max_properties", fmt.Sprintf("This has at most %d fields.", k.Want)
	case *kind.UniqueItems:
		return "unique_items", fmt.Sprintf("Items %d and %d are the same.", k.Duplicates[0], k.Duplicates[1])
	case *kind.Minimum:
		return "minimum", "This is at least " + k.Want.RatString() + "."
	case *kind.Maximum:
		return "maximum", "This is at most " + k.Want.RatString() + "."
	case *kind.ExclusiveMinimum:
		return "minimum", "This is more than " + k.Want.RatString() + "."
	case *kind.ExclusiveMaximum:
		return "maximum", "This is less than " + k.Want.RatString() + "."
	case *kind.MultipleOf:
		return "multiple_of", "This is a multiple of " + k.Want.RatString() + "."
	case *kind.PropertyNames:
		return "unknown_field", "A field's name is not allowed here."
	}
	return "schema", "This is not as the schema says."
}

func list(values []any) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = fmt.Sprint(v)
	}
	return strings.Join(texts, ", ")
}

// safeName shows a name that came from outside only if it could be one of ours:
// a person's name or number used as a key stays out of logs and answers.
func safeName(name string) string {
	if len(name) > 64 || name == "" {
		return "…"
	}
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '_' && r != '-' && r != '.' && (r < '0' || r > '9') {
			return "…"
		}
	}
	return name
}

func sortedNames(values url.Values) []string {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
