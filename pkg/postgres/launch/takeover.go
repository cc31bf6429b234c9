package launch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// takeOver looks for a server that a killed process left behind in the folder.
// This process holds the folder's lock, so such a server is nobody else's. One
// that answers is used; one that is on its way out is waited for; a pid file
// of a process that is no more is removed.
func (s *Server) takeOver(ctx context.Context) (bool, error) {
	name := filepath.Join(s.data(), "postmaster.pid")
	for {
		text, err := os.ReadFile(name)
		if errors.Is(err, os.ErrNotExist) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("read PostgreSQL's pid file: %w", err)
		}
		// pid, data folder, start time, port, socket folder, address, memory, state
		lines := strings.Split(string(text), "\n")
		pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
		if err != nil || !s.serves(pid) {
			// A number the kernel has since given to someone else would keep
			// PostgreSQL from starting.
			if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
				return false, fmt.Errorf("remove a stale pid file: %w", err)
			}
			return false, nil
		}
		if len(lines) > 3 {
			if port, err := strconv.Atoi(strings.TrimSpace(lines[3])); err == nil {
				s.port = port
				if s.isOurs(ctx) {
					s.mu.Lock()
					s.pid, s.exited = pid, nil
					s.mu.Unlock()
					return true, nil
				}
			}
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return false, fmt.Errorf("a PostgreSQL (process %d) holds %s and does not answer: stop it", pid, s.dir)
		}
	}
}

// serves says whether a process is a PostgreSQL of this data folder.
func (s *Server) serves(pid int) bool {
	if pid <= 1 || errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return false
	}
	command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		command, err = exec.Command("ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
		if err != nil {
			return false
		}
	}
	return strings.Contains(string(command), s.data())
}

// isOurs asks the server that answers which folder it serves.
func (s *Server) isOurs(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.AdminURL("postgres"))
	if err != nil {
		return false
	}
	var serves string
	err = conn.QueryRow(ctx, "SELECT current_setting('data_directory')").Scan(&serves)
	return errors.Join(err, conn.Close(ctx)) == nil && serves == s.data()
}
