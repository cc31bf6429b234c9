// Package serve is the main of the programs that stand in for something in a test
// cluster and answer HTTP.
package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Main serves what of makes of the program's arguments until the program is told to
// end, and exits with 1 when that goes wrong.
func Main(name string, of func(args []string) (*http.Server, error)) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server, err := of(os.Args[1:])
	if err == nil {
		err = until(ctx, server)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, name+":", err)
		os.Exit(1)
	}
}

// until serves until ctx ends, by TLS where the server has a configuration of it. What
// is being answered then has 5 s more.
func until(ctx context.Context, server *http.Server) error {
	ended := make(chan error, 1)
	go func() {
		if server.TLSConfig != nil {
			ended <- server.ListenAndServeTLS("", "")
		} else {
			ended <- server.ListenAndServe()
		}
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(end); err != nil {
		return err
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
