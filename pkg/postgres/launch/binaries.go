package launch

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// minVersion is the oldest PostgreSQL that serves: 15 has the public schema
// closed to all but the owner.
const minVersion = 15

// ErrNotInstalled is returned when there is no PostgreSQL to start.
var ErrNotInstalled = errors.New("PostgreSQL 15 or later is not installed: run `apt-get install postgresql` (or your system's like), or give --database-url")

// binaries finds the folder with initdb and postgres of the newest PostgreSQL.
func binaries() (dir string, version int, err error) {
	var candidates []string
	if name, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(name); err == nil {
			candidates = append(candidates, filepath.Dir(real))
		}
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin", "/usr/libexec/postgresql*",
		"/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin", "/Applications/Postgres.app/Contents/Versions/*/bin",
	} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return "", 0, fmt.Errorf("look for PostgreSQL: %w", err)
		}
		candidates = append(candidates, found...)
	}
	for _, candidate := range candidates {
		if v := versionOf(candidate); v > version {
			dir, version = candidate, v
		}
	}
	if version < minVersion {
		return "", 0, ErrNotInstalled
	}
	return dir, version, nil
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// versionOf is the major version of the server in dir, 0 when there is none.
func versionOf(dir string) int {
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return 0
	}
	out, err := exec.Command(filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return 0
	}
	found := versionPattern.FindSubmatch(out)
	if found == nil {
		return 0
	}
	version, err := strconv.Atoi(string(found[1]))
	if err != nil {
		return 0
	}
	return version
}
