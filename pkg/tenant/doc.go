// Package tenant names the agency a piece of work is done for.
//
// Guarantees:
//
//  1. An AgencyID comes from Parse, from a decoder or from a database row, and
//     is always a well-formed slug; a string does not turn into one by itself.
//  2. The zero AgencyID is no agency. It is never written to a database.
//  3. Work carries its agency in its context; where there is none, From says so.
package tenant
