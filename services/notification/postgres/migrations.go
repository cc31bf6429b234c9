// Package postgres keeps messages, tasks and workers' contacts. Every function
// takes a transaction of one agency; rows of another are out of its reach.
package postgres

import "embed"

// Migrations are the service's goose files.
//
//go:embed migrations/*.sql
var Migrations embed.FS
