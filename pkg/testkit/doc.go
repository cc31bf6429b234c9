// Package testkit gives tests the real parts: a PostgreSQL database of their
// own, a broker, a cache.
//
// Guarantees:
//
//  1. Each call of Database gives an empty, migrated database that no other test
//     sees, used as a role that row-level security holds.
//  2. All tests of a machine's user share one PostgreSQL server, in the folder
//     hearth-test-<uid> of the temporary files. It stops by itself a minute after
//     its last use, and within a second when the file in-use there is removed.
//  3. What a test was given is gone when the test ends.
package testkit
