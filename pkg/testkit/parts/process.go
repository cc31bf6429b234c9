package parts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Process is one child process that can be killed and started again.
type Process struct {
	// Name is used in errors and as the log file's name.
	Name string
	// Dir is the folder the process lives in; its log is Dir/Name.log.
	Dir string
	// Args is the command line; Args[0] is looked up in PATH.
	Args []string
	// Env is appended to this process's environment.
	Env []string
	// Ready reports whether the process answers; it is asked until it says nil.
	Ready func(ctx context.Context) error
	// Credential is the user to run as; nil means this process's own.
	Credential *syscall.Credential

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{}
}

// Start runs the command and waits until it is ready. It fails when the process
// ends first or ctx is done; the error carries the last lines of its log.
func (p *Process) Start(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running() {
		return fmt.Errorf("start %s: it is running", p.Name)
	}
	log, err := os.OpenFile(p.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("start %s: open its log: %w", p.Name, err)
	}
	defer log.Close()

	cmd := exec.Command(p.Args[0], p.Args[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.Dir, log, log
	cmd.Env = append(os.Environ(), p.Env...)
	// A part must not outlive a test that was killed.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Credential: p.Credential}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the exit status of a process that is killed on purpose says nothing
		close(done)
	}()
	p.cmd, p.done = cmd, done

	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if err = p.Ready(ctx); err == nil {
			return nil
		}
		select {
		case <-done:
			return fmt.Errorf("start %s: it ended before it was ready: %s", p.Name, p.LogTail(2000))
		case <-ctx.Done():
			return fmt.Errorf("start %s: %w; last answer: %w; log: %s", p.Name, ctx.Err(), err, p.LogTail(2000))
		case <-tick.C:
		}
	}
}

// Running reports whether the process is alive.
func (p *Process) Running() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running()
}

func (p *Process) running() bool {
	if p.cmd == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Pid is the process's id, or 0 when it is not running.
func (p *Process) Pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.running() {
		return 0
	}
	return p.cmd.Process.Pid
}

// Kill sends SIGKILL and waits for the process to be gone.
func (p *Process) Kill() { p.end(syscall.SIGKILL, 0) }

// Stop asks with SIGTERM and, after grace, insists with SIGKILL.
func (p *Process) Stop(grace time.Duration) { p.end(syscall.SIGTERM, grace) }

func (p *Process) end(sig syscall.Signal, grace time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.running() {
		return
	}
	// The process is ours and has not been waited for yet, so its id cannot have been reused.
	_ = p.cmd.Process.Signal(sig)
	if sig != syscall.SIGKILL {
		select {
		case <-p.done:
			return
		case <-time.After(grace):
			_ = p.cmd.Process.Kill()
		}
	}
	<-p.done
}

// LogTail returns at most n bytes from the end of the log.
func (p *Process) LogTail(n int) string {
	b, err := os.ReadFile(p.logPath())
	if err != nil {
		return err.Error()
	}
	if len(b) > n {
		b = b[len(b)-n:]
	}
	return string(bytes.TrimSpace(b))
}

func (p *Process) logPath() string { return filepath.Join(p.Dir, p.Name+".log") }

// FreeAddr returns a loopback address nobody listened on a moment ago.
func FreeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// Dialable is a Ready that succeeds once addr accepts connections.
func Dialable(addr string) func(context.Context) error {
	return func(ctx context.Context) error {
		c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", addr)
		if err != nil {
			return err
		}
		return c.Close()
	}
}

// ErrMissing says that a program or library a part needs is not on this machine.
var ErrMissing = errors.New("not on this machine; run `make setup-test`")
