// Command hearth runs the whole suite in one process, and helps to try it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/hearthfps/hearth/services/hearth"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(hearth.Main(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
