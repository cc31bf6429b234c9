// Package app is the life of a service: its configuration, its start, its
// supervision and its end, the same for a service alone in its process and for
// all six in one.
//
// Guarantees:
//
//  1. A service starts with a configuration that was understood whole: unknown
//     fields and missing values are refused with their names, and --check-config
//     says so without starting anything.
//  2. /livez says the process turns; /readyz says it can work: database, broker
//     and the service's own checks. A cache that is away makes nothing unready.
//  3. The end has an order: unready, wait for the endpoints to go, stop HTTP, stop
//     fetching, drain, commit, leave the group, give leases back, flush telemetry.
//  4. A worker that ends with an error ends the service with it; one that panics
//     does too, with the stack logged. Nothing goes on half alive.
//  5. No secret is logged. A setting that starts with "file:" is read from that file.
//  6. What a service counts has few series, known from the start, and names nobody:
//     agencies and codes. A count that cannot be made anew is not told as if it were.
//  7. The command probe proves that a service works by asking it, as an authorised
//     client, what a user would; and that it refuses who has no token.
package app
