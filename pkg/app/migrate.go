package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/hearthfps/hearth/pkg/postgres"
)

// migrate brings the service's tables up to date as their owner, and lets the
// role of database_url work with them.
func migrate(ctx context.Context, svc Service, c Config) error {
	if c.MigrateDatabaseURL == "" {
		return errors.New("migrate_database_url is missing: migrations run as the owner of the tables")
	}
	runtime, err := pgx.ParseConfig(c.DatabaseURL)
	if err != nil || runtime.User == "" {
		return errors.New("database_url: want postgres://role@host:port/database; its role is given the tables")
	}
	if err := postgres.Migrate(ctx, c.MigrateDatabaseURL, runtime.User, svc.Migrations); err != nil {
		return fmt.Errorf("migrate %s: %w", svc.Name, err)
	}
	return nil
}
