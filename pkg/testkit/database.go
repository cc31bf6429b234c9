package testkit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/postgres/launch"
)

const (
	ownerRole   = "test_owner"
	runtimeRole = "test_runtime"
)

// Option changes what Database gives.
type Option func(*postgres.Config)

// WithClock has the database's transactions tell the time by c.
func WithClock(c clock.Clock) Option { return func(config *postgres.Config) { config.Clock = c } }

// WithConns bounds the connections of the test's database. The default is 8.
func WithConns(n int) Option { return func(config *postgres.Config) { config.MaxConns = n } }

// Database gives the test a database with the kit's tables and those of a
// service's migrations (nil for none), and the URL of its runtime role. It skips
// the test when no PostgreSQL is installed. Events published through it are
// checked against their JSON Schema.
func Database(t testing.TB, migrations fs.FS, options ...Option) (*postgres.DB, string) {
	t.Helper()
	url := DatabaseURL(t, migrations)
	config := postgres.Config{URL: url, MaxConns: 8, CheckEvent: CheckEvent}
	for _, option := range options {
		option(&config)
	}
	db, err := postgres.Open(t.Context(), config)
	if err != nil {
		t.Fatalf("open test database: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close test database: %v", err)
		}
	})
	return db, url
}

// DatabaseURL is Database for a test that opens its database itself.
func DatabaseURL(t testing.TB, migrations fs.FS) string {
	t.Helper()
	server, err := sharedServer(t.Context())
	if errors.Is(err, launch.ErrNotInstalled) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatalf("start test PostgreSQL: %v", err)
	}
	template, err := ensureTemplate(t.Context(), server, migrations)
	if err != nil {
		t.Fatalf("make test database: %v", err)
	}
	name := "t_" + strings.ToLower(uniqueName())
	if err := admin(t.Context(), server, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s OWNER %s STRATEGY file_copy", name, template, ownerRole))
		return err
	}); err != nil {
		t.Fatalf("copy test database: %v", err)
	}
	t.Cleanup(func() {
		if err := admin(context.Background(), server, func(ctx context.Context, conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, fmt.Sprintf("DROP DATABASE %s WITH (FORCE)", name))
			return err
		}); err != nil {
			t.Errorf("drop test database: %v", err)
		}
	})
	return server.URL(name, runtimeRole)
}

// OwnerURL is the URL of the role that owns the tables of a database that
// Database or DatabaseURL gave.
func OwnerURL(runtimeURL string) string {
	return strings.Replace(runtimeURL, "user="+runtimeRole, "user="+ownerRole, 1)
}

var shared struct {
	sync.Mutex
	server *launch.Server
}

// sharedServer starts or finds the server of this user's tests. The process
// asks once; the server stays up while the process lives.
func sharedServer(ctx context.Context) (*launch.Server, error) {
	shared.Lock()
	defer shared.Unlock()
	if shared.server != nil {
		return shared.server, nil
	}
	server, fresh, err := launch.Shared(ctx, launch.Options{
		Dir:            filepath.Join(os.TempDir(), fmt.Sprintf("hearth-test-%d", os.Getuid())),
		MaxConnections: 500,
	})
	if err != nil {
		return nil, err
	}
	if fresh {
		if err := admin(ctx, server, tidy); err != nil {
			return nil, fmt.Errorf("clear away what ended tests left: %w", err)
		}
	}
	shared.server = server
	return server, nil
}

// admin runs f as the superuser.
func admin(ctx context.Context, server *launch.Server, f func(context.Context, *pgx.Conn) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, server.AdminURL("postgres"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	return f(ctx, conn)
}

// tidy drops the databases of tests that were killed, and all templates when
// they have become many.
func tidy(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, `
		SELECT datname FROM pg_database
		WHERE datname LIKE 't\_%'
		   OR (datname LIKE 'template\_%' AND 40 < (SELECT count(*) FROM pg_database WHERE datname LIKE 'template\_%'))`)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := conn.Exec(ctx, fmt.Sprintf("DROP DATABASE IF EXISTS %s WITH (FORCE)", name)); err != nil {
			return err
		}
	}
	return nil
}

// ensureTemplate migrates a database once for each content of the migrations.
func ensureTemplate(ctx context.Context, server *launch.Server, migrations fs.FS) (string, error) {
	hash, err := hashFiles(postgres.KitMigrations(), migrations)
	if err != nil {
		return "", err
	}
	name := "template_" + hash
	return name, admin(ctx, server, func(ctx context.Context, conn *pgx.Conn) error {
		// Processes that want the same template wait for the one that makes it;
		// the lock goes with the connection.
		if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock(hashtext('hearth templates'))"); err != nil {
			return err
		}
		var ready bool
		if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&ready); err != nil || ready {
			return err
		}
		for _, role := range []string{ownerRole, runtimeRole} {
			if _, err := conn.Exec(ctx, fmt.Sprintf(`
				DO $$ BEGIN
					IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '%[1]s') THEN CREATE ROLE %[1]s LOGIN; END IF;
				END $$`, role)); err != nil {
				return err
			}
		}
		making := "t_making_" + hash
		for _, statement := range []string{
			fmt.Sprintf("DROP DATABASE IF EXISTS %s WITH (FORCE)", making),
			fmt.Sprintf("CREATE DATABASE %s OWNER %s", making, ownerRole),
		} {
			if _, err := conn.Exec(ctx, statement); err != nil {
				return err
			}
		}
		if err := postgres.Migrate(ctx, server.URL(making, ownerRole), runtimeRole, migrations); err != nil {
			return err
		}
		_, err := conn.Exec(ctx, fmt.Sprintf("ALTER DATABASE %s RENAME TO %s", making, name))
		return err
	})
}

// hashFiles identifies the names and contents of SQL files.
func hashFiles(systems ...fs.FS) (string, error) {
	hash := sha256.New()
	for _, files := range systems {
		if files == nil {
			continue
		}
		var names []string
		if err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && strings.HasSuffix(name, ".sql") {
				names = append(names, name)
			}
			return err
		}); err != nil {
			return "", fmt.Errorf("read migrations: %w", err)
		}
		slices.Sort(names)
		for _, name := range names {
			content, err := fs.ReadFile(files, name)
			if err != nil {
				return "", fmt.Errorf("read migrations: %w", err)
			}
			if _, err := io.WriteString(hash, fmt.Sprintf("%s %d\n", name, len(content))); err != nil {
				return "", err
			}
			if _, err := hash.Write(content); err != nil {
				return "", err
			}
		}
	}
	return hex.EncodeToString(hash.Sum(nil)[:10]), nil
}
