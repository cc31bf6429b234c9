// Package postgres keeps what intake owns in PostgreSQL. Every function takes a
// transaction, which has its agency; none commits.
package postgres

import "embed"

// Migrations are the files that make intake's tables.
//
//go:embed migrations/*.sql
var Migrations embed.FS
