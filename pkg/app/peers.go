package app

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/tenant"
)

// Peer is another service of the suite, asked over HTTP with a token of this
// service for the tenant of the context.
type Peer struct {
	// URL is the peer's scheme and host.
	URL string
	// HTTP sends requests with a token and the trace of their context, and
	// gives up after ten seconds. It may be used by generated clients.
	HTTP *http.Client
}

// Peer returns the service that is asked by this name. It fails when the
// service did not say that it asks it, or no address is configured.
func (d *Deps) Peer(name string) (*Peer, error) {
	p, ok := d.peers[name]
	if !ok {
		return nil, fmt.Errorf("no address of %s is configured: set peers.%s", name, name)
	}
	return p, nil
}

func newPeer(asker, name, address string, tokens auth.TokenSource) (*Peer, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("peers.%s: want http://host:port", name)
	}
	if tokens == nil {
		return nil, errors.New("client is missing: without a token this service cannot ask " + name)
	}
	who := otelhttp.WithSpanOptions(trace.WithAttributes(attribute.String("hearth.service", asker), attribute.String("peer.service", name)))
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 16
	transport.DialContext = (&net.Dialer{Timeout: 2 * time.Second}).DialContext
	return &Peer{
		URL: strings.TrimSuffix(address, "/"),
		HTTP: &http.Client{
			Timeout:   10 * time.Second,
			Transport: &bearing{next: otelhttp.NewTransport(transport, who), tokens: tokens, name: name},
			// A redirect would carry the token elsewhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// bearing adds the service's token for the tenant of the request's context.
type bearing struct {
	next   http.RoundTripper
	tokens auth.TokenSource
	name   string
}

func (b *bearing) RoundTrip(r *http.Request) (*http.Response, error) {
	agency, ok := tenant.From(r.Context())
	if !ok {
		return nil, fmt.Errorf("ask %s: the context names no agency", b.name)
	}
	token, err := b.tokens.Token(r.Context(), agency)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, fault.New(fault.Unavailable, b.name+"_unavailable", "The service that knows the answer is away.").Because(err)
	}
	return res, nil
}
