// Package postgres stores case files. Every function takes a transaction of one
// agency and sees that agency's rows alone.
package postgres

import "embed"

// Migrations are the service's goose files.
//
//go:embed migrations/*.sql
var Migrations embed.FS
