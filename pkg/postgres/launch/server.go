package launch

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	superuser    = "hearth"
	startTimeout = 60 * time.Second
	stopTimeout  = 30 * time.Second
)

// Options say where and how a server runs.
type Options struct {
	// Dir holds everything of the server. It is made if it is not there.
	Dir string
	// Ephemeral trades durability for speed. For tests.
	Ephemeral bool
	// MaxConnections is the server's limit. 0 is 200.
	MaxConnections int
	// Port is the loopback port to listen on. 0 is any that is free, another one at every start.
	Port int
	// SharedBuffers is the server's cache, in PostgreSQL's notation. "" is 64MB.
	SharedBuffers string
}

// Server is a running PostgreSQL.
type Server struct {
	dir      string
	sockets  string
	port     int
	password string
	version  int
	lock     *os.File

	// How it was started, to start it again; see Keep.
	bin         string
	as          *account
	options     Options
	stopKeeping func()

	mu     sync.Mutex // pid and exited change when it is started again
	pid    int
	exited chan struct{} // closed when our own child has ended; nil for a server taken over
	exit   error
}

// Start brings the server of a folder up, initialising the folder first if it
// is new, and returns when it takes connections. It fails with ErrNotInstalled
// when there is no PostgreSQL on the machine.
func Start(ctx context.Context, o Options) (_ *Server, err error) {
	bin, version, err := binaries()
	if err != nil {
		return nil, err
	}
	as, err := unprivileged()
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("find database folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make database folder: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()

	s := &Server{dir: dir, version: version, bin: bin, as: as, options: o, stopKeeping: func() {}}
	if s.lock, err = lockFolder(dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.lock.Close())
		}
	}()
	if s.password, err = s.secret(); err != nil {
		return nil, err
	}
	if s.sockets, err = socketFolder(dir); err != nil {
		return nil, err
	}
	if err := as.own(s.sockets); err != nil {
		return nil, fmt.Errorf("make socket folder: %w", err)
	}
	if err := s.initialise(ctx, bin, as, o); err != nil {
		return nil, err
	}
	taken, err := s.takeOver(ctx)
	if err != nil || taken {
		return s, err
	}
	return s, s.run(ctx, bin, as, o)
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// lockFolder keeps a second process out; the kernel gives the lock back however
// the first one ends.
func lockFolder(dir string) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock database folder: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("database folder %s is in use by another process: stop it, or choose another folder", dir), lock.Close())
	}
	return lock, nil
}

// secret reads the password of every role, drawing it the first time.
func (s *Server) secret() (string, error) {
	name := filepath.Join(s.dir, "password")
	read, err := os.ReadFile(name)
	if err == nil && len(read) > 0 {
		return string(read), nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read database password: %w", err)
	}
	drawn := rand.Text()
	if err := os.WriteFile(name, []byte(drawn), 0o600); err != nil {
		return "", fmt.Errorf("keep database password: %w", err)
	}
	return drawn, nil
}

// socketFolder lies in the server's folder, or, where that has too long a name
// for a socket (about 100 bytes), in the folder for temporary files.
func socketFolder(dir string) (string, error) {
	within := filepath.Join(dir, "run")
	if len(within) <= 80 {
		return within, nil
	}
	h := fnv.New64a()
	if _, err := h.Write([]byte(dir)); err != nil {
		return "", err
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("hearth-%x", h.Sum64())), nil
}

// initialise makes the data folder beside its place and moves it there whole,
// so that an end in the middle leaves no half of one.
func (s *Server) initialise(ctx context.Context, bin string, as *account, o Options) error {
	if written, err := os.ReadFile(filepath.Join(s.data(), "PG_VERSION")); err == nil {
		if had := strings.TrimSpace(string(written)); had != strconv.Itoa(s.version) {
			return fmt.Errorf("database folder %s is of PostgreSQL %s and the installed one is %d: install %s, or upgrade the folder with pg_upgrade", s.dir, had, s.version, had)
		}
		return nil
	}
	half := s.data() + ".new"
	if err := os.RemoveAll(half); err != nil {
		return fmt.Errorf("clear database folder: %w", err)
	}
	if err := as.own(half); err != nil {
		return fmt.Errorf("make database folder: %w", err)
	}
	passwordFile := filepath.Join(s.sockets, "initial-password")
	if err := as.give(passwordFile, s.password+"\n"); err != nil {
		return fmt.Errorf("hand over database password: %w", err)
	}
	defer os.Remove(passwordFile) // best effort: the folder is the server's alone
	args := []string{
		"--pgdata=" + half, "--username=" + superuser, "--encoding=UTF8", "--locale=C",
		"--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile=" + passwordFile,
	}
	if o.Ephemeral {
		args = append(args, "--no-sync")
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), args...)
	cmd.SysProcAttr = as.attributes()
	cmd.Dir = "/"
	cmd.Env = serverEnv()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initialise database folder %s: %w: %s", s.dir, err, strings.TrimSpace(string(out)))
	}
	if err := os.Rename(half, s.data()); err != nil {
		return fmt.Errorf("put database folder in place: %w", err)
	}
	return nil
}

