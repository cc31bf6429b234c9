package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var kitMigrations embed.FS

// KitMigrations are the migrations of the kit's own tables.
func KitMigrations() fs.FS { return kitMigrations }

// migrationLock keeps two migrations of one database apart.
const migrationLock = 0x68656172746800 // "hearth"

// Migrate brings a database up to date: first the kit's tables, then the
// service's migrations (goose SQL files in one folder of service, which may be
// nil). Each has its own version table. ownerURL is of the role that owns the
// tables; runtimeRole, which must exist and be another role, is granted their use.
//
// Several processes may call it at once. A lock held by running work makes a
// migration fail after ten seconds rather than queue all other work behind it.
func Migrate(ctx context.Context, ownerURL, runtimeRole string, service fs.FS) (err error) {
	config, err := pgx.ParseConfig(ownerURL)
	if err != nil {
		return errors.New("the owner's database URL cannot be read: want postgres://role@host:port/database")
	}
	if runtimeRole == "" || runtimeRole == config.User {
		return fmt.Errorf("the runtime role %q must be another role than the owner, which row-level security is not for", runtimeRole)
	}
	config.RuntimeParams["hearth.runtime_role"] = runtimeRole
	config.RuntimeParams["lock_timeout"] = "10s"
	config.RuntimeParams["application_name"] = "hearth-migrate"

	db := stdlib.OpenDB(*config)
	defer func() { err = errors.Join(err, db.Close()) }()

	// The lock is of a session, so it holds through goose's transactions and
	// goes with its connection, whatever happens.
	locker, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("reach database %s: %w", config.Database, err)
	}
	defer func() { err = errors.Join(err, locker.Close()) }()
	if _, err := locker.ExecContext(ctx, "SET lock_timeout = 0"); err != nil {
		return fmt.Errorf("wait for other migrations: %w", err)
	}
	if _, err := locker.ExecContext(ctx, "SELECT pg_advisory_lock($1)", int64(migrationLock)); err != nil {
		return fmt.Errorf("wait for other migrations: %w", err)
	}
	var exists bool
	if err := locker.QueryRowContext(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", runtimeRole).Scan(&exists); err != nil {
		return fmt.Errorf("look for runtime role: %w", err)
	}
	if !exists {
		return fmt.Errorf("there is no role %q to run as: CREATE ROLE it first, with LOGIN and nothing else", runtimeRole)
	}

	sets := []struct {
		table string
		files fs.FS
	}{{"hearth_kit_version", kitMigrations}, {"hearth_service_version", service}}
	for _, set := range sets {
		if set.files == nil {
			continue
		}
		folder, err := migrationFolder(set.files)
		if err != nil {
			return err
		}
		provider, err := goose.NewProvider(goose.DialectPostgres, db, folder, goose.WithTableName(set.table), goose.WithDisableGlobalRegistry(true))
		if err != nil {
			return fmt.Errorf("read migrations: %w", err)
		}
		if _, err := provider.Up(ctx); err != nil {
			return fmt.Errorf("migrate database %s: %w", config.Database, err)
		}
	}
	// No table of a service is for anybody else. The version tables are the owner's;
	// the service reads in them whether the database is as new as its code.
	runtime := pgx.Identifier{runtimeRole}.Sanitize()
	if _, err := db.ExecContext(ctx, "GRANT USAGE ON SCHEMA public TO "+runtime); err != nil {
		return fmt.Errorf("grant use of the schema: %w", err)
	}
	for _, set := range sets {
		if set.files == nil {
			continue
		}
		if _, err := db.ExecContext(ctx, "GRANT SELECT ON "+set.table+" TO "+runtime); err != nil {
			return fmt.Errorf("grant reading the schema's version: %w", err)
		}
	}
	return nil
}

// migrationFolder finds the one folder of files that holds SQL files.
func migrationFolder(files fs.FS) (fs.FS, error) {
	found := ""
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".sql" {
			return err
		}
		if dir := path.Dir(name); found == "" || found == dir {
			found = dir
			return nil
		}
		return fmt.Errorf("migrations lie in two folders, %s and %s: keep them in one", found, path.Dir(name))
	})
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	if found == "" {
		return nil, errors.New("read migrations: no SQL file; embed postgres/migrations/*.sql")
	}
	return fs.Sub(files, found)
}
