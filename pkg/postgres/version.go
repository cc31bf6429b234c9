package postgres

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"
)

// SchemaVersion is the number of the last migration: of the kit's own tables and
// of the service's.
type SchemaVersion struct{ Kit, Service int64 }

// WantedVersion is the version this code was written for; service is as for Migrate.
func WantedVersion(service fs.FS) (SchemaVersion, error) {
	var v SchemaVersion
	for _, set := range []struct {
		files fs.FS
		into  *int64
	}{{kitMigrations, &v.Kit}, {service, &v.Service}} {
		if set.files == nil {
			continue
		}
		folder, err := migrationFolder(set.files)
		if err != nil {
			return v, err
		}
		names, err := fs.Glob(folder, "*.sql")
		if err != nil {
			return v, fmt.Errorf("list migrations: %w", err)
		}
		for _, name := range names {
			number, err := goose.NumericComponent(name)
			if err != nil {
				return v, fmt.Errorf("read migrations: %w", err)
			}
			*set.into = max(*set.into, number)
		}
	}
	return v, nil
}

// SchemaVersion is the version the database has.
func (db *DB) SchemaVersion(ctx context.Context) (SchemaVersion, error) {
	var v SchemaVersion
	err := db.AskBackbone(ctx, `
		SELECT (SELECT coalesce(max(version_id), 0) FROM hearth_kit_version WHERE is_applied),
			(SELECT coalesce(max(version_id), 0) FROM hearth_service_version WHERE is_applied)`, nil, func(rows pgx.Rows) error {
		for rows.Next() {
			if err := rows.Scan(&v.Kit, &v.Service); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	if err != nil {
		return v, fmt.Errorf("read the schema's version: %w", err)
	}
	return v, nil
}
