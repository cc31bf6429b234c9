// Package values turns what the charts can be told, written once as JSON Schema
// in YAML (helm/lib/schema.yaml and a schema.yaml in each chart), into the files
// that Helm and people read:
//
//  1. values.yaml: every value with its default, and its description as a comment above it.
//  2. values.schema.json: the same schema, self-contained, without what only values.yaml needs.
//  3. The tables of helm/README.md.
//
// All three are of one source, so that none says what another does not.
package values
