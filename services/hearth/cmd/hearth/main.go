// Command hearth runs the whole suite in one process, and helps to try it.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/hearthfps/hearth/services/hearth"
)

func main() {
	// The six services share a small heap that collecting at 100 % would go
	// through many times a second under load.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(hearth.Main(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
