package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
)

// askAgain is how long an issuer is left alone after it was asked for its keys.
const askAgain = 10 * time.Second

// awayKey finds where remoteKeys notes that the issuer did not answer: go-oidc
// keeps only the text of a key set's error.
type awayKey struct{}

// remoteKeys verifies signatures by the keys an issuer publishes. go-oidc's own
// key set asks the issuer again for every token with a bad signature, which lets
// anyone make us hammer it.
type remoteKeys struct {
	issuer string
	client *http.Client
	now    func() time.Time

	asking sync.Mutex // held by the one that asks the issuer
	asked  time.Time
	err    error // of the last time it was asked

	mu   sync.Mutex
	keys []jose.JSONWebKey
}

func newRemoteKeys(issuer string) *remoteKeys {
	return &remoteKeys{issuer: issuer, client: &http.Client{Timeout: 10 * time.Second}, now: time.Now}
}

// VerifySignature implements oidc.KeySet.
func (k *remoteKeys) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	jws, err := jose.ParseSigned(jwt, algorithms())
	if err != nil || len(jws.Signatures) != 1 {
		return nil, errors.New("it is no token with one signature")
	}
	if payload, ok := k.verify(jws); ok {
		return payload, nil
	}
	// One asks for the keys; all others who need new ones wait for that.
	k.asking.Lock()
	defer k.asking.Unlock()
	if payload, ok := k.verify(jws); ok {
		return payload, nil
	}
	if k.now().Sub(k.asked) < askAgain {
		return k.fail(ctx)
	}
	k.asked = k.now()
	var keys []jose.JSONWebKey
	if keys, k.err = k.fetch(ctx); k.err == nil {
		k.mu.Lock()
		k.keys = keys
		k.mu.Unlock()
	}
	if payload, ok := k.verify(jws); ok {
		return payload, nil
	}
	return k.fail(ctx)
}

func (k *remoteKeys) held() []jose.JSONWebKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.keys
}

// fail tells a token that does not verify from an issuer that is away: without
// any key of it nobody can say which it is.
func (k *remoteKeys) fail(ctx context.Context) ([]byte, error) {
	if k.err != nil && len(k.held()) == 0 {
		if away, ok := ctx.Value(awayKey{}).(*error); ok {
			*away = k.err
		}
		return nil, k.err
	}
	return nil, errors.New("no key of the issuer verifies it")
}

func (k *remoteKeys) verify(jws *jose.JSONWebSignature) ([]byte, bool) {
	id := jws.Signatures[0].Header.KeyID
	for _, key := range k.held() {
		if id != "" && key.KeyID != id {
			continue
		}
		if payload, err := jws.Verify(&key); err == nil {
			return payload, true
		}
	}
	return nil, false
}

// fetch discovers where the issuer's keys are, and reads them.
func (k *remoteKeys) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	// The first request to need the keys may give up; the others still need them.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, k.client), k.issuer)
	if err != nil {
		return nil, fmt.Errorf("discover issuer %s: %w", k.issuer, err)
	}
	var document struct {
		JWKS string `json:"jwks_uri"`
	}
	if err := provider.Claims(&document); err != nil {
		return nil, fmt.Errorf("discover issuer %s: %w", k.issuer, err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, document.JWKS, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("keys of issuer %s: %w", k.issuer, err)
	}
	response, err := k.client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("keys of issuer %s: %w", k.issuer, err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("keys of issuer %s: status %d", k.issuer, response.StatusCode)
	}
	var set jose.JSONWebKeySet
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&set); err != nil {
		return nil, fmt.Errorf("keys of issuer %s: %w", k.issuer, err)
	}
	return set.Keys, nil
}

// algorithms is every algorithm that may ever be allowed; the verifier has
// checked the token's against the issuer's own list before.
func algorithms() []jose.SignatureAlgorithm {
	all := make([]jose.SignatureAlgorithm, len(knownAlgorithms))
	for i, a := range knownAlgorithms {
		all[i] = jose.SignatureAlgorithm(a)
	}
	return all
}
