// Package fault says what went wrong in terms every layer shares: a kind, a
// stable code for programs, and a sentence for people. Only pkg/httpapi turns a
// kind into an HTTP status; only pkg/events turns it into "retry" or "park".
//
// Guarantees:
//
//  1. An error that carries no fault has kind Internal, whatever it says, except
//     that a connection, deadline or cancellation failure has kind Unavailable.
//  2. A fault stays findable, kind, code and fields, through any wrapping with %w.
//  3. A cause is for logs alone: Detail, Code and Fields are all that leaves the process.
//  4. Transient is true for what may succeed when tried again unchanged, and for
//     nothing else.
package fault
