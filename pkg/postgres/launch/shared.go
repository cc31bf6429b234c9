package launch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// beatEvery is how often a user of a shared server says that it is alive; the
// server goes a minute after the last beat, or at once when the file of beats
// is removed.
const beatEvery = 10 * time.Second

// keeper runs a server and stops it when nobody has used it for a minute. It
// outlives the process that started it, because others may use the server still.
const keeper = `
beat=$1; shift
"$@" & server=$!
trap 'kill -INT $server' INT TERM
while kill -0 $server 2>/dev/null; do
	if [ -z "$(find "$beat" -mmin -1 2>/dev/null)" ]; then kill -INT $server; break; fi
	sleep 1
done
wait $server
`

// Shared gives the ephemeral server of a folder to any number of processes at
// once, starting it for the first. It is for tests: Ephemeral is implied, Close
// must not be called, and the server stops by itself when unused for a minute.
// fresh says that this call started it.
func Shared(ctx context.Context, o Options) (_ *Server, fresh bool, err error) {
	o.Ephemeral = true
	bin, version, err := binaries()
	if err != nil {
		return nil, false, err
	}
	as, err := unprivileged()
	if err != nil {
		return nil, false, err
	}
	s := &Server{dir: o.Dir, version: version}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return nil, false, fmt.Errorf("make database folder: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()

	// Only starting is done one at a time, so the lock is given back at the end.
	lock, err := os.OpenFile(filepath.Join(s.dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, false, fmt.Errorf("lock database folder: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return nil, false, fmt.Errorf("lock database folder: %w", err)
	}

	if err := s.beat(); err != nil {
		return nil, false, err
	}
	if s.password, err = s.secret(); err != nil {
		return nil, false, err
	}
	if s.sockets, err = socketFolder(s.dir); err != nil {
		return nil, false, err
	}
	if err := as.own(s.sockets); err != nil {
		return nil, false, fmt.Errorf("make socket folder: %w", err)
	}
	taken, err := s.takeOver(ctx)
	if err != nil || taken {
		return s, false, err
	}
	err = s.startKept(ctx, bin, as, o)
	if err != nil && ctx.Err() == nil {
		// Without fsync an end of the machine spoils the folder; nothing in it
		// is worth mending.
		if err := os.RemoveAll(s.data()); err != nil {
			return nil, false, fmt.Errorf("clear database folder: %w", err)
		}
		err = s.startKept(ctx, bin, as, o)
	}
	return s, true, err
}

func (s *Server) startKept(ctx context.Context, bin string, as *account, o Options) error {
	if err := s.initialise(ctx, bin, as, o); err != nil {
		return err
	}
	var err error
	if s.port, err = freePort(); err != nil {
		return err
	}
	log, err := os.OpenFile(s.logName(), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open PostgreSQL's log: %w", err)
	}
	defer log.Close() // the child has its own

	args := append([]string{"-c", keeper, "keeper", s.beats(), filepath.Join(bin, "postgres"), "-D", s.data()}, s.settings(o)...)
	cmd := exec.Command("/bin/sh", args...)
	cmd.SysProcAttr = as.attributes()
	cmd.SysProcAttr.Setpgid = false
	cmd.SysProcAttr.Setsid = true
	cmd.Dir = "/"
	cmd.Env = serverEnv()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	// No goroutine waits for it, because it is to outlive this process.
	for {
		err := s.ask(ctx)
		if err == nil {
			return cmd.Process.Release()
		}
		var status syscall.WaitStatus
		if pid, waited := syscall.Wait4(cmd.Process.Pid, &status, syscall.WNOHANG, nil); waited == nil && pid == cmd.Process.Pid {
			return fmt.Errorf("PostgreSQL ended with status %d (see %s): %w", status.ExitStatus(), s.logName(), err)
		}
		if over := sleep(ctx, 20*time.Millisecond); over != nil {
			return errors.Join(over, err)
		}
	}
}

func (s *Server) beats() string { return filepath.Join(s.dir, "in-use") }

// beat says now, and from now on while this process lives, that the server is used.
func (s *Server) beat() error {
	if err := os.WriteFile(s.beats(), nil, 0o644); err != nil {
		return fmt.Errorf("say that the database is in use: %w", err)
	}
	var again func()
	again = func() {
		now := time.Now()
		// Once the file is removed the server is asked to go, and is not kept.
		if os.Chtimes(s.beats(), now, now) == nil {
			time.AfterFunc(beatEvery, again)
		}
	}
	again()
	return nil
}
