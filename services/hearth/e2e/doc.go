// Package e2e proves what only the whole suite can show: all six services in
// one process, with a real PostgreSQL, asked through the public API alone.
package e2e
