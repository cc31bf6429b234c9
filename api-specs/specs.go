// Package specs embeds Hearth's contracts: the OpenAPI file of each service,
// the JSON Schema and a real example of each event, and the shared rule files
// (agencies, calendars, programs). They are the source of truth: servers
// validate requests against them, and tests validate answers.
package specs

import "embed"

// OpenAPI holds openapi/<service>.yaml, OpenAPI 3.1, one file a service.
//
//go:embed all:openapi
var OpenAPI embed.FS

// Events holds events/<type>.json, the JSON Schema (2020-12) of each event's data.
//
//go:embed all:events
var Events embed.FS

// Examples holds examples/: a real example of every event and body. Every
// later version must still read them.
//
//go:embed all:examples
var Examples embed.FS

// Rules holds the shared, versioned rule files: rules/{agencies,calendars,programs}/*.yaml.
//
//go:embed all:rules
var Rules embed.FS
