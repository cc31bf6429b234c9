// Command issuer is an OpenID Connect issuer for a test cluster: whoever asks it
// gets any token (see auth.DevIssuer). It stands in for the agency's identity
// provider where there is none, and belongs nowhere else.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/hearthfps/hearth/pkg/auth"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "issuer:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("issuer", flag.ContinueOnError)
	listen := fs.String("listen", ":8080", "the address to answer at")
	url := fs.String("url", "", "the issuer's identifier, which is where others find it")
	dir := fs.String("dir", "/data", "the folder its key is kept in")
	if err := fs.Parse(args); err != nil {
		return err
	}
	issuer, err := auth.NewDevIssuer(true, *url, *dir)
	if err != nil {
		return err
	}
	server := &http.Server{Addr: *listen, Handler: issuer, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.ListenAndServe() }()
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
