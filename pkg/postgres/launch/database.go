package launch

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Database is a service's own database and its two roles.
type Database struct {
	// OwnerURL is for migrations.
	OwnerURL string
	// RuntimeURL is for work; its role owns nothing and is held by row-level security.
	RuntimeURL  string
	RuntimeRole string
}

// Database makes a service's database and roles unless they are there:
// database <name>, roles <name>_owner and <name>.
func (s *Server) Database(ctx context.Context, name string) (_ Database, err error) {
	admin, err := pgx.Connect(ctx, s.AdminURL("postgres"))
	if err != nil {
		return Database{}, fmt.Errorf("reach PostgreSQL: %w", err)
	}
	defer func() { err = errors.Join(err, admin.Close(ctx)) }()

	owner, runtime := name+"_owner", name
	for _, role := range []string{owner, runtime} {
		if err := ensureRole(ctx, admin, role, s.password); err != nil {
			return Database{}, err
		}
	}
	if err := ensureDatabase(ctx, admin, name, owner); err != nil {
		return Database{}, err
	}
	return Database{OwnerURL: s.URL(name, owner), RuntimeURL: s.URL(name, runtime), RuntimeRole: runtime}, nil
}

func ensureRole(ctx context.Context, admin *pgx.Conn, role, password string) error {
	var exists bool
	if err := admin.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role).Scan(&exists); err != nil {
		return fmt.Errorf("look for role %s: %w", role, err)
	}
	if exists {
		return nil
	}
	// The password is letters and digits (crypto/rand.Text).
	statement := fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD '%s'", pgx.Identifier{role}.Sanitize(), password)
	if _, err := admin.Exec(ctx, statement); err != nil {
		return fmt.Errorf("make role %s: %w", role, err)
	}
	return nil
}

func ensureDatabase(ctx context.Context, admin *pgx.Conn, name, owner string) error {
	var exists bool
	if err := admin.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&exists); err != nil {
		return fmt.Errorf("look for database %s: %w", name, err)
	}
	if !exists {
		if _, err := admin.Exec(ctx, fmt.Sprintf("CREATE DATABASE %s OWNER %s", pgx.Identifier{name}.Sanitize(), pgx.Identifier{owner}.Sanitize())); err != nil {
			return fmt.Errorf("make database %s: %w", name, err)
		}
	}
	if _, err := admin.Exec(ctx, fmt.Sprintf("REVOKE CONNECT, TEMPORARY ON DATABASE %[1]s FROM PUBLIC; GRANT CONNECT ON DATABASE %[1]s TO %[2]s",
		pgx.Identifier{name}.Sanitize(), pgx.Identifier{name}.Sanitize())); err != nil {
		return fmt.Errorf("close database %s to other services: %w", name, err)
	}
	return nil
}