// serverEnv leaves out PG* variables of hearth's own surroundings.
func serverEnv() []string {
	return []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
}

// run starts the server as a child and waits until it takes connections. It
// tries again for a while: after a kill -9 of a server alone, its children can
// hold on to its memory for a moment.
func (s *Server) run(ctx context.Context, bin string, as *account, o Options) error {
	for {
		err := s.spawn(bin, as, o)
		if err != nil {
			return err
		}
		if err = s.awaitReady(ctx); err == nil {
			return nil
		}
		select {
		case <-s.exited:
		default:
			return errors.Join(err, s.stop())
		}
		if ctx.Err() != nil {
			return fmt.Errorf("start PostgreSQL (see %s): %w", s.logName(), err)
		}
		if err := sleep(ctx, 300*time.Millisecond); err != nil {
			return fmt.Errorf("start PostgreSQL (see %s): %w", s.logName(), err)
		}
	}
}

func (s *Server) logName() string { return filepath.Join(s.dir, "postgres.log") }

func (s *Server) spawn(bin string, as *account, o Options) error {
	var err error
	if s.port = o.Port; s.port == 0 {
		if s.port, err = freePort(); err != nil {
			return err
		}
	}
	log, err := os.OpenFile(s.logName(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open PostgreSQL's log: %w", err)
	}
	defer log.Close() // the child has its own

	cmd := exec.Command(filepath.Join(bin, "postgres"), append([]string{"-D", s.data()}, s.settings(o)...)...)
	cmd.SysProcAttr = as.attributes()
	cmd.Dir = "/"
	cmd.Env = serverEnv()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	exited := make(chan struct{})
	s.mu.Lock()
	s.pid, s.exited = cmd.Process.Pid, exited
	s.mu.Unlock()
	go func() {
		s.exit = cmd.Wait()
		close(exited)
	}()
	return nil
}

func (s *Server) settings(o Options) []string {
	if o.MaxConnections == 0 {
		o.MaxConnections = 200
	}
	if o.SharedBuffers == "" {
		o.SharedBuffers = "64MB"
	}
	settings := []string{
		"listen_addresses=127.0.0.1", "port=" + strconv.Itoa(s.port), "unix_socket_directories=" + s.sockets,
		"max_connections=" + strconv.Itoa(o.MaxConnections), "shared_buffers=" + o.SharedBuffers, "jit=off",
		"timezone=UTC", "log_timezone=UTC", "log_line_prefix=%m ",
		// Statements and messages' details may repeat a family's data.
		"log_min_error_statement=panic", "log_error_verbosity=terse", "log_parameter_max_length_on_error=0", "log_statement=none",
		"idle_in_transaction_session_timeout=5min", "tcp_keepalives_idle=60",
		// New tables get their statistics within seconds of their first rows: until
		// then plans go through all rows of an agency, and are kept.
		"autovacuum_naptime=5s",
	}
	if o.Ephemeral {
		settings = append(settings, "fsync=off", "synchronous_commit=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0",
			"checkpoint_timeout=30min", "max_wal_size=4GB")
	}
	args := make([]string, 0, 2*len(settings))
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	return args
}

// freePort asks the kernel for a loopback port nobody listens on.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

// awaitReady waits until the server answers, or has ended.
func (s *Server) awaitReady(ctx context.Context) error {
	for {
		err := s.ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-s.exited:
			return fmt.Errorf("PostgreSQL ended: %w", errors.Join(s.exit, err))
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *Server) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.AdminURL("postgres"))
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// URL connects role to database through the socket.
func (s *Server) URL(database, role string) string {
	return (&url.URL{
		Scheme: "postgres", Path: "/" + database,
		RawQuery: url.Values{"host": {s.sockets}, "port": {strconv.Itoa(s.port)}, "user": {role}, "password": {s.password}, "sslmode": {"disable"}}.Encode(),
	}).String()
}

// AdminURL connects the superuser to a database.
func (s *Server) AdminURL(database string) string { return s.URL(database, superuser) }

// PID is the server's process.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pid
}

// Close stops the server, ending its sessions, and waits until it has stopped.
func (s *Server) Close() error {
	s.stopKeeping()
	err := s.stop()
	if filepath.Dir(s.sockets) != s.dir {
		// Outside the server's folder nothing is left behind.
		err = errors.Join(err, os.RemoveAll(s.sockets))
	}
	return errors.Join(err, s.lock.Close())
}

func (s *Server) stop() error {
	// SIGINT is PostgreSQL's fast shutdown; SIGQUIT its immediate one, from which
	// it recovers at the next start. Never SIGKILL: children would be left.
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT} {
		if err := syscall.Kill(s.pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stop PostgreSQL: %w", err)
		}
		for deadline := time.Now().Add(stopTimeout); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			if s.ended() {
				return nil
			}
		}
	}
	return fmt.Errorf("PostgreSQL (process %d) does not stop", s.pid)
}

func (s *Server) ended() bool {
	if s.exited == nil {
		return !s.serves(s.pid)
	}
	select {
	case <-s.exited:
		return true
	default:
		return false
	}
}
