package launch

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
)

// External is a PostgreSQL that somebody else runs, reached as a role that may
// make databases and roles.
type External struct {
	admin        *url.URL
	passwordFile string
}

// At names such a server by its connection URL. The passwords of the roles it
// makes are drawn at random and kept in passwordFile.
func At(adminURL, passwordFile string) (*External, error) {
	u, err := url.Parse(adminURL)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return nil, errors.New("database URL: want postgres://user:password@host:port/database")
	}
	return &External{admin: u, passwordFile: passwordFile}, nil
}

// AdminURL connects the given role to a database.
func (e *External) AdminURL(database string) string {
	u := *e.admin
	u.Path = "/" + database
	return u.String()
}

func (e *External) url(database, role, password string) string {
	u := *e.admin
	u.Path = "/" + database
	query := u.Query()
	query.Del("user")
	query.Del("password")
	u.RawQuery = query.Encode()
	u.User = url.UserPassword(role, password)
	return u.String()
}

// Database makes a service's database and its two roles unless they are there,
// as Server.Database does, and gives the roles the password that is kept.
func (e *External) Database(ctx context.Context, name string) (_ Database, err error) {
	password, err := e.password()
	if err != nil {
		return Database{}, err
	}
	admin, err := pgx.Connect(ctx, e.admin.String())
	if err != nil {
		return Database{}, fmt.Errorf("reach PostgreSQL: %w", err)
	}
	defer func() { err = errors.Join(err, admin.Close(ctx)) }()
	owner, runtime := name+"_owner", name
	for _, role := range []string{owner, runtime} {
		if err := ensureRole(ctx, admin, role, password); err != nil {
			return Database{}, err
		}
		// The role may be from before the file was lost. The password is letters and digits (crypto/rand.Text).
		if _, err := admin.Exec(ctx, fmt.Sprintf("ALTER ROLE %s PASSWORD '%s'", pgx.Identifier{role}.Sanitize(), password)); err != nil {
			return Database{}, fmt.Errorf("give role %s its password: %w", role, err)
		}
	}
	// From PostgreSQL 16 on, making a role does not make its maker a member of it.
	if _, err := admin.Exec(ctx, fmt.Sprintf("GRANT %s TO CURRENT_USER", pgx.Identifier{owner}.Sanitize())); err != nil {
		return Database{}, fmt.Errorf("become a member of %s: %w", owner, err)
	}
	if err := ensureDatabase(ctx, admin, name, owner); err != nil {
		return Database{}, err
	}
	return Database{OwnerURL: e.url(name, owner, password), RuntimeURL: e.url(name, runtime, password), RuntimeRole: runtime}, nil
}

func (e *External) password() (string, error) {
	kept, err := os.ReadFile(e.passwordFile)
	if err == nil && len(kept) > 0 {
		return strings.TrimSpace(string(kept)), nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read the roles' password: %w", err)
	}
	drawn := rand.Text()
	if err := os.WriteFile(e.passwordFile, []byte(drawn), 0o600); err != nil {
		return "", fmt.Errorf("keep the roles' password: %w", err)
	}
	return drawn, nil
}
