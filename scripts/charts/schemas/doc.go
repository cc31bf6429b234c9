// Package schemas validates rendered objects against what the API servers of
// several Kubernetes versions, and the makers of the custom resources the charts
// use, publish of them.
//
// The OpenAPI files and the custom resource definitions are read from modules of
// the Go module proxy, whose sums are pinned here; none of it is kept in this
// project. `go run ./scripts/charts/schemas/fetch` brings them ahead (scripts/setup
// test does).
package schemas
