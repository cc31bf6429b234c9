// Package apptest runs a service in the test's process, on a real database, a
// broker and a cache, by a clock the test moves.
//
// Guarantees:
//
//  1. The service is started by app.Start, as in production, with the shipped
//     rules and its own migrations; a test sees what an agency would.
//  2. Every answer is checked against the OpenAPI file, and every event that is
//     published against its JSON Schema.
//  3. Nothing sleeps: a test waits for a state, and says which one it waited for
//     in vain. Nothing is left running when the test ends.
//  4. Log lines of the service go to the test's log, and Logs gives them back.
package apptest
