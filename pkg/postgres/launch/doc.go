// Package launch starts a PostgreSQL server from the binaries on the machine,
// for a `hearth` that runs on its own and for tests.
//
// Guarantees:
//
//  1. A folder is initialised once, whole or not at all, and serves again after
//     any end of its last use, kill -9 of hearth or of PostgreSQL included.
//  2. One process uses a folder at a time; a second one is told so. A server
//     left behind by a killed process is taken over, not doubled.
//  3. Run as root, the server runs as an unprivileged user. Its files and its
//     socket are that user's alone; over the loopback port it wants a password
//     that is drawn at random and kept in the folder.
//  4. Commits are durable unless Options.Ephemeral says otherwise, which only
//     tests do.
//  5. Close stops the server and waits until it has stopped.
//  6. A server that is kept (Keep) and ends without Close is started again, at the
//     address it had.
//  7. The server's log holds no statement and no row value.
package launch
