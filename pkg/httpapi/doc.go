// Package httpapi is the edge every service's HTTP API shares: requests are
// checked against the service's OpenAPI file before a handler sees them, and
// whatever goes wrong is answered in one form.
//
// Guarantees:
//
//  1. Every failure is application/problem+json (RFC 9457) with a stable code and
//     the trace id, 404, 405, an unreadable body and a panic included. An error
//     that nobody classified is logged, and shown as internal without its text.
//  2. A handler sees only requests that its OpenAPI file allows: path, query and
//     header parameters, content type and body. Unknown fields and unknown query
//     parameters are refused. Every fault is listed, with a JSON pointer, and no
//     value that was sent is repeated.
//  3. No body is read beyond its limit: 1 MiB, or x-hearth-body-limit of the
//     operation. An operation with x-hearth-stream reads its own body, unbounded.
//  4. An operation asks for a bearer token unless it says `security: []`.
//  5. Once: the same Idempotency-Key with the same request has one effect and one
//     answer; with another request it is 422; while the first still runs, 409. Key,
//     effect and answer are stored in one transaction, or none of them.
//  6. A change needs If-Match with the current ETag: missing is 428, another 412.
//  7. A cursor is opaque, survives the rows around it changing, and refuses what it
//     did not make itself.
//  8. Limits are one bucket for all replicas (GCRA in Redis). Without Redis
//     requests are let through and counted as such: a cache that is away closes
//     no agency.
//
// The validation is our own, over schemas compiled once at start (JSON Schema
// 2020-12, which OpenAPI 3.1 schemas are): kin-openapi 0.152 compiles the schema
// anew for each parameter and body of each request, and repeats values in its
// messages.
package httpapi
