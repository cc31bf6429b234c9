package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// restMB and readyIn are the aims for a hearth that has nothing to do, and
	// for its start on data that is there.
	restMB, readyIn = 150, 3
	// idle is how long it is left alone before its memory is looked at.
	idle = 8 * time.Second
	// starts is how often it is started on data that is there.
	starts = 3
)

// measureRest starts hearth as a child, as `hearth serve --dev` with a PostgreSQL
// of its own, first to make its data and then to measure.
func measureRest(ctx context.Context, g *ground) ([]Figure, error) {
	g.say("a hearth of its own: making its data")
	dir := filepath.Join(g.dir, "rest")
	c, err := g.child(ctx, dir)
	if err != nil {
		return nil, err
	}
	if err := c.stop(); err != nil {
		return nil, err
	}
	var ready []float64
	for i := range starts {
		if c, err = g.child(ctx, dir); err != nil {
			return nil, err
		}
		g.say("  ready after %.2f s", c.ready.Seconds())
		ready = append(ready, c.ready.Seconds())
		if i < starts-1 {
			if err := c.stop(); err != nil {
				return nil, err
			}
		}
	}
	g.say("leaving it alone for %s", idle)
	select {
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), c.stop())
	case <-time.After(idle):
	}
	mb, err := residentMB(c.cmd.Process.Pid)
	if err := errors.Join(err, c.stop()); err != nil {
		return nil, err
	}
	memory := atMost("memory", "hearth at rest, all six services, broker and cache, without PostgreSQL", "MB", mb, restMB)
	memory.Note = fmt.Sprintf("resident set of `hearth serve --dev`, %s after it was ready", idle)
	start := atMost("start", "start of hearth to ready, PostgreSQL with it, on data that is there", "s", median(ready), readyIn)
	start.Note = fmt.Sprintf("median of %d starts, until /readyz says so of all services", starts)
	return []Figure{memory, start}, nil
}

// child is a hearth that runs.
type child struct {
	cmd   *exec.Cmd
	ended chan error
	said  *bytes.Buffer // to be read after it has ended
	ready time.Duration
}

// child starts a hearth on a folder and waits until it is ready.
func (g *ground) child(ctx context.Context, dir string) (*child, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	admin := l.Addr().String()
	if err := l.Close(); err != nil {
		return nil, err
	}
	c := &child{said: &bytes.Buffer{}, ended: make(chan error, 1)}
	c.cmd = exec.Command(g.Program, "serve", "--dev", "--data", dir, "--listen", "127.0.0.1:0", "--admin", admin)
	c.cmd.Stdout, c.cmd.Stderr = c.said, c.said
	began := time.Now()
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", g.Program, err)
	}
	go func() { c.ended <- c.cmd.Wait() }()
	for {
		res, err := http.Get("http://" + admin + "/readyz")
		if err == nil {
			_ = res.Body.Close() // the status says enough
			if res.StatusCode == http.StatusOK {
				c.ready = time.Since(began)
				return c, nil
			}
		}
		select {
		case err := <-c.ended:
			return nil, fmt.Errorf("hearth ended before it was ready: %w\n%s", err, c.said)
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), c.stop())
		case <-time.After(10 * time.Millisecond):
		}
		if time.Since(began) > 2*time.Minute {
			return nil, errors.Join(errors.New("hearth was not ready within two minutes"), c.stop())
		}
	}
}

// stop ends the child in order, or by force when it does not end.
func (c *child) stop() error {
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case err := <-c.ended:
		if err != nil {
			return fmt.Errorf("hearth ended badly: %w\n%s", err, c.said)
		}
		return nil
	case <-time.After(time.Minute):
		return errors.Join(errors.New("hearth did not end within a minute of being told to"), c.cmd.Process.Kill(), <-c.ended)
	}
}

// residentMB is a process's resident set in millions of bytes, as Linux tells it.
func residentMB(pid int) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read the memory of a process: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64)
			return kib * 1024 / 1e6, err
		}
	}
	return 0, errors.New("the system does not tell a process's resident set")
}
