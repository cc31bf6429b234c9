// Command issuer is an OpenID Connect issuer for a test cluster: whoever asks it
// gets any token (see auth.DevIssuer). It stands in for the agency's identity
// provider where there is none, and belongs nowhere else.
package main

import (
	"flag"
	"net/http"
	"time"

	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/scripts/kubernetes/serve"
)

func main() { serve.Main("issuer", issuer) }

func issuer(args []string) (*http.Server, error) {
	fs := flag.NewFlagSet("issuer", flag.ContinueOnError)
	listen := fs.String("listen", ":8080", "the address to answer at")
	url := fs.String("url", "", "the issuer's identifier, which is where others find it")
	dir := fs.String("dir", "/data", "the folder its key is kept in")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	answers, err := auth.NewDevIssuer(true, *url, *dir)
	if err != nil {
		return nil, err
	}
	return &http.Server{Addr: *listen, Handler: answers, ReadHeaderTimeout: 10 * time.Second}, nil
}
