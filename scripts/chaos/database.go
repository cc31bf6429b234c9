package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"syscall"

	"github.com/hearthfps/hearth/pkg/postgres/launch"
	"github.com/hearthfps/hearth/pkg/testkit/parts"
)

// database is a durable PostgreSQL that keeps its port over a kill.
type database struct {
	options launch.Options

	mu     sync.Mutex
	server *launch.Server
	up     bool
}

func newDatabase(dir string) (*database, error) {
	addr, err := parts.FreeAddr()
	if err != nil {
		return nil, err
	}
	_, text, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(text)
	return &database{options: launch.Options{Dir: dir, Port: port}}, err
}

// Start starts the server, which recovers from whatever end it had.
func (d *database) Start(ctx context.Context) error {
	server, err := launch.Start(ctx, d.options)
	if err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.server, d.up = server, true
	return nil
}

// Kill sends SIGKILL to the server's first process; the others end by themselves.
func (d *database) Kill() {
	d.mu.Lock()
	defer d.mu.Unlock()
	// It is our own child and runs, so the id is its own.
	_ = syscall.Kill(d.server.PID(), syscall.SIGKILL)
	// Close finds nothing to stop, and gives the folder back for the next start.
	_ = d.server.Close()
	d.up = false
}

// Running reports whether the server was started and not killed since.
func (d *database) Running() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.up
}

func (d *database) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.up {
		return nil
	}
	d.up = false
	return errors.Join(d.server.Close())
}
